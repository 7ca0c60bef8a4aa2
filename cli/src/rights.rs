//! Rights and licences in words, and for machines.

use serde_json::{Value, json};
use touchstone_core::designs::authorised::{Denial, SaleAnswer, Shortfall};
use touchstone_core::designs::licence::WORLD;
use touchstone_core::designs::right;
use touchstone_proto::ledger::{Authorisation, LicensedAct, Right};

use crate::messages::{Language, Speech};
use crate::output::{plain, utc};
use crate::say;

/// What a licence may be for, by the words of the command line.
pub const ACTS: [(&str, LicensedAct); 4] = [
    ("make", LicensedAct::Make),
    ("offer", LicensedAct::Offer),
    ("sell", LicensedAct::Sell),
    ("import", LicensedAct::Import),
];

/// The act of a word.
pub fn act(word: &str) -> Result<LicensedAct, String> {
    let mut known = ACTS.iter();
    let found = known.find(|(name, _)| *name == word);
    found.map(|(_, act)| *act).ok_or_else(|| {
        let words: Vec<_> = ACTS.iter().map(|(word, _)| *word).collect();
        format!("one of {}", words.join(", "))
    })
}

/// The word of an act.
pub fn word(act: LicensedAct) -> &'static str {
    let mut known = ACTS.iter();
    let found = known.find(|(_, known)| *known == act);
    found.map_or("unspecified", |(word, _)| word)
}

/// The words of acts, as a record has them.
pub fn words(acts: &[i32]) -> Vec<&'static str> {
    let acts = acts.iter().map(|act| LicensedAct::try_from(*act));
    acts.map(|act| word(act.unwrap_or_default())).collect()
}

/// Acts for people.
pub fn named(language: Language, acts: &[i32]) -> String {
    let said: Vec<String> = words(acts)
        .into_iter()
        .map(|act| language.term(act))
        .collect();
    said.join(", ")
}

/// Territories for people.
pub fn places(language: Language, territories: &[String]) -> String {
    match territories {
        [one] if one == WORLD => say!(language, "the world"),
        many => plain(&many.join(", ")),
    }
}

/// Who owns a right, since when, and what is pending or over.
pub fn lines(language: Language, right: &Right) -> Vec<String> {
    let since = right.owners.last().map_or(0, |o| o.since_ms);
    let mut lines = vec![say!(
        language,
        "owned by {owner} since {time}",
        owner = plain(right::owner(right)),
        time = utc(since)
    )];
    if let Some(offer) = &right.offered {
        lines.push(say!(
            language,
            "offered to {to}, to be answered by {deadline}",
            to = plain(&offer.to),
            deadline = utc(offer.deadline_ms)
        ));
    }
    if let Some(end) = &right.ended {
        lines.push(say!(
            language,
            "given up {time}: {why}",
            time = utc(end.time_ms),
            why = plain(&end.reason)
        ));
    }
    lines
}

/// The same for machines: docs/examination.schema.json, `right`.
pub fn json(right: &Right) -> Value {
    json!({
        "owner": right::owner(right),
        "owners": right.owners.iter().map(|o| json!({
            "organisation": o.organisation,
            "since_ms": o.since_ms,
        })).collect::<Vec<_>>(),
        "earlier_owners": right.earlier_owners,
        "offered": right.offered.as_ref().map(|offer| json!({
            "id": hex::encode(&offer.id),
            "to": offer.to,
            "deadline_ms": offer.deadline_ms,
        })),
        "ended_ms": right.ended.as_ref().map(|end| end.time_ms),
        "ended_reason": right.ended.as_ref().map(|end| &end.reason),
    })
}

/// What an answer rests on, or why it is no: one sentence each.
pub fn grounds(language: Language, answer: &SaleAnswer) -> Vec<String> {
    match answer {
        SaleAnswer::Owner => vec![say!(language, "it owns the right")],
        SaleAnswer::Licensed(held) => vec![say!(
            language,
            "licence {id} of {licensee}, to {until}; licences above it, none ended: {above}",
            id = hex::encode(&held.licence.licence),
            licensee = plain(&held.licensee),
            until = utc(held.licence.until_ms),
            above = held.licence.above.len()
        )],
        SaleAnswer::No(Denial::NoDesign) => {
            vec![say!(
                language,
                "no such design was deposited, up to that block"
            )]
        }
        SaleAnswer::No(Denial::NotYet) => vec![say!(language, "it wasn't deposited yet")],
        SaleAnswer::No(Denial::RightEnded(ended_ms)) => vec![say!(
            language,
            "the right ended {time}",
            time = utc(*ended_ms)
        )],
        SaleAnswer::No(Denial::Sanctioned { sanction, until_ms }) => vec![say!(
            language,
            "sanction {id} bars the seller from acting under this right up to {until}",
            id = hex::encode(sanction),
            until = utc(*until_ms)
        )],
        SaleAnswer::No(Denial::NoLicence(short)) if short.is_empty() => vec![say!(
            language,
            "it doesn't own the right, and there is no licence for it"
        )],
        SaleAnswer::No(Denial::NoLicence(short)) => short
            .iter()
            .map(|(licence, why)| {
                say!(
                    language,
                    "licence {id}: {why}",
                    id = hex::encode(&licence.licence),
                    why = shortfall(language, licence, *why)
                )
            })
            .collect(),
        SaleAnswer::Untold { from_ms } => vec![say!(
            language,
            "the records tell of it from {time} on; ask for an earlier moment with the evidence of that time",
            time = utc(*from_ms)
        )],
    }
}

fn shortfall(language: Language, licence: &Authorisation, why: Shortfall) -> String {
    match why {
        Shortfall::Act => say!(
            language,
            "it is for other acts ({acts})",
            acts = named(language, &licence.acts)
        ),
        Shortfall::Territory => say!(
            language,
            "it is for other places ({places})",
            places = places(language, &licence.territories)
        ),
        Shortfall::NotYet => say!(
            language,
            "it begins later, {time}",
            time = utc(licence.from_ms)
        ),
        Shortfall::Over => say!(
            language,
            "its term ended {time}",
            time = utc(licence.until_ms)
        ),
        Shortfall::Ended(time_ms) => say!(language, "it was ended {time}", time = utc(time_ms)),
        Shortfall::EndedAbove(time_ms) => say!(
            language,
            "one that it stands on was ended {time}",
            time = utc(time_ms)
        ),
        Shortfall::Class => say!(language, "the seller wasn't in its class then"),
        Shortfall::ClassRests => say!(
            language,
            "the voucher of its class might not vouch then: the class was empty"
        ),
    }
}

/// An answer for machines.
pub fn answer_json(answer: &SaleAnswer) -> Value {
    let (verdict, ground) = match answer {
        SaleAnswer::Owner => ("yes", json!({"owner": true})),
        SaleAnswer::Licensed(held) => (
            "yes",
            json!({
                "licence": hex::encode(&held.licence.licence),
                "licensee": held.licensee,
                "above": held.licence.above.iter().map(hex::encode).collect::<Vec<_>>(),
                "from_ms": held.licence.from_ms,
                "until_ms": held.licence.until_ms,
            }),
        ),
        SaleAnswer::No(_) => ("no", Value::Null),
        SaleAnswer::Untold { from_ms } => ("untold", json!({"told_from_ms": from_ms})),
    };
    json!({
        "authorised": verdict,
        "ground": ground,
        "words": grounds(Language::English, answer),
    })
}
