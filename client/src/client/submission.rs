//! Submitting one transaction until it is proven to be recorded. What a node says of it is its
//! word: "recorded" counts with the proof alone, a refusal counts unless the proof is there, and
//! where the node goes away the same bytes are sent again, which records nothing twice.

use std::time::Duration;

use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::ledger;
use touchstone_proto::node::SubmitRequest;
use touchstone_proto::node::transaction_status::Status;

use super::{Client, RecordedTransaction, Signer, TransactionOutcome};
use crate::connection::within;
use crate::error::ClientError;

/// How long to wait before the node is asked again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Client {
    /// Signs one action, submits it and waits until it is proven to be recorded.
    pub async fn act(
        &mut self,
        signer: &Signer,
        created_ms: u64,
        action: ledger::transaction::Action,
    ) -> Result<RecordedTransaction, ClientError> {
        let transaction = ledger::Transaction {
            organisation: signer.organisation.clone(),
            created_ms,
            action: Some(action),
        };
        let envelope = transaction::sign(&signer.key, self.trust.chain_id(), &transaction);
        self.submit(envelope).await
    }

    /// Submits an envelope and waits until it is proven to be recorded. Submitting the same bytes
    /// again is harmless.
    pub async fn submit(&mut self, envelope: Vec<u8>) -> Result<RecordedTransaction, ClientError> {
        let id = transaction::id_of_envelope(self.trust.chain_id(), &envelope)?;
        // What was read before is about another state than the one that follows.
        self.as_of().forget();
        let recorded = self.submit_until_known(&id, envelope).await;
        // At once: the person may ask on before this program ends.
        self.remember();
        recorded
    }

    async fn submit_until_known(
        &mut self,
        id: &Hash,
        envelope: Vec<u8>,
    ) -> Result<RecordedTransaction, ClientError> {
        let began = tokio::time::Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let cause = match self.submit_once(id, envelope.clone()).await {
                Ok(Some(recorded)) => return Ok(*recorded),
                Ok(None) => "the node gives no outcome".to_owned(),
                Err(error) if error.may_pass() => error.to_string(),
                Err(other) => return Err(other),
            };
            if began.elapsed() >= self.timeout {
                let cause = match self.halt().await {
                    Some(why) => format!("the chain has halted, by the node's word: {why}"),
                    None => cause,
                };
                return Err(ClientError::Undecided { id: *id, cause });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Submits once, and asks for the proof; none where the outcome is open.
    async fn submit_once(
        &mut self,
        id: &Hash,
        envelope: Vec<u8>,
    ) -> Result<Option<Box<RecordedTransaction>>, ClientError> {
        let request = SubmitRequest {
            envelope,
            wait: true,
        };
        let mut ledger = self.ledger.clone();
        let reply = within(self.timeout, ledger.submit(request)).await?;
        if let TransactionOutcome::Recorded(recorded) = self.outcome(id).await? {
            return Ok(Some(recorded));
        }
        match reply.status {
            Some(Status::Rejected(r)) if r.code == Rejection::PoolFull.code() => {
                Err(ClientError::PoolFull(r.message))
            }
            Some(Status::Rejected(r)) if r.code != Rejection::AlreadyCommitted.code() => {
                Err(ClientError::refused(&r))
            }
            _ => Ok(None),
        }
    }
}
