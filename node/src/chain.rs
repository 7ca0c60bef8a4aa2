//! The chain as this node holds it: building, validating and committing blocks over a store.
//! Consensus asks, this answers; it knows nothing of rounds, votes or peers.

mod execution_pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_core::block::{Block, MAX_TIME_MS};
use touchstone_core::commit_certificate::{self, CertificateError};
use touchstone_core::execution::{self, BlockContext, Executed, InvalidBlock};
use touchstone_core::governance::proposer_turns::ProposerTurns;
use touchstone_core::governance::protocol;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_core::signing::Verify;
use touchstone_core::state::keys;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_proto::ledger::{CommitCertificate, Parameters};

use self::execution_pace::ExecutionPace;
use crate::mempool::SharedMempool;
use crate::storage::{Commit, Store, Tip};

/// Candidate blocks of the next height that are kept with their effects.
const MAX_CANDIDATES: usize = 64;

/// What a block passed over is examined after it up to this share of the block's bytes: execution grows with them.
const EXAMINED_SHARE: u64 = 8;

/// Bytes that are examined after any block, however small.
const MIN_EXAMINED_BYTES: u64 = 16 << 10;

/// How often candidates are drawn for one block, and up to how many refused bytes: a proposer's time is limited.
const MAX_DRAWS: usize = 4;
const MAX_REFUSED_BYTES: u64 = 256 << 10;

/// The chain over its store.
pub struct Chain<S: Store> {
    chain_id: Hash,
    store: S,
    mempool: SharedMempool,
    tip: Tip,
    validators: ValidatorSet,
    turns: ProposerTurns,
    parameters: Parameters,
    /// Valid blocks of the next height with their effects, by block id.
    candidates: BTreeMap<Hash, Candidate>,
    /// Blocks committed since opening that changed organisations or validators.
    consortium_changes: u64,
    /// What waits in lower places of the pool was there when the tip was proposed.
    passed_over: u64,
    /// How fast this node executes.
    pace: ExecutionPace,
}

struct Candidate {
    block: Block,
    /// Its transactions, verified and read.
    transactions: Transactions,
    executed: Executed,
}

type Transactions = Vec<Arc<VerifiedTransaction>>;

/// How much a block of ours may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLimits {
    /// Bytes of its transactions; the first may have more.
    pub bytes: u64,
    /// Transactions.
    pub transactions: u64,
}

impl BlockLimits {
    /// All that the chain allows.
    pub fn of(parameters: &Parameters) -> BlockLimits {
        BlockLimits {
            bytes: parameters.max_block_bytes,
            transactions: parameters.max_block_transactions,
        }
    }
}

/// Why a block can't follow the tip.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Invalid {
    /// Another chain.
    #[error("the block is of another chain")]
    Chain,
    /// Another height.
    #[error("the block is at height {found}, the next one is {expected}")]
    Height {
        /// Tip + 1.
        expected: u64,
        /// Its height.
        found: u64,
    },
    /// Another parent.
    #[error("the block's parent is not the tip")]
    Parent,
    /// Time doesn't go on.
    #[error("the block's time {found} is not after its parent's {parent}")]
    Time {
        /// Parent's time, milliseconds.
        parent: u64,
        /// Its time.
        found: u64,
    },
    /// Later than any time that can be written.
    #[error("the block's time {0} is after the year 9999")]
    TimeTooLate(u64),
    /// Made by a stranger.
    #[error("the block's proposer is not a validator")]
    Proposer,
    /// A transaction's envelope or signature is wrong.
    #[error("transaction {index} of the block: {rejection}")]
    Transaction {
        /// Index in the block.
        index: usize,
        /// The rule.
        rejection: Rejection,
    },
    /// Execution gives something else.
    #[error(transparent)]
    Execution(#[from] InvalidBlock),
    /// The certificate doesn't prove it.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl<S: Store> Chain<S> {
    /// Opens the chain at the store's tip.
    pub fn open(chain_id: Hash, store: S, mempool: SharedMempool) -> Result<Chain<S>, Fault> {
        let tip = store.tip();
        let validators = execution::validators(&store)?;
        let turns = ProposerTurns::current(&store)?;
        let parameters = execution::parameters(&store)?;
        protocol::check_supported(&store, tip.height.saturating_add(1))?;
        Ok(Chain {
            chain_id,
            store,
            mempool,
            tip,
            validators,
            turns,
            parameters,
            candidates: BTreeMap::new(),
            consortium_changes: 0,
            passed_over: 0,
            pace: ExecutionPace::default(),
        })
    }

    /// The same that measures by a clock how fast it executes, so that a flood by one organisation doesn't hold up the
    /// others' transactions.
    pub fn measured(mut self, clock: fn() -> Instant) -> Chain<S> {
        self.pace = ExecutionPace::by(clock);
        self
    }

    /// The chain's id.
    pub fn chain_id(&self) -> &Hash {
        &self.chain_id
    }

    /// The last committed block.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The validators of the next height.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// Whose turn it is to propose at the next height.
    pub fn turns(&self) -> &ProposerTurns {
        &self.turns
    }

    /// The chain's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The store, to read from.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store, to keep evidence in.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// The pool that blocks are built from.
    pub fn mempool(&self) -> &SharedMempool {
        &self.mempool
    }

    /// Builds a block on the tip from the pool and keeps its effects. Its time is the clock's, or
    /// just after the parent's if that is later.
    pub fn build(&mut self, now_ms: u64, proposer: [u8; 32]) -> Result<Block, Fault> {
        self.build_within(now_ms, proposer, BlockLimits::of(&self.parameters))
    }

    /// The same with less in it than the chain allows.
    pub fn build_within(
        &mut self,
        now_ms: u64,
        proposer: [u8; 32],
        limits: BlockLimits,
    ) -> Result<Block, Fault> {
        let context = BlockContext {
            proposer,
            ..hypothetical_next_block(&self.chain_id, &self.tip, now_ms)
        };
        let (transactions, executed) = self.draw(&context, limits)?;
        let applied = executed.applied.iter();
        let applied: Transactions = applied
            .filter_map(|i| transactions.get(*i).cloned())
            .collect();
        let block = Block {
            header: executed.header.clone(),
            transactions: applied.iter().map(|t| t.envelope().to_vec()).collect(),
        };
        self.keep(Candidate {
            block: block.clone(),
            transactions: applied,
            executed,
        });
        Ok(block)
    }

    /// Executes candidates of the pool. A window of them that all break rules leaves the pool, and another is drawn.
    fn draw(
        &mut self,
        context: &BlockContext,
        limits: BlockLimits,
    ) -> Result<(Transactions, Executed), Fault> {
        let (mut draws, mut refused) = (0, 0);
        loop {
            draws += 1;
            let transactions = self.mempool.candidates(limits.bytes, limits.transactions);
            let refs: Vec<_> = transactions.iter().map(AsRef::as_ref).collect();
            let began = self.pace.begin();
            let mut executed = execution::execute(&self.store, context, &refs)?;
            let is_whole = executed.applied.len() + executed.rejected.len() == transactions.len();
            let began = began.filter(|_| is_whole);
            self.pace.end(began, bytes_of(&transactions));
            let rejected = std::mem::take(&mut executed.rejected);
            let is_spent = executed.applied.is_empty() && !rejected.is_empty();
            refused += self.refuse(context, &transactions, rejected)?;
            if !is_spent || draws == MAX_DRAWS || refused > MAX_REFUSED_BYTES {
                return Ok((transactions, executed));
            }
        }
    }

    /// Settles as rejected those that break a rule on the committed state; their bytes. What only breaks one together
    /// with others waits until those are committed: they may never be.
    fn refuse(
        &self,
        context: &BlockContext,
        transactions: &Transactions,
        rejected: Vec<(usize, Rejection)>,
    ) -> Result<u64, Fault> {
        let mut bytes = 0;
        for (place, (index, rejection)) in rejected.into_iter().enumerate() {
            let Some(transaction) = transactions.get(index) else {
                continue;
            };
            // Where all before it were rejected, nothing of them was there.
            let broken = match place == index {
                true => Some(rejection),
                false => {
                    let alone = [transaction.as_ref()];
                    let broken = execution::rejections(&self.store, context, &alone)?;
                    broken.into_iter().next().map(|(_, rejection)| rejection)
                }
            };
            if let Some(rejection) = broken {
                bytes += transaction.envelope().len() as u64;
                self.mempool.reject(transaction.id(), rejection);
            }
        }
        Ok(bytes)
    }

    /// Checks that a block may follow the tip, and keeps its effects. Whether its time is timely consensus says.
    pub fn validate(&mut self, block: &Block) -> Result<Result<(), Invalid>, Fault> {
        if self.candidates.contains_key(&block.id()) {
            return Ok(Ok(()));
        }
        if let Err(invalid) = self.check_header(block) {
            return Ok(Err(invalid));
        }
        let verified = self.mempool.verify_all(&self.chain_id, &block.transactions);
        let transactions = match verified {
            Ok(transactions) => transactions,
            Err((index, rejection)) => return Ok(Err(Invalid::Transaction { index, rejection })),
        };
        let refs: Vec<_> = transactions.iter().map(AsRef::as_ref).collect();
        let began = self.pace.begin();
        let verified = execution::verify(&self.store, &block.header, &refs)?;
        let began = began.filter(|_| verified.is_ok());
        self.pace.end(began, bytes_of(&transactions));
        match verified {
            Err(invalid) => Ok(Err(invalid.into())),
            Ok(executed) => {
                self.keep(Candidate {
                    block: block.clone(),
                    transactions,
                    executed,
                });
                Ok(Ok(()))
            }
        }
    }

    /// Commits a decided block that [`Chain::build`] or [`Chain::validate`] has kept: one batch, durable after
    /// [`Chain::settle`], then the pool forgets its transactions. What still waits is judged by the clock, which
    /// may be far ahead of a block that was made long ago.
    pub fn commit(
        &mut self,
        id: &Hash,
        certificate: &CommitCertificate,
        now_ms: u64,
    ) -> Result<(), Fault> {
        let Some(candidate) = self.candidates.remove(id) else {
            return Err(Fault::Invariant(format!(
                "block {} was decided but is not validated here",
                hex::encode(id)
            )));
        };
        let transaction_ids: Vec<Hash> = candidate.transactions.iter().map(|t| *t.id()).collect();
        self.store.commit(Commit {
            block: &candidate.block,
            transaction_ids: &transaction_ids,
            transactions: &candidate.transactions,
            certificate,
            executed: &candidate.executed,
        })?;
        self.candidates.clear();
        if changes_consortium(&candidate.executed) {
            self.consortium_changes += 1;
        }
        self.tip = self.store.tip();
        let written = &candidate.executed.writes.values;
        if written.contains_key(keys::PARAMETERS) {
            self.parameters = execution::parameters(&self.store)?;
        }
        if written.contains_key(keys::MISSED_TURNS) {
            self.turns = ProposerTurns::current(&self.store)?;
        }
        self.validators = candidate.executed.next_validators;
        let (height, time_ms) = (self.tip.height, self.tip.time_ms);
        self.mempool.allow(self.pace.bytes_in_a_moment());
        self.mempool.committed(&transaction_ids, height, time_ms);
        self.mempool.expire(&self.parameters, time_ms);
        protocol::check_supported(&self.store, height.saturating_add(1))?;
        let envelopes = candidate.block.transactions.iter();
        let bytes = envelopes.map(|envelope| envelope.len() as u64).sum();
        self.refuse_passed_over(now_ms, bytes)
    }

    /// All committed blocks are durable when this returns.
    pub fn settle(&mut self) -> Result<(), Fault> {
        self.store.settle()
    }

    /// Finds out why a block of so many bytes passed transactions over, so that their submitters hear of it at every
    /// node, whether it proposes or not.
    fn refuse_passed_over(&mut self, now_ms: u64, block_bytes: u64) -> Result<(), Fault> {
        let bytes = (block_bytes / EXAMINED_SHARE).max(MIN_EXAMINED_BYTES);
        let passed_over = self.mempool.passed_over(self.passed_over, bytes);
        self.passed_over = self.mempool.next_place();
        if passed_over.is_empty() {
            return Ok(());
        }
        let context = hypothetical_next_block(&self.chain_id, &self.tip, now_ms);
        let refs: Vec<_> = passed_over.iter().map(AsRef::as_ref).collect();
        let broken = execution::rejections(&self.store, &context, &refs)?;
        self.refuse(&context, &passed_over, broken)?;
        Ok(())
    }

    /// Verifies and commits a block that others decided (block sync): certificate, then the same
    /// validation and the same commit as any block. `holds` verifies the certificate's signatures.
    pub fn import(
        &mut self,
        holds: Verify,
        block: &Block,
        certificate: &CommitCertificate,
        now_ms: u64,
    ) -> Result<Result<(), Invalid>, Fault> {
        let id = block.id();
        if let Err(invalid) = self.check_header(block) {
            return Ok(Err(invalid));
        }
        if let Err(error) = commit_certificate::verify_by(
            holds,
            certificate,
            &self.chain_id,
            block.header.height,
            &id,
            &self.validators,
        ) {
            return Ok(Err(error.into()));
        }
        if let Err(invalid) = self.validate(block)? {
            return Ok(Err(invalid));
        }
        self.commit(&id, certificate, now_ms)?;
        Ok(Ok(()))
    }

    /// How many blocks committed since opening changed organisations or validators: whoever holds
    /// the list of peers looks again when this moves.
    pub fn consortium_changes(&self) -> u64 {
        self.consortium_changes
    }

    /// A block kept for the next height.
    pub fn candidate(&self, id: &Hash) -> Option<&Block> {
        self.candidates.get(id).map(|c| &c.block)
    }

    /// Makes room by dropping any other: consensus keeps the bodies and validates again what is
    /// decided.
    fn keep(&mut self, candidate: Candidate) {
        if self.candidates.len() >= MAX_CANDIDATES {
            self.candidates.pop_first();
        }
        self.candidates.insert(candidate.block.id(), candidate);
    }

    fn check_header(&self, block: &Block) -> Result<(), Invalid> {
        let header = &block.header;
        if header.chain_id != self.chain_id {
            return Err(Invalid::Chain);
        }
        let expected = self.tip.height + 1;
        if header.height != expected {
            return Err(Invalid::Height {
                expected,
                found: header.height,
            });
        }
        if header.parent != self.tip.block_id {
            return Err(Invalid::Parent);
        }
        if header.time_ms <= self.tip.time_ms {
            return Err(Invalid::Time {
                parent: self.tip.time_ms,
                found: header.time_ms,
            });
        }
        if header.time_ms > MAX_TIME_MS {
            return Err(Invalid::TimeTooLate(header.time_ms));
        }
        if self.validators.get(&header.proposer).is_none() {
            return Err(Invalid::Proposer);
        }
        Ok(())
    }
}

/// The block that a proposer would begin on `tip` now; it is never made. Rules judge by its time
/// (deadlines, reported compromises), so the tip's time would be wrong on an idle chain.
pub fn hypothetical_next_block(chain_id: &Hash, tip: &Tip, now_ms: u64) -> BlockContext {
    BlockContext {
        chain_id: *chain_id,
        height: tip.height + 1,
        time_ms: now_ms.max(tip.time_ms.saturating_add(1)),
        parent: tip.block_id,
        proposer: [0; 32],
    }
}

fn bytes_of(transactions: &Transactions) -> u64 {
    transactions.iter().map(|t| t.envelope().len() as u64).sum()
}

fn changes_consortium(executed: &Executed) -> bool {
    let prefix = keys::organisation("");
    executed
        .writes
        .values
        .keys()
        .any(|key| key == keys::VALIDATORS || key.starts_with(&prefix))
}

#[cfg(test)]
mod tests;
