//! Real processes are killed (SIGKILL) at random moments while clients submit, and started again.

use std::time::Instant;

use super::campaign::{Fault, Figures, Goal};
use super::live::{Live, pause, runtime};
use crate::cluster::Plan;
use crate::random::Random;

/// How long after an acknowledgement the kill comes, at most.
const MOMENT_MS: u64 = 200;
/// How long the killed stay down, at most.
const DOWN_MS: u64 = 300;

/// Which processes are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kills {
    is_all: bool,
}

impl Kills {
    /// All at once, as when the power fails everywhere.
    pub const ALL: Kills = Kills { is_all: true };
    /// One, or two, of four.
    pub const SOME: Kills = Kills { is_all: false };

    /// Which of so many nodes are killed.
    fn choose(self, nodes: usize, random: &mut Random) -> Vec<usize> {
        let order = random.order(nodes);
        let count = match self.is_all {
            true => nodes,
            false => random.between(1, 2) as usize,
        };
        order.into_iter().take(count).collect()
    }

    async fn trials(self, random: &mut Random, count: u64) -> Figures {
        let mut figures = Figures::default();
        let mut live = Live::start(&Plan::default()).await;
        for _ in 0..count {
            live.wait_for_more_than(live.acknowledged()).await;
            pause(random, MOMENT_MS).await;
            let killed = self.choose(live.cluster.size(), random);
            for node in &killed {
                live.cluster.kill(*node);
            }
            pause(random, DOWN_MS).await;
            for node in &killed {
                live.cluster.launch(*node);
            }
            let (began, before) = (Instant::now(), live.acknowledged());
            live.wait_for_more_than(before).await;
            figures.times_ms.push(began.elapsed().as_millis() as u64);
            figures.trials += 1;
            figures.count(match killed.len() {
                1 => "one",
                2 => "two",
                _ => "all",
            });
        }
        live.check_into(&mut figures).await;
        figures
    }
}

impl Fault for Kills {
    fn name(&self) -> &'static str {
        match self.is_all {
            true => "kill-all",
            false => "kill-some",
        }
    }

    fn claim(&self) -> &'static str {
        match self.is_all {
            true => {
                "kill -9 of all four nodes under load: nothing acknowledged is lost or doubled, one block of each \
                 height, the state root follows from genesis, evidence holds; the time is from the start to the \
                 next acknowledgement"
            }
            false => "kill -9 of one or two of four nodes under load: the same",
        }
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: if self.is_all { 500 } else { 200 },
            short: 2,
            batch: 25,
            threads: 1,
            share: if self.is_all { 22 } else { 8 },
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let mut random = Random::new(seed ^ from.rotate_left(32));
        runtime().block_on(self.trials(&mut random, count))
    }
}
