//! Histories of items that are asked for: of a node, with proofs, and of PostgreSQL, without.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::{GetItemRequest, GetItemsRequest, ItemReply};

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

/// How histories are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One item, by a call of its own.
    Call,
    /// One item a question, on one stream; as the client library asks from its second question on.
    Stream,
    /// So many neighbours in one question.
    Together(u64),
}

impl Way {
    /// Items of a question.
    pub fn items(self) -> u64 {
        match self {
            Way::Call | Way::Stream => 1,
            Way::Together(items) => items,
        }
    }

    /// What a table calls it.
    pub fn name(self) -> &'static str {
        match self {
            Way::Call => "a call each",
            Way::Stream => "on a stream",
            Way::Together(_) => "together",
        }
    }
}

/// One client's side of a [`Way`].
enum Asker {
    Calls(Box<LedgerClient<Channel>>),
    Stream(
        mpsc::UnboundedSender<GetItemRequest>,
        Box<Streaming<ItemReply>>,
    ),
}

impl Asker {
    async fn new(mut client: LedgerClient<Channel>, way: Way) -> Asker {
        if way != Way::Stream {
            return Asker::Calls(Box::new(client));
        }
        let (questions, asked) = mpsc::unbounded_channel();
        let answers = client.ask_items(UnboundedReceiverStream::new(asked)).await;
        let answers = answers.expect("the node answers");
        Asker::Stream(questions, Box::new(answers.into_inner()))
    }

    /// Asks for the histories of some neighbours.
    async fn ask(&mut self, first: u64, together: u64) {
        let request = GetItemRequest {
            id: load::unit(first),
            ..GetItemRequest::default()
        };
        let reply = match self {
            Asker::Calls(client) if together > 1 => {
                return ask_together(client, first, together).await;
            }
            Asker::Calls(client) => {
                let reply = client.get_item(request).await;
                reply.expect("the node answers").into_inner()
            }
            Asker::Stream(questions, answers) => {
                questions.send(request).expect("it is open");
                let reply = answers.message().await.expect("the node answers");
                reply.expect("the stream goes on")
            }
        };
        assert_eq!(reply.events.len() as u64, EVENTS);
    }
}

/// Asks a cluster of one node for proven histories, of items here and there.
pub async fn ask(cluster: &Cluster, items: u64, histories: usize, way: Way) -> Answers {
    let together = way.items();
    let process = cluster.process_id(0).expect("it runs");
    let cpu = || cpu_time::of_process_us(process).expect("it runs");
    let next = Arc::new(AtomicUsize::new(0));
    let questions = (histories / together as usize).max(1);
    let (start, before) = (Instant::now(), cpu());
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let mut asker = Asker::new(cluster.client(0).await, way).await;
        let next = next.clone();
        tasks.push(tokio::spawn(async move {
            let mut times_ms = Vec::new();
            while let Some(group) = draw(&next, questions, items / together) {
                let begin = Instant::now();
                asker.ask(group * together, together).await;
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

async fn ask_together(client: &mut LedgerClient<Channel>, first: u64, together: u64) {
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
