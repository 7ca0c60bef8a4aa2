//! Time stamps in evidence: which of the ledger's go into a file, and what those in a file show.
//!
//! Consensus-critical: no

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_proto::evidence::{self as wire, Evidence};

use super::element::{CheckResult, Established};
use super::facts::StampFact;
use super::finding::Finding;
use crate::block::Header;
use crate::encoding;
use crate::finding;
use crate::hash::Hash;
use crate::proof::checkpoint::{self, BlockLeaf, Checkpoint, Range};
use crate::timestamp;

/// Heights that a finding lists one by one.
const LISTED: usize = 12;

/// Checkpoints with their tokens, and the places of blocks in them. A stamp names its checkpoint by
/// its index here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stamps {
    /// In any order.
    pub checkpoints: Vec<wire::Checkpoint>,
    /// In any order.
    pub stamps: Vec<wire::Stamp>,
}

/// What of them belongs in a file about the blocks at these heights: for each block the checkpoint of
/// each authority that ends first, of those the shortest, in the file's order. A stamp that names no
/// checkpoint is left out.
pub(super) fn choose(offered: &Stamps, heights: &BTreeSet<u64>) -> Stamps {
    let order = |index: u32| {
        let checkpoint = offered.checkpoints.get(index as usize)?;
        Some((
            checkpoint.last,
            Reverse(checkpoint.first),
            &checkpoint.token,
        ))
    };
    let mut chosen: BTreeMap<(u64, &str), &wire::Stamp> = BTreeMap::new();
    for stamp in offered
        .stamps
        .iter()
        .filter(|s| heights.contains(&s.height))
    {
        let Some(checkpoint) = offered.checkpoints.get(stamp.checkpoint as usize) else {
            continue;
        };
        let best = chosen
            .entry((stamp.height, checkpoint.authority.as_str()))
            .or_insert(stamp);
        if order(stamp.checkpoint) < order(best.checkpoint) {
            *best = stamp;
        }
    }
    let used: BTreeSet<u32> = chosen.values().map(|stamp| stamp.checkpoint).collect();
    let mut used: Vec<(u32, &wire::Checkpoint)> = used
        .into_iter()
        .filter_map(|index| Some((index, offered.checkpoints.get(index as usize)?)))
        .collect();
    used.sort_by(|(_, a), (_, b)| place(a).cmp(&place(b)));
    let mut stamps: Vec<wire::Stamp> = Vec::with_capacity(chosen.len());
    for (new, (old, _)) in used.iter().enumerate() {
        let of_it = chosen.values().filter(|stamp| stamp.checkpoint == *old);
        stamps.extend(of_it.map(|stamp| wire::Stamp {
            checkpoint: new as u32,
            ..(*stamp).clone()
        }));
    }
    Stamps {
        checkpoints: used.into_iter().map(|(_, c)| c.clone()).collect(),
        stamps,
    }
}

/// By what checkpoints are in order.
fn place(checkpoint: &wire::Checkpoint) -> (u64, u64, &str, &[u8]) {
    let wire::Checkpoint {
        first,
        last,
        authority,
        token,
        ..
    } = checkpoint;
    (*first, *last, authority, token)
}

/// Examines a file's time stamps. `blocks` are those of the record, their times within `error_ms`;
/// `roots` the SHA-256 of the certificates that the examiner trusts.
pub(super) fn examine(
    evidence: &Evidence,
    chain_id: &Hash,
    blocks: &BTreeMap<u64, Header>,
    error_ms: u64,
    roots: &[Hash],
) -> Result<Established<Vec<StampFact>>, Finding> {
    let mut of_checkpoint = assigned(evidence)?;
    let mut facts = Vec::with_capacity(evidence.checkpoints.len());
    let mut before: Option<&wire::Checkpoint> = None;
    for (index, message) in evidence.checkpoints.iter().enumerate() {
        if before.is_some_and(|before| place(before) >= place(message)) {
            return Err(finding!(
                "checkpoint {index} is out of order",
                index = index
            ));
        }
        before = Some(message);
        let stamps = of_checkpoint.remove(&(index as u64)).unwrap_or_default();
        let fact = checkpoint(message, &stamps, chain_id, blocks, roots).map_err(|reason| {
            finding!(
                "checkpoint {index} ({authority}): {reason}",
                index = index,
                authority = message.authority,
                reason = reason
            )
        })?;
        facts.push(fact);
    }
    if let Some(index) = of_checkpoint.keys().next() {
        return Err(finding!(
            "a stamp names checkpoint {index}, which isn't there",
            index = index
        ));
    }
    let mut pairs = BTreeSet::new();
    for fact in &facts {
        for height in &fact.heights {
            if !pairs.insert((*height, fact.url.as_str())) {
                return Err(finding!(
                    "block {height} has two stamps of {authority}",
                    height = height,
                    authority = fact.url
                ));
            }
        }
    }
    Ok(judge(facts, blocks, error_ms))
}

/// The file's stamps by their checkpoint; they strictly ascend.
fn assigned(evidence: &Evidence) -> Result<BTreeMap<u64, Vec<&wire::Stamp>>, Finding> {
    let mut of_checkpoint: BTreeMap<u64, Vec<&wire::Stamp>> = BTreeMap::new();
    let mut last = None;
    for stamp in &evidence.stamps {
        let place = (stamp.checkpoint, stamp.height);
        if last >= Some(place) {
            return Err(finding!(
                "the stamp of block {height} in checkpoint {index} is out of order",
                height = stamp.height,
                index = stamp.checkpoint
            ));
        }
        last = Some(place);
        let stamps = of_checkpoint.entry(u64::from(stamp.checkpoint));
        stamps.or_default().push(stamp);
    }
    Ok(of_checkpoint)
}

/// One checkpoint: all paths lead to one root, and the token stamps it.
fn checkpoint(
    message: &wire::Checkpoint,
    stamps: &[&wire::Stamp],
    chain_id: &Hash,
    blocks: &BTreeMap<u64, Header>,
    roots: &[Hash],
) -> Result<StampFact, String> {
    let range = Range::new(message.first, message.last).map_err(|e| e.to_string())?;
    let mut root: Option<Hash> = None;
    let mut heights = Vec::with_capacity(stamps.len());
    for stamp in stamps {
        let height = stamp.height;
        let header = blocks
            .get(&height)
            .ok_or_else(|| format!("it stamps block {height}, which isn't the record's"))?;
        let siblings = stamp.siblings.iter().map(|s| encoding::exact("sibling", s));
        let siblings: Vec<Hash> = siblings
            .collect::<Result<_, _>>()
            .map_err(|e| format!("block {height}: {e}"))?;
        let leaf = BlockLeaf {
            id: header.id(),
            validators_hash: header.validators_hash,
        };
        let found = checkpoint::root_from_path(chain_id, range, height, &leaf, &siblings)
            .map_err(|e| format!("block {height}: {e}"))?;
        if root.is_some_and(|root| root != found) {
            return Err(format!("the path of block {height} leads to another root"));
        }
        root = Some(found);
        heights.push(height);
    }
    let root = root.ok_or("no block of the record has a stamp in it")?;
    let checkpoint =
        Checkpoint::new(chain_id, range, root, &message.authority).map_err(|e| e.to_string())?;
    let stamped = timestamp::verify(&message.token, &message.certificates, &checkpoint.imprint())
        .map_err(|e| e.to_string())?;
    if stamped.beyond != message.certificates {
        return Err(
            "its certificates aren't those of the signer's chain that the token lacks, ascending"
                .to_owned(),
        );
    }
    Ok(StampFact {
        url: message.authority.clone(),
        heights,
        first: message.first,
        last: message.last,
        is_trusted: roots.contains(&stamped.root()),
        stamped,
        token: message.token.clone(),
        document: checkpoint.bytes(),
    })
}

/// What follows. A block that only authorities without trust stamped is a reservation, and so is a stamp
/// from before the block's own time.
fn judge(
    facts: Vec<StampFact>,
    blocks: &BTreeMap<u64, Header>,
    error_ms: u64,
) -> Established<Vec<StampFact>> {
    let by = |wanted: Option<bool>| -> BTreeSet<u64> {
        let chosen = facts
            .iter()
            .filter(|f| wanted.is_none_or(|wanted| f.is_trusted == wanted));
        chosen.flat_map(|f| f.heights.iter().copied()).collect()
    };
    let (stamped, trusted) = (by(None), by(Some(true)));
    let bare: Vec<u64> = blocks
        .keys()
        .copied()
        .filter(|h| !stamped.contains(h))
        .collect();
    if facts.is_empty() {
        let finding = match blocks.is_empty() {
            true => finding!("no block holds anything of the subject that could be stamped"),
            false => {
                finding!("chain time only: the file carries no token of a time-stamp authority")
            }
        };
        return Established::not_given(facts, finding);
    }
    let mut result = CheckResult::Passed;
    let mut findings = Vec::new();
    for fact in &facts {
        let until_ms = fact.stamped.no_later_than_ms();
        findings.extend(told(fact, error_ms));
        if !fact.is_trusted {
            findings.push(finding!(
                "its root certificate isn't among those trusted here: compare its SHA-256 with what the authority \
                 publishes: {sha256}",
                sha256 = hex::encode(fact.stamped.root())
            ));
        }
        let is_early = |height: &&u64| {
            let header = blocks.get(height);
            header.is_some_and(|h| until_ms < h.time_ms.saturating_sub(error_ms))
        };
        let early: Vec<u64> = fact.heights.iter().filter(is_early).copied().collect();
        if !early.is_empty() {
            result = CheckResult::Reservation;
            findings.push(finding!(
                "CONTRADICTION: it stamped blocks before their own time by more than its error: the chain's clocks or \
                 the authority's were wrong by more than they state; blocks {heights}",
                heights = listed(&early)
            ));
        }
    }
    if trusted != stamped {
        result = CheckResult::Reservation;
    }
    if !bare.is_empty() {
        findings.push(finding!(
            "chain time only: blocks {heights}",
            heights = listed(&bare)
        ));
    }
    Established {
        value: facts,
        result,
        findings,
    }
}

fn told(fact: &StampFact, error_ms: u64) -> [Finding; 3] {
    let stamped = &fact.stamped;
    [
        finding!(
            "{authority} stamped blocks {first} to {last} at {time} (serial number {serial}, policy {policy}, asked at \
             {url})",
            authority = stamped.authority,
            first = fact.first,
            last = fact.last,
            time = utc(stamped.gen_time_ms),
            serial = stamped.serial,
            policy = stamped.policy,
            url = fact.url
        ),
        match stamped.accuracy_ms {
            Some(ms) => finding!(
                "the authority's clock was right to {ms} ms, it states",
                ms = ms
            ),
            None => finding!("the authority doesn't state its clock's accuracy"),
        },
        finding!(
            "of the record, blocks {heights} existed, each within {error} ms of its own time, and no later than {time}",
            heights = listed(&fact.heights),
            error = error_ms,
            time = utc(stamped.no_later_than_ms())
        ),
    ]
}

/// Heights; of many, the first, the last and how many.
fn listed(heights: &[u64]) -> String {
    match heights {
        [first, .., last] if heights.len() > LISTED => {
            format!("{first} … {last} ({})", heights.len())
        }
        _ => {
            let names: Vec<String> = heights.iter().map(u64::to_string).collect();
            names.join(", ")
        }
    }
}

pub(super) fn utc(ms: u64) -> String {
    let moment =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms).saturating_mul(1_000_000));
    let text = moment.ok().and_then(|m| m.format(&Rfc3339).ok());
    text.unwrap_or_else(|| format!("{ms} ms after 1970-01-01T00:00:00Z"))
}

#[cfg(test)]
mod tests;
