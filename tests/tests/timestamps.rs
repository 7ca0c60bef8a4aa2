//! Time stamps over real processes: a record is stamped by an authority, its evidence shows so to
//! others' programs too, and the chain goes on when the authority is gone.

use std::path::Path;
use std::process::{Command, Output};

use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{ListCheckpointsRequest, SubmitRequest};
use touchstone_tests::authority::Authority;
use touchstone_tests::cluster::{Cluster, Plan, binary, organisation_id};
use touchstone_tests::load;

/// Records the unit with this number; the height of its block.
async fn record(cluster: &Cluster, number: u64) -> u64 {
    let envelope = load::capture(
        &cluster.keys[0],
        &cluster.genesis.chain_id,
        &organisation_id(0),
        number,
        vec![load::event(number)],
    );
    let request = SubmitRequest {
        envelope,
        wait: true,
    };
    let mut client = cluster.client(0).await;
    match client.submit(request).await.unwrap().into_inner().status {
        Some(Status::Committed(committed)) => committed.height,
        other => panic!("{other:?}"),
    }
}

/// Waits until a node keeps a time stamp of this height.
async fn wait_for_stamp(cluster: &Cluster, node: usize, height: u64) {
    let mut client = cluster.client(node).await;
    cluster
        .wait(node, &format!("a time stamp of block {height}"), async || {
            let request = ListCheckpointsRequest {
                from_height: height,
                ..ListCheckpointsRequest::default()
            };
            let reply = client.list_checkpoints(request).await.unwrap();
            !reply.into_inner().checkpoints.is_empty()
        })
        .await;
}

fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).env("TZ", "UTC");
    command.output().expect("the program is there")
}

fn words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}
