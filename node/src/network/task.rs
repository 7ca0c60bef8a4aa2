//! The one task that drives the swarm: takes the host's commands, and turns what the swarm reports
//! into events for the host. It never waits for the host.

mod connections;
mod inbound;

use super::{
    Acceptance, Counters, GossipId, Multiaddr, NetworkError, NetworkEvent, NetworkEvents,
    NetworkHandle, NetworkLimits, Peer, PeerId, Refusal, RequestError,
    behaviour::{Behaviour, SMALL_MESSAGE},
    counters::count,
    handle::Command,
    peers::{PeerState, Size},
    queue::{EventSender, QueueAccount, event_queue},
};
use bytes::Bytes;
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::{
    Swarm,
    request_response::{OutboundRequestId, ResponseChannel},
    swarm::SwarmEvent,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry},
    sync::Arc,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, Instant, MissedTickBehavior},
};

/// Commands that may wait for the task.
const COMMANDS: usize = 256;

/// Connections opened and closed that may wait for the host. Beyond, they are told by
/// [`NetworkHandle::connected`] only.
const LIFECYCLE_NOTICES: usize = 4096;

/// Refusals that may wait for the host. Strangers cause them, so they get little room.
const REFUSAL_NOTICES: usize = 256;

/// How often the peers to be dialed are looked for.
const DIAL_CLOCK: Duration = Duration::from_millis(50);

/// The response that acknowledges a large consensus message.
const ACKNOWLEDGEMENT: Bytes = Bytes::new();

/// An answer on its way from the host to a peer; none if the host dropped the request.
type Reply = BoxFuture<'static, (ResponseChannel<Bytes>, Option<Bytes>)>;

/// The swarm and all that is kept beside it.
pub(super) struct Task {
    // First, so that sockets are closed before the handle learns that the task ended.
    swarm: Swarm<Behaviour>,
    peers: BTreeMap<PeerId, PeerState>,
    /// Requests of the host that wait for their answers.
    asked: HashMap<OutboundRequestId, oneshot::Sender<Result<Bytes, RequestError>>>,
    /// Requests of peers that wait for the host.
    replies: FuturesUnordered<Reply>,
    events: EventSender,
    lifecycle: Arc<QueueAccount>,
    refusals: Arc<QueueAccount>,
    /// Whether validators shall be connected more than once.
    has_several_ways: bool,
    connected: watch::Sender<BTreeSet<PeerId>>,
    /// Peers that gossip reaches.
    reached: watch::Sender<BTreeSet<PeerId>>,
    listening: watch::Sender<Vec<Multiaddr>>,
    counters: Arc<Counters>,
    limits: NetworkLimits,
    commands: mpsc::Receiver<Command>,
}

/// A task that does not run yet, and the host's ends.
pub(super) fn assemble(
    swarm: Swarm<Behaviour>,
    limits: NetworkLimits,
) -> (Task, NetworkHandle, NetworkEvents) {
    let (command_sender, commands) = mpsc::channel(COMMANDS);
    let (events, event_receiver) = event_queue();
    let connected = watch::Sender::new(BTreeSet::new());
    let reached = watch::Sender::new(BTreeSet::new());
    let listening = watch::Sender::new(Vec::new());
    let counters = Arc::new(Counters::default());
    let handle = NetworkHandle {
        commands: command_sender,
        counters: Arc::clone(&counters),
        connected: connected.subscribe(),
        reached: reached.subscribe(),
        listening: listening.subscribe(),
        local: *swarm.local_peer_id(),
        limits,
    };
    let task = Task {
        swarm,
        peers: BTreeMap::new(),
        asked: HashMap::new(),
        replies: FuturesUnordered::new(),
        events,
        lifecycle: QueueAccount::new(LIFECYCLE_NOTICES, 0),
        refusals: QueueAccount::new(REFUSAL_NOTICES, 0),
        has_several_ways: false,
        connected,
        reached,
        listening,
        counters,
        limits,
        commands,
    };
    (task, handle, event_receiver)
}

impl Task {
    /// Listens on each address, returning once all of them accept connections.
    pub async fn listen(&mut self, addresses: Vec<Multiaddr>) -> Result<(), NetworkError> {
        for address in addresses {
            let failed = |reason: String| NetworkError::Listen {
                address: address.clone(),
                reason,
            };
            let listener = self
                .swarm
                .listen_on(address.clone())
                .map_err(|error| failed(error.to_string()))?;
            loop {
                let event = self.swarm.select_next_some().await;
                let listens = match &event {
                    SwarmEvent::NewListenAddr { listener_id, .. } => *listener_id == listener,
                    _ => false,
                };
                match &event {
                    SwarmEvent::ListenerError { listener_id, error }
                        if *listener_id == listener =>
                    {
                        return Err(failed(error.to_string()));
                    }
                    SwarmEvent::ListenerClosed {
                        listener_id,
                        reason,
                        ..
                    } if *listener_id == listener => {
                        return Err(failed(format!("{reason:?}")));
                    }
                    _ => self.on_swarm_event(event),
                }
                if listens {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Runs until the host shuts it down or drops its ends, or a port closes: a node that no peer can come to ends.
    pub async fn run(mut self) {
        let mut dial_clock = tokio::time::interval(DIAL_CLOCK);
        dial_clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                command = self.commands.recv() => match command {
                    None | Some(Command::Shutdown) => return,
                    Some(command) => self.obey(command),
                },
                event = self.swarm.select_next_some() => {
                    let has_closed = matches!(event, SwarmEvent::ListenerClosed { .. });
                    self.on_swarm_event(event);
                    if has_closed {
                        return;
                    }
                }
                Some((channel, reply)) = self.replies.next() => self.reply(channel, reply),
                _ = dial_clock.tick() => {
                    self.dial_due();
                    self.dial_ways();
                }
                () = self.events.closed() => return,
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Broadcast(bytes) => self.broadcast(&bytes),
            Command::Send(peer, bytes) => self.send(peer, bytes),
            Command::Gossip(bytes) => self.publish(bytes),
            Command::Request { peer, bytes, reply } => self.ask(peer, bytes, reply),
            Command::JudgeGossip(id, acceptance) => self.judge(&id, acceptance),
            Command::SetPeers(peers) => self.set_peers(peers),
            Command::SeveralWays(several) => {
                self.has_several_ways = several;
                self.swarm.behaviour_mut().small.use_all_ways(several);
            }
            Command::Suspend(peer) => self.suspend(peer, Refusal::Useless, Instant::now()),
            // `run` ends on it.
            Command::Shutdown => {}
        }
    }

    /// Replaces the list of peers; see [`NetworkHandle::set_peers`].
    pub fn set_peers(&mut self, peers: Vec<Peer>) {
        let now = Instant::now();
        let local = *self.swarm.local_peer_id();
        let peers: Vec<Peer> = peers.into_iter().filter(|peer| peer.id != local).collect();
        let listed: BTreeSet<PeerId> = peers.iter().map(|peer| peer.id).collect();
        let addresses = peers.iter().flat_map(|peer| &peer.addresses);
        self.swarm
            .behaviour_mut()
            .admission
            .set_listed(listed.clone(), addresses);

        let removed: Vec<PeerId> = self
            .peers
            .keys()
            .filter(|peer| !listed.contains(*peer))
            .copied()
            .collect();
        for peer in removed {
            let was_connected = self.peers.remove(&peer).is_some_and(|s| s.is_connected());
            // An error says that there is no connection to close.
            let _ = self.swarm.disconnect_peer_id(peer);
            if was_connected {
                self.note_disconnected(peer);
            }
        }
        for peer in peers {
            match self.peers.entry(peer.id) {
                Entry::Vacant(vacant) => {
                    vacant.insert(PeerState::new(peer, &self.limits, now));
                }
                Entry::Occupied(mut known) => known.get_mut().relist(peer, now),
            }
        }
    }

    fn broadcast(&mut self, bytes: &Bytes) {
        let validators: Vec<PeerId> = self
            .peers
            .iter()
            .filter(|(_, state)| state.validator)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in validators {
            self.send(peer, bytes.clone());
        }
    }

    fn send(&mut self, peer: PeerId, bytes: Bytes) {
        let size = if bytes.len() <= SMALL_MESSAGE {
            Size::Small
        } else {
            Size::Large
        };
        let Some(state) = self.peers.get_mut(&peer).filter(|s| s.is_connected()) else {
            count(&self.counters.dropped_out, 1);
            return;
        };
        let gone = state.lane(size).push(bytes, &self.limits);
        count(&self.counters.dropped_out, gone);
        self.advance(peer, size);
    }

    /// Sends what a lane has room for.
    fn advance(&mut self, peer: PeerId, size: Size) {
        let behaviour = self.swarm.behaviour_mut();
        let is_connected = match size {
            Size::Small => behaviour.small.is_connected(&peer),
            // To a peer that is gone, the protocol would dial on its own account.
            Size::Large => behaviour.large.is_connected(&peer),
        };
        let Some(state) = self.peers.get_mut(&peer).filter(|_| is_connected) else {
            return;
        };
        while let Some(bytes) = state.lane(size).start() {
            count(&self.counters.messages_out, 1);
            count(&self.counters.bytes_out, bytes.len());
            match size {
                Size::Small => behaviour.small.send(&peer, bytes),
                Size::Large => _ = behaviour.large.send_request(&peer, Ok(bytes)),
            }
        }
    }

    fn publish(&mut self, bytes: Bytes) {
        let length = bytes.len();
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        // Where messages come late again and again, the way around by another may be the shorter one.
        match gossip.publish(bytes, self.peers.keys(), !self.has_several_ways) {
            Ok(()) => {
                count(&self.counters.messages_out, 1);
                count(&self.counters.bytes_out, length);
            }
            Err(error) => {
                tracing::debug!(%error, "gossip not published");
                count(&self.counters.dropped_out, 1);
            }
        }
    }

    fn judge(&mut self, id: &GossipId, acceptance: Acceptance) {
        self.swarm.behaviour_mut().gossip.judge(id, acceptance);
    }

    fn ask(
        &mut self,
        peer: PeerId,
        bytes: Bytes,
        reply: oneshot::Sender<Result<Bytes, RequestError>>,
    ) {
        let refused = match self.peers.get_mut(&peer).filter(|s| s.is_connected()) {
            None => Some(RequestError::NotConnected),
            Some(state) if state.requests >= self.limits.request_streams / 2 => {
                Some(RequestError::Busy)
            }
            Some(state) => {
                state.requests += 1;
                None
            }
        };
        if let Some(error) = refused {
            count(&self.counters.dropped_out, 1);
            // An error says that the host no longer waits.
            let _ = reply.send(Err(error));
            return;
        }
        count(&self.counters.messages_out, 1);
        count(&self.counters.bytes_out, bytes.len());
        let requests = &mut self.swarm.behaviour_mut().requests;
        self.asked
            .insert(requests.send_request(&peer, Ok(bytes)), reply);
    }

    fn reply(&mut self, channel: ResponseChannel<Bytes>, reply: Option<Bytes>) {
        // A channel dropped without an answer closes the stream, which tells the peer.
        if let Some(bytes) = reply {
            // An error says that the peer is gone or waited too long.
            let _ = self
                .swarm
                .behaviour_mut()
                .requests
                .send_response(channel, bytes);
        }
    }

    /// Counts a refusal and tells the host, if there is room.
    fn refuse(&self, peer: Option<PeerId>, reason: Refusal) {
        tracing::debug!(?peer, %reason, "refused");
        count(&self.counters.refused, 1);
        self.events
            .push(NetworkEvent::Refused { peer, reason }, 0, &self.refusals);
    }
}
