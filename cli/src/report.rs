//! An evidence file's examination for people and programs: as text on a terminal (`text`), as a document
//! that a judge can read, in Chinese and English (`document`), and as JSON (`json`). Element by element,
//! in the order of the People's Courts Online Litigation Rules, Art. 16 to 18.

pub mod document;
mod drafts;
pub mod fact_row;
pub mod facts;
pub mod json;
pub mod right_facts;
pub mod text;

use touchstone_core::evidence::{
    CheckResult, Element, Exhibit, ExhibitVerdict, OfferStatus, Report,
};
use touchstone_core::hash::Hash;

use crate::messages::Language;
use crate::say;

/// What examined.
pub const TOOL: &str = "touchstone";
/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The file that was examined.
#[derive(Clone, Copy, Debug)]
pub struct ExaminedFile {
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many they are.
    pub bytes: u64,
}

/// An examination, and what was handed in with the file.
pub struct Examined<'a> {
    /// What was found.
    pub report: &'a Report,
    /// Files that were handed in, each with its own verdict.
    pub exhibits: &'a [Exhibit],
    /// The evidence file.
    pub file: ExaminedFile,
    /// When it was examined by this machine's clock, milliseconds.
    pub examined_ms: u64,
    /// The language of sentences, where it isn't both.
    pub language: Language,
}

/// An article of the rules, and what it asks.
pub(crate) fn article(language: Language, article: u8) -> String {
    match article {
        16 => say!(
            language,
            "Untampered since the deposit (Online Litigation Rules, Art. 16)"
        ),
        17 => say!(language, "Platform, parties and system (Art. 17)"),
        _ => say!(language, "Before the deposit (Art. 18)"),
    }
}

/// The articles, in order.
pub(crate) const ARTICLES: [u8; 3] = [16, 17, 18];

/// How an element fared.
pub(crate) fn result(language: Language, result: CheckResult) -> String {
    match result {
        CheckResult::Passed => say!(language, "passed"),
        CheckResult::Reservation => say!(language, "RESERVATION"),
        CheckResult::Failed => say!(language, "FAILED"),
        CheckResult::NotChecked => say!(language, "not checked"),
        CheckResult::NotGiven => say!(language, "not given"),
    }
}

/// What an exhibit is to the record.
pub(crate) fn exhibit(language: Language, verdict: ExhibitVerdict) -> String {
    match verdict {
        ExhibitVerdict::Recorded => {
            say!(language, "byte for byte a file or event of the record")
        }
        ExhibitVerdict::NotCompared => say!(
            language,
            "NOT COMPARED: nothing here says what was recorded; a deposit must be opened by its receipt first"
        ),
        ExhibitVerdict::NotRecorded => say!(
            language,
            "NOT PART OF THE RECORD: no file or event of it has these bytes; that says nothing about the record"
        ),
    }
}

/// What became of an offer.
pub(crate) fn offer_status(language: Language, status: OfferStatus) -> String {
    match status {
        OfferStatus::Open => say!(language, "open"),
        OfferStatus::Void => say!(language, "void, not answered in time"),
        OfferStatus::Accepted => say!(language, "accepted"),
        OfferStatus::AcceptedWithDiscrepancy => say!(language, "accepted with a discrepancy"),
        OfferStatus::Rejected => say!(language, "rejected"),
        OfferStatus::Withdrawn => say!(language, "withdrawn"),
    }
}

/// An element's name.
pub(crate) fn element(language: Language, element: Element) -> String {
    match element {
        Element::File => say!(language, "File"),
        Element::Genesis => say!(language, "Genesis"),
        Element::Validators => say!(language, "Validators"),
        Element::Anchor => say!(language, "Anchor"),
        Element::State => say!(language, "State"),
        Element::Blocks => say!(language, "Blocks"),
        Element::Transactions => say!(language, "Transactions"),
        Element::Completeness => say!(language, "Completeness"),
        Element::Keys => say!(language, "Keys"),
        Element::Custody => say!(language, "Custody"),
        Element::Handovers => say!(language, "Handovers"),
        Element::Time => say!(language, "Time"),
        Element::TimeStamps => say!(language, "Time stamps"),
        Element::Independence => say!(language, "Independence"),
        Element::Opening => say!(language, "Opening"),
        Element::Disputes => say!(language, "Disputes"),
        Element::Authorisations => say!(language, "Authorisations"),
    }
}

/// What an element asks.
pub(crate) fn question(language: Language, element: Element) -> String {
    match element {
        Element::File => say!(
            language,
            "Is the file whole, in the one form that it may have?"
        ),
        Element::Genesis => say!(
            language,
            "Is the chain the one that a trusted place publishes?"
        ),
        Element::Validators => say!(
            language,
            "Was each change of the validators decided by those before it?"
        ),
        Element::Anchor => say!(
            language,
            "Did more than two thirds of the voting power sign the last block's header?"
        ),
        Element::State => say!(language, "Is each value proven under that header?"),
        Element::Blocks => say!(language, "Do the record's blocks belong to the chain?"),
        Element::Transactions => say!(
            language,
            "Are the transactions in these blocks, with these exact bytes and signatures?"
        ),
        Element::Completeness => say!(language, "Is nothing missing, and nothing added?"),
        Element::Keys => say!(
            language,
            "Did the signing keys belong to the organisations, and were they valid then?"
        ),
        Element::Custody => say!(
            language,
            "Who has the item, on whose word, and who says otherwise?"
        ),
        Element::Handovers => say!(
            language,
            "What was offered, accepted, rejected and claimed?"
        ),
        Element::Time => say!(language, "When was it recorded, within which error?"),
        Element::TimeStamps => say!(
            language,
            "Do independent time-stamp authorities (RFC 3161) bound the time?"
        ),
        Element::Independence => say!(
            language,
            "Do organisations that signed the record run validators themselves?"
        ),
        Element::Opening => say!(language, "Which files is the commitment to?"),
        Element::Disputes => say!(
            language,
            "How did disputes about the right go, and did nobody choose a panel of jurors?"
        ),
        Element::Authorisations => say!(
            language,
            "May those who are asked about do what is asked with the design?"
        ),
    }
}

/// What a record can't show.
pub(crate) fn limits(language: Language) -> String {
    say!(
        language,
        "A record can't show who made a thing, that an event's account of the world is true, or what happened before \
         it was recorded. It shows who said what, when, and that nothing was changed or left out."
    )
}
