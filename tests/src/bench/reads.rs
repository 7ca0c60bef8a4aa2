//! Histories of items that are asked for: of a node, with proofs, and of PostgreSQL, without.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tonic::transport::Channel;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::{GetItemRequest, GetItemsRequest};

use super::cpu_time;
use super::latency::Latencies;
use crate::cluster::{Cluster, organisation_id};
use crate::load;

/// Events of each item.
pub const EVENTS: u64 = 10;
/// Items of one question, where several are asked for together.
pub const ITEMS: u64 = 100;
/// Clients that ask at once.
pub const CLIENTS: usize = 16;

/// What asking gave.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Histories in a second.
    pub per_second: f64,
    /// From a question to its answer.
    pub latencies: Latencies,
    /// CPU time of the node for a history, microseconds; none where it isn't measured.
    pub cpu_us: Option<f64>,
}

/// Captures of so many items' events, so many together: each transaction has events of neighbouring items.
pub fn envelopes(cluster: &Cluster, items: u64, together: u64) -> Vec<Vec<u8>> {
    let mut envelopes = Vec::new();
    for _ in 0..EVENTS {
        for first in (0..items).step_by(together as usize) {
            let last = (first + together).min(items);
            envelopes.push(load::capture(
                &cluster.keys[0],
                &cluster.genesis.chain_id,
                &organisation_id(0),
                load::recent(envelopes.len() as u64),
                (first..last).map(load::event).collect(),
            ));
        }
    }
    envelopes
}

/// Asks a cluster of one node for proven histories, of items here and there, so many neighbours in one question.
pub async fn ask(cluster: &Cluster, items: u64, histories: usize, together: u64) -> Answers {
    let process = cluster.process_id(0).expect("it runs");
    let cpu = || cpu_time::of_process_us(process).expect("it runs");
    let next = Arc::new(AtomicUsize::new(0));
    let questions = (histories / together as usize).max(1);
    let (start, before) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = cluster.client(0).await;
        let next = next.clone();
        tasks.push(tokio::spawn(async move {
            let mut times_ms = Vec::new();
            while let Some(group) = draw(&next, questions, items / together) {
                let begin = Instant::now();
                ask_once(&mut client, group * together, together).await;
                times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
            }
            times_ms
        }));
    }
    let answers = answers(start, tasks, together).await;
    let asked = questions as f64 * together as f64;
    Answers {
        cpu_us: Some((cpu() - before) / asked),
        ..answers
    }
}

async fn ask_once(client: &mut LedgerClient<Channel>, first: u64, together: u64) {
    if together == 1 {
        let request = GetItemRequest {
            id: load::unit(first),
            ..GetItemRequest::default()
        };
        let reply = client.get_item(request).await.expect("the node answers");
        assert_eq!(reply.into_inner().events.len() as u64, EVENTS);
        return;
    }
    let ids = (first..first + together).map(load::unit).collect();
    let reply = client.get_items(GetItemsRequest { ids }).await;
    let reply = reply.expect("the node answers").into_inner();
    let events: usize = reply.items.iter().map(|item| item.events.len()).sum();
    assert_eq!(events as u64, EVENTS * together, "all of them fit");
}

/// The next item to ask for, none once there were so many questions. They come in no order.
pub fn draw(next: &AtomicUsize, questions: usize, items: u64) -> Option<u64> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    // Knuth's multiplier.
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    (number < questions).then_some(mixed % items)
}

/// What clients that began at a time saw, once they are done; each of their answers was about so many items.
pub async fn answers(
    start: Instant,
    clients: Vec<tokio::task::JoinHandle<Vec<f64>>>,
    together: u64,
) -> Answers {
    let mut times_ms = Vec::new();
    for client in clients {
        times_ms.extend(client.await.expect("a client doesn't panic"));
    }
    Answers {
        per_second: (times_ms.len() as u64 * together) as f64 / start.elapsed().as_secs_f64(),
        latencies: Latencies::new(times_ms),
        cpu_us: None,
    }
}
