//! What the file proves, as named lines in one language.

use serde_json::Value;
use touchstone_core::custody::amount;
use touchstone_core::designs::field::FieldName;
use touchstone_core::evidence::{
    CustodyFact, Deposit, Facts, HandoverFact, History, StampFact, Statement,
};
use touchstone_core::hash::Hash;
use touchstone_epcis::Event;
use touchstone_proto::ledger::{Basis, Custody, Ending};

use super::fact_row::{FactRow, row};
use super::{drafts, offer_status, right_facts};
use crate::event_text;
use crate::exact_bytes;
use crate::fields;
use crate::fingerprint;
use crate::look_alikes;
use crate::master_data::Names;
use crate::messages::{Language, Speech};
use crate::output::{beijing, plain, utc};
use crate::rights;
use crate::say;
use crate::vouching;

/// All that is proven, but for the events.
pub fn rows(language: Language, facts: &Facts) -> Vec<FactRow> {
    let hash = |hash: Option<Hash>| hash.map(hex::encode).unwrap_or_default();
    let chain = facts.chain_name.as_deref().unwrap_or_default();
    let anchor = say!(
        language,
        "block {height}, {time}",
        height = facts.height.unwrap_or_default(),
        time = facts.time_ms.map(utc).unwrap_or_default()
    );
    let spoken = facts
        .chain_id
        .map(|id| fingerprint::words(language, &id).join(" "));
    let named = [hash(facts.chain_id), plain(chain)];
    let mut rows = vec![
        row(say!(language, "Chain"), named.into_iter().chain(spoken)),
        row(say!(language, "As of"), [anchor, hash(facts.block_id)]),
    ];
    if let Some(deposit) = &facts.deposit {
        rows.extend(deposited(language, deposit, facts));
    }
    rows.extend(right_facts::rows(language, facts));
    if let Some(history) = &facts.history {
        rows.extend(item(language, history));
    }
    if let Some(fact) = &facts.custody {
        rows.extend(custody(language, fact, facts));
    }
    let handovers = facts.handovers.iter();
    rows.extend(handovers.map(|fact| handover(language, fact, facts)));
    rows.extend(facts.stamps.iter().map(|fact| stamp(language, fact)));
    rows.push(validators(language, facts));
    rows
}

/// An organisation by name, where the file proves one, and id.
fn named(facts: &Facts, id: &str) -> String {
    let actions = facts.transactions.iter();
    let signed = actions.map(|action| (&action.organisation, &action.name));
    let votes = facts.validators.iter().map(|v| (&v.organisation, &v.name));
    match signed
        .chain(votes)
        .find(|(organisation, _)| *organisation == id)
    {
        Some((_, name)) => format!("{} ({})", plain(name), plain(id)),
        None => plain(id),
    }
}

fn deposited(language: Language, deposit: &Deposit, facts: &Facts) -> Vec<FactRow> {
    let mut design = row(say!(language, "Design"), [hex::encode(deposit.id)]);
    if !deposit.recorded {
        design.lines.push(say!(
            language,
            "no such design was deposited, up to that block"
        ));
        return vec![design];
    }
    let mut rows = vec![design];
    if let Some(title) = &deposit.title {
        let whose = match deposit.title_is_recorded {
            true => say!(language, "as the ledger holds it"),
            false if !deposit.views.is_empty() => {
                say!(language, "as the commitment covers it")
            }
            false => say!(language, "in the holder's words"),
        };
        rows.push(row(say!(language, "Title"), [plain(title), whose]));
    }
    let others = deposit.fields.iter();
    for field in others.filter(|field| field.name != FieldName::Title) {
        let name = fields::name_in(language, field.name);
        rows.push(row(name, [plain(&field.value)]));
    }
    rows.push(row(
        say!(language, "Deposited"),
        deposit_time(
            language,
            deposit.time_ms,
            facts.time_error_ms.unwrap_or_default(),
        ),
    ));
    rows.push(row(
        say!(language, "Owner"),
        [named(facts, &deposit.organisation)],
    ));
    if let Some(right) = &deposit.right {
        rows.push(row(say!(language, "Right"), rights::lines(language, right)));
    }
    if let Some((found, name)) = &deposit.vouching {
        let lines = vouching::lines(language, found, name);
        rows.push(row(say!(language, "Vouched"), lines));
    }
    rows.push(row(
        say!(language, "Owner's key"),
        [hex::encode(&deposit.owner_key)],
    ));
    rows.push(row(
        say!(language, "Commitment"),
        [hex::encode(&deposit.commitment)],
    ));
    if let Some(disclosed_ms) = deposit.disclosed_ms {
        rows.push(row(say!(language, "Disclosed"), [utc(disclosed_ms)]));
    }
    if let Some(found) = &deposit.look_alikes {
        let lines = look_alikes::lines(language, found);
        rows.push(row(
            say!(language, "Look-alikes"),
            lines.iter().map(|line| plain(line)),
        ));
    }
    let drafts = drafts::row(language, &deposit.drafts);
    rows.extend(drafts.map(|(name, lines)| row(name, lines)));
    for (at, (sha256, name)) in deposit.files.iter().enumerate() {
        let name = name.as_deref().map(plain);
        let view = deposit.views.get(at).copied().unwrap_or_default();
        let lines = [format!("SHA-256 {}", hex::encode(sha256))].into_iter();
        let lines = lines.chain(fields::view_in(language, view)).chain(name);
        rows.push(row(say!(language, "File"), lines));
    }
    rows
}

/// When a deposit was made, within which error in milliseconds.
pub fn deposit_time(language: Language, time_ms: u64, error_ms: u64) -> Vec<String> {
    vec![
        say!(
            language,
            "no later than {time} ± {error} s",
            time = utc(time_ms),
            error = format!("{:.1}", error_ms as f64 / 1000.0)
        ),
        say!(language, "Beijing time {time}", time = beijing(time_ms)),
    ]
}

fn item(language: Language, history: &History) -> Vec<FactRow> {
    let count = history.steps.len();
    let events = match count {
        0 => say!(
            language,
            "nothing was ever recorded for it, up to that block"
        ),
        _ => say!(
            language,
            "events: {count}, listed at the end; there are no others",
            count = count
        ),
    };
    let mut rows = vec![row(say!(language, "Item"), [plain(&history.item), events])];
    let inside = history.inside.iter();
    rows.extend(inside.map(|container| row(say!(language, "Inside"), [plain(container)])));
    rows
}

fn custody(language: Language, fact: &CustodyFact, facts: &Facts) -> Vec<FactRow> {
    let mut rows = vec![row(
        say!(language, "Holder"),
        match &fact.custody {
            None => vec![say!(
                language,
                "nobody said that it has the item, or it is of a kind that nobody can have"
            )],
            Some(custody) => holder(language, custody, facts),
        },
    )];
    if let Some(end) = &fact.ended {
        let how = match end.how() {
            Ending::Sold => say!(language, "sold"),
            Ending::Consumed => say!(language, "used up"),
            Ending::Destroyed => say!(language, "destroyed"),
            Ending::Decommissioned | Ending::Unspecified => say!(language, "decommissioned"),
        };
        let height = end.position.map_or(0, |at| at.height);
        rows.push(row(
            say!(language, "Ended"),
            [say!(
                language,
                "{how} since block {height}",
                how = how,
                height = height
            )],
        ));
    }
    if let Some(offer) = &fact.offer {
        rows.push(row(
            say!(language, "On offer"),
            [
                say!(
                    language,
                    "to {to}, to be answered by {deadline}",
                    to = named(facts, &offer.to),
                    deadline = utc(offer.deadline_ms)
                ),
                hex::encode(&offer.id),
            ],
        ));
    }
    for standing in &fact.claims {
        let by = named(facts, &standing.claim.organisation);
        let height = standing.claim.since.map_or(0, |at| at.height);
        let whose = match standing.claim.reason.as_str() {
            "" => say!(
                language,
                "by {by}, which had it by its own word since block {height}, before another claimed it",
                by = by,
                height = height
            ),
            _ => say!(
                language,
                "by {by} since block {height}, one-sided",
                by = by,
                height = height
            ),
        };
        let mut lines = vec![whose];
        lines.extend(Some(plain(&standing.claim.reason)).filter(|text| !text.is_empty()));
        if Some(&standing.item) != facts.history.as_ref().map(|h| &h.item) {
            lines.push(plain(&standing.item));
        }
        rows.push(row(say!(language, "DISPUTED"), lines));
    }
    for holding in fact.stock.iter().flat_map(|stock| &stock.holdings) {
        let unit = fact.stock.as_ref().map_or("", |stock| stock.unit.as_str());
        rows.push(row(
            say!(language, "Stock"),
            [format!(
                "{} {}: {}",
                amount::decimal(holding.millionths),
                language.term(&event_text::unit(unit)),
                named(facts, &holding.organisation)
            )],
        ));
    }
    rows
}

fn holder(language: Language, custody: &Custody, facts: &Facts) -> Vec<String> {
    let height = custody.since.map_or(0, |at| at.height);
    let basis = match custody.basis() {
        Basis::Handover => say!(
            language,
            "since block {height}, by a handover that both sides signed",
            height = height
        ),
        Basis::Prefix => say!(
            language,
            "since block {height}; the item's GS1 company prefix is its own",
            height = height
        ),
        Basis::OwnWord | Basis::Unspecified => say!(
            language,
            "since block {height}, by its own word alone: one-sided, nobody confirmed it",
            height = height
        ),
    };
    let mut lines = vec![named(facts, &custody.holder), basis];
    if !custody.discrepancy.is_empty() {
        lines.push(discrepancy(language, &custody.discrepancy));
    }
    lines
}

fn discrepancy(language: Language, text: &str) -> String {
    say!(language, "DISCREPANCY: {text}", text = plain(text))
}

fn handover(language: Language, fact: &HandoverFact, facts: &Facts) -> FactRow {
    let by = named(facts, &fact.organisation);
    let place = say!(
        language,
        "block {height}, {time}",
        height = fact.height,
        time = utc(fact.time_ms)
    );
    match &fact.statement {
        Statement::Offer {
            to,
            deadline_ms,
            status,
            discrepancy: text,
        } => {
            let mut lines = vec![say!(
                language,
                "{place}: by {by} to {to}, to be answered by {deadline}",
                place = place,
                by = by,
                to = named(facts, to),
                deadline = utc(*deadline_ms)
            )];
            lines.push(match status {
                Some(status) => say!(
                    language,
                    "what became of it: {status}",
                    status = offer_status(language, *status)
                ),
                None => say!(
                    language,
                    "what became of it: not in the file, which is of an earlier version"
                ),
            });
            lines.extend(
                Some(text)
                    .filter(|t| !t.is_empty())
                    .map(|t| discrepancy(language, t)),
            );
            row(say!(language, "Offer"), lines)
        }
        Statement::Answer {
            status,
            discrepancy: text,
            ..
        } => {
            let mut lines = vec![say!(
                language,
                "{place}: {status}, by {by}",
                place = place,
                status = offer_status(language, *status),
                by = by
            )];
            lines.extend(
                Some(text)
                    .filter(|t| !t.is_empty())
                    .map(|t| discrepancy(language, t)),
            );
            row(say!(language, "Answer"), lines)
        }
        Statement::Claim { reason } => row(
            say!(language, "CLAIM"),
            [
                say!(
                    language,
                    "{place}: one-sided, by {by}",
                    place = place,
                    by = by
                ),
                plain(reason),
            ],
        ),
    }
}

fn stamp(language: Language, fact: &StampFact) -> FactRow {
    let stamped = &fact.stamped;
    let trusted = match fact.is_trusted {
        true => say!(language, "trusted"),
        false => say!(language, "root not trusted here"),
    };
    row(
        say!(language, "Stamped"),
        [
            say!(
                language,
                "no later than {time} by {authority} ({trusted}): {count} of the record's blocks",
                time = utc(stamped.no_later_than_ms()),
                authority = plain(&stamped.authority),
                trusted = trusted,
                count = fact.heights.len()
            ),
            say!(
                language,
                "serial number {serial}, policy {policy}, {url}",
                serial = stamped.serial,
                policy = stamped.policy,
                url = plain(&fact.url)
            ),
            say!(
                language,
                "root certificate, SHA-256 {sha256}",
                sha256 = hex::encode(stamped.root())
            ),
        ],
    )
}

fn validators(language: Language, facts: &Facts) -> FactRow {
    let total: u64 = facts.validators.iter().map(|v| v.power).sum();
    let lines = facts.validators.iter().map(|v| {
        let signed = match v.signed {
            true => say!(language, "signed"),
            false => say!(language, "didn't sign"),
        };
        say!(
            language,
            "{name} ({id}), voting power {power} of {total}, {signed}",
            name = plain(&v.name),
            id = plain(&v.organisation),
            power = v.power,
            total = total,
            signed = signed
        )
    });
    row(say!(language, "Validators"), lines)
}

/// The events, each with where its exact bytes are.
pub fn events(language: Language, facts: &Facts) -> Vec<FactRow> {
    let steps = facts.history.iter().flat_map(|history| &history.steps);
    let rows = steps.enumerate().map(|(index, step)| {
        let (height, transaction, event) = step.place;
        let value: Value = serde_json::from_slice(&step.bytes).unwrap_or(Value::Null);
        let mut lines = vec![
            say!(
                language,
                "recorded {time} at {height}/{transaction}/{event} by {by}",
                time = utc(step.entry.time_ms),
                height = height,
                transaction = transaction,
                event = event,
                by = named(facts, &step.entry.organisation)
            ),
            say!(
                language,
                "happened {time}",
                time = event_text::event_time(&value)
            ),
            happening(language, step.event.as_ref()),
        ];
        let place = |event| event_text::place(event, &Names::default());
        if let Some(place) = step.event.as_ref().and_then(place) {
            lines.push(say!(language, "place {place}", place = place));
        }
        if !step.via.is_empty() {
            let via: Vec<String> = step.via.iter().map(|id| plain(id)).collect();
            lines.push(say!(
                language,
                "inside {containers}",
                containers = via.join(" < ")
            ));
        }
        let sensors = event_text::sensors(&value).into_iter();
        lines.extend(sensors.map(|reading| say!(language, "sensor {reading}", reading = reading)));
        lines.push(format!("SHA-256 {}", hex::encode(&step.entry.content_hash)));
        lines.push(say!(
            language,
            "exact bytes: file {file} (--events DIR)",
            file = exact_bytes::event_name(step.place)
        ));
        row(format!("{}.", index + 1), lines)
    });
    rows.collect()
}

/// What happened, in words.
pub fn happening(language: Language, event: Option<&Event>) -> String {
    match event {
        Some(event) => event_text::happening_in(language, event),
        None => say!(language, "an event that this program's rules can't read"),
    }
}
