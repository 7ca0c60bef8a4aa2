//! The drafts before a deposit: a hash chain that a studio keeps of its files, whose head the deposit covers.
//!
//! `head(n) = H(draft, entry n)`, where an entry is the exact bytes of a `Draft` with its number and head(n − 1) in it.
//! So nothing can be left out, moved or changed later without another head. What a draft says of its time, and of who
//! made it where, is the designer's word; that the last head is older than the deposit's block is proven.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::evidence::{Draft, DraftFile};

use super::limits::{MAX_DRAFT_BYTES, MAX_DRAFT_FILES, MAX_DRAFTS, MAX_STUDIO_BYTES};
use crate::block::MAX_TIME_MS;
use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};

/// What stands in the first draft for the head before it.
pub const START: Hash = [0; 32];

/// Why drafts aren't the chain that leads to a head.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadDrafts {
    /// Not the bytes of one.
    #[error("draft {0}: {1}")]
    Malformed(usize, Malformed),
    /// Too large, without files, or with a field of another form.
    #[error(
        "draft {0} has another form: who, device and tool have 1 to {words} bytes without control characters; it has 1 \
         to {files} files, ascending by their names' digests, each once; at most {bytes} bytes",
        words = MAX_STUDIO_BYTES,
        files = MAX_DRAFT_FILES,
        bytes = MAX_DRAFT_BYTES
    )]
    Form(usize),
    /// A gap, or another order.
    #[error(
        "draft {found} stands where draft {expected} should: one is missing, or they are out of order"
    )]
    Number {
        /// Its place, from 1.
        expected: usize,
        /// Its number.
        found: u64,
    },
    /// Something before it was changed.
    #[error("draft {0} follows another draft {before}: that one, or this, was altered", before = .0.saturating_sub(1))]
    Previous(usize),
    /// Too few or too many.
    #[error("there are {found} drafts, and the deposit's head counts {expected}")]
    Count {
        /// As many as the deposit covers.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// The last one isn't the one that was deposited.
    #[error("the drafts lead to another head than the deposited one: draft {0} was altered")]
    Head(usize),
}

/// A draft, read from its exact bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadDraft {
    /// What it says.
    pub draft: Draft,
    /// The head that it leads to.
    pub head: Hash,
}

/// The head behind an entry.
pub fn head(entry: &[u8]) -> Hash {
    hash::tagged(tag::DRAFT, &[entry])
}

/// Reads drafts from the first one on, each of which names its number and the head before it.
pub fn read<B: AsRef<[u8]>>(entries: &[B]) -> Result<Vec<ReadDraft>, BadDrafts> {
    let mut read: Vec<ReadDraft> = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let number = at.saturating_add(1);
        let previous = read.last().map_or(START, |draft| draft.head);
        read.push(follow(number, &previous, entry.as_ref())?);
    }
    Ok(read)
}

/// Reads the draft of this number, which must follow a head.
pub fn follow(number: usize, previous: &Hash, entry: &[u8]) -> Result<ReadDraft, BadDrafts> {
    if entry.len() > MAX_DRAFT_BYTES {
        return Err(BadDrafts::Form(number));
    }
    let draft: Draft =
        encoding::decode_exact(entry).map_err(|e| BadDrafts::Malformed(number, e))?;
    if draft.number != number as u64 {
        return Err(BadDrafts::Number {
            expected: number,
            found: draft.number,
        });
    }
    if !has_form(&draft) {
        return Err(BadDrafts::Form(number));
    }
    if draft.previous != previous {
        return Err(BadDrafts::Previous(number));
    }
    Ok(ReadDraft {
        head: head(entry),
        draft,
    })
}

/// Reads the drafts whose count and head a deposit covers.
pub fn verify<B: AsRef<[u8]>>(
    entries: &[B],
    count: usize,
    deposited: &Hash,
) -> Result<Vec<ReadDraft>, BadDrafts> {
    // Whoever left one out in the middle is told which; a count alone says less.
    let read = read(entries)?;
    if read.len() != count || count > MAX_DRAFTS {
        return Err(BadDrafts::Count {
            expected: count,
            found: read.len(),
        });
    }
    match read.last() {
        Some(last) if last.head == *deposited => Ok(read),
        _ => Err(BadDrafts::Head(count)),
    }
}

fn has_form(draft: &Draft) -> bool {
    let is_word = |text: &String| {
        (1..=MAX_STUDIO_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
    };
    let is_file = |file: &DraftFile| {
        file.name.len() == 32
            && match file.sha256.len() {
                32 => true,
                // It is gone.
                0 => file.bytes == 0,
                _ => false,
            }
    };
    let files = &draft.files;
    [&draft.who, &draft.device, &draft.tool]
        .into_iter()
        .all(is_word)
        && draft.previous.len() == 32
        && draft.time_ms <= MAX_TIME_MS
        && (1..=MAX_DRAFT_FILES).contains(&files.len())
        && files.iter().all(is_file)
        && files.is_sorted_by(|a, b| a.name < b.name)
}

#[cfg(test)]
mod tests;
