//! Files that somebody hands in beside the evidence, each with a verdict of its own: a wrong file says
//! nothing about the record.
//!
//! Consensus-critical: no

use super::element::Verdict;
use super::report::{Facts, Report};
use crate::hash::Hash;
use crate::proof::item_history::Place;

/// What a file is to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExhibitVerdict {
    /// Byte for byte a file or event of the record.
    Recorded,
    /// It can't be compared: the record isn't proven, or its commitment isn't opened here.
    NotCompared,
    /// The record holds no such file or event.
    NotRecorded,
}

impl ExhibitVerdict {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            ExhibitVerdict::Recorded => "recorded",
            ExhibitVerdict::NotCompared => "not-compared",
            ExhibitVerdict::NotRecorded => "not-recorded",
        }
    }
}

/// What of the record a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// A file of the deposit, by its number from 1.
    File(usize),
    /// An event of the history, by its place.
    Event(Place),
}

/// A file that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
    /// Its name, as it was handed in.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: Hash,
    /// What it is to the record.
    pub verdict: ExhibitVerdict,
    /// All that it is.
    pub matches: Vec<Match>,
}

impl Report {
    /// Holds a file against what is proven.
    pub fn compare(&self, name: &str, sha256: Hash) -> Exhibit {
        let matches = match self.verdict {
            Verdict::NotVerified => Vec::new(),
            Verdict::Verified | Verdict::Reservations => matches(&self.facts, &sha256),
        };
        let is_closed = self
            .facts
            .deposit
            .iter()
            .any(|d| d.recorded && d.files.is_empty());
        let verdict = match matches.is_empty() {
            false => ExhibitVerdict::Recorded,
            true if is_closed || self.verdict == Verdict::NotVerified => {
                ExhibitVerdict::NotCompared
            }
            true => ExhibitVerdict::NotRecorded,
        };
        Exhibit {
            name: name.to_owned(),
            sha256,
            verdict,
            matches,
        }
    }
}

fn matches(facts: &Facts, sha256: &Hash) -> Vec<Match> {
    let files = facts.deposit.iter().flat_map(|d| &d.files).enumerate();
    let files = files.filter(|(_, (hash, _))| hash == sha256);
    let events = facts.history.iter().flat_map(|h| &h.steps);
    let events = events.filter(|step| step.entry.content_hash == sha256);
    files
        .map(|(at, _)| Match::File(at.saturating_add(1)))
        .chain(events.map(|step| Match::Event(step.place)))
        .collect()
}
