//! Running trials in batches: as many as are asked for, until their time is over, and on from where an earlier run
//! was interrupted.

use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

/// What broke is kept in words so many times.
const MAX_EXAMPLES: usize = 5;

/// What trials came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Trials.
    pub trials: u64,
    /// What must never happen, and did.
    pub broken: u64,
    /// The first of that in words.
    pub examples: Vec<String>,
    /// How trials ended, and what else was counted.
    pub outcomes: BTreeMap<String, u64>,
    /// Times that were measured, milliseconds, ascending once told.
    pub times_ms: Vec<u64>,
}

impl Figures {
    /// Counts an outcome.
    pub fn count(&mut self, outcome: &str) {
        self.add(outcome, 1);
    }

    /// Counts an outcome several times.
    pub fn add(&mut self, outcome: &str, times: u64) {
        *self.outcomes.entry(outcome.to_owned()).or_default() += times;
    }

    /// What must never happen has happened.
    pub fn break_with(&mut self, what: impl Into<String>) {
        self.broken += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push(what.into());
        }
    }

    /// Takes up another part.
    pub fn merge(&mut self, other: Figures) {
        self.trials += other.trials;
        self.broken += other.broken;
        self.examples.extend(other.examples);
        self.examples.truncate(MAX_EXAMPLES);
        for (outcome, times) in other.outcomes {
            self.add(&outcome, times);
        }
        self.times_ms.extend(other.times_ms);
    }

    /// The figures as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "trials": self.trials,
            "broken": self.broken,
            "examples": self.examples,
            "outcomes": self.outcomes,
            "times_ms": self.times_ms,
        })
    }

    fn from_json(value: &Value) -> Option<Figures> {
        let outcomes = value["outcomes"].as_object()?.iter();
        let examples = value["examples"].as_array()?.iter();
        let times = value["times_ms"].as_array()?.iter();
        Some(Figures {
            trials: value["trials"].as_u64()?,
            broken: value["broken"].as_u64()?,
            examples: examples
                .map(|e| Some(e.as_str()?.to_owned()))
                .collect::<Option<_>>()?,
            outcomes: outcomes
                .map(|(name, times)| Some((name.clone(), times.as_u64()?)))
                .collect::<Option<_>>()?,
            times_ms: times.map(Value::as_u64).collect::<Option<_>>()?,
        })
    }
}

/// A kind of fault.
pub trait Fault: Sync {
    /// Its name at the command line and in the table.
    fn name(&self) -> &'static str;

    /// What a trial is, and what must never come of it.
    fn claim(&self) -> &'static str;

    /// Trials of a whole campaign, and of the short one in the test command.
    fn goal(&self) -> Goal;

    /// Runs the trials from this number on.
    fn run(&self, seed: u64, from: u64, count: u64) -> Figures;
}

/// How many trials there shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// In a campaign.
    pub trials: u64,
    /// In the short form.
    pub short: u64,
    /// Trials that are run, and kept, together.
    pub batch: u64,
    /// Batches that may run beside each other; 1 where a trial takes all of the machine.
    pub threads: u64,
    /// Its share of the campaign's time, in parts of all shares.
    pub share: u64,
}

/// What a campaign shall do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where all chance comes from.
    pub seed: u64,
    /// All together, at most.
    pub time: Duration,
    /// Whether the short goals count.
    pub is_short: bool,
    /// Trials instead of each goal, if given.
    pub trials: Option<u64>,
    /// Where figures are kept, so that an interrupted campaign goes on.
    pub kept_in: Option<PathBuf>,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The fault's name.
    pub name: &'static str,
    /// See [`Fault::claim`].
    pub claim: &'static str,
    /// Trials that were wanted.
    pub wanted: u64,
    /// What came of them.
    pub figures: Figures,
    /// How long they took, all runs together.
    pub took: Duration,
}

/// Runs the trials of these faults, one fault after the other; `told` hears of each batch.
pub fn run(
    faults: &[Box<dyn Fault>],
    settings: &Settings,
    mut told: impl FnMut(&Row),
) -> io::Result<Vec<Row>> {
    let mut kept = Kept::open(settings)?;
    let mut shares: u64 = faults.iter().map(|f| f.goal().share).sum();
    let mut left = settings.time;
    let mut rows = Vec::new();
    for fault in faults {
        let goal = fault.goal();
        // What one doesn't need is the others'.
        let time = left * goal.share as u32 / shares.max(1) as u32;
        shares -= goal.share;
        let usual = if settings.is_short {
            goal.short
        } else {
            goal.trials
        };
        let (figures, before) = kept.get(fault.name());
        let mut row = Row {
            name: fault.name(),
            claim: fault.claim(),
            wanted: settings.trials.unwrap_or(usual),
            figures,
            took: before,
        };
        let began = Instant::now();
        while row.figures.trials < row.wanted && began.elapsed() < time {
            let from = row.figures.trials;
            row.figures
                .merge(wave(fault.as_ref(), settings.seed, from, row.wanted));
            row.took = before + began.elapsed();
            kept.put(&row)?;
            told(&row);
            if row.figures.trials == from {
                // It can't be done on this machine, and has said why.
                break;
            }
        }
        left = left.saturating_sub(began.elapsed());
        rows.push(row);
    }
    Ok(rows)
}

/// Batches beside each other, as many as the fault allows.
fn wave(fault: &dyn Fault, seed: u64, from: u64, wanted: u64) -> Figures {
    let goal = fault.goal();
    let batches = (0..goal.threads)
        .map(|thread| from + thread * goal.batch)
        .take_while(|start| *start < wanted);
    let mut all = Figures::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = batches
            .map(|start| {
                let count = goal.batch.min(wanted - start);
                scope.spawn(move || caught(fault, seed, start, count))
            })
            .collect();
        for thread in running {
            // What panics in a thread is caught there.
            if let Ok(figures) = thread.join() {
                all.merge(figures);
            }
        }
    });
    all
}

/// A panic in a trial is a broken promise, and no end of the campaign.
fn caught(fault: &dyn Fault, seed: u64, from: u64, count: u64) -> Figures {
    let run = AssertUnwindSafe(|| fault.run(seed, from, count));
    catch_unwind(run).unwrap_or_else(|panic| {
        let mut figures = Figures {
            trials: count,
            ..Figures::default()
        };
        let words = words_of(panic.as_ref());
        figures.break_with(format!("trials {from} to {}: {words}", from + count - 1));
        figures
    })
}

/// What a panic said.
pub fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words").to_owned()
}

/// Figures of earlier runs of the same seed.
struct Kept {
    path: Option<PathBuf>,
    seed: u64,
    rows: Map<String, Value>,
}

impl Kept {
    fn open(settings: &Settings) -> io::Result<Kept> {
        let mut kept = Kept {
            path: settings.kept_in.clone(),
            seed: settings.seed,
            rows: Map::new(),
        };
        let Some(path) = &kept.path else {
            return Ok(kept);
        };
        let found = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice::<Value>(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
            Err(error) => return Err(error),
        };
        if found["seed"] != settings.seed {
            let what = format!(
                "{} holds figures of seed {}; name another file, or remove it",
                path.display(),
                found["seed"]
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        kept.rows = found["rows"].as_object().cloned().unwrap_or_default();
        Ok(kept)
    }

    fn get(&self, name: &str) -> (Figures, Duration) {
        let known = self.rows.get(name);
        let figures = known.and_then(|row| Figures::from_json(&row["figures"]));
        let took = known.and_then(|row| row["took_ms"].as_u64());
        let took = Duration::from_millis(took.unwrap_or_default());
        (figures.unwrap_or_default(), took)
    }

    fn put(&mut self, row: &Row) -> io::Result<()> {
        let value = json!({
            "figures": row.figures.to_json(),
            "took_ms": row.took.as_millis() as u64,
        });
        self.rows.insert(row.name.into(), value);
        match &self.path {
            None => Ok(()),
            Some(path) => write_whole(path, &json!({ "seed": self.seed, "rows": self.rows })),
        }
    }
}

/// Replaces a file at once, so that an interruption leaves the old one or the new one.
fn write_whole(path: &Path, value: &Value) -> io::Result<()> {
    let new = path.with_extension("new");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&new, serde_json::to_vec_pretty(value)?)?;
    std::fs::rename(&new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes which trials ran; breaks at one number, panics at another.
    struct Counted;

    impl Fault for Counted {
        fn name(&self) -> &'static str {
            "counted"
        }

        fn claim(&self) -> &'static str {
            "numbers: none is 13"
        }

        fn goal(&self) -> Goal {
            Goal {
                trials: 40,
                short: 8,
                batch: 4,
                threads: 2,
                share: 1,
            }
        }

        fn run(&self, _: u64, from: u64, count: u64) -> Figures {
            let mut figures = Figures::default();
            for number in from..from + count {
                figures.trials += 1;
                figures.count(if number % 2 == 0 { "even" } else { "odd" });
                figures.times_ms.push(number);
                assert!(number != 30, "thirty");
                if number == 13 {
                    figures.break_with("13");
                }
            }
            figures
        }
    }

    fn settings(kept_in: Option<PathBuf>) -> Settings {
        Settings {
            seed: 1,
            time: Duration::from_secs(3600),
            is_short: false,
            trials: None,
            kept_in,
        }
    }

    #[test]
    fn an_interrupted_campaign_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(Some(folder.path().join("kept.json")));
        let some = Settings {
            trials: Some(12),
            ..settings.clone()
        };
        let faults: Vec<Box<dyn Fault>> = vec![Box::new(Counted)];
        let rows = run(&faults, &some, |_| {}).unwrap();
        assert_eq!((rows[0].figures.trials, rows[0].figures.broken), (12, 0));
        let rows = run(&faults, &settings, |_| {}).unwrap();
        let figures = &rows[0].figures;
        assert_eq!(figures.trials, 40);
        // 13, and the batch that panicked.
        assert_eq!((figures.broken, figures.examples.len()), (2, 2));
        assert!(figures.examples[1].contains("thirty"), "{figures:?}");
        // Nothing ran twice; the batch that panicked has no outcomes.
        assert_eq!(figures.outcomes["even"] + figures.outcomes["odd"], 36);
        let again = run(&faults, &settings, |_| panic!("all is done")).unwrap();
        assert_eq!(again[0].figures, *figures);
        let other = Settings {
            seed: 2,
            ..settings
        };
        assert!(run(&faults, &other, |_| {}).is_err());
    }
}
