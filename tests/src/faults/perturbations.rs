//! Real processes that are disturbed while clients submit, and not killed: stopped, with a wrong clock, over links that
//! lose or carry nothing.

use std::process::Command;
use std::time::Instant;

use super::campaign::{Fault, Figures, Goal};
use super::live::{Live, pause, runtime};
use crate::cluster::Plan;
use crate::random::Random;

/// How long a disturbance lasts, at most; milliseconds.
const LASTS_MS: u64 = 3_000;
/// By how many seconds a clock is wrong.
const WRONG_BY_S: [i64; 6] = [-3_600, -30, -3, 3, 30, 3_600];

/// Disturbances, by turns.
#[derive(Clone, Copy, Debug)]
pub struct Perturbations;

#[derive(Clone, Copy, Debug)]
enum Disturbance {
    /// One or two processes stand still (SIGSTOP).
    Stopped,
    /// A node runs with a clock that is wrong.
    WrongClock,
    /// A part of all segments is lost and sent again.
    Loss,
    /// Everything is under way for some time.
    Delay,
    /// Nothing arrives anywhere.
    Cut,
}

impl Disturbance {
    const ALL: [Disturbance; 5] = [
        Disturbance::Stopped,
        Disturbance::WrongClock,
        Disturbance::Loss,
        Disturbance::Delay,
        Disturbance::Cut,
    ];

    fn name(self) -> &'static str {
        match self {
            Disturbance::Stopped => "stopped",
            Disturbance::WrongClock => "wrong clock",
            Disturbance::Loss => "loss",
            Disturbance::Delay => "delay",
            Disturbance::Cut => "cut",
        }
    }
}

impl Fault for Perturbations {
    fn name(&self) -> &'static str {
        "perturbations"
    }

    fn claim(&self) -> &'static str {
        "nodes under load are stopped, get wrong clocks, lose, wait for or get no messages: as for kills, \
         and it goes on"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 200,
            short: 5,
            batch: 25,
            threads: 1,
            share: 12,
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        runtime().block_on(trials(seed, from, count))
    }
}

async fn trials(seed: u64, from: u64, count: u64) -> Figures {
    let mut random = Random::new(seed ^ from.rotate_left(32));
    let mut figures = Figures::default();
    let mut live = Live::start(&Plan {
        has_links: true,
        ..Plan::default()
    })
    .await;
    for number in from..from + count {
        live.wait_for_more_than(live.acknowledged()).await;
        let disturbance = Disturbance::ALL[number as usize % Disturbance::ALL.len()];
        let outcome = disturb(disturbance, &mut live, &mut random).await;
        let (began, before) = (Instant::now(), live.acknowledged());
        live.wait_for_more_than(before).await;
        figures.times_ms.push(began.elapsed().as_millis() as u64);
        figures.trials += 1;
        figures.count(outcome);
    }
    live.check_into(&mut figures).await;
    figures
}

/// The setting by which a program gets another clock; none where faketime isn't installed. (The program `faketime`
/// itself
/// stays beside the one that it starts, which a signal to it doesn't reach.)
fn faketime() -> Option<String> {
    let asked = Command::new("faketime")
        .args(["-f", "+0s", "printenv", "LD_PRELOAD"])
        .output();
    let path = String::from_utf8(asked.ok()?.stdout).ok()?;
    let path = path.trim();
    (!path.is_empty()).then(|| format!("LD_PRELOAD={path}"))
}

/// A disturbance begins, lasts, and ends; what it was.
async fn disturb(disturbance: Disturbance, live: &mut Live, random: &mut Random) -> &'static str {
    let nodes = random.order(live.cluster.size());
    let some = &nodes[..random.between(1, 2) as usize];
    match disturbance {
        Disturbance::Stopped => {
            for node in some {
                live.cluster.signal(*node, "STOP");
            }
            pause(random, LASTS_MS).await;
            for node in some {
                live.cluster.signal(*node, "CONT");
            }
        }
        Disturbance::WrongClock => {
            let by = WRONG_BY_S[random.index(WRONG_BY_S.len())];
            let Some(preload) = faketime() else {
                return "no faketime here";
            };
            let shift = format!("FAKETIME={by:+}s");
            // Clocks that only count go right, as a process measures its pauses with them; times of files are no
            // clocks.
            let right = ["FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"];
            let wrapper = ["env", &preload, &shift, right[0], right[1]];
            live.cluster.kill(nodes[0]);
            live.cluster.launch_under(nodes[0], &wrapper);
            pause(random, LASTS_MS).await;
            live.cluster.kill(nodes[0]);
            live.cluster.launch(nodes[0]);
        }
        Disturbance::Loss => {
            live.cluster.weather().lose(random.between(50, 300));
            pause(random, LASTS_MS).await;
            live.cluster.weather().lose(0);
        }
        Disturbance::Delay => {
            let delay = std::time::Duration::from_millis(random.between(20, 400));
            live.cluster.weather().delay(delay);
            pause(random, LASTS_MS).await;
            live.cluster.weather().delay(std::time::Duration::ZERO);
        }
        Disturbance::Cut => {
            live.cluster.weather().cut(true);
            pause(random, LASTS_MS).await;
            live.cluster.weather().cut(false);
        }
    }
    disturbance.name()
}
