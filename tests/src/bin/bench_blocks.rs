//! What an event costs a validator apart from its peers: a node without peers, over RocksDB in a temporary folder,
//! admits envelopes as peers send them, builds blocks of them, commits these and indexes their events. Printed is CPU
//! time, which tells the same whatever else the machine does, for 1, 10 and 100 events a transaction, and what an event
//! takes on disk.
//!
//! Usage: `scripts/bench-blocks [events [events of a block [events of a transaction]]]`

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use std::process::ExitCode;
use std::time::Instant;

use touchstone_core::block::Block;
use touchstone_core::genesis::Genesis;
use touchstone_core::test_support::{MARKET, certify, key, voter};
use touchstone_node::admission::Admission;
use touchstone_node::chain::Chain;
use touchstone_node::consensus_thread;
use touchstone_node::mempool::{self, SharedMempool};
use touchstone_node::storage::rocks::{EventCatalogue, RocksStore, StoreSettings};
use touchstone_tests::bench::cpu_time;
use touchstone_tests::bench::limit::Limit;
use touchstone_tests::bench::lone_chain::LoneChain;
use touchstone_tests::bench::numbers;
use touchstone_tests::load;

/// Events of one transaction.
const TOGETHER: [u64; 3] = [1, 10, 100];
/// Transactions of one gossip message.
const MESSAGE: usize = 128;

/// What is measured, in the order in which it happens. What is left is done by other threads: RocksDB's.
const STAGES: [&str; 5] = ["admission", "execution", "commit", "index", "other threads"];

fn main() -> ExitCode {
    let usage = "bench_blocks [events [events of a block [events of a transaction]]]";
    let told = match numbers::read(usage, 3) {
        Ok(told) => told,
        Err(code) => return code,
    };
    let events = told.first().copied().unwrap_or(200_000);
    let of_a_block = told.get(1).copied().unwrap_or(2_000);
    let together = told.get(2).map_or(TOGETHER.to_vec(), |many| vec![*many]);
    let limit = Limit::measure();
    println!(
        "CPU time, us; one strict Ed25519 verification takes {:.1}. {events} events, {of_a_block} a block.",
        limit.verification_us
    );
    println!();
    println!(
        "| events of a transaction | {} | per event | per transaction, in verifications |",
        STAGES.join(" | ")
    );
    println!("|---|{}---|---|", "---|".repeat(STAGES.len()));
    let mut growths = Vec::new();
    for together in together.iter().copied() {
        let (us, growth) = run(events, of_a_block, together);
        growths.push(growth);
        let sum: f64 = us.iter().sum();
        let stages: Vec<String> = us.iter().map(|us| format!("{us:.1}")).collect();
        let verifications = sum * together as f64 / limit.verification_us;
        println!(
            "| {together} | {} | {sum:.1} | {verifications:.2} |",
            stages.join(" | ")
        );
    }
    print_growth(&together, &growths);
    ExitCode::SUCCESS
}

/// Bytes per event: of each table, compacted; of all; and of the folder as it lay at the end, with its logs. Then how
/// long opening it took.
type Growth = Vec<(&'static str, f64)>;

fn print_growth(together: &[u64], growths: &[Growth]) {
    let columns: Vec<String> = together.iter().map(u64::to_string).collect();
    println!();
    println!("Bytes on disk per event, of which a transaction has so many:");
    println!();
    println!("| table | {} |", columns.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for (row, (name, _)) in growths[0].iter().enumerate() {
        let bytes = growths.iter().map(|growth| growth[row].1);
        let bytes: Vec<String> = bytes.map(|bytes| format!("{bytes:.0}")).collect();
        println!("| {name} | {} |", bytes.join(" | "));
    }
}

/// Microseconds per event of each stage, and bytes.
fn run(events: u64, of_a_block: u64, together: u64) -> ([f64; STAGES.len()], Growth) {
    let mut node = Node::new();
    let mut us = [0.0; STAGES.len()];
    let mut first = 0;
    while first < events {
        let envelopes = node.envelopes(first, of_a_block, together);
        first += of_a_block;
        let process = cpu_time::of_this_process_us();
        let stages: [&mut dyn FnMut(&mut Node); 4] = [
            &mut |node: &mut Node| node.admit(&envelopes),
            &mut |node: &mut Node| node.build(envelopes.len()),
            &mut |node: &mut Node| node.commit(),
            &mut |node: &mut Node| node.index(),
        ];
        let mut own = 0.0;
        for (stage, us) in stages.into_iter().zip(&mut us) {
            let before = cpu_time::of_thread_us();
            stage(&mut node);
            let took = cpu_time::of_thread_us() - before;
            *us += took;
            own += took;
        }
        us[STAGES.len() - 1] += cpu_time::of_this_process_us() - process - own;
    }
    (us.map(|us| us / first as f64), node.growth(first))
}

/// A node's chain and store, without peers.
struct Node {
    chain: Chain<RocksStore>,
    catalogue: EventCatalogue,
    pool: SharedMempool,
    genesis: Genesis,
    /// The block that was built last.
    block: Option<Block>,
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Node {
        let lone = LoneChain::start();
        Node {
            chain: lone.chain,
            catalogue: lone.catalogue,
            pool: lone.pool,
            genesis: lone.genesis,
            block: None,
            folder: lone.folder,
        }
    }

    fn envelopes(&self, first: u64, events: u64, together: u64) -> Vec<Vec<u8>> {
        let starts = (first..first + events).step_by(together as usize);
        let capture = |from: u64| {
            let events = (from..from + together).map(load::event).collect();
            let chain_id = &self.genesis.chain_id;
            load::capture(
                &key(MARKET.1),
                chain_id,
                MARKET.0,
                load::recent(from),
                events,
            )
        };
        starts.map(capture).collect()
    }

    fn admit(&mut self, envelopes: &[Vec<u8>]) {
        let reader = self.chain.store().reader();
        for message in envelopes.chunks(MESSAGE) {
            let snapshot = reader.snapshot();
            let (tip, now_ms) = (snapshot.tip(), consensus_thread::now_ms());
            let chain_id = &self.genesis.chain_id;
            let admission = Admission::new(chain_id, &snapshot, tip, now_ms, &self.pool);
            for admitted in message
                .chunks(mempool::TOGETHER)
                .flat_map(|together| admission.admit_all(together))
            {
                let admitted = admitted.expect("a good disk").expect("a good transaction");
                assert!(admitted.is_some(), "a new one");
            }
        }
    }

    fn build(&mut self, transactions: usize) {
        let proposer = self.chain.validators().iter().next().map(|v| v.public_key);
        let now_ms = consensus_thread::now_ms();
        let built = self.chain.build(now_ms, proposer.expect("a validator"));
        let block = built.expect("a good disk");
        assert_eq!(block.transactions.len(), transactions, "good transactions");
        self.block = Some(block);
    }

    fn commit(&mut self) {
        let block = self.block.take().expect("it was built");
        let voters = self.chain.validators().iter().map(|v| v.public_key);
        let seeds: Vec<u8> = voters
            .collect::<Vec<_>>()
            .iter()
            .filter_map(voter)
            .collect();
        let certificate = certify(&self.genesis.chain_id, &block.header, 0, &seeds);
        let now_ms = consensus_thread::now_ms();
        // As before a validator's first signature at the height.
        self.chain.settle().expect("a good disk");
        let committed = self.chain.commit(&block.id(), &certificate, now_ms);
        committed.expect("a good disk");
    }

    fn index(&mut self) {
        assert!(self.catalogue.catch_up(u64::MAX).expect("a good disk"));
    }

    /// What is on disk, after opening it again.
    fn growth(self, events: u64) -> Growth {
        let Node {
            chain,
            catalogue,
            genesis,
            folder,
            ..
        } = self;
        drop((chain, catalogue));
        let files = std::fs::read_dir(folder.path()).expect("it is there");
        let lengths = files.map(|file| file.and_then(|file| file.metadata()));
        let lengths = lengths.map(|data| data.expect("a good disk").len());
        let lengths: u64 = lengths.sum();
        let begin = Instant::now();
        let store = RocksStore::open(folder.path(), &genesis.chain_id, &StoreSettings::default());
        let reader = store.expect("a good store").reader();
        let opened_ms = begin.elapsed().as_secs_f64() * 1000.0;
        let mut bytes = reader.compacted_bytes().expect("a good disk");
        let all = bytes.iter().map(|(_, bytes)| bytes).sum();
        bytes.extend([("all tables", all), ("the folder as it lay", lengths)]);
        let per_event = bytes.into_iter();
        let per_event = per_event.map(|(name, bytes)| (name, bytes as f64 / events as f64));
        let mut growth: Growth = per_event.collect();
        growth.push(("opening it, ms", opened_ms));
        growth
    }
}
