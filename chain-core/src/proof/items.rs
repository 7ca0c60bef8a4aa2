//! Several items with all their events, under one header: one proof for all records, and each event once, however many
//! items it names.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node::{ItemEvents, ItemsReply};

use super::link::{self, LinkError};
use super::multiproof::{self, KeyValue, MultiproofError};
use crate::encoding::{self, Malformed};
use crate::hash::Hash;
use crate::state::keys;

/// Items that may be asked for together, at most.
pub const MAX_ITEMS: usize = 256;

/// Why an answer about several items fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemsError {
    /// Other items than those asked for.
    #[error("the answer isn't about the first items that were asked for")]
    OtherItems,
    /// The records.
    #[error("records: {0}")]
    Records(#[from] MultiproofError),
    /// A record that doesn't decode.
    #[error("the record of {0}: {1}")]
    Malformed(String, Malformed),
    /// An event's entry, or its bytes.
    #[error(transparent)]
    Event(LinkError),
    /// An event that isn't there.
    #[error("{0} has event {1} of the answer, which has no such event")]
    NoEvent(String, u32),
    /// The events of an item.
    #[error("the events of {0}: {1}")]
    Events(String, LinkError),
    /// An event of no item.
    #[error("event {0} of the answer is of none of its items")]
    Needless(usize),
}

/// An item of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenItem {
    /// Its canonical identifier.
    pub id: String,
    /// Its record; `None` where it is proven to have none.
    pub record: Option<Item>,
    /// Numbers of its events among the answer's, all of its link; `None` where the answer leaves them to pages.
    pub events: Option<Vec<usize>>,
}

/// What an answer proves.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenItems {
    /// The entries of the answer's events.
    pub entries: Vec<LinkEntry>,
    /// The first ones of those asked for, in this order.
    pub items: Vec<ProvenItem>,
    /// Containers around these.
    pub around: Vec<ProvenItem>,
}

/// Checks that an answer tells, under a state root that the caller has verified, of the first of these items all that
/// is recorded.
pub fn verify(
    root: &Hash,
    asked: &[String],
    reply: &ItemsReply,
) -> Result<ProvenItems, ItemsError> {
    let all = || reply.items.iter().chain(&reply.around);
    let are_asked = reply.items.iter().zip(asked).all(|(a, b)| a.id == *b);
    let count = reply.items.len();
    if !are_asked || count > asked.len() || (count == 0) != asked.is_empty() {
        return Err(ItemsError::OtherItems);
    }
    let keys: Vec<Vec<u8>> = all().map(|item| keys::item(&item.id)).collect();
    let values = keys.iter().map(Vec::as_slice);
    let values = values.zip(all().map(|item| item.record.as_deref()));
    let values: Vec<KeyValue<'_>> = values.collect();
    let proof = reply.proof.as_ref().ok_or(MultiproofError::Missing)?;
    multiproof::verify(root, &values, proof)?;
    let mut entries = Vec::with_capacity(reply.events.len());
    for (number, event) in (0..).zip(&reply.events) {
        let entry = link::verify_event(number, event).map_err(ItemsError::Event)?;
        entries.push(entry);
    }
    let mut is_used = vec![false; entries.len()];
    let mut proven = |items: &[ItemEvents]| {
        let items = items.iter();
        let proven = items.map(|item| proven_item(item, reply, &entries, &mut is_used));
        proven.collect::<Result<Vec<ProvenItem>, ItemsError>>()
    };
    let (items, around) = (proven(&reply.items)?, proven(&reply.around)?);
    if let Some(needless) = is_used.iter().position(|used| !used) {
        return Err(ItemsError::Needless(needless));
    }
    Ok(ProvenItems {
        entries,
        items,
        around,
    })
}

/// Checks an item's link; its record is proven.
fn proven_item(
    item: &ItemEvents,
    reply: &ItemsReply,
    entries: &[LinkEntry],
    is_used: &mut [bool],
) -> Result<ProvenItem, ItemsError> {
    let id = &item.id;
    let record = item.record.as_deref().map(encoding::decode_exact::<Item>);
    let record = record
        .transpose()
        .map_err(|e| ItemsError::Malformed(id.clone(), e))?;
    let known = record.as_ref().and_then(|record| record.link.clone());
    let known = known.unwrap_or_else(link::empty);
    let mut numbers = Vec::with_capacity(item.events.len());
    let mut linked = Vec::with_capacity(item.events.len());
    for number in &item.events {
        let missing = || ItemsError::NoEvent(id.clone(), *number);
        let index = usize::try_from(*number).map_err(|_| missing())?;
        let bytes = reply.events.get(index).ok_or_else(missing)?;
        let entry = entries.get(index).ok_or_else(missing)?;
        *is_used.get_mut(index).ok_or_else(missing)? = true;
        numbers.push(index);
        linked.push((entry, bytes.entry.as_slice()));
    }
    let is_left_to_pages = linked.is_empty() && known.count > 0;
    if !is_left_to_pages {
        link::verify_decoded(&known, &linked).map_err(|e| ItemsError::Events(id.clone(), e))?;
    }
    Ok(ProvenItem {
        id: id.clone(),
        record,
        events: (!is_left_to_pages).then_some(numbers),
    })
}

#[cfg(test)]
mod tests;
