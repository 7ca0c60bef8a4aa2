//! How long one large event takes to be recorded, and how many rounds its block needs: by one validator,
//! by four, and by four that are busy. A block that takes longer to check than a round lasts must
//! not cost many rounds.
//!
//! Usage: `scripts/bench-slow-blocks [EPCS ...]`

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use touchstone_proto::node::get_block_request::Block;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{GetBlockRequest, SubmitRequest};
use touchstone_tests::bench::numbers;
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::load;

/// EPCs of the events that are recorded, unless others are named.
const EPCS: [u64; 3] = [2_000, 12_000, 20_000];

/// The load of busy validators, transactions per second.
const BUSY: u64 = 200;

fn main() -> ExitCode {
    let mut epcs = match numbers::read("bench_slow_blocks [EPCS ...]", usize::MAX) {
        Ok(told) => told,
        Err(code) => return code,
    };
    if epcs.is_empty() {
        epcs = EPCS.to_vec();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the runtime starts");
    runtime.block_on(run(&epcs));
    ExitCode::SUCCESS
}

async fn run(epcs: &[u64]) {
    println!("| validators | load | EPCs in one event | seconds | decided in round |");
    println!("|---|---|---|---|---|");
    for (validators, is_busy) in [(1, false), (4, false), (4, true)] {
        let plan = Plan {
            validators,
            ..Plan::default()
        };
        let cluster = Cluster::start(&plan);
        cluster.wait_for_height(0, 1).await;
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let mut load = Vec::new();
        if is_busy {
            for node in 0..validators {
                load.push(keep_busy(&cluster, node, stop.clone(), sent.clone()).await);
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        for (number, count) in epcs.iter().enumerate() {
            let (seconds, round) = record(&cluster, number as u64, *count).await;
            let load = if is_busy { "busy" } else { "none" };
            println!("| {validators} | {load} | {count} | {seconds:.1} | {round} |");
        }
        stop.store(true, Ordering::Relaxed);
        for task in load {
            task.await.expect("the load doesn't panic");
        }
    }
}

/// Submits small transactions to a node until told to stop.
async fn keep_busy(
    cluster: &Cluster,
    node: usize,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
) -> tokio::task::JoinHandle<()> {
    let mut client = cluster.client(node).await;
    let (key, chain_id) = (cluster.keys[0].clone(), cluster.genesis.chain_id);
    let pause = Duration::from_millis(1_000 * cluster.size() as u64 / BUSY);
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let number = sent.fetch_add(1, Ordering::Relaxed);
            let events = vec![load::event(number)];
            let envelope = load::capture(
                &key,
                &chain_id,
                &organisation_id(0),
                load::recent(1_000 + number),
                events,
            );
            // A full pool is a busy node too.
            let _ = client
                .submit(SubmitRequest {
                    envelope,
                    wait: false,
                })
                .await;
            tokio::time::sleep(pause).await;
        }
    })
}

/// Records one event of many EPCs; how long it took, and the round that decided its block.
async fn record(cluster: &Cluster, number: u64, epcs: u64) -> (f64, u32) {
    let envelope = load::capture(
        &cluster.keys[0],
        &cluster.genesis.chain_id,
        &organisation_id(0),
        load::recent(number),
        vec![load::event_of_many((1 + number) * 1_000_000, epcs)],
    );
    let mut client = cluster.client(0).await;
    let start = Instant::now();
    let request = SubmitRequest {
        envelope,
        wait: true,
    };
    let status = client.submit(request).await;
    let status = status.expect("the node takes it").into_inner();
    let seconds = start.elapsed().as_secs_f64();
    let Some(Status::Committed(committed)) = status.status else {
        panic!("{status:?}");
    };
    let request = GetBlockRequest {
        block: Some(Block::Height(committed.height)),
        with_transactions: false,
        with_proof: false,
    };
    let reply = client.get_block(request).await;
    let reply = reply.expect("a committed block is there").into_inner();
    let header = reply.header.expect("a block has a header");
    let certificate = header.certificate.expect("a block has a certificate");
    (seconds, certificate.round)
}
