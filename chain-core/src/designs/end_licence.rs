//! Ending a licence before its term: withdrawn by who granted it, or given up by who has it. Those that stand on it
//! end with it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Authorisations, EndLicence, Licence, LicenceEnd};

use super::{DesignRejection, right, vouching};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &EndLicence,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("licence", &action.licence)?;
    let licence = check(state, context, &id, action)?;
    let now_ms = context.block.time_ms;
    let subject: Hash = encoding::exact("subject", &licence.subject)?;
    let key = keys::authorisations(&subject, &licence.licensee);
    let mut list: Authorisations = state.read(&key)?.unwrap_or_default();
    let known = list.licences.iter_mut();
    for known in known.filter(|known| known.licence == id && known.ended_ms == 0) {
        known.ended_ms = now_ms;
    }
    state.write(key, &list);
    let end = LicenceEnd {
        time_ms: now_ms,
        organisation: context.organisation.id.clone(),
        reason: action.reason.clone(),
    };
    state.write(keys::licence_end(&id), &end);
    Ok(())
}

/// The licence that is ended.
fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    id: &Hash,
    action: &EndLicence,
) -> Result<Licence, RuleError> {
    if action.reason.is_empty() || !vouching::are_words(&action.reason) {
        return Err(DesignRejection::ReasonShape.into());
    }
    let licence: Option<Licence> = state.read(&keys::licence(id))?;
    let licence = licence.ok_or(DesignRejection::UnknownLicence(*id))?;
    // Rule: its grantor withdraws it; of an owner's licence that is the present owner. Its licensee gives it up.
    let grantor = match licence.above.is_empty() {
        true => {
            let subject: Hash = encoding::exact("subject", &licence.subject)?;
            right::owner(&right::read(state, &subject)?).to_owned()
        }
        false => licence.grantor.clone(),
    };
    let by = &context.organisation.id;
    if *by != grantor && *by != licence.licensee {
        return Err(DesignRejection::NotTheParty(grantor).into());
    }
    // Rule: it ends once, and not after its term.
    let until_ms = licence.terms.as_ref().map_or(0, |terms| terms.until_ms);
    let has_ended = state.get(&keys::licence_end(id))?.is_some();
    match has_ended || until_ms < context.block.time_ms {
        true => Err(DesignRejection::LicenceEnded(*id).into()),
        false => Ok(licence),
    }
}
