//! The complainant shows that it has complained to an authority or sued: measures stay until that rules. Source:
//! E-commerce Law, Art. 43.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DisputePhase, Organisation, Role, ShowFiling};

use super::limits::{MAX_REFERENCE_BYTES, RULING_DAYS};
use super::{DesignRejection, dispute, vouching};
use crate::encoding;
use crate::governance::organisation;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Those that rule.
const AUTHORITIES: &[Role] = &[Role::IpOffice, Role::Court];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ShowFiling,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let phases = [
        DisputePhase::Measures,
        DisputePhase::Countered,
        DisputePhase::Review,
    ];
    let mut record = dispute::open(state, &id, &phases, now_ms)?;
    if record.complainant != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.complainant).into());
    }
    // Rule: the authority can rule here, is no party, and has a number for the case.
    let authority: Option<Organisation> = state.read(&keys::organisation(&action.authority))?;
    let may_rule = authority.is_some_and(|o| organisation::has_role(&o, AUTHORITIES));
    let parties = [&record.complainant, &record.respondent, &record.platform];
    let reference = &action.reference;
    let is_told =
        (1..=MAX_REFERENCE_BYTES).contains(&reference.len()) && vouching::are_words(reference);
    if !may_rule || !is_told || parties.contains(&&action.authority) {
        return Err(DesignRejection::NoAuthority(action.authority.clone()).into());
    }
    record.authority.clone_from(&action.authority);
    record.reference.clone_from(reference);
    record.filed_ms = now_ms;
    let phase = DisputePhase::Filed;
    dispute::lead_on(state, &id, &mut record, phase, RULING_DAYS, now_ms)?;
    Ok(())
}
