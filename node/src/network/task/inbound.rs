//! What peers send: charged to their rate, queued for the host, acknowledged.

use super::{
    super::{
        Acceptance, FrameError, GossipId, NetworkEvent, PeerId, Refusal, RequestError,
        ResponseHandle,
        behaviour::BehaviourEvent,
        counters::count,
        frame::Frame,
        gossip::{GossipEvent, to_all_hash, topic_hash},
        one_way::OneWayEvent,
        peers::Size,
    },
    ACKNOWLEDGEMENT, Task,
};
use bytes::Bytes;
use futures::FutureExt;
use libp2p::{
    gossipsub, ping,
    request_response::{self, Message, OutboundFailure, OutboundRequestId, ResponseChannel},
};
use std::io;
use tokio::{sync::oneshot, time::Instant};

/// What a request-response protocol of this room reports.
type ExchangeEvent = request_response::Event<Frame, Bytes>;

impl Task {
    pub(super) fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Ping(event) => self.on_ping(event),
            BehaviourEvent::Small(event) => self.on_small(event),
            BehaviourEvent::Large(event) => self.on_large(event),
            BehaviourEvent::Requests(event) => self.on_exchange(event),
            BehaviourEvent::Gossip(GossipEvent::Frame(peer)) => {
                self.charge(peer, 1, 0);
            }
            BehaviourEvent::Gossip(GossipEvent::Inner(event)) => self.on_gossip(event),
            BehaviourEvent::Admission(never) => match never {},
            BehaviourEvent::Connections(never) => match never {},
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Ok(_) => self.prove(event.peer, event.connection),
            Err(error) => {
                tracing::debug!(peer = %event.peer, %error, "ping failed");
                if self.swarm.close_connection(event.connection) {
                    self.refuse(Some(event.peer), Refusal::Unresponsive);
                }
            }
        }
    }

    fn on_small(&mut self, event: OneWayEvent) {
        match event {
            OneWayEvent::Received {
                peer,
                connection,
                frame,
            } => {
                self.prove(peer, connection);
                self.take_message(peer, frame);
            }
            OneWayEvent::Sent(peer) => self.finish(peer, Size::Small),
            OneWayEvent::Failed(peer) => {
                tracing::debug!(%peer, "consensus message not sent");
                count(&self.counters.failed_out, 1);
                self.finish(peer, Size::Small);
            }
        }
    }

    fn on_large(&mut self, event: ExchangeEvent) {
        match event {
            ExchangeEvent::Message {
                peer,
                connection_id,
                message,
            } => {
                self.prove(peer, connection_id);
                match message {
                    Message::Request {
                        request, channel, ..
                    } => {
                        // Dropping the channel leaves the message unacknowledged.
                        if self.take_message(peer, request) {
                            let large = &mut self.swarm.behaviour_mut().large;
                            // An error says that the sender is gone.
                            let _ = large.send_response(channel, ACKNOWLEDGEMENT);
                        }
                    }
                    Message::Response { .. } => {
                        count(&self.counters.acknowledged, 1);
                        self.finish(peer, Size::Large);
                    }
                }
            }
            ExchangeEvent::OutboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "consensus message not acknowledged");
                count(&self.counters.failed_out, 1);
                self.finish(peer, Size::Large);
            }
            ExchangeEvent::InboundFailure { .. } | ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    /// Charges a consensus message and queues it for the host; whether it was.
    fn take_message(&mut self, from: PeerId, frame: Frame) -> bool {
        match self.accept(from, frame) {
            Some(bytes) => self.hand_over(from, bytes.len(), NetworkEvent::Message { from, bytes }),
            None => false,
        }
    }

    /// One message on a lane has arrived or failed: the next may go.
    fn finish(&mut self, peer: PeerId, size: Size) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.lane(size).finish();
            self.advance(peer, size);
        }
    }

    fn on_exchange(&mut self, event: ExchangeEvent) {
        match event {
            ExchangeEvent::Message {
                peer,
                connection_id,
                message,
            } => {
                self.prove(peer, connection_id);
                match message {
                    Message::Request {
                        request, channel, ..
                    } => self.on_request(peer, request, channel),
                    Message::Response {
                        request_id,
                        response,
                    } => self.answer(peer, request_id, Ok(response)),
                }
            }
            ExchangeEvent::OutboundFailure {
                peer,
                request_id,
                error,
                ..
            } => {
                tracing::debug!(%peer, %error, "request failed");
                count(&self.counters.failed_out, 1);
                self.answer(peer, request_id, Err(request_error(&error)));
            }
            ExchangeEvent::InboundFailure { .. } | ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    fn on_request(&mut self, from: PeerId, frame: Frame, channel: ResponseChannel<Bytes>) {
        let Some(bytes) = self.accept(from, frame) else {
            return;
        };
        let (reply, answer) = oneshot::channel();
        let respond = ResponseHandle {
            reply,
            limit: self.limits.response,
        };
        let length = bytes.len();
        let request = NetworkEvent::Request {
            from,
            bytes,
            respond,
        };
        if self.hand_over(from, length, request) {
            self.replies
                .push(answer.map(|reply| (channel, reply.ok())).boxed());
        }
    }

    /// Gives the host what its request led to.
    fn answer(
        &mut self,
        peer: PeerId,
        request: OutboundRequestId,
        result: Result<Bytes, RequestError>,
    ) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.requests = state.requests.saturating_sub(1);
        }
        if let Some(waiting) = self.asked.remove(&request) {
            // An error says that the host no longer waits.
            let _ = waiting.send(result);
        }
    }

    fn on_gossip(&mut self, event: gossipsub::Event) {
        let (from, message_id, message) = match event {
            gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            } => (propagation_source, message_id, message),
            gossipsub::Event::Subscribed { peer_id, topic, .. } if topic == topic_hash() => {
                return self.note_reached(peer_id, true);
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } if topic == topic_hash() => {
                return self.note_reached(peer_id, false);
            }
            _ => return,
        };
        let id = GossipId {
            message: message_id,
            from,
            was_sent_to_all: message.topic == to_all_hash(),
        };
        let length = message.data.len();
        if !id.was_sent_to_all && message.topic != topic_hash() {
            return self.judge(&id, Acceptance::Reject);
        }
        let gossip = NetworkEvent::Gossip {
            id: id.clone(),
            from,
            bytes: Bytes::from(message.data),
        };
        // The frame was charged as one message; its content is charged by its bytes.
        if !self.charge(from, 0, length) || !self.hand_over(from, length, gossip) {
            self.judge(&id, Acceptance::Ignore);
        }
    }

    /// Whether gossip reaches a peer: it has said that it takes transactions, and is still connected.
    pub(super) fn note_reached(&mut self, peer: PeerId, takes_gossip: bool) {
        // A word from a connection that has ended says nothing of the next one.
        let is_reached = takes_gossip && self.swarm.is_connected(&peer);
        self.reached.send_if_modified(|reached| match is_reached {
            true => reached.insert(peer),
            false => reached.remove(&peer),
        });
    }

    /// Charges a frame to its sender; none if it must not be used.
    fn accept(&mut self, from: PeerId, frame: Frame) -> Option<Bytes> {
        let length = frame.as_ref().map_or(0, Bytes::len);
        if !self.charge(from, 1, length) {
            return None;
        }
        match frame {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.refuse(Some(from), Refusal::Frame(error));
                None
            }
        }
    }

    /// Charges a peer's rate; false if what it sent must not be used.
    fn charge(&mut self, peer: PeerId, messages: u32, bytes: usize) -> bool {
        let now = Instant::now();
        let Some(state) = self.peers.get_mut(&peer) else {
            return false;
        };
        if state.suspended_until.is_some_and(|until| now < until) {
            return false;
        }
        let within = state.bucket.take(messages, bytes, now);
        if !within {
            self.suspend(peer, Refusal::RateExceeded, now);
        }
        within
    }

    /// Queues an event for the host on its sender's account; false if there was no room.
    fn hand_over(&mut self, from: PeerId, length: usize, event: NetworkEvent) -> bool {
        let Some(state) = self.peers.get(&from) else {
            return false;
        };
        let queued = self.events.push(event, length, &state.account);
        if queued {
            count(&self.counters.messages_in, 1);
            count(&self.counters.bytes_in, length);
        } else {
            count(&self.counters.dropped_in, 1);
        }
        queued
    }
}

/// What a failed request means to the host.
fn request_error(failure: &OutboundFailure) -> RequestError {
    match failure {
        OutboundFailure::DialFailure => RequestError::NotConnected,
        OutboundFailure::Timeout => RequestError::TimedOut,
        OutboundFailure::ConnectionClosed => RequestError::Disconnected,
        OutboundFailure::UnsupportedProtocols => RequestError::Unanswered,
        OutboundFailure::Io(error) => match frame_error(error) {
            // The stream ended without a byte of an answer.
            None | Some(FrameError::Truncated) => RequestError::Unanswered,
            Some(error) => RequestError::Frame(error),
        },
    }
}

fn frame_error(error: &io::Error) -> Option<FrameError> {
    error.get_ref()?.downcast_ref::<FrameError>().copied()
}
