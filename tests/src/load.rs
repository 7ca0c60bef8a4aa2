//! Transactions to feed a ledger with, and what to make of the times that it took.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, Transaction};

/// One valid EPCIS 2.0 event that observes the unit with this number.
pub fn event(number: u64) -> Vec<u8> {
    event_of_many(number, 1)
}

/// The unit with this number.
pub fn unit(number: u64) -> String {
    format!("https://id.gs1.org/01/09521321000018/21/{number}")
}

/// The same that observes so many units from this number on.
pub fn event_of_many(first: u64, count: u64) -> Vec<u8> {
    let units = (first..first + count).map(|number| format!("\"{}\"", unit(number)));
    let units: Vec<String> = units.collect();
    format!(
        concat!(
            r#"{{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"#,
            r#""type":"ObjectEvent","action":"OBSERVE","bizStep":"storing","disposition":"in_progress","#,
            r#""eventTime":"2026-01-02T03:04:05.000Z","eventTimeZoneOffset":"+00:00","#,
            r#""epcList":[{}],"#,
            r#""readPoint":{{"id":"https://id.gs1.org/414/9521321000001"}}}}"#
        ),
        units.join(",")
    )
    .into_bytes()
}

/// A time within a transaction's lifetime, milliseconds: another one for each number below forty million.
pub fn recent(number: u64) -> u64 {
    static STARTED_MS: LazyLock<u64> = LazyLock::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as u64)
    });
    let half_a_day_ms = 43_200_000;
    STARTED_MS.saturating_sub(half_a_day_ms) + number % 40_000_000
}

/// An envelope that captures `events`.
pub fn capture(
    key: &SigningKey,
    chain_id: &Hash,
    organisation: &str,
    created_ms: u64,
    events: Vec<Vec<u8>>,
) -> Vec<u8> {
    let transaction = Transaction {
        organisation: organisation.to_owned(),
        created_ms,
        action: Some(Action::CaptureEvents(CaptureEvents {
            events,
            handover: None,
        })),
    };
    transaction::sign(key, chain_id, &transaction)
}

/// The value at the part `p`, from 0 to 1, of ascending ones; NaN where there are none.
pub fn percentile(sorted: &[f64], p: f64) -> f64 {
    let index = ((sorted.len() as f64 - 1.0) * p).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
