//! Nodes on loopback with ports that the system chooses. Nothing here depends on how long a step
//! takes: [`guarded`] only ends a test that hangs.

mod admission;
mod gossip;
mod hostile;
mod reconnection;
mod rogue;
mod traffic;

use super::*;
use bytes::Bytes;
use std::{collections::BTreeSet, future::Future, time::Duration};

const TAG: &str = "test chain";

/// Fails a test that hangs.
async fn guarded<T>(what: &str, step: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), step)
        .await
        .unwrap_or_else(|_| panic!("hangs: {what}"))
}

fn limits() -> NetworkLimits {
    NetworkLimits {
        dial_interval_min: Duration::from_millis(20),
        dial_interval_max: Duration::from_millis(200),
        ..NetworkLimits::default()
    }
}

fn loopback() -> Multiaddr {
    "/ip4/127.0.0.1/tcp/0".parse().expect("a valid address")
}

/// A running node.
struct Node {
    id: PeerId,
    handle: NetworkHandle,
    events: NetworkEvents,
}

impl Node {
    async fn start(seed: u8) -> Node {
        Node::start_with(seed, limits(), TAG, loopback()).await
    }

    async fn start_with(seed: u8, limits: NetworkLimits, tag: &str, listen: Multiaddr) -> Node {
        let config = NetworkConfig {
            listen: vec![listen],
            peers: Vec::new(),
            chain_tag: tag.to_owned(),
            limits,
        };
        let (handle, events) = start(config, [seed; 32].into())
            .await
            .expect("the network starts");
        Node {
            id: handle.local_peer_id(),
            handle,
            events,
        }
    }

    fn address(&self) -> Multiaddr {
        self.handle.listening().first().expect("listens").clone()
    }

    /// This node as a validator that can be dialed.
    fn peer(&self) -> Peer {
        Peer {
            id: self.id,
            addresses: vec![self.address()],
            validator: true,
        }
    }

    /// This node as a validator that dials.
    fn quiet_peer(&self) -> Peer {
        Peer {
            addresses: Vec::new(),
            ..self.peer()
        }
    }

    async fn list(&self, peers: impl IntoIterator<Item = Peer>) {
        self.handle
            .set_peers(peers.into_iter().collect())
            .await
            .expect("the network runs");
    }

    /// Waits until exactly these peers are connected.
    async fn connected_to(&self, peers: impl IntoIterator<Item = PeerId>) {
        let expected: BTreeSet<PeerId> = peers.into_iter().collect();
        let mut connected = self.handle.connected();
        guarded("connecting", connected.wait_for(|now| *now == expected))
            .await
            .expect("the network runs");
    }

    /// The first event, from now on, that `pick` takes.
    async fn next<T>(&mut self, what: &str, pick: impl Fn(NetworkEvent) -> Option<T>) -> T {
        guarded(what, async {
            loop {
                let (event, _) = self.events.recv().await.expect("the network runs");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        })
        .await
    }

    async fn message(&mut self) -> (PeerId, Bytes) {
        self.next("a message", |event| match event {
            NetworkEvent::Message { from, bytes } => Some((from, bytes)),
            _ => None,
        })
        .await
    }

    async fn asked(&mut self) -> (Bytes, ResponseHandle) {
        self.next("a request", |event| match event {
            NetworkEvent::Request { bytes, respond, .. } => Some((bytes, respond)),
            _ => None,
        })
        .await
    }

    async fn refusal(&mut self) -> (Option<PeerId>, Refusal) {
        self.next("a refusal", |event| match event {
            NetworkEvent::Refused { peer, reason } => Some((peer, reason)),
            _ => None,
        })
        .await
    }

    /// Waits for one particular refusal.
    async fn refused(&mut self, peer: Option<PeerId>, reason: Refusal) {
        while self.refusal().await != (peer, reason) {}
    }

    fn counted(&self, counter: fn(&Counters) -> &std::sync::atomic::AtomicU64) -> u64 {
        counter(self.handle.counters()).load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Waits until a condition on the counters holds.
    async fn until(&self, what: &str, condition: impl Fn(&Node) -> bool) {
        guarded(what, async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}

/// Nodes that all list each other and are connected.
async fn mesh(size: u8) -> Vec<Node> {
    let mut nodes = Vec::new();
    for seed in 1..=size {
        nodes.push(Node::start(seed).await);
    }
    for node in &nodes {
        node.list(nodes.iter().map(Node::peer)).await;
    }
    for node in &nodes {
        let others = nodes
            .iter()
            .map(|other| other.id)
            .filter(|id| *id != node.id);
        node.connected_to(others).await;
    }
    nodes
}

/// Two connected nodes, the first with limits of its own.
async fn pair(first: NetworkLimits) -> (Node, Node) {
    let a = Node::start_with(1, first, TAG, loopback()).await;
    let b = Node::start(2).await;
    a.list([b.quiet_peer()]).await;
    b.list([a.peer()]).await;
    a.connected_to([b.id]).await;
    b.connected_to([a.id]).await;
    (a, b)
}

fn bytes(content: &str) -> Bytes {
    Bytes::copy_from_slice(content.as_bytes())
}
