//! Messages one way, over a stream of each connection that stays open: frames, written when their turn comes. A stream
//! for each message with an acknowledgement, as request and response have it, costs more than most messages.
//!
//! Where messages come late again and again, each goes over all connections to a peer: on the first as ever, on the
//! others as a copy of which nothing is told.
//!
//! A message is [`OneWayEvent::Sent`] once the transport has taken it. Whether it arrives is not known: who needs to
//! know is answered by another message.

mod handler;

use self::handler::{Handler, HandlerEvent, OneWayMessage};
use super::frame::Frame;
use bytes::Bytes;
use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour,
        NotifyHandler, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        behaviour::ConnectionEstablished,
    },
};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

/// What becomes of messages.
#[derive(Debug)]
pub(super) enum OneWayEvent {
    /// A peer sent a frame.
    Received {
        peer: PeerId,
        connection: ConnectionId,
        frame: Frame,
    },
    /// The transport has taken a message.
    Sent(PeerId),
    /// A message was not sent, or only in part: the connection or the stream ended, or the peer read nothing for long.
    Failed(PeerId),
}

/// One protocol of such messages.
pub(super) struct OneWay {
    protocol: StreamProtocol,
    /// Largest message, in bytes.
    limit: usize,
    /// How long a peer may take to read a message.
    patience: Duration,
    /// Messages under way on each connection of each peer.
    connections: HashMap<PeerId, BTreeMap<ConnectionId, usize>>,
    events: VecDeque<ToSwarm<OneWayEvent, OneWayMessage>>,
    /// Whether messages go over all connections.
    uses_all_ways: bool,
}

impl OneWay {
    pub fn new(protocol: StreamProtocol, limit: usize, patience: Duration) -> OneWay {
        OneWay {
            protocol,
            limit,
            patience,
            connections: HashMap::new(),
            events: VecDeque::new(),
            uses_all_ways: false,
        }
    }

    /// Whether the peer can be sent to.
    pub fn is_connected(&self, peer: &PeerId) -> bool {
        self.connections.contains_key(peer)
    }

    /// Sends over all connections to a peer from now on, or over one.
    pub fn use_all_ways(&mut self, all: bool) {
        self.uses_all_ways = all;
    }

    /// Sends to a connected peer, after what it was sent before.
    pub fn send(&mut self, peer: &PeerId, message: Bytes) {
        let connections = self.connections.get_mut(peer);
        let mut connections = connections.into_iter().flatten();
        let Some((connection, under_way)) = connections.next() else {
            let failed = ToSwarm::GenerateEvent(OneWayEvent::Failed(*peer));
            return self.events.push_back(failed);
        };
        *under_way += 1;
        let notify = |connection: &ConnectionId, event| ToSwarm::NotifyHandler {
            peer_id: *peer,
            handler: NotifyHandler::One(*connection),
            event,
        };
        let first = notify(connection, OneWayMessage::First(message.clone()));
        self.events.push_back(first);
        if self.uses_all_ways {
            let others = connections.map(|(connection, _)| connection);
            let copies = others.map(|other| notify(other, OneWayMessage::Copy(message.clone())));
            self.events.extend(copies);
        }
    }

    fn handler(&self) -> Handler {
        Handler::new(self.protocol.clone(), self.limit, self.patience)
    }

    fn on_closed(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(connections) = self.connections.get_mut(&peer) else {
            return;
        };
        let lost = connections.remove(&connection).unwrap_or_default();
        if connections.is_empty() {
            self.connections.remove(&peer);
        }
        let failed = || ToSwarm::GenerateEvent(OneWayEvent::Failed(peer));
        self.events
            .extend(std::iter::repeat_with(failed).take(lost));
    }

    /// A message is no longer under way.
    fn done(&mut self, peer: &PeerId, connection: ConnectionId) {
        let connections = self.connections.get_mut(peer);
        if let Some(under_way) = connections.and_then(|c| c.get_mut(&connection)) {
            *under_way = under_way.saturating_sub(1);
        }
    }
}

impl NetworkBehaviour for OneWay {
    type ConnectionHandler = Handler;
    type ToSwarm = OneWayEvent;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler())
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id,
                connection_id,
                ..
            }) => {
                let connections = self.connections.entry(peer_id).or_default();
                connections.insert(connection_id, 0);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id,
                connection_id,
                ..
            }) => self.on_closed(peer_id, connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let event = match event {
            HandlerEvent::Received(frame) => OneWayEvent::Received {
                peer,
                connection,
                frame,
            },
            HandlerEvent::Sent => {
                self.done(&peer, connection);
                OneWayEvent::Sent(peer)
            }
            HandlerEvent::Failed => {
                self.done(&peer, connection);
                OneWayEvent::Failed(peer)
            }
        };
        self.events.push_back(ToSwarm::GenerateEvent(event));
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // Events come from the swarm and from the task that drives it, which poll afterwards.
        match self.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        }
    }
}
