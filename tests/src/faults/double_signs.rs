//! Attempts to make a validator sign two things in one step: it crashes at any operation of its disk, an older copy of
//! its data is put back, a copy of it runs beside it, its disk is replaced, its files are damaged, several processes
//! race for one folder.

use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use touchstone_core::hash;
use touchstone_node::storage::double_sign_guard::{Guard, SignedStep};
use touchstone_node::storage::files::{DataFolder, FileDisk};

use super::campaign::{Fault, Figures, Goal};
use super::folder;
use super::ledger_of_four::{LedgerOfFour, Peer};
use super::seats::Seats;
use crate::random::Random;
use crate::testkit::memory_disk::Loss;

/// What is tried, by turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Its disk fails at some operation, or its power: what was not synced is lost in part.
    Crash,
    /// Files as they were some time ago are put in the place of the newer.
    Restore,
    /// A copy of it, taken while it ran, runs beside it; each speaks to some of the others.
    Clone,
    /// All lose their power, and its disk is replaced by an empty one.
    Replace,
    /// Bits of its log and guard are flipped while it is down.
    Damage,
    /// Threads race for one folder with different things to sign.
    Race,
}

impl Attempt {
    /// All of them.
    pub const ALL: [Attempt; 6] = [
        Attempt::Crash,
        Attempt::Restore,
        Attempt::Clone,
        Attempt::Replace,
        Attempt::Damage,
        Attempt::Race,
    ];

    fn name(self) -> &'static str {
        match self {
            Attempt::Crash => "crash",
            Attempt::Restore => "restore",
            Attempt::Clone => "clone",
            Attempt::Replace => "replace",
            Attempt::Damage => "damage",
            Attempt::Race => "race",
        }
    }
}

/// Steps of an attempt, each with a transaction.
const STEPS: u64 = 12;
/// Threads that race.
const RACERS: usize = 4;
/// Heights that they race for.
const HEIGHTS: u64 = 6;
/// The validator that is tempted, and where its copy runs.
const VICTIM: usize = 0;
const COPY: usize = 4;

/// Attempts at a validator's honesty.
#[derive(Default)]
pub struct DoubleSigns {
    ledger: OnceLock<LedgerOfFour>,
}

impl Fault for DoubleSigns {
    fn name(&self) -> &'static str {
        "double-signs"
    }

    fn claim(&self) -> &'static str {
        "a validator crashes, is restored, cloned, replaced, damaged or raced for: no two signatures of one step"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 12_000,
            short: 60,
            batch: 60,
            threads: 2,
            share: 8,
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let ledger = self.ledger.get_or_init(LedgerOfFour::new);
        let mut figures = Figures::default();
        for number in from..from + count {
            let attempt = Attempt::ALL[number as usize % Attempt::ALL.len()];
            let mut random = Random::new(seed ^ number.rotate_left(40));
            figures.trials += 1;
            figures.count(attempt.name());
            if let Err(what) = try_once(attempt, ledger, &mut random, &mut figures) {
                figures.count(&format!("conflicts by {}", attempt.name()));
                figures.break_with(format!("trial {number}, {}: {what}", attempt.name()));
            }
        }
        figures
    }
}

fn try_once(
    attempt: Attempt,
    ledger: &LedgerOfFour,
    random: &mut Random,
    figures: &mut Figures,
) -> Result<(), String> {
    if attempt == Attempt::Race {
        return race(folder::scratch().path());
    }
    let mut temptation = Temptation::new(ledger, random)?;
    for step in 0..STEPS {
        temptation.pass(step, random);
        temptation.tempt(attempt, random)?;
    }
    temptation.seats.run_until(3_000, |_| false);
    figures.add("blocks", temptation.seats.height(1));
    figures.add("signatures", temptation.seats.signed.steps());
    figures.add("refused to start", temptation.refused);
    match temptation.seats.signed.conflict() {
        Some(conflict) => Err(conflict),
        None => Ok(()),
    }
}

/// A consortium in which one validator is led into temptation.
struct Temptation<'a> {
    ledger: &'a LedgerOfFour,
    seats: Seats,
    peers: Vec<Peer>,
    /// When it comes, in steps; a copy is taken before.
    copy_at: u64,
    strikes_at: u64,
    step: u64,
    copy: Option<Peer>,
    refused: u64,
}

impl<'a> Temptation<'a> {
    fn new(ledger: &'a LedgerOfFour, random: &mut Random) -> Result<Temptation<'a>, String> {
        let mut tags = ledger.tags.clone();
        tags.push(tags[VICTIM].clone());
        let mut seats = Seats::new(ledger.now_ms(), tags);
        seats.bar(VICTIM, COPY);
        let peers: Vec<Peer> = (0..ledger.tags.len())
            .map(|i| Peer::new(ledger, i))
            .collect();
        for peer in &peers {
            peer.sit_down(ledger, &mut seats)?;
        }
        let copy_at = random.below(STEPS - 2);
        Ok(Temptation {
            ledger,
            seats,
            peers,
            copy_at,
            strikes_at: random.between(copy_at + 1, STEPS - 1),
            step: 0,
            copy: None,
            refused: 0,
        })
    }

    /// Some time passes with a transaction.
    fn pass(&mut self, step: u64, random: &mut Random) {
        self.step = step;
        let at = random.between(1, 3) as usize;
        let capture = self.ledger.capture(step, self.seats.now_ms);
        self.seats.submit(at, &capture);
        // Often in the middle of a round, sometimes long after it.
        let most_ms = if random.permille(700) { 12 } else { 900 };
        self.seats.run_until(random.between(1, most_ms), |_| false);
    }

    fn tempt(&mut self, attempt: Attempt, random: &mut Random) -> Result<(), String> {
        match attempt {
            Attempt::Crash => self.crash(random),
            Attempt::Restore | Attempt::Clone if self.step == self.copy_at => {
                self.copy = Some(self.peers[VICTIM].copied());
                Ok(())
            }
            _ if self.step != self.strikes_at => Ok(()),
            Attempt::Restore => {
                self.seats.stand_up(VICTIM);
                if let Some(copy) = self.copy.take() {
                    self.peers[VICTIM] = copy;
                }
                self.start_victim();
                Ok(())
            }
            Attempt::Clone => self.run_copy(random),
            Attempt::Replace => self.replace(random),
            Attempt::Damage => {
                self.seats.stand_up(VICTIM);
                let disk = &self.peers[VICTIM].disk;
                let files = disk.files();
                for _ in 0..random.between(1, 3) {
                    let names: Vec<&String> = files.keys().collect();
                    let name = names[random.index(names.len())];
                    let place = random.index(files[name].len());
                    disk.flip(name, place, 1 << random.below(8));
                }
                self.start_victim();
                Ok(())
            }
            Attempt::Race => Ok(()),
        }
    }

    /// Starts the tempted one; what it finds may forbid it to start.
    fn start_victim(&mut self) {
        let started = self.peers[VICTIM].sit_down(self.ledger, &mut self.seats);
        self.refused += u64::from(started.is_err());
    }

    fn crash(&mut self, random: &mut Random) -> Result<(), String> {
        if random.permille(500) {
            self.peers[VICTIM].disk.fail_after(random.below(8));
            self.seats.run_until(random.between(1, 400), |_| false);
        }
        if random.permille(400) || self.seats.seat(VICTIM).is_none() {
            self.seats.stand_up(VICTIM);
            let loss = [Loss::Nothing, Loss::Everything, Loss::Parts][random.index(3)];
            self.peers[VICTIM].crash(loss, random);
            self.peers[VICTIM].sit_down(self.ledger, &mut self.seats)?;
        } else {
            self.peers[VICTIM].disk.mend();
        }
        Ok(())
    }

    /// Each of the others hears the copy, the original, or both.
    fn run_copy(&mut self, random: &mut Random) -> Result<(), String> {
        for other in 1..COPY {
            match random.below(3) {
                0 => self.seats.bar(other, COPY),
                1 => self.seats.bar(other, VICTIM),
                _ => {}
            }
        }
        match self.copy.take() {
            Some(copy) => {
                let started = copy.sit_down_at(COPY, self.ledger, &mut self.seats);
                self.refused += u64::from(started.is_err());
                Ok(())
            }
            None => Err("no copy was taken".into()),
        }
    }

    fn replace(&mut self, random: &mut Random) -> Result<(), String> {
        for index in 0..self.peers.len() {
            self.seats.stand_up(index);
            self.peers[index].crash(Loss::Everything, random);
        }
        self.peers[VICTIM] = Peer::replaced(self.ledger, VICTIM);
        for index in random.order(self.peers.len()) {
            self.peers[index].sit_down(self.ledger, &mut self.seats)?;
        }
        Ok(())
    }
}

/// Several hold the same folder to be theirs.
fn race(path: &Path) -> Result<(), String> {
    let folder = DataFolder::open(path).map_err(|e| e.to_string())?;
    Guard::create(FileDisk::new(folder)).map_err(|e| e.to_string())?;
    let left: Mutex<Vec<(u64, [u8; 32])>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for racer in 0..RACERS {
            let left = &left;
            scope.spawn(move || {
                for height in 1..=HEIGHTS {
                    let Ok(folder) = DataFolder::open(path) else {
                        continue;
                    };
                    let Ok(mut guard) = Guard::open(FileDisk::new(folder)) else {
                        continue;
                    };
                    let what = hash::sha256(&[racer as u8, height as u8]);
                    let permitted = guard.permit(height, 0, SignedStep::Prevote, &what);
                    if permitted.is_ok() && guard.sync().is_ok() {
                        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                        left.push((height, what));
                    }
                }
            });
        }
    });
    let left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
    if left.is_empty() {
        return Err("nobody won".into());
    }
    for height in 1..=HEIGHTS {
        if left.iter().filter(|(at, _)| *at == height).count() > 1 {
            return Err(format!("two signatures of height {height} left"));
        }
    }
    Ok(())
}
