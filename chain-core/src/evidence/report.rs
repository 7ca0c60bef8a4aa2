//! What an examination found: element by element, and the facts that the elements prove.
//!
//! Consensus-critical: no

use super::custody::CustodyFact;
use super::file::Version;
use super::finding::Finding;
use super::handovers::HandoverFact;
use crate::hash::Hash;
use crate::proof::journey::Step;
use crate::timestamp::Stamped;

/// An element of the examination, in its order. The articles are those of the People's Courts Online
/// Litigation Rules (Supreme People's Court, 2021) that ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// The file is whole and canonically encoded.
    File,
    /// The genesis document, the root of trust.
    Genesis,
    /// The hand-over of the validators from genesis on.
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
}

impl Element {
    /// All elements, in order.
    pub const ALL: [Element; 15] = [
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
            | Element::Independence => 17,
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

/// A validator that speaks for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorFact {
    /// Its public key.
    pub public_key: [u8; 32],
    /// Its voting power.
    pub power: u64,
    /// Id of its organisation.
    pub organisation: String,
    /// Name of its organisation.
    pub name: String,
    /// Whether its signature is on the anchor's certificate.
    pub signed: bool,
}

/// A transaction of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAction {
    /// Height of its block.
    pub height: u64,
    /// Index in the block.
    pub index: u32,
    /// Its id.
    pub id: Hash,
    /// The block's time, milliseconds.
    pub time_ms: u64,
    /// Id of the organisation that signed.
    pub organisation: String,
    /// Name of the organisation.
    pub name: String,
    /// The key that signed.
    pub signer: [u8; 32],
    /// The bytes whose SHA-256 is the id.
    pub hashed: Vec<u8>,
}

/// A checkpoint that an authority stamped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampFact {
    /// Where it is from, as the node's operator wrote it.
    pub url: String,
    /// The first height that it covers.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Those that hold the record, ascending.
    pub heights: Vec<u64>,
    /// What the token says, and the certificates of who says it.
    pub stamped: Stamped,
    /// Whether the examiner trusts the root.
    pub is_trusted: bool,
    /// The token, exactly as the authority gave it.
    pub token: Vec<u8>,
    /// What was stamped: the checkpoint's bytes.
    pub document: Vec<u8>,
}

/// An item's proven history.
#[derive(Clone, Debug)]
pub struct History {
    /// The item's canonical identifier.
    pub item: String,
    /// Events of its own; 0 proves that nothing was ever recorded for it.
    pub own_events: u64,
    /// Its own and its containers' events, in ledger order.
    pub steps: Vec<Step>,
    /// The containers it is in, from the inner to the outer.
    pub inside: Vec<String>,
}

/// A proven deposit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// The design's id.
    pub id: Hash,
    /// Whether it is in the ledger; what follows is empty if not.
    pub recorded: bool,
    /// The commitment.
    pub commitment: Vec<u8>,
    /// The owner's key.
    pub owner_key: Vec<u8>,
    /// Id of the owner's organisation.
    pub organisation: String,
    /// The deposit's time, milliseconds.
    pub time_ms: u64,
    /// SHA-256 of each file, in the owner's order, where the commitment is opened, and its name
    /// in the holder's words.
    pub files: Vec<(Hash, Option<String>)>,
    /// The title, where one is known.
    pub title: Option<String>,
    /// Whether the title is the ledger's, or the holder's word.
    pub title_is_recorded: bool,
    /// Time of the public disclosure, milliseconds.
    pub disclosed_ms: Option<u64>,
    /// The commitment's salt, where the owner disclosed it.
    pub disclosed_salt: Option<Vec<u8>>,
}

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
