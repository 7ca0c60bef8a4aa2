//! Appending to a hash chain of entries.
//!
//! Consensus-critical: yes

use prost::Message;
use touchstone_proto::ledger::{Link, LinkEntry};

use super::Context;
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::proof::link::{PAGE_STRIDE, extend};
use crate::state::delta::{Delta, LinkRow};
use crate::state::{StateRead, keys};

/// Stages one more entry of the link held by the record at `owner`, and advances the link. At every
/// [`PAGE_STRIDE`]th entry the head is kept in the state.
pub fn append<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    owner: &[u8],
    link: &mut Link,
    event: u32,
    content_hash: &Hash,
) -> Result<(), Fault> {
    let entry = LinkEntry {
        position: Some(context.position(event)),
        transaction_id: context.transaction.id().to_vec(),
        content_hash: content_hash.to_vec(),
        organisation: context.organisation.id.clone(),
        time_ms: context.block.time_ms,
    }
    .encode_to_vec();
    let head: Hash = encoding::exact("head", &link.head)
        .map_err(|e| Fault::Damaged(format!("link of {}: {e}", owner.escape_ascii())))?;
    link.head = extend(&head, &entry).to_vec();
    state.append(LinkRow {
        owner: owner.to_vec(),
        sequence: link.count,
        entry,
    });
    link.count = link.count.saturating_add(1);
    if link.count.is_multiple_of(PAGE_STRIDE) {
        state.put(keys::link_head(owner, link.count), link.head.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
