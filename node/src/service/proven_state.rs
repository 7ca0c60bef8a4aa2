//! What one question sees: the chain after one block, and headers whose certificates are verified, each
//! once for many questions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use touchstone_core::Fault;
use touchstone_core::block::Header;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::proof::header::{self, TrustingRange};
use touchstone_core::proof::page::LinkRead;
use touchstone_proto::node::{CertifiedHeader, StateProof, ValidatorSetChange};

use super::error::{ServiceError, unproven};
use super::limits::Cancelled;
use super::link_cache::LinkCache;
use crate::storage::rocks::Snapshot;

/// Verified headers that are kept: some 10 KB each with a hundred validators.
const HEADERS: usize = 256;

/// The chain after one block.
pub struct ProvenState<'a> {
    /// Its rows.
    pub snapshot: Snapshot<'a>,
    /// The chain.
    pub chain_id: Hash,
    /// Whether who asks has gone.
    pub cancelled: &'a Cancelled,
    /// Links that were answered before.
    pub links: &'a LinkCache,
    headers: &'a HeaderCache,
    /// No certificate is verified for it.
    is_at_hand: bool,
}

/// Verified headers, which outlive a question.
#[derive(Default)]
pub struct HeaderCache {
    /// Those asked for last, the newest at the end.
    headers: Mutex<VecDeque<Arc<ProvenBlock>>>,
}

/// A block's header as clients check it.
pub struct ProvenBlock {
    id: Hash,
    /// The header and who signed it.
    pub certified: CertifiedHeader,
    /// The same, decoded.
    pub header: Header,
    /// Who decided it.
    pub validators: ValidatorSet,
}

impl HeaderCache {
    fn find(&self, is_it: impl Fn(&ProvenBlock) -> bool) -> Option<Arc<ProvenBlock>> {
        let headers = lock(&self.headers);
        headers.iter().rev().find(|kept| is_it(kept)).cloned()
    }

    fn keep(&self, proven: &Arc<ProvenBlock>) {
        let mut headers = lock(&self.headers);
        if headers.len() == HEADERS {
            headers.pop_front();
        }
        headers.push_back(proven.clone());
    }

    /// How many headers are kept.
    #[cfg(test)]
    pub fn headers_kept(&self) -> usize {
        lock(&self.headers).len()
    }
}

impl<'a> ProvenState<'a> {
    /// The chain as a snapshot has it.
    pub fn new(
        snapshot: Snapshot<'a>,
        chain_id: Hash,
        headers: &'a HeaderCache,
        links: &'a LinkCache,
        cancelled: &'a Cancelled,
    ) -> ProvenState<'a> {
        ProvenState {
            snapshot,
            chain_id,
            headers,
            links,
            is_at_hand: false,
            cancelled,
        }
    }

    /// The same with nothing but what is verified already.
    pub fn at_hand(self) -> ProvenState<'a> {
        ProvenState {
            is_at_hand: true,
            ..self
        }
    }

    /// The last block's header, its certificate verified.
    pub fn tip(&self) -> Result<Arc<ProvenBlock>, ServiceError> {
        let tip = self.snapshot.tip();
        if let Some(kept) = self.headers.find(|kept| kept.id == tip.block_id) {
            return Ok(kept);
        }
        self.proven(tip.height)
    }

    /// The header at a height, its certificate verified.
    pub fn proven(&self, height: u64) -> Result<Arc<ProvenBlock>, ServiceError> {
        if height == 0 {
            return Err(ServiceError::NoBlock);
        }
        let certified = self
            .snapshot
            .certified_header(height)?
            .ok_or_else(|| ServiceError::NotFound(format!("no block at height {height}")))?;
        if let Some(kept) = self.headers.find(|kept| kept.certified == certified) {
            return Ok(kept);
        }
        if self.is_at_hand {
            return Err(ServiceError::Busy("the header isn't verified yet".into()));
        }
        let validators = self.set_at(height)?;
        let decoded = Header::decode(&certified.header).map_err(unproven)?;
        let header =
            header::verify(&decoded.chain_id, &validators, &certified).map_err(unproven)?;
        let proven = Arc::new(ProvenBlock {
            id: header.id(),
            certified,
            header,
            validators,
        });
        self.headers.keep(&proven);
        Ok(proven)
    }

    /// The set change at a height, to the set that follows from it, verified as a client that knows the set
    /// before does.
    pub fn validator_set_change(
        &self,
        height: u64,
        next: &ValidatorSet,
    ) -> Result<ValidatorSetChange, ServiceError> {
        let before = self.proven(height)?;
        let change = ValidatorSetChange {
            header: Some(before.certified.clone()),
            next_validators: Some(next.message()),
        };
        let mut ranges = vec![TrustingRange::genesis(before.validators.clone())];
        let changes = std::slice::from_ref(&change);
        header::follow(&before.header.chain_id, &mut ranges, changes).map_err(unproven)?;
        Ok(change)
    }

    /// The set that decided the block at `height`: the last change below it.
    fn set_at(&self, height: u64) -> Result<ValidatorSet, ServiceError> {
        let changes = self.snapshot.validator_set_changes(0)?;
        changes
            .into_iter()
            .rfind(|(changed, _)| *changed < height)
            .map(|(_, set)| set)
            .ok_or_else(|| unproven("no validator set is stored"))
    }
}

impl LinkRead for ProvenState<'_> {
    fn entries_between(&self, owner: &[u8], from: u64, to: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let wanted = u32::try_from(to.saturating_sub(from))
            .map_err(|_| Fault::Invariant("a page of more than 2^32 entries".into()))?;
        if wanted == 0 {
            return Ok(Vec::new());
        }
        let entries = self.snapshot.link_entries(owner, from, wanted)?;
        if entries.len() != wanted as usize {
            let owner = owner.escape_ascii();
            return Err(Fault::Damaged(format!(
                "entries {from} to {to} of the link of {owner} are missing"
            )));
        }
        Ok(entries)
    }

    fn prove_key(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        self.snapshot.prove_value(key)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is kept is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
