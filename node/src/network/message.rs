//! What the network says to its host.

use super::{FrameError, ResponseHandle};
use bytes::Bytes;
use libp2p::{PeerId, gossipsub};

/// What happened on the network.
#[derive(Debug)]
pub enum NetworkEvent {
    /// A consensus message. Its sender has been told that it arrived.
    Message {
        /// Who sent it.
        from: PeerId,
        /// The message as sent.
        bytes: Bytes,
    },
    /// A gossiped message, not forwarded yet: the host owes a
    /// [`judge_gossip`](super::NetworkHandle::judge_gossip). A message that is not judged within
    /// a few seconds is forgotten.
    Gossip {
        /// Names the message in the judgement.
        id: GossipId,
        /// Who forwarded it to us; not necessarily who wrote it.
        from: PeerId,
        /// The message as published.
        bytes: Bytes,
    },
    /// A request. Dropping `respond` tells the peer that there is no answer.
    Request {
        /// Who asks.
        from: PeerId,
        /// The request as sent.
        bytes: Bytes,
        /// Takes the answer.
        respond: ResponseHandle,
    },
    /// A listed peer can be talked to.
    PeerConnected(PeerId),
    /// A peer that was connected no longer is: gone, removed or suspended.
    PeerDisconnected(PeerId),
    /// Something was refused, by us or of us. A notice for operators: it may be dropped when many
    /// come at once.
    Refused {
        /// Whose connection or message it was, as far as known.
        peer: Option<PeerId>,
        /// Why.
        reason: Refusal,
    },
}

/// Why a connection or message was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// We refused a peer that is not on our list.
    #[error("the peer is not on the list")]
    NotListed,
    /// We refused a peer that was disconnected for what it sent a short while ago.
    #[error("the peer was disconnected for what it sent and must wait")]
    Suspended,
    /// We refused a connection above a limit on connections.
    #[error("too many connections")]
    TooManyConnections,
    /// The handshake failed: the other side belongs to another chain or is not a node.
    #[error("the handshake failed: another chain's node, or none")]
    Handshake,
    /// We dialed a peer and somebody else answered.
    #[error("the address belongs to {obtained}")]
    WrongIdentity {
        /// Who answered.
        obtained: PeerId,
    },
    /// The peer closed our connection before it answered anything: most likely we are not on its
    /// list.
    #[error("the peer closed the connection at once: we may not be on its list")]
    ClosedByPeer,
    /// We disconnected a peer that sent more than its rate allows.
    #[error("the peer sent more than its rate allows")]
    RateExceeded,
    /// We disconnected a peer whose messages the host kept refusing.
    #[error("the peer sent too much that was refused")]
    Useless,
    /// We closed a connection that did not answer a ping.
    #[error("the peer does not answer")]
    Unresponsive,
    /// We refused a frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The host's judgement of a gossiped message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// Valid: forward it, unless its sender has sent it to all.
    Accept,
    /// Invalid in a way that an honest peer would have noticed: drop it and hold it against the
    /// peers that sent it.
    Reject,
    /// Of no use, but nobody's fault: drop it.
    Ignore,
}

/// Names a received gossip message and who forwarded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GossipId {
    pub(super) message: gossipsub::MessageId,
    pub(super) from: PeerId,
    /// Whether its sender says that all others get it from there.
    pub(super) was_sent_to_all: bool,
}
