//! Whole consortia in one thread: real machines, chains, logs and guards over a simulated network
//! and simulated disks, driven by one virtual clock and one seed. Equal seeds give equal runs.
//!
//! A run has faults: lost messages, partitions, crashes, failing disks and dishonest validators;
//! then everything is healed, and the consortium must come to rest with every acknowledged
//! transaction on every node. `checks` says what must hold all the time, `phases` what at the end.
//!
//! The simulator knows nothing of rounds or locks: it sees machines as the network does. What it
//! leaves out: sockets, threads, RocksDB and the real clock.

pub mod attacker;
pub mod checks;
pub mod clients;
mod contradictions;
mod faults;
mod message_text;
pub mod network;
mod phases;
pub mod plan;
pub mod process;
pub mod run_record;
pub mod sabotage;
mod setup;
pub mod verification;
pub mod world;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use self::checks::{Broken, Violation};
use self::plan::Plan;
use self::run_record::Words;
use self::world::{Counts, World};

/// What came of a run that held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One number for all that happened.
    pub digest: u64,
    /// Events that happened.
    pub events: u64,
    /// The last height.
    pub height: u64,
    /// Accusations of dishonest validators.
    pub accusations: u64,
    /// Numbers.
    pub counts: Counts,
}

/// A run in which a rule was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The run.
    pub plan: Plan,
    /// The rule, and how it showed.
    pub violation: Violation,
    /// The last events before.
    pub lines: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "{}", self.violation)?;
        write!(
            f,
            "run again: cargo run -p touchstone-tests --bin simulate -- {}",
            self.plan.arguments()
        )
    }
}

/// Runs a plan. A run that breaks a rule is repeated with its trace in words.
pub fn run(plan: &Plan) -> Result<Report, Box<Failure>> {
    let (report, _) = run_once(plan, Words::None);
    report.map_err(|_| {
        let (again, lines) = run_once(plan, Words::Last);
        let violation = again
            .err()
            .unwrap_or_else(|| Violation::new(Broken::NodeFailure, "the run is not reproducible"));
        Box::new(Failure {
            plan: plan.clone(),
            violation,
            lines,
        })
    })
}

/// Runs a plan and tells it in words.
pub fn run_with_trace(plan: &Plan, words: Words) -> (Result<Report, Violation>, Vec<String>) {
    run_once(plan, words)
}

fn run_once(plan: &Plan, words: Words) -> (Result<Report, Violation>, Vec<String>) {
    let mut world = World::new(plan, words);
    let outcome = catch_unwind(AssertUnwindSafe(|| world.run()));
    let outcome = outcome.unwrap_or_else(|_| Err(Violation::new(Broken::NodeFailure, "a panic")));
    let report = world.report();
    (outcome.map(|()| report), world.trace.into_lines())
}

impl World {
    fn report(&self) -> Report {
        Report {
            digest: self.trace.digest(),
            events: self.trace.events(),
            height: self.checks.height(),
            accusations: self.checks.accused.values().sum(),
            counts: self.counts.clone(),
        }
    }
}
