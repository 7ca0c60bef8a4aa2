//! What the host decides about its network.

use super::Rate;
use libp2p::{Multiaddr, PeerId};
use tokio::time::Duration;

/// How this node takes part in the network.
#[derive(Debug, Clone)]
pub struct NetworkConfig {
    /// TCP addresses to listen on; port 0 takes a free one. May be empty: such a node only dials.
    pub listen: Vec<Multiaddr>,
    /// The peers that may connect. This node itself may be among them and is skipped.
    pub peers: Vec<Peer>,
    /// Names the chain, best by its genesis hash. Nodes with different tags cannot complete a
    /// handshake.
    pub chain_tag: String,
    /// Bounds on what peers may cost.
    pub limits: NetworkLimits,
}

/// A peer that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its network identity.
    pub id: PeerId,
    /// Where to dial it; with none, it is waited for.
    pub addresses: Vec<Multiaddr>,
    /// Whether broadcasts go to it. An observer gets gossip and answers only.
    pub validator: bool,
}

/// Bounds on what peers may cost. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkLimits {
    /// Largest consensus message, block bodies included.
    pub consensus_message: usize,
    /// Largest request.
    pub request: usize,
    /// Largest response.
    pub response: usize,
    /// Largest gossiped message.
    pub gossip_message: usize,
    /// Twice the consensus messages up to 64 KiB that may be on their way into the one stream of a connection that
    /// carries them.
    pub small_streams: usize,
    /// Concurrent streams per connection for larger consensus messages; half of them for sending.
    /// Times `consensus_message`, this is what one connection may hold in memory half received.
    pub large_streams: usize,
    /// Concurrent streams per connection for requests; half of them for sending.
    pub request_streams: usize,
    /// Messages of one peer that may wait for the host, and for one peer that may wait to be sent.
    pub queued_messages_per_peer: usize,
    /// Bytes of one peer that may wait for the host, and for one peer that may wait to be sent.
    pub queued_bytes_per_peer: usize,
    /// Connections per peer: [`NetworkLimits::ways`], and one more where both sides have dialed at once.
    pub connections_per_peer: u32,
    /// Connections to a validator over which small messages go while they come late on one.
    pub ways: usize,
    /// Connections in total.
    pub connections: u32,
    /// Inbound connections from addresses of listed peers that have not finished their handshake; half as many
    /// come from elsewhere. The node's own dials are not among them, so exhausting it from outside does not
    /// cut the node off.
    pub handshakes: u32,
    /// What a peer may send. Responses to own requests are not charged.
    pub rate: Rate,
    /// How long a peer that exceeded the rate, or that the host suspended, is turned away.
    pub suspension: Duration,
    /// How long a message or request may take until it is acknowledged or answered.
    pub request_timeout: Duration,
    /// How often a connection is probed; one that does not answer within twice as long is closed.
    pub ping_interval: Duration,
    /// First wait between dials of a peer; doubled up to `dial_interval_max`, with jitter.
    pub dial_interval_min: Duration,
    /// Longest wait between dials of a peer.
    pub dial_interval_max: Duration,
}

impl Default for NetworkLimits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        NetworkLimits {
            consensus_message: 8 * MIB,
            request: 64 * KIB,
            response: 16 * MIB,
            gossip_message: MIB,
            small_streams: 128,
            large_streams: 8,
            request_streams: 16,
            queued_messages_per_peer: 1024,
            queued_bytes_per_peer: 32 * MIB,
            connections_per_peer: 5,
            ways: 4,
            connections: 256,
            handshakes: 64,
            rate: Rate {
                messages_per_second: 8192,
                bytes_per_second: 64 * 1024 * 1024,
                burst_seconds: 2,
            },
            suspension: Duration::from_secs(10),
            request_timeout: Duration::from_secs(20),
            ping_interval: Duration::from_secs(5),
            dial_interval_min: Duration::from_millis(200),
            dial_interval_max: Duration::from_secs(5),
        }
    }
}

/// Limits that contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkConfigError {
    /// A message within its size limit would never fit a peer's share of the queue.
    #[error("queued_bytes_per_peer is below the largest message")]
    QueueBelowMessage,
    /// A message within its size limit would exceed a full rate bucket.
    #[error("the rate's burst is below the largest message")]
    RateBelowMessage,
    /// Half of the streams are for sending, so one is not enough.
    #[error("a protocol needs at least two streams")]
    TooFewStreams,
    /// A frame's length is four bytes on the wire.
    #[error("a message size limit is above four bytes of length")]
    MessageAboveFrame,
    /// A limit that would let nothing through is zero.
    #[error("a message, queue, connection or time limit is zero")]
    Zero,
}

impl NetworkLimits {
    /// Connections that may be on their way to a handshake's place.
    pub(super) fn pending(&self) -> u32 {
        self.handshakes.saturating_mul(8)
    }

    /// Descriptors that the room may need.
    pub fn descriptors(&self) -> u64 {
        u64::from(self.connections) + u64::from(self.pending())
    }

    /// Refuses limits under which some allowed message could never pass.
    pub(super) fn check(&self) -> Result<(), NetworkConfigError> {
        let sizes = [
            self.consensus_message,
            self.request,
            self.response,
            self.gossip_message,
        ];
        let streams = [self.small_streams, self.large_streams, self.request_streams];
        let waits = [
            self.request_timeout,
            self.ping_interval,
            self.dial_interval_min,
            self.dial_interval_max,
        ];
        let connections = [
            self.connections_per_peer,
            self.connections,
            self.handshakes,
            self.rate.messages_per_second,
            self.rate.burst_seconds,
        ];
        if sizes.contains(&0)
            || waits.contains(&Duration::ZERO)
            || connections.contains(&0)
            || self.queued_messages_per_peer == 0
        {
            return Err(NetworkConfigError::Zero);
        }
        if sizes.iter().any(|size| u32::try_from(*size).is_err()) {
            return Err(NetworkConfigError::MessageAboveFrame);
        }
        if streams.iter().any(|streams| *streams < 2) {
            return Err(NetworkConfigError::TooFewStreams);
        }
        // Responses are neither queued nor charged: they go straight to who asked.
        let largest = self
            .consensus_message
            .max(self.request)
            .max(self.gossip_message);
        if self.queued_bytes_per_peer < largest {
            return Err(NetworkConfigError::QueueBelowMessage);
        }
        if self.rate.burst_bytes() < largest as f64 {
            return Err(NetworkConfigError::RateBelowMessage);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_under_which_a_message_could_never_pass_are_refused() {
        fn with(change: fn(&mut NetworkLimits)) -> Result<(), NetworkConfigError> {
            let mut limits = NetworkLimits::default();
            change(&mut limits);
            limits.check()
        }
        assert_eq!(with(|_| {}), Ok(()));
        assert_eq!(with(|l| l.request = 0), Err(NetworkConfigError::Zero));
        assert_eq!(with(|l| l.handshakes = 0), Err(NetworkConfigError::Zero));
        assert_eq!(
            with(|l| l.ping_interval = Duration::ZERO),
            Err(NetworkConfigError::Zero)
        );
        assert_eq!(
            with(|l| l.queued_messages_per_peer = 0),
            Err(NetworkConfigError::Zero)
        );
        assert_eq!(
            with(|l| l.response = 1 << 32),
            Err(NetworkConfigError::MessageAboveFrame)
        );
        assert_eq!(
            with(|l| l.large_streams = 1),
            Err(NetworkConfigError::TooFewStreams)
        );
        assert_eq!(
            with(|l| l.queued_bytes_per_peer = l.consensus_message - 1),
            Err(NetworkConfigError::QueueBelowMessage)
        );
        assert_eq!(
            with(|l| l.rate.bytes_per_second = 1),
            Err(NetworkConfigError::RateBelowMessage)
        );
    }
}
