//! Mutated inputs to every parser that reads what others wrote: none may panic, whatever comes.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::campaign::{Fault, Figures, Goal, words_of};
use super::inputs_parsers::{Parser, corpus, parsers};
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

/// Larger inputs aren't kept.
const KEPT_BYTES: usize = 4 << 10;
/// Kinds of refusals of which a parser's corpus holds one, at most.
const KEPT_KINDS: usize = 40;

/// Looks among so many mutated inputs for those that are refused in a way of their own, and keeps the shortest of each
/// in the corpora of the repository; how many were written.
pub fn keep(seed: u64, trials: u64) -> io::Result<u64> {
    let parsers = parsers();
    let mut found: BTreeMap<(usize, String), Vec<u8>> = BTreeMap::new();
    for number in 0..trials {
        let mut random = Random::new(seed ^ number.rotate_left(16));
        let index = random.index(parsers.len());
        let parser = &parsers[index];
        let input = mutated(&parser.inputs, &mut random);
        let Err(kind) = (parser.parse)(&input) else {
            continue;
        };
        let is_shorter = |known: &Vec<u8>| input.len() < known.len();
        if input.len() <= KEPT_BYTES && found.get(&(index, kind.clone())).is_none_or(is_shorter) {
            found.insert((index, kind), input);
        }
    }
    let mut counts = vec![0; parsers.len()];
    let mut written = 0;
    for ((index, kind), input) in found {
        counts[index] += 1;
        if counts[index] > KEPT_KINDS {
            continue;
        }
        let folder = corpus(parsers[index].name);
        std::fs::create_dir_all(&folder)?;
        let name = if kind.is_empty() { "refused" } else { &kind };
        std::fs::write(folder.join(name.replace(' ', "-")), input)?;
        written += 1;
    }
    Ok(written)
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
            let kept = std::fs::read_dir(corpus(parser.name));
            let kept = kept.map_or(0, |files| files.count());
            assert!(kept > 0, "{} has no corpus: faults --keep", parser.name);
            // Those that are kept are refused or accepted, and no more is asked of them.
            let read = parser
                .inputs
                .iter()
                .filter(|input| (parser.parse)(input).is_ok());
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
