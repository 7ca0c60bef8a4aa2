//! Granting a licence: by the owner, or on a licence that may be passed on.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Authorisation, Authorisations, GrantLicence, Licence, LicenceTerms, Right,
};

use super::limits::MAX_LICENCES;
use super::{DesignRejection, licence, right};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &GrantLicence,
) -> Result<(), RuleError> {
    let subject: Hash = encoding::exact("subject", &action.subject)?;
    let now_ms = context.block.time_ms;
    let mut terms = action.terms.clone().unwrap_or_default();
    if terms.from_ms == 0 {
        terms.from_ms = now_ms;
    }
    licence::check_shape(&terms, now_ms)?;
    let grantor = &context.organisation.id;
    licence::check_licensee(state, grantor, &action.licensee)?;
    // Rule: a class holds no licence in its hands, so it passes none on.
    if terms.depth > 0 && licence::voucher_of_class(&action.licensee).is_some() {
        return Err(DesignRejection::LicenceDepth.into());
    }
    let record = right::read(state, &subject)?;
    let above = match action.parent.is_empty() {
        true => check_by_owner(context, &record)?,
        false => check_by_licensee(state, context, &record, action, &subject, &terms)?,
    };
    let list = keys::authorisations(&subject, &action.licensee);
    let before: Authorisations = state.read(&list)?.unwrap_or_default();
    let granted = Authorisation {
        licence: context.transaction.id().to_vec(),
        above: above.clone(),
        acts: terms.acts.clone(),
        territories: terms.territories.clone(),
        from_ms: terms.from_ms,
        until_ms: terms.until_ms,
        ended_ms: 0,
    };
    let licences = check_beside(state, before, granted, now_ms)?;
    // All rules are kept: from here on it is written.
    state.write(list, &licences);
    right::write(state, &subject, &record)?;
    state.write(
        keys::licence(context.transaction.id()),
        &Licence {
            subject: subject.to_vec(),
            above,
            grantor: grantor.clone(),
            licensee: action.licensee.clone(),
            terms: Some(terms),
            position: Some(context.position(0)),
            time_ms: now_ms,
        },
    );
    Ok(())
}

/// A licence of the owner stands on nothing but the right.
fn check_by_owner(context: &Context<'_>, record: &Right) -> Result<Vec<Vec<u8>>, RuleError> {
    let now_ms = context.block.time_ms;
    right::check_owner(record, &context.organisation.id, now_ms)?;
    right::check_not_offered(record, now_ms)?;
    Ok(Vec::new())
}

/// What a sublicence stands on, the nearest first.
fn check_by_licensee<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    record: &Right,
    action: &GrantLicence,
    subject: &Hash,
    terms: &LicenceTerms,
) -> Result<Vec<Vec<u8>>, RuleError> {
    let id: Hash = encoding::exact("parent", &action.parent)?;
    let parent: Option<Licence> = state.read(&keys::licence(&id))?;
    let parent = parent.filter(|parent| parent.subject == subject);
    let parent = parent.ok_or(DesignRejection::UnknownLicence(id))?;
    // Rule: only its licensee passes a licence on.
    if parent.licensee != context.organisation.id {
        return Err(DesignRejection::NotTheParty(parent.licensee).into());
    }
    let bounds = parent.terms.unwrap_or_default();
    licence::check_within(&action.licensee, terms, &bounds)?;
    let above = [vec![action.parent.clone()], parent.above].concat();
    // Rule: nothing stands on what has ended.
    right::check_stands(record, context.block.time_ms)?;
    match licence::end_above(state, &above, context.block.time_ms)? {
        Some(_) => Err(DesignRejection::LicenceEnded(id).into()),
        None => Ok(above),
    }
}

/// The licensee's licences with a new one. Of those that stand, no two hold for the same act, place and moment: so
/// whether one holds is settled by one of them.
fn check_beside<S: StateRead>(
    state: &Delta<'_, S>,
    before: Authorisations,
    granted: Authorisation,
    now_ms: u64,
) -> Result<Authorisations, RuleError> {
    let mut told_from_ms = before.told_from_ms;
    let mut licences = Vec::with_capacity(before.licences.len().saturating_add(1));
    for mut known in before.licences {
        if known.ended_ms == 0
            && let Some(ended_ms) = licence::end_above(state, &known.above, now_ms)?
        {
            known.ended_ms = ended_ms;
        }
        if known.ended_ms == 0 && overlap(&known, &granted) {
            let id = encoding::exact("licence", &known.licence)?;
            return Err(DesignRejection::LicenceOverlap(id).into());
        }
        licences.push(known);
    }
    licences.push(granted);
    // The list stays short: what is over goes first, and the record says up to when it may lack something.
    while licences.len() > MAX_LICENCES {
        let over = licences.iter().position(|known| end_of(known) < now_ms);
        let Some(over) = over else {
            return Err(DesignRejection::TooManyLicences.into());
        };
        let gone = licences.remove(over);
        told_from_ms = told_from_ms.max(end_of(&gone).saturating_add(1));
    }
    Ok(Authorisations {
        licences,
        told_from_ms,
    })
}

/// The last moment at which it may have held.
fn end_of(known: &Authorisation) -> u64 {
    match known.ended_ms {
        0 => known.until_ms,
        ended_ms => known.until_ms.min(ended_ms.saturating_sub(1)),
    }
}

fn overlap(a: &Authorisation, b: &Authorisation) -> bool {
    let world = |of: &Authorisation| of.territories.iter().any(|t| t == licence::WORLD);
    let place = world(a) || world(b) || a.territories.iter().any(|t| b.territories.contains(t));
    let acts = a.acts.iter().any(|act| b.acts.contains(act));
    acts && place && a.from_ms <= b.until_ms && b.from_ms <= a.until_ms
}

#[cfg(test)]
mod tests;
