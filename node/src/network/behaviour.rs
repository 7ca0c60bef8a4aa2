//! The protocols that the swarm speaks, admission first.

use super::{
    NetworkError, NetworkLimits, frame::FrameCodec, gossip::Gossip, handshakes::Handshakes,
    one_way::OneWay, peer_admission::PeerAdmission,
};
use libp2p::{
    StreamProtocol,
    connection_limits::{self, ConnectionLimits},
    ping,
    request_response::{self, ProtocolSupport},
    swarm::NetworkBehaviour,
};
use std::sync::Arc;

/// Consensus messages up to this many bytes travel apart from larger ones, so that votes do not
/// wait behind block bodies; they have a stream of their own that stays open, and no acknowledgement.
pub(super) const SMALL_MESSAGE: usize = 64 * 1024;

pub(super) const SMALL_PROTOCOL: StreamProtocol = StreamProtocol::new("/touchstone/consensus/2");
pub(super) const LARGE_PROTOCOL: StreamProtocol =
    StreamProtocol::new("/touchstone/consensus-large/1");
pub(super) const REQUEST_PROTOCOL: StreamProtocol = StreamProtocol::new("/touchstone/sync/1");

/// All protocols. The order matters: each field is asked in turn whether a connection may be
/// established, and the first refusal ends it. The request-response fields take a connection for
/// theirs when they are asked and are not told of a later refusal, so all that can refuse comes
/// before them.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub admission: PeerAdmission,
    pub connections: connection_limits::Behaviour,
    pub ping: ping::Behaviour,
    pub small: OneWay,
    pub large: request_response::Behaviour<FrameCodec>,
    pub requests: request_response::Behaviour<FrameCodec>,
    pub gossip: Gossip,
}

impl Behaviour {
    pub fn new(
        limits: &NetworkLimits,
        handshakes: Arc<Handshakes>,
    ) -> Result<Behaviour, NetworkError> {
        let connections = ConnectionLimits::default()
            // Handshakes have their own places; this only bounds how many may be on their way there.
            .with_max_pending_incoming(Some(limits.pending()))
            .with_max_established_per_peer(Some(limits.connections_per_peer))
            .with_max_established(Some(limits.connections));
        let ping = ping::Config::new()
            .with_interval(limits.ping_interval)
            .with_timeout(limits.ping_interval.saturating_mul(2));
        Ok(Behaviour {
            admission: PeerAdmission::new(handshakes),
            connections: connection_limits::Behaviour::new(connections),
            ping: ping::Behaviour::new(ping),
            small: OneWay::new(
                SMALL_PROTOCOL,
                SMALL_MESSAGE.min(limits.consensus_message),
                limits.request_timeout,
            ),
            large: exchange(
                LARGE_PROTOCOL,
                limits.consensus_message,
                0,
                limits.large_streams,
                limits,
            ),
            requests: exchange(
                REQUEST_PROTOCOL,
                limits.request,
                limits.response,
                limits.request_streams,
                limits,
            ),
            gossip: Gossip::new(limits)?,
        })
    }
}

fn exchange(
    protocol: StreamProtocol,
    request_limit: usize,
    response_limit: usize,
    streams: usize,
    limits: &NetworkLimits,
) -> request_response::Behaviour<FrameCodec> {
    let codec = FrameCodec {
        request_limit,
        response_limit,
    };
    let config = request_response::Config::default()
        .with_request_timeout(limits.request_timeout)
        .with_max_concurrent_streams(streams);
    request_response::Behaviour::with_codec(codec, [(protocol, ProtocolSupport::Full)], config)
}
