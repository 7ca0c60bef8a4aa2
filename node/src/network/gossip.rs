//! Gossipsub as this room uses it, and a count of everything that a peer says through it.

use super::{Acceptance, GossipId, NetworkError, NetworkLimits};
use bytes::Bytes;
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    gossipsub::{
        self, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, MessageAcceptance,
        MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds, PublishError,
        TopicHash, TopicScoreParams, ValidationMode, WhitelistSubscriptionFilter,
    },
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm,
    },
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, VecDeque},
    task::{Context, Poll},
    time::Duration,
};

/// Signed transactions, batched by the host, which whoever accepts them passes on.
const TOPIC: &str = "touchstone/transactions/1";

/// The same, which their sender has sent to all peers that the chain lists: nobody passes them on. That saves two of
/// three transfers between four nodes.
const TO_ALL: &str = "touchstone/transactions-to-all/1";

/// Peers to which a node sends by itself, at most. Where the chain lists more, they pass messages on, so that one
/// node's uplink doesn't carry them all.
const ALL: usize = 32;

/// Messages above so many bytes are announced to those who might send them once more. An announcement costs a frame,
/// as a message does: it is worth it only where the message costs more than its frame.
const ANNOUNCED: usize = 64 << 10;

/// Room for a message's topic and framing above its own size, in bytes.
const ENVELOPE: usize = 1024;

/// Messages and control entries read from one frame of a peer.
const PER_FRAME: usize = 256;

/// Messages that may wait for one slow peer: as many as its share of bytes holds, within bounds that
/// leave room for control messages and keep small ones few.
fn waiting_per_peer(limits: &NetworkLimits) -> usize {
    (limits.queued_bytes_per_peer / limits.gossip_message.max(1)).clamp(64, 256)
}

/// A peer's score is `-4 n²`, where `n` counts its recent invalid messages and fades by a fiftieth
/// each second; below -80 nothing it gossips is heard. Five invalid messages at once silence a peer
/// for some ten seconds.
const INVALID_WEIGHT: f64 = -4.0;
const INVALID_FADING: f64 = 0.98;

type Gossipsub = gossipsub::Behaviour<
    IdentityTransform,
    MaxCountSubscriptionFilter<WhitelistSubscriptionFilter>,
>;

/// The topic as gossipsub names it.
pub(super) fn topic_hash() -> TopicHash {
    TopicHash::from_raw(TOPIC)
}

/// The topic of what was sent to all.
pub(super) fn to_all_hash() -> TopicHash {
    TopicHash::from_raw(TO_ALL)
}

/// What gossip says to the task.
#[derive(Debug)]
pub(super) enum GossipEvent {
    /// A peer sent a frame, whatever it holds: also duplicates and control messages, which
    /// gossipsub digests without a word.
    Frame(PeerId),
    /// Gossipsub's own event.
    Inner(gossipsub::Event),
}

/// Gossipsub, reporting each frame that a peer sends. What its sender's own peers all get from it goes no further.
pub(super) struct Gossip {
    inner: Gossipsub,
    /// One entry per handler event not reported yet; the swarm polls between two handler events,
    /// so there is hardly ever more than one.
    frames: VecDeque<PeerId>,
}

impl Gossip {
    /// Gossipsub subscribed to both topics, the only ones to which a peer may subscribe.
    pub fn new(limits: &NetworkLimits) -> Result<Gossip, NetworkError> {
        let build = |reason: &dyn std::fmt::Display| NetworkError::Build(reason.to_string());
        let config = config(limits).map_err(|error| build(&error))?;
        let filter = MaxCountSubscriptionFilter {
            filter: WhitelistSubscriptionFilter([topic_hash(), to_all_hash()].into()),
            max_subscribed_topics: 2,
            max_subscriptions_per_request: PER_FRAME,
        };
        // Anonymous: connections are authenticated and payloads signed by their authors already.
        let mut inner =
            Gossipsub::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
                .map_err(|error| build(&error))?;
        inner
            .with_peer_score(score_params(), PeerScoreThresholds::default())
            .map_err(|error| build(&error))?;
        for topic in [TOPIC, TO_ALL] {
            inner
                .subscribe(&IdentTopic::new(topic))
                .map_err(|error| build(&error))?;
        }
        Ok(Gossip {
            inner,
            frames: VecDeque::new(),
        })
    }

    /// Publishes a message: to all of these peers where it reaches them all and `may_end` there, otherwise to be passed
    /// on.
    pub fn publish<'a>(
        &mut self,
        bytes: Bytes,
        mut all: impl Iterator<Item = &'a PeerId>,
        may_end: bool,
    ) -> Result<(), PublishError> {
        let reached: BTreeSet<&PeerId> = self.inner.mesh_peers(&to_all_hash()).collect();
        let topic = match may_end && all.all(|peer| reached.contains(peer)) {
            true => to_all_hash(),
            false => topic_hash(),
        };
        self.inner.publish(topic, bytes).map(drop)
    }

    /// Judges a message that a peer has sent.
    pub fn judge(&mut self, id: &GossipId, acceptance: Acceptance) {
        let acceptance = match acceptance {
            // Gossipsub forwards what is accepted.
            Acceptance::Accept if id.was_sent_to_all => MessageAcceptance::Ignore,
            Acceptance::Accept => MessageAcceptance::Accept,
            Acceptance::Reject => MessageAcceptance::Reject,
            Acceptance::Ignore => MessageAcceptance::Ignore,
        };
        self.inner
            .report_message_validation_result(&id.message, &id.from, acceptance);
    }
}

fn config(limits: &NetworkLimits) -> Result<gossipsub::Config, gossipsub::ConfigBuilderError> {
    gossipsub::ConfigBuilder::default()
        .mesh_n_for_topic(ALL, to_all_hash())
        .mesh_n_low_for_topic(ALL, to_all_hash())
        .mesh_n_high_for_topic(ALL, to_all_hash())
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(limits.gossip_message.saturating_add(ENVELOPE))
        .max_publish_messages(PER_FRAME)
        .connection_handler_queue_len(waiting_per_peer(limits))
        .heartbeat_initial_delay(Duration::from_secs(1))
        .idontwant_message_size_threshold(ANNOUNCED)
        // To the mesh only: it covers a small consortium, and a large one's uplinks are spared.
        .flood_publish(false)
        .build()
}

/// A message's identity is its topic and content: it has no author and no number.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut digest = Sha256::new();
    digest.update(message.topic.as_str().as_bytes());
    digest.update([0]);
    digest.update(&message.data);
    MessageId::new(&digest.finalize())
}

/// Only invalid messages count. Penalties made for open networks would hit honest members: several
/// nodes may share an address, and a busy node is late with gossip.
fn score_params() -> PeerScoreParams {
    let topic = TopicScoreParams {
        topic_weight: 1.0,
        time_in_mesh_weight: 0.0,
        first_message_deliveries_weight: 0.0,
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: INVALID_WEIGHT,
        invalid_message_deliveries_decay: INVALID_FADING,
        ..TopicScoreParams::default()
    };
    PeerScoreParams {
        topics: [(topic_hash(), topic.clone()), (to_all_hash(), topic)].into(),
        ip_colocation_factor_weight: 0.0,
        behaviour_penalty_weight: 0.0,
        slow_peer_weight: 0.0,
        ..PeerScoreParams::default()
    }
}

impl NetworkBehaviour for Gossip {
    type ConnectionHandler = THandler<Gossipsub>;
    type ToSwarm = GossipEvent;

    fn handle_pending_inbound_connection(
        &mut self,
        connection: ConnectionId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.inner
            .handle_pending_inbound_connection(connection, local, remote)
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: Option<PeerId>,
        addresses: &[Multiaddr],
        role: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.inner
            .handle_pending_outbound_connection(connection, peer, addresses, role)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.inner
            .handle_established_outbound_connection(connection, peer, address, role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        self.inner.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        self.frames.push_back(peer);
        self.inner
            .on_connection_handler_event(peer, connection, event);
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        if let Some(peer) = self.frames.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(GossipEvent::Frame(peer)));
        }
        self.inner
            .poll(cx)
            .map(|event| event.map_out(GossipEvent::Inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_by_its_topic_and_content() {
        let id = |topic: TopicHash, data: &[u8]| {
            message_id(&gossipsub::Message {
                source: None,
                data: data.to_vec(),
                sequence_number: None,
                topic,
            })
        };
        let first = id(topic_hash(), b"a");
        assert_eq!(first, id(topic_hash(), b"a"));
        assert_ne!(first, id(topic_hash(), b"b"));
        assert_ne!(first, id(TopicHash::from_raw("elsewhere"), b"a"));
    }
}
