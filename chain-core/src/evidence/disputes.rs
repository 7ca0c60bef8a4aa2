//! How the disputes under a design's right went, and those of them that the file shows: that nobody chose a panel, and
//! what its votes make, is found again from their records.
//!
//! Consensus-critical: no

use touchstone_proto::evidence::ShownDisputes;
use touchstone_proto::ledger::{Dispute, DisputeTally, Draw, Panel, Sanction};

use super::cases::{self, PartyFact, ShownCase};
use super::element::{CheckResult, Established};
use super::facts::Deposit;
use super::finding::Finding;
use super::proven::Values;
use crate::designs::dispute;
use crate::designs::review::recount;
use crate::encoding;
use crate::finding;
use crate::hash::Hash;
use crate::proof::review::ReviewRecords;
use crate::state::keys;

/// Disputes that one file shows, at most.
pub const MAX_DISPUTES: usize = 32;

/// A dispute that a file shows.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownDispute {
    /// Its id.
    pub id: Hash,
    /// Its record.
    pub dispute: Dispute,
    /// The panels of its review in order, each with its draw.
    pub panels: Vec<(Panel, Draw)>,
    /// Its checks, and the sanctions that rest on it.
    pub case: ShownCase,
}

/// The disputes under a design's right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DisputesFact {
    /// How all of them went.
    pub tally: DisputeTally,
    /// Those that the file shows.
    pub shown: Vec<ShownDispute>,
    /// The sanctions of the parties that the file shows.
    pub parties: Vec<PartyFact>,
}

/// Reads the tally and the disputes that are shown; finds their draws and verdicts again.
pub(super) fn disputes(
    shown: Option<&ShownDisputes>,
    deposit: Option<&Deposit>,
    values: &Values,
) -> Result<Established<Option<DisputesFact>>, Finding> {
    let Some(deposit) = deposit.filter(|d| d.recorded) else {
        return match shown {
            Some(_) => Err(finding!("disputes without a recorded design")),
            None => {
                let finding = finding!("there is no right here that a dispute could be about");
                Ok(Established::not_given(None, finding))
            }
        };
    };
    let Some(shown) = shown else {
        let finding = finding!("not in the file: it doesn't tell whether there were disputes");
        return Ok(Established::not_given(None, finding));
    };
    if shown.ids.len() > MAX_DISPUTES {
        return Err(finding!(
            "the file shows {count} disputes; one file shows at most {most}",
            count = shown.ids.len(),
            most = MAX_DISPUTES
        ));
    }
    let tally: Option<DisputeTally> = values.message(&keys::subject_tally(&deposit.id))?;
    let mut fact = DisputesFact {
        tally: tally.unwrap_or_default(),
        shown: Vec::with_capacity(shown.ids.len()),
        parties: Vec::new(),
    };
    for id in &shown.ids {
        let id: Hash = encoding::exact("dispute", id)
            .map_err(|e| finding!("the id of a dispute: {reason}", reason = e))?;
        if fact.shown.last().is_some_and(|last| last.id >= id) {
            return Err(finding!(
                "dispute {id} is out of order",
                id = hex::encode(id)
            ));
        }
        fact.shown.push(shown_dispute(id, deposit, values)?);
    }
    let sanctions = fact.shown.iter().flat_map(|shown| &shown.case.sanctions);
    let sanctions: Vec<(&[u8], &Sanction)> = sanctions.map(|(id, s)| (id.as_slice(), s)).collect();
    fact.parties = cases::parties(&shown.parties, &sanctions, values)?;
    let counted = dispute::tally_of(fact.shown.iter().map(|shown| &shown.dispute));
    if !dispute::covers(&fact.tally, &counted) {
        return Err(finding!(
            "the disputes that the file shows went otherwise than the ledger counts"
        ));
    }
    Ok(weighed(fact))
}

fn shown_dispute(id: Hash, deposit: &Deposit, values: &Values) -> Result<ShownDispute, Finding> {
    let bad = |reason: String| {
        finding!(
            "dispute {id}: {reason}",
            id = hex::encode(id),
            reason = reason
        )
    };
    let mut records = ReviewRecords::default();
    while let Some(key) = records.next_key(&id) {
        let value = values.take(&key)?;
        let value = value.ok_or_else(|| bad("a record that it tells of is absent".into()))?;
        records.read(value).map_err(|e| bad(e.to_string()))?;
    }
    let missing = || bad("its record is missing".into());
    let (dispute, panels) = records.dispute().ok_or_else(missing)?;
    if dispute.subject != deposit.id {
        return Err(bad("it is about another right".into()));
    }
    if dispute.review.is_some() {
        recount::check(&dispute, &panels).map_err(|e| bad(e.to_string()))?;
    }
    let case = cases::of_dispute(&id, &dispute, values)?;
    Ok(ShownDispute {
        id,
        dispute,
        panels,
        case,
    })
}

/// What a reader must weigh: that somebody found a notice under this right wrong.
fn weighed(fact: DisputesFact) -> Established<Option<DisputesFact>> {
    let tally = &fact.tally;
    let lost = [
        tally.dismissed,
        tally.panel_dismissed,
        tally.centre_dismissed,
        tally.false_notices,
    ];
    let result = match lost.into_iter().all(|count| count == 0) {
        true => CheckResult::Passed,
        false => CheckResult::Reservation,
    };
    let panels = fact.shown.iter().flat_map(|shown| &shown.panels);
    let drawn = panels.filter(|(panel, _)| !panel.seats.is_empty()).count();
    let mut findings = vec![
        finding!(
            "notices under this right: {notices}, of them open {open}; upheld {upheld}, by a panel {panel_upheld}; \
             dismissed {dismissed}, by a panel {panel_dismissed}, by a centre {centre_dismissed}; false notices \
             {false_notices}",
            notices = tally.notices,
            open = tally.open,
            upheld = tally.upheld,
            panel_upheld = tally.panel_upheld,
            dismissed = tally.dismissed,
            panel_dismissed = tally.panel_dismissed,
            centre_dismissed = tally.centre_dismissed,
            false_notices = tally.false_notices
        ),
        finding!(
            "disputes shown here: {shown}; panels drawn again, and their votes counted again: {drawn}",
            shown = fact.shown.len(),
            drawn = drawn
        ),
    ];
    findings.extend(beside(&fact));
    Established {
        value: Some(fact),
        result,
        findings,
    }
}

/// What the file shows beside the disputes, where there is any of it.
fn beside(fact: &DisputesFact) -> Option<Finding> {
    let count = |many: fn(&ShownDispute) -> usize| fact.shown.iter().map(many).sum::<usize>();
    let checks = count(|shown| shown.case.checks.len());
    let handovers = count(|shown| shown.dispute.handovers.len());
    let sanctions = count(|shown| shown.case.sanctions.len());
    let parties = fact.parties.len();
    let is_any = [checks, handovers, sanctions, parties]
        .iter()
        .any(|n| *n > 0);
    is_any.then(|| {
        finding!(
            "shown beside them: checks {checks}, hand-overs {handovers}, sanctions {sanctions}, parties with \
             their sanctions {parties}; each agrees with the rules",
            checks = checks,
            handovers = handovers,
            sanctions = sanctions,
            parties = parties
        )
    })
}
