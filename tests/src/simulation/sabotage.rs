//! Bugs on purpose, each at a seam of the simulation: what is broken is around the machines, never in them, so nothing
//! that ships knows of it. The checks must notice every one.

use std::collections::BTreeSet;

use touchstone_core::hash::Hash;
use touchstone_core::signing::{Purpose, Verify};
use touchstone_node::consensus::{ConsensusSettings, Output, message};

use super::checks::Broken;
use super::plan::{Byzantine, FaultPlan, NewGuard, Plan};
use super::process::Process;
use super::verification;
use super::world::World;
use crate::testkit::memory_disk::FalseSync;
use crate::testkit::memory_store::Flaw;

/// Timers that are set further ahead than this are heartbeats, milliseconds.
const HEARTBEAT_MS: u64 = 30_000;
/// How much the clocks differ that are wrong, milliseconds.
const HOUR_MS: i64 = 3_600_000;

/// What is broken on purpose, to see that the checks notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sabotage {
    /// The write-ahead log is gone after every crash.
    LostLog,
    /// The log is gone after every crash, and the guard permits everything again.
    IgnoredGuard,
    /// A replaced disk gets a guard that permits everything.
    BlankGuard,
    /// Two processes of one honest validator run at once.
    IgnoredLock,
    /// A sync reports success and does nothing.
    SkippedSync,
    /// A sync of the log alone does nothing.
    SkippedLogSync,
    /// A sync makes durable what was there at the sync before.
    LateSync,
    /// Committed blocks never become durable in the store.
    UnsettledStore,
    /// Evidence of contradictions is thrown away.
    ForgottenEvidence,
    /// Evidence names an honest validator.
    ForgedEvidence,
    /// Evidence is passed on without a signature that holds.
    UnprovenEvidence,
    /// Half of the voting power colludes, so that an honest third is enough for a quorum: what a
    /// machine with a threshold of one third would do.
    QuorumOfAThird,
    /// Votes and proposals are accepted without a look at their signatures.
    UncheckedSignatures,
    /// One validator's proposals never leave it.
    LostProposals,
    /// Nothing is said twice.
    LostRebroadcasts,
    /// Blocks are never fetched from others.
    IgnoredFetches,
    /// Some timers never elapse.
    LostTimers,
    /// Timers elapse at once.
    EarlyTimers,
    /// An idle chain makes no block.
    LostHeartbeats,
    /// An idle chain makes blocks all the time.
    EagerHeartbeats,
    /// Clocks differ by hours.
    WrongClocks,
    /// A client is told "committed" when its transaction is pending.
    EarlyAcknowledgement,
    /// A commit leaves a value of the state out.
    LostValue,
    /// A commit leaves out who missed its turn to propose.
    ForgottenTurns,
    /// A commit leaves a node of the tree out.
    LostNode,
    /// The store doesn't know which transactions it has.
    ForgottenTransactions,
    /// Certificates are kept without some of their signatures.
    CutCertificates,
    /// Blocks are kept without their last transaction.
    CutBlocks,
}

impl Sabotage {
    /// All of it.
    pub const ALL: [Sabotage; 28] = [
        Sabotage::LostLog,
        Sabotage::IgnoredGuard,
        Sabotage::BlankGuard,
        Sabotage::IgnoredLock,
        Sabotage::SkippedSync,
        Sabotage::SkippedLogSync,
        Sabotage::LateSync,
        Sabotage::UnsettledStore,
        Sabotage::ForgottenEvidence,
        Sabotage::ForgedEvidence,
        Sabotage::UnprovenEvidence,
        Sabotage::QuorumOfAThird,
        Sabotage::UncheckedSignatures,
        Sabotage::LostProposals,
        Sabotage::LostRebroadcasts,
        Sabotage::IgnoredFetches,
        Sabotage::LostTimers,
        Sabotage::EarlyTimers,
        Sabotage::LostHeartbeats,
        Sabotage::EagerHeartbeats,
        Sabotage::WrongClocks,
        Sabotage::EarlyAcknowledgement,
        Sabotage::LostValue,
        Sabotage::ForgottenTurns,
        Sabotage::LostNode,
        Sabotage::ForgottenTransactions,
        Sabotage::CutCertificates,
        Sabotage::CutBlocks,
    ];

    /// Its name on the command line, and the rules of which one at least must be seen to be broken.
    fn row(self) -> (&'static str, &'static [Broken]) {
        use Broken::{
            Agreement, DoubleSign, Durability, FalseAccusation, Idleness, Liveness,
            MissedAccusation, NodeFailure, SlowRound, StateRoot, Validity,
        };
        match self {
            Sabotage::LostLog => ("lost-log", &[Liveness]),
            Sabotage::IgnoredGuard => ("ignored-guard", &[DoubleSign]),
            Sabotage::BlankGuard => ("blank-guard", &[DoubleSign]),
            Sabotage::IgnoredLock => ("ignored-lock", &[DoubleSign]),
            Sabotage::SkippedSync => ("skipped-sync", &[Durability]),
            Sabotage::SkippedLogSync => ("skipped-log-sync", &[Durability]),
            Sabotage::LateSync => ("late-sync", &[Durability]),
            Sabotage::UnsettledStore => ("unsettled-store", &[Liveness, Durability]),
            Sabotage::ForgottenEvidence => ("forgotten-evidence", &[MissedAccusation]),
            Sabotage::ForgedEvidence => ("forged-evidence", &[FalseAccusation]),
            Sabotage::UnprovenEvidence => ("unproven-evidence", &[FalseAccusation]),
            Sabotage::QuorumOfAThird => ("quorum-of-a-third", &[Agreement]),
            Sabotage::UncheckedSignatures => ("unchecked-signatures", &[Validity, FalseAccusation]),
            Sabotage::LostProposals => ("lost-proposals", &[SlowRound]),
            Sabotage::LostRebroadcasts => ("lost-rebroadcasts", &[Liveness]),
            Sabotage::IgnoredFetches => ("ignored-fetches", &[Liveness]),
            Sabotage::LostTimers => ("lost-timers", &[Liveness, Idleness, SlowRound]),
            Sabotage::EarlyTimers => ("early-timers", &[SlowRound, Idleness]),
            Sabotage::LostHeartbeats => ("lost-heartbeats", &[Idleness]),
            Sabotage::EagerHeartbeats => ("eager-heartbeats", &[Idleness]),
            Sabotage::WrongClocks => ("wrong-clocks", &[SlowRound, Liveness]),
            Sabotage::EarlyAcknowledgement => ("early-acknowledgement", &[Durability]),
            Sabotage::LostValue => ("lost-value", &[StateRoot, Validity]),
            Sabotage::ForgottenTurns => ("forgotten-turns", &[StateRoot, Validity]),
            Sabotage::LostNode => ("lost-node", &[NodeFailure]),
            Sabotage::ForgottenTransactions => ("forgotten-transactions", &[Validity, Durability]),
            Sabotage::CutCertificates => ("cut-certificates", &[Validity]),
            Sabotage::CutBlocks => ("cut-blocks", &[Validity]),
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// Whether the breaking of this rule is how it shows.
    pub fn shows_as(self, broken: Broken) -> bool {
        self.row().1.contains(&broken)
    }

    /// A run in which it should show.
    pub fn plan(self, seed: u64) -> Plan {
        let plan = match self {
            // On a network without faults nothing else makes a round slow.
            Sabotage::LostProposals
            | Sabotage::EarlyTimers
            | Sabotage::LostHeartbeats
            | Sabotage::EagerHeartbeats
            | Sabotage::WrongClocks => Plan::calm(4, seed),
            Sabotage::BlankGuard => {
                Plan::new(4, 9 << 32 | seed).with_replaced_disk(NewGuard::Blank)
            }
            _ => Plan::new(4, seed),
        };
        plan.sabotaged(self)
    }

    /// The faults by which it can show.
    pub fn adapt(self, plan: &Plan, faults: &mut FaultPlan) {
        match self {
            Sabotage::QuorumOfAThird => {
                faults.byzantine = vec![Byzantine::Twins; plan.validators / 2];
            }
            Sabotage::IgnoredLock => faults.byzantine = vec![Byzantine::Twins],
            Sabotage::ForgottenEvidence | Sabotage::ForgedEvidence | Sabotage::UnprovenEvidence => {
                faults.byzantine = vec![Byzantine::Equivocator];
            }
            Sabotage::UncheckedSignatures => faults.byzantine = vec![Byzantine::Forger],
            Sabotage::LostLog
            | Sabotage::IgnoredGuard
            | Sabotage::SkippedSync
            | Sabotage::SkippedLogSync
            | Sabotage::LateSync
            | Sabotage::UnsettledStore => {
                // The harm must come from honest nodes that crash.
                faults.byzantine.clear();
                faults.crash_pause_ms = 1_500;
                faults.blackouts = 3;
                faults.cut = 5;
            }
            _ => {}
        }
    }

    /// Breaks what is around one process at its beginning.
    pub(super) fn fit(self, index: usize, process: &mut Process) {
        match self {
            Sabotage::SkippedSync => process.disk.lie(FalseSync::Skipped),
            Sabotage::SkippedLogSync => process.disk.lie(FalseSync::SkippedFor("wal")),
            Sabotage::LateSync => process.disk.lie(FalseSync::Late),
            Sabotage::ForgottenEvidence => process.store.ignore_misbehaviour(),
            Sabotage::LostValue => process.store.spoil(Flaw::LosesValue),
            Sabotage::ForgottenTurns => process.store.spoil(Flaw::LosesTurns),
            Sabotage::LostNode => process.store.spoil(Flaw::LosesNode),
            Sabotage::ForgottenTransactions => process.store.spoil(Flaw::ForgetsTransactions),
            Sabotage::CutCertificates => process.store.spoil(Flaw::CutsCertificates),
            Sabotage::CutBlocks => process.store.spoil(Flaw::CutsBlocks),
            Sabotage::UnsettledStore => process.store.spoil(Flaw::NeverSettles),
            Sabotage::WrongClocks => process.clock_shift_ms += HOUR_MS * index as i64,
            _ => {}
        }
    }

    /// How machines verify signatures.
    pub(super) fn verify(sabotage: Option<Sabotage>) -> Verify {
        match sabotage {
            Some(Sabotage::UncheckedSignatures) => believe,
            _ => verification::verify,
        }
    }

    /// The durations of machines.
    pub(super) fn settings(sabotage: Option<Sabotage>) -> ConsensusSettings {
        let settings = ConsensusSettings::default();
        match sabotage {
            Some(Sabotage::EagerHeartbeats) => ConsensusSettings {
                heartbeat_ms: settings.heartbeat_ms / 10,
                ..settings
            },
            _ => settings,
        }
    }
}

/// Takes every signature for genuine.
fn believe(_: &[u8; 32], _: Purpose, _: &Hash, _: &[u8], _: &[u8; 64]) -> bool {
    true
}

impl World {
    /// What becomes of the outputs of an honest machine.
    pub(super) fn sabotaged(&mut self, process: usize, mut outputs: Vec<Output>) -> Vec<Output> {
        let Some(sabotage) = self
            .plan
            .sabotage
            .filter(|_| self.processes[process].is_honest)
        else {
            return outputs;
        };
        let accused = self.honest_key();
        match sabotage {
            Sabotage::LostProposals if self.honest().next() == Some(process) => {
                outputs.retain(|output| match output {
                    Output::Broadcast(bytes) | Output::Send { bytes, .. } => !is_proposal(bytes),
                    _ => true,
                });
            }
            Sabotage::LostRebroadcasts => {
                let said: &mut BTreeSet<Vec<u8>> = &mut self.processes[process].said;
                outputs.retain(|output| match output {
                    Output::Broadcast(bytes) => said.insert(bytes.clone()),
                    _ => true,
                });
            }
            Sabotage::IgnoredFetches => {
                outputs.retain(|output| !matches!(output, Output::FetchBlocks { .. }));
            }
            Sabotage::LostTimers => outputs.retain(|output| match output {
                Output::SetTimer { .. } => !self.random.permille(300),
                _ => true,
            }),
            Sabotage::LostHeartbeats => outputs.retain(|output| {
                !matches!(output, Output::SetTimer { after_ms, .. } if *after_ms > HEARTBEAT_MS)
            }),
            Sabotage::EarlyTimers => {
                for output in &mut outputs {
                    if let Output::SetTimer { after_ms, .. } = output {
                        *after_ms = (*after_ms).min(1 + *after_ms / 100);
                    }
                }
            }
            Sabotage::ForgedEvidence | Sabotage::UnprovenEvidence => {
                for output in &mut outputs {
                    if let Output::Misbehaviour(evidence) = output {
                        if sabotage == Sabotage::ForgedEvidence {
                            evidence.validator = accused.to_vec();
                        } else {
                            evidence.second_signature = vec![0; 64];
                        }
                    }
                }
            }
            _ => {}
        }
        outputs
    }

    /// The key of an honest validator.
    fn honest_key(&self) -> [u8; 32] {
        let key = self.honest().find_map(|p| self.processes[p].key.as_ref());
        key.map_or([0; 32], |key| key.verifying_key().to_bytes())
    }
}

fn is_proposal(bytes: &[u8]) -> bool {
    matches!(message::decode(bytes), Ok(message::Message::Proposal(..)))
}
