//! Complete links: a record holds the count and head of a hash chain over its entries, so a list
//! of entries either is the whole list or doesn't lead to the head.
//!
//! Consensus-critical: yes

use thiserror::Error;
use touchstone_proto::ledger::{Link, LinkEntry};
use touchstone_proto::node::LinkedEvent;

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};

/// At every so many entries the state holds the head that the link has there (key
/// [`link_head`](crate::state::keys::link_head)), so that a page between two of them is proven without
/// the rest. A page that begins or ends elsewhere brings at most so many bare entries, of some 150 bytes,
/// less one, on either side; a smaller number would cost more writes.
pub const PAGE_STRIDE: u64 = 256;

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
    check_contents(0, events, &decoded)?;
    Ok(decoded)
}

/// Checks that an event's bytes are those of its entry, and gives the entry, decoded; `number` is what errors call it.
pub(super) fn verify_event(number: u64, event: &LinkedEvent) -> Result<LinkEntry, LinkError> {
    let entry: LinkEntry =
        encoding::decode_exact(&event.entry).map_err(|e| LinkError::Malformed(number, e))?;
    match entry.content_hash == hash::sha256(&event.event) {
        true => Ok(entry),
        false => Err(LinkError::Content(number)),
    }
}

/// Checks that entries, each with its exact bytes, are all of the link, in order.
pub(super) fn verify_decoded(
    link: &Link,
    entries: &[(&LinkEntry, &[u8])],
) -> Result<(), LinkError> {
    let (expected, found) = (link.count, entries.len() as u64);
    if expected != found {
        return Err(LinkError::Count { expected, found });
    }
    let pairs = entries.iter().zip(entries.iter().skip(1));
    for (number, ((before, _), (entry, _))) in (1..).zip(pairs) {
        if position(before) >= position(entry) {
            return Err(LinkError::Order(number));
        }
    }
    let bytes = entries.iter().map(|(_, bytes)| bytes);
    let head = bytes.fold(EMPTY_HEAD, |head, bytes| extend(&head, bytes));
    match link.head == head {
        true => Ok(()),
        false => Err(LinkError::Head),
    }
}

/// Checks that each event's bytes are those of its entry; the first is number `first` of its link.
pub(super) fn check_contents(
    first: u64,
    events: &[LinkedEvent],
    entries: &[LinkEntry],
) -> Result<(), LinkError> {
    for (number, (event, entry)) in (first..).zip(events.iter().zip(entries)) {
        if entry.content_hash != hash::sha256(&event.event) {
            return Err(LinkError::Content(number));
        }
    }
    Ok(())
}

/// Checks that `entries` (exact bytes) are all entries of the link, in order.
pub fn verify_entries(link: &Link, entries: &[&[u8]]) -> Result<Vec<LinkEntry>, LinkError> {
    if link.count != entries.len() as u64 {
        return Err(LinkError::Count {
            expected: link.count,
            found: entries.len() as u64,
        });
    }
    let (head, decoded) = walk(EMPTY_HEAD, 0, entries.iter().copied())?;
    if link.head != head {
        return Err(LinkError::Head);
    }
    Ok(decoded)
}

/// The head to which entries lead from `head`, and the same decoded; the first is number `first` of its
/// link.
pub(super) fn walk<'a>(
    mut head: Hash,
    first: u64,
    entries: impl Iterator<Item = &'a [u8]>,
) -> Result<(Hash, Vec<LinkEntry>), LinkError> {
    let mut decoded: Vec<LinkEntry> = Vec::new();
    for (number, bytes) in (first..).zip(entries) {
        let entry: LinkEntry =
            encoding::decode_exact(bytes).map_err(|e| LinkError::Malformed(number, e))?;
        if let Some(before) = decoded.last()
            && position(before) >= position(&entry)
        {
            return Err(LinkError::Order(number));
        }
        head = extend(&head, bytes);
        decoded.push(entry);
    }
    Ok((head, decoded))
}

fn position(entry: &LinkEntry) -> (u64, u32, u32) {
    entry
        .position
        .map(|p| (p.height, p.transaction, p.event))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
