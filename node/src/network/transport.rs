//! Connections: TCP, authenticated and encrypted by Noise, divided into streams by Yamux.

use super::{
    NetworkConfig, NetworkError, behaviour::Behaviour, door::Door, handshakes::Handshakes,
};
use libp2p::{
    PeerId, Swarm, Transport,
    core::{muxing::StreamMuxerBox, transport::Boxed, upgrade::Version},
    dns,
    identity::Keypair,
    noise,
    swarm::{self, NetworkBehaviour},
    tcp, yamux,
};
use std::sync::Arc;
use tokio::time::Duration;

/// How long a connection may take from its beginning to the end of its handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Streams of one connection, all protocols together. Each may hold a Yamux window of 256 KiB that
/// nobody reads.
const STREAMS: usize = 256;

/// Connections stay open though idle; pings find the dead ones.
const IDLE_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// The swarm of this room, admitting nobody yet.
pub(super) fn swarm(
    identity: &Keypair,
    config: &NetworkConfig,
) -> Result<Swarm<Behaviour>, NetworkError> {
    let handshakes = Handshakes::new(&config.limits);
    let behaviour = Behaviour::new(&config.limits, Arc::clone(&handshakes))?;
    swarm_of(identity, &config.chain_tag, behaviour, handshakes)
}

/// A swarm that speaks this room's transport, whatever its protocols.
pub(super) fn swarm_of<B: NetworkBehaviour>(
    identity: &Keypair,
    chain_tag: &str,
    behaviour: B,
    handshakes: Arc<Handshakes>,
) -> Result<Swarm<B>, NetworkError> {
    let config = swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE_TIMEOUT)
        // Saves a round trip for each stream: each protocol is offered alone and first.
        .with_substream_upgrade_protocol_override(Version::V1Lazy);
    Ok(Swarm::new(
        transport(identity, chain_tag, handshakes)?,
        behaviour,
        identity.public().to_peer_id(),
        config,
    ))
}

fn transport(
    identity: &Keypair,
    chain_tag: &str,
    handshakes: Arc<Handshakes>,
) -> Result<Boxed<(PeerId, StreamMuxerBox)>, NetworkError> {
    let noise = noise::Config::new(identity)
        .map_err(|error| NetworkError::Build(error.to_string()))?
        .with_prologue(prologue(chain_tag));
    let tcp = || tcp::tokio::Transport::new(tcp::Config::default().nodelay(true));
    // A machine without a resolver's configuration can still use IP addresses.
    let dialer = match dns::tokio::Transport::system(tcp()) {
        Ok(with_names) => with_names.boxed(),
        Err(error) => {
            tracing::warn!(%error, "no name resolution: only IP addresses can be dialed");
            tcp().boxed()
        }
    };
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(STREAMS);
    Ok(Door::new(dialer, handshakes)
        .upgrade(Version::V1Lazy)
        .authenticate(noise)
        .multiplex(yamux)
        .timeout(HANDSHAKE_TIMEOUT)
        .boxed())
}

/// What both sides mix into the handshake (Noise Protocol Framework, section 6): it fails unless
/// they agree on it.
fn prologue(chain_tag: &str) -> Vec<u8> {
    [b"touchstone/1/".as_slice(), chain_tag.as_bytes()].concat()
}
