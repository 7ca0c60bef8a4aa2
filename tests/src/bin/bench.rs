//! Benchmarks of four validator processes on this machine, through gRPC. Figures are only worth
//! something against each other: the signature limit is calibrated in the same run.
//!
//! Usage: `scripts/bench [transactions]`

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use touchstone_core::hash::Hash;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::transaction;
use touchstone_proto::node::SubmitRequest;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::load;

const VALIDATORS: usize = 4;

/// One load: how many transactions of how many events.
struct Case {
    events: usize,
    transactions: usize,
}

/// What a load gave.
struct Measured {
    transactions_per_second: f64,
    latencies_ms: Vec<f64>,
}

fn main() {
    let transactions: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(30_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the runtime starts");
    runtime.block_on(run(transactions));
}

async fn run(transactions: usize) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let verifications = calibrate(cores);
    let limit = verifications / VALIDATORS as f64;
    println!(
        "machine: {cores} cores, {verifications:.0} strict Ed25519 verifications/s on all of them"
    );
    println!(
        "signature limit: {limit:.0} transactions/s for {VALIDATORS} validators on this machine"
    );
    println!();
    println!(
        "| events per transaction | load | events/s | transactions/s | of the limit | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    let cases = [
        Case {
            events: 1,
            transactions,
        },
        Case {
            events: 10,
            transactions: (transactions / 4).max(100),
        },
        Case {
            events: 100,
            transactions: (transactions / 20).max(100),
        },
    ];
    let mut first = 0;
    for case in cases {
        let cluster = Cluster::start(&Plan::default());
        cluster.wait_for_height(0, 1).await;
        let envelopes = envelopes(&cluster, &case, first);
        let warm_up = envelopes.len() / 10;
        submit(&cluster, &envelopes[..warm_up], None).await;
        let full = submit(&cluster, &envelopes[warm_up..], None).await;
        print(case.events, "full", &full, limit);
        first += envelopes.len() as u64;
        let half = Case {
            events: case.events,
            transactions: case.transactions / 4,
        };
        let envelopes = self::envelopes(&cluster, &half, first);
        first += envelopes.len() as u64;
        let measured = submit(
            &cluster,
            &envelopes,
            Some(full.transactions_per_second / 2.0),
        )
        .await;
        print(case.events, "half", &measured, limit);
    }
}

fn print(events: usize, load: &str, measured: &Measured, limit: f64) {
    let mut sorted = measured.latencies_ms.clone();
    sorted.sort_by(f64::total_cmp);
    println!(
        "| {events} | {load} | {:.0} | {:.0} | {:.0} % | {:.0} | {:.0} |",
        measured.transactions_per_second * events as f64,
        measured.transactions_per_second,
        100.0 * measured.transactions_per_second / limit,
        load::percentile(&sorted, 0.5),
        load::percentile(&sorted, 0.99),
    );
}

/// Strict verifications per second of all cores together.
fn calibrate(cores: usize) -> f64 {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = key.verifying_key().to_bytes();
    let message = [7; 300];
    let signature = signing::sign(&key, Purpose::Transaction, &[1; 32], &message);
    let total = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let total = total.clone();
            std::thread::spawn(move || {
                while start.elapsed() < Duration::from_secs(2) {
                    for _ in 0..100 {
                        assert!(signing::verify(
                            &public,
                            Purpose::Transaction,
                            &[1; 32],
                            &message,
                            &signature
                        ));
                    }
                    total.fetch_add(100, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("verification doesn't panic");
    }
    total.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}

fn envelopes(cluster: &Cluster, case: &Case, first: u64) -> Vec<Vec<u8>> {
    (0..case.transactions as u64)
        .map(|i| {
            let number = first + i;
            let events = (0..case.events as u64)
                .map(|e| load::event(number * case.events as u64 + e))
                .collect();
            load::capture(
                &cluster.keys[0],
                &cluster.genesis.chain_id,
                &organisation_id(0),
                number,
                events,
            )
        })
        .collect()
}

/// Submits over one stream to each validator, at a rate (transactions per second) or as fast as
/// the network takes them, and waits until all are committed.
async fn submit(cluster: &Cluster, envelopes: &[Vec<u8>], rate: Option<f64>) -> Measured {
    let start = Instant::now();
    let mut tasks = Vec::new();
    for node in 0..VALIDATORS {
        let share: Vec<(usize, Vec<u8>)> = envelopes
            .iter()
            .cloned()
            .enumerate()
            .skip(node)
            .step_by(VALIDATORS)
            .collect();
        let client = cluster.client(node).await;
        tasks.push(tokio::spawn(stream(
            client,
            cluster.genesis.chain_id,
            share,
            rate,
            start,
        )));
    }
    let mut latencies_ms = Vec::new();
    for task in tasks {
        latencies_ms.extend(task.await.expect("a client doesn't panic"));
    }
    let seconds = start.elapsed().as_secs_f64();
    let transactions_per_second = envelopes.len() as f64 / seconds;
    Measured {
        transactions_per_second,
        latencies_ms,
    }
}

async fn stream(
    mut client: LedgerClient<Channel>,
    chain_id: Hash,
    share: Vec<(usize, Vec<u8>)>,
    rate: Option<f64>,
    start: Instant,
) -> Vec<f64> {
    let count = share.len();
    let (requests, receiver) = mpsc::channel(256);
    let (sent, mut sent_at) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        for (index, envelope) in share {
            if let Some(rate) = rate {
                let due = start + Duration::from_secs_f64(index as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
            }
            // An error means that the answers ended early, which the reader reports.
            let _ = sent.send((id(&chain_id, &envelope), Instant::now()));
            if requests
                .send(SubmitRequest {
                    envelope,
                    wait: true,
                })
                .await
                .is_err()
            {
                return;
            }
        }
    });
    let mut answers = client
        .submit_many(ReceiverStream::new(receiver))
        .await
        .expect("the node takes a stream")
        .into_inner();
    let mut times = std::collections::HashMap::new();
    let mut latencies = Vec::with_capacity(count);
    while latencies.len() < count {
        let status = answers
            .message()
            .await
            .expect("the stream holds")
            .expect("every submission is answered");
        let now = Instant::now();
        while let Ok((id, at)) = sent_at.try_recv() {
            times.insert(id, at);
        }
        assert!(
            matches!(status.status, Some(Status::Committed(_))),
            "{status:?}"
        );
        let at = times
            .remove(&status.id)
            .expect("an answer is to something sent");
        latencies.push((now - at).as_secs_f64() * 1000.0);
    }
    latencies
}

fn id(chain_id: &Hash, envelope: &[u8]) -> Vec<u8> {
    let id = transaction::id_of_envelope(chain_id, envelope);
    id.expect("an envelope of ours").to_vec()
}
