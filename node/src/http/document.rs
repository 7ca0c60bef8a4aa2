//! Events as JSON-LD: each one token by token as it was signed, and beside its own fields where on
//! the chain it is.

use std::borrow::Cow;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_epcis::with_digital_links;

use super::event_search::Found;
use super::negotiate::EpcFormat;

/// The member that tells where an event is. The prefix is the document's.
const RECORD: &str = "touchstone:record";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";

/// The document's context: EPCIS's, and this ledger's prefix.
pub fn context() -> Value {
    json!([CONTEXT, { "touchstone": "urn:touchstone:epcis:" }])
}

/// A time in milliseconds as RFC 3339.
pub fn time_text(ms: u64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos);
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // Formatting fails for years beyond 9999 alone.
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A query document (EPCIS 2.0 §10.3) with these events. `height` is the block up to which the
/// answer looks, and `time_ms` that block's time.
pub fn query_document(
    name: &str,
    events: &[Found],
    (height, time_ms): (u64, u64),
    format: EpcFormat,
) -> String {
    let head = json!({
        "@context": context(),
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": time_text(time_ms),
        "touchstone:height": height,
        "touchstone:completeness": "not proven; an item's link is, see its Digital Link",
    });
    let list: Vec<String> = events.iter().map(|found| event(found, format)).collect();
    let mut text = head.to_string();
    // The head's closing brace comes at the end.
    text.pop();
    text.push_str(",\"epcisBody\":{\"queryResults\":{\"queryName\":");
    text.push_str(&Value::from(name).to_string());
    text.push_str(",\"resultsBody\":{\"eventList\":[");
    text.push_str(&list.join(","));
    text.push_str("]}}}}");
    text
}

/// An event with its place on the chain. A `recordTime` of its own stays; a place that it claims for
/// itself doesn't.
pub fn event(found: &Found, format: EpcFormat) -> String {
    let source = match format {
        EpcFormat::DigitalLinks => with_digital_links(&found.bytes).ok().map(Cow::Owned),
        EpcFormat::AsSigned => None,
    };
    let source = source.unwrap_or_else(|| String::from_utf8_lossy(&found.bytes));
    let members: Vec<(String, &str)> = members(&source)
        .into_iter()
        .filter(|(name, _)| name != RECORD)
        .collect();
    let has_time = members.iter().any(|(name, _)| name == "recordTime");
    let mut text = String::with_capacity(source.len() + 300);
    text.push('{');
    for (_, member) in &members {
        text.push_str(member);
        text.push(',');
    }
    if !has_time {
        let time = Value::from(time_text(found.recorded_ms));
        text.push_str(&format!("\"recordTime\":{time},"));
    }
    let record = json!({
        "touchstone:id": found.subject.id(),
        "touchstone:organisation": found.organisation,
        "touchstone:transaction": hex::encode(found.transaction),
        "touchstone:height": found.place.height,
        "touchstone:index": found.place.transaction,
        "touchstone:event": found.place.event,
        "touchstone:time": time_text(found.recorded_ms),
    });
    text.push_str(&format!("\"{RECORD}\":{record}}}"));
    text
}

/// The members of a JSON object: their names, and their exact sources. `object` is valid JSON.
fn members(object: &str) -> Vec<(String, &str)> {
    let object = object.trim_matches([' ', '\t', '\r', '\n']);
    let inside = object.strip_prefix('{').and_then(|o| o.strip_suffix('}'));
    let inside = inside.unwrap_or_default();
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut ends: Vec<usize> = Vec::new();
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => ends.push(at),
            _ => {}
        }
    }
    ends.push(inside.len());
    let mut from = 0;
    let mut members = Vec::with_capacity(ends.len());
    for end in ends {
        let source = inside.get(from..end).unwrap_or_default().trim();
        if let Some(name) = name(source) {
            members.push((name, source));
        }
        from = end + 1;
    }
    members
}

/// The name with which a member begins.
fn name(member: &str) -> Option<String> {
    let mut values = serde_json::Deserializer::from_str(member).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_members_keep_their_sources() {
        let object =
            "\n{ \"a\" : 1.00, \"b,\\\"}\":[{\"c\":\"],\"},2] , \"\\u0064\":{\"e\":{}} }\t";
        let found = members(object);
        let expected = [
            ("a", "\"a\" : 1.00"),
            ("b,\"}", "\"b,\\\"}\":[{\"c\":\"],\"},2]"),
            ("d", "\"\\u0064\":{\"e\":{}}"),
        ];
        let expected: Vec<(String, &str)> = expected
            .iter()
            .map(|(n, s)| ((*n).to_owned(), *s))
            .collect();
        assert_eq!(found, expected);
        assert!(members("{}").is_empty());
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(time_text(1_772_353_800_250), "2026-03-01T08:30:00.25Z");
    }
}
