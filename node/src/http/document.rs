//! Events as JSON-LD: each one token by token as it was signed, and beside its own fields where on
//! the chain it is.

use std::borrow::Cow;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_epcis::{with_digital_links, with_record};

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
    touchstone_epcis::query_document(&head, name, &list)
}

/// An event with its place on the chain. A `recordTime` of its own stays; a place that it claims for
/// itself doesn't.
pub fn event(found: &Found, format: EpcFormat) -> String {
    let source = match format {
        EpcFormat::DigitalLinks => with_digital_links(&found.bytes).ok().map(Cow::Owned),
        EpcFormat::AsSigned => None,
    };
    let source = source.unwrap_or_else(|| String::from_utf8_lossy(&found.bytes));
    let record = json!({
        "touchstone:id": found.subject.id(),
        "touchstone:organisation": found.organisation,
        "touchstone:transaction": hex::encode(found.transaction),
        "touchstone:height": found.place.height,
        "touchstone:index": found.place.transaction,
        "touchstone:event": found.place.event,
        "touchstone:time": time_text(found.recorded_ms),
    });
    with_record(&source, RECORD, &record, &time_text(found.recorded_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(time_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(time_text(1_772_353_800_250), "2026-03-01T08:30:00.25Z");
    }
}
