//! Disputes about listings: a notice, the platform's measures, the respondent's declaration, the complainant's
//! filing, an authority's ruling; and an assistance centre's opinion where the platform can't tell, or refused. Source:
//! E-commerce Law of the People's Republic of China, Art. 42 to 45.
//!
//! Each phase waits for one party up to a deadline. Who acts in time leads on; who is silent lets the phase end by
//! default, which is counted apart. Nobody acts after a deadline, whether the block's own work has passed it yet or
//! not.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, DisputeTally, HandOverState, Organisation, Role,
};

use super::{DesignRejection, deadline, false_statements};
use crate::Fault;
use crate::encoding;
use crate::governance::{organisation, standing};
use crate::hash::{self, Hash, tag};
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// All phases but the end.
pub(super) const OPEN: [DisputePhase; 7] = [
    DisputePhase::Noticed,
    DisputePhase::Measures,
    DisputePhase::Countered,
    DisputePhase::Filed,
    DisputePhase::Review,
    DisputePhase::Referred,
    DisputePhase::Refused,
];
/// Those that rule.
pub(super) const AUTHORITIES: &[Role] = &[Role::IpOffice, Role::Court];

/// What a dispute is about: a listing on a platform, under a right.
pub fn matter(subject: &Hash, platform: &str, listing: &str) -> Hash {
    let parts: [&[u8]; 4] = [subject, platform.as_bytes(), &[0], listing.as_bytes()];
    hash::tagged(tag::MATTER, &parts)
}

/// The outcome where nobody acted up to the deadline; `None` where the phase leads on, or its record says how.
pub fn default_outcome(phase: DisputePhase) -> Option<DisputeOutcome> {
    match phase {
        DisputePhase::Noticed => Some(DisputeOutcome::PlatformSilent),
        DisputePhase::Measures => Some(DisputeOutcome::MeasuresStand),
        // Art. 43: without a filing in fifteen days the platform ends the measures.
        DisputePhase::Countered => Some(DisputeOutcome::MeasuresEnd),
        DisputePhase::Filed => Some(DisputeOutcome::NoRuling),
        // Reviews, questions to centres and what they leave end by rules of their own.
        DisputePhase::Review | DisputePhase::Referred | DisputePhase::Refused => None,
        DisputePhase::Ended | DisputePhase::Unspecified => None,
    }
}

/// Whether nobody's word but a deadline brought it about.
pub fn is_default(outcome: DisputeOutcome) -> bool {
    matches!(
        outcome,
        DisputeOutcome::PlatformSilent
            | DisputeOutcome::MeasuresStand
            | DisputeOutcome::MeasuresEnd
            | DisputeOutcome::NoRuling
            | DisputeOutcome::NotFiled
    )
}

/// Rule: a dispute is led on by the party for which its phase waits, up to its deadline.
pub(super) fn open<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    phases: &[DisputePhase],
    now_ms: u64,
) -> Result<Dispute, RuleError> {
    let dispute: Option<Dispute> = state.read(&keys::dispute(id))?;
    let dispute = dispute.ok_or(DesignRejection::UnknownDispute(*id))?;
    if !phases.contains(&dispute.phase()) {
        return Err(DesignRejection::OtherPhase(phase_name(dispute.phase())).into());
    }
    match dispute.deadline_ms < now_ms {
        true => Err(DesignRejection::DisputeDeadline(dispute.deadline_ms).into()),
        false => Ok(dispute),
    }
}

/// A phase in words.
pub fn phase_name(phase: DisputePhase) -> &'static str {
    match phase {
        DisputePhase::Noticed => "noticed",
        DisputePhase::Measures => "measures taken",
        DisputePhase::Countered => "declared not to infringe",
        DisputePhase::Filed => "filed with an authority",
        DisputePhase::Review => "under public review",
        DisputePhase::Referred => "referred to an assistance centre",
        DisputePhase::Refused => "without measures",
        DisputePhase::Ended => "ended",
        DisputePhase::Unspecified => "unspecified",
    }
}

/// Leads a dispute into a phase, which waits for so many days, to the end of an hour.
pub(super) fn lead_on<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
    phase: DisputePhase,
    days: u64,
    now_ms: u64,
) -> Result<(), Fault> {
    dispute.deadline_ms = deadline::set(state, id, days, now_ms)?;
    dispute.phase = phase.into();
    state.write(keys::dispute(id), dispute);
    Ok(())
}

/// Ends a dispute, and counts how it went for its parties and its right.
pub(super) fn end<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
    outcome: DisputeOutcome,
    now_ms: u64,
) -> Result<(), Fault> {
    dispute.phase = DisputePhase::Ended.into();
    dispute.outcome = outcome.into();
    dispute.ended_ms = now_ms;
    lapse(dispute, now_ms);
    close_question(dispute, now_ms);
    state.write(keys::dispute(id), dispute);
    false_statements::note(state, dispute, outcome)?;
    let subject = subject(dispute)?;
    let matter = matter(&subject, &dispute.platform, &dispute.listing);
    state.put(keys::open_dispute(&matter), Vec::new());
    for key in tallies(&subject, dispute) {
        let mut tally: DisputeTally = state.read(&key)?.unwrap_or_default();
        tally.open = tally.open.saturating_sub(1);
        count(&mut tally, outcome);
        state.write(key, &tally);
    }
    Ok(())
}

/// An offered hand-over that nobody acknowledged is over: the giver was responsible all the time.
pub(super) fn lapse(dispute: &mut Dispute, now_ms: u64) {
    let open = |state| state == HandOverState::Unspecified;
    if let Some(offered) = dispute.handovers.last_mut().filter(|h| open(h.state())) {
        offered.state = HandOverState::Lapsed.into();
        offered.closed_ms = now_ms;
    }
}

/// A question to an assistance centre that is open gets no opinion any more.
pub(super) fn close_question(dispute: &mut Dispute, now_ms: u64) {
    let asked = dispute.referral.as_mut();
    if let Some(open) = asked.filter(|asked| asked.closed_ms == 0) {
        open.closed_ms = now_ms;
    }
}

/// Whether an organisation can rule in a dispute: it has the role, and is no party.
pub(super) fn may_rule<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    authority: &str,
) -> Result<bool, Fault> {
    let record: Option<Organisation> = state.read(&keys::organisation(authority))?;
    let has_role = record.is_some_and(|o| organisation::has_role(&o, AUTHORITIES));
    Ok(has_role && !is_party(dispute, authority))
}

/// Whether an organisation is the complainant, the respondent or the platform.
pub(super) fn is_party(dispute: &Dispute, organisation: &str) -> bool {
    [&dispute.complainant, &dispute.respondent, &dispute.platform]
        .into_iter()
        .any(|party| party == organisation)
}

/// Whether an organisation may say what a party would say: that party, or the platform for a respondent that can't act
/// here itself. A platform that spoke for others could make a false declaration theirs, or end their appeal.
pub(super) fn speaks_for<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    by: &str,
    party: &str,
) -> Result<bool, Fault> {
    if by == party {
        return Ok(true);
    }
    if party != dispute.respondent || by != dispute.platform {
        return Ok(false);
    }
    let record: Option<Organisation> = state.read(&keys::organisation(party))?;
    Ok(!record.is_some_and(|respondent| standing::may_act(&respondent)))
}

/// The keys of those whose tally a dispute is in.
pub(super) fn tallies(subject: &Hash, dispute: &Dispute) -> [Vec<u8>; 3] {
    [
        keys::subject_tally(subject),
        keys::party_tally(&dispute.complainant),
        keys::party_tally(&dispute.respondent),
    ]
}

/// What the right of a dispute is to.
pub(super) fn subject(dispute: &Dispute) -> Result<Hash, Fault> {
    encoding::exact("subject", &dispute.subject)
        .map_err(|e| Fault::Damaged(format!("dispute: {e}")))
}

/// How some disputes went, counted as the ledger counts them.
pub fn tally_of<'a>(disputes: impl Iterator<Item = &'a Dispute>) -> DisputeTally {
    let mut tally = DisputeTally::default();
    for dispute in disputes {
        tally.notices = tally.notices.saturating_add(1);
        match dispute.phase() {
            DisputePhase::Ended => count(&mut tally, dispute.outcome()),
            _ => tally.open = tally.open.saturating_add(1),
        }
    }
    tally
}

/// Whether a tally counts at least what another does, each way of ending for itself.
pub fn covers(tally: &DisputeTally, part: &DisputeTally) -> bool {
    let counts = |t: &DisputeTally| {
        [
            t.notices,
            t.open,
            t.upheld,
            t.dismissed,
            t.false_notices,
            t.false_declarations,
            t.withdrawn,
            t.refused,
            t.by_default,
            t.panel_upheld,
            t.panel_dismissed,
            t.centre_dismissed,
        ]
    };
    let mut both = counts(tally).into_iter().zip(counts(part));
    both.all(|(all, some)| some <= all)
}

fn count(tally: &mut DisputeTally, outcome: DisputeOutcome) {
    let counter = match outcome {
        DisputeOutcome::Refused => &mut tally.refused,
        DisputeOutcome::Withdrawn => &mut tally.withdrawn,
        DisputeOutcome::Upheld => &mut tally.upheld,
        DisputeOutcome::Dismissed => &mut tally.dismissed,
        DisputeOutcome::FalseNotice => &mut tally.false_notices,
        DisputeOutcome::FalseDeclaration => &mut tally.false_declarations,
        DisputeOutcome::PanelUpheld => &mut tally.panel_upheld,
        DisputeOutcome::PanelDismissed => &mut tally.panel_dismissed,
        DisputeOutcome::CentreDismissed => &mut tally.centre_dismissed,
        DisputeOutcome::PlatformSilent
        | DisputeOutcome::MeasuresStand
        | DisputeOutcome::MeasuresEnd
        | DisputeOutcome::NoRuling
        | DisputeOutcome::NotFiled
        | DisputeOutcome::Unspecified => &mut tally.by_default,
    };
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests;
