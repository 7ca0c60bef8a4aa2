//! Pages of long links. The state holds the chain's head at every [`PAGE_STRIDE`]th entry, so some
//! entries are proven by two heads: from the one before them, they lead to the one behind them. A page
//! may begin and end anywhere; bare entries fill it up to the next heads on both sides.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{Link, LinkEntry};
use touchstone_proto::node::{LinkedEvent, PageProof, ProvenHead, StateProof};

use super::link::{self, EMPTY_HEAD, LinkError, PAGE_STRIDE};
use super::state::{self, StateError};
use crate::Fault;
use crate::encoding::{self, Malformed};
use crate::hash::Hash;
use crate::state::keys;

/// Why entries aren't the page that they are said to be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PageError {
    /// No entry at all.
    #[error("a page has at least one entry")]
    Empty,
    /// Entries that the link doesn't have.
    #[error("the record counts {count} entries, the page claims entries {from} to {to}")]
    Beyond {
        /// Entries in the record.
        count: u64,
        /// Number of the page's first entry, from 0.
        from: u64,
        /// Number behind its last one.
        to: u64,
    },
    /// Too few or too many entries out to the next head.
    #[error("{expected} entries stand {side} up to the next proven head, the answer holds {found}")]
    Fill {
        /// "before the page" or "after the page".
        side: &'static str,
        /// Entries wanted.
        expected: u64,
        /// Entries found.
        found: u64,
    },
    /// A head that must be there isn't.
    #[error("the answer carries no head after {0} entries")]
    NoHead(u64),
    /// A head where the link begins or ends, which is known already.
    #[error("the answer carries a head after {0} entries, which needs none")]
    NeedlessHead(u64),
    /// A head of the wrong shape.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The state doesn't hold this head.
    #[error("the head after {0} entries: {1}")]
    State(u64, StateError),
    /// An entry or event that isn't in order.
    #[error(transparent)]
    Entries(LinkError),
    /// Some entry was changed, left out, added or moved, or is of another link.
    #[error(
        "the entries don't lead from the head after {from} to the head after {to}: one was changed, \
         left out, added or moved, or is of another link"
    )]
    Head {
        /// Entries before the first head.
        from: u64,
        /// Entries before the second.
        to: u64,
    },
}

/// The entries out to the nearest heads around a page of `from` up to `to`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Entries before the head before the page.
    pub first: u64,
    /// Entries before the head after the page.
    pub last: u64,
    /// Entries of the link.
    count: u64,
}

impl Span {
    /// Around the entries from number `from` up to `to`, exclusive, of a link of `count`; `None` where
    /// it doesn't have them.
    pub fn around(from: u64, to: u64, count: u64) -> Option<Span> {
        let is_page = from < to && to <= count;
        is_page.then(|| Span {
            first: from.saturating_sub(from % PAGE_STRIDE),
            last: to
                .checked_next_multiple_of(PAGE_STRIDE)
                .map_or(count, |last| last.min(count)),
            count,
        })
    }

    /// After how many entries the state's first head is needed; none at the link's beginning.
    pub fn first_head(&self) -> Option<u64> {
        (self.first > 0).then_some(self.first)
    }

    /// After how many entries the state's second head is needed; none at the link's end.
    pub fn last_head(&self) -> Option<u64> {
        (self.last < self.count).then_some(self.last)
    }
}

/// A ledger that proofs of pages are read from, all under one header.
pub trait LinkRead {
    /// The entries from number `from` up to `to`, exclusive, of the link that the record at `owner` holds.
    fn entries_between(&self, owner: &[u8], from: u64, to: u64) -> Result<Vec<Vec<u8>>, Fault>;
    /// A value of the state, with its proof.
    fn prove_key(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault>;
}

/// The proof of a page of `from` up to `to`, exclusive, of the link of `count` entries that the record at
/// `owner` holds.
pub fn prove(
    ledger: &impl LinkRead,
    owner: &[u8],
    from: u64,
    to: u64,
    count: u64,
) -> Result<PageProof, Fault> {
    let span = Span::around(from, to, count)
        .ok_or_else(|| Fault::Invariant(format!("a page {from} to {to} of {count} entries")))?;
    let head = |after: u64| -> Result<ProvenHead, Fault> {
        let (value, proof) = ledger.prove_key(&keys::link_head(owner, after))?;
        let missing = || format!("link of {}: head {after} is missing", owner.escape_ascii());
        Ok(ProvenHead {
            head: value.ok_or_else(|| Fault::Damaged(missing()))?,
            proof: Some(proof),
        })
    };
    Ok(PageProof {
        before: ledger.entries_between(owner, span.first, from)?,
        after: ledger.entries_between(owner, to, span.last)?,
        first: span.first_head().map(head).transpose()?,
        last: span.last_head().map(head).transpose()?,
    })
}

/// Some entries of a link, and what is to prove them.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Number of the first entry, from 0.
    pub from: u64,
    /// Exact bytes of the entries.
    pub entries: &'a [&'a [u8]],
    /// The proof.
    pub proof: &'a PageProof,
}

/// Checks that `events` are exactly those from number `from` on, in order, of the link that the record at
/// `owner` holds. The caller has proven the record under the same state root.
pub fn verify(
    root: &Hash,
    owner: &[u8],
    link: &Link,
    from: u64,
    events: &[LinkedEvent],
    proof: &PageProof,
) -> Result<Vec<LinkEntry>, PageError> {
    let entries: Vec<&[u8]> = events.iter().map(|e| e.entry.as_slice()).collect();
    let entries = &entries;
    let page = Page {
        from,
        entries,
        proof,
    };
    let decoded = verify_entries(root, owner, link, &page)?;
    link::check_contents(from, events, &decoded).map_err(PageError::Entries)?;
    Ok(decoded)
}

/// Checks that a page's entries are exactly those of its place, in order; as [`verify`], without the
/// bytes that the entries stand for.
pub fn verify_entries(
    root: &Hash,
    owner: &[u8],
    link: &Link,
    page: &Page<'_>,
) -> Result<Vec<LinkEntry>, PageError> {
    let Page {
        from,
        entries,
        proof,
    } = *page;
    if entries.is_empty() {
        return Err(PageError::Empty);
    }
    let to = from.saturating_add(entries.len() as u64);
    let count = link.count;
    let span = Span::around(from, to, count).ok_or(PageError::Beyond { count, from, to })?;
    let before = from.saturating_sub(span.first);
    check_fill("before the page", before, &proof.before)?;
    let after = span.last.saturating_sub(to);
    check_fill("after the page", after, &proof.after)?;
    let known = |at, expected: Option<u64>, head: &Option<ProvenHead>| match (expected, head) {
        (Some(_), None) => Err(PageError::NoHead(at)),
        (None, Some(_)) => Err(PageError::NeedlessHead(at)),
        (None, None) => Ok(None),
        (Some(_), Some(head)) => proven_head(root, owner, at, head).map(Some),
    };
    let first = known(span.first, span.first_head(), &proof.first)?.unwrap_or(EMPTY_HEAD);
    let last = known(span.last, span.last_head(), &proof.last)?;
    let before = proof.before.iter().map(Vec::as_slice);
    let after = proof.after.iter().map(Vec::as_slice);
    let all = before.chain(entries.iter().copied()).chain(after);
    let (head, decoded) = link::walk(first, span.first, all).map_err(PageError::Entries)?;
    if last.as_ref().map_or(link.head.as_slice(), |h| h.as_slice()) != head {
        return Err(PageError::Head {
            from: span.first,
            to: span.last,
        });
    }
    let page = decoded.into_iter().skip(proof.before.len());
    Ok(page.take(entries.len()).collect())
}

fn check_fill(side: &'static str, expected: u64, entries: &[Vec<u8>]) -> Result<(), PageError> {
    let found = entries.len() as u64;
    if found != expected {
        return Err(PageError::Fill {
            side,
            expected,
            found,
        });
    }
    Ok(())
}

/// A head that the state holds after so many entries of the link of `owner`.
fn proven_head(
    root: &Hash,
    owner: &[u8],
    count: u64,
    head: &ProvenHead,
) -> Result<Hash, PageError> {
    let value = encoding::exact("head", &head.head)?;
    let failed = |e| PageError::State(count, e);
    let proof = head.proof.as_ref();
    let proof = proof.ok_or_else(|| failed(StateError::Missing))?;
    let key = keys::link_head(owner, count);
    state::verify(root, &key, Some(&value), proof).map_err(failed)?;
    Ok(value)
}

#[cfg(test)]
mod tests;
