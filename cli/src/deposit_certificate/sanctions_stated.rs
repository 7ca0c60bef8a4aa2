//! What a credential tells of sanctions. They change after it is issued: more are imposed, and appeals are decided. So
//! an older statement is no contradiction, but one of more than the ledger ever had is.

use serde_json::Value;

use super::facts::CertificateFacts;
use crate::sanctions;

/// Counts that never fall.
const COUNTS: [&str; 5] = [
    "imposed",
    "confirmed",
    "lifted",
    "not_appealed",
    "not_decided",
];

/// The sanctions that the facts tell of; none where there were none.
pub fn of(facts: &CertificateFacts) -> Option<Value> {
    let parties = facts.sanctions.iter().map(sanctions::of_party_json);
    (!facts.sanctions.is_empty()).then(|| parties.collect())
}

/// Whether the ledger may have told this once. Who owned the design then may have passed it on: of such a party the
/// facts tell nothing.
pub fn may_have_been(stated: Option<&Value>, facts: &CertificateFacts) -> bool {
    let Some(stated) = stated else {
        return true;
    };
    let proven = of(facts);
    let known = proven.iter().filter_map(Value::as_array).flatten();
    let known: Vec<&Value> = known.collect();
    let parties = stated.as_array().map(Vec::as_slice).unwrap_or_default();
    !parties.is_empty()
        && parties.iter().all(|party| {
            let name = party["organisation"].as_str();
            let same = known
                .iter()
                .find(|one| one["organisation"].as_str() == name);
            match same {
                Some(now) => COUNTS.iter().all(|count| {
                    let then = party[*count].as_u64();
                    then.is_some_and(|then| Some(then) <= now[*count].as_u64())
                }),
                None => name.is_some_and(|name| name != facts.organisation),
            }
        })
}
