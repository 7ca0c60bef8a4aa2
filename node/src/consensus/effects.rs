//! What Malachite's effects do here: log, sign, verify, publish, decide. Everything that leaves
//! is collected and released only after it is durable.

mod decide;
mod publish;
pub mod wal_append;

use std::collections::BTreeSet;

use arc_malachitebft_core_consensus::{Effect, LivenessMsg, Resumable, Resume, SignedConsensusMsg};
use arc_malachitebft_core_types::{CertificateError, NilOrVal, VoteType};
use touchstone_core::fault::Fault;
use touchstone_core::signing::Verify;
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

use super::block_size::BlockSize;
use super::clock_watch::ClockWatch;
use super::context::{Ctx, number};
use super::height_state::HeightState;
use super::pacemaker::{Pacemaker, Timer};
use super::signature_verification::{Signatures, answer};
use super::vote_signing::VoteSigner;
use super::{ConsensusSettings, Output, equivocation, message, pacemaker};
use crate::chain::Chain;
use crate::storage::wal::Wal;
use crate::storage::{Disk, Store};

/// What effects act on.
pub struct Effects<S: Store, D: Disk> {
    /// The chain at its tip.
    pub chain: Chain<S>,
    /// The write-ahead log.
    pub wal: Wal<D>,
    /// Own signatures; none on a node that only follows.
    pub signer: Option<VoteSigner<D>>,
    /// Others' signatures.
    pub signatures: Signatures,
    /// Timers.
    pub pacemaker: Pacemaker,
    /// The running height.
    pub height: HeightState,
    /// Which clocks disagree.
    pub clocks: ClockWatch,
    /// How large own blocks are.
    pub block_size: BlockSize,
    /// Organisations of whose nodes one was connected and none is.
    pub gone: BTreeSet<String>,
    /// The certificate of the last block, where it was decided here.
    pub tip_certificate: Option<CommitCertificate>,
    /// The time of this step, milliseconds.
    pub now_ms: u64,
    /// What will leave when the step is durable.
    outbox: Vec<Output>,
    /// Whether an own signature or a message that rests on the log waits for a sync.
    must_sync: bool,
}

impl<S: Store, D: Disk> Effects<S, D> {
    /// Nothing runs yet.
    pub fn new(
        settings: ConsensusSettings,
        chain: Chain<S>,
        wal: Wal<D>,
        signer: Option<VoteSigner<D>>,
        verify: Verify,
    ) -> Effects<S, D> {
        let signatures = Signatures::new(*chain.chain_id(), verify);
        Effects {
            chain,
            wal,
            signer,
            signatures,
            pacemaker: Pacemaker::new(settings),
            height: HeightState::default(),
            clocks: ClockWatch::default(),
            block_size: BlockSize::default(),
            gone: BTreeSet::new(),
            tip_certificate: None,
            now_ms: 0,
            outbox: Vec::new(),
            must_sync: false,
        }
    }

    /// Durations and limits.
    pub fn settings(&self) -> &ConsensusSettings {
        self.pacemaker.settings()
    }

    /// Puts an output into the outbox.
    pub fn put(&mut self, output: Output) {
        self.outbox.push(output);
    }

    /// Starts a timer.
    pub fn set_timer(&mut self, timer: Timer) {
        let after_ms = match timer {
            Timer::Ask => self.pacemaker.ask_ms(self.height.asking.asked()),
            Timer::Propose(round) => self.proposal_ms(round),
            _ => self.pacemaker.duration_ms(timer, self.height.proposer()),
        };
        self.set_timer_in(timer, after_ms);
    }

    /// Starts a timer with another duration than its usual one.
    pub fn set_timer_in(&mut self, timer: Timer, after_ms: u64) {
        let token = self.pacemaker.set(timer);
        self.put(Output::SetTimer { token, after_ms });
    }

    /// The step's outputs, after making durable what they rest on.
    pub fn release(&mut self) -> Result<Vec<Output>, Fault> {
        self.sync()?;
        let mut outputs = std::mem::take(&mut self.outbox);
        outputs.retain(|output| match output {
            Output::SetTimer { token, .. } => self.pacemaker.is_running(*token),
            _ => true,
        });
        Ok(outputs)
    }

    /// Makes the step's log and signatures durable. The blocks before come first: the log forgets what led to them
    /// when it begins the next height. The guard comes last: it never knows of a signature that the log has lost.
    fn sync(&mut self) -> Result<(), Fault> {
        if self.must_sync {
            self.chain.settle()?;
            self.wal.sync()?;
            if let Some(signer) = &mut self.signer {
                signer.save()?;
            }
            self.must_sync = false;
        }
        Ok(())
    }

    fn signer(&mut self) -> Result<&mut VoteSigner<D>, Fault> {
        self.must_sync = true;
        self.signer
            .as_mut()
            .ok_or_else(|| Fault::Signing("this node has no validator key".into()))
    }

    /// Handles one effect. An error ends the machine.
    pub fn handle(&mut self, effect: Effect<Ctx>) -> Result<Resume<Ctx>, Fault> {
        Ok(match effect {
            Effect::CancelAllTimeouts(r) => {
                self.pacemaker.cancel_rounds();
                r.resume_with(())
            }
            Effect::CancelTimeout(timeout, r) => {
                if let Some(timer) = pacemaker::timer(&timeout) {
                    self.pacemaker.cancel(timer);
                }
                r.resume_with(())
            }
            Effect::ScheduleTimeout(timeout, r) => {
                if let Some(timer) = pacemaker::timer(&timeout) {
                    self.set_timer(timer);
                }
                r.resume_with(())
            }
            Effect::StartRound(height, round, proposer, _, r) => {
                let (round, now_ms) = (number(round), self.now_ms);
                self.height.start_round(round, proposer.0, now_ms);
                self.ask_for_gone(height.0, round);
                self.set_timer(Timer::Ask);
                r.resume_with(())
            }
            Effect::PublishConsensusMsg(SignedConsensusMsg::Vote(vote), r) => {
                if let (VoteType::Precommit, NilOrVal::Val(_)) =
                    (vote.message.kind, vote.message.value)
                {
                    // Here Malachite prunes what it took in earlier rounds.
                    self.height.logged.forget();
                }
                self.publish(message::vote(&vote));
                self.height.asking.moved();
                self.set_timer(Timer::Ask);
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
                self.height.block_request.ask(number(round));
                r.resume_with(())
            }
            Effect::SignVote(vote, r) => {
                let signer = self.signer()?;
                let (key, signed) = (signer.address().0, signer.vote(vote)?);
                let message = signed.message.signed();
                self.signatures.made(&key, &message, &signed.signature);
                r.resume_with(signed)
            }
            Effect::SignProposal(proposal, r) => {
                let signer = self.signer()?;
                let (key, signed) = (signer.address().0, signer.proposal(proposal)?);
                let message = signed.message.signed();
                self.signatures.made(&key, &message, &signed.signature);
                r.resume_with(signed)
            }
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
                self.wal_append(&input)?;
                r.resume_with(())
            }
            Effect::Decide(certificate, _, r) => {
                self.decide(&certificate)?;
                r.resume_with(())
            }
            Effect::Finalize(_, _, found, r) => {
                let found = equivocation::convert(&found, self.height.validators());
                self.keep_equivocations(found)?;
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

    /// Keeps proofs that validators signed twice, and tells of them.
    pub fn keep_equivocations(&mut self, found: Vec<Misbehaviour>) -> Result<(), Fault> {
        if found.is_empty() {
            return Ok(());
        }
        self.chain.store_mut().keep_misbehaviour(&found)?;
        for one in found {
            self.put(Output::Misbehaviour(one));
        }
        Ok(())
    }
}
