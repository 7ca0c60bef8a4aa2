//! A peer that speaks the room's transport and protocols, and keeps to no limit.

use super::{
    super::{
        Peer, PeerId,
        behaviour::{LARGE_PROTOCOL, REQUEST_PROTOCOL, SMALL_PROTOCOL},
        gossip::topic_hash,
        handshakes::Handshakes,
        transport::swarm_of,
    },
    Node,
};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::{
    StreamProtocol, Swarm,
    gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode},
    identity::Keypair,
    ping,
    request_response::{self, Codec, Message, ProtocolSupport},
    swarm::{
        NetworkBehaviour, SwarmEvent,
        behaviour::toggle::Toggle,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use std::io;

/// Writes requests as they are, without a length, and reads whatever comes back.
#[derive(Clone, Default)]
pub(super) struct RawCodec;

impl Codec for RawCodec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut all = Vec::new();
        io.read_to_end(&mut all).await?;
        Ok(all)
    }

    async fn read_response<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.read_request(protocol, io).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        raw: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&raw).await
    }

    async fn write_response<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        raw: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.write_request(protocol, io, raw).await
    }
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    small: request_response::Behaviour<RawCodec>,
    large: request_response::Behaviour<RawCodec>,
    requests: request_response::Behaviour<RawCodec>,
    gossip: gossipsub::Behaviour,
    ping: Toggle<ping::Behaviour>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Protocol {
    Small,
    Large,
    Requests,
}

pub(super) struct Rogue {
    pub id: PeerId,
    swarm: Swarm<Behaviour>,
}

impl Rogue {
    pub fn new(seed: u8, tag: &str) -> Rogue {
        Rogue::build(seed, tag, Some(ping::Behaviour::default()))
    }

    /// One that neither sends nor answers pings.
    pub fn without_ping(seed: u8, tag: &str) -> Rogue {
        Rogue::build(seed, tag, None)
    }

    fn build(seed: u8, tag: &str, ping: Option<ping::Behaviour>) -> Rogue {
        let identity = Keypair::ed25519_from_bytes([seed; 32]).expect("32 bytes");
        let exchange = |protocol| {
            let config = request_response::Config::default().with_max_concurrent_streams(1000);
            request_response::Behaviour::new([(protocol, ProtocolSupport::Full)], config)
        };
        let config = gossipsub::ConfigBuilder::default()
            .validation_mode(ValidationMode::Anonymous)
            .max_transmit_size(64 << 20)
            .build()
            .expect("valid");
        let mut gossip =
            gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).expect("valid");
        gossip.subscribe(&topic()).expect("allowed");
        let behaviour = Behaviour {
            small: exchange(SMALL_PROTOCOL),
            large: exchange(LARGE_PROTOCOL),
            requests: exchange(REQUEST_PROTOCOL),
            gossip,
            ping: ping.into(),
        };
        let handshakes = Handshakes::new(&crate::network::NetworkLimits::default());
        Rogue {
            id: identity.public().to_peer_id(),
            swarm: swarm_of(&identity, tag, behaviour, handshakes).expect("builds"),
        }
    }

    pub fn peer(&self) -> Peer {
        Peer {
            id: self.id,
            addresses: Vec::new(),
            validator: true,
        }
    }

    pub fn protocols(&self) -> [Protocol; 3] {
        [Protocol::Small, Protocol::Large, Protocol::Requests]
    }

    pub fn dial(&mut self, node: &Node) {
        let options = DialOpts::peer_id(node.id)
            .condition(PeerCondition::Always)
            .addresses(vec![node.address()])
            .allocate_new_port()
            .build();
        self.swarm.dial(options).expect("dials");
    }

    /// Sends bytes as a request, without a length before them.
    pub fn send(&mut self, protocol: Protocol, to: PeerId, raw: Vec<u8>) {
        let behaviour = self.swarm.behaviour_mut();
        let exchange = match protocol {
            Protocol::Small => &mut behaviour.small,
            Protocol::Large => &mut behaviour.large,
            Protocol::Requests => &mut behaviour.requests,
        };
        exchange.send_request(&to, raw);
    }

    /// Publishes if anybody is subscribed.
    pub fn publish(&mut self, data: Vec<u8>) {
        let _ = self.swarm.behaviour_mut().gossip.publish(topic(), data);
    }

    /// Sends two gossip frames without a message.
    pub fn resubscribe(&mut self) {
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.unsubscribe(&topic());
        gossip.subscribe(&topic()).expect("allowed");
    }

    pub async fn next(&mut self) -> SwarmEvent<BehaviourEvent> {
        self.swarm.select_next_some().await
    }

    /// Goes on without looking.
    pub async fn run(&mut self) {
        loop {
            self.next().await;
        }
    }

    pub async fn connected(&mut self) {
        while !matches!(self.next().await, SwarmEvent::ConnectionEstablished { .. }) {}
    }

    pub async fn closed(&mut self) {
        while self.swarm.connected_peers().next().is_some() {
            self.next().await;
        }
    }

    /// Waits until the other side has subscribed.
    pub async fn subscribed(&mut self) {
        while self
            .swarm
            .behaviour()
            .gossip
            .mesh_peers(&topic().hash())
            .next()
            .is_none()
        {
            self.next().await;
        }
    }

    /// What the next request led to: the raw answer, or why there is none.
    pub async fn outcome(&mut self) -> Result<Vec<u8>, String> {
        loop {
            let event = match self.next().await {
                SwarmEvent::Behaviour(BehaviourEvent::Small(event))
                | SwarmEvent::Behaviour(BehaviourEvent::Large(event))
                | SwarmEvent::Behaviour(BehaviourEvent::Requests(event)) => event,
                _ => continue,
            };
            match event {
                request_response::Event::Message {
                    message: Message::Response { response, .. },
                    ..
                } => return Ok(response),
                request_response::Event::OutboundFailure { error, .. } => {
                    return Err(error.to_string());
                }
                _ => {}
            }
        }
    }
}

fn topic() -> IdentTopic {
    IdentTopic::new(topic_hash().into_string())
}
