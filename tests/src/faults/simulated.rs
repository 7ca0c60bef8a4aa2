//! Whole consortia in one thread under a seed (see [`crate::simulation`]): with faults and dishonest validators they
//! must hold; with a bug on purpose the checks must notice it.

use super::campaign::{Fault, Figures, Goal};
use crate::simulation::plan::{Plan, Sabotage};
use crate::simulation::run;

/// Seeds within which a bug must be noticed.
const SEEDS_OF_A_BUG: u64 = 150;

/// Seeds with all kinds of faults.
#[derive(Clone, Copy, Debug)]
pub struct Simulated;

impl Fault for Simulated {
    fn name(&self) -> &'static str {
        "simulation"
    }

    fn claim(&self) -> &'static str {
        "seeds of a consortium of 4 or 7 with lost messages, partitions, crashes, failing disks and dishonest \
         validators: agreement, validity, durability, no double sign, no false accusation, and it goes on"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 50_000,
            short: 40,
            batch: 50,
            threads: 2,
            share: 18,
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let mut figures = Figures::default();
        for number in from..from + count {
            // Seven are dearer than four, and have one kind of fault more: two dishonest ones at once.
            let validators = if number % 8 == 7 { 7 } else { 4 };
            figures.trials += 1;
            match run(&Plan::new(validators, seed << 40 | number)) {
                Ok(report) => {
                    figures.add("blocks", report.height);
                    figures.add("crashes", report.counts.crashes);
                    figures.add("disk failures", report.counts.disk_failures);
                    figures.add("refused messages", report.counts.refused);
                    figures.add("accusations", report.accusations);
                    figures.add("acknowledged", report.counts.acknowledged);
                }
                Err(failure) => figures.break_with(failure.to_string()),
            }
        }
        figures
    }
}

/// Bugs on purpose: a trial is one of them.
#[derive(Clone, Copy, Debug)]
pub struct SeededBugs;

impl Fault for SeededBugs {
    fn name(&self) -> &'static str {
        "seeded-bugs"
    }

    fn claim(&self) -> &'static str {
        "bugs at the seams of the simulation: its checks notice each of them"
    }

    fn goal(&self) -> Goal {
        let bugs = Sabotage::ALL.len() as u64;
        Goal {
            trials: bugs,
            short: bugs,
            batch: 1,
            threads: 2,
            share: 2,
        }
    }

    fn run(&self, _: u64, from: u64, count: u64) -> Figures {
        let mut figures = Figures::default();
        for number in from..from + count {
            let bug = Sabotage::ALL[number as usize % Sabotage::ALL.len()];
            figures.trials += 1;
            match seeds_until_noticed(bug) {
                Some(seeds) => figures.add(&format!("seeds for {}", bug.name()), seeds),
                None => figures.break_with(format!("{} goes unnoticed", bug.name())),
            }
        }
        figures
    }
}

/// How many seeds it takes until a bug shows as it must; none if it doesn't.
pub fn seeds_until_noticed(bug: Sabotage) -> Option<u64> {
    (1..=SEEDS_OF_A_BUG).find(|seed| {
        let ended = run(&bug.plan(*seed));
        ended.is_err_and(|failure| bug.shows_as(failure.violation.broken))
    })
}
