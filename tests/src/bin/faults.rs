//! Runs faults on purpose and prints what came of them; see `scripts/faults`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use touchstone_tests::faults;
use touchstone_tests::faults::campaign::{self, Fault, Settings};
use touchstone_tests::faults::inputs;
use touchstone_tests::faults::table;

const USAGE: &str =
    "usage: faults [--seed N] [--minutes N] [--only FAULT]... [--trials N] [--short]
  [--keep] [--kept FILE] [--json FILE] [--list]
  --minutes  all together, at most (default 60)
  --only     this fault alone; may be said more than once
  --trials   so many of each instead of its goal
  --short    the goals of the test command
  --kept     figures are kept here after each batch; the same command goes on from them
  --json     the table as JSON into this file
  --keep     no campaign: mutated inputs (--trials) that are refused in a way of their own go into tests/data/corpora
  --list     the faults, and what must never come of them";

/// Mutated inputs among which --keep looks.
const KEPT_OF: u64 = 300_000;

struct Arguments {
    settings: Settings,
    only: Vec<String>,
    json: Option<PathBuf>,
    is_list: bool,
    is_keep: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut found = Arguments {
        settings: Settings {
            seed: 1,
            time: Duration::from_secs(60 * 60),
            is_short: false,
            trials: None,
            kept_in: None,
        },
        only: Vec::new(),
        json: None,
        is_list: false,
        is_keep: false,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(name) = rest.next() {
        match name.as_str() {
            "--short" => found.settings.is_short = true,
            "--list" => found.is_list = true,
            "--keep" => found.is_keep = true,
            _ => {
                let value = rest.next();
                let value = value.ok_or_else(|| format!("{name} is unknown or lacks a value"))?;
                found.set(&name, value)?;
            }
        }
    }
    Ok(found)
}

impl Arguments {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let number = || {
            let parsed = value.parse::<u64>();
            parsed.map_err(|error| format!("{name} {value}: {error}"))
        };
        match name {
            "--seed" => self.settings.seed = number()?,
            "--minutes" => self.settings.time = Duration::from_secs(60 * number()?),
            "--trials" => self.settings.trials = Some(number()?),
            "--kept" => self.settings.kept_in = Some(value.into()),
            "--json" => self.json = Some(value.into()),
            "--only" => self.only.push(value),
            other => return Err(format!("{other} is not known")),
        }
        Ok(())
    }

    fn faults(&self) -> Result<Vec<Box<dyn Fault>>, String> {
        let mut all = faults::all();
        for name in &self.only {
            if !all.iter().any(|fault| fault.name() == name) {
                return Err(format!("no fault is called {name}; --list names them"));
            }
        }
        all.retain(|fault| self.only.is_empty() || self.only.iter().any(|n| n == fault.name()));
        Ok(all)
    }
}

fn main() -> ExitCode {
    let read = arguments().and_then(|arguments| {
        let faults = arguments.faults()?;
        Ok((arguments, faults))
    });
    let (arguments, faults) = match read {
        Ok(read) => read,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.is_list {
        for fault in &faults {
            println!("{:<16} {}", fault.name(), fault.claim());
        }
        return ExitCode::SUCCESS;
    }
    if arguments.is_keep {
        let settings = &arguments.settings;
        let trials = settings.trials.unwrap_or(KEPT_OF);
        return match inputs::keep(settings.seed, trials) {
            Ok(written) => {
                println!("{written} inputs are kept");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("faults: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let told = |row: &campaign::Row| {
        let figures = &row.figures;
        eprintln!(
            "{}: {} of {}, {} broken, {} s",
            row.name,
            figures.trials,
            row.wanted,
            figures.broken,
            row.took.as_secs()
        );
    };
    let rows = match campaign::run(&faults, &arguments.settings, told) {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("faults: {error}");
            return ExitCode::FAILURE;
        }
    };
    print!("{}", table::text(&rows));
    if let Some(path) = &arguments.json {
        let json = table::to_json(arguments.settings.seed, &rows);
        if let Err(error) = std::fs::write(path, format!("{json}\n")) {
            eprintln!("faults: {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    let is_broken = rows.iter().any(|row| row.figures.broken > 0);
    ExitCode::from(u8::from(is_broken))
}
