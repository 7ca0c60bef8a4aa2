//! Own signatures: each passes the double-sign guard first.
//!
//! A node may have a key for the time after its validator key was replaced ([`ValidatorKeys`]). Which of both signs at
//! a height follows from the validators of that height alone, so it is the same before a crash and after it. One guard
//! is for both: it permits one message of a kind in a height and round, whichever key signs.

use arc_malachitebft_core_types::{SignedMessage, VoteType};
use ed25519_dalek::SigningKey;
use touchstone_core::fault::Fault;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::{self, Hash};
use touchstone_core::signing::{self, Purpose};

use super::context::{Address, Proposal, Vote, number};
use super::message::{SignedProposal, SignedVote};
use crate::storage::Disk;
use crate::storage::double_sign_guard::{Guard, LastSigned, SignedStep};
use crate::storage::wal::LogIdentity;

/// The key that a node votes with, and the one that is to take its place.
pub struct ValidatorKeys {
    first: SigningKey,
    next: Option<SigningKey>,
}

impl From<SigningKey> for ValidatorKeys {
    fn from(first: SigningKey) -> ValidatorKeys {
        ValidatorKeys { first, next: None }
    }
}

impl ValidatorKeys {
    /// The same with the key that follows.
    pub fn with_next(self, next: Option<SigningKey>) -> ValidatorKeys {
        ValidatorKeys { next, ..self }
    }

    /// The public half of the key that isn't the next one.
    pub fn first_public_key(&self) -> [u8; 32] {
        self.first.verifying_key().to_bytes()
    }

    /// Whether one of them is a validator's.
    pub fn is_among(&self, validators: &ValidatorSet) -> bool {
        is_validators(self.for_height(validators), validators)
    }

    /// The key for a height with these validators: the first of the two that is one's. Where neither is, the node
    /// signs nothing, and the first stands for it.
    fn for_height(&self, validators: &ValidatorSet) -> &SigningKey {
        let next = self.next.as_ref();
        let replaced = !is_validators(&self.first, validators);
        next.filter(|next| replaced && is_validators(next, validators))
            .unwrap_or(&self.first)
    }
}

fn is_validators(key: &SigningKey, validators: &ValidatorSet) -> bool {
    validators.get(&key.verifying_key().to_bytes()).is_some()
}

/// The validator's keys and their guard.
pub struct VoteSigner<D: Disk> {
    keys: ValidatorKeys,
    /// The one that signs at the next height.
    key: SigningKey,
    guard: Guard<D>,
    /// Signatures that the log doesn't hold yet.
    unlogged: Vec<[u8; 64]>,
    chain_id: Hash,
}

impl<D: Disk> VoteSigner<D> {
    /// Signs for a chain, at a height with these validators.
    pub fn new(
        keys: ValidatorKeys,
        guard: Guard<D>,
        chain_id: Hash,
        validators: &ValidatorSet,
    ) -> VoteSigner<D> {
        VoteSigner {
            key: keys.for_height(validators).clone(),
            keys,
            guard,
            unlogged: Vec::new(),
            chain_id,
        }
    }

    /// Names the log to the guard; see [`Guard::follow`].
    pub fn follow(&mut self, log: LogIdentity) -> u64 {
        self.guard.follow(log)
    }

    /// Takes the key for the next height, which has these validators; whether it is another one. Only between heights.
    pub fn choose(&mut self, validators: &ValidatorSet) -> bool {
        let key = self.keys.for_height(validators);
        let is_another = *key != self.key;
        if is_another {
            self.key = key.clone();
        }
        is_another
    }

    /// The public half of the key that signs at the next height.
    pub fn address(&self) -> Address {
        Address(self.key.verifying_key().to_bytes())
    }

    /// Signs a vote.
    pub fn vote(&mut self, vote: Vote) -> Result<SignedVote, Fault> {
        let step = step_of(&vote);
        let signature = self.sign(vote.height.0, number(vote.round), step, vote.signed())?;
        Ok(SignedMessage::new(vote, signature))
    }

    /// Signs a proposal.
    pub fn proposal(&mut self, proposal: Proposal) -> Result<SignedProposal, Fault> {
        let (height, round) = (proposal.height.0, number(proposal.round));
        let signature = self.sign(height, round, SignedStep::Propose, proposal.signed())?;
        Ok(SignedMessage::new(proposal, signature))
    }

    /// A vote or a proposal with this signature is in the log, perhaps not durably yet.
    pub fn logged(&mut self, signature: &[u8; 64]) {
        self.unlogged.retain(|unlogged| unlogged != signature);
    }

    /// Makes durable what was signed; the log is. Where it holds all of it, the guard rests on it.
    pub fn save(&mut self) -> Result<(), Fault> {
        match std::mem::take(&mut self.unlogged).is_empty() {
            true => self.guard.save(),
            false => self.guard.sync(),
        }
    }

    /// Whether nothing may be signed before the guard is confirmed.
    pub fn is_unknown(&self) -> bool {
        self.guard.is_unknown()
    }

    /// Confirms that nothing above this height was signed before.
    pub fn confirm(&mut self, height: u64) -> Result<(), Fault> {
        self.guard.confirm(height)
    }

    /// The last thing that was signed.
    pub fn last(&self) -> LastSigned {
        self.guard.last()
    }

    /// Takes up into the guard what the log says was signed: the log is synced first, and the guard rests on it.
    pub fn recover(&mut self, last: LastSigned) -> Result<(), Fault> {
        self.guard
            .permit(last.height, last.round, last.step, &last.hash)
            .map_err(|refused| Fault::Signing(refused.to_string()))
    }

    fn sign(
        &mut self,
        height: u64,
        round: u32,
        step: SignedStep,
        (purpose, bytes): (Purpose, Vec<u8>),
    ) -> Result<[u8; 64], Fault> {
        let hash = signed_hash(purpose, &self.chain_id, &bytes);
        self.guard
            .permit(height, round, step, &hash)
            .map_err(|refused| Fault::Signing(refused.to_string()))?;
        let signature = signing::sign(&self.key, purpose, &self.chain_id, &bytes);
        self.unlogged.push(signature);
        Ok(signature)
    }
}

/// The guard's step of a vote.
pub fn step_of(vote: &Vote) -> SignedStep {
    match vote.kind {
        VoteType::Prevote => SignedStep::Prevote,
        VoteType::Precommit => SignedStep::Precommit,
    }
}

/// What the guard remembers of signed bytes.
pub fn signed_hash(purpose: Purpose, chain_id: &Hash, bytes: &[u8]) -> Hash {
    hash::sha256(&signing::signed_bytes(purpose, chain_id, bytes))
}
