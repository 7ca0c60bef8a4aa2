//! What became of a transaction, as the pool and the store know it.

use touchstone_core::hash::Hash;
use touchstone_core::proof::transaction_tree;
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::ServiceParts;
use super::error::{ServiceError, rejected, unproven};
use super::proven_state::ProvenState;
use super::state_query::id;
use crate::mempool::PoolOutcome;
use crate::storage::rocks::Snapshot;

/// What the pool knows of a transaction, before the store is asked.
pub fn known(parts: &ServiceParts, bytes: &[u8]) -> Result<Option<Word>, ServiceError> {
    let id = id(bytes)?;
    Ok(parts.mempool.outcome(&id).map(|outcome| word_of(&outcome)))
}

/// Where a transaction is committed, if it is.
pub fn committed(
    snapshot: &Snapshot<'_>,
    id: &Hash,
) -> Result<Option<wire::Committed>, ServiceError> {
    let place = snapshot.transaction(id)?;
    Ok(place.map(|place| wire::Committed {
        height: place.height,
        index: place.index,
        time_ms: place.time_ms,
        proof: None,
    }))
}

/// A transaction's status; the store's word counts before the pool's.
pub fn transaction(
    view: &ProvenState<'_>,
    bytes: &[u8],
    known: Option<Word>,
    with_proof: bool,
) -> Result<wire::TransactionStatus, ServiceError> {
    let id = id(bytes)?;
    let Some(mut found) = committed(&view.snapshot, &id)? else {
        return Ok(status(id, known.unwrap_or(Word::Unknown(wire::Unknown {}))));
    };
    if with_proof {
        found.proof = Some(inclusion(view, found.height, found.index)?);
    }
    Ok(status(id, Word::Committed(found)))
}

fn inclusion(
    view: &ProvenState<'_>,
    height: u64,
    index: u32,
) -> Result<wire::TransactionProof, ServiceError> {
    let block = view.proven(height)?;
    let envelopes = view.snapshot.envelopes(height)?;
    let envelope = envelopes
        .get(index as usize)
        .cloned()
        .ok_or_else(|| unproven("index"))?;
    let siblings = transaction_tree::prove(&envelopes, index).ok_or_else(|| unproven("index"))?;
    transaction_tree::verify(
        &block.header.transaction_root,
        block.header.transaction_count,
        index,
        &envelope,
        &siblings,
    )
    .map_err(unproven)?;
    let siblings = siblings.iter().map(|s| s.to_vec()).collect();
    Ok(wire::TransactionProof {
        header: Some(block.certified.clone()),
        envelope,
        index,
        siblings,
    })
}

/// An outcome as a status tells it.
pub fn word_of(outcome: &PoolOutcome) -> Word {
    match outcome {
        PoolOutcome::Pending => Word::Pending(wire::Pending {}),
        PoolOutcome::Committed {
            height,
            index,
            time_ms,
        } => Word::Committed(wire::Committed {
            height: *height,
            index: *index,
            time_ms: *time_ms,
            proof: None,
        }),
        PoolOutcome::Rejected(rejection) => Word::Rejected(rejected(rejection)),
    }
}

/// A status message.
pub fn status(id: Hash, word: Word) -> wire::TransactionStatus {
    wire::TransactionStatus {
        id: id.to_vec(),
        status: Some(word),
    }
}
