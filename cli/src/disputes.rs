//! Disputes in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::designs::dispute::is_default;
use touchstone_core::designs::referral::{self, DisputeRoute};
use touchstone_proto::ledger::{
    CentreOpinion, Dispute, DisputeOutcome, DisputePhase, DisputeTally, FalseStatements,
    PlatformMeasure, Referral,
};

use crate::cases;
use crate::messages::{Language, Speech};
use crate::output::{plain, utc};
use crate::say;

/// What a platform does, by the words of the command line.
pub const MEASURES: [(&str, PlatformMeasure); 5] = [
    ("removed", PlatformMeasure::Removed),
    ("blocked", PlatformMeasure::Blocked),
    ("disconnected", PlatformMeasure::Disconnected),
    ("terminated", PlatformMeasure::Terminated),
    ("refused", PlatformMeasure::Refused),
];

/// What an authority rules, by the words of the command line.
pub const RULINGS: [(&str, DisputeOutcome); 4] = [
    ("upheld", DisputeOutcome::Upheld),
    ("dismissed", DisputeOutcome::Dismissed),
    ("false-notice", DisputeOutcome::FalseNotice),
    ("false-declaration", DisputeOutcome::FalseDeclaration),
];

/// What an assistance centre finds, by the words of the command line.
pub const OPINIONS: [(&str, CentreOpinion); 3] = [
    ("infringes", CentreOpinion::Infringes),
    ("does-not-infringe", CentreOpinion::DoesNotInfringe),
    ("contested", CentreOpinion::Contested),
];

/// The word of a phase.
pub fn phase(phase: DisputePhase) -> &'static str {
    match phase {
        DisputePhase::Noticed => "noticed",
        DisputePhase::Measures => "measures",
        DisputePhase::Countered => "countered",
        DisputePhase::Filed => "filed",
        DisputePhase::Review => "review",
        DisputePhase::Referred => "referred",
        DisputePhase::Refused => "without-measures",
        DisputePhase::Ended => "ended",
        DisputePhase::Unspecified => "unspecified",
    }
}

/// The word of an outcome.
pub fn outcome(outcome: DisputeOutcome) -> &'static str {
    match outcome {
        DisputeOutcome::Refused => "refused",
        DisputeOutcome::Withdrawn => "withdrawn",
        DisputeOutcome::Upheld => "upheld",
        DisputeOutcome::Dismissed => "dismissed",
        DisputeOutcome::FalseNotice => "false-notice",
        DisputeOutcome::FalseDeclaration => "false-declaration",
        DisputeOutcome::PlatformSilent => "platform-silent",
        DisputeOutcome::MeasuresStand => "measures-stand",
        DisputeOutcome::MeasuresEnd => "measures-end",
        DisputeOutcome::NoRuling => "no-ruling",
        DisputeOutcome::PanelUpheld => "panel-upheld",
        DisputeOutcome::PanelDismissed => "panel-dismissed",
        DisputeOutcome::CentreDismissed => "centre-dismissed",
        DisputeOutcome::NotFiled => "not-filed",
        DisputeOutcome::Unspecified => "unspecified",
    }
}

/// The word of a measure.
pub fn measure(measure: PlatformMeasure) -> &'static str {
    let mut known = MEASURES.iter();
    let found = known.find(|(_, m)| *m == measure);
    found.map_or("none", |(word, _)| word)
}

/// What happened so far, one sentence for each step, and what is waited for.
pub fn lines(language: Language, dispute: &Dispute) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "{time}: {complainant} gives {platform} notice of {respondent}'s listing {listing}; evidence, SHA-256 {sha256}",
        time = utc(dispute.noticed_ms),
        complainant = plain(&dispute.complainant),
        platform = plain(&dispute.platform),
        respondent = plain(&dispute.respondent),
        listing = plain(&dispute.listing),
        sha256 = hex::encode(&dispute.evidence)
    )];
    if let Some(before) = &dispute.complainant_before {
        lines.push(say!(
            language,
            "before, by ruling, the complainant had given: false notices {notices}, false declarations {declarations}",
            notices = before.notices,
            declarations = before.declarations
        ));
    }
    if let Some(asked) = &dispute.referral {
        lines.extend(referral_lines(language, asked));
    }
    if dispute.answered_ms > 0 {
        lines.push(say!(
            language,
            "{time}: the platform's measure: {measure} ({why})",
            time = utc(dispute.answered_ms),
            measure = language.term(measure(dispute.measure())),
            why = plain(&dispute.measure_reason)
        ));
    }
    if dispute.countered_ms > 0 {
        lines.push(say!(
            language,
            "{time}: the respondent declares that it doesn't infringe; declaration, SHA-256 {sha256}",
            time = utc(dispute.countered_ms),
            sha256 = hex::encode(&dispute.declaration)
        ));
    }
    if let Some(before) = &dispute.respondent_before {
        lines.push(say!(
            language,
            "before, by ruling, the respondent had given: false notices {notices}, false declarations {declarations}",
            notices = before.notices,
            declarations = before.declarations
        ));
    }
    if dispute.filed_ms > 0 {
        lines.push(say!(
            language,
            "{time}: the complainant shows a filing with {authority}, {reference}",
            time = utc(dispute.filed_ms),
            authority = plain(&dispute.authority),
            reference = plain(&dispute.reference)
        ));
    }
    let offered = dispute.handovers.iter();
    lines.extend(offered.map(|offered| cases::hand_over_line(language, offered)));
    lines.push(match dispute.phase() {
        DisputePhase::Ended if is_default(dispute.outcome()) => say!(
            language,
            "{time}: ended by default, nobody having acted in time: {outcome}",
            time = utc(dispute.ended_ms),
            outcome = language.term(outcome(dispute.outcome()))
        ),
        DisputePhase::Ended => say!(
            language,
            "{time}: ended: {outcome}",
            time = utc(dispute.ended_ms),
            outcome = language.term(outcome(dispute.outcome()))
        ),
        open => say!(
            language,
            "open ({phase}): waits up to {deadline}",
            phase = language.term(phase(open)),
            deadline = utc(dispute.deadline_ms)
        ),
    });
    lines
}

/// A question to an assistance centre, and what became of it.
fn referral_lines(language: Language, asked: &Referral) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "{time}: {by} asks the assistance centre {centre}; reasons, SHA-256 {sha256}",
        time = utc(asked.referred_ms),
        by = plain(&asked.by),
        centre = plain(&asked.centre),
        sha256 = hex::encode(&asked.reasons)
    )];
    if let Some(found) = opinion(asked.opinion()) {
        lines.push(say!(
            language,
            "{time}: the opinion of {centre}: {opinion}; reasons, SHA-256 {sha256}",
            time = utc(asked.closed_ms),
            centre = plain(&asked.centre),
            opinion = language.term(found),
            sha256 = hex::encode(&asked.opinion_reasons)
        ));
    }
    if referral::is_default(asked) {
        lines.push(say!(
            language,
            "{time}: by default: {centre} gave no opinion in time",
            time = utc(asked.closed_ms),
            centre = plain(&asked.centre)
        ));
    }
    lines
}

/// The word of an opinion; none where there is none.
fn opinion(opinion: CentreOpinion) -> Option<&'static str> {
    let mut known = OPINIONS.iter();
    let found = known.find(|(_, o)| *o == opinion);
    found.map(|(word, _)| *word)
}

/// The word of a route.
fn route(dispute: &Dispute) -> &'static str {
    match referral::route(dispute) {
        DisputeRoute::Platform => "platform",
        DisputeRoute::Centre => "centre",
        DisputeRoute::Authority => "authority",
    }
}

/// Which statements of a party rulings found false.
pub fn false_line(language: Language, found: &FalseStatements) -> String {
    say!(
        language,
        "found false by ruling: notices {notices}, declarations {declarations}",
        notices = found.notices,
        declarations = found.declarations
    )
}

/// The same for machines.
pub fn false_json(found: &FalseStatements) -> Value {
    json!({"notices": found.notices, "declarations": found.declarations})
}

/// A question to an assistance centre for machines.
pub fn referral_json(asked: &Referral) -> Value {
    let sha256 = |bytes: &[u8]| (!bytes.is_empty()).then(|| hex::encode(bytes));
    json!({
        "centre": asked.centre,
        "by": asked.by,
        "referred_ms": asked.referred_ms,
        "deadline_ms": asked.deadline_ms,
        "reasons_sha256": hex::encode(&asked.reasons),
        "rule_book_sha256": sha256(&asked.rule_book),
        "opinion": opinion(asked.opinion()),
        "opinion_reasons_sha256": sha256(&asked.opinion_reasons),
        "opinion_rule_book_sha256": sha256(&asked.opinion_rule_book),
        "closed_ms": (asked.closed_ms > 0).then_some(asked.closed_ms),
        "by_default": referral::is_default(asked),
    })
}

/// How disputes went, in one sentence; those that ended by somebody's silence apart.
pub fn tally(language: Language, tally: &DisputeTally) -> String {
    say!(
        language,
        "notices {notices}, open {open}; upheld {upheld}, dismissed {dismissed}, false notices {false_notices}, false \
         declarations {false_declarations}, withdrawn {withdrawn}, refused {refused}; by a panel upheld \
         {panel_upheld}, dismissed {panel_dismissed}; by a centre dismissed {centre_dismissed}; ended by default \
         {by_default}",
        notices = tally.notices,
        open = tally.open,
        upheld = tally.upheld,
        dismissed = tally.dismissed,
        false_notices = tally.false_notices,
        false_declarations = tally.false_declarations,
        withdrawn = tally.withdrawn,
        refused = tally.refused,
        panel_upheld = tally.panel_upheld,
        panel_dismissed = tally.panel_dismissed,
        centre_dismissed = tally.centre_dismissed,
        by_default = tally.by_default
    )
}

/// A tally for machines.
pub fn tally_json(tally: &DisputeTally) -> Value {
    json!({
        "notices": tally.notices,
        "open": tally.open,
        "upheld": tally.upheld,
        "dismissed": tally.dismissed,
        "false_notices": tally.false_notices,
        "false_declarations": tally.false_declarations,
        "withdrawn": tally.withdrawn,
        "refused": tally.refused,
        "panel_upheld": tally.panel_upheld,
        "panel_dismissed": tally.panel_dismissed,
        "centre_dismissed": tally.centre_dismissed,
        "by_default": tally.by_default,
    })
}

/// A dispute for machines.
pub fn json(dispute: &Dispute) -> Value {
    let moment = |ms: u64| (ms > 0).then_some(ms);
    let ended = dispute.phase() == DisputePhase::Ended;
    json!({
        "subject": hex::encode(&dispute.subject),
        "complainant": dispute.complainant,
        "platform": dispute.platform,
        "respondent": dispute.respondent,
        "listing": dispute.listing,
        "evidence_sha256": hex::encode(&dispute.evidence),
        "noticed_ms": dispute.noticed_ms,
        "complainant_before": dispute.complainant_before.as_ref().map(false_json),
        "route": route(dispute),
        "phase": phase(dispute.phase()),
        "deadline_ms": (!ended).then_some(dispute.deadline_ms),
        "measure": measure(dispute.measure()),
        "measure_reason": dispute.measure_reason,
        "answered_ms": moment(dispute.answered_ms),
        "declaration_sha256": moment(dispute.countered_ms).map(|_| hex::encode(&dispute.declaration)),
        "countered_ms": moment(dispute.countered_ms),
        "respondent_before": dispute.respondent_before.as_ref().map(false_json),
        "referral": dispute.referral.as_ref().map(referral_json),
        "authority": dispute.authority,
        "reference": dispute.reference,
        "filed_ms": moment(dispute.filed_ms),
        "outcome": ended.then(|| outcome(dispute.outcome())),
        "by_default": ended.then(|| is_default(dispute.outcome())),
        "ended_ms": moment(dispute.ended_ms),
        "ended_words": dispute.ended_words,
        "reasons_sha256": hex::encode(&dispute.reasons),
        "rule_book_sha256": hex::encode(&dispute.rule_book),
        "handovers": dispute.handovers.iter().map(cases::hand_over_json).collect::<Vec<_>>(),
    })
}
