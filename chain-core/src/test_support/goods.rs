//! Goods and events about them, valid by EPCIS 2.0. Identifiers are in canonical form.

use serde_json::json;

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

/// An object event that observes `items`; `note` makes its bytes distinct.
pub fn object(note: u64, items: &[String]) -> Vec<u8> {
    json!({
        "@context": [CONTEXT],
        "type": "ObjectEvent",
        "eventTime": format!("2026-03-01T08:30:00.{:03}Z", note % 1000),
        "eventTimeZoneOffset": "+00:00",
        "epcList": items,
        "action": "OBSERVE",
        "bizStep": "shipping",
    })
    .to_string()
    .into_bytes()
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
