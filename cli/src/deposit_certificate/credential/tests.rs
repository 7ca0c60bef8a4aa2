use super::*;
use crate::deposit_certificate::facts::{barred, sample as facts};
use crate::deposit_certificate::vocabulary::{CREDENTIALS, TERMS};
use serde_json::json;
use touchstone_proto::ledger::{Vouching, VouchingWithdrawal};

/// Seed 3 is the owner's.
fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// What the owner's key states of facts.
fn as_stated(facts: &CertificateFacts) -> CredentialStatement {
    CredentialStatement {
        issuer: key(3).verifying_key().to_bytes(),
        subject: CredentialSubject::of(facts),
        status: None,
    }
}

fn issued() -> Value {
    serde_json::from_slice(&issue(&facts(), &key(3), None).unwrap()).unwrap()
}

/// The document with other content, signed anew by a key.
fn resigned(document: &Value, key: &SigningKey, created: &str) -> Vec<u8> {
    let mut document = document.clone();
    document.as_object_mut().unwrap().remove("proof");
    let secured = data_integrity::secure(&document, key, created).unwrap();
    serde_json::to_vec(&secured).unwrap()
}

const CREATED: &str = "2026-01-01T00:00:01.000Z";

#[test]
fn an_issued_credential_says_the_facts_and_is_the_same_again() {
    let bytes = issue(&facts(), &key(3), None).unwrap();
    assert_eq!(bytes, issue(&facts(), &key(3), None).unwrap());
    let statement = check(&bytes).unwrap();
    assert_eq!(statement, as_stated(&facts()));
    assert_eq!(compare(&statement, &facts()), Ok(vec![]));
    let document = issued();
    assert_eq!(document["@context"][0], CREDENTIALS);
    assert_eq!(document["issuer"], document["credentialSubject"]["id"]);
    assert_eq!(document["validFrom"], CREATED);
    assert_eq!(document["proof"]["created"], CREATED);
    assert_eq!(document["proof"]["cryptosuite"], "eddsa-jcs-2022");
    assert_eq!(document["id"], facts().uri());
    let stranger = issue(&facts(), &key(4), None);
    assert!(matches!(stranger, Err(BadCredential::Stranger)));
}

/// A key that is destroyed ends nothing: another valid one of the organisation states the same, and the ledger says
/// whose it is.
#[test]
fn another_key_of_the_organisation_issues_where_the_owners_is_lost() {
    let statement = check(&issue(&facts(), &key(30), None).unwrap()).unwrap();
    assert_eq!(statement.issuer, key(30).verifying_key().to_bytes());
    assert_eq!(statement.subject, CredentialSubject::of(&facts()));
    assert_eq!(compare(&statement, &facts()), Ok(vec![]));
    // A retired one no more.
    let retired = issue(&facts(), &key(31), None);
    assert!(matches!(retired, Err(BadCredential::Stranger)));
    let mut since = facts();
    since.organisation_keys[1].has_ended = true;
    let weighed = compare(&statement, &since).unwrap();
    assert!(
        weighed[0]
            .to_string()
            .contains("retired or reported compromised"),
        "{weighed:?}"
    );
    since.organisation_keys.remove(1);
    assert_eq!(compare(&statement, &since), Err("issuer"));
    // The deposit's own key needs no record of the present.
    since.organisation_keys.clear();
    assert_eq!(compare(&as_stated(&facts()), &since), Ok(vec![]));
}

/// Every member that isn't the data model's own is a term of the vocabulary.
#[test]
fn every_term_has_its_place_in_the_context() {
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    found.push(name.clone());
                    names(member, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let mut known = facts();
    known.compromised_since_ms = Some(1);
    let mut document = serde_json::to_value(CredentialSubject::of(&known)).unwrap();
    document["type"] = json!(["DesignDeposit", "DesignDepositCredential"]);
    // A literal of JSON: the names in it are no terms.
    document["lookAlikes"] = json!([]);
    let mut found = Vec::new();
    names(&document, &mut found);
    found.retain(|name| name != "id" && name != "type");
    found.extend(
        [
            "DesignDeposit",
            "DesignDepositCredential",
            "DesignFile",
            "Validator",
        ]
        .map(Into::into),
    );
    found.sort();
    found.dedup();
    let mut terms = TERMS.map(str::to_owned).to_vec();
    terms.sort();
    assert_eq!(found, terms);
}

#[test]
fn every_changed_statement_breaks_the_signature() {
    let document = issued();
    let subject = document["credentialSubject"].as_object().unwrap();
    for (name, value) in subject {
        let mut changed = document.clone();
        changed["credentialSubject"][name] = match value {
            Value::String(text) => json!(format!("{text}0")),
            Value::Number(number) => json!(number.as_u64().unwrap() + 1),
            Value::Bool(flag) => json!(!flag),
            _ => json!([]),
        };
        let bytes = serde_json::to_vec(&changed).unwrap();
        assert!(
            matches!(
                check(&bytes),
                Err(BadCredential::Proof(BadProof::Signature))
            ),
            "{name}"
        );
    }
}

#[test]
fn a_signature_alone_is_not_enough() {
    let document = issued();
    let with = |at: &str, value: Value| {
        let mut changed = document.clone();
        *changed.pointer_mut(at).unwrap() = value;
        resigned(&changed, &key(3), CREATED)
    };
    let stranger = did_key(&key(4).verifying_key().to_bytes());
    let table = [
        (resigned(&document, &key(4), CREATED), "another key"),
        (with("/issuer", json!(stranger)), "another key"),
        (
            with("/@context/1/title", json!("https://example.org/color")),
            "its context",
        ),
        (with("/type/1", json!("AlumniCredential")), "its type"),
        (with("/id", json!("touchstone:design/00/00")), "its id"),
        (
            with("/validFrom", json!("2025-01-01T00:00:00Z")),
            "its date",
        ),
        (
            with("/credentialSubject/type", json!("Person")),
            "its subject's type",
        ),
        (
            resigned(&document, &key(3), "2025-01-01T00:00:00Z"),
            "its proof's date",
        ),
        (
            with("/credentialSubject/height", json!("7")),
            "no design deposit credential",
        ),
        (
            with("/credentialSubject/blockId", json!(null)),
            "no design deposit credential",
        ),
    ];
    for (bytes, reason) in table {
        let refused = check(&bytes).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused:?} isn't {reason:?}");
    }
    let mut more = document.clone();
    more["credentialSubject"]["rank"] = json!("first");
    assert!(check(&resigned(&more, &key(3), CREATED)).is_err());
    // Two members of one name: readers would differ in which they take.
    let text = String::from_utf8(issue(&facts(), &key(3), None).unwrap()).unwrap();
    let doubled = text.replacen("\"height\": 7", "\"height\": 6, \"height\": 7", 1);
    assert_ne!(text, doubled);
    assert!(check(doubled.as_bytes()).is_err());
    assert!(check(&vec![b' '; MAX_BYTES + 1]).is_err());
    assert!(check("[".repeat(100_000).as_bytes()).is_err());
}

#[test]
fn what_the_ledger_contradicts_is_named() {
    type Bend = fn(&mut CertificateFacts);
    let table: [(&str, Bend); 16] = [
        ("id", |f| f.owner_key = [9; 32]),
        ("chainId", |f| f.chain_id[0] ^= 1),
        ("chainName", |f| f.chain_name.push('x')),
        ("designId", |f| f.design_id[0] ^= 1),
        ("commitment", |f| f.commitment[0] ^= 1),
        ("organisation", |f| f.organisation.push('x')),
        ("deposited", |f| f.time_ms += 1),
        ("timeErrorMs", |f| f.parameters.precision_ms += 1),
        ("height", |f| f.height += 1),
        ("blockId", |f| f.block_id[0] ^= 1),
        ("transactionId", |f| f.transaction_id[0] ^= 1),
        ("validator", |f| f.validators[0].power += 1),
        ("validator", |f| f.validators.clear()),
        ("file", |f| f.files[0].sha256[0] ^= 1),
        ("title", |f| f.title = None),
        ("disclosed", |f| f.disclosed = None),
    ];
    let stated = as_stated(&facts());
    for (member, bend) in table {
        let mut proven = facts();
        bend(&mut proven);
        assert_eq!(compare(&stated, &proven), Err(member));
    }
    let mut claimed = stated.clone();
    claimed.subject.key_compromised_since = Some(CREATED.into());
    assert_eq!(compare(&claimed, &facts()), Err("keyCompromisedSince"));
}

#[test]
fn what_nothing_proves_is_left_to_weigh() {
    type Bend = fn(&mut CertificateFacts);
    let table: [(&str, Bend); 5] = [
        ("the consortium hasn't decided", |f| {
            f.compromised_since_ms = Some(1);
            f.dispute = KeyDispute::Contested;
        }),
        ("the files are the owner's word", |f| f.files.clear()),
        ("another name", |f| f.organisation_name.push('x')),
        ("another name", |f| f.validators[0].name.push('x')),
        ("somebody else may have signed", |f| {
            f.compromised_since_ms = Some(u64::MAX)
        }),
    ];
    let stated = as_stated(&facts());
    for (reservation, bend) in table {
        let mut proven = facts();
        bend(&mut proven);
        let weighed = compare(&stated, &proven).unwrap();
        assert!(
            weighed.len() == 1 && weighed[0].to_string().contains(reservation),
            "{weighed:?}"
        );
    }
    // What was reported then may have been settled otherwise since.
    let mut reported = facts();
    reported.compromised_since_ms = Some(1);
    reported.dispute = KeyDispute::Contested;
    let mut settled = facts();
    settled.dispute = KeyDispute::Settled;
    let stated = as_stated(&reported);
    assert_eq!(compare(&stated, &settled), Ok(vec![]));
    // Disclosed since: no contradiction.
    let mut before = facts();
    before.disclosed = None;
    before.title = None;
    assert_eq!(compare(&as_stated(&before), &facts()), Ok(vec![]));
}

/// The bytes are pinned: whoever issues the credential again gets the same.
#[test]
fn the_credentials_bytes_are_pinned() {
    let bytes = issue(&facts(), &key(3), None).unwrap();
    let digest = hex::encode(touchstone_core::hash::sha256(&bytes));
    assert_eq!(
        digest,
        "2706be44a48efde146e56ba341a699cbe129d3fab79a5b74164265fd6fae72e9"
    );
}

/// Who vouched stands in the credential as it was at the deposit; what became of it is weighed.
#[test]
fn a_vouching_is_stated_and_cannot_be_hidden() {
    let mut vouched = facts();
    let vouching = Vouching {
        voucher: "delta".into(),
        designer: "delta.lin".into(),
        name: "Lin".into(),
        check: 1,
        ..Vouching::default()
    };
    vouched.vouching = Some((vouching, "Delta".into()));
    let document: Value = serde_json::from_slice(&issue(&vouched, &key(3), None).unwrap()).unwrap();
    let context = &document["@context"][1]["vouching"];
    assert_eq!(context["@type"], "@json");
    let stated = check(document.to_string().as_bytes()).unwrap();
    assert_eq!(compare(&stated, &vouched), Ok(vec![]));
    let hidden = as_stated(&facts());
    assert_eq!(compare(&hidden, &vouched), Err("vouching"));
    assert_eq!(compare(&stated, &facts()), Err("vouching"));
    let found = |facts: &mut CertificateFacts, bend: fn(&mut Vouching)| {
        bend(&mut facts.vouching.as_mut().unwrap().0);
    };
    found(&mut vouched, |v| {
        v.withdrawn = Some(VouchingWithdrawal::default())
    });
    assert_eq!(compare(&stated, &vouched).unwrap().len(), 1);
    found(&mut vouched, |v| v.until_ms = 1);
    assert_eq!(compare(&stated, &vouched), Err("vouching"));
}

/// Sanctions stand in the credential as they stood: what changed since is weighed, and what the ledger never had is
/// refused.
#[test]
fn sanctions_are_stated_and_what_is_new_is_weighed() {
    let mut sanctioned = facts();
    sanctioned.sanctions = vec![barred()];
    let document: Value =
        serde_json::from_slice(&issue(&sanctioned, &key(3), None).unwrap()).unwrap();
    let context = &document["@context"][1]["sanctions"];
    assert_eq!(context["@type"], "@json");
    let party = &document["credentialSubject"]["sanctions"][0];
    assert_eq!(party["organisation"], "carol");
    assert_eq!(party["held"][0]["kind"], "no-sales");
    assert_eq!(party["registered_as"], "91310000");
    let stated = check(document.to_string().as_bytes()).unwrap();
    assert_eq!(compare(&stated, &sanctioned), Ok(vec![]));
    let weighed = |stated: &CredentialStatement, facts: &CertificateFacts| {
        let found = compare(stated, facts).unwrap();
        assert!(
            found.len() == 1 && found[0].to_string().contains("changed since"),
            "{found:?}"
        );
    };
    // Issued before.
    weighed(&as_stated(&facts()), &sanctioned);
    let mut later = sanctioned.clone();
    later.sanctions[0].own.imposed = 2;
    weighed(&stated, &later);
    // Of a former owner the ledger isn't asked.
    let mut former = stated.clone();
    former.subject.sanctions.as_mut().unwrap()[0]["organisation"] = "acme".into();
    weighed(&former, &facts());
    // What never was.
    assert_eq!(compare(&stated, &facts()), Err("sanctions"));
    assert_eq!(compare(&as_stated(&later), &sanctioned), Err("sanctions"));
    let mut bent = stated.clone();
    bent.subject.sanctions = Some(json!([]));
    assert_eq!(compare(&bent, &sanctioned), Err("sanctions"));
    bent.subject.sanctions = Some(json!([{"organisation": "carol"}]));
    assert_eq!(compare(&bent, &sanctioned), Err("sanctions"));
}

#[test]
fn a_credential_says_where_its_status_is_found() {
    let entry = StatusEntry::of("https://maker.example/status.json", 7);
    let bytes = issue(&facts(), &key(3), Some(entry.clone())).unwrap();
    assert_eq!(check(&bytes).unwrap().status, Some(entry.clone()));
    let bent = StatusEntry {
        status_list_index: "8".into(),
        ..entry
    };
    let bytes = issue(&facts(), &key(3), Some(bent)).unwrap();
    assert!(matches!(
        check(&bytes),
        Err(BadCredential::Disagrees("status"))
    ));
}
