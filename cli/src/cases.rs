//! Checks and hand-overs of disputes in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    CaseCheck, CaseCheckKind, CaseCheckState, CaseHandOver, DisputeTerms, HandOverState,
    SampleVerdict,
};

use crate::messages::{Language, Speech};
use crate::output::{plain, utc};
use crate::say;

/// What is found of a sample, by the words of the command line.
pub const VERDICTS: [(&str, SampleVerdict); 3] = [
    ("authentic", SampleVerdict::Authentic),
    ("not-authentic", SampleVerdict::NotAuthentic),
    ("undetermined", SampleVerdict::Undetermined),
];

/// Terms of disputes by their names, with their values.
pub fn terms(terms: &DisputeTerms) -> [(&'static str, u32); 13] {
    [
        ("laboratory_days", terms.laboratory_days),
        ("mend_days", terms.mend_days),
        ("acceptance_days", terms.acceptance_days),
        ("sanction_days", terms.sanction_days),
        ("false_notices", terms.false_notices),
        ("appeal_days", terms.appeal_days),
        ("decision_days", terms.decision_days),
        ("answer_days", terms.answer_days),
        ("declaration_days", terms.declaration_days),
        ("waiting_days", terms.waiting_days),
        ("ruling_days", terms.ruling_days),
        ("opinion_days", terms.opinion_days),
        ("escalation_days", terms.escalation_days),
    ]
}

/// The word of a kind of check.
pub fn kind(kind: CaseCheckKind) -> &'static str {
    match kind {
        CaseCheckKind::TestPurchase => "test-purchase",
        CaseCheckKind::SpotCheck => "spot-check",
        CaseCheckKind::SupervisorNotice => "supervisor-notice",
        CaseCheckKind::Unspecified => "unspecified",
    }
}

/// The word of a verdict; none where there is none.
pub fn verdict(verdict: SampleVerdict) -> Option<&'static str> {
    let mut known = VERDICTS.iter();
    let found = known.find(|(_, known)| *known == verdict);
    found.map(|(word, _)| *word)
}

/// The word of a check's state.
pub fn check_state(state: CaseCheckState) -> &'static str {
    match state {
        CaseCheckState::Unspecified => "waits",
        CaseCheckState::Closed => "closed",
        CaseCheckState::Defaulted => "defaulted",
    }
}

/// The word of a hand-over's state.
pub fn hand_over_state(state: HandOverState) -> &'static str {
    match state {
        HandOverState::Unspecified => "offered",
        HandOverState::Accepted => "accepted",
        HandOverState::Lapsed => "lapsed",
    }
}

/// A check: who recorded what, and what became of it.
pub fn check_lines(language: Language, id: &Hash, check: &CaseCheck) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "{time}: check {id}, {kind} by {who} at {place} on {day}; report {report}, rule book {rule_book} (SHA-256)",
        time = utc(check.recorded_ms),
        id = hex::encode(id),
        kind = language.term(kind(check.kind())),
        who = plain(&check.by),
        place = plain(&check.place),
        day = utc(check.at_ms),
        report = hex::encode(&check.report),
        rule_book = hex::encode(&check.rule_book)
    )];
    if check.kind() == CaseCheckKind::TestPurchase {
        lines.push(say!(
            language,
            "the sample goes to {laboratory}; seal {seal}, chain of custody {custody} (SHA-256)",
            laboratory = plain(&check.to),
            seal = hex::encode(&check.seal),
            custody = hex::encode(&check.custody)
        ));
    }
    lines.push(became(language, check));
    lines
}

fn became(language: Language, check: &CaseCheck) -> String {
    let time = utc(check.closed_ms);
    let found = verdict(check.verdict()).unwrap_or("unspecified");
    match (check.state(), check.kind()) {
        (CaseCheckState::Unspecified, _) => say!(
            language,
            "waits for {who} up to {deadline}",
            who = plain(&check.to),
            deadline = utc(check.deadline_ms)
        ),
        (CaseCheckState::Defaulted, CaseCheckKind::TestPurchase) => say!(
            language,
            "{time}: by default: {who} gave no verdict in time",
            time = time,
            who = plain(&check.to)
        ),
        (CaseCheckState::Defaulted, _) => say!(
            language,
            "{time}: by default: {who} mended nothing in time",
            time = time,
            who = plain(&check.to)
        ),
        (_, CaseCheckKind::TestPurchase) if check.seal_confirmed == 0 => say!(
            language,
            "{time}: {who} finds: {verdict}; the seal was not that of the purchase",
            time = time,
            who = plain(&check.to),
            verdict = language.term(found)
        ),
        (_, CaseCheckKind::TestPurchase) => say!(
            language,
            "{time}: {who} finds: {verdict}; the seal was whole",
            time = time,
            who = plain(&check.to),
            verdict = language.term(found)
        ),
        (_, CaseCheckKind::SupervisorNotice) => say!(
            language,
            "{time}: mended in time, by the word of {who}",
            time = time,
            who = plain(&check.to)
        ),
        _ => say!(
            language,
            "{time}: found: {verdict}",
            time = time,
            verdict = language.term(found)
        ),
    }
}

/// A hand-over of a case.
pub fn hand_over_line(language: Language, offered: &CaseHandOver) -> String {
    let (from, to) = (plain(&offered.from), plain(&offered.to));
    match offered.state() {
        HandOverState::Unspecified => say!(
            language,
            "{time}: {from} hands the case over to {to}, and stays responsible until that accepts, up to {deadline}",
            time = utc(offered.offered_ms),
            from = from,
            to = to,
            deadline = utc(offered.deadline_ms)
        ),
        HandOverState::Accepted => say!(
            language,
            "{time}: {to} has accepted the case from {from}",
            time = utc(offered.closed_ms),
            to = to,
            from = from
        ),
        HandOverState::Lapsed => say!(
            language,
            "{time}: by default: {to} didn't accept the case, and {from} stayed responsible",
            time = utc(offered.closed_ms),
            to = to,
            from = from
        ),
    }
}

/// A check for machines: docs/examination.schema.json, `check`.
pub fn check_json(id: &Hash, check: &CaseCheck) -> Value {
    let hash = |bytes: &[u8]| (!bytes.is_empty()).then(|| hex::encode(bytes));
    let moment = |ms: u64| (ms > 0).then_some(ms);
    let is_sample = check.kind() == CaseCheckKind::TestPurchase;
    let is_examined = is_sample && check.state() == CaseCheckState::Closed;
    json!({
        "id": hex::encode(id),
        "kind": kind(check.kind()),
        "by": check.by,
        "at_ms": check.at_ms,
        "place": check.place,
        "report_sha256": hash(&check.report),
        "rule_book_sha256": hash(&check.rule_book),
        "seal_sha256": hash(&check.seal),
        "custody_sha256": hash(&check.custody),
        "to": Some(&check.to).filter(|to| !to.is_empty()),
        "recorded_ms": check.recorded_ms,
        "state": check_state(check.state()),
        "deadline_ms": moment(check.deadline_ms),
        "verdict": verdict(check.verdict()),
        "seal_confirmed": is_examined.then_some(check.seal_confirmed == 1),
        "answer_sha256": hash(&check.answer),
        "answer_rule_book_sha256": hash(&check.answer_rule_book),
        "closed_ms": moment(check.closed_ms),
    })
}

/// A hand-over for machines: docs/examination.schema.json, `handover`.
pub fn hand_over_json(offered: &CaseHandOver) -> Value {
    json!({
        "from": offered.from,
        "to": offered.to,
        "reasons_sha256": hex::encode(&offered.reasons),
        "rule_book_sha256": hex::encode(&offered.rule_book),
        "offered_ms": offered.offered_ms,
        "deadline_ms": offered.deadline_ms,
        "state": hand_over_state(offered.state()),
        "closed_ms": (offered.closed_ms > 0).then_some(offered.closed_ms),
    })
}
