//! What the file proves of disputes under a design's right, and of who may do what with it.

use serde_json::{Value, json};
use touchstone_core::designs::authorised::SaleAnswer;
use touchstone_core::evidence::{AuthorisationFact, DisputesFact, Facts, PartyFact, ShownDispute};
use touchstone_proto::ledger::{DisputePhase, Draw, Panel, PanelResult, Seat};

use super::fact_row::{FactRow, row};
use crate::beacons;
use crate::cases;
use crate::disputes::{self, CaseFile};
use crate::messages::{Language, Speech};
use crate::output::{add_member, plain, utc};
use crate::reviews;
use crate::rights;
use crate::sanctions;
use crate::say;

/// The same as named lines.
pub fn rows(language: Language, facts: &Facts) -> Vec<FactRow> {
    let mut rows = Vec::new();
    if let Some(fact) = &facts.disputes {
        rows.push(row(
            say!(language, "Disputes"),
            [disputes::tally(language, &fact.tally)],
        ));
        rows.extend(fact.shown.iter().map(|shown| dispute(language, shown)));
        rows.extend(fact.parties.iter().map(|fact| party(language, fact)));
    }
    let answers = facts.authorisations.iter();
    rows.extend(answers.map(|fact| authorisation(language, fact)));
    rows
}

fn dispute(language: Language, shown: &ShownDispute) -> FactRow {
    let mut lines = vec![hex::encode(shown.id)];
    let records = CaseFile {
        dispute: &shown.dispute,
        panels: &shown.panels,
        checks: &shown.case.checks,
        sanctions: &shown.case.sanctions,
    };
    lines.extend(records.lines(language));
    row(say!(language, "Dispute"), lines)
}

fn party(language: Language, fact: &PartyFact) -> FactRow {
    let mut lines = vec![plain(&fact.organisation)];
    lines.extend(sanctions::of_party(language, fact));
    row(say!(language, "Sanctions"), lines)
}

fn authorisation(language: Language, fact: &AuthorisationFact) -> FactRow {
    let asked = &fact.question;
    let verdict = match fact.answer {
        SaleAnswer::Owner | SaleAnswer::Licensed(_) => say!(language, "YES"),
        SaleAnswer::No(_) => say!(language, "NO"),
        SaleAnswer::Untold { .. } => say!(language, "NOT TOLD"),
    };
    let mut lines = vec![say!(
        language,
        "{verdict}: whether {seller} may {act} it in {place} on {time}",
        verdict = verdict,
        seller = plain(&asked.seller),
        act = language.term(rights::word(asked.act)),
        place = plain(&asked.territory),
        time = utc(asked.at_ms)
    )];
    lines.extend(rights::grounds(language, &fact.answer));
    row(say!(language, "Authorised"), lines)
}

/// For machines: docs/examination.schema.json, `disputes`.
pub fn disputes_json(fact: &DisputesFact) -> Value {
    let mut value = disputes::tally_json(&fact.tally);
    let shown: Vec<Value> = fact.shown.iter().map(dispute_json).collect();
    add_member(&mut value, "shown", shown.into());
    let parties = fact.parties.iter().map(sanctions::of_party_json);
    add_member(&mut value, "parties", parties.collect());
    value
}

fn dispute_json(shown: &ShownDispute) -> Value {
    let dispute = &shown.dispute;
    let is_over = dispute.phase() == DisputePhase::Ended;
    let review = dispute.review.as_ref().map(|review| {
        let panels = shown.panels.iter().enumerate();
        let panels: Vec<Value> = panels
            .map(|(instance, panel)| panel_json(panel, review.results.get(instance)))
            .collect();
        json!({
            "ground": reviews::ground(review.ground()),
            "opened_by": review.opened_by,
            "opened_ms": review.opened_ms,
            "phase": reviews::phase(review.phase()),
            "panels": panels,
        })
    });
    let checks = shown.case.checks.iter();
    let imposed = shown.case.sanctions.iter();
    json!({
        "id": hex::encode(shown.id),
        "complainant": dispute.complainant,
        "platform": dispute.platform,
        "respondent": dispute.respondent,
        "listing": dispute.listing,
        "noticed_ms": dispute.noticed_ms,
        "phase": disputes::phase(dispute.phase()),
        "outcome": is_over.then(|| disputes::outcome(dispute.outcome())),
        "ended_ms": is_over.then_some(dispute.ended_ms),
        "referral": dispute.referral.as_ref().map(disputes::referral_json),
        "complainant_before": dispute.complainant_before.as_ref().map(disputes::false_json),
        "respondent_before": dispute.respondent_before.as_ref().map(disputes::false_json),
        "review": review,
        "handovers": dispute.handovers.iter().map(cases::hand_over_json).collect::<Vec<_>>(),
        "checks": checks.map(|(id, check)| cases::check_json(id, check)).collect::<Vec<_>>(),
        "sanctions": imposed.map(|(id, sanction)| sanctions::json(id, sanction)).collect::<Vec<_>>(),
    })
}

fn panel_json((panel, draw): &(Panel, Draw), result: Option<&PanelResult>) -> Value {
    let is_drawn = !panel.seats.is_empty();
    let revealed = draw.values.iter().filter(|v| !v.preimage.is_empty());
    let silent = draw.values.iter().filter(|v| v.preimage.is_empty());
    json!({
        "jurors": panel.count,
        "drawn_in": is_drawn.then_some(draw.closed_height),
        "seed": is_drawn.then(|| hex::encode(&panel.seed)),
        "revealed": revealed.map(|v| hex::encode(&v.public_key)).collect::<Vec<_>>(),
        "silent": silent.map(|v| &v.organisation).collect::<Vec<_>>(),
        "beacon": beacons::taken_json(draw),
        "seats": panel.seats.iter().map(seat_json).collect::<Vec<_>>(),
        "verdict": result.map(|result| reviews::verdict(result.verdict())),
        "uphold": result.map(|result| result.uphold),
        "dismiss": result.map(|result| result.dismiss),
    })
}

fn seat_json(seat: &Seat) -> Value {
    json!({
        "juror": seat.juror,
        "ballot": reviews::seat_state(seat.state()),
        "choice": reviews::choice(seat.choice()),
        "reasons_sha256": Some(&seat.reasons).filter(|r| !r.is_empty()).map(hex::encode),
    })
}

/// For machines: docs/examination.schema.json, `authorisations`.
pub fn authorisation_json(fact: &AuthorisationFact) -> Value {
    let asked = &fact.question;
    let held = match &fact.answer {
        SaleAnswer::Licensed(held) => Some(held),
        _ => None,
    };
    json!({
        "seller": asked.seller,
        "act": rights::word(asked.act),
        "territory": asked.territory,
        "time_ms": asked.at_ms,
        "answer": match fact.answer {
            SaleAnswer::Owner | SaleAnswer::Licensed(_) => "yes",
            SaleAnswer::No(_) => "no",
            SaleAnswer::Untold { .. } => "untold",
        },
        "owner": fact.answer == SaleAnswer::Owner,
        "licence": held.map(|held| hex::encode(&held.licence.licence)),
        "licensee": held.map(|held| &held.licensee),
        "until_ms": held.map(|held| held.licence.until_ms),
    })
}
