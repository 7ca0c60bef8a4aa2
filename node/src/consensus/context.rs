//! Malachite's types, filled with ours. A value is a block id: the body travels beside it.

use std::fmt;
use std::sync::Arc;

use arc_malachitebft_core_types as malachite;
use malachite::{NilOrVal, Round, VoteType};
use prost::Message;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::governance::proposer_turns::ProposerTurns;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::signing::Purpose;
use touchstone_proto::ledger;

/// The context: it has no state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ctx;

/// A validator's public key is its address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub [u8; 32]);

/// A height.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

/// A block id, value and value id at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockId(pub Hash);

/// A prevote or precommit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Which of both.
    pub kind: VoteType,
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block, or nil.
    pub value: NilOrVal<BlockId>,
    /// Who votes.
    pub address: Address,
}

/// A proposal of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Height.
    pub height: Height,
    /// Round.
    pub round: Round,
    /// The block.
    pub value: BlockId,
    /// The earlier round in which the block got 2/3 of prevotes, if any.
    pub valid_round: Round,
    /// Who proposes.
    pub address: Address,
}

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub address: Address,
    /// Its voting power.
    pub power: u64,
}

/// The validators of a height, and whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    set: Arc<ValidatorSet>,
    turns: Arc<ProposerTurns>,
    members: Arc<Vec<Member>>,
}

impl Members {
    /// The ledger's set in Malachite's form.
    pub fn new(set: &ValidatorSet, turns: &ProposerTurns) -> Members {
        let member = |v: &touchstone_core::governance::validators::Validator| Member {
            address: Address(v.public_key),
            power: v.power,
        };
        Members {
            members: Arc::new(set.iter().map(member).collect()),
            set: Arc::new(set.clone()),
            turns: Arc::new(turns.clone()),
        }
    }

    /// The ledger's set.
    pub fn set(&self) -> &ValidatorSet {
        &self.set
    }
}

/// Proposal parts aren't used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPart;

/// Ed25519 as bytes; signing and verifying are `touchstone_core::signing`'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl Vote {
    /// The exact bytes that are signed, and for what.
    pub fn signed(&self) -> (Purpose, Vec<u8>) {
        let kind = match self.kind {
            VoteType::Prevote => ledger::VoteKind::Prevote,
            VoteType::Precommit => ledger::VoteKind::Precommit,
        };
        let id = match &self.value {
            NilOrVal::Nil => None,
            NilOrVal::Val(BlockId(id)) => Some(id),
        };
        let bytes = vote_bytes(kind, self.height.0, number(self.round), id);
        (Purpose::Vote, bytes)
    }
}

impl Proposal {
    /// The exact bytes that are signed, and for what.
    pub fn signed(&self) -> (Purpose, Vec<u8>) {
        let bytes = ledger::Proposal {
            height: self.height.0,
            round: number(self.round),
            block_id: self.value.0.to_vec(),
            valid_round: self.valid_round.as_u32(),
        }
        .encode_to_vec();
        (Purpose::Proposal, bytes)
    }
}

/// The number of a round that a message is for; messages never are for the round before the first.
pub fn number(round: Round) -> u32 {
    round.as_u32().unwrap_or(0)
}

impl malachite::Context for Ctx {
    type Address = Address;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = malachite::LinearTimeouts;
    type Value = BlockId;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(
        &self,
        members: &'a Members,
        height: Height,
        round: Round,
    ) -> &'a Member {
        let turns = &members.turns;
        let key = turns
            .proposer(&members.set, height.0, number(round))
            .public_key;
        malachite::ValidatorSet::get_by_address(members, &Address(key))
            .expect("the proposer is chosen from the same set")
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: BlockId,
        valid_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            valid_round,
            address,
        }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<BlockId>,
        address: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Prevote,
            height,
            round,
            value,
            address,
        }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<BlockId>,
        address: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Precommit,
            height,
            round,
            value,
            address,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl malachite::Address for Address {}

impl malachite::Height for Height {
    const ZERO: Height = Height(0);
    const INITIAL: Height = Height(1);

    fn increment_by(&self, n: u64) -> Height {
        Height(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Height> {
        self.0.checked_sub(n).map(Height)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl malachite::Value for BlockId {
    type Id = BlockId;

    fn id(&self) -> BlockId {
        *self
    }
}

impl malachite::ProposalPart<Ctx> for NoPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

impl malachite::Proposal<Ctx> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &BlockId {
        &self.value
    }

    fn take_value(self) -> BlockId {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.valid_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

impl malachite::Vote<Ctx> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    // Vote extensions are disabled at every height: there is none to carry.
    fn extension(&self) -> Option<&malachite::SignedExtension<Ctx>> {
        None
    }

    fn take_extension(&mut self) -> Option<malachite::SignedExtension<Ctx>> {
        None
    }

    fn extend(self, _: malachite::SignedExtension<Ctx>) -> Vote {
        self
    }
}

impl malachite::Validator<Ctx> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &Address {
        &self.address
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

impl malachite::ValidatorSet<Ctx> for Members {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total_power()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        self.members
            .binary_search_by_key(address, |m| m.address)
            .ok()
            .and_then(|i| self.members.get(i))
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }
}

impl malachite::SigningScheme for Ed25519 {
    type DecodingError = &'static str;
    type Signature = [u8; 64];
    type PublicKey = Address;
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<[u8; 64], &'static str> {
        bytes.try_into().map_err(|_| "a signature has 64 bytes")
    }

    fn encode_signature(signature: &[u8; 64]) -> Vec<u8> {
        signature.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<Address, &'static str> {
        bytes
            .try_into()
            .map(Address)
            .map_err(|_| "a public key has 32 bytes")
    }

    fn encode_public_key(key: &Address) -> Vec<u8> {
        key.0.to_vec()
    }
}
