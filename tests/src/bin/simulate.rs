//! Runs one seed of the simulation and prints what happened.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::process::ExitCode;

use touchstone_tests::simulation::plan::Plan;
use touchstone_tests::simulation::run_with_trace;

const USAGE: &str = "usage: simulate [--nodes N] [--seed N] [--calm] [--runs N] [--quiet]";

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) => simulate(&arguments),
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

struct Arguments {
    nodes: usize,
    seed: u64,
    runs: u64,
    is_calm: bool,
    is_quiet: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        nodes: 4,
        seed: 0,
        runs: 1,
        is_calm: false,
        is_quiet: false,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        let mut number = || {
            let text = rest
                .next()
                .ok_or_else(|| format!("{name} needs a number"))?;
            let parsed = text.parse::<u64>();
            parsed.map_err(|error| format!("{name} {text}: {error}"))
        };
        match name.as_str() {
            "--nodes" => found.nodes = number()? as usize,
            "--seed" => found.seed = number()?,
            "--runs" => found.runs = number()?,
            "--calm" => found.is_calm = true,
            "--quiet" => found.is_quiet = true,
            other => return Err(format!("{other} is not known")),
        }
    }
    match (1..=100).contains(&found.nodes) {
        true => Ok(found),
        false => Err("1 to 100 nodes".into()),
    }
}

fn simulate(arguments: &Arguments) -> ExitCode {
    let mut broken = 0;
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.runs) {
        let plan = match arguments.is_calm {
            true => Plan::calm(arguments.nodes, seed),
            false => Plan::new(arguments.nodes, seed),
        };
        let (outcome, lines) = run_with_trace(&plan);
        if !arguments.is_quiet {
            for line in lines {
                println!("{line}");
            }
        }
        match outcome {
            Ok(report) => println!("seed {seed}: {report:?}"),
            Err(violation) => {
                broken += 1;
                println!("seed {seed}: {violation}");
            }
        }
    }
    ExitCode::from(u8::from(broken > 0))
}
