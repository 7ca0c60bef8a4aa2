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
use crate::in_order::in_order;
use crate::mempool::{Listener, SharedMempool};
use crate::storage::Tip;

/// Bytes of envelopes that wait up to which the events of one more are read as it comes in. A block that takes it then
/// needn't, and nobody waits for that: it is nearly a third of a large capture's execution. What is read takes several
/// times as much memory.
const READ_AHEAD: u64 = 4 << 20;

/// What becomes of an envelope: taken in, none where it is pending already, or refused.
pub type AdmissionAnswer = Result<Option<Arc<VerifiedTransaction>>, Rejection>;

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
    pub fn admit(&self, envelope: &[u8], source: Source) -> Result<AdmissionAnswer, Fault> {
        let read = transaction::read(self.chain_id, envelope);
        let answer = self.admit_each(vec![(read, source)]).pop();
        let missing = || Fault::Invariant("a transaction was admitted without answer".into());
        answer.unwrap_or_else(|| Err(missing()))
    }

    /// The same for several that a peer has sent, in their order.
    pub fn admit_all(&self, envelopes: &[Vec<u8>]) -> Vec<Result<AdmissionAnswer, Fault>> {
        let read = envelopes.iter();
        let read = read.map(|envelope| transaction::read(self.chain_id, envelope));
        self.admit_each(read.map(|read| (read, Source::Peer)).collect())
    }

    /// The same for several envelopes that have been read, in their order: their signatures are verified together.
    pub fn admit_each(
        &self,
        envelopes: Vec<(Result<UnverifiedTransaction, Rejection>, Source)>,
    ) -> Vec<Result<AdmissionAnswer, Fault>> {
        let mut answers = Vec::with_capacity(envelopes.len());
        let (mut unverified, mut sources) = (Vec::new(), Vec::new());
        for (read, source) in envelopes {
            let read = match read {
                Ok(read) => read,
                Err(rejection) => {
                    answers.push(Some(Ok(Err(rejection))));
                    continue;
                }
            };
            let examined = self.examine(&read, &source).transpose();
            if examined.is_none() {
                unverified.push(read);
                sources.push(source);
            }
            answers.push(examined);
        }
        let verified = self.pool.verify_each(unverified).into_iter();
        let inserted = verified
            .zip(sources)
            .map(|(verified, source)| match verified {
                Ok(verified) => self.insert(verified, source),
                Err(rejection) => Ok(Err(rejection)),
            });
        in_order(answers, inserted).collect()
    }

    /// The answer that needs no look at the signature, if there is one.
    fn examine(
        &self,
        unverified: &UnverifiedTransaction,
        source: &Source,
    ) -> Result<Option<AdmissionAnswer>, Fault> {
        let listener = match source {
            Source::Client(listener) => listener.as_ref(),
            Source::Peer => None,
        };
        let claim = unverified.claim();
        // Equal bytes were verified when they came in. Another signature over the same body is
        // judged by itself: taken for the pending one, it would be told on as valid.
        match self.pool.join(claim.id, unverified.envelope(), listener) {
            Ok(true) => return Ok(Some(Ok(None))),
            Ok(false) => {}
            Err(rejection) => return Ok(Some(Err(rejection))),
        }
        Ok(self.check(&claim)?.err().map(Err))
    }

    /// Puts a verified transaction into the pool, unless it breaks a rule of those that are asked here.
    fn insert(
        &self,
        verified: VerifiedTransaction,
        source: Source,
    ) -> Result<AdmissionAnswer, Fault> {
        let (listener, is_client) = match source {
            Source::Client(listener) => (listener, true),
            Source::Peer => (None, false),
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
