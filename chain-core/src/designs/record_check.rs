//! Recording a check: who bought a sample, what a spot check found, or what a supervisor tells somebody to mend.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    CaseCheck, CaseCheckKind, CaseCheckState, Dispute, Organisation, RecordCheck, Role,
    SampleVerdict,
};

use super::limits::MAX_CHECKS;
use super::{CaseRejection, case_check, deadline, dispute, vouching};
use crate::encoding;
use crate::governance::{dispute_terms, organisation};
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Who examines samples. Source: Product Quality Law, Art. 19: a body that tests products has the means for it, and is
/// approved.
pub(super) const LABORATORIES: &[Role] = &[Role::Laboratory];
/// Who supervises. Source: Patent Law, Art. 69; Product Quality Law, Art. 8.
pub(super) const SUPERVISORS: &[Role] = &[Role::IpOffice, Role::Inspection, Role::Customs];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &RecordCheck,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &dispute::OPEN, now_ms)?;
    check_shape(action, now_ms)?;
    check_by(context, &record, action.kind())?;
    check_to(state, context, &record, action)?;
    // Rule: checks of a dispute stay few enough to be read with it.
    if record.checks.len() >= MAX_CHECKS {
        return Err(CaseRejection::Full("checks of a dispute", MAX_CHECKS).into());
    }
    let terms = dispute_terms::terms(state)?;
    let check_id = *context.transaction.id();
    let mut check = CaseCheck {
        dispute: action.dispute.clone(),
        kind: action.kind,
        by: context.organisation.id.clone(),
        at_ms: action.at_ms,
        place: action.place.clone(),
        report: action.report.clone(),
        rule_book: action.rule_book.clone(),
        seal: action.seal.clone(),
        custody: action.custody.clone(),
        to: action.to.clone(),
        position: Some(context.position(0)),
        recorded_ms: now_ms,
        verdict: action.verdict,
        ..CaseCheck::default()
    };
    let days = match action.kind() {
        CaseCheckKind::TestPurchase => terms.laboratory_days,
        _ => terms.mend_days,
    };
    match case_check::waits(action.kind()) {
        true => check.deadline_ms = deadline::set(state, &check_id, u64::from(days), now_ms)?,
        false => {
            check.state = CaseCheckState::Closed.into();
            check.closed_ms = now_ms;
        }
    }
    record.checks.push(check_id.to_vec());
    state.write(keys::case_check(&check_id), &check);
    state.write(keys::dispute(&id), &record);
    Ok(())
}

/// Rule: a check tells when and where, by which rule book, with a report; a test purchase the sample's seal and chain
/// of custody, a spot check what it found.
fn check_shape(action: &RecordCheck, now_ms: u64) -> Result<(), RuleError> {
    encoding::exact::<32>("report", &action.report)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let is_purchase = action.kind() == CaseCheckKind::TestPurchase;
    if is_purchase {
        encoding::exact::<32>("seal", &action.seal)?;
        encoding::exact::<32>("custody", &action.custody)?;
    }
    let has_sample = !action.seal.is_empty() || !action.custody.is_empty();
    let has_verdict = action.verdict() != SampleVerdict::Unspecified;
    let is_known = action.kind() != CaseCheckKind::Unspecified && action.at_ms <= now_ms;
    let is_told = !action.place.is_empty() && vouching::are_words(&action.place);
    let fits = has_sample == is_purchase
        && has_verdict == (action.kind() == CaseCheckKind::SpotCheck)
        && action.to.is_empty() != case_check::waits(action.kind());
    match is_known && is_told && fits {
        true => Ok(()),
        false => Err(CaseRejection::CheckShape.into()),
    }
}

/// Rule: the parties that complain, the authority and inspections buy samples; supervisors look and tell to mend, and
/// are no party.
fn check_by(
    context: &Context<'_>,
    record: &Dispute,
    kind: CaseCheckKind,
) -> Result<(), CaseRejection> {
    let by = &context.organisation.id;
    let has = |roles| organisation::has_role(&context.organisation, roles);
    let may = match kind {
        CaseCheckKind::TestPurchase => {
            let concerned = [&record.complainant, &record.platform, &record.authority];
            concerned.contains(&by) || has(&[Role::Inspection]) && !dispute::is_party(record, by)
        }
        _ => has(SUPERVISORS) && !dispute::is_party(record, by),
    };
    match may {
        true => Ok(()),
        false => Err(CaseRejection::CheckBy),
    }
}

/// Rule: a laboratory is nobody who wants something of its verdict; who is to mend is a party.
fn check_to<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    record: &Dispute,
    action: &RecordCheck,
) -> Result<(), RuleError> {
    let may = match action.kind() {
        CaseCheckKind::TestPurchase => {
            let laboratory: Option<Organisation> = state.read(&keys::organisation(&action.to))?;
            laboratory.is_some_and(|o| organisation::has_role(&o, LABORATORIES))
                && !dispute::is_party(record, &action.to)
                && action.to != context.organisation.id
        }
        CaseCheckKind::SupervisorNotice => dispute::is_party(record, &action.to),
        CaseCheckKind::SpotCheck | CaseCheckKind::Unspecified => true,
    };
    match may {
        true => Ok(()),
        false => Err(CaseRejection::CheckTo(action.to.clone()).into()),
    }
}
