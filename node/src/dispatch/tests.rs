use std::time::Duration;

use touchstone_core::genesis::Genesis;
use touchstone_core::transaction;

use super::gossip::{MESSAGE_BYTES, PARTS_PER_PEER};
use super::*;
use crate::consensus::tests::{deposit, genesis};
use crate::consensus_thread::{self, Inputs};
use crate::mempool::PoolLimits;
use crate::network::{self, NetworkConfig};
use crate::storage::rocks::{RocksStore, StoreSettings};

/// A node without its machine.
struct Node {
    _folder: tempfile::TempDir,
    genesis: Genesis,
    routes: Routes,
    events: NetworkEvents,
    inputs: Inputs,
}

/// A network that listens on loopback.
async fn network(seed: u8) -> (NetworkHandle, NetworkEvents) {
    let config = NetworkConfig {
        listen: vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()],
        peers: Vec::new(),
        chain_tag: "test".into(),
        limits: network::NetworkLimits::default(),
    };
    network::start(config, [seed; 32].into()).await.unwrap()
}

async fn node() -> Node {
    let folder = tempfile::tempdir().unwrap();
    let genesis = genesis(1);
    let path = folder.path().join("chain");
    let store = RocksStore::create(&path, &genesis, &StoreSettings::default()).unwrap();
    let (network, events) = network(1).await;
    let (inbox, inputs) = consensus_thread::inbox();
    let routes = Routes {
        chain_id: genesis.chain_id,
        network,
        inbox,
        mempool: SharedMempool::new(PoolLimits::default()),
        reader: store.reader(),
        observers: Arc::new(watch::Sender::new(BTreeSet::new())),
        refusals: Refusals::default(),
        failed: FailedAnswers::default(),
    };
    Node {
        _folder: folder,
        genesis,
        routes,
        events,
        inputs,
    }
}

/// Connects another network to a node's.
async fn connect(node: &Node, other: &NetworkHandle) {
    let here = &node.routes.network;
    let listed = |handle: &NetworkHandle, addresses| Peer {
        id: handle.local_peer_id(),
        addresses,
        validator: true,
    };
    here.set_peers(vec![listed(other, Vec::new())])
        .await
        .unwrap();
    let addresses = here.listening();
    other
        .set_peers(vec![listed(here, addresses)])
        .await
        .unwrap();
    for handle in [here, other] {
        let mut connected = handle.connected();
        guarded(connected.wait_for(|peers| peers.len() == 1))
            .await
            .unwrap();
    }
}

/// Fails a test that hangs.
async fn guarded<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), step)
        .await
        .expect("it doesn't hang")
}

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test]
async fn a_vote_does_not_wait_behind_gossip_that_is_being_verified() {
    let node = node().await;
    let (other, _events) = network(2).await;
    connect(&node, &other).await;
    let intake = Intake::new(node.routes.clone());
    let busy = intake.busy().await;
    let waiting = intake.waiting.clone();
    let answers = SyncAnswers::new(node.routes.clone());
    let carrying = carry_events(node.routes.clone(), intake, answers, node.events);
    let carrying = tokio::spawn(carrying);

    let heard = || {
        let counter = &node.routes.network.counters().messages_in;
        counter.load(std::sync::atomic::Ordering::Relaxed)
    };
    let mut number = 0;
    guarded(async {
        while heard() <= PARTS_PER_PEER as u64 {
            number += 1;
            let envelopes = vec![deposit(&node.genesis.chain_id, number)];
            let attempt = 0;
            let message = peer::Transactions { envelopes, attempt };
            let bytes = Bytes::from(message.encode_to_vec());
            other.gossip(bytes).await.unwrap();
            a_moment().await;
        }
    })
    .await;
    let to = node.routes.network.local_peer_id();
    other.send(to, Bytes::from_static(b"a vote")).await.unwrap();
    let vote = guarded(async {
        loop {
            match node.inputs.next(Some(Duration::ZERO)) {
                Ok(Input::Message { bytes, .. }) => return bytes,
                _ => a_moment().await,
            }
        }
    })
    .await;
    assert_eq!(vote, b"a vote");
    assert_eq!(node.routes.mempool.size().0, 0, "nothing is verified yet");
    let of_maker = gossip::lock(&waiting).of("maker");
    assert_eq!(of_maker, PARTS_PER_PEER, "each stands in its line");

    drop(busy);
    guarded(async {
        while node.routes.mempool.size().0 < PARTS_PER_PEER {
            a_moment().await;
        }
    })
    .await;
    carrying.abort();
}

/// As after a start of all nodes: the first one up takes clients' transactions in before gossip reaches anybody.
#[tokio::test]
async fn what_waits_is_gossiped_as_soon_as_gossip_reaches_a_peer() {
    let node = node().await;
    let envelope = deposit(&node.genesis.chain_id, 1);
    let verified = transaction::verify(&node.genesis.chain_id, &envelope).unwrap();
    node.routes.mempool.insert(verified, None).unwrap();
    let hour = Duration::from_secs(3600);
    let again = tokio::spawn(gossip::again::gossip_again_every(node.routes.clone(), hour));
    let (other, mut events) = network(2).await;
    connect(&node, &other).await;
    let heard = guarded(async {
        loop {
            let (event, _) = events.recv().await.expect("the network runs");
            if let NetworkEvent::Gossip { bytes, .. } = event {
                return bytes;
            }
        }
    })
    .await;
    let message: peer::Transactions = encoding::decode_exact(&heard).unwrap();
    assert_eq!(message.envelopes, [envelope]);
    again.abort();
}

#[tokio::test]
async fn each_peer_has_its_share_of_what_waits_to_be_verified() {
    let node = node().await;
    let mut intake = Intake::new(node.routes.clone());
    let (flooder, other) = (PeerId::random(), PeerId::random());
    let mut shares: Vec<_> = (0..PARTS_PER_PEER)
        .map(|_| intake.share(flooder, 1))
        .collect();
    assert!(shares.iter().all(Option::is_some));
    assert!(intake.share(flooder, 1).is_none());
    shares.pop();
    assert!(intake.share(flooder, MESSAGE_BYTES).is_none());
    assert!(intake.share(flooder, 1).is_some());
    let large = [(); 4].map(|()| intake.share(other, MESSAGE_BYTES));
    let taken = large.iter().flatten().count() * MESSAGE_BYTES;
    assert!((12 << 20..=16 << 20).contains(&taken), "{taken}");
}

#[tokio::test]
async fn peers_that_lack_blocks_are_answered_in_turn_and_two_at_once() {
    let node = node().await;
    let (other, _events) = network(2).await;
    connect(&node, &other).await;
    let answers = SyncAnswers::new(node.routes.clone());
    let busy = answers.busy(2).await;
    let intake = Intake::new(node.routes.clone());
    let carrying = carry_events(node.routes.clone(), intake, answers.clone(), node.events);
    let carrying = tokio::spawn(carrying);
    let request = peer::SyncRequest {
        from_height: 1,
        limit: 5,
    };
    let to = node.routes.network.local_peer_id();
    let asking: Vec<_> = (0..3)
        .map(|_| {
            let (other, request) = (other.clone(), request.encode_to_vec());
            tokio::spawn(async move { other.request(to, request.into()).await })
        })
        .collect();
    guarded(async {
        while answers.of(&other.local_peer_id()) < 3 {
            a_moment().await;
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(answers.of(&other.local_peer_id()), 3, "two are being made");
    drop(busy);
    let busy = answers.busy(1).await;
    for asked in asking {
        let answer = guarded(asked).await.unwrap().unwrap();
        assert_eq!(decode_blocks(&answer).unwrap().len(), 0);
    }
    drop(busy);
    carrying.abort();
}

#[tokio::test]
async fn a_peer_of_which_consensus_refuses_too_much_is_disconnected() {
    let node = node().await;
    let (other, _events) = network(2).await;
    connect(&node, &other).await;
    let refused = Output::Refused {
        peer: other.local_peer_id().to_bytes(),
        reason: crate::consensus::MessageRefused::Empty,
    };
    let mut connected = node.routes.network.connected();
    carry(&node.routes, refused.clone()).await;
    assert_eq!(connected.borrow().len(), 1);
    for _ in 0..refusals::TOLERATED {
        carry(&node.routes, refused.clone()).await;
    }
    guarded(connected.wait_for(BTreeSet::is_empty))
        .await
        .unwrap();
}
