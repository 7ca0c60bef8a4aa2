//! Validator processes under load, through gRPC.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::node::SubmitRequest;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;

use super::cpu_time;
use super::latency::Latencies;
use crate::cluster::{Cluster, organisation_id};
use crate::load;

/// What a load gave.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Committed in a second.
    pub transactions_per_second: f64,
    /// From a submission to the answer that it is committed.
    pub latencies: Latencies,
    /// CPU time of a node for a transaction, microseconds; the mean of the living ones.
    pub cpu_us: f64,
}

/// Signed captures of so many events each. Their numbers begin at `first`, and `first` moves on.
pub fn envelopes(
    cluster: &Cluster,
    transactions: usize,
    events: usize,
    first: &mut u64,
) -> Vec<Vec<u8>> {
    let captured = (0..transactions).map(|_| {
        let from = *first;
        *first += events as u64;
        load::capture(
            &cluster.keys[0],
            &cluster.genesis.chain_id,
            &organisation_id(0),
            load::recent(from),
            (from..*first).map(load::event).collect(),
        )
    });
    captured.collect()
}

/// Submits over one stream to each living validator, at a rate (transactions per second) or as fast as the network
/// takes them, and waits until all are committed.
pub async fn submit(cluster: &Cluster, envelopes: &[Vec<u8>], rate: Option<f64>) -> Measured {
    let nodes: Vec<usize> = living(cluster).collect();
    let mut clients = Vec::new();
    for node in &nodes {
        clients.push(cluster.client(*node).await);
    }
    let (start, cpu) = (Instant::now(), cpu_us(cluster));
    let mut tasks = Vec::new();
    for (place, client) in clients.into_iter().enumerate() {
        let own = envelopes.iter().cloned().enumerate();
        let share = own.skip(place).step_by(nodes.len()).collect();
        let chain_id = cluster.genesis.chain_id;
        tasks.push(tokio::spawn(stream(client, chain_id, share, rate, start)));
    }
    let mut times_ms = Vec::new();
    for task in tasks {
        times_ms.extend(task.await.expect("a client doesn't panic"));
    }
    measured(cluster, start, cpu, times_ms)
}

/// Submits one after the other to one node, and waits for each.
pub async fn submit_one_by_one(cluster: &Cluster, node: usize, envelopes: &[Vec<u8>]) -> Measured {
    let mut client = cluster.client(node).await;
    let (start, cpu) = (Instant::now(), cpu_us(cluster));
    let mut times_ms = Vec::new();
    for envelope in envelopes {
        let begin = Instant::now();
        let request = SubmitRequest {
            envelope: envelope.clone(),
            wait: true,
        };
        let status = client.submit(request).await.expect("the node answers");
        times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
        let status = status.into_inner().status;
        assert!(matches!(status, Some(Status::Committed(_))), "{status:?}");
    }
    measured(cluster, start, cpu, times_ms)
}

fn measured(cluster: &Cluster, start: Instant, cpu: f64, times_ms: Vec<f64>) -> Measured {
    let count = times_ms.len() as f64;
    let cpu_us = cpu_us(cluster) - cpu;
    Measured {
        transactions_per_second: count / start.elapsed().as_secs_f64(),
        cpu_us: cpu_us / count / living(cluster).count() as f64,
        latencies: Latencies::new(times_ms),
    }
}

fn living(cluster: &Cluster) -> impl Iterator<Item = usize> + '_ {
    (0..cluster.size()).filter(|node| cluster.process_id(*node).is_some())
}

/// CPU time of all living nodes so far.
fn cpu_us(cluster: &Cluster) -> f64 {
    let of = |node| cpu_time::of_process_us(cluster.process_id(node)?);
    living(cluster).filter_map(of).sum()
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
            let id = transaction::id_of_envelope(&chain_id, &envelope);
            let id = id.expect("an envelope of ours").to_vec();
            // An error means that the answers ended early, which the reader reports.
            let _ = sent.send((id, Instant::now()));
            let wait = true;
            let request = SubmitRequest { envelope, wait };
            if requests.send(request).await.is_err() {
                return;
            }
        }
    });
    let answers = client.submit_many(ReceiverStream::new(receiver)).await;
    let mut answers = answers.expect("the node takes a stream").into_inner();
    let mut times = HashMap::new();
    let mut latencies = Vec::with_capacity(count);
    while latencies.len() < count {
        let status = answers.message().await.expect("the stream holds");
        let status = status.expect("every submission is answered");
        let now = Instant::now();
        while let Ok((id, at)) = sent_at.try_recv() {
            times.insert(id, at);
        }
        let is_committed = matches!(status.status, Some(Status::Committed(_)));
        assert!(is_committed, "{status:?}");
        let at = times.remove(&status.id);
        let at = at.expect("an answer is to something sent");
        latencies.push((now - at).as_secs_f64() * 1000.0);
    }
    latencies
}
