//! What custody costs on a node's own disk: asking for an item's complete link among many items, and
//! moving a pallet that holds many units. The store is RocksDB in a temporary folder; it is filled
//! the way of every block, by building and committing. Compared are figures of one run.
//!
//! Usage: `scripts/bench-custody [items]`

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use touchstone_core::execution::{self, Executed};
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::{
    CARRIER, MARKET, aggregation, answer, body, capture, certify, container, item, key, object,
    offer, step, voter,
};
use touchstone_core::transaction::{self, VerifiedTransaction};
use touchstone_edge::Protocol;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::server::{self, Server};
use touchstone_node::chain::{Chain, hypothetical_next_block};
use touchstone_node::mempool::SharedMempool;
use touchstone_node::rpc;
use touchstone_node::service::{self, Audience, LedgerService, Progress};
use touchstone_node::storage::rocks::RocksStore;
use touchstone_proto::ledger::Outcome;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::node::GetItemRequest;
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_tests::bench::lone_chain::LoneChain;
use touchstone_tests::bench::numbers;
use touchstone_tests::load::percentile;

/// Items of one event, events of one transaction, transactions of one block while the store is filled.
const ITEMS: u64 = 10;
const EVENTS: u64 = 100;
const TRANSACTIONS: u64 = 20;
/// Link queries of one measurement, after so many that warm the caches.
const QUERIES: usize = 5_000;
const WARM_UP: usize = 500;
/// Executions of each move; they take turns.
const RUNS: usize = 301;
/// Units on the pallets that are compared.
const FEW: u64 = 10;
const MANY: u64 = 10_000;

fn main() -> ExitCode {
    let told = match numbers::read("bench_custody [items]", 1) {
        Ok(told) => told,
        Err(code) => return code,
    };
    let items = told.first().copied().unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the runtime starts");
    runtime.block_on(run(items));
    ExitCode::SUCCESS
}

async fn run(items: u64) {
    let mut node = Node::new();
    let mut client = node.serve().await;
    println!("| items | filled in s | link query p50 ms | p99 ms |");
    println!("|---|---|---|---|");
    let mut medians = Vec::new();
    for until in [items / 10, items] {
        let start = Instant::now();
        node.fill(until);
        let seconds = start.elapsed().as_secs_f64();
        let times = query(&mut client, until).await;
        let (p50, p99) = (percentile(&times, 0.5), percentile(&times, 0.99));
        println!("| {until} | {seconds:.0} | {p50:.2} | {p99:.2} |");
        medians.push(p50);
    }
    println!();
    if let [few, many] = medians[..] {
        println!(
            "a median query among ten times as many items: {:.2} times as long",
            many / few
        );
    }
    println!();
    pallets(&mut node);
}

/// A node's chain and store, without peers.
struct Node {
    chain: Chain<RocksStore>,
    pool: SharedMempool,
    genesis: Genesis,
    /// Items recorded so far.
    items: u64,
    signed: u64,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Node {
        let lone = LoneChain::start();
        Node {
            chain: lone.chain,
            pool: lone.pool,
            genesis: lone.genesis,
            items: 0,
            signed: 0,
            stop: CancellationToken::new(),
            _folder: lone.folder,
        }
    }

    /// Serves the store by the node's own service, and connects to it.
    async fn serve(&self) -> LedgerClient<Channel> {
        let parts = service::ServiceParts {
            chain_id: self.genesis.chain_id,
            chain_name: self.genesis.document.chain.clone(),
            genesis: self.genesis.bytes.clone(),
            reader: self.chain.store().reader(),
            mempool: self.pool.clone(),
            gossip: mpsc::channel(1).0,
            progress: watch::channel(Progress::default()).1,
            failed: touchstone_node::service::FailedAnswers::default(),
        };
        let any_port = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any_port).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let server = Server {
            listener,
            protocol: Protocol::Http2,
            limits: server::PortLimits::default(),
            budget: Budget::new(budget::ByteLimits::default()),
            tls: None,
        };
        let service = Arc::new(LedgerService::new(parts));
        let served = rpc::serve(server, service, Audience::Members, self.stop.clone());
        tokio::spawn(served.expect("the service is built"));
        LedgerClient::connect(format!("http://{address}"))
            .await
            .expect("the service listens")
    }

    fn sign(&mut self, who: (&str, u8), action: Action) -> VerifiedTransaction {
        self.signed += 1;
        let created_ms = self.genesis.document.time_ms + self.signed;
        let body = body(who.0, created_ms, action);
        let envelope = transaction::sign(&key(who.1), &self.genesis.chain_id, &body);
        transaction::verify(&self.genesis.chain_id, &envelope).expect("our own transaction")
    }

    /// Builds a block of these and commits it with its certificate.
    fn commit(&mut self, transactions: Vec<VerifiedTransaction>) {
        let count = transactions.len();
        for transaction in transactions {
            let taken = self.pool.insert(transaction, None);
            taken.expect("the pool has room").expect("it is new");
        }
        let validators = self.chain.validators();
        let voters: Vec<[u8; 32]> = validators.iter().map(|v| v.public_key).collect();
        let now_ms = self.chain.tip().time_ms + 1000;
        let block = self.chain.build(now_ms, voters[0]).expect("a good disk");
        assert_eq!(block.transactions.len(), count, "good transactions");
        let seeds: Vec<u8> = voters.iter().filter_map(voter).collect();
        let certificate = certify(&self.genesis.chain_id, &block.header, 0, &seeds);
        let committed = self.chain.commit(&block.id(), &certificate, now_ms);
        committed.expect("a good disk");
    }

    /// Records items until there are so many.
    fn fill(&mut self, until: u64) {
        while self.items < until {
            let mut transactions = Vec::new();
            for _ in 0..TRANSACTIONS {
                let mut events = Vec::new();
                while events.len() < EVENTS as usize && self.items < until {
                    let next = (self.items + ITEMS).min(until);
                    let ids: Vec<String> = (self.items..next).map(item).collect();
                    events.push(object(self.items, &ids));
                    self.items = next;
                }
                if !events.is_empty() {
                    transactions.push(self.sign(MARKET, capture(&events)));
                }
            }
            self.commit(transactions);
        }
    }

    /// What a transaction does in the next block, and how long it takes to find out.
    fn execute(&self, transaction: &VerifiedTransaction) -> (Executed, f64) {
        let context = hypothetical_next_block(&self.genesis.chain_id, self.chain.tip(), 0);
        let start = Instant::now();
        let executed = execution::execute(self.chain.store(), &context, &[transaction]);
        let us = start.elapsed().as_secs_f64() * 1e6;
        (executed.expect("a good disk"), us)
    }
}

/// Asks for the complete links of items here and there, one after the other; milliseconds, ascending.
async fn query(client: &mut LedgerClient<Channel>, items: u64) -> Vec<f64> {
    let mut times = Vec::with_capacity(QUERIES);
    let mut at = 1u64;
    for n in 0..WARM_UP + QUERIES {
        // Knuth's multiplier walks through all numbers in no order of theirs.
        at = at
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let request = GetItemRequest {
            id: item((at >> 33) % items),
            ..GetItemRequest::default()
        };
        let start = Instant::now();
        let reply = client.get_item(request).await.expect("the node answers");
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        assert_eq!(reply.into_inner().events.len(), 1, "its only event");
        if n >= WARM_UP {
            times.push(ms);
        }
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Compares the moves of a pallet with few units and of one with many.
fn pallets(node: &mut Node) {
    let pallet = [container(1), container(2)];
    for (pallet, units) in pallet.iter().zip([FEW, MANY]) {
        let first = node.items;
        node.items += units;
        let ids: Vec<String> = (first..node.items).map(item).collect();
        let events = ids.chunks(1000).map(|ids| aggregation("ADD", pallet, ids));
        let packed = node.sign(MARKET, capture(&events.collect::<Vec<_>>()));
        node.commit(vec![packed]);
    }
    println!(
        "| a pallet is | keys, of {FEW} units | of {MANY} | link rows, of {FEW} | of {MANY} \
         | execution of {FEW}, us | of {MANY} | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let one = |n: usize| std::slice::from_ref(&pallet[n]);
    let observed = [0, 1].map(|n| node.sign(MARKET, capture(&[object(1, one(n))])));
    compare(node, "seen", &observed);
    let deadline_ms = node.chain.tip().time_ms + 1_000_000;
    let shipped = |n| {
        offer(
            "carrier",
            deadline_ms,
            &[step("OBSERVE", "shipping", one(n))],
        )
    };
    let offered = [0, 1].map(|n| node.sign(MARKET, shipped(n)));
    compare(node, "offered", &offered);
    let offers: [Hash; 2] = [*offered[0].id(), *offered[1].id()];
    node.commit(offered.into());
    let received = |n: usize| {
        let events = [step("OBSERVE", "receiving", one(n))];
        answer(&offers[n], Outcome::Accepted, "", &events)
    };
    let accepted = [0, 1].map(|n| node.sign(CARRIER, received(n)));
    compare(node, "accepted", &accepted);
    node.commit(accepted.into());
    let emptied =
        [0, 1].map(|n| node.sign(CARRIER, capture(&[aggregation("DELETE", &pallet[n], &[])])));
    compare(node, "emptied", &emptied);
}

/// Prints what the same act costs with each of two pallets.
fn compare(node: &Node, what: &str, acts: &[VerifiedTransaction; 2]) {
    let mut times = [Vec::new(), Vec::new()];
    let mut written = [(0, 0); 2];
    for run in 0..RUNS {
        // Each is first as often as second.
        for n in [run % 2, 1 - run % 2] {
            let (executed, us) = node.execute(black_box(&acts[n]));
            assert_eq!(executed.rejected, [], "{what}");
            times[n].push(us);
            written[n] = (executed.writes.values.len(), executed.writes.links.len());
        }
    }
    let [few, many] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        percentile(&times, 0.5)
    });
    let [(few_keys, few_rows), (many_keys, many_rows)] = written;
    println!(
        "| {what} | {few_keys} | {many_keys} | {few_rows} | {many_rows} | {few:.0} | {many:.0} | {:.2} |",
        many / few
    );
}
