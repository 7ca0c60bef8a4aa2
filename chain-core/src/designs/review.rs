//! Public review: a panel of jurors decides a dispute. The respondent asks for it, as its measures last meanwhile; the
//! complainant may show a filing with an authority at any time, which ends the review. Source: E-commerce Law of the
//! People's Republic of China, Art. 63: a platform may settle disputes online by published rules, voluntarily and
//! fairly; Art. 60 leaves arbitration and courts open.
//!
//! The way: validators reveal a value each, by which the panel is drawn, with a pulse of a public beacon where the
//! consortium names one; jurors cast sealed ballots, then open them;
//! the votes make a verdict or none; who lost may appeal once, to a larger panel. Each phase has a deadline at which it
//! ends by itself. Without a verdict the dispute waits for a filing again, as before the review.
//!
//! Consensus-critical: yes

pub(crate) mod accept_verdict;
pub(crate) mod appeal_review;
pub mod ballot;
pub(crate) mod cast_ballot;
pub mod draws;
pub mod jurors;
pub(crate) mod open_ballot;
pub(crate) mod open_review;
pub mod panel;
pub mod recount;
pub(crate) mod register_jurors;
mod rejection;
pub(crate) mod reveal_preimage;
pub(crate) mod show_pulse;
pub mod shuffle;
pub(crate) mod void_ballot;

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, Panel, PanelResult, PanelVerdict, Review, ReviewGround,
    ReviewPhase, ReviewTerms,
};

pub use self::rejection::ReviewRejection;
use super::{DesignRejection, dispute};
use crate::Fault;
use crate::governance::dispute_terms;
use crate::hash::{self, Hash, tag};
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Days after which a panel that wasn't drawn is drawn no more: the draw takes blocks, and a chain may stand still.
pub const DRAW_DAYS: u64 = 7;

/// What is reviewed once, whatever disputes there are: a right, who would infringe it, and on which ground. Opening a
/// review again would be a way to choose a panel.
pub fn matter(subject: &Hash, respondent: &str, ground: ReviewGround) -> Hash {
    let ground = (ground as i32).to_be_bytes();
    let parts: [&[u8]; 3] = [subject, &ground, respondent.as_bytes()];
    hash::tagged(tag::REVIEW_MATTER, &parts)
}

/// A phase in words.
pub fn phase_name(phase: ReviewPhase) -> &'static str {
    match phase {
        ReviewPhase::Drawing => "drawing the panel",
        ReviewPhase::Committing => "casting ballots",
        ReviewPhase::Opening => "opening ballots",
        ReviewPhase::Decided => "decided, with an appeal open",
        ReviewPhase::Ended => "ended",
        ReviewPhase::Unspecified => "unspecified",
    }
}

/// Rule: each phase of a review takes its own acts, up to its deadline.
fn under_review<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    phase: ReviewPhase,
    now_ms: u64,
) -> Result<(Dispute, Review), RuleError> {
    let dispute = dispute::open(state, id, &[DisputePhase::Review], now_ms)?;
    let review = of(&dispute)?;
    match review.phase() == phase {
        true => Ok((dispute, review)),
        false => Err(ReviewRejection::OtherReviewPhase(phase_name(review.phase())).into()),
    }
}

/// Rule: a ballot and its opening say for which panel they are, so that none serves for another.
fn check_instance(review: &Review, instance: u32) -> Result<(), ReviewRejection> {
    match review.instance == instance {
        true => Ok(()),
        false => Err(ReviewRejection::OtherInstance(review.instance)),
    }
}

/// Rule: who lost before the first panel appeals or accepts; for a respondent that isn't on the ledger its platform
/// does.
fn check_loser<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    review: &Review,
    by: &str,
) -> Result<(), RuleError> {
    let verdict = review.results.last().map(|result| result.verdict());
    let loser = match verdict {
        Some(PanelVerdict::Upheld) => &dispute.respondent,
        _ => &dispute.complainant,
    };
    match dispute::speaks_for(state, dispute, by, loser)? {
        true => Ok(()),
        false => Err(DesignRejection::NotTheParty(loser.clone()).into()),
    }
}

fn of(dispute: &Dispute) -> Result<Review, Fault> {
    let missing = || Fault::Damaged("a dispute under review has none".to_owned());
    dispute.review.clone().ok_or_else(missing)
}

/// The panel of an instance, which must be there.
fn panel_of<S: StateRead>(state: &Delta<'_, S>, id: &Hash, instance: u32) -> Result<Panel, Fault> {
    let panel: Option<Panel> = state.read(&keys::panel(id, instance))?;
    panel.ok_or_else(|| Fault::Damaged("a panel of a review is missing".to_owned()))
}

fn terms_of(panel: &Panel) -> Result<ReviewTerms, Fault> {
    let missing = || Fault::Damaged("a panel has no terms".to_owned());
    panel.terms.clone().ok_or_else(missing)
}

/// Leads a review into a phase, which waits for so many days.
fn lead_on<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
    mut review: Review,
    phase: ReviewPhase,
    days: u64,
    now_ms: u64,
) -> Result<(), Fault> {
    review.phase = phase.into();
    dispute.review = Some(review);
    dispute::lead_on(state, id, dispute, DisputePhase::Review, days, now_ms)
}

/// What happens at a phase's deadline.
pub(super) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: Dispute,
    now_ms: u64,
) -> Result<(), Fault> {
    let review = of(&dispute)?;
    match review.phase() {
        ReviewPhase::Drawing => {
            let none = panel::not_drawn();
            conclude(state, id, dispute, review, none, now_ms)
        }
        ReviewPhase::Committing => {
            let panel = panel_of(state, id, review.instance)?;
            end_committing(state, id, dispute, review, panel, now_ms)
        }
        ReviewPhase::Opening => {
            let panel = panel_of(state, id, review.instance)?;
            let result = panel::result(&panel, &terms_of(&panel)?, review.instance);
            conclude(state, id, dispute, review, result, now_ms)
        }
        ReviewPhase::Decided => end(state, id, dispute, review, now_ms),
        ReviewPhase::Ended | ReviewPhase::Unspecified => {
            Err(Fault::Damaged("a dispute under review without one".into()))
        }
    }
}

/// Keeps a panel in which a ballot was cast or voided; once no ballot can change whose are counted, the phase ends.
fn keep_cast<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: Dispute,
    review: Review,
    panel: Panel,
    now_ms: u64,
) -> Result<(), Fault> {
    let terms = terms_of(&panel)?;
    match panel::is_settled(&panel, &terms, review.instance) {
        true => end_committing(state, id, dispute, review, panel, now_ms),
        false => {
            state.write(keys::panel(id, review.instance), &panel);
            Ok(())
        }
    }
}

/// Fixes whose ballots are counted: those of the panel, and of alternates in the place of members that cast none.
fn end_committing<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut dispute: Dispute,
    review: Review,
    mut panel: Panel,
    now_ms: u64,
) -> Result<(), Fault> {
    let terms = terms_of(&panel)?;
    let counted = panel::fix_counted(&mut panel, &terms, review.instance);
    state.write(keys::panel(id, review.instance), &panel);
    if counted < panel::quorum(&terms, review.instance) {
        let none = panel::result(&panel, &terms, review.instance);
        return conclude(state, id, dispute, review, none, now_ms);
    }
    let days = u64::from(terms.open_days);
    let phase = ReviewPhase::Opening;
    lead_on(state, id, &mut dispute, review, phase, days, now_ms)
}

/// Keeps a panel in which a ballot was opened; once all are, the phase ends.
fn keep_opened<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: Dispute,
    review: Review,
    panel: &Panel,
    now_ms: u64,
) -> Result<(), Fault> {
    state.write(keys::panel(id, review.instance), panel);
    if panel::is_open(panel) {
        let result = panel::result(panel, &terms_of(panel)?, review.instance);
        return conclude(state, id, dispute, review, result, now_ms);
    }
    Ok(())
}

/// What follows from how an instance went. A verdict of the first may be appealed; that of the second ends the dispute.
/// If the second gives none, the first one's stands: else an appeal would undo it.
fn conclude<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut dispute: Dispute,
    mut review: Review,
    mut result: PanelResult,
    now_ms: u64,
) -> Result<(), Fault> {
    result.time_ms = now_ms;
    let is_verdict = outcome(result.verdict()).is_some();
    review.results.push(result);
    match (review.instance, is_verdict) {
        (0, true) => {
            let panel = panel_of(state, id, 0)?;
            let days = u64::from(terms_of(&panel)?.appeal_days);
            let phase = ReviewPhase::Decided;
            lead_on(state, id, &mut dispute, review, phase, days, now_ms)
        }
        (0, false) => {
            review.phase = ReviewPhase::Ended.into();
            dispute.review = Some(review);
            let phase = DisputePhase::Countered;
            let days = u64::from(dispute_terms::terms(state)?.waiting_days);
            dispute::lead_on(state, id, &mut dispute, phase, days, now_ms)
        }
        _ => end(state, id, dispute, review, now_ms),
    }
}

/// Ends the dispute by the verdict of the last instance that gave one.
fn end<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut dispute: Dispute,
    mut review: Review,
    now_ms: u64,
) -> Result<(), Fault> {
    let mut results = review.results.iter().rev();
    let decided = results.find_map(|r| outcome(r.verdict()).map(|by| (by, r.reasons.clone())));
    let missing = || Fault::Damaged("a review ends without a verdict".to_owned());
    let (outcome, reasons) = decided.ok_or_else(missing)?;
    dispute.reasons = reasons;
    dispute.rule_book.clone_from(&review.rule_book);
    review.phase = ReviewPhase::Ended.into();
    dispute.review = Some(review);
    dispute::end(state, id, &mut dispute, outcome, now_ms)
}

/// How a dispute ends by a verdict; `None` where it is none.
pub fn outcome(verdict: PanelVerdict) -> Option<DisputeOutcome> {
    match verdict {
        PanelVerdict::Upheld => Some(DisputeOutcome::PanelUpheld),
        PanelVerdict::Dismissed => Some(DisputeOutcome::PanelDismissed),
        PanelVerdict::NoQuorum
        | PanelVerdict::NoMajority
        | PanelVerdict::NoPanel
        | PanelVerdict::Unspecified => None,
    }
}

/// Whether a dispute ended by a panel's verdict.
pub fn is_verdict(outcome: DisputeOutcome) -> bool {
    matches!(
        outcome,
        DisputeOutcome::PanelUpheld | DisputeOutcome::PanelDismissed
    )
}

/// How the verdict that ended a dispute became final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finality {
    /// Who lost before the first panel accepted its verdict.
    Accepted,
    /// By default: nobody appealed in time.
    NotAppealed,
    /// There was an appeal, and there is one alone.
    OnAppeal,
}

/// How the verdict that ended a dispute became final; `None` where none ended it. The dispute's record tells it: its
/// deadline stays that of the phase in which it ended.
pub fn finality(dispute: &Dispute) -> Option<Finality> {
    let ended_by_verdict = is_verdict(dispute.outcome());
    let review = dispute.review.as_ref().filter(|_| ended_by_verdict)?;
    Some(match review.instance {
        0 if dispute.ended_ms <= dispute.deadline_ms => Finality::Accepted,
        0 => Finality::NotAppealed,
        _ => Finality::OnAppeal,
    })
}

#[cfg(test)]
mod tests;
