//! Giving notice of an infringing listing: the owner of a right, with prima facie evidence, to the platform.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Dispute, DisputeTally, GiveNotice, Organisation, Role};

use super::limits::{MAX_OPEN_DISPUTES, MAX_RESPONDENT_BYTES};
use super::{
    DesignRejection, dispute, false_statements, listing, referral, right, sanction, vouching,
};
use crate::encoding;
use crate::governance::organisation;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &GiveNotice,
) -> Result<(), RuleError> {
    let subject: Hash = encoding::exact("subject", &action.subject)?;
    let evidence: Hash = encoding::exact("evidence", &action.evidence)?;
    check(state, context, action, &subject)?;
    let now_ms = context.block.time_ms;
    let id = *context.transaction.id();
    let mut record = Dispute {
        subject: subject.to_vec(),
        complainant: context.organisation.id.clone(),
        platform: action.platform.clone(),
        respondent: action.respondent.clone(),
        listing: action.listing.clone(),
        evidence: evidence.to_vec(),
        position: Some(context.position(0)),
        noticed_ms: now_ms,
        ..Dispute::default()
    };
    record.complainant_before = false_statements::before(state, &record, &context.organisation.id)?;
    listing::note(state, &id, &mut record)?;
    let matter = dispute::matter(&subject, &action.platform, &action.listing);
    state.put(keys::open_dispute(&matter), id.to_vec());
    for key in dispute::tallies(&subject, &record) {
        let mut tally: DisputeTally = state.read(&key)?.unwrap_or_default();
        tally.notices = tally.notices.saturating_add(1);
        tally.open = tally.open.saturating_add(1);
        state.write(key, &tally);
    }
    referral::await_answer(state, &id, &mut record, now_ms)?;
    Ok(())
}

fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &GiveNotice,
    subject: &Hash,
) -> Result<(), RuleError> {
    let complainant = &context.organisation.id;
    // Rule: who gives notice owns the right. Source: E-commerce Law, Art. 42.
    let record = right::read(state, subject)?;
    right::check_owner(&record, complainant, context.block.time_ms)?;
    sanction::check_may_notify(state, complainant, context.block.time_ms)?;
    // Rule: a notice names the listing and whose it is.
    let is_named =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && vouching::are_words(text);
    let is_told = is_named(&action.respondent, MAX_RESPONDENT_BYTES)
        && is_named(&action.listing, super::limits::MAX_WORDS_BYTES)
        && action.respondent != *complainant;
    if !is_told {
        return Err(DesignRejection::NoticeShape.into());
    }
    let platform: Option<Organisation> = state.read(&keys::organisation(&action.platform))?;
    let is_platform = platform.is_some_and(|o| organisation::has_role(&o, &[Role::Platform]));
    if !is_platform {
        return Err(DesignRejection::NoPlatform(action.platform.clone()).into());
    }
    // Rule: one dispute about a listing at a time.
    let matter = dispute::matter(subject, &action.platform, &action.listing);
    let open = state.get(&keys::open_dispute(&matter))?.unwrap_or_default();
    if let Ok(open) = encoding::exact("dispute", &open) {
        return Err(DesignRejection::DisputeOpen(open).into());
    }
    // Rule: no right fills the state with open disputes. A party's tally counts those that name it as respondent too,
    // which anybody does: a flood of these would bar it from giving notices.
    let tally: DisputeTally = state
        .read(&keys::subject_tally(subject))?
        .unwrap_or_default();
    match tally.open >= MAX_OPEN_DISPUTES {
        true => Err(DesignRejection::TooManyDisputes(tally.open).into()),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
