//! The drafts before a deposit, where its holder adds them: what was before it, as far as that can be shown.
//!
//! Consensus-critical: no

use std::collections::BTreeSet;

use super::facts::Deposit;
use super::finding::Finding;
use super::stamps::utc;
use crate::designs::drafts::{self, ReadDraft};
use crate::designs::field::{self, FieldName};
use crate::finding;

/// Drafts that are proven to be those of the deposit, and what is said of them.
#[derive(Default)]
pub(super) struct Drafted {
    pub drafts: Vec<ReadDraft>,
    pub findings: Vec<Finding>,
    /// What a reader must weigh: the studio's clock contradicts itself or the chain.
    pub doubts: Vec<Finding>,
}

/// Examines the drafts of an opening: they lead to the head that the deposit's field holds. `deposit` has the fields
/// that are shown; block times may be wrong by `error_ms`.
pub(super) fn drafted(
    entries: &[Vec<u8>],
    deposit: &Deposit,
    error_ms: u64,
) -> Result<Drafted, Finding> {
    let field = deposit.fields.iter().find(|f| f.name == FieldName::Drafts);
    let Some(field) = field else {
        return match entries.is_empty() {
            true => Ok(Drafted::default()),
            false => Err(finding!(
                "drafts without the deposit's field that holds their head: show it, or leave the drafts out"
            )),
        };
    };
    let (count, head) =
        field::drafts_head(&field.value).map_err(|e| finding!("{reason}", reason = e))?;
    if entries.is_empty() {
        return Ok(Drafted {
            findings: vec![finding!(
                "the deposit covers the head of {count} drafts; they aren't in the file",
                count = count
            )],
            ..Drafted::default()
        });
    }
    let drafts = drafts::verify(entries, count, &head)
        .map_err(|e| finding!("before the deposit: {reason}", reason = e))?;
    let (first, last) = match (drafts.first(), drafts.last()) {
        (Some(first), Some(last)) => (first.draft.time_ms, last.draft.time_ms),
        _ => (0, 0),
    };
    let files = drafts.iter().flat_map(|read| &read.draft.files);
    let drafted: BTreeSet<&[u8]> = files.map(|file| file.sha256.as_slice()).collect();
    let files = deposit.files.iter();
    let known = files.filter(|(sha256, _)| drafted.contains(sha256.as_slice()));
    let finding = finding!(
        "before the deposit: {count} drafts, none missing; the last one's head is what was deposited; by the \
         designer's own clock, which nothing proves, from {first} to {last}; files of the deposit that are in a \
         draft: {known} of {files}",
        count = count,
        first = utc(first),
        last = utc(last),
        known = known.count(),
        files = deposit.files.len()
    );
    Ok(Drafted {
        doubts: doubts(&drafts, deposit.time_ms.saturating_add(error_ms)),
        findings: vec![finding],
        drafts,
    })
}

/// Times that can't all be true: the first draft that is earlier than the one before it, and the first that is later
/// than the deposit.
fn doubts(drafts: &[ReadDraft], deposited_ms: u64) -> Vec<Finding> {
    let mut doubts = Vec::new();
    let mut pairs = drafts.iter().zip(drafts.iter().skip(1));
    if let Some((_, set_back)) = pairs.find(|(a, b)| b.draft.time_ms < a.draft.time_ms) {
        doubts.push(finding!(
            "draft {number} says an earlier time than the one before it: the designer's clock was set back",
            number = set_back.draft.number
        ));
    }
    if let Some(late) = drafts.iter().find(|read| read.draft.time_ms > deposited_ms) {
        doubts.push(finding!(
            "draft {number} says a time after the deposit, which holds it: the designer's clock was ahead",
            number = late.draft.number
        ));
    }
    doubts
}
