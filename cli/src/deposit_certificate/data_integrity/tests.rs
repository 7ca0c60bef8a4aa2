use super::*;

const SIGNED: &str = include_str!("../../../../tests/data/vc-di-eddsa/signedJCS.json");
const KEYS: &str = include_str!("../../../../tests/data/vc-di-eddsa/keyPair.json");
const CANONICAL: &str = include_str!("../../../../tests/data/vc-di-eddsa/canonDocJCS.txt");
const SIGNATURE: &str = include_str!("../../../../tests/data/vc-di-eddsa/sigHexJCS.txt");

fn published() -> (Value, SigningKey) {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let private: [u8; 34] = from_base58btc(keys["privateKeyMultibase"].as_str().unwrap()).unwrap();
    assert_eq!(private[..2], [0x80, 0x26], "an Ed25519 private key");
    let key = SigningKey::from_bytes(private[2..].try_into().unwrap());
    let public = key_of_multikey(keys["publicKeyMultibase"].as_str().unwrap());
    assert_eq!(public, Some(key.verifying_key().to_bytes()));
    (serde_json::from_str(SIGNED).unwrap(), key)
}

/// The controller's document of the published example holds this one key.
fn known(method: &str) -> Option<[u8; 32]> {
    key_of_multikey(method.strip_prefix("https://vc.example/issuers/5678#")?)
}

#[test]
fn the_published_vector_holds() {
    let (signed, key) = published();
    assert_eq!(verify(&signed, known), Ok(key.verifying_key().to_bytes()));
    let mut document = signed.as_object().unwrap().clone();
    let mut proof = document.remove("proof").unwrap();
    let canonical = serde_json_canonicalizer::to_string(&document).unwrap();
    assert_eq!(canonical, CANONICAL);
    let proof = proof.as_object_mut().unwrap();
    proof.remove("proofValue");
    let signature = key.sign(&signed_bytes(document, proof).unwrap());
    assert_eq!(hex::encode(signature.to_bytes()), SIGNATURE);
}

#[test]
fn what_is_signed_here_holds_and_is_the_same_again() {
    let (signed, key) = published();
    let mut document = signed;
    document.as_object_mut().unwrap().remove("proof");
    let secured = secure(&document, &key, "2023-02-24T23:36:38Z").unwrap();
    assert_eq!(
        secured,
        secure(&document, &key, "2023-02-24T23:36:38Z").unwrap()
    );
    assert_eq!(
        verify(&secured, key_of_did_method),
        Ok(key.verifying_key().to_bytes())
    );
    // Nobody else's key.
    let other = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
    assert_eq!(verify(&secured, |_| Some(other)), Err(BadProof::Signature));
    // The order of members and white space don't matter.
    let text = serde_json_canonicalizer::to_string(&secured).unwrap();
    let reordered: Value = serde_json::from_str(&text).unwrap();
    assert!(verify(&reordered, key_of_did_method).is_ok());
}

/// Every place in a document where a value stands.
fn places(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                places(member, format!("{at}/{}", name.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(at);
}

#[test]
fn every_changed_or_missing_value_is_refused() {
    let (signed, _) = published();
    let mut found = Vec::new();
    places(&signed, String::new(), &mut found);
    found.retain(|at| !at.is_empty());
    assert!(found.len() > 20, "{found:?}");
    for at in &found {
        let (parent, name) = at.rsplit_once('/').unwrap();
        let mut changed = signed.clone();
        let place = changed.pointer_mut(at).unwrap();
        *place = match place.as_str() {
            Some(text) => json!(format!("{text}x")),
            None => json!("something else"),
        };
        assert!(verify(&changed, known).is_err(), "{at} changed");
        let mut without = signed.clone();
        match without.pointer_mut(parent).unwrap() {
            Value::Object(members) => {
                members.remove(&name.replace("~1", "/"));
            }
            Value::Array(items) => {
                items.remove(name.parse().unwrap());
            }
            _ => unreachable!(),
        }
        assert!(verify(&without, known).is_err(), "{at} left out");
    }
    for member in ["", "/credentialSubject", "/proof"] {
        let mut more = signed.clone();
        let object = more.pointer_mut(member).unwrap().as_object_mut().unwrap();
        object.insert("more".into(), json!(true));
        assert_eq!(verify(&more, known), Err(BadProof::Signature), "{member}");
    }
}

#[test]
fn wrong_proofs_are_refused_by_their_reason() {
    let (signed, _) = published();
    let table = [
        ("/proof/type", json!("Ed25519Signature2020"), BadProof::Kind),
        (
            "/proof/cryptosuite",
            json!("eddsa-rdfc-2022"),
            BadProof::Kind,
        ),
        (
            "/proof/proofPurpose",
            json!("authentication"),
            BadProof::Kind,
        ),
        ("/proof/created", json!("yesterday"), BadProof::Date),
        ("/proof/created", json!(1), BadProof::Date),
        (
            "/proof/verificationMethod",
            json!("did:key:z6Mk"),
            BadProof::Method,
        ),
        ("/proof/verificationMethod", json!(null), BadProof::Method),
        ("/proof/proofValue", json!("u63t8"), BadProof::Encoding),
        (
            "/proof/proofValue",
            json!("z".repeat(100_000)),
            BadProof::Encoding,
        ),
        ("/proof/proofValue", json!("z0OIl"), BadProof::Encoding),
        (
            "/proof/@context",
            json!(["https://other.example"]),
            BadProof::Context,
        ),
        ("/proof", json!([signed["proof"]]), BadProof::Missing),
        ("", json!([signed]), BadProof::NotAnObject),
    ];
    for (at, value, reason) in table {
        let mut changed = signed.clone();
        *changed.pointer_mut(at).unwrap() = value;
        assert_eq!(verify(&changed, known), Err(reason), "{at}");
    }
}

#[test]
fn keys_have_one_name() {
    let key = [3; 32];
    let method = did_key_method(&key);
    assert_eq!(key_of_did_method(&method), Some(key));
    assert!(did_key(&key).starts_with("did:key:z6Mk"));
    let name = multikey(&key);
    for wrong in [
        format!("did:key:{name}"),
        format!("did:key:{name}#{}", multikey(&[4; 32])),
        format!("did:web:{name}#{name}"),
        format!(
            "did:key:{0}#{0}",
            base58btc(&[&[0xec, 0x01][..], &key].concat())
        ),
        format!("did:key:{0}#{0}", base58btc(&key)),
        String::new(),
    ] {
        assert_eq!(key_of_did_method(&wrong), None, "{wrong}");
    }
}
