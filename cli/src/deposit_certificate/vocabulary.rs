//! The words of a credential: the data model's context (W3C), and the terms of our own.

use serde_json::{Value, json};

/// The data model's context.
pub const CREDENTIALS: &str = "https://www.w3.org/ns/credentials/v2";
/// Where the vocabulary's terms are: docs/certificate.md says what each means.
const VOCABULARY: &str = "touchstone:vocabulary/v1#";
/// The vocabulary's terms.
pub const TERMS: [&str; 27] = [
    "DesignDepositCredential",
    "DesignDeposit",
    "DesignFile",
    "Validator",
    "blockId",
    "chainId",
    "chainName",
    "commitment",
    "deposited",
    "designId",
    "disclosed",
    "disclosedHeight",
    "file",
    "fileName",
    "height",
    "keyCompromisedSince",
    "lookAlikes",
    "organisation",
    "organisationName",
    "power",
    "publicKey",
    "sha256",
    "timeErrorMs",
    "title",
    "titleRecorded",
    "transactionId",
    "validator",
];

/// The data model's context, and this vocabulary's terms. Those of a vouching, of content and of sanctions stand where
/// there are any: credentials from before there were any stay as they are.
pub fn context(has_vouching: bool, has_content: bool, has_sanctions: bool) -> Value {
    let terms = TERMS.map(|term| (term.to_owned(), json!(format!("{VOCABULARY}{term}"))));
    let mut terms: serde_json::Map<String, Value> = terms.into_iter().collect();
    // A literal of JSON: the names in it are no terms.
    let literals = [
        ("lookAlikes", true),
        ("vouching", has_vouching),
        ("content", has_content),
        ("sanctions", has_sanctions),
    ];
    for (name, _) in literals.into_iter().filter(|(_, is_there)| *is_there) {
        let literal = json!({"@id": format!("{VOCABULARY}{name}"), "@type": "@json"});
        terms.insert(name.to_owned(), literal);
    }
    json!([CREDENTIALS, Value::Object(terms)])
}
