//! Whether a transaction may come into the pool. What costs little is asked first: the pool's room
//! and the committed state before the signature, so that a stranger's envelopes cost no verifying.

use std::cell::OnceCell;
use std::sync::Arc;

use touchstone_core::hash::Hash;
use touchstone_core::state::StateRead;
use touchstone_core::state::delta::Delta;
use touchstone_core::transaction::{self, Claim, UnverifiedTransaction, VerifiedTransaction};
use touchstone_core::{Fault, Rejection, execution, governance, rules};
use touchstone_proto::ledger::Parameters;

use crate::chain;
use crate::mempool::{Listener, SharedMempool};
use crate::storage::Tip;

/// Bytes of envelopes that wait up to which the events of one more are read as it comes in. A block that takes it then
/// needn't, and nobody waits for that: it is nearly a third of a large capture's execution. What is read takes several
/// times as much memory.
const READ_AHEAD: u64 = 4 << 20;

/// Where a transaction comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A client of this node, and where it hears of the outcome.
    Client(Option<Listener>),
    /// Another node, which may be ahead of this one.
    Peer,
}

/// A pool and the state that its transactions must fit, for some that come together: what one of them reads of the
/// state isn't read again for the next.
pub struct Admission<'a, S: StateRead> {
    chain_id: &'a Hash,
    state: &'a S,
    read: Delta<'a, S>,
    parameters: OnceCell<Parameters>,
    tip: Tip,
    now_ms: u64,
    pool: &'a SharedMempool,
}

impl<'a, S: StateRead> Admission<'a, S> {
    /// Into this pool of this chain, by the committed state after the block `tip`. A block that takes the transactions
    /// is made no earlier than `now_ms`, milliseconds by the node's clock.
    pub fn new(
        chain_id: &'a Hash,
        state: &'a S,
        tip: Tip,
        now_ms: u64,
        pool: &'a SharedMempool,
    ) -> Self {
        Admission {
            chain_id,
            state,
            read: Delta::new(state),
            parameters: OnceCell::new(),
            tip,
            now_ms,
            pool,
        }
    }

    /// Takes an envelope in; none where the transaction is pending already. A client's listener
    /// hears once what becomes of it, unless the answer is a rejection.
    ///
    /// With nothing pending, a client's transaction that breaks a rule now is rejected here and
    /// makes no block. Otherwise it may build on what is pending, and its block decides.
    pub fn admit(
        &self,
        envelope: &[u8],
        source: Source,
    ) -> Result<Result<Option<Arc<VerifiedTransaction>>, Rejection>, Fault> {
        match transaction::read(self.chain_id, envelope) {
            Ok(unverified) => self.admit_read(unverified, source),
            Err(rejection) => Ok(Err(rejection)),
        }
    }

    /// The same for an envelope that has been read.
    pub fn admit_read(
        &self,
        unverified: UnverifiedTransaction,
        source: Source,
    ) -> Result<Result<Option<Arc<VerifiedTransaction>>, Rejection>, Fault> {
        let (listener, is_client) = match source {
            Source::Client(listener) => (listener, true),
            Source::Peer => (None, false),
        };
        let claim = unverified.claim();
        // Equal bytes were verified when they came in. Another signature over the same body is
        // judged by itself: taken for the pending one, it would be told on as valid.
        match self
            .pool
            .join(claim.id, unverified.envelope(), listener.as_ref())
        {
            Ok(true) => return Ok(Ok(None)),
            Ok(false) => {}
            Err(rejection) => return Ok(Err(rejection)),
        }
        if let Err(rejection) = self.check(&claim)? {
            return Ok(Err(rejection));
        }
        let verified = match self.pool.verify(unverified) {
            Ok(verified) => verified,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if is_client && self.pool.is_idle_at(self.tip.height) {
            let block = chain::hypothetical_next_block(self.chain_id, &self.tip, self.now_ms);
            let broken = execution::rejections(self.state, &block, &[&verified])?;
            if let Some((_, rejection)) = broken.into_iter().next() {
                return Ok(Err(rejection));
            }
        }
        let inserted = self.pool.insert(verified, listener);
        if let Ok(Some(transaction)) = &inserted
            && self.pool.size().1 <= READ_AHEAD
        {
            // What can't be read its block refuses.
            let _ = transaction.events();
        }
        Ok(inserted)
    }

    fn check(&self, claim: &Claim<'_>) -> Result<Result<(), Rejection>, Fault> {
        if let Err(full) = self.pool.check_room(claim.organisation, claim.bytes) {
            return Ok(Err(full));
        }
        let parameters = self.parameters()?;
        let block = chain::hypothetical_next_block(self.chain_id, &self.tip, self.now_ms);
        let (height, time_ms) = (block.height, block.time_ms);
        let signer = governance::may_sign(&self.read, parameters, height, time_ms, claim);
        rules::separate(signer.map(drop))
    }

    /// The chain's parameters, decoded once.
    fn parameters(&self) -> Result<&Parameters, Fault> {
        if let Some(known) = self.parameters.get() {
            return Ok(known);
        }
        let read = execution::parameters(&self.read)?;
        Ok(self.parameters.get_or_init(|| read))
    }
}

#[cfg(test)]
mod tests;
