//! Connections coming and going, and whom to dial.

use super::{
    super::{
        NetworkEvent, PeerId, Refusal, behaviour::BehaviourEvent, counters::count,
        peer_admission::Denied,
    },
    Task,
};
use libp2p::{
    TransportError, connection_limits, noise,
    swarm::{
        ConnectionDenied, ConnectionId, DialError, ListenError, SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use std::{error::Error, io};
use tokio::time::{Duration, Instant};

/// How long further connections to a peer may take until those that are missing are dialed again.
const WAYS_PAUSE: Duration = Duration::from_secs(5);

impl Task {
    pub(super) fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id,
                connection_id,
                endpoint,
                ..
            } => self.on_established(peer_id, connection_id, endpoint.is_dialer()),
            SwarmEvent::ConnectionClosed {
                peer_id,
                connection_id,
                endpoint,
                num_established,
                ..
            } => {
                if num_established == 0 {
                    self.note_reached(peer_id, false);
                }
                self.on_closed(peer_id, connection_id, endpoint.is_dialer());
            }
            SwarmEvent::IncomingConnectionError { peer_id, error, .. } => {
                if let Some(reason) = incoming_refusal(&error) {
                    self.refuse(peer_id, reason);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer),
                error,
                ..
            } => self.on_dial_error(peer, &error),
            SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => {
                let addresses = self.swarm.listeners().cloned().collect();
                self.listening.send_replace(addresses);
            }
            SwarmEvent::ListenerClosed {
                addresses, reason, ..
            } => {
                tracing::error!(?addresses, ?reason, "a listener closed");
            }
            _ => {}
        }
    }

    fn on_established(&mut self, peer: PeerId, connection: ConnectionId, dialed: bool) {
        let Some(state) = self.peers.get_mut(&peer) else {
            // Taken off the list since admission looked.
            self.swarm.close_connection(connection);
            return;
        };
        if state.connections.is_empty() {
            state.dials_ways = dialed;
        }
        state.connections.insert(connection, false);
        state.dial_at = None;
    }

    /// The peer has answered or sent something on this connection, so it has admitted us too.
    pub(super) fn prove(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        let was_connected = state.is_connected();
        let Some(proved) = state.connections.get_mut(&connection) else {
            return;
        };
        *proved = true;
        if !was_connected {
            state.attempts = 0;
            self.connected.send_modify(|connected| {
                connected.insert(peer);
            });
            self.events
                .push(NetworkEvent::PeerConnected(peer), 0, &self.lifecycle);
        }
    }

    fn on_closed(&mut self, peer: PeerId, connection: ConnectionId, dialed: bool) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        let was_connected = state.is_connected();
        let proved = state.connections.remove(&connection).unwrap_or(true);
        let lost = was_connected && !state.is_connected();
        state.plan_dial(&peer, &self.limits, Instant::now());
        if lost {
            let gone = state.small.clear() + state.large.clear();
            count(&self.counters.dropped_out, gone);
            self.note_disconnected(peer);
        }
        if dialed && !proved {
            self.refuse(Some(peer), Refusal::ClosedByPeer);
        }
    }

    pub(super) fn note_disconnected(&mut self, peer: PeerId) {
        self.connected.send_modify(|connected| {
            connected.remove(&peer);
        });
        self.events
            .push(NetworkEvent::PeerDisconnected(peer), 0, &self.lifecycle);
    }

    fn on_dial_error(&mut self, peer: PeerId, error: &DialError) {
        tracing::debug!(%peer, %error, "dial failed");
        count(&self.counters.dial_failures, 1);
        if let Some(state) = self.peers.get_mut(&peer) {
            state.plan_dial(&peer, &self.limits, Instant::now());
        }
        if let Some(reason) = dial_refusal(error) {
            self.refuse(Some(peer), reason);
        }
    }

    /// Dials every peer whose time has come.
    pub(super) fn dial_due(&mut self) {
        let now = Instant::now();
        for (peer, state) in &mut self.peers {
            if state.dial_at.is_none_or(|at| now < at) {
                continue;
            }
            state.dial_at = None;
            let options = DialOpts::peer_id(*peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(state.addresses.clone())
                // Reusing the listening port makes quick redials collide with closing connections.
                .allocate_new_port()
                .build();
            if let Err(error) = self.swarm.dial(options) {
                tracing::debug!(%peer, %error, "dial not started");
                state.plan_dial(peer, &self.limits, now);
            }
        }
    }

    /// Dials the connections to validators that there shall be more of. Who dialed the first one does.
    pub(super) fn dial_ways(&mut self) {
        if !self.has_several_ways {
            return;
        }
        let now = Instant::now();
        for (peer, state) in &mut self.peers {
            let is_wanted = state.validator && state.dials_ways && state.is_connected();
            if !is_wanted || state.addresses.is_empty() || now < state.ways_at {
                continue;
            }
            state.ways_at = now + WAYS_PAUSE;
            for _ in state.connections.len()..self.limits.ways {
                let options = DialOpts::peer_id(*peer)
                    .condition(PeerCondition::Always)
                    .addresses(state.addresses.clone())
                    .allocate_new_port()
                    .build();
                if let Err(error) = self.swarm.dial(options) {
                    tracing::debug!(%peer, %error, "another connection was not begun");
                }
            }
        }
    }

    /// Disconnects a listed peer and turns it away for a while.
    pub(super) fn suspend(&mut self, peer: PeerId, reason: Refusal, now: Instant) {
        let until = now + self.limits.suspension;
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        state.suspended_until = Some(until);
        self.swarm.behaviour_mut().admission.suspend(peer, until);
        // An error says that it is gone already.
        let _ = self.swarm.disconnect_peer_id(peer);
        self.refuse(Some(peer), reason);
    }
}

/// Why an inbound connection was refused; none if it merely failed.
fn incoming_refusal(error: &ListenError) -> Option<Refusal> {
    match error {
        ListenError::Denied { cause } => denial(cause),
        ListenError::Transport(error) => is_handshake_failure(error).then_some(Refusal::Handshake),
        _ => None,
    }
}

/// Why an outbound connection was refused; none if the peer was merely not reached.
fn dial_refusal(error: &DialError) -> Option<Refusal> {
    match error {
        DialError::Denied { cause } => denial(cause),
        DialError::WrongPeerId { obtained, .. } => Some(Refusal::WrongIdentity {
            obtained: *obtained,
        }),
        DialError::Transport(errors) => errors
            .iter()
            .any(|(_, error)| is_handshake_failure(error))
            .then_some(Refusal::Handshake),
        _ => None,
    }
}

fn denial(cause: &ConnectionDenied) -> Option<Refusal> {
    if cause
        .downcast_ref::<connection_limits::Exceeded>()
        .is_some()
    {
        return Some(Refusal::TooManyConnections);
    }
    cause.downcast_ref::<Denied>().map(|denied| match denied {
        Denied::NotListed => Refusal::NotListed,
        Denied::Suspended => Refusal::Suspended,
    })
}

/// Whether Noise is what failed, rather than the way to the peer.
fn is_handshake_failure(error: &TransportError<io::Error>) -> bool {
    let TransportError::Other(error) = error else {
        return false;
    };
    let mut cause = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    while let Some(error) = cause {
        if error.is::<noise::Error>() {
            return true;
        }
        // An io::Error names its inner error's source as its own, skipping the inner error.
        cause = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    false
}
