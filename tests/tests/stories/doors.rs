//! Strangers at all ports of a consortium, over real processes: no validator stops, and honest clients are served.

use std::time::Duration;

use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{GetStatusRequest, SubmitRequest};
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::flood::{Attack, Flood};
use touchstone_tests::{load, machine};

/// An honest client connects anew and records an event; whether it is recorded.
async fn record(cluster: &Cluster, node: usize, number: u64) -> bool {
    let mut client = cluster.client(node).await;
    let envelope = load::capture(
        &cluster.keys[node],
        &cluster.genesis.chain_id,
        &organisation_id(node),
        load::recent(number),
        vec![load::event(number)],
    );
    let wait = true;
    let asked = client.submit(SubmitRequest { envelope, wait }).await;
    let status = asked.ok().and_then(|answer| answer.into_inner().status);
    matches!(status, Some(Status::Committed(_)))
}

/// The same until it succeeds: a client that was shut out comes again.
async fn records(cluster: &Cluster, node: usize, number: u64) {
    cluster
        .wait(node, "a record", async || {
            record(cluster, node, number).await
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_slow_strangers_at_every_port_stop_nobody() {
    let mut cluster = Cluster::start(&Plan {
        validators: 4,
        ..Plan::default()
    });
    records(&cluster, 0, 1).await;
    let mut floods = Vec::new();
    for node in 0..4 {
        for port in [cluster.rpc(node), cluster.http(node), cluster.peers(node)] {
            floods.push(Flood::start(Attack::Silent, port, 150));
            floods.push(Flood::start(Attack::Slow, port, 50));
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    records(&cluster, 1, 2).await;
    // A validator that was down finds its peers again, though strangers stand at all their ports.
    assert!(cluster.stop(3), "{}", cluster.log(3));
    cluster.launch(3);
    let mut client = cluster.client(3).await;
    cluster
        .wait(3, "peers", async || {
            let status = client.get_status(GetStatusRequest {}).await;
            status.is_ok_and(|s| s.into_inner().connected_peers.len() == 3)
        })
        .await;
    records(&cluster, 3, 3).await;
    for node in 0..4 {
        assert!(cluster.is_running(node), "{}", cluster.log(node));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_reads_and_silent_streams_hold_nobody_up() {
    let mut cluster = Cluster::start(&Plan {
        validators: 1,
        ..Plan::default()
    });
    records(&cluster, 0, 1).await;
    let _unread = Flood::start(Attack::Unread, cluster.rpc(0), 2250);
    let _streams = Flood::start(Attack::Streams, cluster.rpc(0), 260);
    tokio::time::sleep(Duration::from_secs(3)).await;
    for number in 2..5 {
        records(&cluster, 0, number).await;
    }
    let _pages = Flood::start(Attack::Pages, cluster.http(0), 300);
    tokio::time::sleep(Duration::from_secs(2)).await;
    records(&cluster, 0, 5).await;
    assert!(cluster.is_running(0), "{}", cluster.log(0));
    let peak = machine::peak_memory(&cluster, 0);
    assert!(peak.is_some_and(|mib| mib <= 512), "{peak:?} MiB");
}
