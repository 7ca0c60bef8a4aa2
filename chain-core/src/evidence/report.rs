//! What an examination found: element by element, and the facts that the elements prove.
//!
//! Consensus-critical: no

use super::authorisations::AuthorisationFact;
use super::custody::CustodyFact;
use super::disputes::DisputesFact;
use super::element::{Check, CheckResult, Element, Verdict};
use super::facts::{Deposit, History, RecordedAction, StampFact, ValidatorFact};
use super::file::Version;
use super::finding::Finding;
use super::handovers::HandoverFact;
use crate::hash::Hash;

/// What the file proves. Only what was checked is in here.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The file's version.
    pub version: Option<Version>,
    /// Exact bytes of the genesis document.
    pub genesis: Vec<u8>,
    /// The chain's id.
    pub chain_id: Option<Hash>,
    /// The chain's name, as its genesis has it.
    pub chain_name: Option<String>,
    /// The anchor's height.
    pub height: Option<u64>,
    /// The anchor's time, milliseconds.
    pub time_ms: Option<u64>,
    /// The anchor's block id.
    pub block_id: Option<Hash>,
    /// The validators of the anchor.
    pub validators: Vec<ValidatorFact>,
    /// Bound on the error of block times, milliseconds.
    pub time_error_ms: Option<u64>,
    /// Time stamps of authorities, in the file's order.
    pub stamps: Vec<StampFact>,
    /// The record's transactions.
    pub transactions: Vec<RecordedAction>,
    /// The history, where the subject is an item.
    pub history: Option<History>,
    /// The item's custody, where the file shows it.
    pub custody: Option<CustodyFact>,
    /// The handovers in the item's history, in ledger order.
    pub handovers: Vec<HandoverFact>,
    /// The deposit, where the subject is a design.
    pub deposit: Option<Deposit>,
    /// The disputes under the design's right, where the file tells of them.
    pub disputes: Option<DisputesFact>,
    /// Who may do what with the design, as far as the file asks.
    pub authorisations: Vec<AuthorisationFact>,
}

/// An examination's outcome.
#[derive(Clone, Debug)]
pub struct Report {
    /// What follows.
    pub verdict: Verdict,
    /// Every element, in order.
    pub checks: Vec<Check>,
    /// What is proven; only to be used if the verdict isn't [`Verdict::NotVerified`].
    pub facts: Facts,
}

impl Report {
    /// The finding about an element.
    pub fn check(&self, element: Element) -> Option<&Check> {
        self.checks.iter().find(|c| c.element == element)
    }

    /// The element that fails, and why.
    pub fn failure(&self) -> Option<(Element, String)> {
        let mut failed = self.checks.iter();
        let failed = failed.find(|c| c.result == CheckResult::Failed)?;
        let reason = failed.findings.last().map(Finding::to_string);
        Some((failed.element, reason.unwrap_or_default()))
    }
}
