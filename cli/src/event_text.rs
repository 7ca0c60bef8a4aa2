//! Events in plain words.

use serde_json::Value;
use touchstone_epcis::{Action, Event, EventType};
use touchstone_proto::ledger::Outcome;

use crate::master_data::Names;
use crate::messages::{Language, Speech};
use crate::output::plain;
use crate::say;

/// What happened, as a sentence without a subject, in English.
pub fn happening(event: &Event) -> String {
    happening_in(Language::English, event)
}

/// What happened, as a sentence without a subject.
pub fn happening_in(language: Language, event: &Event) -> String {
    let children = event.children.len() + event.classes.len();
    let things = |count| things(language, count);
    let container = match &event.parent {
        Some(parent) => plain(parent.as_str()),
        None => say!(language, "a container"),
    };
    let sentence = match (event.event_type, event.action) {
        (EventType::Object, Some(Action::Add)) => say!(language, "came into being"),
        (EventType::Object, Some(Action::Delete)) => say!(language, "ceased to be"),
        (EventType::Object, _) => say!(language, "seen"),
        (EventType::Aggregation, Some(Action::Add)) => say!(
            language,
            "packed {things} into {container}",
            things = things(children),
            container = container
        ),
        (EventType::Aggregation, Some(Action::Delete)) if children == 0 => {
            say!(language, "emptied {container}", container = container)
        }
        (EventType::Aggregation, Some(Action::Delete)) => say!(
            language,
            "unpacked {things} from {container}",
            things = things(children),
            container = container
        ),
        (EventType::Aggregation, _) => say!(
            language,
            "seen {things} in {container}",
            things = things(children),
            container = container
        ),
        (EventType::Transaction, Some(Action::Delete)) => {
            say!(language, "released from a business transaction")
        }
        (EventType::Transaction, _) => say!(language, "linked to a business transaction"),
        (EventType::Transformation, _) => say!(
            language,
            "made {outputs} from {inputs}",
            outputs = things(event.outputs.len()),
            inputs = things(event.inputs.len())
        ),
        (EventType::Association, Some(Action::Delete)) => say!(
            language,
            "detached {things} from {container}",
            things = things(children),
            container = container
        ),
        (EventType::Association, _) => say!(
            language,
            "attached {things} to {container}",
            things = things(children),
            container = container
        ),
    };
    let sentence = match &event.biz_step {
        Some(step) => say!(
            language,
            "{step}: {happening}",
            step = language.term(&term(step)),
            happening = sentence
        ),
        None => sentence,
    };
    match &event.disposition {
        Some(disposition) => say!(
            language,
            "{happening}; now {disposition}",
            happening = sentence,
            disposition = language.term(&term(disposition))
        ),
        None => sentence,
    }
}

/// What an answer did to an offer.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unspecified => "left open",
        Outcome::Accepted => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::AcceptedWithDiscrepancy => "accepted with a discrepancy",
        Outcome::Withdrawn => "withdrew",
    }
}

fn things(language: Language, count: usize) -> String {
    match count {
        1 => say!(language, "1 thing"),
        n => say!(language, "{count} things", count = n),
    }
}

/// A vocabulary term in words: the last part of a URI, without underscores.
pub fn term(term: &str) -> String {
    let word = term.rsplit([':', '/', '#']).next().unwrap_or(term);
    let word = word.rsplit('-').next().unwrap_or(word);
    plain(&word.replace('_', " "))
}

/// The event's own account of when it happened.
pub fn event_time(value: &Value) -> String {
    let time = value.get("eventTime").and_then(Value::as_str);
    let offset = value.get("eventTimeZoneOffset").and_then(Value::as_str);
    match (time, offset) {
        (Some(time), Some(offset)) => format!("{} (local offset {})", plain(time), plain(offset)),
        (Some(time), None) => plain(time),
        _ => "not told".to_owned(),
    }
}

/// Where it was seen and where it is, with the names of these places.
pub fn place(event: &Event, names: &Names) -> Option<String> {
    let seen = event.read_point.as_ref().map(|p| names.beside(p.as_str()));
    let location = event.biz_location.as_ref();
    let location = location.map(|p| names.beside(p.as_str()));
    match (seen, location) {
        (Some(seen), Some(location)) if seen != location => {
            Some(format!("{seen}, belonging to {location}"))
        }
        (Some(place), _) | (None, Some(place)) => Some(place),
        (None, None) => None,
    }
}

/// Sensor readings, one short text for each report.
pub fn sensors(value: &Value) -> Vec<String> {
    let elements = value.get("sensorElementList").and_then(Value::as_array);
    let reports = elements
        .into_iter()
        .flatten()
        .filter_map(|e| e.get("sensorReport"))
        .filter_map(Value::as_array)
        .flatten();
    reports.map(reading).collect()
}

/// The sign of a unit by its code of UN/ECE Recommendation 20 (revision 17, annex I), as people write
/// it; none: pieces. A code without a common sign stays.
pub fn unit(code: &str) -> String {
    let sign = match code {
        "" | "EA" | "C62" | "H87" => "pieces",
        "MGM" => "mg",
        "GRM" => "g",
        "KGM" => "kg",
        "TNE" => "t",
        "MLT" => "ml",
        "LTR" => "l",
        "MTQ" => "m³",
        "MMT" => "mm",
        "CMT" => "cm",
        "MTR" => "m",
        "MTK" => "m²",
        "LBR" => "lb",
        "ONZ" => "oz",
        "CEL" => "°C",
        "FAH" => "°F",
        "KEL" => "K",
        "P1" => "%",
        "KPA" => "kPa",
        "LUX" => "lx",
        code => return plain(code),
    };
    sign.to_owned()
}

fn reading(report: &Value) -> String {
    let text = |name: &str| match report.get(name) {
        Some(Value::String(text)) => Some(plain(text)),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
        _ => None,
    };
    let kind = report
        .get("type")
        .and_then(Value::as_str)
        .map_or("reading".to_owned(), |t| term(t).to_lowercase());
    let mut parts = vec![kind];
    let plain_values = [
        "value",
        "stringValue",
        "booleanValue",
        "hexBinaryValue",
        "uriValue",
    ];
    let value = plain_values.iter().find_map(|name| text(name));
    let mut unit = report.get("uom").and_then(Value::as_str).map(unit);
    if let Some(value) = value {
        parts.push(value);
        parts.extend(unit.take());
    }
    for (name, word) in [
        ("minValue", "min"),
        ("meanValue", "mean"),
        ("maxValue", "max"),
    ] {
        parts.extend(text(name).map(|value| format!("{word} {value}")));
    }
    parts.extend(unit);
    if let Some(exception) = report.get("exception").and_then(Value::as_str) {
        parts.push(format!("({})", term(exception).to_lowercase()));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests;
