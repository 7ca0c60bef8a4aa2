//! Sanctions: an authority bars an organisation for a term, for what was found against it in disputes. Whom a sanction
//! is against is the organisation, so that its new keys inherit it; and where a voucher has looked it up in a business
//! register, all that are vouched for with that number. These are barred by an IP office or a court alone.
//!
//! A sanction holds from its block on, appealed or not. Source: Administrative Reconsideration Law of the People's
//! Republic of China, Art. 42: an act is carried out while it is reconsidered. It lapses at the end of its term by its
//! date. It may be appealed once, to another authority; who is silent up to a deadline lets the appeal end by default,
//! which is counted apart: a party's silence leaves the sanction, an authority's lifts it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    HeldSanction, PartySanctions, Sanction, SanctionKind, SanctionOutcome, VouchedDesigner,
};

use super::limits::{MAX_SANCTIONS, MAX_WARNINGS};
use super::{CaseRejection, deadline};
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Whether a sanction holds at a time.
pub fn holds_at(held: &HeldSanction, at_ms: u64) -> bool {
    (held.from_ms..=held.until_ms).contains(&at_ms)
}

/// Whether nobody's word but a deadline brought it about.
pub fn is_default(outcome: SanctionOutcome) -> bool {
    matches!(
        outcome,
        SanctionOutcome::NotAppealed | SanctionOutcome::NotDecided
    )
}

/// Whether an outcome ends a sanction before its term.
pub fn lifts(outcome: SanctionOutcome) -> bool {
    matches!(
        outcome,
        SanctionOutcome::Lifted | SanctionOutcome::NotDecided
    )
}

/// The outcome where nobody acted up to the deadline.
pub fn default_outcome(sanction: &Sanction) -> SanctionOutcome {
    match sanction.appealed_ms {
        0 => SanctionOutcome::NotAppealed,
        _ => SanctionOutcome::NotDecided,
    }
}

/// Rule: a sanction's appeal is led on up to its deadline.
pub(super) fn open<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    is_appealed: bool,
    now_ms: u64,
) -> Result<Sanction, RuleError> {
    let sanction: Option<Sanction> = state.read(&keys::sanction(id))?;
    let sanction = sanction.ok_or(CaseRejection::Unknown {
        kind: "sanction",
        id: *id,
    })?;
    let waits = sanction.outcome() == SanctionOutcome::Unspecified;
    if !waits || (sanction.appealed_ms > 0) != is_appealed {
        return Err(CaseRejection::NotOpen("the sanction's appeal").into());
    }
    match sanction.deadline_ms < now_ms {
        true => Err(CaseRejection::Deadline(sanction.deadline_ms).into()),
        false => Ok(sanction),
    }
}

/// Rule: who is barred from giving notices gives none.
pub(super) fn check_may_notify<S: StateRead>(
    state: &Delta<'_, S>,
    organisation: &str,
    now_ms: u64,
) -> Result<(), RuleError> {
    for key in keys_of(organisation, &registered_as(state, organisation)?) {
        let sanctions: Option<PartySanctions> = state.read(&key)?;
        let held = sanctions.unwrap_or_default().held;
        let bars =
            |held: &&HeldSanction| held.kind() == SanctionKind::NoNotices && holds_at(held, now_ms);
        if let Some(bar) = held.iter().find(bars) {
            return Err(CaseRejection::NoNotices {
                sanction: encoding::exact("sanction", &bar.sanction)?,
                until_ms: bar.until_ms,
            }
            .into());
        }
    }
    Ok(())
}

/// The register's number with which an organisation was vouched for; empty: none.
pub(super) fn registered_as<S: StateRead>(
    state: &Delta<'_, S>,
    organisation: &str,
) -> Result<String, Fault> {
    let vouched: Option<VouchedDesigner> = state.read(&keys::vouched_designer(organisation))?;
    Ok(vouched.unwrap_or_default().registered_as)
}

/// Where the sanctions against an organisation stand.
fn keys_of(organisation: &str, registered_as: &str) -> Vec<Vec<u8>> {
    let number = (!registered_as.is_empty()).then(|| keys::registered_sanctions(registered_as));
    std::iter::once(keys::party_sanctions(organisation))
        .chain(number)
        .collect()
}

/// Lists with one more sanction, where there is room.
pub(super) fn lists_with<S: StateRead>(
    state: &Delta<'_, S>,
    sanction: &Sanction,
    held: &HeldSanction,
) -> Result<Vec<(Vec<u8>, PartySanctions)>, RuleError> {
    let mut lists = Vec::new();
    for key in keys_of(&sanction.party, &sanction.registered_as) {
        let mut list: PartySanctions = state.read(&key)?.unwrap_or_default();
        list.held.push(held.clone());
        list.imposed = list.imposed.saturating_add(1);
        // Rule: warnings don't take all places, else who has eight of them is barred from nothing.
        let warns =
            |h: &&HeldSanction| h.kind() == SanctionKind::Warning && holds_at(h, held.from_ms);
        let warnings = list.held.iter().filter(warns).count();
        if held.kind() == SanctionKind::Warning && warnings > MAX_WARNINGS {
            return Err(CaseRejection::Full("warnings in force", MAX_WARNINGS).into());
        }
        // The list stays short: what is over goes first, and the record says up to when it may lack something.
        while list.held.len() > MAX_SANCTIONS {
            let over = list.held.iter().position(|h| h.until_ms < held.from_ms);
            let Some(over) = over else {
                return Err(CaseRejection::Full("sanctions in force", MAX_SANCTIONS).into());
            };
            let gone = list.held.remove(over);
            list.told_from_ms = list.told_from_ms.max(gone.until_ms.saturating_add(1));
        }
        lists.push((key, list));
    }
    Ok(lists)
}

/// Has a sanction wait for so many days.
pub(super) fn wait<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    sanction: &mut Sanction,
    days: u32,
    now_ms: u64,
) -> Result<(), Fault> {
    sanction.deadline_ms = deadline::set(state, id, u64::from(days), now_ms)?;
    state.write(keys::sanction(id), sanction);
    Ok(())
}

/// Closes a sanction's appeal, and counts how it went.
pub(super) fn close<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    sanction: &mut Sanction,
    outcome: SanctionOutcome,
    now_ms: u64,
) -> Result<(), Fault> {
    sanction.outcome = outcome.into();
    sanction.closed_ms = now_ms;
    if lifts(outcome) {
        sanction.until_ms = sanction.until_ms.min(now_ms.saturating_sub(1));
    }
    state.write(keys::sanction(id), sanction);
    for key in keys_of(&sanction.party, &sanction.registered_as) {
        let mut list: PartySanctions = state.read(&key)?.unwrap_or_default();
        if let Some(held) = list.held.iter_mut().find(|held| held.sanction == id) {
            held.until_ms = sanction.until_ms;
        }
        let count = match outcome {
            SanctionOutcome::Confirmed => &mut list.confirmed,
            SanctionOutcome::Lifted => &mut list.lifted,
            SanctionOutcome::NotDecided => &mut list.not_decided,
            SanctionOutcome::NotAppealed | SanctionOutcome::Unspecified => &mut list.not_appealed,
        };
        *count = count.saturating_add(1);
        state.write(key, &list);
    }
    Ok(())
}

/// What happens at the deadline of a sanction that waits to the end of this hour.
pub(super) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut sanction: Sanction,
    hour: u64,
    now_ms: u64,
) -> Result<(), Fault> {
    let waits = sanction.outcome() == SanctionOutcome::Unspecified;
    if !waits || !deadline::is_due(sanction.deadline_ms, hour) {
        return Ok(());
    }
    let outcome = default_outcome(&sanction);
    close(state, id, &mut sanction, outcome, now_ms)
}

#[cfg(test)]
mod tests;
