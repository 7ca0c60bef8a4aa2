//! Questions to intellectual property rights assistance centres: is a listing that is hard to judge an infringement?
//! The platform asks where it can't tell, or the complainant where the platform refused; once in a dispute. The
//! platform acts by the opinion. What the opinion doesn't settle, the complainant takes to an authority.
//!
//! Sources: Norms of Sichuan Province for handling cases of administrative patent enforcement, Art. 145 and 146: a
//! platform that finds a complaint hard to judge asks the assistance centre, and decides by its opinion on removal,
//! blocking, disconnection or closure. CNIPA, Guiding Opinions on Further Strengthening Intellectual Property Rights
//! Protection Assistance (Guo Zhi Fa Bao Zi (2020) No. 22). Patent Law, Art. 65: disputes go to the department for
//! patents or a court.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    CentreOpinion, Dispute, DisputeOutcome, DisputePhase, Organisation, PlatformMeasure, Referral,
    Role,
};

use super::case_records::BadCase;
use super::{RouteRejection, deadline, dispute};
use crate::Fault;
use crate::governance::{dispute_terms, organisation};
use crate::hash::Hash;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Those that give opinions.
pub(super) const CENTRES: &[Role] = &[Role::Assistance];

/// Which of the three routes a dispute has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeRoute {
    /// The platform answers.
    Platform,
    /// An assistance centre was asked.
    Centre,
    /// An IP office or court is to rule, or did.
    Authority,
}

/// The route that a dispute has come to.
pub fn route(dispute: &Dispute) -> DisputeRoute {
    match (dispute.authority.is_empty(), &dispute.referral) {
        (false, _) => DisputeRoute::Authority,
        (true, Some(_)) => DisputeRoute::Centre,
        (true, None) => DisputeRoute::Platform,
    }
}

/// The opinion that was given; unspecified: none.
pub fn opinion(dispute: &Dispute) -> CentreOpinion {
    let given = dispute.referral.as_ref().map(Referral::opinion);
    given.unwrap_or_default()
}

/// Whether nothing but its deadline ended a question.
pub fn is_default(referral: &Referral) -> bool {
    referral.opinion() == CentreOpinion::Unspecified && referral.closed_ms > referral.deadline_ms
}

/// Rule: a centre is asked once in a dispute, so that nobody asks until an opinion suits.
fn check_first(dispute: &Dispute) -> Result<(), RouteRejection> {
    match &dispute.referral {
        Some(asked) => Err(RouteRejection::AskedBefore(asked.centre.clone())),
        None => Ok(()),
    }
}

/// Asks a centre: the dispute waits for its opinion.
pub(super) fn ask<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut dispute: Dispute,
    mut question: Referral,
    now_ms: u64,
) -> Result<(), RuleError> {
    check_first(&dispute)?;
    // Rule: who gives opinions has that role, and is no party.
    let centre: Option<Organisation> = state.read(&keys::organisation(&question.centre))?;
    let has_role = centre.is_some_and(|o| organisation::has_role(&o, CENTRES));
    if !has_role || dispute::is_party(&dispute, &question.centre) {
        return Err(RouteRejection::NoCentre(question.centre).into());
    }
    let days = u64::from(dispute_terms::terms(state)?.opinion_days);
    dispute.deadline_ms = deadline::set(state, id, days, now_ms)?;
    dispute.phase = DisputePhase::Referred.into();
    question.deadline_ms = dispute.deadline_ms;
    question.referred_ms = now_ms;
    dispute.referral = Some(question);
    state.write(keys::dispute(id), &dispute);
    Ok(())
}

/// What follows where the platform or the centre has said no, or nothing that settles it: the complainant may go
/// further.
pub(super) fn refuse<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
    now_ms: u64,
) -> Result<(), Fault> {
    let days = u64::from(dispute_terms::terms(state)?.escalation_days);
    dispute::lead_on(state, id, dispute, DisputePhase::Refused, days, now_ms)
}

/// The platform is to answer, for the first time or by an opinion.
pub(super) fn await_answer<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
    now_ms: u64,
) -> Result<(), Fault> {
    let days = u64::from(dispute_terms::terms(state)?.answer_days);
    dispute::lead_on(state, id, dispute, DisputePhase::Noticed, days, now_ms)
}

/// The centre was silent up to its deadline: the dispute is again where it was when the centre was asked.
pub(super) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut dispute: Dispute,
    now_ms: u64,
) -> Result<(), Fault> {
    dispute::close_question(&mut dispute, now_ms);
    match dispute.measure() {
        PlatformMeasure::Refused => refuse(state, id, &mut dispute, now_ms),
        _ => await_answer(state, id, &mut dispute, now_ms),
    }
}

/// How a dispute ends where no measures were taken and the complainant lets that stand. A contested case is nobody's
/// decision, unless the platform had refused before.
pub(super) fn standing(dispute: &Dispute) -> DisputeOutcome {
    match (opinion(dispute), dispute.measure()) {
        (CentreOpinion::DoesNotInfringe, _) => DisputeOutcome::CentreDismissed,
        (_, PlatformMeasure::Refused) => DisputeOutcome::Refused,
        _ => DisputeOutcome::NotFiled,
    }
}

/// Whether a dispute's own record of its question to a centre agrees with the rules.
pub fn check(dispute: &Dispute) -> Result<(), BadCase> {
    let is_by_centre = dispute.phase() == DisputePhase::Ended
        && dispute.outcome() == DisputeOutcome::CentreDismissed;
    let waits = dispute.phase() == DisputePhase::Referred;
    let fits = match &dispute.referral {
        None => !is_by_centre && !waits,
        Some(asked) => {
            let is_given = asked.opinion() != CentreOpinion::Unspecified;
            let length = if is_given { 32 } else { 0 };
            let has_parts =
                asked.opinion_reasons.len() == length && asked.opinion_rule_book.len() == length;
            let by_platform = asked.by == dispute.platform && asked.rule_book.len() == 32;
            let by_complainant = asked.by == dispute.complainant && asked.rule_book.is_empty();
            let in_time = match (is_given, asked.closed_ms) {
                (true, closed_ms) => {
                    !waits && (asked.referred_ms..=asked.deadline_ms).contains(&closed_ms)
                }
                (false, 0) => waits,
                (false, _) => !waits,
            };
            has_parts
                && in_time
                && asked.reasons.len() == 32
                && (by_platform || by_complainant)
                && !dispute::is_party(dispute, &asked.centre)
                && (!is_by_centre || asked.opinion() == CentreOpinion::DoesNotInfringe)
        }
    };
    match fits {
        true => Ok(()),
        false => Err(BadCase::Referral),
    }
}

#[cfg(test)]
mod tests;
