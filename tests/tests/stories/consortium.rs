//! A consortium over its days: what operators fear, and what must be true afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use touchstone_core::block::Header;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{ChangeKeys, Transaction};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{
    GetBlockRequest, GetStatusRequest, GetTransactionRequest, SubmitRequest,
    SubscribeBlocksRequest, get_block_request,
};
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::load;

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_agree_and_an_observer_follows() {
    let cluster = Cluster::start(&Plan {
        observers: 1,
        ..Plan::default()
    });
    let id = submit(&cluster, 0, 0, 1)
        .await
        .expect("a valid event is committed");
    for index in 0..cluster.size() {
        wait_until_committed(&cluster, index, &id).await;
    }
    assert_same_chain(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_heard_at_every_node() {
    let cluster = Cluster::start(&Plan {
        observers: 1,
        ..Plan::default()
    });
    cluster.wait_for_height(4, 1).await;
    for index in 0..cluster.size() {
        // The key of organisation 1 signs for organisation 0.
        let envelope = load::capture(
            &cluster.keys[1],
            &cluster.genesis.chain_id,
            &organisation_id(0),
            load::recent(index as u64),
            vec![load::event(1)],
        );
        let status = submit_envelope(&mut cluster.client(index).await, envelope).await;
        let Some(Status::Rejected(rejected)) = status else {
            panic!("node {index} answered {status:?}");
        };
        assert_eq!((rejected.code, rejected.rule.as_str()), (201, "own-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_malformed_is_refused_by_its_rule_and_the_node_goes_on() {
    let cluster = Cluster::start(&Plan::default());
    let capture = |chain_id, number, events| {
        load::capture(
            &cluster.keys[0],
            chain_id,
            &organisation_id(0),
            load::recent(number),
            events,
        )
    };
    let chain_id = &cluster.genesis.chain_id;
    let valid = capture(chain_id, 1, vec![load::event(1)]);
    let mut unknown_field = valid.clone();
    // Field 15, varint 1: no message has it.
    unknown_field.extend([0x78, 0x01]);
    let cut = valid[..valid.len() - 1].to_vec();
    let broken_json = capture(chain_id, 2, vec![load::event(1), b"{\"type\":".to_vec()]);
    let too_large = capture(chain_id, 3, vec![vec![b' '; 2 << 20]]);
    let cases = [
        (unknown_field, 100, "canonical-encoding", None),
        (cut, 100, "canonical-encoding", None),
        (Vec::new(), 102, "one-signature", None),
        (
            capture(&[1; 32], 1, vec![load::event(1)]),
            104,
            "signature",
            None,
        ),
        (capture(chain_id, 4, vec![]), 300, "event-count", None),
        (broken_json, 301, "not-json", Some(1)),
        (too_large, 101, "transaction-size", None),
    ];
    let mut client = cluster.client(0).await;
    for (envelope, code, rule, event) in cases {
        let Some(Status::Rejected(refused)) = submit_envelope(&mut client, envelope).await else {
            panic!("{rule} is not refused");
        };
        assert_eq!(
            (refused.code, refused.rule.as_str(), refused.event),
            (code, rule, event)
        );
    }
    let far_too_large = SubmitRequest {
        envelope: vec![0; 6 << 20],
        wait: true,
    };
    let refused = client.submit(far_too_large).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange, "{refused}");
    let request = GetTransactionRequest {
        id: vec![1, 2, 3],
        with_proof: false,
    };
    let refused = client.get_transaction(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    let answer = submit_envelope(&mut client, valid).await;
    assert!(matches!(answer, Some(Status::Committed(_))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_find_health_reflection_and_new_blocks() {
    let cluster = Cluster::start(&Plan::default());
    cluster.wait_for_height(0, 1).await;
    let channel = Channel::from_shared(cluster.url(0))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let mut health = HealthClient::new(channel.clone());
    let request = HealthCheckRequest {
        service: "touchstone.node.v1.Ledger".into(),
    };
    let answer = health.check(request).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);

    let mut reflection = ServerReflectionClient::new(channel);
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = reflection
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap());
    assert!(answer.contains("touchstone.node.v1.Ledger"), "{answer}");

    let request = SubscribeBlocksRequest {
        from_height: 1,
        with_transactions: true,
    };
    let mut client = cluster.client(0).await;
    let mut blocks = client.subscribe_blocks(request).await.unwrap().into_inner();
    submit(&cluster, 1, 1, 1).await.expect("a valid event");
    let mut found = 0;
    for height in 1.. {
        let block = blocks.message().await.unwrap().expect("blocks go on");
        let header = Header::decode(&block.header.unwrap().header).unwrap();
        assert_eq!(header.height, height, "blocks come in order, none missing");
        found += block.transactions.len();
        if found > 0 {
            break;
        }
    }
    assert_eq!(found, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_is_refused_and_what_it_signed_stays() {
    let cluster = Cluster::start(&Plan::default());
    let before = submit(&cluster, 0, 2, 1).await.expect("the key is valid");
    let fresh = ed25519_dalek::SigningKey::from_bytes(&[77; 32]);
    let change = Transaction {
        organisation: organisation_id(2),
        created_ms: load::recent(1),
        action: Some(Action::ChangeKeys(ChangeKeys {
            add: vec![fresh.verifying_key().to_bytes().to_vec()],
            retire: vec![cluster.keys[2].verifying_key().to_bytes().to_vec()],
            compromised: vec![],
        })),
    };
    let envelope = transaction::sign(&cluster.keys[2], &cluster.genesis.chain_id, &change);
    let mut client = cluster.client(0).await;
    assert!(matches!(
        submit_envelope(&mut client, envelope).await,
        Some(Status::Committed(_))
    ));
    let refused = submit(&cluster, 0, 2, 2)
        .await
        .expect_err("the key is retired");
    assert!(matches!(refused, Some(Status::Rejected(r)) if r.code == 202));
    wait_until_committed(&cluster, 3, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_transaction_is_not_captured_twice() {
    let cluster = Cluster::start(&Plan::default());
    let envelope = load::capture(
        &cluster.keys[0],
        &cluster.genesis.chain_id,
        &organisation_id(0),
        load::recent(5),
        vec![load::event(9)],
    );
    let mut places = BTreeSet::new();
    for index in [0, 1, 2, 3, 0] {
        let mut client = cluster.client(index).await;
        match submit_envelope(&mut client, envelope.clone()).await {
            Some(Status::Committed(c)) => places.insert((c.height, c.index)),
            other => panic!("{other:?}"),
        };
    }
    assert_eq!(
        places.len(),
        1,
        "the same transaction stands at one place: {places:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_validator_is_killed_under_load_returns_and_catches_up() {
    let mut cluster = Cluster::start(&Plan::default());
    let load = Load::start(&cluster, &[0, 1, 2]).await;
    load.wait_for(20).await;
    cluster.kill(3);
    let killed_at = height(&cluster, 0).await;
    cluster.wait_for_height(0, killed_at + 10).await;
    load.wait_for(60).await;
    cluster.launch(3);
    let returned_at = height(&cluster, 0).await;
    cluster.wait_for_height(3, returned_at + 5).await;
    let acknowledged = load.stop().await;
    for id in &acknowledged {
        wait_until_committed(&cluster, 3, id).await;
    }
    assert_same_chain(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_are_killed_under_load_and_nothing_acknowledged_is_lost() {
    let mut cluster = Cluster::start(&Plan::default());
    for round in 1..=3 {
        let load = Load::start(&cluster, &[0, 1, 2, 3]).await;
        load.wait_for(30 * round).await;
        for index in 0..4 {
            cluster.kill(index);
        }
        let acknowledged = load.stop().await;
        for index in 0..4 {
            cluster.launch(index);
        }
        for id in &acknowledged {
            for index in 0..4 {
                wait_until_committed(&cluster, index, id).await;
            }
        }
        submit(&cluster, 1, 1, 1_000_000 + round as u64)
            .await
            .expect("the chain goes on");
    }
    assert_same_chain(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_two_of_four_gone_there_is_no_block_and_with_them_back_it_goes_on() {
    let mut cluster = Cluster::start(&Plan::default());
    submit(&cluster, 0, 0, 1).await.expect("all are there");
    cluster.kill(2);
    cluster.kill(3);
    // The two have voted for no block that holds this; a block that was under way may still be decided.
    let envelope = load::capture(
        &cluster.keys[0],
        &cluster.genesis.chain_id,
        &organisation_id(0),
        load::recent(2),
        vec![load::event(2)],
    );
    let id = transaction::id_of_envelope(&cluster.genesis.chain_id, &envelope).unwrap();
    let mut client = cluster.client(0).await;
    let request = SubmitRequest {
        envelope,
        wait: false,
    };
    let status = client.submit(request).await.unwrap().into_inner().status;
    assert!(matches!(status, Some(Status::Pending(_))), "{status:?}");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    for index in 0..2 {
        let mut client = cluster.client(index).await;
        let decided = is_committed(&mut client, &id).await;
        assert!(!decided, "two of four decide nothing");
    }
    cluster.launch(2);
    cluster.launch(3);
    for index in 0..4 {
        wait_until_committed(&cluster, index, &id).await;
    }
    assert_same_chain(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_stop_cleanly_and_a_validator_without_its_guard_refuses_to_start() {
    let mut cluster = Cluster::start(&Plan::default());
    submit(&cluster, 0, 0, 1).await.expect("the network works");
    for index in 0..4 {
        assert!(cluster.stop(index), "{}", cluster.log(index));
    }
    let guards: Vec<_> = std::fs::read_dir(cluster.node_folder(0).join("data"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().contains("guard"))
        })
        .collect();
    assert!(!guards.is_empty());
    for guard in guards {
        std::fs::remove_file(guard).unwrap();
    }
    cluster.launch(0);
    while cluster.is_running(0) {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(cluster.log(0).contains("guard"), "{}", cluster.log(0));
}

/// Submits one event and waits; the transaction's id, or what it was answered instead.
async fn submit(
    cluster: &Cluster,
    node: usize,
    organisation: usize,
    number: u64,
) -> Result<Hash, Option<Status>> {
    let envelope = load::capture(
        &cluster.keys[organisation],
        &cluster.genesis.chain_id,
        &organisation_id(organisation),
        load::recent(number),
        vec![load::event(number)],
    );
    let id = transaction::id_of_envelope(&cluster.genesis.chain_id, &envelope).unwrap();
    match submit_envelope(&mut cluster.client(node).await, envelope).await {
        Some(Status::Committed(_)) => Ok(id),
        other => Err(other),
    }
}

async fn submit_envelope(client: &mut LedgerClient<Channel>, envelope: Vec<u8>) -> Option<Status> {
    let request = SubmitRequest {
        envelope,
        wait: true,
    };
    client
        .submit(request)
        .await
        .expect("the node answers")
        .into_inner()
        .status
}

async fn height(cluster: &Cluster, index: usize) -> u64 {
    let mut client = cluster.client(index).await;
    client
        .get_status(GetStatusRequest {})
        .await
        .unwrap()
        .into_inner()
        .height
}

async fn is_committed(client: &mut LedgerClient<Channel>, id: &Hash) -> bool {
    let request = GetTransactionRequest {
        id: id.to_vec(),
        with_proof: false,
    };
    let reply = client.get_transaction(request).await;
    reply.is_ok_and(|reply| matches!(reply.into_inner().status, Some(Status::Committed(_))))
}

async fn wait_until_committed(cluster: &Cluster, index: usize, id: &Hash) {
    let mut client = cluster.client(index).await;
    let what = format!("transaction {}", hex::encode(id));
    cluster
        .wait(index, &what, async || is_committed(&mut client, id).await)
        .await;
}

/// Every node holds the same blocks up to the lowest of their heights.
async fn assert_same_chain(cluster: &Cluster) {
    let mut lowest = u64::MAX;
    for index in 0..cluster.size() {
        lowest = lowest.min(height(cluster, index).await);
    }
    let mut headers = BTreeSet::new();
    for index in 0..cluster.size() {
        let request = GetBlockRequest {
            block: Some(get_block_request::Block::Height(lowest)),
            with_transactions: true,
            with_proof: true,
        };
        let reply = cluster
            .client(index)
            .await
            .get_block(request)
            .await
            .unwrap()
            .into_inner();
        headers.insert((reply.header.unwrap().header, reply.transactions));
    }
    assert_eq!(
        headers.len(),
        1,
        "all nodes hold the same block at height {lowest}"
    );
}

/// Clients that submit one event after the other and keep what was acknowledged.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<std::sync::Mutex<Vec<Hash>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    async fn start(cluster: &Cluster, nodes: &[usize]) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (worker, node) in nodes.iter().flat_map(|n| [*n, *n]).enumerate() {
            let mut client = cluster.client(node).await;
            let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
            let (key, chain_id) = (cluster.keys[0].clone(), cluster.genesis.chain_id);
            let base = acknowledged_base();
            tasks.push(tokio::spawn(async move {
                let mut number = base + (worker as u64) * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    number += 1;
                    let event = vec![load::event(number % 1000)];
                    let created_ms = load::recent(number);
                    let envelope =
                        load::capture(&key, &chain_id, &organisation_id(0), created_ms, event);
                    let id = transaction::id_of_envelope(&chain_id, &envelope).unwrap();
                    let request = SubmitRequest {
                        envelope,
                        wait: true,
                    };
                    match client.submit(request).await {
                        Ok(reply) => match reply.into_inner().status {
                            Some(Status::Committed(_)) => acknowledged.lock().unwrap().push(id),
                            other => panic!("a valid event was answered {other:?}"),
                        },
                        // The node is gone.
                        Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                    }
                }
            }));
        }
        Load {
            stop,
            acknowledged,
            tasks,
        }
    }

    async fn wait_for(&self, count: usize) {
        for _ in 0..2400 {
            if self.acknowledged.lock().unwrap().len() >= count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!(
            "only {} of {count} were acknowledged",
            self.acknowledged.lock().unwrap().len()
        );
    }

    async fn stop(self) -> Vec<Hash> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("a client does not panic");
        }
        Arc::into_inner(self.acknowledged)
            .expect("all clients have ended")
            .into_inner()
            .expect("no client panicked")
    }
}

/// Numbers that differ between the loads of one test.
fn acknowledged_base() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed) * 5_000_000
}
