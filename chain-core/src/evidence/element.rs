//! The elements of an examination, how each fared, and what follows.
//!
//! Consensus-critical: no

use super::finding::Finding;

/// An element of the examination, in its order. The articles are those of the People's Courts Online
/// Litigation Rules (Supreme People's Court, 2021) that ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// The file is whole and canonically encoded.
    File,
    /// The genesis document, the root of trust.
    Genesis,
    /// The changes of the validator set from genesis on.
    Validators,
    /// The header that more than 2/3 of the voting power signed.
    Anchor,
    /// The values of the state under that header.
    State,
    /// The blocks that hold the record.
    Blocks,
    /// The record's transactions: place in their blocks, exact bytes, signatures.
    Transactions,
    /// Nothing is missing: the links, or the deposit's record.
    Completeness,
    /// The signing keys belonged to the organisations and were valid.
    Keys,
    /// Who has the item, and who says otherwise.
    Custody,
    /// What was offered, answered and claimed.
    Handovers,
    /// The time of the record.
    Time,
    /// The time stamps of authorities over its blocks.
    TimeStamps,
    /// Who the validators are, and whether they are independent of the parties.
    Independence,
    /// The commitment's content.
    Opening,
    /// How disputes under the design's right went, and that nobody chose a panel.
    Disputes,
    /// Whether somebody may do something with the design.
    Authorisations,
}

impl Element {
    /// All elements, in order.
    pub const ALL: [Element; 17] = [
        Element::File,
        Element::Genesis,
        Element::Validators,
        Element::Anchor,
        Element::State,
        Element::Blocks,
        Element::Transactions,
        Element::Completeness,
        Element::Keys,
        Element::Custody,
        Element::Handovers,
        Element::Time,
        Element::TimeStamps,
        Element::Independence,
        Element::Opening,
        Element::Disputes,
        Element::Authorisations,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Element::File => "file",
            Element::Genesis => "genesis",
            Element::Validators => "validators",
            Element::Anchor => "anchor",
            Element::State => "state",
            Element::Blocks => "blocks",
            Element::Transactions => "transactions",
            Element::Completeness => "completeness",
            Element::Keys => "keys",
            Element::Custody => "custody",
            Element::Handovers => "handovers",
            Element::Time => "time",
            Element::TimeStamps => "time-stamps",
            Element::Independence => "independence",
            Element::Opening => "opening",
            Element::Disputes => "disputes",
            Element::Authorisations => "authorisations",
        }
    }

    /// The article that asks for it: 16, untampered since the deposit; 17, the facts of platform,
    /// parties and system; 18, what is known of the time before the deposit.
    pub fn article(self) -> u8 {
        match self {
            Element::File
            | Element::Anchor
            | Element::State
            | Element::Blocks
            | Element::Transactions
            | Element::Completeness => 16,
            Element::Genesis
            | Element::Validators
            | Element::Keys
            | Element::Custody
            | Element::Handovers
            | Element::Time
            | Element::TimeStamps
            | Element::Independence
            | Element::Disputes
            | Element::Authorisations => 17,
            Element::Opening => 18,
        }
    }
}

/// How an element fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It holds, with something that a reader must weigh.
    Reservation,
    /// It doesn't hold.
    Failed,
    /// It couldn't be checked, because an element before it failed.
    NotChecked,
    /// The question doesn't arise, or what it takes wasn't given.
    NotGiven,
}

impl CheckResult {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            CheckResult::Passed => "passed",
            CheckResult::Reservation => "reservation",
            CheckResult::Failed => "failed",
            CheckResult::NotChecked => "not-checked",
            CheckResult::NotGiven => "not-given",
        }
    }
}

/// One element's finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The element.
    pub element: Element,
    /// Its result.
    pub result: CheckResult,
    /// What was found, one sentence each.
    pub findings: Vec<Finding>,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every element holds.
    Verified,
    /// Every element holds; some leave a question that a reader must weigh.
    Reservations,
    /// Some element fails: the file proves nothing.
    NotVerified,
}

impl Verdict {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Verified => "verified",
            Verdict::Reservations => "verified-with-reservations",
            Verdict::NotVerified => "not-verified",
        }
    }
}

/// What an element established, and what to say of it.
pub(super) struct Established<T> {
    pub value: T,
    pub result: CheckResult,
    pub findings: Vec<Finding>,
}

impl<T> Established<T> {
    /// It holds.
    pub(super) fn passed(value: T, finding: Finding) -> Established<T> {
        Established {
            value,
            result: CheckResult::Passed,
            findings: vec![finding],
        }
    }

    /// The question doesn't arise, or what it takes isn't there.
    pub(super) fn not_given(value: T, finding: Finding) -> Established<T> {
        Established {
            value,
            result: CheckResult::NotGiven,
            findings: vec![finding],
        }
    }
}
