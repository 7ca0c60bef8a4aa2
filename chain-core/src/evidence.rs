//! Offline evidence: one file that shows what the ledger holds about an item or a design, and the
//! examination that says, element by element, what of it was checked and what follows.
//!
//! The file is self-contained: with the genesis document, or just its hash, from a trusted place,
//! it is verified without the network, the chain or a clock. `docs/evidence.md` is the
//! specification, written so that others can verify without this code.
//!
//! [`examine`] is the whole verification, in these steps; the first that fails ends it:
//!
//! 1. the file's shape (`file`), 2. genesis, 3. validators, 4. anchor, 5. state, 6. blocks (`chain`),
//! 7. transactions, 8. completeness (`record`), 9. keys (`parties`), 10. custody, 11. handovers,
//! 12. time, 13. time stamps (`stamps`), 14. independence (`parties`), 15. opening, 16. disputes, 17. authorisations.
//!
//! What the examiner trusts is a parameter ([`Trusted`]). Files that somebody hands in beside the
//! evidence are no part of the record: [`Report::compare`] judges them apart.
//!
//! Consensus-critical: no

mod authorisations;
mod cases;
mod chain;
mod collect_error;
mod collection;
mod custody;
mod disputes;
mod drafted;
mod element;
mod examination;
mod exhibit;
mod facts;
mod file;
mod finding;
mod handovers;
mod opening;
mod parties;
mod proven;
mod record;
mod report;
mod stamps;

pub use authorisations::{AuthorisationFact, MAX_QUESTIONS};
pub use cases::{MAX_PARTIES, PartyFact, ShownCase};
pub use collect_error::CollectError;
pub use collection::{Additions, Archive, Subject, WholeBlock, collect, collect_with};
pub use custody::{CustodyFact, StandingClaim};
pub use disputes::{DisputesFact, MAX_DISPUTES, ShownDispute};
pub use element::{Check, CheckResult, Element, Verdict};
pub use examination::{Trusted, examine};
pub use exhibit::{Exhibit, ExhibitVerdict, Match};
pub use facts::{Deposit, History, RecordedAction, StampFact, ValidatorFact};
pub use file::{BadFile, MAGIC, MAX_FILE_BYTES, Version, open, seal};
pub use finding::{Finding, filled};
pub use handovers::{HandoverFact, OfferStatus, Statement};
pub use report::{Facts, Report};
pub use stamps::Stamps;

#[cfg(test)]
mod tests;
