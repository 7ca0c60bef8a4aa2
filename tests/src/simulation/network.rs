//! What becomes of a message between two processes.

use std::collections::BTreeSet;

use super::plan::FaultPlan;
use crate::random::Random;

/// Latency after everything is healed, milliseconds.
const HEALED_LATENCY_MS: u64 = 10;

/// The links between processes.
#[derive(Debug)]
pub struct Network {
    faults: FaultPlan,
    /// Ordered pairs that lose half.
    flaky: BTreeSet<(usize, usize)>,
    /// Ordered pairs that carry nothing for now.
    cut: BTreeSet<(usize, usize)>,
    /// Ordered pairs that never carry anything.
    barred: BTreeSet<(usize, usize)>,
    is_healed: bool,
    processes: usize,
}

impl Network {
    /// A full mesh with a plan of faults.
    pub fn new(faults: &FaultPlan, processes: usize, random: &mut Random) -> Network {
        let mut flaky = BTreeSet::new();
        for pair in pairs(processes) {
            if random.permille(faults.flaky_links) {
                flaky.insert(pair);
            }
        }
        Network {
            faults: faults.clone(),
            flaky,
            cut: BTreeSet::new(),
            barred: BTreeSet::new(),
            is_healed: false,
            processes,
        }
    }

    /// Two processes never speak to each other.
    pub fn bar(&mut self, a: usize, b: usize) {
        self.barred.extend([(a, b), (b, a)]);
    }

    /// Whether these two ever speak.
    pub fn is_barred(&self, from: usize, to: usize) -> bool {
        self.barred.contains(&(from, to))
    }

    /// Splits the processes in two; in one case of three only one direction is lost.
    pub fn partition(&mut self, random: &mut Random) -> Vec<usize> {
        let side: Vec<usize> = (0..self.processes)
            .filter(|_| random.permille(500))
            .collect();
        let is_one_way = random.below(3) == 0;
        self.cut.clear();
        for (from, to) in pairs(self.processes) {
            let (leaves, enters) = (side.contains(&from), side.contains(&to));
            if leaves != enters && (leaves || !is_one_way) {
                self.cut.insert((from, to));
            }
        }
        side
    }

    /// Ends the partition.
    pub fn mend(&mut self) {
        self.cut.clear();
    }

    /// From now on everything arrives soon.
    pub fn heal(&mut self) {
        self.cut.clear();
        self.flaky.clear();
        self.is_healed = true;
    }

    /// After how many milliseconds each copy of a message arrives; none if it is lost.
    pub fn delays(&self, from: usize, to: usize, random: &mut Random) -> Vec<u64> {
        if self.cut.contains(&(from, to)) || self.is_barred(from, to) {
            return Vec::new();
        }
        if self.is_healed {
            return vec![random.between(1, HEALED_LATENCY_MS)];
        }
        if random.permille(self.faults.drop)
            || (self.flaky.contains(&(from, to)) && random.permille(500))
        {
            return Vec::new();
        }
        let copies = 1 + u64::from(random.permille(self.faults.duplicate));
        (0..copies).map(|_| self.delay(random)).collect()
    }

    fn delay(&self, random: &mut Random) -> u64 {
        let usual = random.between(1, self.faults.latency_ms);
        match random.permille(self.faults.slow) {
            true => usual + random.between(1, self.faults.slow_ms),
            false => usual,
        }
    }
}

fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    let all = (0..count).flat_map(move |a| (0..count).map(move |b| (a, b)));
    all.filter(|(a, b)| a != b)
}
