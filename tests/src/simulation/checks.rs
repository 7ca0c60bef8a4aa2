//! What must hold in every run.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message;
use touchstone_core::Fault;
use touchstone_core::block::Block;
use touchstone_core::commit_certificate;
use touchstone_core::genesis::Genesis;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::signing::Purpose;
use touchstone_core::state::StateRead;
use touchstone_core::transaction;
use touchstone_node::chain::Chain;
use touchstone_node::storage::Store;
use touchstone_proto::ledger::{self, CommitCertificate};
use touchstone_proto::node::Misbehaviour;
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use super::clients::{Clients, Expectation};
use super::verification;
use crate::testkit::memory_store::MemoryStore;

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// Two blocks were decided at one height.
    Agreement,
    /// A decided block is invalid, or its certificate doesn't prove it.
    Validity,
    /// A node's state isn't what its block's header says.
    StateRoot,
    /// An honest validator signed two different messages of one step.
    DoubleSign,
    /// Evidence against an honest validator, or evidence that proves nothing.
    FalseAccusation,
    /// A dishonest validator's contradiction was seen and not reported.
    MissedAccusation,
    /// An acknowledged block was not on enough disks.
    Durability,
    /// Something that had to happen didn't.
    Liveness,
    /// Something happened without a reason.
    Idleness,
    /// A round after the first was needed though nothing was wrong.
    SlowRound,
    /// A node failed although its disk worked, or couldn't start again.
    NodeFailure,
}

/// A broken rule and how it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub broken: Broken,
    /// How it showed.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.broken, self.what)
    }
}

impl Violation {
    /// A violation.
    pub fn new(broken: Broken, what: impl Into<String>) -> Violation {
        Violation {
            broken,
            what: what.into(),
        }
    }
}

/// A step in which a validator may sign one message: height, round, and 0 to 2 for proposal,
/// prevote and precommit.
type Step = (u64, u32, i32);

/// What the checks know.
pub struct Checks {
    chain_id: Hash,
    /// The chain as agreed: each block is executed again when the first node commits it.
    reference: Chain<MemoryStore>,
    /// Validators of each height, from height 1.
    validators: Vec<ValidatorSet>,
    /// Honest validators' keys, and their processes.
    honest: BTreeMap<[u8; 32], usize>,
    /// What honest validators have signed and let out.
    signed: BTreeMap<([u8; 32], Step), Vec<u8>>,
    /// Dishonest validators that were accused by an honest node.
    pub accused: BTreeMap<[u8; 32], u64>,
}

impl Checks {
    /// Nothing has happened yet.
    pub fn new(genesis: &Genesis, honest: BTreeMap<[u8; 32], usize>) -> Checks {
        let pool = verification::pool();
        let reference = Chain::open(genesis.chain_id, MemoryStore::new(genesis), pool)
            .expect("a genesis that was read has validators and parameters");
        Checks {
            chain_id: genesis.chain_id,
            validators: vec![reference.validators().clone()],
            reference,
            honest,
            signed: BTreeMap::new(),
            accused: BTreeMap::new(),
        }
    }

    /// The height that some honest node has reached.
    pub fn height(&self) -> u64 {
        self.reference.tip().height
    }

    /// The agreed block of a height.
    pub fn block(&self, height: u64) -> Option<Decided> {
        self.reference.store().block(height).ok().flatten()
    }

    /// Whether a transaction is in the agreed chain.
    pub fn has_transaction(&self, id: &Hash) -> bool {
        matches!(self.reference.store().is_committed(id), Ok(true))
    }

    /// An honest node has committed a block.
    pub fn committed(
        &mut self,
        process: usize,
        block: &Block,
        proof: &CommitCertificate,
        clients: &Clients,
    ) -> Result<(), Violation> {
        let height = block.header.height;
        let id = block.id();
        if height > self.height() {
            return self.extend(process, block, proof, clients);
        }
        let agreed = self.block(height).map(|(block, _)| block.id());
        if agreed != Some(id) {
            return Err(Violation::new(
                Broken::Agreement,
                format!(
                    "node {process} committed {} at height {height}, others {}",
                    short(&id),
                    agreed.as_ref().map_or("none".into(), short),
                ),
            ));
        }
        let validators = usize::try_from(height - 1)
            .ok()
            .and_then(|i| self.validators.get(i))
            .unwrap_or(self.reference.validators());
        commit_certificate::verify_by(
            verification::verify,
            proof,
            &self.chain_id,
            height,
            &id,
            validators,
        )
        .map_err(|error| {
            let what = format!("node {process} keeps a certificate at height {height}: {error}");
            Violation::new(Broken::Validity, what)
        })
    }

    fn extend(
        &mut self,
        process: usize,
        block: &Block,
        proof: &CommitCertificate,
        clients: &Clients,
    ) -> Result<(), Violation> {
        let at = format!("node {process} at height {}", block.header.height);
        let invalid = |what: String| Violation::new(Broken::Validity, what);
        self.reference
            .import(verification::verify, block, proof, block.header.time_ms)
            .map_err(|fault| invalid(format!("{at}: {fault}")))?
            .map_err(|error| invalid(format!("{at}: {error}")))?;
        self.validators.push(self.reference.validators().clone());
        for envelope in &block.transactions {
            let id = transaction::id_of_envelope(&self.chain_id, envelope)
                .map_err(|error| invalid(format!("{at}: {error}")))?;
            match clients.find(&id) {
                None => return Err(invalid(format!("{at}: a transaction that nobody sent"))),
                Some(wish) if wish.expectation == Expectation::Refused => {
                    return Err(invalid(format!("{at}: {} was committed", wish.what)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A message leaves an honest process.
    pub fn leaves(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let Ok(message) = peer::ConsensusMessage::decode(bytes) else {
            return Ok(());
        };
        match message.message {
            Some(Wire::Vote(vote)) => self.vote_leaves(&vote),
            Some(Wire::Round(certificate)) => certificate
                .votes
                .iter()
                .try_for_each(|vote| self.vote_leaves(vote)),
            Some(Wire::Proposal(signed)) => {
                let Ok(proposal) = ledger::Proposal::decode(signed.proposal.as_slice()) else {
                    return Ok(());
                };
                let step = (proposal.height, proposal.round, 0);
                let signature = (Purpose::Proposal, signed.signature.as_slice());
                self.note_signed(&signed.public_key, step, &signed.proposal, signature)
            }
            _ => Ok(()),
        }
    }

    fn vote_leaves(&mut self, signed: &peer::SignedVote) -> Result<(), Violation> {
        let Ok(vote) = ledger::Vote::decode(signed.vote.as_slice()) else {
            return Ok(());
        };
        let step = (vote.height, vote.round, vote.kind);
        let signature = (Purpose::Vote, signed.signature.as_slice());
        self.note_signed(&signed.public_key, step, &signed.vote, signature)
    }

    fn note_signed(
        &mut self,
        key: &[u8],
        step: Step,
        bytes: &[u8],
        (purpose, signature): (Purpose, &[u8]),
    ) -> Result<(), Violation> {
        let Ok(key) = <[u8; 32]>::try_from(key) else {
            return Ok(());
        };
        let Some(process) = self.honest.get(&key) else {
            return Ok(());
        };
        let known = self.signed.get(&(key, step));
        if known.is_some_and(|known| known == bytes) {
            return Ok(());
        }
        let valid = signature
            .try_into()
            .is_ok_and(|s| verification::verify(&key, purpose, &self.chain_id, bytes, s));
        if !valid {
            return Ok(());
        }
        if known.is_some() {
            let (height, round, kind) = step;
            let kind = ["proposals", "prevotes", "precommits"]
                .get(kind as usize)
                .unwrap_or(&"messages");
            return Err(Violation::new(
                Broken::DoubleSign,
                format!("node {process} signed two {kind} at height {height} in round {round}"),
            ));
        }
        self.signed.insert((key, step), bytes.to_vec());
        Ok(())
    }

    /// An honest node accuses a validator.
    pub fn accuses(&mut self, process: usize, evidence: &Misbehaviour) -> Result<(), Violation> {
        let false_one = |what: &str| {
            let what = format!("node {process} at height {}: {what}", evidence.height);
            Err(Violation::new(Broken::FalseAccusation, what))
        };
        let Ok(key) = <[u8; 32]>::try_from(evidence.validator.as_slice()) else {
            return false_one("no validator is named");
        };
        if let Some(accused) = self.honest.get(&key) {
            return false_one(&format!("honest node {accused} is accused"));
        }
        let purpose = match evidence.kind.as_str() {
            "vote" => Purpose::Vote,
            "proposal" => Purpose::Proposal,
            _ => return false_one("evidence of an unknown kind"),
        };
        let pairs = [
            (&evidence.first, &evidence.first_signature),
            (&evidence.second, &evidence.second_signature),
        ];
        for (bytes, signature) in pairs {
            let holds = signature
                .as_slice()
                .try_into()
                .is_ok_and(|s| verification::verify(&key, purpose, &self.chain_id, bytes, s));
            if !holds {
                return false_one("a signature in the evidence doesn't hold");
            }
        }
        let steps = pairs.map(|(bytes, _)| step_of(purpose, bytes));
        if evidence.first == evidence.second || steps[0].is_none() || steps[0] != steps[1] {
            return false_one(&format!(
                "two {}s don't contradict each other: {} and {}",
                evidence.kind,
                hex::encode(&evidence.first),
                hex::encode(&evidence.second)
            ));
        }
        *self.accused.entry(key).or_default() += 1;
        Ok(())
    }

    /// Whatever an honest node holds at the end is the agreed chain, and its state is what the
    /// last header says.
    pub fn holds(&self, process: usize, store: &MemoryStore) -> Result<(), Violation> {
        let tip = store.tip();
        for height in 1..=tip.height {
            let found = store.block(height).ok().flatten().map(|(b, _)| b.id());
            if found.is_none() || found != self.block(height).map(|(b, _)| b.id()) {
                let what = format!("node {process} holds another block at height {height}");
                return Err(Violation::new(Broken::Agreement, what));
            }
        }
        let recomputed = store.recomputed_root();
        let stated = tip.header.map(|header| header.state_root);
        match (recomputed, stated) {
            (_, None) => Ok(()),
            (Ok(root), Some(stated)) if root == stated => Ok(()),
            (Ok(_), _) => Err(Violation::new(
                Broken::StateRoot,
                format!(
                    "node {process}: the state at height {} is another",
                    tip.height
                ),
            )),
            (Err(fault), _) => Err(failure(process, &fault)),
        }
    }
}

type Decided = (Block, CommitCertificate);

/// The step of a signed message, for comparing two.
pub fn step_of(purpose: Purpose, bytes: &[u8]) -> Option<(u64, u32, i32)> {
    match purpose {
        Purpose::Vote => {
            let vote = ledger::Vote::decode(bytes).ok()?;
            Some((vote.height, vote.round, vote.kind))
        }
        Purpose::Proposal => {
            let proposal = ledger::Proposal::decode(bytes).ok()?;
            Some((proposal.height, proposal.round, 0))
        }
        Purpose::Transaction
        | Purpose::Possession
        | Purpose::Ballot
        | Purpose::BallotOpening
        | Purpose::BallotSalt => None,
    }
}

/// A node failed by itself.
pub fn failure(process: usize, fault: &Fault) -> Violation {
    Violation::new(Broken::NodeFailure, format!("node {process}: {fault}"))
}

/// The first bytes of an id.
pub fn short(id: &Hash) -> String {
    hex::encode(&id[..4])
}
