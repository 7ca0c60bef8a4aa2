//! A licence as an agreement in ODRL 2.2 (W3C), for whoever's program reads policies. The profile is closed: these
//! members and no others, and docs/designs.md ("Licences in ODRL") says what each means. The file is a copy for
//! machines, of one moment; what holds, the ledger proves.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_core::designs::licence::WORLD;
use touchstone_proto::ledger::{Licence, LicenceEnd};

use crate::rights;

/// The profile, and where its words are.
const PROFILE: &str = "touchstone:odrl/v1";

/// The agreement of a licence, as it stands: one that was ended before its term has that end.
pub fn agreement(chain_id: &str, id: &str, licence: &Licence, end: Option<&LicenceEnd>) -> Value {
    let terms = licence.terms.clone().unwrap_or_default();
    let acts = rights::words(&terms.acts);
    let acts: Vec<String> = acts.iter().map(|act| format!("{PROFILE}#{act}")).collect();
    let last_ms = match end {
        Some(end) => terms.until_ms.min(end.time_ms.saturating_sub(1)),
        None => terms.until_ms,
    };
    let mut constraints = vec![
        limit("dateTime", "gteq", moment(terms.from_ms)),
        limit("dateTime", "lteq", moment(last_ms)),
    ];
    let is_world = terms.territories.iter().any(|place| place == WORLD);
    if !is_world {
        constraints.push(limit("spatial", "isAnyOf", json!(terms.territories)));
    }
    let target = format!(
        "touchstone:right/{chain_id}/{}",
        hex::encode(&licence.subject)
    );
    let uid = |id: &str| format!("touchstone:licence/{chain_id}/{id}");
    let above = licence.above.iter().map(hex::encode);
    let above: Vec<String> = above.map(|id| uid(&id)).collect();
    let mut permissions = vec![json!({"action": acts, "constraint": constraints})];
    let mut prohibitions = Vec::new();
    match terms.depth {
        0 => prohibitions.push(json!({"action": "grantUse"})),
        depth => {
            let mut limits = vec![limit(&format!("{PROFILE}#depth"), "lteq", json!(depth))];
            if !terms.sublicensees.is_empty() {
                limits.push(limit("recipient", "isAnyOf", json!(terms.sublicensees)));
            }
            permissions.push(json!({"action": "grantUse", "constraint": limits}));
        }
    }
    json!({
        "@context": ["http://www.w3.org/ns/odrl.jsonld", {"standsOn": format!("{PROFILE}#standsOn")}],
        "@type": "Agreement",
        "uid": uid(id),
        "profile": PROFILE,
        "conflict": "prohibit",
        "standsOn": above,
        "assigner": licence.grantor,
        "assignee": licence.licensee,
        "target": target,
        "permission": permissions,
        "prohibition": prohibitions,
    })
}

fn limit(of: &str, operator: &str, to: Value) -> Value {
    json!({"leftOperand": of, "operator": operator, "rightOperand": to})
}

fn moment(time_ms: u64) -> Value {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ms) * 1_000_000).ok();
    // Terms are set as RFC 3339 moments, so each has this form.
    let text = time.and_then(|time| time.format(&Rfc3339).ok());
    json!({"@value": text.unwrap_or_default(), "@type": "xsd:dateTime"})
}

#[cfg(test)]
mod tests {
    use touchstone_proto::ledger::{LicenceTerms, LicensedAct};

    use super::*;

    fn licence() -> Licence {
        Licence {
            subject: vec![2; 32],
            above: vec![vec![4; 32]],
            grantor: "maker".into(),
            licensee: "market.*".into(),
            terms: Some(LicenceTerms {
                acts: vec![LicensedAct::Offer.into(), LicensedAct::Sell.into()],
                territories: vec!["CN".into(), "DE".into()],
                from_ms: 1_767_225_600_000,
                until_ms: 1_798_761_599_999,
                depth: 0,
                sublicensees: Vec::new(),
            }),
            ..Licence::default()
        }
    }

    #[test]
    fn a_licence_is_an_agreement() {
        let told = agreement("c0", "77", &licence(), None);
        let upper = json!({"@value": "2026-12-31T23:59:59.999Z", "@type": "xsd:dateTime"});
        assert_eq!(told["uid"], "touchstone:licence/c0/77");
        assert_eq!(told["assignee"], "market.*");
        assert_eq!(
            told["permission"][0]["action"][1],
            "touchstone:odrl/v1#sell"
        );
        assert_eq!(
            told["permission"][0]["constraint"][1]["rightOperand"],
            upper
        );
        assert_eq!(
            told["permission"][0]["constraint"][2]["rightOperand"],
            json!(["CN", "DE"])
        );
        assert_eq!(
            told["standsOn"][0],
            format!("touchstone:licence/c0/{}", "04".repeat(32))
        );
        assert_eq!(told["prohibition"][0]["action"], "grantUse");
    }

    #[test]
    fn an_end_cuts_the_term_and_a_depth_allows_sublicences() {
        let mut licence = licence();
        let terms = licence.terms.as_mut().unwrap();
        terms.depth = 2;
        terms.territories = vec![WORLD.into()];
        terms.sublicensees = vec!["shop".into()];
        let end = LicenceEnd {
            time_ms: 1_767_225_601_000,
            ..LicenceEnd::default()
        };
        let told = agreement("c0", "77", &licence, Some(&end));
        let constraints = told["permission"][0]["constraint"].as_array().unwrap();
        assert_eq!(constraints.len(), 2, "the world is no limit");
        let last = &constraints[1]["rightOperand"]["@value"];
        assert_eq!(last, "2026-01-01T00:00:00.999Z");
        let grant = &told["permission"][1];
        assert_eq!(grant["action"], "grantUse");
        assert_eq!(grant["constraint"][0]["rightOperand"], 2);
        assert_eq!(grant["constraint"][1]["rightOperand"], json!(["shop"]));
        assert_eq!(told["prohibition"], json!([]));
    }
}
