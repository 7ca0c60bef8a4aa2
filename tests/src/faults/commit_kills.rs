//! A validator that is alone is killed right before a write or a sync of its consensus thread, or of the thread that
//! syncs its database: each of a height in turn, from the log's first to the database's last. What it acknowledged
//! rests on its own disk. The log's files are cut in the first two heights of a process alone, which the log's own
//! tests stop at each operation.
//!
//! It needs strace; elsewhere nothing is tried, and the figures say so.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::campaign::{Fault, Figures, Goal};
use super::live::{Live, runtime};
use super::tracer::Tracer;
use crate::cluster::{PATIENCE, Plan};

/// What each thread asks of the disk in a height, and how often, with some more: log, guard, and the database's log.
const CALLS: [(SystemCall, u64); 4] = [
    (("consensus", "pwrite64"), 18),
    (("consensus", "fdatasync"), 8),
    (("consensus", "write"), 4),
    (("settling", "fdatasync"), 2),
];
/// A thread's name, and the system call.
type SystemCall = (&'static str, &'static str);
/// All of them.
const POINTS: u64 = 32;
/// Points are taken in steps of so many, so that each kind comes soon.
const STEP: u64 = 7;
/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(5);

/// Kills at each point of a commit.
#[derive(Clone, Copy, Debug)]
pub struct CommitKills;

impl Fault for CommitKills {
    fn name(&self) -> &'static str {
        "commit-kills"
    }

    fn claim(&self) -> &'static str {
        "a lonely validator is killed before each write and sync of a commit, in turn: as for kills of all"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 10 * POINTS,
            short: POINTS,
            batch: POINTS,
            threads: 1,
            share: 4,
        }
    }

    fn run(&self, _: u64, from: u64, count: u64) -> Figures {
        let mut figures = Figures::default();
        if let Err(why) = Command::new("strace").arg("-V").output() {
            figures.count(&format!("not possible here: strace: {why}"));
            return figures;
        }
        runtime().block_on(trials(from..from + count, &mut figures));
        figures
    }
}

/// The point with this number: which call, and the how manieth.
fn point(number: u64) -> (SystemCall, u64) {
    let mut left = number.wrapping_mul(STEP) % POINTS;
    for (call, times) in CALLS {
        match left.checked_sub(times) {
            Some(rest) => left = rest,
            None => return (call, left + 1),
        }
    }
    (CALLS[0].0, 1)
}

async fn trials(numbers: std::ops::Range<u64>, figures: &mut Figures) {
    let mut live = Live::start(&Plan {
        validators: 1,
        ..Plan::default()
    })
    .await;
    for number in numbers {
        let (call, times) = point(number);
        live.wait_for_more_than(live.acknowledged()).await;
        if let Err(what) = kill_before(&mut live, call, times).await {
            let (thread, call) = call;
            figures.break_with(format!("trial {number}, {thread}: {call} {times}: {what}"));
        }
        live.cluster.end(0);
        live.cluster.launch(0);
        let (began, before) = (Instant::now(), live.acknowledged());
        live.wait_for_more_than(before).await;
        figures.times_ms.push(began.elapsed().as_millis() as u64);
        figures.trials += 1;
        figures.count(&format!("before {} of {}", call.1, call.0));
    }
    live.check_into(figures).await;
}

/// Lets the node be killed before its next but so manieth call.
async fn kill_before(live: &mut Live, (name, call): SystemCall, times: u64) -> Result<(), String> {
    let process = live.cluster.process_id(0).ok_or("it doesn't run")?;
    let thread = thread(process, name).ok_or_else(|| format!("it has no thread {name}"))?;
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:signal=SIGKILL:when={times}");
    let tracer = Tracer::attach(&thread, &["-e", &trace, "-e", &inject]);
    let _tracer = tracer.map_err(|e| format!("strace: {e}"))?;
    for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
        if !live.cluster.is_running(0) {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err("nothing kills it".into())
}

/// The folder of a process's thread with this name.
fn thread(process: u32, wanted: &str) -> Option<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut names = threads.flatten().map(|thread| thread.path());
    let found = names.find(|thread| {
        let name = fs::read_to_string(thread.join("comm"));
        name.is_ok_and(|name| name.trim() == wanted)
    });
    found?.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_point_comes_once_in_a_round() {
        let all: BTreeSet<_> = (0..POINTS).map(point).collect();
        assert_eq!(all.len() as u64, POINTS);
        let times = CALLS.map(|(_, times)| times);
        assert_eq!(times.iter().sum::<u64>(), POINTS);
        let soon: BTreeSet<_> = (0..12).map(|number| point(number).0).collect();
        assert_eq!(soon.len(), CALLS.len(), "{soon:?}");
    }
}
