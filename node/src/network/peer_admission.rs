//! Who may connect. Placed first in the swarm's behaviour, so that a peer that may not is refused
//! when its connection is established, before any protocol handler exists that could hear it.

use super::handshakes::Handshakes;
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, dummy,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::time::Instant;

/// Why admission turned a connection away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the peer is not on the list")]
    NotListed,
    #[error("the peer was disconnected for what it sent and must wait")]
    Suspended,
}

/// The peers that may connect.
#[derive(Debug)]
pub(super) struct PeerAdmission {
    handshakes: Arc<Handshakes>,
    listed: BTreeSet<PeerId>,
    suspended: BTreeMap<PeerId, Instant>,
}

impl PeerAdmission {
    /// Admits nobody yet. A peer that is admitted leaves its handshake's place.
    pub fn new(handshakes: Arc<Handshakes>) -> PeerAdmission {
        PeerAdmission {
            handshakes,
            listed: BTreeSet::new(),
            suspended: BTreeMap::new(),
        }
    }

    /// Replaces the list. Connections that exist already are the caller's to close.
    pub fn set_listed<'a>(
        &mut self,
        listed: BTreeSet<PeerId>,
        addresses: impl Iterator<Item = &'a Multiaddr>,
    ) {
        self.handshakes.set_listed(addresses.cloned());
        self.suspended.retain(|peer, _| listed.contains(peer));
        self.listed = listed;
    }

    /// Turns a listed peer away until an instant.
    pub fn suspend(&mut self, peer: PeerId, until: Instant) {
        self.suspended.insert(peer, until);
    }

    fn check(&self, peer: &PeerId, now: Instant) -> Result<(), Denied> {
        if !self.listed.contains(peer) {
            return Err(Denied::NotListed);
        }
        if self.suspended.get(peer).is_some_and(|until| now < *until) {
            return Err(Denied::Suspended);
        }
        Ok(())
    }

    fn admit(&self, peer: &PeerId) -> Result<dummy::ConnectionHandler, ConnectionDenied> {
        self.check(peer, Instant::now())
            .map_err(ConnectionDenied::new)?;
        Ok(dummy::ConnectionHandler)
    }
}

impl NetworkBehaviour for PeerAdmission {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        from: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let admitted = self.admit(&peer)?;
        self.handshakes.established(peer, from);
        Ok(admitted)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.admit(&peer)
    }

    fn on_swarm_event(&mut self, _: FromSwarm) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Duration;

    #[test]
    fn only_listed_peers_that_are_not_suspended_are_admitted() {
        let (listed, unlisted) = (PeerId::random(), PeerId::random());
        let now = Instant::now();
        let later = now + Duration::from_secs(10);
        let handshakes = Handshakes::new(&crate::network::NetworkLimits::default());
        let mut admission = PeerAdmission::new(handshakes);
        assert_eq!(admission.check(&listed, now), Err(Denied::NotListed));

        admission.set_listed(BTreeSet::from([listed]), std::iter::empty());
        assert_eq!(admission.check(&listed, now), Ok(()));
        assert_eq!(admission.check(&unlisted, now), Err(Denied::NotListed));

        admission.suspend(listed, later);
        assert_eq!(admission.check(&listed, now), Err(Denied::Suspended));
        assert_eq!(admission.check(&listed, later), Ok(()));

        admission.set_listed(BTreeSet::new(), std::iter::empty());
        assert_eq!(admission.check(&listed, later), Err(Denied::NotListed));
    }
}
