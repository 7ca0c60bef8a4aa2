//! Own signatures: each passes the double-sign guard first.

use arc_malachitebft_core_types::{SignedMessage, VoteType};
use ed25519_dalek::SigningKey;
use touchstone_core::fault::Fault;
use touchstone_core::hash::{self, Hash};
use touchstone_core::signing::{self, Purpose};

use super::context::{Address, Proposal, Vote, number};
use super::message::{SignedProposal, SignedVote};
use crate::storage::Disk;
use crate::storage::double_sign_guard::{Guard, LastSigned, SignedStep};

/// The validator's key and its guard.
pub struct VoteSigner<D: Disk> {
    key: SigningKey,
    guard: Guard<D>,
    chain_id: Hash,
}

impl<D: Disk> VoteSigner<D> {
    /// Signs for a chain.
    pub fn new(key: SigningKey, guard: Guard<D>, chain_id: Hash) -> VoteSigner<D> {
        VoteSigner {
            key,
            guard,
            chain_id,
        }
    }

    /// The public key.
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

    /// Makes the guard durable.
    pub fn sync(&mut self) -> Result<(), Fault> {
        self.guard.sync()
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

    /// Takes up into the guard what the log says was signed: the log is synced first, so a crash
    /// between both leaves the guard one step behind.
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
        Ok(signing::sign(&self.key, purpose, &self.chain_id, &bytes))
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
