//! Four validator processes on this machine against PostgreSQL with three synchronous standbys, and against the limit
//! that strict signatures set. Runs are interleaved and their medians printed: a figure is only worth something
//! against others of its run.
//!
//! Usage: `scripts/bench [--runs N] [--transactions N] [--histories N] [--items N] [--json FILE] [--only SECTION]`,
//! where a section is load, reads, faults, growth or follower.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use touchstone_tests::bench::growth;
use touchstone_tests::bench::ledger::{self, Measured};
use touchstone_tests::bench::limit::Limit;
use touchstone_tests::bench::reads::{self, Way};
use touchstone_tests::bench::report::{Report, cell};
use touchstone_tests::cluster::links::{self, Weather};
use touchstone_tests::cluster::{Cluster, Plan, free_ports};

const VALIDATORS: usize = 4;
/// Events of one transaction.
const EVENTS: [usize; 3] = [1, 10, 100];
/// Connections that keep PostgreSQL busy.
#[cfg(feature = "postgres")]
const CONNECTIONS: usize = 32;
/// Events of one transaction, where histories are asked for.
const TOGETHER: [u64; 2] = [1, 100];
/// How they are asked for, of PostgreSQL (items of a question) and of the node.
const ASKED: [u64; 2] = [1, reads::ITEMS];
const WAYS: [Way; 3] = [Way::Call, Way::Stream, Way::Together(reads::ITEMS)];
/// Histories that are asked for in each way, at least and at most.
const QUESTIONS: (usize, usize) = (10_000, 100_000);
/// Transactions that are submitted together before histories are asked for: those of a hundred events fit the pool.
const PORTION: usize = 1000;
/// Transactions that are submitted one by one.
const ONE_BY_ONE: usize = 200;
/// Validators and one-way delays between them, milliseconds, where the finality of distant organisations is measured.
const DISTANT: usize = 7;
const DELAYS_MS: [u64; 3] = [5, 50, 150];
/// Transactions of one measurement there.
const DISTANT_TRANSACTIONS: usize = 40;
/// Round trips over an idle link of that distance.
const LINK_TRIPS: usize = 20;

const USAGE: &str =
    "usage: bench [--runs N] [--transactions N] [--histories N] [--items N] [--json FILE] [--only SECTION]
  sections: load, reads, faults, growth, follower";

struct Arguments {
    runs: usize,
    /// Of one event, under full load; those of more events are fewer.
    transactions: usize,
    /// Items whose histories are asked for; as many questions of each kind, within [`QUESTIONS`].
    histories: u64,
    /// With which the growth of a ledger ends.
    items: u64,
    json: Option<String>,
    only: Option<String>,
}

impl Arguments {
    /// What the words say; `None` where one isn't known, as `--help`, or lacks its value.
    fn read(words: impl Iterator<Item = String>) -> Option<Arguments> {
        let mut arguments = Arguments {
            runs: 3,
            transactions: 20_000,
            histories: 100_000,
            items: 1_000_000,
            json: None,
            only: None,
        };
        let mut words = words;
        while let Some(name) = words.next() {
            let value = words.next()?;
            match name.as_str() {
                "--runs" => arguments.runs = value.parse().ok()?,
                "--transactions" => arguments.transactions = value.parse().ok()?,
                "--histories" => arguments.histories = value.parse().ok()?,
                "--items" => arguments.items = value.parse().ok()?,
                "--json" => arguments.json = Some(value),
                "--only" => arguments.only = Some(value),
                _ => return None,
            }
        }
        Some(arguments)
    }

    fn wants(&self, section: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == section)
    }

    fn transactions(&self, events: usize) -> usize {
        match events {
            1 => self.transactions,
            10 => (self.transactions / 4).max(100),
            _ => (self.transactions / 20).max(100),
        }
    }
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the runtime starts");
    // What was started is dropped here, and with it all processes end; a signal alone would leave them running.
    let report = runtime.block_on(async {
        // Listened to from here on, though what starts a database answers only once that runs.
        let end = told_to_end();
        tokio::select! {
            report = run(&arguments) => Some(report),
            () = end => None,
        }
    });
    let Some(report) = report else {
        eprintln!("told to end; what was started has ended too");
        return ExitCode::FAILURE;
    };
    if let Some(path) = &arguments.json {
        let text = format!("{:#}\n", report.json());
        std::fs::write(path, text).expect("the file can be written");
    }
    ExitCode::SUCCESS
}

/// Resolves with the first signal that asks a program to end.
fn told_to_end() -> impl Future<Output = ()> {
    let of = |kind| signal(kind).expect("signals can be listened to");
    let (mut interrupt, mut terminate, mut hang_up) = (
        of(SignalKind::interrupt()),
        of(SignalKind::terminate()),
        of(SignalKind::hangup()),
    );
    async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
}

async fn run(arguments: &Arguments) -> Report {
    let mut report = Report::default();
    for _ in 0..arguments.runs {
        let limit = Limit::measure();
        report.add("cores", limit.cores as f64);
        report.add("verification us", limit.verification_us);
        report.add("limit", limit.transactions_per_second(VALIDATORS));
        if arguments.wants("load") {
            for events in EVENTS {
                #[cfg(feature = "postgres")]
                postgres(arguments, events, &mut report).await;
                load(arguments, events, &limit, &mut report).await;
            }
        }
        if arguments.wants("reads") {
            histories(arguments, &mut report).await;
        }
        if arguments.wants("faults") {
            one_of_four_dead(arguments, &mut report).await;
            for delay_ms in DELAYS_MS {
                distant(delay_ms, &mut report).await;
            }
        }
        if arguments.wants("growth") {
            growth::measure(arguments.items, &mut report).await;
        }
        if arguments.wants("follower") {
            growth::follow(arguments.transactions, &mut report).await;
        }
    }
    print_machine(arguments, &report);
    if arguments.wants("load") {
        print_load(&report);
        print_one_by_one(&report);
    }
    if arguments.wants("reads") {
        print_reads(arguments, &report);
    }
    if arguments.wants("faults") {
        print_faults(&report);
    }
    if arguments.wants("growth") {
        println!("{}\n", growth::table(arguments.items, &report));
    }
    if arguments.wants("follower") {
        println!("{}", growth::followed(&report));
    }
    report
}

/// Proven histories from one node, whose events came alone or many together, and plain ones from PostgreSQL.
async fn histories(arguments: &Arguments, report: &mut Report) {
    let items = arguments.histories.max(100) / 100 * 100;
    let questions = (items as usize).clamp(QUESTIONS.0, QUESTIONS.1);
    #[cfg(feature = "postgres")]
    {
        let postgres = touchstone_tests::bench::postgres::Postgres::start();
        postgres.fill(items).await;
        postgres.ask(items, questions / 10, 1).await;
        for asked in ASKED {
            let plain = postgres.ask(items, questions, asked).await;
            report.add(format!("plain {asked} reads/s"), plain.per_second);
            report.add(format!("plain {asked} reads p99"), plain.latencies.p99());
        }
    }
    for together in TOGETHER {
        let plan = Plan {
            validators: 1,
            ..Plan::default()
        };
        let cluster = Cluster::start(&plan);
        cluster.wait_for_height(0, 1).await;
        let envelopes = reads::envelopes(&cluster, items, together);
        for portion in envelopes.chunks(PORTION) {
            ledger::submit(&cluster, portion, None).await;
        }
        reads::ask(&cluster, items, questions / 10, Way::Call).await;
        for way in WAYS {
            let name = format!("{together} {} reads", way.name());
            let proven = reads::ask(&cluster, items, questions, way).await;
            report.add(format!("{name}/s"), proven.per_second);
            report.add(format!("{name} p99"), proven.latencies.p99());
            report.add(format!("{name} cpu"), proven.cpu_us.unwrap_or(f64::NAN));
        }
    }
}

fn print_reads(arguments: &Arguments, report: &Report) {
    println!(
        "| histories of {} events, of {} items, {} clients | items a question | histories/s | ratio | \
         ratio to one by one | p99 ms | the node's CPU per history, us |",
        reads::EVENTS,
        arguments.histories,
        reads::CLIENTS
    );
    println!("|---|---|---|---|---|---|---|");
    let median = |name: &str, digits| cell(report.median(name), digits);
    let alone = "plain 1 reads/s";
    for asked in ASKED {
        let rate = format!("plain {asked} reads/s");
        println!(
            "| PostgreSQL, plain | {asked} | {} | - | {} | {} | - |",
            median(&rate, 0),
            cell(report.ratio(&rate, alone), 2),
            median(&format!("plain {asked} reads p99"), 1)
        );
    }
    for (together, way) in TOGETHER.iter().flat_map(|t| WAYS.map(|way| (*t, way))) {
        let (on, asked) = (way.name(), way.items());
        let name = format!("{together} {on} reads");
        let rate = format!("{name}/s");
        println!(
            "| Touchstone, proven, {together} events per transaction, {on} | {asked} | {} | {} | {} | {} | {} |",
            median(&rate, 0),
            cell(report.ratio(&rate, &format!("plain {asked} reads/s")), 2),
            cell(report.ratio(&rate, alone), 2),
            median(&format!("{name} p99"), 1),
            median(&format!("{name} cpu"), 0),
        );
    }
    println!();
}

#[cfg(feature = "postgres")]
async fn postgres(arguments: &Arguments, events: usize, report: &mut Report) {
    use touchstone_tests::bench::postgres::Postgres;
    let postgres = Postgres::start();
    let transactions = arguments.transactions(events);
    for (count, is_counted) in [(transactions / 10, false), (transactions, true)] {
        postgres.create_table().await;
        let full = postgres.submit(count, events, CONNECTIONS).await;
        if is_counted {
            report.add(
                format!("{events} postgres events/s"),
                full.transactions_per_second * events as f64,
            );
            report.add(format!("{events} postgres p50"), full.latencies.p50());
        }
    }
    if events == 1 {
        postgres.create_table().await;
        let one = postgres.submit(ONE_BY_ONE, 1, 1).await;
        report.add("one by one postgres p50", one.latencies.p50());
        report.add("one by one postgres p99", one.latencies.p99());
    }
}

async fn load(arguments: &Arguments, events: usize, limit: &Limit, report: &mut Report) {
    let cluster = Cluster::start(&Plan::default());
    cluster.wait_for_height(0, 1).await;
    let mut first = 0;
    let transactions = arguments.transactions(events);
    if events == 1 {
        let envelopes = ledger::envelopes(&cluster, ONE_BY_ONE + 20, 1, &mut first);
        let (warm_up, counted) = envelopes.split_at(20);
        ledger::submit_one_by_one(&cluster, 0, warm_up).await;
        let one = ledger::submit_one_by_one(&cluster, 0, counted).await;
        report.add("one by one p50", one.latencies.p50());
        report.add("one by one p99", one.latencies.p99());
        report.add("one by one cpu", one.cpu_us / limit.verification_us);
    }
    let warm_up = ledger::envelopes(&cluster, transactions / 10, events, &mut first);
    ledger::submit(&cluster, &warm_up, None).await;
    let envelopes = ledger::envelopes(&cluster, transactions, events, &mut first);
    let full = ledger::submit(&cluster, &envelopes, None).await;
    add(report, events, "full", &full, limit);
    let envelopes = ledger::envelopes(&cluster, transactions / 2, events, &mut first);
    let rate = full.transactions_per_second / 2.0;
    let half = ledger::submit(&cluster, &envelopes, Some(rate)).await;
    add(report, events, "half", &half, limit);
}

fn add(report: &mut Report, events: usize, load: &str, measured: &Measured, limit: &Limit) {
    let name = |figure: &str| format!("{events} {load} {figure}");
    let rate = measured.transactions_per_second;
    report.add(name("events/s"), rate * events as f64);
    report.add(
        name("share"),
        rate / limit.transactions_per_second(VALIDATORS),
    );
    report.add(name("cpu"), measured.cpu_us / limit.verification_us);
    report.add(name("event us"), measured.cpu_us / events as f64);
    report.add(name("p50"), measured.latencies.p50());
    report.add(name("p99"), measured.latencies.p99());
}

/// The rate with one validator of four dead, against that of the same network before: while the dead one's first turn
/// is waited for, and from then on.
async fn one_of_four_dead(arguments: &Arguments, report: &mut Report) {
    let mut cluster = Cluster::start(&Plan::default());
    cluster.wait_for_height(0, 1).await;
    let mut first = 0;
    let count = arguments.transactions / 4;
    for (name, is_counted) in [
        ("warm up", false),
        ("four alive events/s", true),
        ("just dead events/s", true),
        ("one dead events/s", true),
    ] {
        if name.starts_with("just dead") {
            cluster.kill(VALIDATORS - 1);
        }
        let envelopes = ledger::envelopes(&cluster, count, 1, &mut first);
        let measured = ledger::submit(&cluster, &envelopes, None).await;
        if is_counted {
            report.add(name, measured.transactions_per_second);
        }
    }
}

/// The time to a decision between organisations at a distance, with all alive and with one dead: its first turns, which
/// are waited for, apart from those that are skipped.
async fn distant(delay_ms: u64, report: &mut Report) {
    let plan = Plan {
        validators: DISTANT,
        link_delay: Duration::from_millis(delay_ms),
        ..Plan::default()
    };
    let weather = Arc::new(Weather::default());
    weather.delay(plan.link_delay);
    let at = SocketAddr::from(([127, 0, 0, 1], free_ports(1)[0]));
    let link_ms = links::one_way_ms(at, weather, LINK_TRIPS).await;
    report.add(format!("{delay_ms} ms link"), link_ms);
    let mut cluster = Cluster::start(&plan);
    cluster.wait_for_height(0, 1).await;
    let mut first = 0;
    let rounds = [
        ("all alive", DISTANT_TRANSACTIONS),
        ("just dead", 2 * DISTANT),
        ("one dead", DISTANT_TRANSACTIONS),
    ];
    for (state, count) in rounds {
        if state == "just dead" {
            cluster.kill(DISTANT - 1);
        }
        let envelopes = ledger::envelopes(&cluster, count, 1, &mut first);
        let measured = ledger::submit_one_by_one(&cluster, 0, &envelopes).await;
        let latencies = &measured.latencies;
        report.add(format!("{delay_ms} ms {state} p50"), latencies.p50());
        report.add(format!("{delay_ms} ms {state} p99"), latencies.p99());
        report.add(
            format!("{delay_ms} ms {state} cpu"),
            measured.cpu_us / 1000.0,
        );
    }
}

fn print_machine(arguments: &Arguments, report: &Report) {
    println!(
        "{} cores; one strict Ed25519 verification takes {} us of one; signatures alone would allow {VALIDATORS} \
         validators on this machine {} transactions/s. Medians of {} interleaved runs.",
        cell(report.median("cores"), 0),
        cell(report.median("verification us"), 1),
        cell(report.median("limit"), 0),
        arguments.runs,
    );
    println!();
}

fn print_load(report: &Report) {
    println!(
        "| events per transaction | load | PostgreSQL events/s | events/s | ratio | of the signature limit \
         | CPU of a validator per transaction, in verifications | per event, us | p50 ms | p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for events in EVENTS {
        for load in ["full", "half"] {
            let name = |figure: &str| format!("{events} {load} {figure}");
            let median = |figure: &str, digits| cell(report.median(&name(figure)), digits);
            let postgres = format!("{events} postgres events/s");
            let (theirs, ratio) = match load {
                "full" => (
                    report.median(&postgres),
                    report.ratio(&name("events/s"), &postgres),
                ),
                _ => (None, None),
            };
            println!(
                "| {events} | {load} | {} | {} | {} | {} | {} | {} | {} | {} |",
                cell(theirs, 0),
                median("events/s", 0),
                cell(ratio, 2),
                median("share", 2),
                median("cpu", 2),
                median("event us", 0),
                median("p50", 0),
                median("p99", 0),
            );
        }
    }
    println!();
}

fn print_one_by_one(report: &Report) {
    println!(
        "| one transaction after the other | p50 ms | p99 ms | CPU of a validator, in verifications |"
    );
    println!("|---|---|---|---|");
    let median = |name: &str, digits| cell(report.median(name), digits);
    println!(
        "| PostgreSQL | {} | {} | - |",
        median("one by one postgres p50", 2),
        median("one by one postgres p99", 2),
    );
    println!(
        "| Touchstone | {} | {} | {} |",
        median("one by one p50", 2),
        median("one by one p99", 2),
        median("one by one cpu", 1),
    );
    println!(
        "| ratio | {} | {} | - |",
        cell(report.ratio("one by one p50", "one by one postgres p50"), 1),
        cell(report.ratio("one by one p99", "one by one postgres p99"), 1),
    );
    println!();
}

fn print_faults(report: &Report) {
    println!(
        "One of {VALIDATORS} dead: {} events/s instead of {}, a share of {}; {} while its first turn is waited for.",
        cell(report.median("one dead events/s"), 0),
        cell(report.median("four alive events/s"), 0),
        cell(report.ratio("one dead events/s", "four alive events/s"), 2),
        cell(report.median("just dead events/s"), 0),
    );
    println!();
    println!(
        "| {DISTANT} validators, ms one way | a link, measured | p50 ms | p99 ms | CPU of a validator, ms \
         | one dead: p50 ms | p99 ms | its first turns: p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for delay_ms in DELAYS_MS {
        let median = |figure: &str| cell(report.median(&format!("{delay_ms} ms {figure}")), 0);
        println!(
            "| {delay_ms} | {} | {} | {} | {} | {} | {} | {} |",
            cell(report.median(&format!("{delay_ms} ms link")), 1),
            median("all alive p50"),
            median("all alive p99"),
            cell(report.median(&format!("{delay_ms} ms all alive cpu")), 1),
            median("one dead p50"),
            median("one dead p99"),
            median("just dead p99"),
        );
    }
}
