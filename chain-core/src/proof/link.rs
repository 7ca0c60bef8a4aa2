//! Complete links: a record holds the count and head of a hash chain over its entries, so a list
//! of entries either is the whole list or doesn't lead to the head.

use thiserror::Error;
use touchstone_proto::ledger::{Link, LinkEntry};
use touchstone_proto::node::LinkedEvent;

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};

/// Head of an empty link.
pub const EMPTY_HEAD: Hash = [0; 32];

/// Why entries aren't the whole link.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// An entry doesn't decode.
    #[error("entry {0}: {1}")]
    Malformed(u64, Malformed),
    /// Events missing or added.
    #[error("the record counts {expected} entries, the answer holds {found}")]
    Count {
        /// Entries in the record.
        expected: u64,
        /// Entries found.
        found: u64,
    },
    /// An event's bytes aren't those of its entry.
    #[error("the bytes of event {0} are not those that were recorded")]
    Content(u64),
    /// Entries out of order.
    #[error("entry {0} stands before its predecessor")]
    Order(u64),
    /// Some entry was changed, left out, added or moved.
    #[error(
        "the entries don't lead to the record's head: one was changed, left out, added or moved"
    )]
    Head,
}

/// A link before its first entry.
pub fn empty() -> Link {
    Link {
        count: 0,
        head: EMPTY_HEAD.to_vec(),
    }
}

/// The head after one more entry.
pub fn extend(head: &Hash, entry: &[u8]) -> Hash {
    hash::tagged(tag::LINK, &[head, entry])
}

/// Checks that `events` are all events of the link, in order; gives the decoded entries.
pub fn verify(link: &Link, events: &[LinkedEvent]) -> Result<Vec<LinkEntry>, LinkError> {
    let entries: Vec<&[u8]> = events.iter().map(|e| e.entry.as_slice()).collect();
    let decoded = verify_entries(link, &entries)?;
    for (i, (event, entry)) in events.iter().zip(&decoded).enumerate() {
        if entry.content_hash != hash::sha256(&event.event) {
            return Err(LinkError::Content(i as u64));
        }
    }
    Ok(decoded)
}

/// Checks that `entries` (exact bytes) are all entries of the link, in order.
pub fn verify_entries(link: &Link, entries: &[&[u8]]) -> Result<Vec<LinkEntry>, LinkError> {
    if link.count != entries.len() as u64 {
        return Err(LinkError::Count {
            expected: link.count,
            found: entries.len() as u64,
        });
    }
    let mut head = EMPTY_HEAD;
    let mut decoded: Vec<LinkEntry> = Vec::with_capacity(entries.len());
    for (i, bytes) in entries.iter().enumerate() {
        let entry: LinkEntry =
            encoding::decode_exact(bytes).map_err(|e| LinkError::Malformed(i as u64, e))?;
        if let Some(before) = decoded.last()
            && position(before) >= position(&entry)
        {
            return Err(LinkError::Order(i as u64));
        }
        head = extend(&head, bytes);
        decoded.push(entry);
    }
    if link.head != head {
        return Err(LinkError::Head);
    }
    Ok(decoded)
}

fn position(entry: &LinkEntry) -> (u64, u32, u32) {
    entry
        .position
        .map(|p| (p.height, p.transaction, p.event))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
