//! Agreement on blocks: Malachite's sans-I/O core, driven by our own loop.
//!
//! [`Machine`] is deterministic. It takes an [`Input`] and the time, and returns [`Output`]s. It
//! has no clock, no randomness, no threads and no network; its only side effects are writes through
//! `storage`. The node runs it over sockets and a real clock, the simulator over a seed.
//!
//! A [`Fault`] from it is final: the caller drops the machine and stops. What it had in mind to
//! publish is gone with it, so nothing leaves that isn't durable. Opening a machine over the same
//! disk walks the same way again.
//!
//! One disk sync per step: what a step logs and signs becomes durable once, before anything of it
//! leaves. Bodies are in the log, so a validator's vote says that the block is on its disk. A decided block is written
//! to the store at once and is durable there before anything of the next height is.
//!
//! This room alone knows Malachite. It must not know sockets, tokio or RocksDB.

mod block_bodies;
mod block_size;
mod block_sync;
mod clock_watch;
mod context;
mod effects;
mod equivocation;
mod future_messages;
mod get_value;
mod gone_proposer;
mod guard_confirmation;
mod height_lifecycle;
mod height_state;
mod lone_wakes;
pub mod message;
mod message_handlers;
mod pacemaker;
mod peers;
mod proposal_validation;
mod proposals;
mod replay;
mod settings;
mod signature_verification;
mod stalled_round;
mod timer_elapsed;
mod vote_signing;
mod wal_entry;

use arc_malachitebft_core_consensus::r#gen::{CoResult, Gen};
use arc_malachitebft_core_consensus::{
    Input as CoreInput, Params, Resume, State, ThresholdParams, ValuePayload, handle,
};
use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;
use touchstone_core::signing::Verify;
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

pub use self::clock_watch::{ClockOffset, ClockReport};
use self::context::{Address, Ctx, Height, Members};
use self::effects::Effects;
use self::future_messages::FutureMessages;
use self::guard_confirmation::GuardConfirmation;
pub use self::guard_confirmation::TagOf;
use self::lone_wakes::LoneWakes;
pub use self::message::MessageRefused;
use self::peers::Peers;
use self::replay::Recovered;
pub use self::settings::ConsensusSettings;
use self::stalled_round::PeerOrganisations;
pub use self::vote_signing::ValidatorKeys;
use self::vote_signing::VoteSigner;
use crate::chain::Chain;
use crate::storage::double_sign_guard::Guard;
use crate::storage::wal::{self, Wal};
use crate::storage::{Disk, Store};

/// A connected peer, by bytes that the caller chooses (its network identity).
pub type PeerTag = Vec<u8>;

/// A timer that was set. Tokens are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerToken(pub u64);

/// What happens to the machine.
#[derive(Clone, Debug)]
pub enum Input {
    /// A peer said something.
    Message {
        /// The connected peer.
        from: PeerTag,
        /// The exact bytes.
        bytes: Vec<u8>,
    },
    /// A timer has elapsed.
    Timer(TimerToken),
    /// The pool has grown.
    Transactions,
    /// A peer's answer to [`Output::FetchBlocks`], ascending by height; empty if it has none.
    Blocks {
        /// The peer.
        from: PeerTag,
        /// Its blocks.
        blocks: Vec<(Block, CommitCertificate)>,
    },
    /// A peer is there.
    PeerConnected(PeerTag),
    /// A peer has gone.
    PeerDisconnected(PeerTag),
}

/// What the caller must do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send to every connected peer.
    Broadcast(Vec<u8>),
    /// Send to one peer.
    Send {
        /// The peer.
        to: PeerTag,
        /// The message.
        bytes: Vec<u8>,
    },
    /// Give [`Input::Timer`] with this token after this time. A timer that is no longer wanted is
    /// recognised when it elapses.
    SetTimer {
        /// The token.
        token: TimerToken,
        /// Milliseconds from now.
        after_ms: u64,
    },
    /// Ask a peer for blocks; answer with [`Input::Blocks`].
    FetchBlocks {
        /// The peer.
        from: PeerTag,
        /// The first wanted.
        from_height: u64,
        /// At most so many.
        limit: u32,
    },
    /// A block is committed: it is in the logs of more than 2/3, and in this node's store.
    Committed {
        /// Its height.
        height: u64,
        /// Its id.
        block_id: Hash,
        /// Its time, milliseconds.
        time_ms: u64,
        /// The round that decided it.
        round: u32,
        /// Its transactions.
        transactions: u64,
    },
    /// A peer's message or block was refused.
    Refused {
        /// The peer.
        peer: PeerTag,
        /// Why.
        reason: MessageRefused,
    },
    /// A validator signed two conflicting messages; the evidence is kept.
    Misbehaviour(Misbehaviour),
    /// Messages come late again and again, or no longer: while they do, small ones shall go over several connections.
    Late(bool),
    /// Which clocks disagree with this node's has changed.
    Clocks(ClockReport),
}

/// What a machine is made of.
pub struct MachineParts<S: Store, D: Disk> {
    /// Durations.
    pub settings: ConsensusSettings,
    /// The chain at its tip.
    pub chain: Chain<S>,
    /// The write-ahead log.
    pub wal: Wal<D>,
    /// What the log held when it was opened.
    pub recovered: wal::RecoveredLog,
    /// The validator's keys and guard; none on a node that only follows.
    pub signer: Option<(ValidatorKeys, Guard<D>)>,
    /// How peers are tagged.
    pub tag_of: TagOf,
    /// How signatures of votes, proposals and certificates are verified.
    pub verify: Verify,
}

/// Why a validator signs nothing at the next height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Its disk was replaced, and too few of the others have said which blocks they have, or this
    /// node doesn't have those yet.
    Unconfirmed,
    /// It may have signed up to this height what it doesn't remember.
    UntilHeight(u64),
}

/// Why a key signs nothing at a height. Where its guard is unknown, that is said of a key that is no validator's, too:
/// the vote on it may be among the blocks that aren't here.
fn silence(is_unconfirmed: bool, height: u64, muted_until: Option<u64>) -> Option<Silence> {
    if is_unconfirmed {
        return Some(Silence::Unconfirmed);
    }
    let until = muted_until.filter(|until| height <= *until)?;
    Some(Silence::UntilHeight(until))
}

/// The consensus machine.
pub struct Machine<S: Store, D: Disk> {
    /// Malachite's state.
    core: State<Ctx>,
    /// Everything its effects act on.
    effects: Effects<S, D>,
    /// Connected peers and how far they are.
    peers: Peers,
    /// Who runs them.
    peer_organisations: PeerOrganisations,
    /// Messages of heights after the next.
    future_messages: FutureMessages,
    /// Votes of the next height that don't begin it.
    held_votes: FutureMessages,
    /// Whose votes these are.
    lone_wakes: LoneWakes,
    /// The log's entries until they are replayed.
    recovered: Option<Recovered>,
    /// This node signs nothing up to this height: its guard knows, or must expect, signatures there that the log
    /// doesn't know.
    muted_until: u64,
    /// Set while even that isn't known, since the guard's disk is new.
    guard_confirmation: Option<GuardConfirmation>,
    /// Whether Malachite runs the next height.
    is_running: bool,
    /// When the pool was first seen filled since it was last empty.
    pool_filled_ms: Option<u64>,
    /// When the tip last moved.
    tip_ms: u64,
    has_failed: bool,
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Opens the machine and walks again through what the log holds of the next height.
    pub fn open(
        parts: MachineParts<S, D>,
        now_ms: u64,
    ) -> Result<(Machine<S, D>, Vec<Output>), Fault> {
        let chain_id = *parts.chain.chain_id();
        let validators = parts.chain.validators();
        let mut signer = parts
            .signer
            .map(|(keys, guard)| VoteSigner::new(keys, guard, chain_id, validators));
        let own = signer.as_ref().map(VoteSigner::address);
        let address = own.unwrap_or(Address([0; 32]));
        let core = core_between_heights(&parts.chain, own);
        let recovered = Recovered::read(parts.recovered, &address)?;
        let log = parts.wal.identity()?;
        let lost_until = signer.as_mut().map_or(0, |signer| signer.follow(log));
        let muted_until = replay::muted_until(signer.as_ref(), recovered.as_ref(), &chain_id);
        let muted_until = muted_until.max(lost_until);
        let is_unknown = signer.as_ref().is_some_and(VoteSigner::is_unknown);
        let guard_confirmation = is_unknown.then(|| GuardConfirmation::new(parts.tag_of));
        let mut machine = Machine {
            core,
            effects: Effects::new(parts.settings, parts.chain, parts.wal, signer, parts.verify),
            peers: Peers::default(),
            peer_organisations: PeerOrganisations::new(parts.tag_of),
            future_messages: FutureMessages::default(),
            held_votes: FutureMessages::default(),
            lone_wakes: LoneWakes::default(),
            recovered,
            muted_until,
            guard_confirmation,
            is_running: false,
            pool_filled_ms: None,
            tip_ms: now_ms,
            has_failed: false,
        };
        machine.effects.now_ms = now_ms;
        machine.effects.set_timer(pacemaker::Timer::Announce);
        machine.await_height()?;
        machine.run_pending()?;
        let outputs = machine.effects.release()?;
        Ok((machine, outputs))
    }

    /// Handles an input at a time (milliseconds since 1970-01-01T00:00:00Z by this node's clock).
    /// After a fault, every further call fails.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Result<Vec<Output>, Fault> {
        if self.has_failed {
            return Err(Fault::Invariant("the machine has failed before".into()));
        }
        self.effects.now_ms = now_ms;
        let result = self
            .step(input)
            .and_then(|()| self.run_pending())
            .and_then(|()| self.effects.release());
        self.has_failed = result.is_err();
        result
    }

    /// The height that is agreed on next: the tip's plus one.
    pub fn height(&self) -> u64 {
        self.effects.chain.tip().height + 1
    }

    /// The round of a running height; none while the next height waits.
    pub fn round(&self) -> Option<u32> {
        self.is_running.then_some(self.effects.height.round())
    }

    /// The chain.
    pub fn chain(&self) -> &Chain<S> {
        &self.effects.chain
    }

    /// The public half of the key that this node votes with, or would if it were a validator's.
    pub fn voting_key(&self) -> Option<[u8; 32]> {
        self.effects.signer.as_ref().map(|s| s.address().0)
    }

    /// Whether this node may vote on the next height.
    pub fn is_validator(&self) -> bool {
        let set = self.effects.chain.validators();
        self.effects
            .signer
            .as_ref()
            .is_some_and(|s| set.get(&s.address().0).is_some())
    }

    /// Why this node's key signs nothing at the next height; none if it does, or is no validator's and its guard known.
    pub fn silence(&self) -> Option<Silence> {
        let until = self.effects.wal.height().saturating_sub(1);
        let muted_until = self.is_validator().then(|| self.muted_until.max(until));
        silence(
            self.guard_confirmation.is_some(),
            self.height(),
            muted_until,
        )
    }

    /// Which validators' clocks disagree with this node's.
    pub fn clocks(&self) -> &ClockReport {
        self.effects.clocks.report()
    }

    /// Whether a peer has a block that this node lacks, as far as peers are to be believed.
    pub fn is_syncing(&self) -> bool {
        self.peers.highest() > self.effects.chain.tip().height
    }

    /// Organisations whose validators aren't heard at the height under way, this node's own aside.
    pub fn unheard(&self) -> Vec<String> {
        let own = self.effects.signer.as_ref().map(|s| s.address().0);
        let validators = self.effects.chain.validators().iter();
        let request = &self.effects.height.block_request;
        validators
            .filter(|v| Some(v.public_key) != own && !request.has_heard(&v.public_key))
            .map(|v| v.organisation.clone())
            .collect()
    }

    /// Ed25519 verifications of votes, proposals and certificates so far; each distinct one of a
    /// height is verified once, and own ones not at all.
    pub fn verifications(&self) -> u64 {
        self.effects.signatures.verified()
    }

    fn step(&mut self, input: Input) -> Result<(), Fault> {
        match input {
            Input::Message { from, bytes } => self.on_bytes(&from, &bytes),
            Input::Timer(token) => match self.effects.pacemaker.take(token) {
                Some(timer) => self.on_timer(timer),
                None => Ok(()),
            },
            Input::Transactions => self.on_transactions(),
            Input::Blocks { from, blocks } => self.on_blocks(&from, &blocks),
            Input::PeerConnected(peer) => {
                self.on_connected(&peer);
                self.note_gone()
            }
            Input::PeerDisconnected(peer) => {
                self.on_disconnected(&peer);
                self.note_gone()
            }
        }
    }

    /// Feeds Malachite. The first effect that fails ends it: the state is then half-way and must
    /// not be used again.
    fn feed(&mut self, input: CoreInput<Ctx>) -> Result<(), Fault> {
        let core = &mut self.core;
        let mut generator = Gen::new(|co| handle(co, core, &(), input));
        let mut result = generator.resume_with(Resume::Start);
        loop {
            match result {
                CoResult::Yielded(effect) => {
                    let resume = self.effects.handle(effect)?;
                    result = generator.resume_with(resume);
                }
                CoResult::Complete(result) => {
                    return result.map_err(|e| Fault::Invariant(format!("consensus: {e}")));
                }
            }
        }
    }

    /// Does what has become possible, until nothing is left to do.
    fn run_pending(&mut self) -> Result<(), Fault> {
        loop {
            if self.effects.height.is_decided() {
                self.leave_height()?;
            } else if self.is_running && (self.advance_proposals()? || self.leave_void_round()?) {
                continue;
            } else if let Some((from, message)) = self.future_messages.take(self.height()) {
                self.receive(&from, message)?;
            } else if self.is_running
                && let Some((from, message)) = self.held_votes.take(self.height())
            {
                self.receive(&from, message)?;
            } else {
                return Ok(());
            }
        }
    }

    /// One step of an own or another's proposal, if one can be done.
    fn advance_proposals(&mut self) -> Result<bool, Fault> {
        Ok(self.answer_get_value()? || self.read_due_body()? || self.judge_proposal()?)
    }
}

/// Malachite's state before the next height, of a node that votes with this key.
fn core_between_heights<S: Store>(chain: &Chain<S>, own: Option<Address>) -> State<Ctx> {
    let params = Params {
        address: own.unwrap_or(Address([0; 32])),
        threshold_params: ThresholdParams::default(),
        value_payload: ValuePayload::ProposalAndParts,
        enabled: own.is_some(),
    };
    let height = Height(chain.tip().height);
    let members = Members::new(chain.validators(), chain.turns());
    // Nothing is ever queued inside: messages of future heights wait outside, verified and bounded.
    State::new(Ctx, height, members, params, 1, 1)
}

#[cfg(test)]
pub(crate) mod tests;
