//! Nothing is lost without a word, and nothing is said recorded that isn't: captures over a line
//! that breaks at every step, by the command line and by the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use clap::Parser;
use futures::StreamExt;
use prost::Message;
use serde_json::Value;
use touchstone_cli::Cli;
use touchstone_cli::output::Output;
use touchstone_proto::ledger::{Envelope, Transaction, transaction::Action};

use crate::captures::{document, thing};
use crate::fake::faults::Fault;
use crate::fake::{Buffer, Served, now_ms};
use crate::gateway::{PROCEED, outcomes, with_gateway};
use crate::items::seen;

/// Runs at once: most of their time they wait.
const AT_ONCE: usize = 12;

/// Who captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    CommandLine,
    Rollback,
    Proceed,
}

const SENDERS: [Sender; 3] = [Sender::CommandLine, Sender::Rollback, Sender::Proceed];

/// An input, and what goes wrong.
#[derive(Clone, Debug)]
struct Case {
    sender: Sender,
    things: usize,
    batch: usize,
    faults: Vec<(usize, Fault)>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
struct Tally {
    steps: usize,
    hits: usize,
    events: usize,
    /// Said to be recorded, and not in the ledger.
    false_recorded: usize,
    /// Not in the ledger, and nobody said so.
    lost: usize,
    doubled: usize,
    /// Said to be without outcome.
    undecided: usize,
}

/// An event, as these tests tell them apart.
type Deed = (String, String);

/// Two steps of each thing.
fn deeds(things: usize) -> Vec<Deed> {
    let steps = ["storing", "shipping"];
    let of = |n| steps.map(|step| (thing(n), step.to_owned()));
    (0..things).flat_map(of).collect()
}

fn deed(event: &[u8]) -> Deed {
    let event: Value = serde_json::from_slice(event).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&event["epcList"][0]), text(&event["bizStep"]))
}

/// What the ledger holds, in its order.
fn ledger(node: &Served) -> Vec<Deed> {
    let world = node.world();
    let envelopes = world
        .blocks
        .iter()
        .flat_map(|(block, _)| &block.transactions);
    let bodies = envelopes.map(|bytes| Envelope::decode(bytes.as_slice()).unwrap().body);
    let actions = bodies.filter_map(|body| Transaction::decode(body.as_slice()).unwrap().action);
    let events = actions.flat_map(|action| match action {
        Action::CaptureEvents(capture) => capture.events,
        _ => vec![],
    });
    events.map(|event| deed(&event)).collect()
}

/// Judges what was said against what is there.
fn judge(said: &BTreeSet<Deed>, undecided: usize, all: &[Deed], node: &Served) -> Tally {
    let held = ledger(node);
    let mut counts: BTreeMap<&Deed, usize> = BTreeMap::new();
    for deed in &held {
        *counts.entry(deed).or_default() += 1;
    }
    let (steps, hits) = node.faults.counts();
    let missing = all.iter().filter(|deed| !counts.contains_key(deed)).count();
    Tally {
        steps,
        hits,
        events: all.len(),
        false_recorded: said.iter().filter(|d| !counts.contains_key(d)).count(),
        lost: missing.saturating_sub(undecided),
        doubled: counts.values().filter(|count| **count > 1).count(),
        undecided,
    }
}

async fn run(case: &Case) -> Tally {
    let node = Served::start_on_a_bad_line().await;
    let all = deeds(case.things);
    let events: Vec<String> = all
        .iter()
        .map(|(thing, step)| seen(&[thing], step))
        .collect();
    let document = document(&events);
    match case.sender {
        Sender::CommandLine => by_command(&node, case, &all, &document).await,
        _ => by_gateway(&node, case, &all, &document).await,
    }
}

/// Where nothing goes wrong a slow machine is waited for, and counts no more steps than a quick one.
const PATIENT: [&str; 2] = ["--timeout", "60"];

/// A run on the bad line, then one on a good line, which must finish the work.
async fn by_command(node: &Served, case: &Case, all: &[Deed], document: &str) -> Tally {
    let file = node.write("events.json", document);
    let batch = case.batch.to_string();
    let arguments = [
        "capture", &file, "--batch", &batch, "--window", "4", "--json",
    ];
    let patiently = [&arguments[..], &PATIENT].concat();
    node.faults.plan(&case.faults);
    let ran = match case.faults.is_empty() {
        true => node.run_as("acme", &patiently).await,
        false => node.run_as("acme", &arguments).await,
    };
    let lines = ran.json();
    let recorded = lines.iter().filter(|line| line["outcome"] == "recorded");
    let said: BTreeSet<Deed> = recorded
        .map(|line| all[line["index"].as_u64().unwrap() as usize].clone())
        .collect();
    let undecided = all.len() - said.len();
    let summary = lines.iter().find(|line| line["outcome"] == "summary");
    if let Some(summary) = summary {
        assert_eq!(summary["pending"], undecided, "{case:?}: {ran:?}");
    }
    let done = ran.code == 0;
    assert_eq!(done, undecided == 0, "{case:?}: {ran:?}");
    let error = lines.iter().find(|line| line["error"] == "unreachable");
    assert_eq!(error.is_some(), !done, "{case:?}: {ran:?}");
    // Done says that all of it is there.
    let tally = judge(&said, if done { 0 } else { undecided }, all, node);
    node.faults.calm().await;
    let ran = node.run_as("acme", &patiently).await;
    assert_eq!(ran.code, 0, "{case:?}: {ran:?}");
    finish(tally, all, node)
}

/// The node comes back, so the job ends with every event recorded.
async fn by_gateway(node: &Served, case: &Case, all: &[Deed], document: &str) -> Tally {
    let headers: &[&str] = match case.sender {
        Sender::Proceed => &[PROCEED],
        _ => &[],
    };
    let job = with_gateway(node, async |gate| {
        // It listens.
        gate.get("/capture").await;
        node.faults.plan(&case.faults);
        gate.job(document, headers).await
    })
    .await;
    assert_eq!(job["success"], true, "{case:?}: {job}");
    assert_eq!(job["touchstone:undecided"], 0, "{case:?}: {job}");
    assert_eq!(outcomes(&job).len(), all.len(), "{case:?}: {job}");
    let reports = outcomes(&job).into_iter().zip(all);
    let said = reports
        .filter(|(outcome, _)| *outcome == "recorded")
        .map(|(_, deed)| deed.clone());
    finish(judge(&said.collect(), 0, all, node), all, node)
}

/// In the end each event is there once, and those of one thing are in their order.
fn finish(mut tally: Tally, all: &[Deed], node: &Served) -> Tally {
    let held = ledger(node);
    tally.lost += all.iter().filter(|deed| !held.contains(deed)).count();
    tally.doubled += held.len() - held.iter().collect::<BTreeSet<_>>().len();
    let of = |list: &[Deed], thing: &str| -> Vec<String> {
        let steps = list.iter().filter(|(found, _)| found == thing);
        steps.map(|(_, step)| step.clone()).collect()
    };
    for (thing, _) in all {
        assert_eq!(of(&held, thing), of(all, thing));
    }
    tally
}

async fn run_all(cases: Vec<Case>) -> Vec<(Case, Tally)> {
    let running = cases.into_iter().map(|case| async move {
        let tally = run(&case).await;
        (case, tally)
    });
    futures::stream::iter(running)
        .buffered(AT_ONCE)
        .collect()
        .await
}

fn check(done: &[(Case, Tally)]) {
    for (case, tally) in done {
        let bad = (tally.false_recorded, tally.lost, tally.doubled);
        assert_eq!(bad, (0, 0, 0), "{case:?}: {tally:?}");
    }
}

/// Every step of a capture goes wrong once, in every way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_breaks_at_any_step_loses_nothing() {
    let plain = SENDERS.map(|sender| Case {
        sender,
        things: 2,
        batch: 1,
        faults: vec![],
    });
    let undisturbed = run_all(plain.to_vec()).await;
    let mut cases = Vec::new();
    for (case, tally) in &undisturbed {
        assert!(tally.steps > 4, "{case:?}: {tally:?}");
        for (step, fault) in (0..tally.steps).flat_map(|s| Fault::ALL.map(|f| (s, f))) {
            cases.push(Case {
                faults: vec![(step, fault)],
                ..case.clone()
            });
        }
    }
    let done = run_all(cases).await;
    check(&undisturbed);
    check(&done);
    // A gateway looks at its node besides, in its own time: its last steps may not come again.
    let is_last = |case: &Case| {
        let mut alike = undisturbed.iter().filter(|(u, _)| u.sender == case.sender);
        let steps = alike.next().map_or(0, |(_, tally)| tally.steps);
        case.sender != Sender::CommandLine && case.faults[0].0 + 2 >= steps
    };
    let missed = done
        .iter()
        .find(|(case, tally)| tally.hits != 1 && !is_last(case));
    assert!(missed.is_none(), "{missed:?}");
}

/// Numbers at random that are the same for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}

fn case_at_random(random: &mut Random) -> Case {
    let things = 1 + random.below(6);
    let faults = (0..1 + random.below(5))
        .map(|_| (random.below(12 + 8 * things), Fault::ALL[random.below(6)]))
        .collect();
    Case {
        sender: SENDERS[random.below(3)],
        things,
        batch: 1 + random.below(3),
        faults,
    }
}

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{variable}: {e}")),
        Err(_) => default,
    }
}

/// Several steps go wrong at random; `scripts/losses` runs it longer and shows the table.
#[expect(clippy::print_stderr, reason = "figures for whoever runs it by hand")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_break_at_random_lose_nothing() {
    let runs = number("TOUCHSTONE_LOSSES_RUNS", 24) as usize;
    let mut random = Random(number("TOUCHSTONE_LOSSES_SEED", 1));
    let cases = (0..runs).map(|_| case_at_random(&mut random)).collect();
    let done = run_all(cases).await;
    let mut table = String::from(
        "sender       runs  faults  events  false \"recorded\"  lost without a word  doubled  told undecided\n",
    );
    for sender in SENDERS {
        let of: Vec<&Tally> = done
            .iter()
            .filter(|(case, _)| case.sender == sender)
            .map(|(_, tally)| tally)
            .collect();
        let sum = |field: fn(&Tally) -> usize| of.iter().map(|t| field(t)).sum::<usize>();
        writeln!(
            table,
            "{:11} {:5} {:7} {:7} {:17} {:20} {:8} {:15}",
            format!("{sender:?}"),
            of.len(),
            sum(|t| t.hits),
            sum(|t| t.events),
            sum(|t| t.false_recorded),
            sum(|t| t.lost),
            sum(|t| t.doubled),
            sum(|t| t.undecided),
        )
        .unwrap();
    }
    eprintln!("{table}");
    check(&done);
}

/// Where nothing can be written to.
struct Unwritable(std::io::ErrorKind);

impl std::io::Write for Unwritable {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(self.0.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// An answer that couldn't be written, as the disk is full, is no success; one that nobody reads is.
#[tokio::test]
async fn an_answer_that_is_lost_is_no_success() {
    use std::io::ErrorKind::{BrokenPipe, StorageFull};
    let lost = "writing stdout: the disk is full";
    let forms: [&[&str]; 2] = [&[], &["--json"]];
    for (kind, code, told) in [(StorageFull, 1, lost), (BrokenPipe, 0, "")] {
        for form in forms {
            let words = ["touchstone", "id", "urn:epc:id:sgtin:9521234.050001.A1"];
            let cli = Cli::try_parse_from([&words[..], form].concat()).unwrap();
            let err = Buffer::default();
            let results = Box::new(Unwritable(kind));
            let json = cli.options.json;
            let mut output = Output::to(json, results, Box::new(err.clone()), now_ms);
            assert_eq!(touchstone_cli::run(cli, &mut output).await, code);
            assert!(err.text().contains(told), "{kind}: {}", err.text());
        }
    }
}
