//! The network room: one libp2p swarm that carries opaque bytes between the nodes of one chain.
//!
//! The room knows peers, streams and limits. It does not know blocks, votes or transactions, and it
//! verifies no signature inside a message: what it hands up is authentic only in the sense that the
//! named peer sent it.
//!
//! # Ways through the room
//!
//! | what | how | promise |
//! |---|---|---|
//! | consensus message | [`NetworkHandle::broadcast`], [`NetworkHandle::send`] | once or not at all, in any order |
//! | fetching | [`NetworkHandle::request`] | an answer or a typed error |
//! | transactions, announcements | [`NetworkHandle::gossip`] | sent to all peers, or forwarded once the host accepts |
//!
//! A message for a peer that is not connected is **dropped** and counted, not kept: consensus
//! publishes again what still matters. Nothing in the room grows without a bound ([`NetworkLimits`]).
//!
//! # Who may talk
//!
//! The host gives the list of peers, which comes from the chain. A connection is authenticated by
//! Noise, whose prologue holds the chain's tag: a node of another chain fails the handshake. The
//! peer is then looked up at the moment its connection is established, before any protocol has a
//! handler on it; an unlisted peer is refused without having been heard. [`NetworkHandle::set_peers`]
//! replaces the list at any time and disconnects who is no longer on it.
//!
//! A side that is refused sees its connection close before anything was answered. A connection
//! therefore counts as a peer's ([`NetworkEvent::PeerConnected`]) only once the peer has answered a
//! ping or sent a message on it.
//!
//! Not here on purpose: peer discovery (the chain is the directory), identify, NAT traversal.

mod behaviour;
mod config;
mod counters;
mod door;
mod frame;
mod gossip;
mod handle;
mod handshakes;
mod message;
mod one_way;
mod peer_admission;
mod peers;
mod queue;
mod rate;
mod task;
mod transport;

#[cfg(test)]
mod tests;

pub use config::{NetworkConfig, NetworkConfigError, NetworkLimits, Peer};
pub use counters::Counters;
pub use frame::FrameError;
pub use handle::{NetworkHandle, RequestError, RespondError, ResponseHandle, SendError};
pub use libp2p::{Multiaddr, PeerId};
pub use message::{Acceptance, GossipId, NetworkEvent, Refusal};
pub use queue::{NetworkEvents, QueueCharge};
pub use rate::Rate;

use libp2p::identity::{Keypair, PublicKey, ed25519};
use zeroize::Zeroizing;

/// Why the network did not start.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] NetworkConfigError),
    /// An address could not be listened on: taken, not this machine's, or not TCP.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address as configured.
        address: Multiaddr,
        /// What the operating system or the transport said.
        reason: String,
    },
    /// The swarm refused its parts; a fault of this program.
    #[error("the swarm could not be built: {0}")]
    Build(String),
}

/// These 32 bytes are not an Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key")]
pub struct InvalidPublicKey;

/// The peer id of a network key: libp2p's identity multihash of the Ed25519 public key (libp2p
/// specification "Peer Ids and Keys").
///
/// # Errors
/// If the bytes are not the encoding of a curve point.
pub fn peer_id_of(public_key: &[u8; 32]) -> Result<PeerId, InvalidPublicKey> {
    let key = ed25519::PublicKey::try_from_bytes(public_key).map_err(|_| InvalidPublicKey)?;
    Ok(PublicKey::from(key).to_peer_id())
}

/// Starts the network on the running tokio runtime and returns once it listens.
///
/// `seed` is the secret of the node's network identity, an Ed25519 key of its own (RFC 8032); it
/// must not be the key that signs votes. The network stops when [`NetworkHandle::shutdown`] is
/// called, when every handle is dropped, or when the events are.
///
/// # Errors
/// If the configuration contradicts itself or an address cannot be listened on.
pub async fn start(
    config: NetworkConfig,
    mut seed: Zeroizing<[u8; 32]>,
) -> Result<(NetworkHandle, NetworkEvents), NetworkError> {
    config.limits.check()?;
    let identity = Keypair::ed25519_from_bytes(seed.as_mut_slice())
        .map_err(|error| NetworkError::Build(error.to_string()))?;
    let swarm = transport::swarm(&identity, &config)?;
    let (mut task, handle, events) = task::assemble(swarm, config.limits);
    task.set_peers(config.peers);
    task.listen(config.listen).await?;
    tokio::spawn(task.run());
    Ok((handle, events))
}
