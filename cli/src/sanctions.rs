//! Sanctions in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::designs::sanction::is_default;
use touchstone_core::evidence::PartyFact;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::{
    HeldSanction, PartySanctions, Sanction, SanctionKind, SanctionOutcome,
};

use crate::messages::{Language, Speech};
use crate::output::{add_member, plain, utc};
use crate::say;

/// What a sanction bars, by the words of the command line.
pub const KINDS: [(&str, SanctionKind); 3] = [
    ("warning", SanctionKind::Warning),
    ("no-notices", SanctionKind::NoNotices),
    ("no-sales", SanctionKind::NoSales),
];

/// How an appeal is decided, by the words of the command line.
pub const DECISIONS: [(&str, SanctionOutcome); 2] = [
    ("confirmed", SanctionOutcome::Confirmed),
    ("lifted", SanctionOutcome::Lifted),
];

/// The word of a kind.
pub fn kind(kind: SanctionKind) -> &'static str {
    let mut known = KINDS.iter();
    let found = known.find(|(_, known)| *known == kind);
    found.map_or("unspecified", |(word, _)| word)
}

/// The word of an outcome; none while it waits.
pub fn outcome(outcome: SanctionOutcome) -> Option<&'static str> {
    match outcome {
        SanctionOutcome::Unspecified => None,
        SanctionOutcome::Confirmed => Some("confirmed"),
        SanctionOutcome::Lifted => Some("lifted"),
        SanctionOutcome::NotAppealed => Some("not-appealed"),
        SanctionOutcome::NotDecided => Some("not-decided"),
    }
}

/// A sanction: who imposed it on whom, up to when, and what became of its appeal.
pub fn lines(language: Language, id: &Hash, sanction: &Sanction) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "{time}: sanction {id}, {kind}, by {issuer} against {party}, up to {until}; reasons {reasons}, rule book \
         {rule_book} (SHA-256)",
        time = utc(sanction.from_ms),
        id = hex::encode(id),
        kind = language.term(kind(sanction.kind())),
        issuer = plain(&sanction.issuer),
        party = plain(&sanction.party),
        until = utc(sanction.until_ms),
        reasons = hex::encode(&sanction.reasons),
        rule_book = hex::encode(&sanction.rule_book)
    )];
    if !sanction.registered_as.is_empty() {
        lines.push(say!(
            language,
            "it holds for all that are vouched for as {number} in a business register",
            number = plain(&sanction.registered_as)
        ));
    }
    if sanction.appealed_ms > 0 {
        lines.push(say!(
            language,
            "{time}: {party} appeals to {authority}; reasons, SHA-256 {sha256}",
            time = utc(sanction.appealed_ms),
            party = plain(&sanction.party),
            authority = plain(&sanction.authority),
            sha256 = hex::encode(&sanction.appeal)
        ));
    }
    lines.push(became(language, sanction));
    lines
}

fn became(language: Language, sanction: &Sanction) -> String {
    let time = utc(sanction.closed_ms);
    let deadline = utc(sanction.deadline_ms);
    let word = outcome(sanction.outcome()).unwrap_or("unspecified");
    match sanction.outcome() {
        SanctionOutcome::Unspecified if sanction.appealed_ms == 0 => {
            say!(
                language,
                "may be appealed up to {deadline}",
                deadline = deadline
            )
        }
        SanctionOutcome::Unspecified => say!(
            language,
            "the appeal waits for {authority} up to {deadline}",
            authority = plain(&sanction.authority),
            deadline = deadline
        ),
        by_silence if is_default(by_silence) => say!(
            language,
            "{time}: by default, nobody having acted in time: {outcome}",
            time = time,
            outcome = language.term(word)
        ),
        _ => say!(
            language,
            "{time}: {authority} has decided: {outcome}; rule book, SHA-256 {sha256}",
            time = time,
            authority = plain(&sanction.authority),
            outcome = language.term(word),
            sha256 = hex::encode(&sanction.decision_rule_book)
        ),
    }
}

/// The sanctions against a party: how many there were, and each that its record names.
fn party_lines(language: Language, list: &PartySanctions) -> Vec<String> {
    let mut lines = vec![say!(
        language,
        "sanctions {imposed}; confirmed {confirmed}, lifted {lifted}; by default not appealed {not_appealed}, lifted \
         {not_decided}",
        imposed = list.imposed,
        confirmed = list.confirmed,
        lifted = list.lifted,
        not_appealed = list.not_appealed,
        not_decided = list.not_decided
    )];
    lines.extend(list.held.iter().map(|held| {
        say!(
            language,
            "{kind} from {from} to {until}: sanction {id}",
            kind = language.term(kind(held.kind())),
            from = utc(held.from_ms),
            until = utc(held.until_ms),
            id = hex::encode(&held.sanction)
        )
    }));
    lines
}

/// The sanctions that hold for a party, or did: its own, and those against all with its register's number.
pub fn of_party(language: Language, found: &PartyFact) -> Vec<String> {
    let mut lines = party_lines(language, &found.own);
    if let Some((number, list)) = &found.registered {
        lines.push(as_registered(language, number));
        lines.extend(party_lines(language, list));
    }
    lines
}

/// That what follows is of all with a register's number.
fn as_registered(language: Language, number: &str) -> String {
    say!(
        language,
        "vouched for as {number} in a business register; all with that number:",
        number = plain(number)
    )
}

/// The same for machines: docs/examination.schema.json, `disputes`, `parties`.
pub fn of_party_json(found: &PartyFact) -> Value {
    let mut value = party_json(&found.own);
    add_member(
        &mut value,
        "organisation",
        found.organisation.clone().into(),
    );
    let registered = found.registered.as_ref();
    let number = registered.map(|(number, _)| number.as_str());
    add_member(&mut value, "registered_as", number.into());
    let list = registered.map(|(_, list)| party_json(list));
    add_member(&mut value, "registered", list.into());
    value
}

/// A sanction for machines: docs/examination.schema.json, `sanction`.
pub fn json(id: &Hash, sanction: &Sanction) -> Value {
    let hash = |bytes: &[u8]| (!bytes.is_empty()).then(|| hex::encode(bytes));
    let moment = |ms: u64| (ms > 0).then_some(ms);
    json!({
        "id": hex::encode(id),
        "party": sanction.party,
        "registered_as": Some(&sanction.registered_as).filter(|number| !number.is_empty()),
        "kind": kind(sanction.kind()),
        "issuer": sanction.issuer,
        "grounds": sanction.grounds.iter().map(hex::encode).collect::<Vec<_>>(),
        "reasons_sha256": hash(&sanction.reasons),
        "rule_book_sha256": hash(&sanction.rule_book),
        "from_ms": sanction.from_ms,
        "until_ms": sanction.until_ms,
        "outcome": outcome(sanction.outcome()),
        "by_default": is_default(sanction.outcome()),
        "deadline_ms": sanction.deadline_ms,
        "authority": Some(&sanction.authority).filter(|id| !id.is_empty()),
        "appealed_ms": moment(sanction.appealed_ms),
        "appeal_sha256": hash(&sanction.appeal),
        "decision_sha256": hash(&sanction.decision),
        "decision_rule_book_sha256": hash(&sanction.decision_rule_book),
        "closed_ms": moment(sanction.closed_ms),
    })
}

/// The sanctions of a list for machines.
fn party_json(list: &PartySanctions) -> Value {
    json!({
        "imposed": list.imposed,
        "confirmed": list.confirmed,
        "lifted": list.lifted,
        "not_appealed": list.not_appealed,
        "not_decided": list.not_decided,
        "told_from_ms": list.told_from_ms,
        "held": list.held.iter().map(held_json).collect::<Vec<_>>(),
    })
}

fn held_json(held: &HeldSanction) -> Value {
    json!({
        "sanction": hex::encode(&held.sanction),
        "kind": kind(held.kind()),
        "subjects": held.subjects.iter().map(hex::encode).collect::<Vec<_>>(),
        "from_ms": held.from_ms,
        "until_ms": held.until_ms,
    })
}
