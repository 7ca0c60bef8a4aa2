//! What goes wrong: crashes, partitions, failing disks, power cuts for all.

use super::checks::Violation;
use super::phases::Phase;
use super::process::Actor;
use super::world::{Event, World};
use crate::testkit::memory_disk::Loss;
use crate::testkit::memory_store::Failure;

/// Longest time for which a crashed process stays down, milliseconds.
const DOWN_MS: u64 = 3_000;

/// Something bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// One process crashes.
    Crash,
    /// A partition begins.
    Partition,
    /// It ends.
    Mend,
    /// One disk starts failing soon.
    Disk,
    /// All processes lose their power at once.
    Blackout,
    /// The same, and one validator's disk is broken: all start together, it with a new one.
    Replacement,
}

impl World {
    /// Plans the first troubles.
    pub(super) fn brew(&mut self) {
        for trouble in [Trouble::Crash, Trouble::Partition, Trouble::Disk] {
            self.plan_next(trouble);
        }
        for _ in 0..self.faults.blackouts {
            let at_ms = self.random.between(500, self.faults.lasts_ms);
            self.after(at_ms, Event::Trouble(Trouble::Blackout));
        }
        if self.plan.replaced_disk.is_some() {
            let at_ms = self.random.between(500, self.faults.lasts_ms);
            self.after(at_ms, Event::Trouble(Trouble::Replacement));
        }
    }

    fn plan_next(&mut self, trouble: Trouble) {
        let pause_ms = match trouble {
            Trouble::Crash => self.faults.crash_pause_ms,
            Trouble::Partition => self.faults.partition_pause_ms,
            Trouble::Disk => self.faults.disk_pause_ms,
            Trouble::Mend | Trouble::Blackout | Trouble::Replacement => 0,
        };
        if pause_ms > 0 {
            let delay_ms = self.random.between(1, 2 * pause_ms);
            self.after(delay_ms, Event::Trouble(trouble));
        }
    }

    /// Something bad happens, while faults last.
    pub(super) fn trouble(&mut self, trouble: Trouble) -> Result<(), Violation> {
        if self.phase != Phase::Faults {
            return Ok(());
        }
        let process = self.random.index(self.processes.len());
        match trouble {
            Trouble::Crash => {
                let loss = self.any_loss();
                self.trace
                    .note(process, 3, || format!("CRASHES and loses {loss:?}"));
                self.crash(process, loss);
            }
            Trouble::Partition => {
                let side = self.network.partition(&mut self.random);
                self.trace.note(0, 4, || format!("PARTITION: {side:?}"));
                let lasts_ms = self.random.between(200, 4_000);
                self.after(lasts_ms, Event::Trouble(Trouble::Mend));
            }
            Trouble::Mend => {
                self.trace.note(0, 5, || "partition ends".into());
                self.network.mend();
            }
            Trouble::Disk => {
                let operations = self.random.below(12);
                self.trace.note(process, operations, || {
                    format!("DISK fails after {operations} operations")
                });
                match self.random.below(5) {
                    0 => self.processes[process].store.fail_next(Failure::Before),
                    1 => self.processes[process].store.fail_next(Failure::After),
                    2 => self.processes[process].store.fail_next(Failure::Settling),
                    _ => self.processes[process].disk.fail_after(operations),
                }
            }
            Trouble::Blackout => {
                let loss = match self.random.below(3) {
                    0 => Loss::Parts,
                    _ => Loss::Everything,
                };
                self.trace
                    .note(0, 6, || format!("BLACKOUT, all lose {loss:?}"));
                for process in 0..self.processes.len() {
                    self.crash(process, loss);
                }
            }
            Trouble::Replacement => self.replace_disk(),
        }
        self.plan_next(trouble);
        Ok(())
    }

    fn replace_disk(&mut self) {
        let validators = self.plan.validators;
        let honest: Vec<usize> = self.honest().filter(|p| *p < validators).collect();
        let process = honest[self.random.index(honest.len())];
        self.trace
            .note(process, 12, || "BLACKOUT, and its DISK is replaced".into());
        for process in 0..self.processes.len() {
            self.crash(process, Loss::Everything);
            let delay_ms = self.random.between(1, 50);
            self.after(delay_ms, Event::Restart(process));
        }
        if let Some(guard) = self.plan.replaced_disk {
            self.processes[process].replace_disk(&self.genesis, guard);
        }
    }

    fn any_loss(&mut self) -> Loss {
        match self.random.below(4) {
            0 => Loss::Nothing,
            1 => Loss::Everything,
            _ => Loss::Parts,
        }
    }

    /// A machine's process ends; the others see it go, and it comes back after a while. Attackers
    /// don't crash.
    pub(super) fn crash(&mut self, process: usize, loss: Loss) {
        if self.processes[process].machine().is_none() {
            return;
        }
        self.counts.crashes += 1;
        let sabotage = self.plan.sabotage;
        self.processes[process].crash(loss, sabotage, &mut self.random);
        for wish in &mut self.clients.wishes {
            wish.waits_at.retain(|at| *at != process);
        }
        self.tell_link(process, false);
        let down_ms = self.random.between(1, DOWN_MS);
        self.after(down_ms, Event::Restart(process));
    }

    /// A process that is down starts again.
    pub(super) fn restart(&mut self, process: usize) -> Result<(), Violation> {
        let is_down = matches!(self.processes[process].actor, Actor::Down);
        if !is_down {
            return Ok(());
        }
        self.trace.note(process, 7, || "starts".into());
        if self.phase == Phase::Faults && self.faults.disk_pause_ms > 0 && self.random.permille(100)
        {
            let operations = self.random.below(6);
            self.processes[process].disk.fail_after(operations);
        }
        let now_ms = self.clock(process);
        let sabotage = self.plan.sabotage;
        let result = self.processes[process].start(&self.genesis, sabotage, now_ms);
        if result.is_err() && self.processes[process].disk_has_failed() {
            self.trace.note(process, 8, || "its disk fails".into());
            let loss = self.any_loss();
            self.processes[process].crash(loss, sabotage, &mut self.random);
            self.after(500, Event::Restart(process));
            return Ok(());
        }
        self.finish_step(process, result)?;
        self.tell_link(process, true);
        Ok(())
    }

    /// Others see a process come or go after a moment, and it sees those that are there.
    fn tell_link(&mut self, process: usize, is_up: bool) {
        for peer in 0..self.processes.len() {
            if peer == process || self.network.is_barred(process, peer) {
                continue;
            }
            let delay_ms = self.random.between(1, 50);
            self.after(
                delay_ms,
                Event::Link {
                    process: peer,
                    peer: process,
                    is_up,
                },
            );
            let is_there = !matches!(self.processes[peer].actor, Actor::Down);
            if is_up && is_there {
                let delay_ms = self.random.between(1, 50);
                self.after(
                    delay_ms,
                    Event::Link {
                        process,
                        peer,
                        is_up,
                    },
                );
            }
        }
    }
}
