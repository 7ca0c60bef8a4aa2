//! One job: what came in, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use touchstone_client::master_data::SentStatement;

use super::report::{EventReport, JobOutcome, StatementReport};
use crate::failure::Failure;

/// What to do with the other events of a document where one is refused (EPCIS 2.0's
/// `GS1-Capture-Error-Behaviour`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorBehaviour {
    /// None is recorded: they are one transaction.
    Rollback,
    /// The others are recorded: each is a transaction of its own.
    Proceed,
}

/// A document that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// When it came in, milliseconds.
    pub created_ms: u64,
    /// When it was done with.
    pub finished_ms: Option<u64>,
    /// What to do where an event is refused.
    pub behaviour: ErrorBehaviour,
    /// The number of its events.
    pub events: usize,
    /// What became of them so far, by index.
    pub reports: BTreeMap<usize, EventReport>,
    /// The number of its elements of master data.
    #[serde(default)]
    pub elements: usize,
    /// What became of them so far, by index.
    #[serde(default)]
    pub statements: BTreeMap<usize, StatementReport>,
    /// Transactions that were sent to state them.
    #[serde(default)]
    pub sent_statements: Vec<SentStatement>,
    /// What ended it otherwise than by its events' outcomes.
    pub failure: Option<String>,
    /// The rule behind that, where there is one.
    #[serde(default)]
    pub failed_rule: Option<Rule>,
    /// What is allowed in its events and yet is probably a mistake.
    #[serde(default)]
    pub warnings: Vec<DoubtfulEvent>,
    /// What it is, where it isn't a capture.
    #[serde(default)]
    pub act: Option<Act>,
    /// Why it isn't done with yet, where something holds it up.
    #[serde(skip)]
    pub waiting: Option<String>,
}

/// Something in an event that is to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtfulEvent {
    /// The event's index in the document, from 0.
    pub index: usize,
    /// Where, as a JSON path from the event.
    pub path: String,
    /// The doubt's stable name.
    pub warning: String,
    /// What is doubtful.
    pub message: String,
}

/// One transaction, signed when it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What it does, in a word.
    pub action: String,
    /// The transaction's id, in hexadecimal.
    pub transaction: String,
}

/// A rule of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its stable name.
    pub rule: String,
    /// Its stable number.
    pub code: u32,
}

impl Job {
    /// A job that came in.
    pub fn new(id: &str, events: usize, behaviour: ErrorBehaviour, created_ms: u64) -> Job {
        Job {
            id: id.to_owned(),
            created_ms,
            finished_ms: None,
            behaviour,
            events,
            reports: BTreeMap::new(),
            elements: 0,
            statements: BTreeMap::new(),
            sent_statements: Vec::new(),
            failure: None,
            failed_rule: None,
            warnings: Vec::new(),
            act: None,
            waiting: None,
        }
    }

    /// Whether it is done with, each of its events is recorded, now or before, and the ledger says what each element
    /// of master data says that is this organisation's to state.
    pub fn success(&self) -> bool {
        let fine = |index: usize| {
            let outcome = self.reports.get(&index).map(|report| report.outcome);
            matches!(outcome, Some(JobOutcome::Recorded | JobOutcome::Skipped))
        };
        let stated = |index: usize| {
            self.statements
                .get(&index)
                .is_some_and(StatementReport::is_fine)
        };
        let is_over = self.finished_ms.is_some() && self.failure.is_none();
        is_over && !self.is_empty() && (0..self.events).all(fine) && (0..self.elements).all(stated)
    }

    /// Whether there is nothing in it to be done.
    pub fn is_empty(&self) -> bool {
        self.events == 0 && self.elements == 0
    }

    /// What is told of its events and elements so far, in number.
    pub fn report_count(&self) -> usize {
        self.reports.len().saturating_add(self.statements.len())
    }

    /// Events and elements without an outcome.
    pub fn undecided(&self) -> usize {
        let decided = self.reports.range(..self.events).count();
        let stated = self.statements.range(..self.elements).count();
        let events = self.events.saturating_sub(decided);
        events.saturating_add(self.elements.saturating_sub(stated))
    }

    /// Ends it, by a failure or by its outcomes. Where one of these is missing, that is a failure too.
    pub fn end(&mut self, failure: Option<&Failure>, now_ms: u64) {
        self.finished_ms = Some(now_ms);
        self.waiting = None;
        self.failure = failure.map(Failure::to_string);
        if let Some(Failure::Refused { rule, code, .. }) = failure {
            self.failed_rule = Some(Rule {
                rule: rule.clone(),
                code: *code,
            });
        }
        if failure.is_none() && (self.undecided() > 0 || self.is_empty()) {
            self.failure = Some(format!(
                "{} of {} events and elements have no outcome, which is a defect of this program",
                self.undecided(),
                self.events.saturating_add(self.elements)
            ));
        }
    }
}
