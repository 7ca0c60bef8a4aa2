//! Signatures on JSON documents: Data Integrity EdDSA Cryptosuites v1.0 (W3C), eddsa-jcs-2022, with
//! keys named by did:key (W3C CCG, The did:key Method).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde_json::{Map, Value, json};
use thiserror::Error;
use touchstone_core::hash::{Hash, sha256};

/// The cryptosuite's name.
pub const CRYPTOSUITE: &str = "eddsa-jcs-2022";
/// Multicodec's prefix of an Ed25519 public key (0xed as a varint).
const ED25519_PUBLIC: [u8; 2] = [0xed, 0x01];
/// Multibase's prefix of base58btc.
const BASE58BTC: char = 'z';
/// A JSON object's member for its proof, and a proof's for its signature.
const PROOF: &str = "proof";
const PROOF_VALUE: &str = "proofValue";

/// Why a document's proof doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadProof {
    /// The document isn't a JSON object.
    #[error("it is no JSON object")]
    NotAnObject,
    /// There is no proof, or something else in its place.
    #[error("it has no single proof")]
    Missing,
    /// The proof is of another kind.
    #[error("its proof is not a DataIntegrityProof by eddsa-jcs-2022 for an assertion")]
    Kind,
    /// A date isn't written as one.
    #[error("the proof's date is not an RFC 3339 date and time")]
    Date,
    /// The document speaks of other contexts than its proof.
    #[error("the proof is of another context")]
    Context,
    /// The verification method names no key that is known.
    #[error("the proof's verification method names no known key")]
    Method,
    /// The signature isn't one in base58btc.
    #[error("the proof's value is no signature")]
    Encoding,
    /// The document can't be canonicalised (RFC 8785).
    #[error("it has no canonical form")]
    Canonical,
    /// The signature is wrong: the document or its proof was changed, or another key signed.
    #[error("its signature doesn't hold")]
    Signature,
}

/// The key's name as a did:key.
pub fn did_key(key: &[u8; 32]) -> String {
    format!("did:key:{}", multikey(key))
}

/// The name of a did:key's one verification method.
pub fn did_key_method(key: &[u8; 32]) -> String {
    format!("did:key:{0}#{0}", multikey(key))
}

/// The key of a verification method as [`did_key_method`] writes it.
pub fn key_of_did_method(method: &str) -> Option<[u8; 32]> {
    let (multikey, fragment) = method.strip_prefix("did:key:")?.split_once('#')?;
    let key = key_of_multikey(multikey)?;
    (fragment == multikey).then_some(key)
}

fn multikey(key: &[u8; 32]) -> String {
    base58btc(&[&ED25519_PUBLIC[..], key].concat())
}

/// An Ed25519 public key from its multikey form.
pub fn key_of_multikey(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 34] = from_base58btc(text)?;
    let key = bytes.strip_prefix(&ED25519_PUBLIC)?;
    key.try_into().ok()
}

fn base58btc(bytes: &[u8]) -> String {
    format!("{BASE58BTC}{}", bs58::encode(bytes).into_string())
}

fn from_base58btc<const N: usize>(text: &str) -> Option<[u8; N]> {
    // No more digits than N bytes can have, so that the quadratic decoding stays short.
    let digits = text.strip_prefix(BASE58BTC).filter(|d| d.len() <= 2 * N)?;
    bs58::decode(digits).into_vec().ok()?.try_into().ok()
}

/// Adds a proof by the key: `created` is an RFC 3339 date and time.
pub fn secure(document: &Value, key: &SigningKey, created: &str) -> Result<Value, BadProof> {
    let members = document.as_object().ok_or(BadProof::NotAnObject)?;
    let public = key.verifying_key().to_bytes();
    let mut proof = Map::new();
    proof.insert("type".into(), json!("DataIntegrityProof"));
    proof.insert("cryptosuite".into(), json!(CRYPTOSUITE));
    proof.insert("created".into(), json!(created));
    proof.insert("verificationMethod".into(), json!(did_key_method(&public)));
    proof.insert("proofPurpose".into(), json!("assertionMethod"));
    if let Some(context) = members.get("@context") {
        proof.insert("@context".into(), context.clone());
    }
    let signature = key.sign(&signed_bytes(members.clone(), &proof)?);
    proof.insert(PROOF_VALUE.into(), json!(base58btc(&signature.to_bytes())));
    let mut secured = members.clone();
    secured.insert(PROOF.into(), Value::Object(proof));
    Ok(Value::Object(secured))
}

/// Checks a document's proof (section 3.3.2, "Verify Proof"); gives the key that signed. `key_of`
/// gives the key that a verification method names, if it is known.
pub fn verify(
    secured: &Value,
    key_of: impl Fn(&str) -> Option<[u8; 32]>,
) -> Result<[u8; 32], BadProof> {
    let mut document = secured.as_object().ok_or(BadProof::NotAnObject)?.clone();
    let Some(Value::Object(mut proof)) = document.remove(PROOF) else {
        return Err(BadProof::Missing);
    };
    let value = proof.remove(PROOF_VALUE);
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let kind = [
        ("type", "DataIntegrityProof"),
        ("cryptosuite", CRYPTOSUITE),
        ("proofPurpose", "assertionMethod"),
    ];
    if kind.iter().any(|(name, wanted)| text(name) != Some(wanted)) {
        return Err(BadProof::Kind);
    }
    if let Some(created) = proof.get("created") {
        let date = created.as_str().unwrap_or_default();
        time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc3339)
            .map_err(|_| BadProof::Date)?;
    }
    // The document may have gained contexts behind those that were signed; they aren't signed.
    if let Some(context) = proof.get("@context") {
        let signed = as_list(context);
        let found = document.get("@context").map(as_list).unwrap_or_default();
        if !found.starts_with(signed) {
            return Err(BadProof::Context);
        }
        document.insert("@context".into(), context.clone());
    }
    let method = text("verificationMethod").ok_or(BadProof::Method)?;
    let key = key_of(method).ok_or(BadProof::Method)?;
    let signature: [u8; 64] = value
        .as_ref()
        .and_then(Value::as_str)
        .and_then(from_base58btc)
        .ok_or(BadProof::Encoding)?;
    let message = signed_bytes(document, &proof)?;
    VerifyingKey::from_bytes(&key)
        .and_then(|k| k.verify_strict(&message, &Signature::from_bytes(&signature)))
        .map_err(|_| BadProof::Signature)?;
    Ok(key)
}

/// A context or a list of them.
fn as_list(context: &Value) -> &[Value] {
    match context {
        Value::Array(list) => list,
        one => std::slice::from_ref(one),
    }
}

/// What is signed (section 3.3.4, "Hashing"): the proof's hash before the document's.
fn signed_bytes(
    document: Map<String, Value>,
    proof: &Map<String, Value>,
) -> Result<Vec<u8>, BadProof> {
    let proof = canonical_hash(&Value::Object(proof.clone()))?;
    let document = canonical_hash(&Value::Object(document))?;
    Ok([proof, document].concat())
}

fn canonical_hash(value: &Value) -> Result<Hash, BadProof> {
    let canonical = serde_json_canonicalizer::to_vec(value).map_err(|_| BadProof::Canonical)?;
    Ok(sha256(&canonical))
}

#[cfg(test)]
mod tests;
