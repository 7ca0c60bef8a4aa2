//! Lets strangers come to the ports of nodes on this machine for a while, or measures a consortium of its own under
//! strangers and under one member's flood, and prints what honest clients saw: alone, beside the same attackers at a
//! port without a node behind it, and under attack.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use touchstone_tests::cluster::{Cluster, Plan};
use touchstone_tests::flood::{Attack, Flood};
use touchstone_tests::siege::{self, Attackers, Honest, Member};
use touchstone_tests::sink;

const USAGE: &str = "usage: attack silent|slow|unread|pages|streams COUNT SECONDS ADDRESS:PORT...
       attack ports SILENT SLOW SECONDS [RANK]    a consortium of its own, all ports of all nodes
       attack member CONNECTIONS SECONDS [RANK]   a consortium of its own, one member's flood
       attack kept SECONDS                        a consortium of its own, one of four down, and 10 % loss
       attack sink SECONDS ADDRESS:PORT...        ports without a node behind them
  such as: attack silent 1100 40 127.0.0.1:26650 127.0.0.1:26660
           attack ports 5000 2000 60
           attack member 32 60
  RANK is how far attackers stand behind all others on this machine (nice), 0 to 19; 10 unless it is given";

/// How far attackers stand behind all others.
const RANK: u32 = 10;

/// What is asked of the program.
enum Order {
    Come(Attack, usize, Duration, Vec<SocketAddr>),
    Sink(Duration, Vec<SocketAddr>),
    Flood(Member, usize, Duration),
    FloodSink(Member, usize, Duration),
    Ports(usize, usize, Duration, u32),
    Member(usize, Duration, u32),
    Kept(Duration),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match order(&words) {
        Some(Order::Come(attack, count, time, ports)) => come(attack, count, time, &ports).await,
        Some(Order::Sink(time, ports)) => {
            let served = ports
                .into_iter()
                .map(|port| tokio::spawn(sink::serve(port)));
            let _served: Vec<_> = served.collect();
            tokio::time::sleep(time).await;
        }
        Some(Order::Flood(member, connections, time)) => {
            let flooded = siege::flood(&member, connections, EVENTS, time).await;
            println!("{} taken, {} refused", flooded.taken, flooded.refused);
        }
        Some(Order::FloodSink(member, connections, time)) => {
            siege::flood_sink(&member, connections, EVENTS, time).await;
        }
        Some(Order::Ports(silent, slow, time, rank)) => ports(silent, slow, time, rank).await,
        Some(Order::Member(connections, time, rank)) => member(connections, time, rank).await,
        Some(Order::Kept(time)) => kept(time).await,
        None => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn order(words: &[&str]) -> Option<Order> {
    let count = |word: &str| word.parse::<usize>().ok();
    let seconds = |word: &str| word.parse().ok().map(Duration::from_secs);
    let rank = |words: &[&str]| match words {
        [] => Some(RANK),
        [rank] => rank.parse().ok().filter(|rank| *rank < 20),
        _ => None,
    };
    let ports = |words: &[&str]| {
        let ports: Result<Vec<SocketAddr>, _> = words.iter().map(|port| port.parse()).collect();
        let is_here = |ports: &Vec<SocketAddr>| ports.iter().all(|port| port.ip().is_loopback());
        ports
            .ok()
            .filter(|ports| !ports.is_empty() && is_here(ports))
    };
    Some(match words {
        ["ports", silent, slow, time, rest @ ..] => {
            Order::Ports(count(silent)?, count(slow)?, seconds(time)?, rank(rest)?)
        }
        ["member", connections, time, rest @ ..] => {
            Order::Member(count(connections)?, seconds(time)?, rank(rest)?)
        }
        ["kept", time] => Order::Kept(seconds(time)?),
        ["sink", time, rest @ ..] => Order::Sink(seconds(time)?, ports(rest)?),
        ["flood", connections, time, rest @ ..] => {
            Order::Flood(Member::read(rest)?, count(connections)?, seconds(time)?)
        }
        ["flood-sink", connections, time, rest @ ..] => {
            Order::FloodSink(Member::read(rest)?, count(connections)?, seconds(time)?)
        }
        [attack, strangers, time, rest @ ..] => Order::Come(
            Attack::named(attack)?,
            count(strangers)?,
            seconds(time)?,
            ports(rest)?,
        ),
        _ => return None,
    })
}

async fn come(attack: Attack, count: usize, time: Duration, ports: &[SocketAddr]) {
    let floods: Vec<Flood> = ports
        .iter()
        .map(|port| Flood::start(attack, *port, count))
        .collect();
    println!(
        "{attack:?}: {count} strangers at each of {} ports",
        ports.len()
    );
    tokio::time::sleep(time).await;
    let left: usize = floods.iter().map(Flood::len).sum();
    println!("{left} were still at work after {} s", time.as_secs());
}

/// How long honest clients are measured alone.
const ALONE: Duration = Duration::from_secs(30);
/// How long attackers have to come before anything is measured.
const GATHER: Duration = Duration::from_secs(5);
/// Answers of each node that nobody reads.
const UNREAD: usize = 1000;
/// Events of each capture of a flood.
const EVENTS: u64 = 100;

fn consortium() -> Cluster {
    Cluster::start(&Plan {
        validators: 4,
        ..Plan::default()
    })
}

/// What honest clients saw, and what was taken of the machine meanwhile.
struct Phase {
    honest: Honest,
    /// Processor time in cores.
    attackers: f64,
    nodes: f64,
}

async fn phase(
    cluster: &Cluster,
    members: &[usize],
    time: Duration,
    attackers: &Attackers,
) -> Phase {
    let begin = Instant::now();
    let before = (attackers.cpu_s(), siege::nodes_cpu_s(cluster));
    let honest = siege::honest(cluster, members, time).await;
    let seconds = begin.elapsed().as_secs_f64();
    Phase {
        honest,
        attackers: (attackers.cpu_s() - before.0) / seconds,
        nodes: (siege::nodes_cpu_s(cluster) - before.1) / seconds,
    }
}

/// Alone, once all is warm.
async fn alone(cluster: &Cluster, members: &[usize], rank: u32) -> Phase {
    drop(siege::honest(cluster, members, GATHER).await);
    phase(cluster, members, ALONE, &Attackers::new(rank)).await
}

async fn ports(silent: usize, slow: usize, time: Duration, rank: u32) {
    let mut cluster = consortium();
    let all: Vec<usize> = (0..cluster.size()).collect();
    let alone = alone(&cluster, &all, rank).await;
    let whole = time + 6 * GATHER;
    let besiege = |attackers: &mut Attackers, [rpc, http, peers]: [SocketAddr; 3]| {
        for port in [rpc, http, peers] {
            attackers.come(Attack::Silent, silent, whole, port);
            attackers.come(Attack::Slow, slow, whole, port);
        }
        attackers.come(Attack::Unread, UNREAD, whole, rpc);
        attackers.come(Attack::Pages, UNREAD, whole, http);
    };
    let mut attackers = Attackers::new(rank);
    let sinks = sink::free_ports(3 * all.len());
    attackers.sink(whole, &sinks);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for three in sinks.as_chunks::<3>().0 {
        besiege(&mut attackers, *three);
    }
    tokio::time::sleep(GATHER).await;
    let beside = phase(&cluster, &all, time, &attackers).await;
    drop(attackers);
    let mut attackers = Attackers::new(rank);
    for node in &all {
        let node = *node;
        let three = [cluster.rpc(node), cluster.http(node), cluster.peers(node)];
        besiege(&mut attackers, three);
    }
    tokio::time::sleep(GATHER).await;
    let under = phase(&cluster, &all, time, &attackers).await;
    drop(attackers);
    let peaks = all
        .iter()
        .filter_map(|node| siege::peak_memory(&cluster, *node));
    let peak = peaks.max();
    let stopped = siege::stopped(&mut cluster);
    println!(
        "{silent} silent and {slow} slow connections at each of {} ports, {UNREAD} unread blocks and pages of each \
         node, {} s",
        3 * all.len(),
        time.as_secs()
    );
    table(&alone, &beside, &under);
    println!(
        "peak memory of a node: {} MiB (goal 512)",
        peak.unwrap_or_default()
    );
    println!("validators stopped: {stopped} (goal 0)");
}

async fn member(connections: usize, time: Duration, rank: u32) {
    let mut cluster = consortium();
    let others: Vec<usize> = (1..cluster.size()).collect();
    let alone = alone(&cluster, &others, rank).await;
    let whole = time + 2 * GATHER;
    let mut attackers = Attackers::new(rank);
    let sinks = sink::free_ports(1);
    attackers.sink(whole, &sinks);
    tokio::time::sleep(Duration::from_secs(1)).await;
    attackers.flood(&cluster, 0, connections, whole, sinks.first().copied());
    tokio::time::sleep(GATHER).await;
    let beside = phase(&cluster, &others, time, &attackers).await;
    drop(attackers);
    let mut attackers = Attackers::new(rank);
    attackers.flood(&cluster, 0, connections, whole, None);
    tokio::time::sleep(GATHER).await;
    let under = phase(&cluster, &others, time, &attackers).await;
    println!(
        "one member's flood of captures of {EVENTS} events over {connections} connections, {} s: {}",
        whole.as_secs(),
        attackers.said().join("; ")
    );
    table(&alone, &beside, &under);
    println!(
        "validators stopped: {} (goal 0)",
        siege::stopped(&mut cluster)
    );
}

/// How long a dead validator's turns are found out before anything is measured.
const SETTLE: Duration = Duration::from_secs(20);

async fn kept(time: Duration) {
    let others = [0, 1, 2];
    let mut cluster = consortium();
    drop(siege::honest(&cluster, &others, GATHER).await);
    let all_there = siege::honest(&cluster, &others, time).await;
    cluster.kill(3);
    let at_once = siege::honest(&cluster, &others, SETTLE).await;
    let one_down = siege::honest(&cluster, &others, time).await;
    drop(cluster);
    let cluster = Cluster::start(&Plan {
        validators: 4,
        has_links: true,
        ..Plan::default()
    });
    drop(siege::honest(&cluster, &others, GATHER).await);
    let without_loss = siege::honest(&cluster, &others, time).await;
    cluster.weather().lose(100);
    let with_loss = siege::honest(&cluster, &others, time).await;
    println!(
        "{:<44} {:>7} {:>7} {:>7} {:>6}",
        "records", "p50, ms", "p99, ms", "per s", "kept"
    );
    let row = |name: &str, now: &Honest, before: &Honest| {
        let (p50, p99) = (now.records.p50(), now.records.p99());
        let (rate, kept) = (now.records_per_s, now.records_per_s / before.records_per_s);
        println!("{name:<44} {p50:>7.1} {p99:>7.1} {rate:>7.1} {kept:>6.2}");
    };
    row("four of four", &all_there, &all_there);
    row("one of four killed, its first 20 s", &at_once, &all_there);
    row("one of four down (goal 0.8)", &one_down, &all_there);
    row("through links", &without_loss, &without_loss);
    row(
        "through links with 10 % loss (goal 0.5)",
        &with_loss,
        &without_loss,
    );
}

fn table(alone: &Phase, beside: &Phase, under: &Phase) {
    println!(
        "{:<28} {:>9} {:>13} {:>9} {:>10} {:>10}",
        "", "alone", "beside a sink", "under it", "of alone", "of beside"
    );
    let row = |name: &str, of: &dyn Fn(&Phase) -> f64| {
        let [alone, beside, under] = [of(alone), of(beside), of(under)];
        println!(
            "{name:<28} {alone:>9.1} {beside:>13.1} {under:>9.1} {:>10.2} {:>10.2}",
            under / alone,
            under / beside
        );
    };
    row("records: p50, ms", &|phase| phase.honest.records.p50());
    row("records: p99, ms (goal 2)", &|phase| {
        phase.honest.records.p99()
    });
    row("reads: p50, ms", &|phase| phase.honest.reads.p50());
    row("reads: p99, ms (goal 2)", &|phase| phase.honest.reads.p99());
    row("records in a second (0.8)", &|phase| {
        phase.honest.records_per_s
    });
    let cpu = |name: &str, of: &dyn Fn(&Phase) -> f64| {
        let [alone, beside, under] = [of(alone), of(beside), of(under)];
        println!("{name:<28} {alone:>9.2} {beside:>13.2} {under:>9.2}");
    };
    cpu("attackers' cores", &|phase| phase.attackers);
    cpu("nodes' cores", &|phase| phase.nodes);
}
