//! Offline evidence: one file that shows what the ledger holds about an item or a design, and the
//! examination that says, element by element, what of it was checked and what follows.
//!
//! The file is self-contained: with the genesis document, or just its hash, from a trusted place,
//! it is verified without the network, the chain or a clock. `docs/evidence.md` is the
//! specification, written so that others can verify without this code.

mod collect;
mod examine;
mod file;
mod record;
mod report;
mod stamps;

pub use collect::{Archive, CollectError, Subject, WholeBlock, collect};
pub use examine::{Trusted, examine};
pub use file::{BadFile, MAGIC, MAX_FILE_BYTES, open, seal};
pub use report::{
    Check, CheckResult, Deposit, Element, Facts, History, RecordedAction, Report, StampFact,
    ValidatorFact, Verdict,
};
pub use stamps::Stamps;

#[cfg(test)]
mod tests;
