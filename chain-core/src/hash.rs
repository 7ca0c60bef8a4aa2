//! SHA-256 with domain tags. A tag names what is hashed, so that bytes of one kind never pass
//! for another: `SHA-256(tag ‖ 0x00 ‖ parts…)`. Tags hold no zero byte, and all parts but the
//! last have a fixed length, so the split is unambiguous.
//!
//! Consensus-critical: yes

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The tag of each kind of hash and signature.
pub mod tag {
    /// Signature over a transaction body.
    pub const TRANSACTION: &str = "touchstone/transaction/v1";
    /// Id of a transaction.
    pub const TRANSACTION_ID: &str = "touchstone/transaction-id/v1";
    /// Signature over a vote.
    pub const VOTE: &str = "touchstone/vote/v1";
    /// Signature over a proposal.
    pub const PROPOSAL: &str = "touchstone/proposal/v1";
    /// Signature by which a key shows that its holder wants to be a designer of this id.
    pub const POSSESSION: &str = "touchstone/possession/v1";
    /// Block id.
    pub const HEADER: &str = "touchstone/header/v1";
    /// Hash of a validator set.
    pub const VALIDATORS: &str = "touchstone/validators/v1";
    /// Leaf of the transaction tree.
    pub const TRANSACTION_LEAF: &str = "touchstone/transaction-leaf/v1";
    /// Inner node of the transaction tree.
    pub const TRANSACTION_NODE: &str = "touchstone/transaction-node/v1";
    /// Root of an empty transaction tree.
    pub const TRANSACTION_EMPTY: &str = "touchstone/transaction-empty/v1";
    /// Step of an item's hash chain.
    pub const LINK: &str = "touchstone/link/v1";
    /// Id of a change to the consortium.
    pub const CHANGE: &str = "touchstone/change/v1";
    /// Commitment to a design.
    pub const DESIGN_COMMITMENT: &str = "touchstone/design-commitment/v1";
    /// What a time-stamp authority stamps: a range of blocks.
    pub const CHECKPOINT: &str = "touchstone/checkpoint/v1";
    /// Leaf of a checkpoint's tree.
    pub const CHECKPOINT_BLOCK: &str = "touchstone/checkpoint-block/v1";
    /// Inner node of a checkpoint's tree.
    pub const CHECKPOINT_NODE: &str = "touchstone/checkpoint-node/v1";
    /// Root over the hashes of a design's files.
    pub const DESIGN_FILES: &str = "touchstone/design-files/v1";
    /// Root over what each of a design's files shows.
    pub const DESIGN_VIEWS: &str = "touchstone/design-views/v1";
    /// Root over a design's files, views and fields.
    pub const DESIGN_CONTENT: &str = "touchstone/design-content/v1";
    /// Head of the drafts before a deposit.
    pub const DRAFT: &str = "touchstone/draft/v1";
    /// Id of a mark.
    pub const MARK_ID: &str = "touchstone/mark-id/v1";
    /// A listing of a platform.
    pub const LISTING: &str = "touchstone/listing/v1";
    /// What a dispute is about: one listing, under one right.
    pub const MATTER: &str = "touchstone/dispute-matter/v1";
    /// Leaf of the tree over a platform's jurors.
    pub const JUROR_LEAF: &str = "touchstone/juror-leaf/v1";
    /// Inner node of the tree over a platform's jurors.
    pub const JUROR_NODE: &str = "touchstone/juror-node/v1";
    /// What a public review is about: a right, a respondent, a ground.
    pub const REVIEW_MATTER: &str = "touchstone/review-matter/v1";
    /// Seed of a panel.
    pub const REVIEW_SEED: &str = "touchstone/review-seed/v1";
    /// Seed of a panel whose draw takes a pulse of a public beacon.
    pub const REVIEW_BEACON_SEED: &str = "touchstone/review-beacon-seed/v1";
    /// Numbers by which a panel is drawn.
    pub const REVIEW_STREAM: &str = "touchstone/review-stream/v1";
    /// Votes and reasons of a panel.
    pub const REVIEW_REASONS: &str = "touchstone/review-reasons/v1";
    /// What seals a juror's ballot.
    pub const BALLOT_COMMITMENT: &str = "touchstone/ballot-commitment/v1";
    /// Signature over a juror's ballot.
    pub const BALLOT: &str = "touchstone/ballot/v1";
    /// Signature over the opening of a juror's ballot.
    pub const BALLOT_OPENING: &str = "touchstone/ballot-opening/v1";
    /// Signature that gives the salt of a juror's ballot.
    pub const BALLOT_SALT: &str = "touchstone/ballot-salt/v1";
    /// Id of a design.
    pub const DESIGN_ID: &str = "touchstone/design-id/v1";
}

/// `SHA-256(tag ‖ 0x00 ‖ parts…)`.
pub fn tagged(tag: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(tag.as_bytes());
    hasher.update([0]);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Plain SHA-256, as `sha256sum` prints it: for file contents and the exact bytes of an event.
pub fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Plain SHA-256 of bytes that follow one another.
pub fn concatenated(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
