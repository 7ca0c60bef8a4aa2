//! What tests share: things and events about them, valid by EPCIS 2.0, with identifiers in
//! canonical form; and the public documents under the repository's `tests/data`.
//!
//! Consensus-critical: no

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may, and say by their names what they make"
)]

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";

/// The canonical identifier of the `n`th item.
pub fn item(n: u64) -> String {
    format!(
        "https://id.gs1.org/01/{}/21/{n}",
        with_check_digit("0952132100001")
    )
}

/// The canonical identifier of the `n`th container.
pub fn container(n: u64) -> String {
    format!(
        "https://id.gs1.org/00/{}",
        with_check_digit(&format!("09521321{n:09}"))
    )
}

/// GS1 General Specifications §7.9: weights 3 and 1 alternate from the right.
fn with_check_digit(digits: &str) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([3u32, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// The canonical identifier of the `n`th lot.
pub fn lot(n: u64) -> String {
    format!(
        "https://id.gs1.org/01/{}/10/{n}",
        with_check_digit("0952132100002")
    )
}

/// An object event that observes `items`; `note` makes its bytes distinct.
pub fn object(note: u64, items: &[String]) -> Vec<u8> {
    let time = format!("2026-03-01T08:30:00.{:03}Z", note % 1000);
    let event = json!({ "epcList": items, "eventTime": time, "bizStep": "storing" });
    event_of("ObjectEvent", "OBSERVE", event)
}

/// An object event about `items` with an action and a business step.
pub fn step(action: &str, biz_step: &str, items: &[String]) -> Vec<u8> {
    event_of(
        "ObjectEvent",
        action,
        json!({ "epcList": items, "bizStep": biz_step }),
    )
}

/// Any event: `fields` beside those that every event has, or instead of them.
pub fn event_of(event_type: &str, action: &str, fields: Value) -> Vec<u8> {
    let mut event = json!({
        "@context": [CONTEXT],
        "type": event_type,
        "eventTime": "2026-03-01T08:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
    });
    if !action.is_empty() {
        event["action"] = json!(action);
    }
    if let (Some(event), Value::Object(fields)) = (event.as_object_mut(), fields) {
        event.extend(fields);
    }
    event.to_string().into_bytes()
}

/// The event, declared wrong by whom recorded it; it has an `eventID`.
pub fn declared_wrong(event: &[u8]) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(event).unwrap();
    event["errorDeclaration"] = json!({
        "declarationTime": "2026-03-02T08:00:00Z",
        "reason": "did_not_occur",
    });
    event.to_string().into_bytes()
}

/// An aggregation event; without children it concerns the whole content.
pub fn aggregation(action: &str, parent: &str, children: &[String]) -> Vec<u8> {
    let mut event = json!({
        "@context": [CONTEXT],
        "type": "AggregationEvent",
        "eventTime": "2026-03-01T08:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "parentID": parent,
        "action": action,
        "bizStep": "packing",
    });
    if !children.is_empty() {
        event["childEPCs"] = json!(children);
    }
    event.to_string().into_bytes()
}

/// The documents of a folder under `tests/data`, by name.
pub fn documents(folder: &str, extension: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data")
        .join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}
