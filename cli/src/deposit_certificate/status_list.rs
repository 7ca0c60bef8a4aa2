//! The status of certificates for anybody's verifier: Bitstring Status List v1.0 (W3C). Its issuer keeps a list of
//! designs in an order that only grows; a design's place in it is its credential's index, and a bit says whether the
//! credential is to be relied on no more. A bit is its issuer's word, of the moment at which it asked the ledger.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_core::designs::right;
use touchstone_proto::ledger::KeyDispute;

use super::credential::BadCredential;
use super::data_integrity::{self, did_key, key_of_did_method};
use super::facts::CertificateFacts;
use super::status_entry::{PURPOSE, StatusEntry};
use super::vocabulary::CREDENTIALS;
use crate::json_error;

/// Entries of a list, at least, so that its length tells nothing (section 6.1, "Group Privacy").
const MIN_ENTRIES: usize = 131_072;
/// Entries of a list, at most.
pub const MAX_ENTRIES: usize = 1 << 20;
/// Multibase's prefix of base64url without padding.
const BASE64URL: char = 'u';
const KINDS: [&str; 2] = ["VerifiableCredential", "BitstringStatusListCredential"];

/// A list that was read: its signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    /// Its address.
    pub url: String,
    /// The key that signed it.
    pub issuer: [u8; 32],
    /// Since when it is valid (RFC 3339), where it says so: the moment at which its issuer asked the ledger.
    pub date: Option<String>,
    bits: Vec<u8>,
}

impl StatusList {
    /// Whether it says of an entry that the credential is to be relied on no more; `None` where it isn't its list.
    pub fn is_revoked(&self, entry: &StatusEntry) -> Option<bool> {
        let index: usize = entry.status_list_index.parse().ok()?;
        let byte = self.bits.get(index / 8)?;
        let is_set = byte & (0x80 >> (index % 8)) != 0;
        (self.url == entry.status_list_credential).then_some(is_set)
    }
}

/// Whether a design's certificate is to be relied on no more: its right was given up or passed on, or others may have
/// used the key that deposited it.
pub fn is_revoked(facts: &CertificateFacts) -> bool {
    let is_compromised =
        facts.compromised_since_ms.is_some() && facts.dispute != KeyDispute::Contested;
    let is_disposed = facts
        .right
        .as_ref()
        .is_some_and(|found| found.ended.is_some() || right::owner(found) != facts.organisation);
    is_compromised || is_disposed
}

/// A list, signed: of each entry whether it is revoked.
pub fn issue(
    url: &str,
    revoked: &[bool],
    key: &SigningKey,
    created: &str,
) -> Result<Vec<u8>, BadCredential> {
    let form = |reason: String| BadCredential::Form(reason);
    if revoked.len() > MAX_ENTRIES {
        return Err(form(format!("a list has at most {MAX_ENTRIES} entries")));
    }
    let mut bits = vec![0u8; revoked.len().max(MIN_ENTRIES).div_ceil(8)];
    for (index, _) in revoked.iter().enumerate().filter(|(_, is_set)| **is_set) {
        if let Some(byte) = bits.get_mut(index / 8) {
            *byte |= 0x80 >> (index % 8);
        }
    }
    let mut zipped = GzEncoder::new(Vec::new(), Compression::best());
    let zipped = zipped.write_all(&bits).and_then(|()| zipped.finish());
    let zipped = zipped.map_err(|e| form(e.to_string()))?;
    let document = json!({
        "@context": [CREDENTIALS],
        "id": url,
        "type": KINDS,
        "issuer": did_key(&key.verifying_key().to_bytes()),
        "validFrom": created,
        "credentialSubject": {
            "id": format!("{url}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": PURPOSE,
            "encodedList": format!("{BASE64URL}{}", URL_SAFE_NO_PAD.encode(zipped)),
        },
    });
    let secured = data_integrity::secure(&document, key, created)?;
    let mut bytes = serde_json::to_vec_pretty(&secured).map_err(|e| form(e.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a list, and checks its signature.
pub fn read(bytes: &[u8]) -> Result<StatusList, BadCredential> {
    let form = |reason: &str| BadCredential::Form(reason.to_owned());
    let document: Value =
        serde_json::from_slice(bytes).map_err(|e| form(&json_error::reason(&e)))?;
    let issuer = data_integrity::verify(&document, key_of_did_method)?;
    let text = |place: &str| document.pointer(place).and_then(Value::as_str);
    if text("/issuer") != Some(&did_key(&issuer)) {
        return Err(BadCredential::Issuer);
    }
    let is_list = document.get("type") == Some(&json!(KINDS))
        && text("/credentialSubject/type") == Some("BitstringStatusList")
        && text("/credentialSubject/statusPurpose") == Some(PURPOSE);
    let is_date = |date: &&str| OffsetDateTime::parse(date, &Rfc3339).is_ok();
    let date = text("/validFrom").filter(is_date).map(str::to_owned);
    let url = text("/id").filter(|_| is_list);
    let url = url.ok_or_else(|| form("it is no status list for revocation"))?;
    let text = text("/credentialSubject/encodedList").unwrap_or_default();
    let zipped = text.strip_prefix(BASE64URL);
    let zipped = zipped.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let zipped = zipped.ok_or_else(|| form("its list is not in base64url"))?;
    let most = MAX_ENTRIES / 8;
    let mut bits = Vec::new();
    // Decoding is bounded: a small file may hold a list of any length.
    let mut decoder = GzDecoder::new(zipped.as_slice()).take(most as u64 + 1);
    let decoded = decoder.read_to_end(&mut bits);
    if decoded.is_err() || !(MIN_ENTRIES / 8..=most).contains(&bits.len()) {
        return Err(form("its list is not a GZIP of 131,072 to 1,048,576 bits"));
    }
    Ok(StatusList {
        url: url.to_owned(),
        issuer,
        date,
        bits,
    })
}

#[cfg(test)]
mod tests {
    use touchstone_proto::ledger::{Ownership, Right, RightEnd};

    use super::super::facts::sample;
    use super::*;

    const URL: &str = "https://maker.example/status.json";
    const CREATED: &str = "2026-11-29T12:00:00.000Z";

    #[test]
    fn a_list_tells_each_entry_and_nothing_of_another_list() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let revoked: Vec<bool> = (0..20).map(|n| n % 9 == 8).collect();
        let bytes = issue(URL, &revoked, &key, CREATED).unwrap();
        assert!(bytes.len() < 2_000, "{}", bytes.len());
        let list = read(&bytes).unwrap();
        assert_eq!(list.issuer, key.verifying_key().to_bytes());
        assert_eq!(list.date.as_deref(), Some(CREATED));
        for date in [None, Some("yesterday")] {
            let mut document: Value = serde_json::from_slice(&bytes).unwrap();
            let members = document.as_object_mut().unwrap();
            members.remove("proof");
            members.remove("validFrom");
            members.extend(date.map(|date| ("validFrom".to_owned(), json!(date))));
            let secured = data_integrity::secure(&document, &key, CREATED).unwrap();
            let list = read(&serde_json::to_vec(&secured).unwrap()).unwrap();
            assert_eq!(list.date, None, "{date:?}");
        }
        for (index, wanted) in revoked.iter().enumerate() {
            let entry = StatusEntry::of(URL, index);
            assert!(entry.agrees());
            assert_eq!(list.is_revoked(&entry), Some(*wanted), "{index}");
            let other = StatusEntry::of("https://other.example/", index);
            assert_eq!(list.is_revoked(&other), None);
        }
        assert_eq!(
            list.is_revoked(&StatusEntry::of(URL, MIN_ENTRIES - 1)),
            Some(false)
        );
        assert_eq!(list.is_revoked(&StatusEntry::of(URL, MIN_ENTRIES)), None);
        let mut bent = StatusEntry::of(URL, 3);
        bent.status_list_index = "4".into();
        assert!(!bent.agrees());
        assert!(issue(URL, &vec![false; MAX_ENTRIES + 1], &key, CREATED).is_err());
    }

    /// The first bit of the first byte is entry 0: section 2.2 of the recommendation.
    #[test]
    fn the_first_entry_is_the_leftmost_bit() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let list = read(&issue(URL, &[true], &key, CREATED).unwrap()).unwrap();
        assert_eq!((list.bits[0], list.bits.len()), (0x80, 16_384));
    }

    #[test]
    fn a_list_that_was_bent_is_refused() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let bytes = issue(URL, &[true, false], &key, CREATED).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for (from, to) in [
            ("maker.example", "maker.exampl3"),
            ("revocation", "suspension"),
            ("encodedList\": \"u", "encodedList\": \"uA"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(read(text.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        // One that is signed, and too short.
        let document = json!({
            "@context": [CREDENTIALS], "id": URL, "type": KINDS,
            "issuer": did_key(&key.verifying_key().to_bytes()), "validFrom": CREATED,
            "credentialSubject": {
                "id": "x", "type": "BitstringStatusList", "statusPurpose": PURPOSE,
                "encodedList": "uAAAA",
            },
        });
        let secured = data_integrity::secure(&document, &key, CREATED).unwrap();
        let bytes = serde_json::to_vec(&secured).unwrap();
        assert!(matches!(read(&bytes), Err(BadCredential::Form(_))));
    }

    #[test]
    fn what_ends_a_certificate() {
        let plain = sample();
        let owned = |organisation: &str, ended: bool| Right {
            owners: vec![Ownership {
                organisation: organisation.into(),
                since_ms: 1,
            }],
            ended: ended.then(RightEnd::default),
            ..Right::default()
        };
        let own = plain.organisation.clone();
        for (right, wanted) in [
            (None, false),
            (Some(owned(&own, false)), false),
            (Some(owned(&own, true)), true),
            (Some(owned("another", false)), true),
        ] {
            let facts = CertificateFacts {
                right,
                compromised_since_ms: None,
                ..plain.clone()
            };
            assert_eq!(is_revoked(&facts), wanted);
        }
        let mut reported = CertificateFacts {
            compromised_since_ms: Some(1),
            dispute: KeyDispute::Settled,
            ..plain
        };
        assert!(is_revoked(&reported));
        reported.dispute = KeyDispute::Contested;
        assert!(!is_revoked(&reported), "a thief's word revokes nothing");
    }
}
