//! Transactions of earlier runs: what the ledger proves of each.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::governance::parameters;
use touchstone_proto::ledger::{MasterData, Parameters};

use super::{ElementOutcome, SentStatement};
use crate::client::Client;
use crate::error::ClientError;
use crate::master_data::{replaced, version_of};

/// What was sent before and may be recorded.
#[derive(Default)]
pub(super) struct EarlierStatements {
    sent: Vec<SentStatement>,
    /// Transactions that are proven to be recorded nowhere, now and later.
    nowhere: BTreeSet<String>,
    parameters: Parameters,
}

impl EarlierStatements {
    pub(super) async fn read(
        client: &mut Client,
        sent: Vec<SentStatement>,
    ) -> Result<EarlierStatements, ClientError> {
        if sent.is_empty() {
            return Ok(EarlierStatements::default());
        }
        let (_, parameters) = client.parameters().await?;
        Ok(EarlierStatements {
            sent,
            nowhere: BTreeSet::new(),
            parameters,
        })
    }

    /// What came of an element, by the record of the version that an earlier transaction states: it names its
    /// transaction. The element's current record is as of a block of this time.
    pub(super) async fn stated(
        &mut self,
        client: &mut Client,
        id: &str,
        record: Option<&MasterData>,
        time_ms: u64,
    ) -> Result<Option<ElementOutcome>, ClientError> {
        let newest = record.map_or(0, version_of);
        for sent in &self.sent {
            let Some(version) = sent.versions.get(id).copied() else {
                continue;
            };
            let found = match record {
                Some(record) if version == newest => record.clone(),
                Some(_) if 0 < version && version < newest => {
                    replaced(client, id, version).await?.1
                }
                // No such version yet, and no later block takes what expired.
                _ => {
                    if time_ms >= parameters::expires_ms(&self.parameters, sent.created_ms) {
                        self.nowhere.insert(sent.transaction.clone());
                    }
                    continue;
                }
            };
            if hex::encode(&found.transaction_id) == sent.transaction {
                let height = found.position.map_or(0, |position| position.height);
                let transaction = found.transaction_id.try_into().unwrap_or_default();
                return Ok(Some(ElementOutcome::Stated {
                    version,
                    transaction,
                    height,
                }));
            }
            // Another transaction took the version.
            self.nowhere.insert(sent.transaction.clone());
        }
        Ok(None)
    }

    /// The time under which to sign: that of an earlier transaction of the same versions that has half of its lifetime
    /// left. It becomes the same transaction, so that a chain that stands still is asked for one.
    pub(super) fn signing_time(&self, versions: &BTreeMap<String, u64>, now_ms: u64) -> u64 {
        let mut same = self.sent.iter().filter(|sent| &sent.versions == versions);
        let is_young = |sent: &&SentStatement| {
            let expires_ms = parameters::expires_ms(&self.parameters, sent.created_ms);
            let half_ms = expires_ms.saturating_sub(sent.created_ms) / 2;
            sent.created_ms <= now_ms && now_ms - sent.created_ms < half_ms
        };
        same.find(is_young).map_or(now_ms, |sent| sent.created_ms)
    }

    /// What is to be remembered from now on: a transaction, once, and those that may be recorded.
    pub(super) fn with(&self, sent: SentStatement, kept: Vec<SentStatement>) -> Vec<SentStatement> {
        let mut kept = kept;
        kept.retain(|kept| !self.nowhere.contains(&kept.transaction));
        if !kept.iter().any(|kept| kept.transaction == sent.transaction) {
            kept.push(sent);
        }
        kept
    }
}
