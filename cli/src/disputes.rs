//! Disputes in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::designs::dispute::is_default;
use touchstone_core::designs::referral::{self, DisputeRoute};
use touchstone_core::designs::review;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    CaseCheck, CaseHandOver, CentreOpinion, Dispute, DisputeOutcome, DisputePhase, DisputeTally,
    Draw, FalseStatements, HandOverState, Panel, PlatformMeasure, Referral, Sanction,
};

use crate::cases;
use crate::chronology::Chronology;
use crate::messages::{Language, Speech};
use crate::output::{plain, utc};
use crate::reviews;
use crate::sanctions;
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

/// A dispute with what was read beside its record.
pub struct CaseFile<'a> {
    /// Its record.
    pub dispute: &'a Dispute,
    /// The panels of its review, whose draws and votes were found again.
    pub panels: &'a [(Panel, Draw)],
    /// Its checks, each with its id.
    pub checks: &'a [(Hash, CaseCheck)],
    /// The sanctions that rest on it, each with its id.
    pub sanctions: &'a [(Hash, Sanction)],
}

impl CaseFile<'_> {
    /// What happened so far in the order of time, one sentence for each step, and what is waited for.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let dispute = self.dispute;
        let mut told = steps(language, dispute);
        told.merge(reviews::chronology(language, dispute, self.panels));
        let standing = standing(language, dispute);
        let is_open = dispute.phase() != DisputePhase::Ended;
        if !is_open {
            told.add(dispute.ended_ms, [standing.clone()]);
        }
        for (id, check) in self.checks {
            told.add(check.recorded_ms, cases::check_lines(language, id, check));
        }
        for (id, sanction) in self.sanctions {
            told.add(sanction.from_ms, sanctions::lines(language, id, sanction));
        }
        if is_open {
            told.add(u64::MAX, [standing]);
        }
        told.lines()
    }
}

/// What a dispute's record alone tells.
pub fn lines(language: Language, dispute: &Dispute) -> Vec<String> {
    let records = CaseFile {
        dispute,
        panels: &[],
        checks: &[],
        sanctions: &[],
    };
    records.lines(language)
}

/// What the parties, the platform, the centre and authorities did.
fn steps(language: Language, dispute: &Dispute) -> Chronology {
    let mut told = Chronology::default();
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
    told.add(dispute.noticed_ms, lines);
    if let Some(asked) = &dispute.referral {
        told.merge(referral_steps(language, asked));
    }
    if dispute.answered_ms > 0 {
        let answer = say!(
            language,
            "{time}: the platform's measure: {measure} ({why})",
            time = utc(dispute.answered_ms),
            measure = language.term(measure(dispute.measure())),
            why = plain(&dispute.measure_reason)
        );
        told.add(dispute.answered_ms, [answer]);
    }
    let mut lines = Vec::new();
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
    told.add(dispute.countered_ms, lines);
    if dispute.filed_ms > 0 {
        let filing = say!(
            language,
            "{time}: a filing with {authority} is shown, {reference}",
            time = utc(dispute.filed_ms),
            authority = plain(&dispute.authority),
            reference = plain(&dispute.reference)
        );
        told.add(dispute.filed_ms, [filing]);
    }
    for offered in &dispute.handovers {
        let line = cases::hand_over_line(language, offered);
        told.add(hand_over_ms(offered), [line]);
    }
    told
}

/// When what a hand-over's line tells happened.
fn hand_over_ms(offered: &CaseHandOver) -> u64 {
    match offered.state() {
        HandOverState::Unspecified => offered.offered_ms,
        HandOverState::Accepted | HandOverState::Lapsed => offered.closed_ms,
    }
}

/// How it ended, or what it waits for.
fn standing(language: Language, dispute: &Dispute) -> String {
    match dispute.phase() {
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
    }
}

/// A question to an assistance centre, and what became of it.
fn referral_steps(language: Language, asked: &Referral) -> Chronology {
    let mut told = Chronology::default();
    let question = say!(
        language,
        "{time}: {by} asks the assistance centre {centre}; reasons, SHA-256 {sha256}",
        time = utc(asked.referred_ms),
        by = plain(&asked.by),
        centre = plain(&asked.centre),
        sha256 = hex::encode(&asked.reasons)
    );
    told.add(asked.referred_ms, [question]);
    if let Some(found) = opinion(asked.opinion()) {
        let answer = say!(
            language,
            "{time}: the opinion of {centre}: {opinion}; reasons, SHA-256 {sha256}",
            time = utc(asked.closed_ms),
            centre = plain(&asked.centre),
            opinion = language.term(found),
            sha256 = hex::encode(&asked.opinion_reasons)
        );
        told.add(asked.closed_ms, [answer]);
    }
    if referral::is_default(asked) {
        let silence = say!(
            language,
            "{time}: by default: {centre} gave no opinion in time",
            time = utc(asked.closed_ms),
            centre = plain(&asked.centre)
        );
        told.add(asked.closed_ms, [silence]);
    }
    told
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
        "verdicts": reviews::recorded_json(dispute),
        "finality": review::finality(dispute).map(reviews::finality),
        "handovers": dispute.handovers.iter().map(cases::hand_over_json).collect::<Vec<_>>(),
    })
}
