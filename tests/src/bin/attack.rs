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

use touchstone_tests::attackers::{Attackers, Rank};
use touchstone_tests::bench::latency::Latencies;
use touchstone_tests::cluster::{Cluster, Plan};
use touchstone_tests::flood::{Attack, Flood};
use touchstone_tests::machine::DiskProbe;
use touchstone_tests::siege::{self, Honest, Member};
use touchstone_tests::{machine, sink};

const USAGE: &str = "usage: attack silent|slow|unread|pages|streams COUNT SECONDS ADDRESS:PORT...
       attack ports SILENT SLOW SECONDS [RANK]    a consortium of its own, all ports of all nodes
       attack member CONNECTIONS SECONDS [RANK]   a consortium of its own, one member's flood
       attack kept SECONDS                        a consortium of its own, one of four down, and 10 % loss
       attack sink SECONDS ADDRESS:PORT...        ports without a node behind them
  such as: attack silent 1100 40 127.0.0.1:26650 127.0.0.1:26660
           attack ports 5000 2000 60
           attack member 32 60
  RANK is how far attackers stand behind all others on this machine: nice, 0 to 19, or idle, which it is unless given";

/// How far attackers stand behind all others.
const RANK: Rank = Rank::Idle;

/// What is asked of the program.
enum Order {
    Come(Attack, usize, Duration, Vec<SocketAddr>),
    Sink(Duration, Vec<SocketAddr>),
    Flood(Member, usize, Duration),
    FloodSink(Member, usize, Duration),
    Ports(usize, usize, Duration, Rank),
    Member(usize, Duration, Rank),
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
        [rank] => rank.parse().ok(),
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
    tokio::time::sleep(time).await;
    let sum = |of: &dyn Fn(&Flood) -> u64| floods.iter().map(of).sum::<u64>();
    let opened = sum(&|flood| flood.visits().opened());
    let shut_out = sum(&|flood| flood.visits().shut_out());
    println!("{opened} connections opened, {shut_out} of them shut out");
}

/// Windows of each kind. They take turns, so that what else the machine does falls on all kinds.
const WINDOWS: u32 = 3;
/// How long attackers have to come, beside honest clients, before anything is measured.
const GATHER: Duration = Duration::from_secs(5);
/// How much longer attackers stay than they are measured.
const LONGER: Duration = Duration::from_secs(2);
/// Honest clients of each node, of each kind: enough that some dozens stand above a 99th percentile.
const HONEST: usize = 4;
/// Honest clients of each node where rates are compared.
const FEW: usize = 2;
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

/// Where attackers come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Where {
    /// Nowhere: honest clients are alone.
    Nowhere,
    /// To ports without nodes.
    Sink,
    /// To the nodes.
    Nodes,
}

/// What honest clients saw in a window, and what was taken of the machine meanwhile.
struct Window {
    honest: Honest,
    /// Processor time in cores.
    attackers: f64,
    nodes: f64,
    /// Sockets at the nodes, or at the sink, at its end.
    sockets: usize,
    /// Syncs of the disk.
    syncs: Latencies,
    /// What attackers said.
    said: Vec<String>,
}

/// A window of honest clients that are at work before it, and of attackers that come meanwhile.
async fn window(
    cluster: &Cluster,
    members: &[usize],
    time: Duration,
    attackers: Attackers,
) -> Window {
    let cores = async {
        tokio::time::sleep(GATHER).await;
        let begin = Instant::now();
        let (attacked, served) = (attackers.cpu_s(), machine::nodes_cpu_s(cluster));
        let disk = DiskProbe::start();
        tokio::time::sleep(time).await;
        let seconds = begin.elapsed().as_secs_f64();
        let sockets = attackers.sockets_at_sink();
        let syncs = tokio::task::spawn_blocking(|| disk.end()).await;
        (
            (attackers.cpu_s() - attacked) / seconds,
            (machine::nodes_cpu_s(cluster) - served) / seconds,
            sockets.unwrap_or_else(|| machine::nodes_sockets(cluster)),
            syncs.expect("the probe ends"),
        )
    };
    let honest = siege::honest(cluster, members, HONEST, GATHER, time);
    let (honest, (attacked, nodes, sockets, syncs)) = tokio::join!(honest, cores);
    Window {
        honest,
        attackers: attacked,
        nodes,
        sockets,
        syncs,
        said: attackers.said(),
    }
}

/// All windows of a kind.
struct Phase {
    windows: Vec<Window>,
    /// What all of them saw.
    honest: Honest,
    /// All syncs of the disk.
    syncs: Latencies,
}

impl Phase {
    fn of(windows: Vec<Window>) -> Phase {
        Phase {
            honest: Honest::together(windows.iter().map(|window| &window.honest)),
            syncs: Latencies::together(windows.iter().map(|window| &window.syncs)),
            windows,
        }
    }

    fn mean(&self, of: impl Fn(&Window) -> f64) -> f64 {
        self.windows.iter().map(of).sum::<f64>() / self.windows.len() as f64
    }

    /// The sum of what attackers said as their number at this place.
    fn said(&self, place: usize) -> u64 {
        let lines = self.windows.iter().flat_map(|window| &window.said);
        let number = |line: &String| {
            let mut numbers = line
                .split_whitespace()
                .filter_map(|word| word.parse::<u64>().ok());
            numbers.nth(place)
        };
        lines.filter_map(number).sum()
    }
}

/// Measures honest clients alone, beside a sink and under attack, for so long each.
async fn in_turns(
    cluster: &Cluster,
    members: &[usize],
    time: Duration,
    rank: Rank,
    come: impl Fn(&mut Attackers, Where, Duration),
) -> [Phase; 3] {
    let kinds = [Where::Nowhere, Where::Sink, Where::Nodes];
    let mut windows = kinds.map(|_| Vec::new());
    let time = time / WINDOWS;
    for _ in 0..WINDOWS {
        for (kind, windows) in kinds.into_iter().zip(&mut windows) {
            let mut attackers = Attackers::new(rank);
            come(&mut attackers, kind, GATHER + time + LONGER);
            windows.push(window(cluster, members, time, attackers).await);
            if kind == Where::Nodes {
                // What waits of a flood isn't the next window's.
                siege::record_once(cluster, 0).await;
            }
        }
    }
    windows.map(Phase::of)
}

/// Connections that attackers opened and lost, in all and in a second.
fn visits(phase: &Phase, time: Duration) -> String {
    let seconds = (GATHER + LONGER).as_secs_f64() * f64::from(WINDOWS) + time.as_secs_f64();
    let (opened, shut_out) = (phase.said(0), phase.said(1));
    format!(
        "{opened} opened ({:.0} a second), {shut_out} shut out, {} standing at the end of all windows; {:.0} sockets \
         there at the end of a window",
        opened as f64 / seconds,
        opened.saturating_sub(shut_out),
        phase.mean(|window| window.sockets as f64)
    )
}

async fn ports(silent: usize, slow: usize, time: Duration, rank: Rank) {
    let mut cluster = consortium();
    let all: Vec<usize> = (0..cluster.size()).collect();
    let sinks = sink::free_ports(3 * all.len());
    let ports = |node: usize| [cluster.rpc(node), cluster.http(node), cluster.peers(node)];
    let doors: Vec<SocketAddr> = all.iter().flat_map(|node| ports(*node)).collect();
    let come = |attackers: &mut Attackers, to: Where, time: Duration| {
        let doors = match to {
            Where::Nowhere => return,
            Where::Sink => {
                attackers.sink(time, &sinks);
                &sinks
            }
            Where::Nodes => &doors,
        };
        for [rpc, http, peers] in doors.as_chunks::<3>().0 {
            for port in [rpc, http, peers] {
                attackers.come(Attack::Silent, silent, time, *port);
                attackers.come(Attack::Slow, slow, time, *port);
            }
            attackers.come(Attack::Unread, UNREAD, time, *rpc);
            attackers.come(Attack::Pages, UNREAD, time, *http);
        }
    };
    let phases = in_turns(&cluster, &all, time, rank, come).await;
    let peaks = all
        .iter()
        .filter_map(|node| machine::peak_memory(&cluster, *node));
    let peak = peaks.max();
    let stopped = machine::stopped(&mut cluster);
    println!(
        "{silent} silent and {slow} slow connections at each of {} ports, {UNREAD} unread blocks and pages of each \
         node, {} s, rank {rank}",
        3 * all.len(),
        time.as_secs()
    );
    table(&phases);
    let [_, beside, under] = &phases;
    println!("connections at sinks: {}", visits(beside, time));
    println!("connections at nodes: {}", visits(under, time));
    println!(
        "peak memory of a node: {} MiB (goal 512)",
        peak.unwrap_or_default()
    );
    println!("validators stopped: {stopped} (goal 0)");
}

async fn member(connections: usize, time: Duration, rank: Rank) {
    let mut cluster = consortium();
    let others: Vec<usize> = (1..cluster.size()).collect();
    let sinks = sink::free_ports(1);
    let come = |attackers: &mut Attackers, to: Where, time: Duration| match to {
        Where::Nowhere => {}
        Where::Sink => {
            attackers.sink(time, &sinks);
            attackers.flood(&cluster, 0, connections, time, sinks.first().copied());
        }
        Where::Nodes => attackers.flood(&cluster, 0, connections, time, None),
    };
    let phases = in_turns(&cluster, &others, time, rank, come).await;
    println!(
        "one member's flood of captures of {EVENTS} events over {connections} connections, {} s, rank {rank}: {} \
         taken, {} refused",
        time.as_secs(),
        phases[2].said(0),
        phases[2].said(1)
    );
    table(&phases);
    println!(
        "validators stopped: {} (goal 0)",
        machine::stopped(&mut cluster)
    );
}

/// How long a dead validator's turns are found out before anything is measured.
const SETTLE: Duration = Duration::from_secs(20);

async fn kept(time: Duration) {
    let others = [0, 1, 2];
    let mut cluster = consortium();
    let now = Duration::ZERO;
    let all_there = siege::honest(&cluster, &others, FEW, GATHER, time).await;
    cluster.kill(3);
    let at_once = siege::honest(&cluster, &others, FEW, now, SETTLE).await;
    let one_down = siege::honest(&cluster, &others, FEW, now, time).await;
    drop(cluster);
    let cluster = Cluster::start(&Plan {
        validators: 4,
        has_links: true,
        ..Plan::default()
    });
    let without_loss = siege::honest(&cluster, &others, FEW, GATHER, time).await;
    cluster.weather().lose(100);
    let with_loss = siege::honest(&cluster, &others, FEW, now, time).await;
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

fn table([alone, beside, under]: &[Phase; 3]) {
    println!(
        "{:<28} {:>9} {:>13} {:>9} {:>10} {:>10}",
        "", "alone", "beside a sink", "under it", "of alone", "of beside"
    );
    let row = |name: &str, of: &dyn Fn(&Honest) -> f64| {
        let [alone, beside, under] = [alone, beside, under].map(|phase| of(&phase.honest));
        println!(
            "{name:<28} {alone:>9.1} {beside:>13.1} {under:>9.1} {:>10.2} {:>10.2}",
            under / alone,
            under / beside
        );
    };
    row("records: p50, ms", &|honest| honest.records.p50());
    row("records: p99, ms (goal 2)", &|honest| honest.records.p99());
    row("reads: p50, ms", &|honest| honest.reads.p50());
    row("reads: p99, ms (goal 2)", &|honest| honest.reads.p99());
    row("records in a second (0.8)", &|honest| honest.records_per_s);
    row("first reads: p50, ms", &|honest| honest.first_reads.p50());
    row("first reads: p99, ms", &|honest| honest.first_reads.p99());
    row("first, elsewhere: p50, ms", &|honest| {
        honest.first_reads_elsewhere.p50()
    });
    row("first, elsewhere: p99, ms", &|honest| {
        honest.first_reads_elsewhere.p99()
    });
    let machine = |name: &str, of: &dyn Fn(&Phase) -> f64| {
        let [alone, beside, under] = [alone, beside, under].map(of);
        println!("{name:<28} {alone:>9.2} {beside:>13.2} {under:>9.2}");
    };
    machine("attackers' cores", &|phase| {
        phase.mean(|window| window.attackers)
    });
    machine("nodes' cores", &|phase| phase.mean(|window| window.nodes));
    machine("a sync of the disk: p50, ms", &|phase| phase.syncs.p50());
    machine("a sync of the disk: p99, ms", &|phase| phase.syncs.p99());
    for (name, phase) in [
        ("alone", alone),
        ("beside a sink", beside),
        ("under it", under),
    ] {
        let each = |of: &dyn Fn(&Window) -> f64| {
            let each = phase.windows.iter().map(of);
            each.map(|ms| format!("{ms:.1}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        println!(
            "p99 of each window {name}: records {}, reads {} ms; slowest record {} ms, at second {}; syncs {} ms; {} \
             records, {} reads, {} and {} first reads in all",
            each(&|window| window.honest.records.p99()),
            each(&|window| window.honest.reads.p99()),
            each(&|window| window.honest.slowest.0),
            each(&|window| window.honest.slowest.1),
            each(&|window| window.syncs.p99()),
            phase.honest.records.len(),
            phase.honest.reads.len(),
            phase.honest.first_reads.len(),
            phase.honest.first_reads_elsewhere.len()
        );
    }
}
