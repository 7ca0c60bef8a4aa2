//! Questions about the ledger, and its answers: submitting, following and querying. Every answer about the state
//! is read from one snapshot, carries its certified header and proof, and is verified here before it is
//! given, or was when it was kept: a node never gives an answer that its own clients would refuse.
//!
//! This room knows no gRPC and no HTTP: each is an adapter over it, which maps [`ServiceError`] once.

mod audience;
pub(crate) mod blocks;
pub mod error;
mod event_reader;
pub(crate) mod evidence;
mod failures;
pub(crate) mod items;
pub(crate) mod limits;
mod link_cache;
pub(crate) mod log_page;
pub(crate) mod proven_state;
pub(crate) mod questions;
pub(crate) mod region_search;
pub(crate) mod state_query;
pub(crate) mod status;
pub(crate) mod submission;
pub(crate) mod trace;
pub(crate) mod transaction_status;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use touchstone_core::Fault;
use touchstone_core::hash::Hash;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_edge::Caller;

use crate::mempool::SharedMempool;
use crate::storage::rocks::StoreReader;
pub use audience::Audience;
pub use error::ServiceError;
pub use failures::FailedAnswers;
pub(crate) use limits::Cancelled;
use limits::{ServiceLimits, WorkQueue};
use link_cache::LinkCache;
use proven_state::HeaderCache;
pub(crate) use proven_state::ProvenState;
use region_search::RegionSearch;
pub use status::{Halt, Progress};

/// What the service works with.
pub struct ServiceParts {
    /// The chain.
    pub chain_id: Hash,
    /// Its name.
    pub chain_name: String,
    /// Exact bytes of its genesis document.
    pub genesis: Vec<u8>,
    /// The store's reading side.
    pub reader: StoreReader,
    /// The pool.
    pub mempool: SharedMempool,
    /// What was taken in here, to be told to the peers.
    pub gossip: mpsc::Sender<Arc<VerifiedTransaction>>,
    /// The node's progress.
    pub progress: watch::Receiver<Progress>,
    /// Counts answers that failed.
    pub failed: FailedAnswers,
}

/// What all calls share, over whatever they come.
pub struct LedgerService {
    pub(crate) parts: ServiceParts,
    pub(crate) limits: ServiceLimits,
    pub(crate) regions: RegionSearch,
    headers: HeaderCache,
    links: LinkCache,
}

impl LedgerService {
    /// With limits of its own.
    pub fn new(parts: ServiceParts) -> LedgerService {
        LedgerService {
            parts,
            limits: ServiceLimits::default(),
            regions: RegionSearch::default(),
            headers: HeaderCache::default(),
            links: LinkCache::default(),
        }
    }

    /// The same whose search for regions takes so many bytes of memory at most.
    #[must_use]
    pub fn searching_within(mut self, memory: u64) -> LedgerService {
        self.regions = RegionSearch::within(memory);
        self
    }

    /// Answers a client's question from one snapshot, off the network's threads.
    pub(crate) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        client: Caller,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let service = self.clone();
        let work = move |cancelled: &Cancelled| question(&service.proven_state(cancelled));
        self.judge(self.limits.reads.run(client, work).await)
    }

    /// Answers a question as [`Self::read`] does, unless its small form has an answer from what is in memory: that is
    /// given on the thread that asks.
    pub(crate) async fn read_small<T: Send + 'static>(
        self: &Arc<Self>,
        client: Caller,
        small: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let cancelled = Cancelled::default();
        let attempt = || small(&self.state_at_hand(&cancelled));
        // What isn't in memory, isn't small or is wrong is left to the question itself.
        if let Some(Ok(answer)) = self.limits.reads.run_here(client, attempt) {
            return Ok(answer);
        }
        self.read(client, question).await
    }

    /// The same, from a snapshot that is taken after a step which the answer must see.
    pub(crate) async fn read_after<T: Send + 'static>(
        self: &Arc<Self>,
        queue: &WorkQueue,
        client: Caller,
        step: impl FnOnce() -> Result<(), Fault> + Send + 'static,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let service = self.clone();
        let work = move |cancelled: &Cancelled| {
            step()?;
            question(&service.proven_state(cancelled))
        };
        self.judge(queue.run(client, work).await)
    }

    /// The same for what may take long.
    pub(crate) async fn read_long<T: Send + 'static>(
        self: &Arc<Self>,
        client: Caller,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let service = self.clone();
        let work = move |cancelled: &Cancelled| question(&service.proven_state(cancelled));
        self.judge(self.limits.long_reads.run(client, work).await)
    }

    /// Notes a failure that is the node's own.
    pub(crate) fn judge<T>(&self, answer: Result<T, ServiceError>) -> Result<T, ServiceError> {
        answer.inspect_err(|error| self.parts.failed.note(error))
    }

    pub(crate) fn proven_state<'a>(&'a self, cancelled: &'a Cancelled) -> ProvenState<'a> {
        ProvenState::new(
            self.parts.reader.snapshot(),
            self.parts.chain_id,
            &self.headers,
            &self.links,
            cancelled,
        )
    }

    /// The same of what is in memory and verified already.
    fn state_at_hand<'a>(&'a self, cancelled: &'a Cancelled) -> ProvenState<'a> {
        let state = ProvenState::new(
            self.parts.reader.snapshot_in_memory(),
            self.parts.chain_id,
            &self.headers,
            &self.links,
            cancelled,
        );
        state.at_hand()
    }
}

#[cfg(test)]
pub(crate) mod tests;
