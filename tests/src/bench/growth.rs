//! What changes as a ledger grows: the time of a commit and of a query, bytes on disk, memory, and a start; and how
//! fast a node that was away catches up. One validator, so that nothing but the store grows.

use std::path::Path;
use std::time::Instant;

use touchstone_proto::node::{GetItemRequest, GetStatusRequest};

use super::cpu_time;
use super::latency::Latencies;
use super::ledger;
use super::reads::draw;
use super::report::{Report, cell};
use crate::cluster::{Cluster, Plan};
use crate::load;

/// Events of one transaction, and transactions that are made and submitted at once.
const TOGETHER: usize = 100;
const PORTION: usize = 200;
/// Transactions that are submitted one by one.
const ONE_BY_ONE: usize = 200;
/// Questions of one client, after so many that warm the caches.
const QUESTIONS: usize = 5_000;
const WARM_UP: usize = 500;

/// What is measured at each size: its name, what it is called in the table, and digits after the point.
const FIGURES: [(&str, &str, usize); 9] = [
    ("fill", "filled, events/s", 0),
    ("cpu", "CPU of the node per event, us", 1),
    ("commit p50", "commit p50 ms", 2),
    ("commit p99", "commit p99 ms", 2),
    ("query p50", "query p50 ms", 2),
    ("query p99", "query p99 ms", 2),
    (
        "bytes",
        "bytes on disk per event, with the database's log",
        0,
    ),
    ("memory", "most memory, MiB", 0),
    ("restart", "start after a kill, s", 2),
];

/// Sizes of the ledger at which it is measured: a tenth of the items, and all.
pub fn sizes(items: u64) -> [u64; 2] {
    [items / 10, items]
}

/// Fills a validator with so many items, one event each, and measures at both sizes.
pub async fn measure(items: u64, report: &mut Report) {
    let plan = Plan {
        validators: 1,
        ..Plan::default()
    };
    let mut cluster = Cluster::start(&plan);
    cluster.wait_for_height(0, 1).await;
    let mut first = 0;
    for size in sizes(items) {
        let mut add = |figure: &str, value: f64| report.add(name(size, figure), value);
        let (begin, from, cpu) = (Instant::now(), first, cpu_us(&cluster));
        while first < size {
            let left = size.saturating_sub(first).div_ceil(TOGETHER as u64) as usize;
            let envelopes = ledger::envelopes(&cluster, PORTION.min(left), TOGETHER, &mut first);
            ledger::submit(&cluster, &envelopes, None).await;
        }
        let events = (first - from) as f64;
        add("fill", events / begin.elapsed().as_secs_f64());
        add("cpu", (cpu_us(&cluster) - cpu) / events);
        let envelopes = ledger::envelopes(&cluster, ONE_BY_ONE, 1, &mut first);
        let commits = ledger::submit_one_by_one(&cluster, 0, &envelopes).await;
        add("commit p50", commits.latencies.p50());
        add("commit p99", commits.latencies.p99());
        ask(&cluster, size, WARM_UP).await;
        let queries = ask(&cluster, size, QUESTIONS).await;
        add("query p50", queries.p50());
        add("query p99", queries.p99());
        let data = cluster.node_folder(0).join("data");
        add("bytes", bytes_of(&data) as f64 / first as f64);
        add("memory", most_memory_mib(&cluster));
        cluster.kill(0);
        let begin = Instant::now();
        cluster.launch(0);
        cluster.client(0).await;
        add("restart", begin.elapsed().as_secs_f64());
    }
}

/// A table of both sizes beside each other.
pub fn table(items: u64, report: &Report) -> String {
    let [few, many] = sizes(items);
    let mut lines = vec![
        format!("| one validator | {few} items | {many} items | ratio |"),
        "|---|---|---|---|".to_owned(),
    ];
    for (figure, title, digits) in FIGURES {
        let (few, many) = (name(few, figure), name(many, figure));
        lines.push(format!(
            "| {title} | {} | {} | {} |",
            cell(report.median(&few), digits),
            cell(report.median(&many), digits),
            cell(report.ratio(&many, &few), 2),
        ));
    }
    lines.join("\n")
}

/// Lets a node follow a chain of so many transactions, of one event each, from its beginning.
pub async fn follow(transactions: usize, report: &mut Report) {
    let plan = Plan {
        validators: 1,
        observers: 1,
        ..Plan::default()
    };
    let mut cluster = Cluster::start(&plan);
    cluster.wait_for_height(0, 1).await;
    cluster.kill(1);
    let envelopes = ledger::envelopes(&cluster, transactions, 1, &mut 0);
    ledger::submit(&cluster, &envelopes, None).await;
    let mut client = cluster.client(0).await;
    let status = client.get_status(GetStatusRequest {}).await;
    let height = status.expect("the node answers").into_inner().height;
    let begin = Instant::now();
    cluster.launch(1);
    cluster.wait_for_height(1, height).await;
    let seconds = begin.elapsed().as_secs_f64();
    report.add("follower transactions/s", transactions as f64 / seconds);
}

/// How fast it was, in words.
pub fn followed(report: &Report) -> String {
    format!(
        "A node that follows from the beginning takes in {} transactions/s, its start included.",
        cell(report.median("follower transactions/s"), 0)
    )
}

fn name(size: u64, figure: &str) -> String {
    format!("{size} items {figure}")
}

fn cpu_us(cluster: &Cluster) -> f64 {
    let process = cluster.process_id(0).expect("it runs");
    cpu_time::of_process_us(process).expect("it runs")
}

/// One client asks for proven histories, of items here and there.
async fn ask(cluster: &Cluster, items: u64, questions: usize) -> Latencies {
    let mut client = cluster.client(0).await;
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut times_ms = Vec::new();
    while let Some(item) = draw(&next, questions, items) {
        let request = GetItemRequest {
            id: load::unit(item),
            ..GetItemRequest::default()
        };
        let begin = Instant::now();
        let reply = client.get_item(request).await.expect("the node answers");
        times_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(reply.into_inner().events.len(), 1);
    }
    Latencies::new(times_ms)
}

/// Bytes of all files in a folder, and in those below.
fn bytes_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let of = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        // A file may be gone by now.
        let data = entry.metadata().ok()?;
        Some(match data.is_dir() {
            true => bytes_of(&entry.path()),
            false => data.len(),
        })
    };
    entries.filter_map(of).sum()
}

/// The most memory that the node had so far (proc_pid_status(5): VmHWM, in KiB).
fn most_memory_mib(cluster: &Cluster) -> f64 {
    let process = cluster.process_id(0).expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{process}/status"));
    let status = status.expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.expect("a number") / 1024.0
}
