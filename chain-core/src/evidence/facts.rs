//! What an examination proves, fact by fact.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::{DesignView, Disclosure, LookAlikes, Right, Vouching};

use crate::designs::drafts::ReadDraft;
use crate::designs::field::DesignField;
use crate::hash::Hash;
use crate::proof::item_history::Step;
use crate::timestamp::Stamped;

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
#[derive(Clone, Debug, PartialEq)]
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
    /// What each file shows, in the order of the files; empty where the deposit covers files alone.
    pub views: Vec<DesignView>,
    /// The fields that are shown, by the holder or in public: the commitment covers each.
    pub fields: Vec<DesignField>,
    /// The drafts before the deposit, where the holder adds them. What they say is his word.
    pub drafts: Vec<ReadDraft>,
    /// Time of the public disclosure, milliseconds.
    pub disclosed_ms: Option<u64>,
    /// The disclosure on the ledger.
    pub disclosure: Option<Disclosure>,
    /// What its pictures look like, where they were compared with all earlier ones.
    pub look_alikes: Option<LookAlikes>,
    /// The vouching that its depositor had then, and the name of the voucher; none for an enrolled organisation.
    pub vouching: Option<(Vouching, String)>,
    /// The right, where its owner has disposed of it; else its depositor owns it.
    pub right: Option<Right>,
}
