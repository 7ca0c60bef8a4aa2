//! Mutated inputs to every parser that reads what others wrote: none may panic, whatever comes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::campaign::{Fault, Figures, Goal, words_of};
use super::inputs_parsers::{Parser, parsers};
use super::mutation::mutated;
use crate::random::Random;

/// An input that takes longer is counted as slow.
const SLOW: Duration = Duration::from_secs(1);
/// Bytes of an input that are told where it panics.
const TOLD_BYTES: usize = 400;

/// Mutated inputs.
#[derive(Default)]
pub struct Inputs {
    parsers: OnceLock<Vec<Parser>>,
}

impl Fault for Inputs {
    fn name(&self) -> &'static str {
        "inputs"
    }

    fn claim(&self) -> &'static str {
        "mutated inputs to every parser of what others wrote: no panic"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 20_000_000,
            short: 20_000,
            batch: 10_000,
            threads: 2,
            share: 18,
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let parsers = self.parsers.get_or_init(parsers);
        let mut figures = Figures::default();
        for number in from..from + count {
            let mut random = Random::new(seed ^ number.rotate_left(16));
            let parser = choose(parsers, &mut random);
            let input = mutated(&parser.inputs, &mut random);
            let began = Instant::now();
            let parsed = catch_unwind(AssertUnwindSafe(|| (parser.parse)(&input)));
            if began.elapsed() > SLOW {
                figures.count(&format!("slow {}", parser.name));
            }
            figures.trials += 1;
            figures.count(parser.name);
            if let Err(panic) = parsed {
                let told = &input[..input.len().min(TOLD_BYTES)];
                figures.break_with(format!(
                    "trial {number}, {}: {} at {}",
                    parser.name,
                    words_of(panic.as_ref()),
                    hex::encode(told)
                ));
            }
        }
        figures
    }
}

/// A parser, by the weights.
fn choose<'a>(parsers: &'a [Parser], random: &mut Random) -> &'a Parser {
    let all: u64 = parsers.iter().map(|parser| parser.weight).sum();
    let mut left = random.below(all);
    for parser in parsers {
        match left.checked_sub(parser.weight) {
            Some(rest) => left = rest,
            None => return parser,
        }
    }
    &parsers[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Unchanged inputs are accepted, so that changed ones come far.
    #[test]
    fn every_parser_reads_its_inputs_and_some_mutated_ones() {
        let inputs = Inputs::default();
        let parsers = inputs.parsers.get_or_init(parsers);
        for parser in parsers {
            assert!(!parser.inputs.is_empty(), "{} has no inputs", parser.name);
            let read = parser.inputs.iter().filter(|input| (parser.parse)(input));
            assert!(read.count() > 0, "{} reads none of its inputs", parser.name);
        }
        let figures = inputs.run(1, 0, 3_000);
        assert_eq!((figures.trials, figures.broken), (3_000, 0), "{figures:?}");
        assert!(
            parsers
                .iter()
                .all(|p| figures.outcomes.contains_key(p.name))
        );
    }
}
