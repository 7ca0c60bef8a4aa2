//! Whose turn it is to propose: validators take turns in the order of their keys, whatever their power, and who missed
//! its last turn is skipped for a while. Every other turn of each is given to the organisation whose transactions came
//! last, where they were of one alone: whoever submits the next one then proposes it, and it needn't travel first.
//!
//! A block's header names who made it. Its height's order says who should have: whoever comes before the maker has
//! missed its turn. The first time the next turn is skipped, then two, four, and so on: a validator that is down costs
//! the chain few rounds, and one that is back waits no longer than it was away, and a turn. A block of its making
//! wipes all out. Who is skipped comes last in the order, so that nobody is missing where all are late.
//!
//! All of this follows from certified headers, so that every node and every examination finds the same. Nobody's word
//! counts but that of the votes that decided: where messages arrive in time, validators with less than a third of the
//! power can't make an honest one miss the first turn of a height. One that comes after such a validator may miss its
//! turn with it, if some have locked on that one's block.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use touchstone_proto::ledger::{MissedTurn, MissedTurns};

use super::validators::{self, Validator, ValidatorSet};
use crate::Fault;
use crate::block::BlockContext;
use crate::encoding;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

/// Turns missed in a row that are counted: the next ones that are skipped are 512 at most.
const MAX_COUNT: u32 = 10;

/// One of so many turns that a validator has in the rotation is its own whoever the author is.
const OWN_TURN_OF: u64 = 2;

/// What the order of the next heights follows from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposerTurns {
    /// Who missed its last turn, by public key.
    missed: BTreeMap<[u8; 32], Missed>,
    /// The organisation of all transactions that came last; empty where they are of several, or where it has no
    /// validator or all of them.
    author: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Missed {
    /// Turns in a row.
    count: u32,
    /// The first height at which it isn't skipped.
    until_height: u64,
}

impl ProposerTurns {
    /// As of the state: they hold for the next block.
    pub fn current(state: &impl StateRead) -> Result<ProposerTurns, Fault> {
        let Some(bytes) = state.get(keys::MISSED_TURNS)? else {
            return Ok(ProposerTurns::default());
        };
        let stored: MissedTurns = decode_stored(keys::MISSED_TURNS, &bytes)?;
        let missed = stored.missed.iter().map(|one| {
            let key: [u8; 32] = encoding::exact("public_key", &one.public_key)
                .map_err(|e| Fault::Damaged(format!("missed turns: {e}")))?;
            let missed = Missed {
                count: one.count,
                until_height: one.until_height,
            };
            Ok((key, missed))
        });
        Ok(ProposerTurns {
            missed: missed.collect::<Result<_, Fault>>()?,
            author: stored.author,
        })
    }

    /// The proposer of a round: whom a turn is given, those of `set` in the order of their keys, starting from one that
    /// moves with the height, and those that are skipped after them.
    pub fn proposer<'a>(&self, set: &'a ValidatorSet, height: u64, round: u32) -> &'a Validator {
        let first = set.in_rotation(height, round);
        if *self == ProposerTurns::default() {
            return first;
        }
        let order = self.order(set, height);
        let count = order.len() as u64;
        let place = u64::from(round).checked_rem(count).unwrap_or_default();
        let found = usize::try_from(place).ok().and_then(|at| order.get(at));
        found.copied().unwrap_or(first)
    }

    /// Whether a height's first turn is given to the author.
    pub fn is_given(&self, set: &ValidatorSet, height: u64) -> bool {
        let first = self.proposer(set, height, 0);
        is_given(set, height) && first.organisation == self.author
    }

    /// Whether a validator's turn is skipped at a height.
    pub fn is_skipped(&self, public_key: &[u8; 32], height: u64) -> bool {
        let missed = self.missed.get(public_key);
        missed.is_some_and(|missed| height < missed.until_height)
    }

    /// The proposers of a height's first rounds, each validator once.
    fn order<'a>(&self, set: &'a ValidatorSet, height: u64) -> Vec<&'a Validator> {
        let count = u32::try_from(set.count()).unwrap_or(u32::MAX);
        let rotation = (0..count).map(|round| set.in_rotation(height, round));
        let (skipped, mut order): (Vec<_>, Vec<_>) =
            rotation.partition(|v| self.is_skipped(&v.public_key, height));
        if is_given(set, height)
            && let Some(place) = order.iter().position(|v| v.organisation == self.author)
            && let Some(before) = order.get_mut(..=place)
        {
            before.rotate_right(1);
        }
        order.extend(skipped);
        order
    }

    /// What follows from a block of this height and maker.
    fn after(&self, set: &ValidatorSet, height: u64, maker: &[u8; 32]) -> ProposerTurns {
        let order = self.order(set, height);
        let Some(place) = order.iter().position(|v| v.public_key == *maker) else {
            // A block that is tried out has no maker.
            return self.clone();
        };
        let mut turns = self.clone();
        let length = order.len() as u64;
        for late in order.iter().take(place) {
            let missed = turns.missed.entry(late.public_key).or_default();
            missed.count = missed.count.saturating_add(1).min(MAX_COUNT);
            let doublings = missed.count.saturating_sub(1);
            let skipped = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
            // The turns that are skipped, and the height after the last of them.
            let heights = length.saturating_mul(skipped).saturating_add(1);
            missed.until_height = height.saturating_add(heights);
        }
        turns.missed.remove(maker);
        // Who votes no more has no turn to miss.
        turns.missed.retain(|key, _| set.get(key).is_some());
        turns
    }

    /// What follows from a block whose transactions are of these organisations.
    fn with_authors<'a>(
        &self,
        set: &ValidatorSet,
        mut organisations: impl Iterator<Item = &'a str>,
    ) -> ProposerTurns {
        let mut turns = self.clone();
        let Some(first) = organisations.next() else {
            return turns;
        };
        let power = set.power_of_organisation(first);
        let has_some = power > 0 && power < set.total_power();
        let is_alone = has_some && organisations.all(|other| other == first);
        turns.author = if is_alone { first } else { "" }.to_owned();
        turns
    }

    fn message(&self) -> MissedTurns {
        let missed = self.missed.iter().map(|(key, missed)| MissedTurn {
            public_key: key.to_vec(),
            count: missed.count,
            until_height: missed.until_height,
        });
        MissedTurns {
            missed: missed.collect(),
            author: self.author.clone(),
        }
    }
}

/// Whether a height's turn is given to the author, if there is one: of any validator's turns in the rotation, those
/// between its own.
fn is_given(set: &ValidatorSet, height: u64) -> bool {
    let count = set.count() as u64;
    let round = height.checked_div(count).unwrap_or_default();
    let place = height.checked_rem(count).unwrap_or_default();
    round.wrapping_add(place).checked_rem(OWN_TURN_OF) != Some(0)
}

/// A block's own work: notes who missed a turn, and who is back.
pub(crate) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
) -> Result<(), Fault> {
    let set = validators::current(state)?;
    let before = ProposerTurns::current(state)?;
    let after = before.after(&set, block.height, &block.proposer);
    if after != before {
        state.write(keys::MISSED_TURNS.to_vec(), &after.message());
    }
    Ok(())
}

/// After a block's last transaction: notes whether all of them are of one organisation.
pub(crate) fn note_author<'t, S: StateRead>(
    state: &mut Delta<'_, S>,
    set: &ValidatorSet,
    organisations: impl Iterator<Item = &'t str>,
) -> Result<(), Fault> {
    let before = ProposerTurns::current(state)?;
    let after = before.with_authors(set, organisations);
    if after != before {
        state.write(keys::MISSED_TURNS.to_vec(), &after.message());
        state.accept_block_writes();
    }
    Ok(())
}

#[cfg(test)]
mod tests;
