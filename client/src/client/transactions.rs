//! What became of a transaction.

use touchstone_core::hash::Hash;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_proto::node;
use touchstone_proto::node::transaction_status::Status;

use super::{Client, contradiction};
use crate::attested_header::AttestedHeader;
use crate::connection::within;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// A transaction that is proven to stand in a block.
#[derive(Clone, Debug)]
pub struct RecordedTransaction {
    /// Its id.
    pub id: Hash,
    /// The block that holds it.
    pub attested: AttestedHeader,
    /// Index in the block.
    pub index: u32,
    /// The transaction itself.
    pub transaction: VerifiedTransaction,
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub enum TransactionOutcome {
    /// The node doesn't know it.
    Unknown,
    /// It waits for a block.
    Pending,
    /// It is in a block.
    Recorded(Box<RecordedTransaction>),
    /// A rule refuses it (the node's word).
    Rejected(node::Rejected),
}

impl Client {
    /// What became of a transaction. "Recorded" is proven, the rest is the node's word, as of a block that
    /// isn't below what was proven.
    pub async fn transaction(&mut self, id: &Hash) -> Result<TransactionOutcome, ClientError> {
        self.reach_proven().await?;
        self.outcome(id).await
    }

    /// What became of a transaction of one's own, which a node that is behind may not know yet.
    pub async fn outcome(&mut self, id: &Hash) -> Result<TransactionOutcome, ClientError> {
        let mut ledger = self.ledger.clone();
        let request = node::GetTransactionRequest {
            id: id.to_vec(),
            with_proof: true,
        };
        let reply = match within(self.timeout, ledger.get_transaction(request)).await {
            Err(error) if error.is_not_found() => return Ok(TransactionOutcome::Unknown),
            other => other?,
        };
        if reply.id != id {
            return Err(contradiction("the status is of another transaction"));
        }
        match reply.status {
            Some(Status::Unknown(_)) => Ok(TransactionOutcome::Unknown),
            Some(Status::Pending(_)) => Ok(TransactionOutcome::Pending),
            Some(Status::Rejected(rejected)) => Ok(TransactionOutcome::Rejected(rejected)),
            Some(Status::Committed(committed)) => {
                let proof = committed.proof.as_ref();
                self.catch_up(proof.and_then(|p| p.header.as_ref())).await?;
                let (attested, transaction) = self.trust.transaction(id, proof)?;
                self.check_named_since(&attested).await?;
                Ok(TransactionOutcome::Recorded(Box::new(
                    RecordedTransaction {
                        id: *id,
                        attested,
                        index: proof.map_or(0, |p| p.index),
                        transaction,
                    },
                )))
            }
            None => Err(NotVerified::Missing("status").into()),
        }
    }

    /// A block of validators that were replaced since must be named by a later one's state: their keys may be anybody's
    /// by now.
    async fn check_named_since(&mut self, attested: &AttestedHeader) -> Result<(), ClientError> {
        let header = &attested.header;
        if header.height >= self.trust.era_begins() {
            return Ok(());
        }
        // It isn't what was asked about.
        let told = self.as_of().blocks();
        let named = Box::pin(self.past_block(header.height)).await;
        self.as_of().put_back(told);
        match named?.0.header.id() == header.id() {
            true => Ok(()),
            false => Err(contradiction(
                "a later block's state names another block at this height",
            )),
        }
    }
}
