//! Disputes about listings: a notice, the platform's measures, the respondent's declaration, the complainant's
//! filing, an
//! authority's ruling. Source: E-commerce Law of the People's Republic of China, Art. 42 to 45.
//!
//! Each phase waits for one party up to a deadline. Who acts in time leads on; who is silent lets the phase end by
//! default, which is counted apart. Nobody acts after a deadline, whether the block's own work has passed it yet or
//! not.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Dispute, DisputeOutcome, DisputePhase, DisputeTally, DueDisputes};

use super::DesignRejection;
use super::limits::{HOUR_MS, MAX_DUE};
use crate::Fault;
use crate::encoding;
use crate::hash::{self, Hash, tag};
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// What a dispute is about: a listing on a platform, under a right.
pub fn matter(subject: &Hash, platform: &str, listing: &str) -> Hash {
    let parts: [&[u8]; 4] = [subject, platform.as_bytes(), &[0], listing.as_bytes()];
    hash::tagged(tag::MATTER, &parts)
}

/// The outcome where nobody acted up to the deadline; `None` where it has ended.
pub fn default_outcome(phase: DisputePhase) -> Option<DisputeOutcome> {
    match phase {
        DisputePhase::Noticed => Some(DisputeOutcome::PlatformSilent),
        DisputePhase::Measures => Some(DisputeOutcome::MeasuresStand),
        // Art. 43: without a filing in fifteen days the platform ends the measures.
        DisputePhase::Countered => Some(DisputeOutcome::MeasuresEnd),
        DisputePhase::Filed => Some(DisputeOutcome::NoRuling),
        // A review ends its phases by rules of its own.
        DisputePhase::Review | DisputePhase::Ended | DisputePhase::Unspecified => None,
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
    let after_ms = days.saturating_mul(24).saturating_mul(HOUR_MS);
    let mut hour = now_ms.saturating_add(after_ms) / HOUR_MS;
    // A full hour passes the deadline on to the next one.
    let mut due: DueDisputes = loop {
        let due: DueDisputes = state.read(&keys::due_disputes(hour))?.unwrap_or_default();
        if due.disputes.len() < MAX_DUE {
            break due;
        }
        hour = hour.saturating_add(1);
    };
    due.disputes.push(id.to_vec());
    state.write(keys::due_disputes(hour), &due);
    if state.get(keys::DISPUTES_HOUR)?.is_none() {
        let first = now_ms / HOUR_MS;
        state.put(keys::DISPUTES_HOUR.to_vec(), first.to_be_bytes().to_vec());
    }
    dispute.phase = phase.into();
    dispute.deadline_ms = hour
        .saturating_add(1)
        .saturating_mul(HOUR_MS)
        .saturating_sub(1);
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
    state.write(keys::dispute(id), dispute);
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
        DisputeOutcome::PlatformSilent
        | DisputeOutcome::MeasuresStand
        | DisputeOutcome::MeasuresEnd
        | DisputeOutcome::NoRuling
        | DisputeOutcome::Unspecified => &mut tally.by_default,
    };
    *counter = counter.saturating_add(1);
}

#[cfg(test)]
mod tests;
