//! The proposals of one height: what is known of each, and how far it has come.
//!
//! A proposal is a block proposed in a round. It is first mentioned (others vote for it, or this node
//! has made its block), then pending (its proposer's signature is here), then delivered (Malachite has
//! it). The same block may be proposed in several rounds, so what the ledger says of a block is kept
//! once for all of them.
//!
//! This is memory without judgement: who may move a proposal on is decided in
//! `proposal_validation`.

mod requests;

use std::collections::BTreeMap;

use touchstone_core::block::Header;
use touchstone_core::hash::Hash;

pub use self::requests::Answered;
use self::requests::Request;
use super::PeerTag;
use super::context::number;
use super::message::SignedProposal;

/// Distinct proposals of one round that are kept; a proposer that sends more is dishonest, and two
/// of them prove it.
const MAX_PROPOSALS: usize = 2;

/// Unread bodies that are kept of coming rounds, and as many of past ones; those of the nearest.
const MAX_UNREAD_BODIES: usize = 2;

/// A round and a block's id.
pub type ProposalKey = (u32, Hash);

/// A valid block of the height, as it travels.
#[derive(Clone, Debug)]
pub struct Body {
    /// Exact bytes.
    pub bytes: Vec<u8>,
    /// Public key of the validator that made it.
    pub proposer: [u8; 32],
    /// Its time, milliseconds.
    pub time_ms: u64,
}

impl Body {
    /// The body of a block whose encoding this is.
    pub fn new(header: &Header, bytes: Vec<u8>) -> Body {
        Body {
            bytes,
            proposer: header.proposer,
            time_ms: header.time_ms,
        }
    }
}

/// What the ledger says of a block.
#[derive(Debug)]
enum Judged {
    Valid(Body),
    /// It can never follow the tip.
    Invalid,
}

/// How far a proposal has come.
#[derive(Debug, Default)]
enum Stage {
    /// Its proposer's signature isn't here.
    #[default]
    Mentioned,
    /// Malachite hasn't got it as valid.
    Pending(Pending),
    /// Malachite has it.
    Delivered(SignedProposal),
}

/// A signed proposal that Malachite hasn't got as valid.
#[derive(Debug)]
pub struct Pending {
    /// As signed.
    pub signed: SignedProposal,
    /// When it was first seen, milliseconds.
    pub seen_ms: u64,
    /// Whether it was found not to deserve this node's prevote.
    pub is_refused: bool,
    /// Who sent it; none if it is from the log.
    from: Option<PeerTag>,
    /// Its block's bytes, unread because its round hasn't come or has passed, and who sent them.
    unread_body: Option<UnreadBody>,
}

/// An unread body.
#[derive(Debug)]
pub struct UnreadBody {
    /// Who sent it.
    pub from: PeerTag,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// This node's own block of a round.
#[derive(Clone, Copy, Debug)]
pub struct OwnBlock {
    /// The round.
    pub round: u32,
    /// Its id.
    pub id: Hash,
    /// Whether it left transactions waiting.
    pub is_full: bool,
}

#[derive(Debug, Default)]
struct Entry {
    stage: Stage,
    request: Option<Request>,
    answered: BTreeMap<PeerTag, Answered>,
    /// When this node sent it to all.
    published: Option<Answered>,
    /// Set if this is the one block that this node made for the round.
    own: Option<OwnBlock>,
}

impl Entry {
    fn signed(&self) -> Option<&SignedProposal> {
        match &self.stage {
            Stage::Mentioned => None,
            Stage::Pending(pending) => Some(&pending.signed),
            Stage::Delivered(signed) => Some(signed),
        }
    }

    fn unread_body(&self) -> Option<&UnreadBody> {
        match &self.stage {
            Stage::Pending(pending) => pending.unread_body.as_ref(),
            Stage::Mentioned | Stage::Delivered(_) => None,
        }
    }

    fn take_unread_body(&mut self) -> Option<UnreadBody> {
        match &mut self.stage {
            Stage::Pending(pending) => pending.unread_body.take(),
            Stage::Mentioned | Stage::Delivered(_) => None,
        }
    }
}

/// The proposals of one height.
#[derive(Debug, Default)]
pub struct Proposals {
    entries: BTreeMap<ProposalKey, Entry>,
    blocks: BTreeMap<Hash, Judged>,
}

/// A round has as many proposals as are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Proposals {
    /// Takes a verified proposal from a peer; nothing changes if it is here already. One that more
    /// than 2/3 voted for is taken even if the round has too many.
    pub fn receive(
        &mut self,
        signed: SignedProposal,
        from: &PeerTag,
        now_ms: u64,
        has_polka: bool,
    ) -> Result<(), TooMany> {
        let key = key_of(&signed);
        if self.is_signed(&key) {
            return Ok(());
        }
        if self.signed_in(key.0).count() >= MAX_PROPOSALS && !has_polka {
            return Err(TooMany);
        }
        self.entries.entry(key).or_default().stage = Stage::Pending(Pending {
            signed,
            seen_ms: now_ms,
            is_refused: false,
            from: Some(from.clone()),
            unread_body: None,
        });
        Ok(())
    }

    /// Takes a proposal from the log. Its block's body, if it is known, was delivered before.
    pub fn restore(&mut self, signed: SignedProposal, now_ms: u64) {
        let key = key_of(&signed);
        let is_delivered = self.body(&key.1).is_some();
        self.entries.entry(key).or_default().stage = match is_delivered {
            true => Stage::Delivered(signed),
            false => Stage::Pending(Pending {
                signed,
                seen_ms: now_ms,
                is_refused: false,
                from: None,
                unread_body: None,
            }),
        };
    }

    /// Takes a proposal that this node has just signed, and sends to all: Malachite made it.
    pub fn publish(&mut self, signed: &SignedProposal, now_ms: u64) {
        let entry = self.entries.entry(key_of(signed)).or_default();
        entry.published = Some(Answered::first(now_ms));
        if matches!(entry.stage, Stage::Mentioned) {
            entry.stage = Stage::Delivered(signed.clone());
        }
    }

    /// Malachite gets a pending proposal.
    pub fn deliver(&mut self, key: &ProposalKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.stage = match std::mem::take(&mut entry.stage) {
                Stage::Pending(pending) => Stage::Delivered(pending.signed),
                stage @ (Stage::Mentioned | Stage::Delivered(_)) => stage,
            };
        }
    }

    /// Malachite gets all pending proposals of a block.
    pub fn deliver_block(&mut self, id: &Hash) {
        let keys: Vec<ProposalKey> = self
            .entries
            .keys()
            .filter(|k| k.1 == *id)
            .copied()
            .collect();
        for key in keys {
            self.deliver(&key);
        }
    }

    /// Notes that a pending proposal gets no prevote of this node; the peer that sent it.
    pub fn refuse(&mut self, key: &ProposalKey) -> Option<PeerTag> {
        match &mut self.entries.get_mut(key)?.stage {
            Stage::Pending(pending) => {
                pending.is_refused = true;
                pending.from.clone()
            }
            Stage::Mentioned | Stage::Delivered(_) => None,
        }
    }

    /// Pending proposals, those of the latest round first.
    pub fn pending_latest_first(&self) -> impl Iterator<Item = (&ProposalKey, &Pending)> {
        let entries = self.entries.iter().rev();
        entries.filter_map(|(key, entry)| match &entry.stage {
            Stage::Pending(pending) => Some((key, pending)),
            Stage::Mentioned | Stage::Delivered(_) => None,
        })
    }

    /// A pending proposal.
    pub fn pending(&self, key: &ProposalKey) -> Option<&Pending> {
        match &self.entries.get(key)?.stage {
            Stage::Pending(pending) => Some(pending),
            Stage::Mentioned | Stage::Delivered(_) => None,
        }
    }

    /// Signed proposals of a round, and whether Malachite has each as valid.
    pub fn signed_in(&self, round: u32) -> impl Iterator<Item = (&SignedProposal, bool)> {
        let entries = self.entries.range(all_of(round));
        entries.filter_map(|(_, entry)| {
            let is_delivered = matches!(entry.stage, Stage::Delivered(_));
            Some((entry.signed()?, is_delivered))
        })
    }

    /// Whether a signed proposal of a round is here that wasn't refused.
    pub fn has_acceptable(&self, round: u32) -> bool {
        let mut entries = self.entries.range(all_of(round));
        entries.any(|(_, entry)| match &entry.stage {
            Stage::Mentioned => false,
            Stage::Pending(pending) => !pending.is_refused,
            Stage::Delivered(_) => true,
        })
    }

    /// Whether a signed proposal of a round is here with its block.
    pub fn has_body_in(&self, round: u32) -> bool {
        let mut entries = self.entries.range(all_of(round));
        entries.any(|(key, entry)| {
            let has_body = self.is_judged(&key.1) || entry.unread_body().is_some();
            has_body && entry.signed().is_some()
        })
    }

    fn is_signed(&self, key: &ProposalKey) -> bool {
        let entry = self.entries.get(key);
        entry.is_some_and(|entry| entry.signed().is_some())
    }
}

/// Blocks and their bodies.
impl Proposals {
    /// The ledger takes a block for valid.
    pub fn accept_block(&mut self, id: Hash, body: Body) {
        self.blocks.insert(id, Judged::Valid(body));
    }

    /// The ledger says that a block can never follow the tip.
    pub fn reject_block(&mut self, id: Hash) {
        self.blocks.insert(id, Judged::Invalid);
    }

    /// A valid block's body.
    pub fn body(&self, id: &Hash) -> Option<&Body> {
        match self.blocks.get(id) {
            Some(Judged::Valid(body)) => Some(body),
            Some(Judged::Invalid) | None => None,
        }
    }

    /// Whether the ledger has denied a block.
    pub fn is_rejected(&self, id: &Hash) -> bool {
        matches!(self.blocks.get(id), Some(Judged::Invalid))
    }

    /// Whether the ledger's word on a block is known.
    pub fn is_judged(&self, id: &Hash) -> bool {
        self.blocks.contains_key(id)
    }

    /// Keeps the unread body of a pending proposal. If there are too many of past rounds, the
    /// oldest is dropped; if too many of coming ones, the furthest: that proposal and who sent its
    /// body.
    pub fn keep_unread_body(
        &mut self,
        key: ProposalKey,
        body: UnreadBody,
        current: u32,
    ) -> Option<(ProposalKey, PeerTag)> {
        if let Some(Entry {
            stage: Stage::Pending(pending),
            ..
        }) = self.entries.get_mut(&key)
        {
            pending.unread_body.get_or_insert(body);
        }
        let unread = self.unread_bodies();
        let (past, coming): (Vec<ProposalKey>, Vec<ProposalKey>) =
            unread.into_iter().partition(|(round, _)| *round <= current);
        if past.len() > MAX_UNREAD_BODIES
            && let Some(oldest) = past.first()
        {
            self.take_unread_body(oldest);
        }
        let furthest = coming.last().filter(|_| coming.len() > MAX_UNREAD_BODIES)?;
        let dropped = self.take_unread_body(furthest)?;
        Some((*furthest, dropped.from))
    }

    /// The proposals whose bodies are unread, by round.
    pub fn unread_bodies(&self) -> Vec<ProposalKey> {
        let unread = self
            .entries
            .iter()
            .filter(|(_, e)| e.unread_body().is_some());
        unread.map(|(key, _)| *key).collect()
    }

    /// Takes an unread body.
    pub fn take_unread_body(&mut self, key: &ProposalKey) -> Option<UnreadBody> {
        self.entries.get_mut(key)?.take_unread_body()
    }

    /// The rounds up to this one in which a signed proposal of a block is here.
    pub fn rounds_of(&self, id: &Hash, until: u32) -> impl Iterator<Item = u32> {
        let until = self.entries.range(..=(until, [0xff; 32]));
        until.filter_map(move |((round, other), entry)| {
            entry.signed()?;
            (other == id).then_some(*round)
        })
    }
}

/// This node's own blocks.
impl Proposals {
    /// Notes the one block of a round; a round keeps its first.
    pub fn set_own_block(&mut self, round: u32, id: Hash, is_full: bool) {
        if self.own_block(round).is_none() {
            let own = OwnBlock { round, id, is_full };
            self.entries.entry((round, id)).or_default().own = Some(own);
        }
    }

    /// The block that this node made for a round.
    pub fn own_block(&self, round: u32) -> Option<Hash> {
        let mut entries = self.entries.range(all_of(round));
        entries.find_map(|(_, entry)| Some(entry.own?.id))
    }

    /// The blocks that this node made, by round.
    pub fn own_blocks(&self) -> impl Iterator<Item = OwnBlock> {
        self.entries.values().filter_map(|entry| entry.own)
    }
}

/// A proposal's key.
pub fn key_of(signed: &SignedProposal) -> ProposalKey {
    (number(signed.message.round), signed.message.value.0)
}

/// The keys of a round's proposals.
fn all_of(round: u32) -> std::ops::RangeInclusive<ProposalKey> {
    (round, [0; 32])..=(round, [0xff; 32])
}

#[cfg(test)]
mod tests;
