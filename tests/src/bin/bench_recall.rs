//! What a recall costs: one lot is made into ten, these into units, the units are packed in cases,
//! pallets and one load that moves; and some units are worked on again and again. The node's walk is
//! compared with reading the same things one by one from the same node in the same run.
//!
//! Usage: `scripts/bench-recall [things]`

#![allow(clippy::print_stdout, reason = "a program speaks to its user")]

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tonic::transport::Channel;
use touchstone_core::test_support::{aggregation, container, event_of, item, lot, object};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{GetItemRequest, SubmitRequest, TraceRequest};
use touchstone_tests::bench::numbers;
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::load;

/// Lots that the first one is made into.
const LOTS: u64 = 10;
/// Units of one transformation, which go into one case.
const UNITS: u64 = 100;
/// Cases of one pallet.
const CASES: u64 = 50;
/// Units that are made into the next one, again and again: so many chains, so deep.
const CHAINS: u64 = 20;
const DEPTH: u64 = 50;
/// Runs of the walk; the fastest counts, since the machine does other things too.
const RUNS: usize = 5;
/// Codes of a recall that is verified: whole, and cut short by the limit.
const VERIFIED: i32 = 0;
const CUT_SHORT: i32 = 6;
/// Things that are read one by one.
const READS: usize = 2_000;
/// Things of a walk that the client proves, and of a recall that it proves whole: more than there are.
const PROVEN: usize = 10_000;
const WHOLE: usize = 200_000;
/// Bytes of a transaction's events.
const TRANSACTION_BYTES: usize = 50_000;

fn main() -> ExitCode {
    let told = match numbers::read("bench_recall [things]", 1) {
        Ok(told) => told,
        Err(code) => return code,
    };
    let things = told.first().copied().unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the runtime starts");
    runtime.block_on(run(things));
    ExitCode::SUCCESS
}

async fn run(things: u64) {
    let plan = Plan {
        validators: 1,
        ..Plan::default()
    };
    let cluster = Cluster::start(&plan);
    cluster.wait_for_height(0, 1).await;
    let mut client = cluster.client(0).await;
    let events = graph(things);
    let start = Instant::now();
    record(&cluster, &mut client, &events).await;
    println!(
        "recorded: {} events in {:.0} s",
        events.len(),
        start.elapsed().as_secs_f64()
    );

    println!("| what | things | seconds | things/s |");
    println!("|---|---|---|---|");
    let mut fastest = Duration::MAX;
    let mut ids = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        ids = recall(&mut client).await;
        fastest = fastest.min(start.elapsed());
    }
    let told = print("recall, the node's walk", ids.len(), fastest);
    let proven = match ids.len() > PROVEN {
        true => {
            let time = prove(&cluster, PROVEN, CUT_SHORT);
            print("recall, proven by the client", PROVEN, time);
            prove(&cluster, WHOLE, VERIFIED)
        }
        false => prove(&cluster, WHOLE, VERIFIED),
    };
    let proven = print("recall, proven by the client", ids.len(), proven);
    let step = (ids.len() / READS).max(1);
    let some: Vec<&String> = ids.iter().step_by(step).take(READS).collect();
    let time = read_one_by_one(&mut client, &some).await;
    let read = print("reading one by one", some.len(), time);
    println!();
    println!(
        "the node's walk against reading one by one: {:.1} times as fast",
        told / read
    );
    println!(
        "proven by the client against reading one by one: {:.2} times as fast",
        proven / read
    );
}

/// Prints a row; gives things per second.
fn print(what: &str, things: usize, time: Duration) -> f64 {
    let seconds = time.as_secs_f64();
    let rate = things as f64 / seconds;
    println!("| {what} | {things} | {seconds:.2} | {rate:.0} |");
    rate
}

/// Events of a graph with at least so many things in a recall of the first lot, in an order in which
/// they can be recorded.
fn graph(things: u64) -> Vec<Vec<u8>> {
    let made = |inputs: serde_json::Value, outputs: serde_json::Value| {
        let mut fields = json!({ "bizStep": "creating_class_instance" });
        for part in [inputs, outputs] {
            for (name, value) in part.as_object().expect("an object") {
                fields[name] = value.clone();
            }
        }
        event_of("TransformationEvent", "", fields)
    };
    let amount =
        |of: u64, number: u64| json!([{ "epcClass": lot(of), "quantity": number, "uom": "KGM" }]);
    let mut events = vec![event_of(
        "ObjectEvent",
        "ADD",
        json!({ "quantityList": amount(0, 1_000_000), "bizStep": "commissioning" }),
    )];
    for n in 1..=LOTS {
        events.push(made(
            json!({ "inputQuantityList": amount(0, 10_000) }),
            json!({ "outputQuantityList": amount(n, 10_000) }),
        ));
    }
    let units = things.saturating_sub(1 + LOTS + CHAINS * DEPTH);
    let cases = units.div_ceil(UNITS);
    for case in 0..cases {
        let units: Vec<String> = (case * UNITS..(case + 1) * UNITS).map(item).collect();
        events.push(made(
            json!({ "inputQuantityList": amount(1 + case % LOTS, 1) }),
            json!({ "outputEPCList": units }),
        ));
        events.push(aggregation("ADD", &container(case), &units));
    }
    let pallets = cases.div_ceil(CASES);
    for pallet in 0..pallets {
        let cases: Vec<String> = (pallet * CASES..((pallet + 1) * CASES).min(cases))
            .map(container)
            .collect();
        events.push(aggregation("ADD", &container(1_000_000 + pallet), &cases));
    }
    let pallets: Vec<String> = (0..pallets).map(|n| container(1_000_000 + n)).collect();
    let load = container(2_000_000);
    events.push(aggregation("ADD", &load, &pallets));
    for note in 0..3 {
        events.push(object(note, std::slice::from_ref(&load)));
    }
    for chain in 0..CHAINS {
        let unit = |depth: u64| item(10_000_000 + chain * DEPTH + depth);
        events.push(made(
            json!({ "inputQuantityList": amount(1 + chain % LOTS, 1) }),
            json!({ "outputEPCList": [unit(0)] }),
        ));
        for depth in 1..DEPTH {
            events.push(made(
                json!({ "inputEPCList": [unit(depth - 1)] }),
                json!({ "outputEPCList": [unit(depth)] }),
            ));
        }
    }
    events
}

/// Records the events in this order, many in a transaction.
async fn record(cluster: &Cluster, client: &mut LedgerClient<Channel>, events: &[Vec<u8>]) {
    let mut rest = events.iter().peekable();
    let mut number = 0;
    while rest.peek().is_some() {
        let mut some = Vec::new();
        let mut bytes = 0;
        while let Some(event) =
            rest.next_if(|e| some.is_empty() || bytes + e.len() <= TRANSACTION_BYTES)
        {
            bytes += event.len();
            some.push(event.clone());
        }
        number += 1;
        let envelope = load::capture(
            &cluster.keys[0],
            &cluster.genesis.chain_id,
            &organisation_id(0),
            load::recent(number),
            some,
        );
        let request = SubmitRequest {
            envelope,
            wait: true,
        };
        let status = client.submit(request).await.expect("the node answers");
        let status = status.into_inner().status;
        assert!(matches!(status, Some(Status::Committed(_))), "{status:?}");
    }
}

/// Identifiers of what is affected by the first lot.
async fn recall(client: &mut LedgerClient<Channel>) -> Vec<String> {
    let request = TraceRequest {
        id: lot(0),
        max_depth: 1000,
        max_items: 200_000,
        ..TraceRequest::default()
    };
    let replies = client.trace(request).await.expect("the node answers");
    let mut replies = replies.into_inner();
    let mut ids = Vec::new();
    loop {
        let reply = replies.message().await.expect("the stream holds");
        let reply = reply.expect("it ends with an end");
        ids.extend(reply.items.into_iter().map(|item| item.id));
        if let Some(end) = reply.end {
            assert_eq!((end.too_deep, end.too_many), (0, 0), "all of it");
            return ids;
        }
    }
}

async fn read_one_by_one(client: &mut LedgerClient<Channel>, ids: &[&String]) -> Duration {
    let start = Instant::now();
    for id in ids {
        let request = GetItemRequest {
            id: (*id).clone(),
            ..GetItemRequest::default()
        };
        let reply = client.get_item(request).await.expect("the node answers");
        assert!(!reply.into_inner().events.is_empty(), "it is recorded");
    }
    start.elapsed()
}

/// How long `touchstone recall` takes to prove so many, and that it ends with this code.
fn prove(cluster: &Cluster, limit: usize, code: i32) -> Duration {
    let program = std::env::current_exe().expect("this program has a path");
    let start = Instant::now();
    let status = Command::new(program.with_file_name("touchstone"))
        .args(["recall", &lot(0), "--json", "--depth", "1000"])
        .args(["--limit", &limit.to_string()])
        .args(["--node", &cluster.url(0)])
        .arg("--genesis")
        .arg(cluster.genesis_file())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program is built beside this one");
    assert_eq!(status.code(), Some(code));
    start.elapsed()
}
