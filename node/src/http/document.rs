//! Events as JSON-LD: each one token by token as it was signed, and beside its own fields where on
//! the chain it is. In XML they say the same, or are refused.

use std::borrow::Cow;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::{
    XmlQueryHead, XmlRecord, event_xml, query_document_xml, with_digital_links, with_record,
};

use super::event_search::Found;
use super::negotiate::{EpcFormat, EventForm, is_xml};

/// The member that tells where an event is. The prefix is the document's.
const RECORD: &str = "touchstone:record";
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";
/// The prefix of what the ledger says, and its namespace.
const PREFIX: &str = "touchstone";
const NAMESPACE: &str = "urn:touchstone:epcis:";
/// How complete an answer is.
const COMPLETENESS: &str = "not proven; an item's link is, see its Digital Link";

/// The document's context: EPCIS's, and this ledger's prefix.
pub fn context() -> Value {
    json!([CONTEXT, { PREFIX: NAMESPACE }])
}

/// A time in milliseconds as RFC 3339.
pub fn time_text(ms: u64) -> String {
    let nanos = i128::from(ms) * 1_000_000;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(nanos);
    let moment = moment.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    // Formatting fails for years beyond 9999 alone.
    moment.format(&Rfc3339).unwrap_or_default()
}

/// A query document in this form.
pub fn query_document_as(
    form: EventForm,
    name: &str,
    events: &[Found],
    tip: (u64, u64),
) -> Result<String, Problem> {
    match is_xml(form.media_type) {
        true => in_xml(name, events, tip, form),
        false => Ok(query_document(name, events, tip, form.epcs)),
    }
}

/// The same in XML (EPCIS 2.0 §9.7).
fn in_xml(
    name: &str,
    events: &[Found],
    (height, time_ms): (u64, u64),
    form: EventForm,
) -> Result<String, Problem> {
    let written = events.iter().map(|found| event_in_xml(found, form));
    let written: Vec<String> = written.collect::<Result<_, _>>()?;
    let head = XmlQueryHead {
        creation_date: &time_text(time_ms),
        namespace: (NAMESPACE, PREFIX),
        attributes: vec![
            ("height", height.to_string()),
            ("completeness", COMPLETENESS.to_owned()),
        ],
        query: name,
        subscription: None,
    };
    query_document_xml(&head, &written)
        .map_err(|error| Problem::new(Exception::NotAcceptable, error.to_string()))
}

fn event_in_xml(found: &Found, form: EventForm) -> Result<String, Problem> {
    let time = time_text(found.recorded_ms);
    let record = XmlRecord {
        namespace: NAMESPACE,
        prefix: PREFIX,
        name: "record",
        fields: vec![
            ("id", found.subject.id().to_owned()),
            ("organisation", found.organisation.clone()),
            ("transaction", hex::encode(found.transaction)),
            ("height", found.place.height.to_string()),
            ("index", found.place.transaction.to_string()),
            ("event", found.place.event.to_string()),
            ("time", time.clone()),
        ],
        record_time: &time,
    };
    let source = source(found, form.epcs);
    event_xml(source.as_bytes(), Some(&record), form.cbv_urns).map_err(|error| {
        let id = found.subject.id();
        let detail = format!(
            "the event {id} has no form in XML: {error}; ask for it as application/ld+json"
        );
        Problem::new(Exception::NotAcceptable, detail)
            .with("touchstone:path", error.path.clone())
            .with("touchstone:obstacle", error.obstacle.code())
    })
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
        "touchstone:completeness": COMPLETENESS,
    });
    let list: Vec<String> = events.iter().map(|found| event(found, format)).collect();
    touchstone_epcis::query_document(&head, name, &list)
}

/// An event with its place on the chain. A `recordTime` of its own stays; a place that it claims for
/// itself doesn't.
pub fn event(found: &Found, format: EpcFormat) -> String {
    let source = source(found, format);
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

/// The event's JSON, its identifiers as they are asked for.
fn source(found: &Found, format: EpcFormat) -> Cow<'_, str> {
    let source = match format {
        EpcFormat::DigitalLinks => with_digital_links(&found.bytes).ok().map(Cow::Owned),
        EpcFormat::AsSigned => None,
    };
    source.unwrap_or_else(|| String::from_utf8_lossy(&found.bytes))
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
