//! An organisation adds and retires its own keys, and reports those that others may have used. What
//! a retired key signed stays valid; what a compromised one signed stays recorded, and every
//! verifier tells what it signed before the reported time from what it signed after.
//!
//! Whoever has stolen a key can do all this too. So what rests on the word of a key that may be a thief's is
//! recorded as contested, until the consortium's vote settles it (`recover_keys.rs`).
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{ChangeKeys, Compromise, Key, KeyDispute, Organisation};

use super::organisation;
use super::{key_changes, key_registry};
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// How long ago an organisation must have added a key for its word to count as much as that of older ones,
/// milliseconds: seven days, in which the holders of the older ones hear of it.
pub const ESTABLISHED_AFTER_MS: u64 = 604_800_000;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ChangeKeys,
) -> Result<(), RuleError> {
    let record = check(state, context, action)?;
    for public_key in &action.add {
        key_registry::register(state, &record.id, public_key);
    }
    state.write(keys::organisation(&record.id), &record);
    Ok(())
}

/// The organisation's record with its keys changed.
fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &ChangeKeys,
) -> Result<Organisation, RuleError> {
    if action.add.is_empty() && action.retire.is_empty() && action.compromised.is_empty() {
        return Err(GovernanceRejection::EmptyChange.into());
    }
    let mut record = Organisation::clone(&context.organisation);
    let (height, time_ms) = (context.block.height, context.block.time_ms);
    let mut ended = key_changes::retire(&mut record, &action.retire, height)?;
    for report in &action.compromised {
        ended.extend(take_report(&mut record, context, report)?);
    }
    key_changes::add(state, &mut record, &action.add, height, time_ms)?;
    key_changes::check_remaining(&record, height)?;
    contest_ends(&mut record, &ended, context);
    Ok(record)
}

/// Rule: a key is reported once, and about the past; a later date would bless what a thief signs now. The word of a
/// key about itself, or about a time before it was added, is contested. A report that isn't replaces one that is, by a
/// key that wasn't added lately. Gives the key's place in the record if it was in use until now.
fn take_report(
    record: &mut Organisation,
    context: &Context<'_>,
    report: &Compromise,
) -> Result<Option<usize>, RuleError> {
    let public_key: [u8; 32] = encoding::exact("compromised", &report.public_key)?;
    let signer = context.transaction.signer();
    let mut known = record.keys.iter();
    let reporter = known.find(|k| k.public_key == signer);
    let is_contested =
        *signer == public_key || reporter.is_none_or(|k| k.added_ms > report.since_ms);
    let is_older = reporter.is_some_and(|k| is_established(k, context));
    let key = key_changes::reported(record, &public_key)?;
    let dated = (1..=context.block.time_ms).contains(&report.since_ms);
    let is_first = key.compromised_since_ms == 0;
    let was_contested = organisation::is_contested(key);
    let corrects = was_contested && !is_contested && is_older;
    // What the consortium says of a key that is over stays.
    let is_over = organisation::is_settled(key) && key.valid_until_height != 0;
    if !dated || is_over || !is_first && !corrects {
        return Err(GovernanceRejection::BadCompromise(public_key).into());
    }
    key.compromised_since_ms = report.since_ms;
    key.dispute = match is_contested || was_contested && !is_older {
        true => KeyDispute::Contested as i32,
        false => KeyDispute::Unspecified as i32,
    };
    if key.valid_until_height != 0 {
        return Ok(None);
    }
    key.valid_until_height = context.block.height;
    Ok(record.keys.iter().position(|k| k.public_key == public_key))
}

/// Rule: where only keys remain that the organisation added lately, the end of the older ones is contested, by
/// whichever words they were ended: a thief begins so.
fn contest_ends(record: &mut Organisation, ended: &[usize], context: &Context<'_>) {
    let next = context.block.height.saturating_add(1);
    let mut remaining = record
        .keys
        .iter()
        .filter(|k| organisation::valid_at(k, next));
    if remaining.any(|k| is_established(k, context)) {
        return;
    }
    for place in ended {
        if let Some(key) = record.keys.get_mut(*place)
            && is_established(key, context)
            && !organisation::is_settled(key)
        {
            key.dispute = KeyDispute::Contested as i32;
        }
    }
}

/// Whether the organisation didn't add a key lately.
fn is_established(key: &Key, context: &Context<'_>) -> bool {
    let from_ms = key.added_ms.saturating_add(ESTABLISHED_AFTER_MS);
    key.added_ms == 0 || from_ms <= context.block.time_ms
}

#[cfg(test)]
mod tests;
