//! Public reviews in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::designs::review::{self, Finality};
use touchstone_proto::ledger::{
    Dispute, Draw, Panel, PanelResult, PanelVerdict, ReviewChoice, ReviewGround, ReviewPhase,
    ReviewTerms, SeatState,
};

use crate::beacons;
use crate::chronology::Chronology;
use crate::messages::{Language, Speech};
use crate::output::{add_member, plain, utc};
use crate::say;

/// What a panel is asked, by the words of the command line.
pub const GROUNDS: [(&str, ReviewGround); 4] = [
    ("similarity", ReviewGround::Similarity),
    ("existing-design", ReviewGround::ExistingDesign),
    ("authorisation", ReviewGround::Authorisation),
    ("lawful-source", ReviewGround::LawfulSource),
];

/// How a juror votes, by the words of the command line.
pub const CHOICES: [(&str, ReviewChoice); 2] = [
    ("uphold", ReviewChoice::Uphold),
    ("dismiss", ReviewChoice::Dismiss),
];

/// Terms of reviews by their names, with their values.
pub fn terms(terms: &ReviewTerms) -> [(&'static str, Value); 10] {
    [
        ("panel", terms.panel.into()),
        ("appeal_panel", terms.appeal_panel.into()),
        ("alternates", terms.alternates.into()),
        ("quorum_percent", terms.quorum_percent.into()),
        ("majority_percent", terms.majority_percent.into()),
        ("commit_days", terms.commit_days.into()),
        ("open_days", terms.open_days.into()),
        ("appeal_days", terms.appeal_days.into()),
        ("reveal_blocks", terms.reveal_blocks.into()),
        (
            "beacon",
            terms.beacon.as_ref().map(beacons::terms_json).into(),
        ),
    ]
}

/// The word of a ground.
pub fn ground(ground: ReviewGround) -> &'static str {
    let mut known = GROUNDS.iter();
    let found = known.find(|(_, known)| *known == ground);
    found.map_or("unspecified", |(word, _)| word)
}

/// The word of a choice; none where there is none.
pub fn choice(choice: ReviewChoice) -> Option<&'static str> {
    let mut known = CHOICES.iter();
    let found = known.find(|(_, known)| *known == choice);
    found.map(|(word, _)| *word)
}

/// The word of a review's phase.
pub fn phase(phase: ReviewPhase) -> &'static str {
    match phase {
        ReviewPhase::Drawing => "drawing",
        ReviewPhase::Committing => "casting",
        ReviewPhase::Opening => "opening",
        ReviewPhase::Decided => "decided",
        ReviewPhase::Ended => "over",
        ReviewPhase::Unspecified => "unspecified",
    }
}

/// The word of a verdict.
pub fn verdict(verdict: PanelVerdict) -> &'static str {
    match verdict {
        PanelVerdict::Upheld => "upheld",
        PanelVerdict::Dismissed => "dismissed",
        PanelVerdict::NoQuorum => "no-quorum",
        PanelVerdict::NoMajority => "no-majority",
        PanelVerdict::NoPanel => "no-panel",
        PanelVerdict::Unspecified => "unspecified",
    }
}

/// The word of what became of a seat.
pub fn seat_state(state: SeatState) -> &'static str {
    match state {
        SeatState::Unspecified => "none",
        SeatState::Cast => "cast",
        SeatState::Void => "void",
        SeatState::Counted => "counted",
        SeatState::Opened => "opened",
    }
}

/// The word of how a verdict became final.
pub fn finality(finality: Finality) -> &'static str {
    match finality {
        Finality::Accepted => "accepted",
        Finality::NotAppealed => "not-appealed",
        Finality::OnAppeal => "on-appeal",
    }
}

/// How a review goes, one sentence for each step. Its panels are those whose draws and votes were found again; without
/// them it tells what the dispute's own record does.
pub fn chronology(language: Language, dispute: &Dispute, panels: &[(Panel, Draw)]) -> Chronology {
    let mut told = Chronology::default();
    let Some(review) = &dispute.review else {
        return told;
    };
    let opened = say!(
        language,
        "{time}: {who} asks for a panel; ground: {ground}; rule book, SHA-256 {sha256}",
        time = utc(review.opened_ms),
        who = plain(&review.opened_by),
        ground = language.term(ground(review.ground())),
        sha256 = hex::encode(&review.rule_book)
    );
    told.add(review.opened_ms, [opened]);
    let mut begun_ms = review.opened_ms;
    for instance in 0..panels.len().max(review.results.len()) {
        if instance > 0 {
            let appeal = say!(
                language,
                "{who} appeals to a larger panel; reasons, SHA-256 {sha256}",
                who = plain(&review.appellant),
                sha256 = hex::encode(&review.appeal)
            );
            told.add(begun_ms, [appeal]);
        }
        let panel = panels.get(instance);
        if let Some((panel, draw)) = panel {
            told.add(begun_ms, panel_lines(language, panel, draw));
        }
        if let Some(result) = review.results.get(instance) {
            begun_ms = result.time_ms;
            let line = match panel {
                Some(_) => recounted_line(language, result),
                None => recorded_line(language, result),
            };
            told.add(result.time_ms, [line]);
        }
    }
    let final_line = finality_line(language, dispute);
    told.add(dispute.ended_ms, final_line);
    let at = say!(
        language,
        "the review is at: {phase}",
        phase = language.term(phase(review.phase()))
    );
    told.add(standing_ms(dispute), [at]);
    told
}

/// The moment since which a review is in its phase, as it stands among other lines.
fn standing_ms(dispute: &Dispute) -> u64 {
    let review = dispute.review.as_ref();
    let is_over = review.is_some_and(|review| review.phase() == ReviewPhase::Ended);
    let decided = review.and_then(|review| review.results.last());
    match (review::is_verdict(dispute.outcome()), dispute.ended_ms) {
        (false, _) if is_over => decided.map_or(dispute.ended_ms, |result| result.time_ms),
        (_, 0) => u64::MAX,
        (_, ended_ms) => ended_ms,
    }
}

/// How the verdict became final, where somebody's act or silence made it so.
fn finality_line(language: Language, dispute: &Dispute) -> Option<String> {
    let review = dispute.review.as_ref()?;
    let has_verdict = |result: &PanelResult| review::outcome(result.verdict()).is_some();
    let time = utc(dispute.ended_ms);
    match review::finality(dispute)? {
        Finality::Accepted => Some(say!(
            language,
            "{time}: who lost before the first panel accepts its verdict",
            time = time
        )),
        Finality::NotAppealed => Some(say!(
            language,
            "{time}: by default: nobody appealed in time, and the first panel's verdict stands",
            time = time
        )),
        Finality::OnAppeal if review.results.last().is_some_and(has_verdict) => None,
        Finality::OnAppeal => Some(say!(
            language,
            "{time}: the appeal gave no verdict, and the first panel's stands",
            time = time
        )),
    }
}

/// The lines of a review alone.
pub fn lines(language: Language, dispute: &Dispute, panels: &[(Panel, Draw)]) -> Vec<String> {
    chronology(language, dispute, panels).lines()
}

fn panel_lines(language: Language, panel: &Panel, draw: &Draw) -> Vec<String> {
    if panel.seats.is_empty() {
        return vec![say!(
            language,
            "no panel is drawn of the {count} jurors yet",
            count = panel.count
        )];
    }
    let silent = draw.values.iter().filter(|v| v.preimage.is_empty());
    let silent: Vec<String> = silent.map(|v| plain(&v.organisation)).collect();
    let revealed = draw.values.len().saturating_sub(silent.len());
    let mut lines = vec![say!(
        language,
        "block {height} draws {seats} of {count} jurors by the values of {revealed} validators; the draw is found \
         again",
        height = draw.closed_height,
        seats = panel.seats.len(),
        count = panel.count,
        revealed = revealed
    )];
    if !silent.is_empty() {
        lines.push(say!(
            language,
            "no value for the draw from: {silent}",
            silent = silent.join(", ")
        ));
    }
    lines.extend(beacons::taken_line(language, draw));
    let many = |state| panel.seats.iter().filter(|s| s.state() == state).count();
    lines.push(say!(
        language,
        "ballots: {cast} cast, {sealed} of them counted and sealed, {opened} opened, {void} void",
        cast = many(SeatState::Cast)
            .saturating_add(many(SeatState::Counted))
            .saturating_add(many(SeatState::Opened)),
        sealed = many(SeatState::Counted),
        opened = many(SeatState::Opened),
        void = many(SeatState::Void)
    ));
    lines
}

fn recounted_line(language: Language, result: &PanelResult) -> String {
    say!(
        language,
        "{time}: {verdict}; votes to uphold {uphold}, to dismiss {dismiss}; the count is found again",
        time = utc(result.time_ms),
        verdict = language.term(verdict(result.verdict())),
        uphold = result.uphold,
        dismiss = result.dismiss
    )
}

/// What the dispute's record tells of an instance; its ballots weren't read.
fn recorded_line(language: Language, result: &PanelResult) -> String {
    let time = utc(result.time_ms);
    let word = language.term(verdict(result.verdict()));
    let (uphold, dismiss) = (result.uphold, result.dismiss);
    match has_quorum(result) {
        None => say!(language, "{time}: {verdict}", time = time, verdict = word),
        Some(true) => say!(
            language,
            "{time}: {verdict}; votes to uphold {uphold}, to dismiss {dismiss}; the quorum is reached",
            time = time,
            verdict = word,
            uphold = uphold,
            dismiss = dismiss
        ),
        Some(false) => say!(
            language,
            "{time}: {verdict}; votes to uphold {uphold}, to dismiss {dismiss}; the quorum isn't reached",
            time = time,
            verdict = word,
            uphold = uphold,
            dismiss = dismiss
        ),
    }
}

/// Whether enough voted; `None` where no panel was drawn.
fn has_quorum(result: &PanelResult) -> Option<bool> {
    match result.verdict() {
        PanelVerdict::Upheld | PanelVerdict::Dismissed | PanelVerdict::NoMajority => Some(true),
        PanelVerdict::NoQuorum => Some(false),
        PanelVerdict::NoPanel | PanelVerdict::Unspecified => None,
    }
}

/// How each instance went, for machines, as the dispute's record tells it.
pub fn recorded_json(dispute: &Dispute) -> Value {
    let results = dispute.review.as_ref().map(|review| &review.results);
    let instances = results.into_iter().flatten().map(|result| {
        let mut value = result_json(result);
        add_member(&mut value, "quorum_reached", has_quorum(result).into());
        value
    });
    instances.collect()
}

/// A review for machines.
pub fn json(dispute: &Dispute, panels: &[(Panel, Draw)]) -> Value {
    let review = dispute.review.clone().unwrap_or_default();
    let panels = panels.iter().enumerate();
    let panels: Vec<Value> = panels
        .map(|(instance, (panel, draw))| {
            let mut value = panel_json(panel, draw);
            let result = review.results.get(instance).map(result_json);
            add_member(&mut value, "result", result.unwrap_or_default());
            value
        })
        .collect();
    json!({
        "ground": ground(review.ground()),
        "rule_book_sha256": hex::encode(&review.rule_book),
        "opened_by": review.opened_by,
        "opened_ms": review.opened_ms,
        "phase": phase(review.phase()),
        "instance": review.instance,
        "appellant": review.appellant,
        "appeal_sha256": hex::encode(&review.appeal),
        "recounted": true,
        "panels": panels,
    })
}

fn panel_json(panel: &Panel, draw: &Draw) -> Value {
    let seats: Vec<Value> = panel
        .seats
        .iter()
        .map(|seat| {
            json!({
                "juror": seat.juror,
                "ballot": seat_state(seat.state()),
                "choice": choice(seat.choice()),
                "reasons_sha256": hex::encode(&seat.reasons),
            })
        })
        .collect();
    let values: Vec<Value> = draw
        .values
        .iter()
        .map(|value| {
            json!({
                "public_key": hex::encode(&value.public_key),
                "organisation": value.organisation,
                "revealed": hex::encode(&value.preimage),
            })
        })
        .collect();
    json!({
        "root": hex::encode(&panel.root),
        "count": panel.count,
        "draw": panel.draw,
        "drawn_in": draw.closed_height,
        "values": values,
        "beacon": beacons::taken_json(draw),
        "seed": hex::encode(&panel.seed),
        "seats": seats,
    })
}

fn result_json(result: &PanelResult) -> Value {
    json!({
        "verdict": verdict(result.verdict()),
        "uphold": result.uphold,
        "dismiss": result.dismiss,
        "time_ms": result.time_ms,
        "reasons_sha256": hex::encode(&result.reasons),
    })
}
