//! What Malachite's effects do here: log, sign, verify, publish, decide. Everything that leaves
//! is collected and released only after it is durable.

use std::collections::{BTreeMap, BTreeSet};

use arc_malachitebft_core_consensus::{
    Effect, Input as CoreInput, LivenessMsg, Resumable, Resume, SignedConsensusMsg,
};
use arc_malachitebft_core_types::{CertificateError, CommitCertificate};
use touchstone_core::block::{Block, Header};
use touchstone_core::fault::Fault;
use touchstone_core::hash::{self, Hash};
use touchstone_proto::ledger;

use super::block_size::Share;
use super::context::{BlockId, Ctx, number};
use super::message::{self, SignedProposal};
use super::pacemaker::{self, Timer, Timers};
use super::signature_verification::{Signatures, answer};
use super::vote_signing::Signer;
use super::{Output, PeerTag, Settings, equivocation, wal_entry};
use crate::chain::Chain;
use crate::storage::wal::Wal;
use crate::storage::{Disk, Store};

/// A valid block of the running height, as it travels.
#[derive(Clone, Debug)]
pub struct Body {
    /// Exact bytes.
    pub bytes: Vec<u8>,
    /// Its header.
    pub header: Header,
}

/// What is known of the running height besides Malachite's own state.
#[derive(Debug, Default)]
pub struct Running {
    /// Keys of the height's validators.
    pub members: Vec<[u8; 32]>,
    /// The round and its proposer.
    pub round: u32,
    /// Key of the round's proposer.
    pub proposer: [u8; 32],
    /// Verified proposals as signed, by round and block.
    pub proposals: BTreeMap<(u32, Hash), SignedProposal>,
    /// Those of them that Malachite hasn't got as valid.
    pub waiting: BTreeMap<(u32, Hash), Waiting>,
    /// Valid blocks.
    pub bodies: BTreeMap<Hash, Body>,
    /// Blocks that can never follow the tip.
    pub rejected: BTreeSet<Hash>,
    /// Bodies of coming rounds, unread, and who sent them.
    pub early_bodies: BTreeMap<(u32, Hash), (PeerTag, Vec<u8>)>,
    /// How many bodies of a peer weren't the block that they came for.
    pub bad_bodies: BTreeMap<PeerTag, u32>,
    /// The one own block of each round, the same after a restart.
    pub own_blocks: BTreeMap<u32, Hash>,
    /// Rounds whose own block left transactions waiting.
    pub full_blocks: BTreeSet<u32>,
    /// The round for which Malachite wants a block from us.
    pub wanted: Option<u32>,
    /// Proposals that others voted for and we lack, and whom to ask first.
    pub mentioned: BTreeMap<(u32, Hash), Option<PeerTag>>,
    /// When a proposal was last sent again to a peer, and how often.
    pub answered: BTreeMap<(PeerTag, u32, Hash), (u64, u32)>,
    /// Other validators that were heard at this height.
    pub heard: BTreeSet<[u8; 32]>,
    /// Whether a proposer that others woke need not wait for a transaction any longer.
    pub grace_over: bool,
    /// Whether the last block is old enough for an empty one.
    pub heartbeat_over: bool,
    /// Whether the height is decided and committed.
    pub decided: bool,
    logged: BTreeSet<Hash>,
    logged_bodies: BTreeSet<Hash>,
}

/// A proposal that Malachite hasn't got as valid.
#[derive(Debug)]
pub struct Waiting {
    /// Who sent it; none if it is from the log.
    pub from: Option<PeerTag>,
    /// When it was first seen, milliseconds.
    pub seen_ms: u64,
    /// Whether it was found not to deserve this node's prevote.
    pub is_refused: bool,
}

impl Running {
    /// Whether nothing is to be asked of peers for this proposal: it is here with its block.
    pub fn has(&self, round: u32, id: &Hash) -> bool {
        let key = (round, *id);
        let has_body = self.is_judged(id) || self.early_bodies.contains_key(&key);
        has_body && self.proposals.contains_key(&key)
    }

    /// Whether the ledger's word on a block is known.
    pub fn is_judged(&self, id: &Hash) -> bool {
        self.bodies.contains_key(id) || self.rejected.contains(id)
    }

    /// Notes what the log holds, so that a replay doesn't log it again.
    pub fn note_logged(&mut self, input: &CoreInput<Ctx>, with_body: bool) {
        if let Some(entry) = wal_entry::encode(input) {
            self.logged.insert(hash::sha256(&entry));
        }
        if let (CoreInput::ProposedValue(value, _), true) = (input, with_body) {
            self.logged_bodies.insert(value.value.0);
        }
    }
}

/// The effects' side of the machine.
pub struct Host<S: Store, D: Disk> {
    pub settings: Settings,
    pub chain: Chain<S>,
    pub wal: Wal<D>,
    pub signer: Option<Signer<D>>,
    pub signatures: Signatures,
    pub timers: Timers,
    pub running: Running,
    /// How large own blocks are.
    pub share: Share,
    /// Proposers that were waited for in vain and have not been heard since.
    pub absent: BTreeSet<[u8; 32]>,
    pub now_ms: u64,
    /// What will leave when the step is durable.
    outbox: Vec<Output>,
    /// Whether an own signature or a message that rests on the log waits for a sync.
    must_sync: bool,
}

impl<S: Store, D: Disk> Host<S, D> {
    /// Nothing runs yet.
    pub fn new(
        settings: Settings,
        chain: Chain<S>,
        wal: Wal<D>,
        signer: Option<Signer<D>>,
    ) -> Host<S, D> {
        let signatures = Signatures::new(*chain.chain_id());
        Host {
            settings,
            chain,
            wal,
            signer,
            signatures,
            timers: Timers::default(),
            running: Running::default(),
            share: Share::default(),
            absent: BTreeSet::new(),
            now_ms: 0,
            outbox: Vec::new(),
            must_sync: false,
        }
    }

    /// Puts an output into the outbox.
    pub fn put(&mut self, output: Output) {
        self.outbox.push(output);
    }

    /// Starts a timer.
    pub fn set_timer(&mut self, timer: Timer) {
        let absent = self.absent.contains(&self.running.proposer);
        let after_ms = pacemaker::duration_ms(&self.settings, timer, absent);
        self.set_timer_in(timer, after_ms);
    }

    /// Starts a timer with another duration than its usual one.
    pub fn set_timer_in(&mut self, timer: Timer, after_ms: u64) {
        let token = self.timers.set(timer);
        self.put(Output::SetTimer { token, after_ms });
    }

    /// The step's outputs, after making durable what they rest on: the log first, so that the
    /// guard never knows of a signature that the log has lost.
    pub fn release(&mut self) -> Result<Vec<Output>, Fault> {
        self.sync()?;
        let mut outputs = std::mem::take(&mut self.outbox);
        outputs.retain(|output| match output {
            Output::SetTimer { token, .. } => self.timers.is_running(*token),
            _ => true,
        });
        Ok(outputs)
    }

    fn sync(&mut self) -> Result<(), Fault> {
        if self.must_sync {
            self.wal.sync()?;
            if let Some(signer) = &mut self.signer {
                signer.sync()?;
            }
            self.must_sync = false;
        }
        Ok(())
    }

    /// Broadcasts what rests on the log or on an own signature.
    fn publish(&mut self, bytes: Vec<u8>) {
        self.must_sync = true;
        self.put(Output::Broadcast(bytes));
    }

    /// Handles one effect. An error ends the machine.
    pub fn effect(&mut self, effect: Effect<Ctx>) -> Result<Resume<Ctx>, Fault> {
        Ok(match effect {
            Effect::CancelAllTimeouts(r) => {
                self.timers.cancel_rounds();
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                if let Some(timer) = pacemaker::timer(&timeout) {
                    self.timers.cancel(timer);
                }
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                if let Some(timer) = pacemaker::timer(&timeout) {
                    self.set_timer(timer);
                }
                r.resume_with(())
            }
            Effect::StartRound(_, round, proposer, _, r) => {
                self.running.round = number(round);
                self.running.proposer = proposer.0;
                self.running.wanted = None;
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(SignedConsensusMsg::Vote(vote), r) => {
                self.publish(message::vote(&vote));
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(SignedConsensusMsg::Proposal(proposal), r) => {
                self.publish_proposal(&proposal)?;
                r.resume_with(())
            }
            Effect::PublishLivenessMsg(liveness, r) => {
                self.publish(match liveness {
                    LivenessMsg::Vote(vote) => message::vote(&vote),
                    LivenessMsg::PolkaCertificate(polka) => message::polka(&polka),
                    LivenessMsg::SkipRoundCertificate(round) => message::round(&round),
                });
                r.resume_with(())
            }
            Effect::RepublishVote(vote, r) => {
                self.publish(message::vote(&vote));
                r.resume_with(())
            }
            Effect::RepublishRoundCertificate(certificate, r) => {
                self.publish(message::round(&certificate));
                r.resume_with(())
            }
            // The proposal that is published right after carries its block.
            Effect::RestreamProposal(.., r) => r.resume_with(()),
            // Answered after the step: during a replay the recorded block comes first.
            Effect::GetValue(_, round, _, r) => {
                self.running.wanted = Some(number(round));
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => r.resume_with(self.signer()?.vote(vote)?),
            Effect::SignProposal(proposal, r) => r.resume_with(self.signer()?.proposal(proposal)?),
            Effect::VerifySignature(signed, key, r) => {
                let valid = self
                    .signatures
                    .check_message(&signed.message, &key, &signed.signature);
                r.resume_with(valid)
            }
            Effect::VerifyCommitCertificate(certificate, members, _, r) => {
                answer(r, self.signatures.commit(members.set(), &certificate))
            }
            Effect::VerifyPolkaCertificate(certificate, members, _, r) => {
                answer(r, self.signatures.polka(members.set(), &certificate))
            }
            Effect::VerifyRoundCertificate(certificate, members, _, r) => {
                answer(r, self.signatures.round(members.set(), &certificate))
            }
            Effect::WalAppend(_, input, r) => {
                self.append(&input)?;
                r.resume_with(())
            }
            Effect::Decide(certificate, _, r) => {
                self.decide(&certificate)?;
                r.resume_with(())
            }
            Effect::Finalize(_, _, found, r) => {
                let found = equivocation::convert(&found, &self.running.members);
                self.keep_evidence(found)?;
                r.resume_with(())
            }
            // Blocks of others are imported by the chain, and votes carry no extensions.
            Effect::VerifyExtendedCommitCertificate(.., r) => {
                r.resume_with(Err(CertificateError::VerificationError(None)))
            }
            Effect::CertVerifiedSyncValue(..)
            | Effect::CertRejectedSyncValue(..)
            | Effect::ExtendVote(..)
            | Effect::VerifyVoteExtension(..) => {
                return Err(Fault::Invariant(
                    "consensus asked for a sync value or a vote extension".into(),
                ));
            }
        })
    }

    /// Keeps evidence and tells of it.
    pub fn keep_evidence(
        &mut self,
        evidence: Vec<touchstone_proto::node::Misbehaviour>,
    ) -> Result<(), Fault> {
        if evidence.is_empty() {
            return Ok(());
        }
        self.chain.store_mut().keep_misbehaviour(&evidence)?;
        for one in evidence {
            self.put(Output::Misbehaviour(one));
        }
        Ok(())
    }

    fn signer(&mut self) -> Result<&mut Signer<D>, Fault> {
        self.must_sync = true;
        self.signer
            .as_mut()
            .ok_or_else(|| Fault::Signing("this node has no validator key".into()))
    }

    fn publish_proposal(&mut self, proposal: &SignedProposal) -> Result<(), Fault> {
        let BlockId(id) = proposal.message.value;
        let body = self.running.bodies.get(&id).ok_or_else(|| {
            Fault::Invariant("a proposal is published whose block is not known".into())
        })?;
        let bytes = message::proposal(proposal, Some(body.bytes.clone()));
        let round = number(proposal.message.round);
        let place = self.running.proposals.entry((round, id));
        place.or_insert_with(|| proposal.clone());
        self.publish(bytes);
        Ok(())
    }

    /// Logs an input, once, and the block of a valid value with the first entry that names it.
    fn append(&mut self, input: &CoreInput<Ctx>) -> Result<(), Fault> {
        let mut entry = wal_entry::encode(input)
            .ok_or_else(|| Fault::Invariant("an input that is never logged".into()))?;
        if !self.running.logged.insert(hash::sha256(&entry)) {
            return Ok(());
        }
        if let CoreInput::ProposedValue(value, _) = input
            && value.validity.is_valid()
            && self.running.logged_bodies.insert(value.value.0)
        {
            let body = self.running.bodies.get(&value.value.0).ok_or_else(|| {
                Fault::Invariant("a value is logged whose block is not known".into())
            })?;
            entry.extend_from_slice(&body.bytes);
        }
        self.wal.append(&entry)
    }

    fn decide(&mut self, certificate: &CommitCertificate<Ctx>) -> Result<(), Fault> {
        // The certificate may hold an own signature of this very step.
        self.sync()?;
        let BlockId(id) = certificate.value_id;
        if self.chain.candidate(&id).is_none() {
            self.validate_again(&id)?;
        }
        let mut signatures: Vec<_> = certificate
            .commit_signatures
            .iter()
            .map(|s| ledger::Signature {
                public_key: s.address.0.to_vec(),
                signature: s.signature.to_vec(),
            })
            .collect();
        signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        let round = number(certificate.round);
        self.learn_share(round, &id);
        let certificate = ledger::CommitCertificate {
            height: certificate.height.0,
            round,
            block_id: id.to_vec(),
            signatures,
        };
        self.chain.commit(&id, &certificate)?;
        self.running.decided = true;
        self.announce_commit(round);
        Ok(())
    }

    /// What became of the own blocks of this height, if there were any.
    fn learn_share(&mut self, round: u32, decided: &Hash) {
        for (own_round, id) in &self.running.own_blocks {
            if own_round != &round || id != decided {
                self.share.failed();
            } else if self.running.full_blocks.contains(own_round) {
                self.share.decided();
            }
        }
    }

    /// Tells of the new tip.
    pub fn announce_commit(&mut self, round: u32) {
        let tip = self.chain.tip();
        let committed = Output::Committed {
            height: tip.height,
            block_id: tip.block_id,
            time_ms: tip.time_ms,
            round,
            transactions: tip.header.as_ref().map_or(0, |h| h.transaction_count),
        };
        let announce = message::announce(tip.height);
        self.put(committed);
        self.put(Output::Broadcast(announce));
    }

    fn validate_again(&mut self, id: &Hash) -> Result<(), Fault> {
        let body = self.running.bodies.get(id).ok_or_else(|| {
            Fault::Invariant(format!("the body of block {} is unknown", hex::encode(id)))
        })?;
        let block = Block::decode(&body.bytes).map_err(|e| Fault::Invariant(e.to_string()))?;
        self.chain
            .validate(&block)?
            .map_err(|e| Fault::Invariant(format!("a valid block became invalid: {e}")))
    }
}
