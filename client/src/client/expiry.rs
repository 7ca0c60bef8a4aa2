//! Transactions whose lifetime is over, such as those that waited for a long outage to end: what proves that one is
//! nowhere and never will be, so that it may be signed afresh.

use touchstone_core::governance::parameters::{self, MAX_AHEAD_MS};
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};

use super::{Client, RecordedTransaction, TransactionOutcome, contradiction};
use crate::error::ClientError;
use crate::items;
use crate::verification::NotVerified;

/// What is proven of a transaction of which a node says that it expired.
pub enum ExpiredTransaction {
    /// It is recorded.
    Recorded(Box<RecordedTransaction>),
    /// It is nowhere, and no later block takes it.
    Nowhere,
    /// By the asker's clock its lifetime isn't over: that clock is behind the chain's, and what it signs afresh
    /// expires as well.
    ClockIsBehind,
}

/// What proves that a transaction is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionTraces {
    /// The event logs of canonical identifiers, one that each of its events names: an event stands in the log of each.
    Events(Vec<String>),
    /// All blocks whose time allows them to hold it: no record names it.
    Blocks,
}

/// Whether a rule's code says that a transaction's lifetime is over.
pub fn is_expiry(code: u32) -> bool {
    let expired = Rejection::Expired {
        created_ms: 0,
        lifetime_ms: 0,
        time_ms: 0,
    };
    code == expired.code()
}

impl Client {
    /// The node says that a transaction expired: its word alone. A block whose time is at the end of the lifetime
    /// proves that no later one takes it; as of that block or a later one, its traces prove that it isn't recorded.
    ///
    /// # Errors
    /// [`ClientError::NotYetExpired`] where no block is late enough; a contradiction where a log or a block holds it.
    pub async fn expired(
        &mut self,
        id: &Hash,
        envelope: &[u8],
        traces: TransactionTraces,
        now_ms: u64,
    ) -> Result<ExpiredTransaction, ClientError> {
        if let TransactionOutcome::Recorded(recorded) = self.outcome(id).await? {
            return Ok(ExpiredTransaction::Recorded(recorded));
        }
        let created_ms = transaction::read(self.trust().chain_id(), envelope)?
            .claim()
            .created_ms;
        let (attested, parameters) = self.parameters().await?;
        let expires_ms = parameters::expires_ms(&parameters, created_ms);
        if now_ms <= expires_ms {
            return Ok(ExpiredTransaction::ClockIsBehind);
        }
        let time_ms = attested.header.time_ms;
        if time_ms < expires_ms {
            return Err(ClientError::NotYetExpired {
                time_ms,
                expires_ms,
            });
        }
        let is_recorded = match traces {
            TransactionTraces::Events(mut names) => {
                names.sort_unstable();
                names.dedup();
                let logs = items::fetch_all(self, &names).await?;
                let mut recorded = logs.iter().flat_map(|log| &log.events);
                recorded.any(|event| event.entry.transaction_id == id)
            }
            TransactionTraces::Blocks => {
                let from_ms = created_ms.saturating_sub(MAX_AHEAD_MS);
                let tip = attested.header.height;
                self.is_in_blocks(id, tip, from_ms, expires_ms).await?
            }
        };
        match is_recorded {
            true => Err(NotVerified::Contradiction(format!(
                "the node says that transaction {} expired, but it is recorded",
                hex::encode(id)
            ))
            .into()),
            false => Ok(ExpiredTransaction::Nowhere),
        }
    }

    /// Whether one of the blocks up to `tip` whose times are in this span holds a transaction. Each is checked to be
    /// whole, and none is left out. However many they are: where they weren't read to the end, whoever waits for the
    /// answer would wait for ever.
    async fn is_in_blocks(
        &mut self,
        id: &Hash,
        tip: u64,
        from_ms: u64,
        until_ms: u64,
    ) -> Result<bool, ClientError> {
        // Times ascend with heights.
        let (mut first, mut last) = (1, tip);
        while first < last {
            let middle = first + (last - first) / 2;
            let (attested, _) = self.block(middle, false).await?;
            match attested.header.time_ms < from_ms {
                true => first = middle + 1,
                false => last = middle,
            }
        }
        let mut blocks = self.blocks_from(first, true).await?;
        for height in first..=tip {
            let reply = blocks.next_soon().await?;
            let attested = self.checked_block(&reply, true).await?;
            if attested.header.height != height {
                return Err(contradiction("the stream leaves out a block"));
            }
            if attested.header.time_ms > until_ms {
                return Ok(false);
            }
            let chain_id = *self.trust().chain_id();
            let mut ids = reply.transactions.iter();
            if ids.any(|bytes| transaction::id_of_envelope(&chain_id, bytes).as_ref() == Ok(id)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
