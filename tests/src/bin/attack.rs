//! Lets strangers come to the ports of nodes on this machine for a while, or measures a consortium of its own under
//! strangers and under one member's flood, and prints what honest clients saw.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use touchstone_tests::cluster::{Cluster, Plan};
use touchstone_tests::flood::{Attack, Flood};
use touchstone_tests::siege::{self, Honest, MembersFlood, Strangers};

const USAGE: &str = "usage: attack silent|slow|unread|pages|streams COUNT SECONDS ADDRESS:PORT...
       attack ports SILENT SLOW SECONDS     a consortium of its own, all ports of all nodes
       attack member CONNECTIONS SECONDS    a consortium of its own, one member's flood
  such as: attack silent 1100 40 127.0.0.1:26650 127.0.0.1:26660
           attack ports 5000 2000 60
           attack member 32 60";

/// What is asked of the program.
enum Order {
    Come(Attack, usize, u64, Vec<SocketAddr>),
    Ports(usize, usize, u64),
    Member(usize, u64),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match order(&words) {
        Some(Order::Come(attack, count, seconds, ports)) => {
            come(attack, count, seconds, &ports).await
        }
        Some(Order::Ports(silent, slow, seconds)) => ports(silent, slow, seconds).await,
        Some(Order::Member(connections, seconds)) => member(connections, seconds).await,
        None => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn order(words: &[&str]) -> Option<Order> {
    match words {
        ["ports", silent, slow, seconds] => Some(Order::Ports(
            silent.parse().ok()?,
            slow.parse().ok()?,
            seconds.parse().ok()?,
        )),
        ["member", connections, seconds] => Some(Order::Member(
            connections.parse().ok()?,
            seconds.parse().ok()?,
        )),
        [attack, count, seconds, ports @ ..] => {
            let ports: Result<Vec<SocketAddr>, _> = ports.iter().map(|p| p.parse()).collect();
            let ports = ports.ok().filter(|ports| !ports.is_empty())?;
            let is_here = ports.iter().all(|port| port.ip().is_loopback());
            is_here.then_some(Order::Come(
                Attack::named(attack)?,
                count.parse().ok()?,
                seconds.parse().ok()?,
                ports,
            ))
        }
        _ => None,
    }
}

async fn come(attack: Attack, count: usize, seconds: u64, ports: &[SocketAddr]) {
    let floods: Vec<Flood> = ports
        .iter()
        .map(|port| Flood::start(attack, *port, count))
        .collect();
    println!(
        "{attack:?}: {count} strangers at each of {} ports",
        ports.len()
    );
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let left: usize = floods.iter().map(Flood::len).sum();
    println!("{left} were still at work after {seconds} s");
}

/// How long honest clients are measured alone.
const ALONE: Duration = Duration::from_secs(30);
/// How long strangers have to come before anything is measured.
const GATHER: Duration = Duration::from_secs(5);
/// Answers of each node that nobody reads.
const UNREAD: usize = 1000;

fn consortium() -> Cluster {
    Cluster::start(&Plan {
        validators: 4,
        ..Plan::default()
    })
}

async fn ports(silent: usize, slow: usize, seconds: u64) {
    let mut cluster = consortium();
    let all: Vec<usize> = (0..cluster.size()).collect();
    let warm = siege::honest(&cluster, &all, GATHER).await;
    drop(warm);
    let alone = siege::honest(&cluster, &all, ALONE).await;
    let time = Duration::from_secs(seconds);
    let whole = time + 2 * GATHER;
    let mut strangers = Strangers::default();
    for node in &all {
        for port in [
            cluster.rpc(*node),
            cluster.http(*node),
            cluster.peers(*node),
        ] {
            strangers.come(Attack::Silent, silent, whole, port);
            strangers.come(Attack::Slow, slow, whole, port);
        }
        strangers.come(Attack::Unread, UNREAD, whole, cluster.rpc(*node));
        strangers.come(Attack::Pages, UNREAD, whole, cluster.http(*node));
    }
    tokio::time::sleep(GATHER).await;
    let besieged = siege::honest(&cluster, &all, time).await;
    let peak = all
        .iter()
        .filter_map(|node| siege::peak_memory(&cluster, *node))
        .max();
    let stopped = siege::stopped(&mut cluster);
    println!(
        "{silent} silent and {slow} slow connections at each of {} ports, {UNREAD} unread blocks and pages of each \
         node, {seconds} s",
        3 * all.len()
    );
    table(&alone, &besieged);
    println!(
        "peak memory of a node: {} MiB (goal 512)",
        peak.unwrap_or_default()
    );
    println!("validators stopped: {stopped} (goal 0)");
}

async fn member(connections: usize, seconds: u64) {
    let mut cluster = consortium();
    let others: Vec<usize> = (1..cluster.size()).collect();
    let warm = siege::honest(&cluster, &others, GATHER).await;
    drop(warm);
    let alone = siege::honest(&cluster, &others, ALONE).await;
    let flood = MembersFlood::start(&cluster, 0, connections, 100);
    tokio::time::sleep(GATHER).await;
    let flooded = siege::honest(&cluster, &others, Duration::from_secs(seconds)).await;
    let taken = flood.taken.load(std::sync::atomic::Ordering::Relaxed);
    drop(flood);
    println!(
        "one member's flood of captures of 100 events over {connections} connections, {seconds} s: {taken} were taken"
    );
    table(&alone, &flooded);
    println!(
        "validators stopped: {} (goal 0)",
        siege::stopped(&mut cluster)
    );
}

fn table(alone: &Honest, under: &Honest) {
    println!(
        "{:<28} {:>10} {:>10} {:>8}",
        "", "alone", "under it", "ratio"
    );
    let rows = [
        ("records: p50, ms", alone.records.p50(), under.records.p50()),
        (
            "records: p99, ms (goal 2)",
            alone.records.p99(),
            under.records.p99(),
        ),
        ("reads: p50, ms", alone.reads.p50(), under.reads.p50()),
        (
            "reads: p99, ms (goal 2)",
            alone.reads.p99(),
            under.reads.p99(),
        ),
        (
            "records in a second",
            alone.records_per_s,
            under.records_per_s,
        ),
    ];
    for (name, alone, under) in rows {
        println!(
            "{name:<28} {alone:>10.1} {under:>10.1} {:>8.2}",
            under / alone
        );
    }
}
