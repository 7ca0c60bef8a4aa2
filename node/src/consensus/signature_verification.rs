//! Verification of votes, proposals and certificates. Each distinct signature of another is verified once, and own ones
//! not at all: Malachite asks again for own votes, for certificates and at the decision.

use std::collections::BTreeSet;

use arc_malachitebft_core_consensus::{ConsensusMsg, Resumable, Resume};
use arc_malachitebft_core_types::{
    BoxError, CertificateError, CommitCertificate, NilOrVal, Round, RoundCertificateType, VoteType,
};
use sha2::{Digest, Sha256};
use touchstone_core::commit_certificate::exceeds_two_thirds;
use touchstone_core::governance::proposer_turns::ProposerTurns;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::signing::{Purpose, Verify};

use super::context::{Address, BlockId, Ctx, Height, Vote};
use super::message::{MessageRefused, Polka, RoundCertificate, SignedProposal, SignedVote};

/// Remembered signatures. A height in a few rounds needs some hundreds; a validator that signs
/// without end only costs us verifying again.
const MAX_REMEMBERED: usize = 20_000;

/// Remembers which signatures hold.
#[derive(Debug)]
pub struct Signatures {
    chain_id: Hash,
    verify: Verify,
    valid: BTreeSet<Hash>,
    verified: u64,
}

impl Signatures {
    /// Nothing remembered.
    pub fn new(chain_id: Hash, verify: Verify) -> Signatures {
        Signatures {
            chain_id,
            verify,
            valid: BTreeSet::new(),
            verified: 0,
        }
    }

    /// Forgets a finished height.
    pub fn clear(&mut self) {
        self.valid.clear();
    }

    /// How signatures are verified.
    pub fn verifier(&self) -> Verify {
        self.verify
    }

    /// Ed25519 verifications done so far.
    pub fn verified(&self) -> u64 {
        self.verified
    }

    /// Remembers a signature that this node has just made with `key`: it holds.
    pub fn made(&mut self, key: &[u8; 32], signed: &(Purpose, Vec<u8>), signature: &[u8; 64]) {
        self.remember(digest(key, signed, signature));
    }

    /// Whether `key` signed this; remembered if so.
    fn check(&mut self, key: &[u8; 32], signed: &(Purpose, Vec<u8>), signature: &[u8; 64]) -> bool {
        let digest = digest(key, signed, signature);
        if self.valid.contains(&digest) {
            return true;
        }
        self.verified += 1;
        let (purpose, bytes) = signed;
        let valid = (self.verify)(key, *purpose, &self.chain_id, bytes, signature);
        if valid {
            self.remember(digest);
        }
        valid
    }

    fn remember(&mut self, digest: Hash) {
        if self.valid.len() >= MAX_REMEMBERED {
            self.valid.clear();
        }
        self.valid.insert(digest);
    }

    /// Malachite's question.
    pub fn check_message(
        &mut self,
        message: &ConsensusMsg<Ctx>,
        key: &Address,
        signature: &[u8; 64],
    ) -> bool {
        let signed = match message {
            ConsensusMsg::Vote(vote) => vote.signed(),
            ConsensusMsg::Proposal(proposal) => proposal.signed(),
        };
        self.check(&key.0, &signed, signature)
    }

    /// A vote by one of `set`.
    pub fn vote(&mut self, set: &ValidatorSet, signed: &SignedVote) -> Result<(), MessageRefused> {
        let key = signed.message.address.0;
        if set.get(&key).is_none() {
            return Err(MessageRefused::UnknownValidator(key));
        }
        match self.check(&key, &signed.message.signed(), &signed.signature) {
            true => Ok(()),
            false => Err(MessageRefused::Signature(key)),
        }
    }

    /// A proposal by the one of `set` whose turn it is.
    pub fn proposal(
        &mut self,
        set: &ValidatorSet,
        turns: &ProposerTurns,
        signed: &SignedProposal,
    ) -> Result<(), MessageRefused> {
        let proposal = &signed.message;
        let key = proposal.address.0;
        if set.get(&key).is_none() {
            return Err(MessageRefused::UnknownValidator(key));
        }
        let round = proposal.round.as_u32().unwrap_or(0);
        if turns.proposer(set, proposal.height.0, round).public_key != key {
            return Err(MessageRefused::NotTheProposer(key));
        }
        match self.check(&key, &proposal.signed(), &signed.signature) {
            true => Ok(()),
            false => Err(MessageRefused::Signature(key)),
        }
    }

    /// More than 2/3 of prevotes for a block.
    pub fn polka(&mut self, set: &ValidatorSet, polka: &Polka) -> Result<(), MessageRefused> {
        let votes = polka.votes(&Ctx);
        let signed = self.power(set, votes)?;
        enough(exceeds_two_thirds(signed, set.total_power()), signed, set)
    }

    /// Votes that let a node enter a round: more than 2/3 of precommits, or more than 1/3 of any
    /// votes of a later round.
    pub fn round(
        &mut self,
        set: &ValidatorSet,
        certificate: &RoundCertificate,
    ) -> Result<(), MessageRefused> {
        let precommits = certificate.cert_type == RoundCertificateType::Precommit;
        let mut kinds = certificate.round_signatures.iter().map(|s| s.vote_type);
        if precommits && kinds.any(|kind| kind != VoteType::Precommit) {
            return Err(MessageRefused::CertificateVote);
        }
        let signed = self.power(set, certificate.votes(&Ctx))?;
        let total = set.total_power();
        let met = match precommits {
            true => exceeds_two_thirds(signed, total),
            false => exceeds_one_third(signed, total),
        };
        enough(met, signed, set)
    }

    /// More than 2/3 of precommits for a block.
    pub fn commit(
        &mut self,
        set: &ValidatorSet,
        certificate: &CommitCertificate<Ctx>,
    ) -> Result<(), MessageRefused> {
        let votes = certificate.commit_signatures.iter().map(|s| {
            SignedVote::new(
                precommit(
                    certificate.height,
                    certificate.round,
                    certificate.value_id,
                    s.address,
                ),
                s.signature,
            )
        });
        let signed = self.power(set, votes)?;
        enough(exceeds_two_thirds(signed, set.total_power()), signed, set)
    }

    fn power(
        &mut self,
        set: &ValidatorSet,
        votes: impl Iterator<Item = SignedVote>,
    ) -> Result<u64, MessageRefused> {
        let mut seen = BTreeSet::new();
        let mut power: u64 = 0;
        for vote in votes {
            let key = vote.message.address.0;
            if !seen.insert(key) {
                return Err(MessageRefused::Duplicate(key));
            }
            self.vote(set, &vote)?;
            power = power.saturating_add(set.get(&key).map_or(0, |v| v.power));
        }
        Ok(power)
    }
}

/// Names a signature by all that it says.
fn digest(key: &[u8; 32], (purpose, bytes): &(Purpose, Vec<u8>), signature: &[u8; 64]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update(signature);
    hasher.update([u8::from(*purpose == Purpose::Vote)]);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// Whether some honest validator is among those with this much power.
pub fn exceeds_one_third(part: u64, total: u64) -> bool {
    u128::from(part) * 3 > u128::from(total)
}

/// The answer to Malachite's question after a certificate.
pub fn answer(
    question: impl Resumable<Ctx, Value = Result<(), CertificateError<Ctx>>>,
    result: Result<(), MessageRefused>,
) -> Resume<Ctx> {
    question.resume_with(
        result.map_err(|refused| {
            CertificateError::VerificationError(Some(BoxError(Box::new(refused))))
        }),
    )
}

fn precommit(height: Height, round: Round, id: BlockId, address: Address) -> Vote {
    Vote {
        kind: VoteType::Precommit,
        height,
        round,
        value: NilOrVal::Val(id),
        address,
    }
}

fn enough(met: bool, signed: u64, set: &ValidatorSet) -> Result<(), MessageRefused> {
    match met {
        true => Ok(()),
        false => Err(MessageRefused::TooFewVotes {
            signed,
            total: set.total_power(),
        }),
    }
}
