//! Runs seeds of the simulation and prints what happened.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use touchstone_tests::simulation::plan::{Byzantine, NewGuard, Plan, Sabotage};
use touchstone_tests::simulation::run_record::Words;
use touchstone_tests::simulation::run_with_trace;

const USAGE: &str =
    "usage: simulate [--nodes N] [--seed N] [--runs N] [--jobs N] [--quiet] [--calm]
  [--replaced-disk | --replaced-disk-blank] [--byzantine KIND]... [--sabotage KIND]";

/// How it is called, and the kinds that there are.
fn usage() -> String {
    let byzantine: Vec<&str> = Byzantine::ALL.iter().map(|kind| kind.name()).collect();
    let sabotage: Vec<&str> = Sabotage::ALL.iter().map(|kind| kind.name()).collect();
    format!(
        "{USAGE}\n  dishonest validators: {}\n  sabotage: {}",
        byzantine.join(", "),
        sabotage.join(", ")
    )
}

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) => simulate(&arguments),
        Err(wrong) => {
            eprintln!("{wrong}\n{}", usage());
            ExitCode::from(2)
        }
    }
}

struct Arguments {
    nodes: usize,
    seed: u64,
    runs: u64,
    jobs: u64,
    is_calm: bool,
    is_quiet: bool,
    byzantine: Vec<Byzantine>,
    sabotage: Option<Sabotage>,
    replaced_disk: Option<NewGuard>,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        nodes: 4,
        seed: 0,
        runs: 1,
        jobs: 1,
        is_calm: false,
        is_quiet: false,
        byzantine: Vec::new(),
        sabotage: None,
        replaced_disk: None,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--calm" => found.is_calm = true,
            "--quiet" => found.is_quiet = true,
            "--replaced-disk" => found.replaced_disk = Some(NewGuard::Unknown),
            "--replaced-disk-blank" => found.replaced_disk = Some(NewGuard::Blank),
            _ => {
                let value = rest.next();
                let value = value.ok_or_else(|| format!("{name} is unknown or lacks a value"))?;
                found.set(&name, &value)?;
            }
        }
    }
    match (1..=100).contains(&found.nodes) {
        true => Ok(found),
        false => Err("1 to 100 nodes".into()),
    }
}

impl Arguments {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|error| format!("{name} {value}: {error}"))
        };
        match name {
            "--nodes" => self.nodes = number()? as usize,
            "--seed" => self.seed = number()?,
            "--runs" => self.runs = number()?,
            "--jobs" => self.jobs = number()?.clamp(1, 64),
            "--byzantine" => self.byzantine.push(byzantine(value)?),
            "--sabotage" => self.sabotage = Some(sabotage(value)?),
            other => return Err(format!("{other} is not known")),
        }
        Ok(())
    }

    fn plan(&self, seed: u64) -> Plan {
        let mut plan = match self.is_calm {
            true => Plan::calm(self.nodes, seed),
            false => Plan::new(self.nodes, seed),
        };
        plan.sabotage = self.sabotage;
        plan.replaced_disk = self.replaced_disk;
        if !self.byzantine.is_empty() {
            plan.byzantine = Some(self.byzantine.clone());
        }
        plan
    }
}

fn byzantine(name: &str) -> Result<Byzantine, String> {
    let found = Byzantine::ALL.into_iter().find(|v| v.name() == name);
    found.ok_or_else(|| format!("no kind of dishonest validator is called {name}"))
}

fn sabotage(name: &str) -> Result<Sabotage, String> {
    let found = Sabotage::ALL.into_iter().find(|s| s.name() == name);
    found.ok_or_else(|| format!("no sabotage is called {name}"))
}

/// Runs the seeds, spread over threads; more than one print in any order.
fn simulate(arguments: &Arguments) -> ExitCode {
    let words = match arguments.is_quiet {
        true => Words::None,
        false => Words::All,
    };
    let end = arguments.seed.saturating_add(arguments.runs);
    let broken = AtomicU64::new(0);
    let next = AtomicU64::new(arguments.seed);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let (outcome, lines) = run_with_trace(&arguments.plan(seed), words);
            let mut out = std::io::stdout().lock();
            let last = match outcome {
                Ok(report) => format!("seed {seed}: {report:?}"),
                Err(violation) => {
                    broken.fetch_add(1, Ordering::Relaxed);
                    format!("seed {seed}: {violation}")
                }
            };
            for line in lines.into_iter().chain([last]) {
                if writeln!(out, "{line}").is_err() {
                    return;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..arguments.jobs {
            scope.spawn(work);
        }
        work();
    });
    let broken = broken.into_inner();
    eprintln!("{} runs, {broken} of them broke a rule", arguments.runs);
    ExitCode::from(u8::from(broken > 0))
}
