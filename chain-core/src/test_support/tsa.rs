//! A time-stamp authority in memory: certificates and tokens by a writer that shares no code with
//! the reader, each part of them to be bent before it is signed. RSA and Ed25519 sign alike each time.
//!
//! Consensus-critical: no

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use ring::{digest, digest::digest};
use time::OffsetDateTime;
use touchstone_proto::evidence as wire;

use super::{Chain, key};
use crate::Hash;
use crate::block::Header;
use crate::evidence::Stamps;
use crate::proof::checkpoint::{self, BlockLeaf};

/// An element of these parts.
pub fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        n @ 0..128 => bytes.push(n as u8),
        n @ 128..256 => bytes.extend([0x81, n as u8]),
        n => bytes.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    [bytes, content].concat()
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der(0x30, parts)
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let numbers: Vec<u64> = dotted.split('.').map(|n| n.parse().unwrap()).collect();
    let mut content = Vec::new();
    let first = [numbers[0] * 40 + numbers[1]];
    for number in first.iter().chain(&numbers[2..]) {
        let mut digits = vec![(number & 0x7f) as u8];
        let mut rest = number >> 7;
        while rest > 0 {
            digits.insert(0, (rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        content.extend(digits);
    }
    der(6, &[&content])
}

fn utc(ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).unwrap()
}

/// A GeneralizedTime, with a fraction where it isn't of whole seconds.
pub fn generalized(ms: u64) -> Vec<u8> {
    let t = utc(ms);
    let fraction = match ms % 1000 {
        0 => String::new(),
        rest => format!(".{rest:03}").trim_end_matches('0').to_owned(),
    };
    let text = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{fraction}Z",
        t.year(),
        u8::from(t.month()),
        t.day(),
        t.hour(),
        t.minute(),
        t.second()
    );
    der(0x18, &[text.as_bytes()])
}

/// A time as certificates have it: with two digits of the year until 2049.
fn validity_time(ms: u64) -> Vec<u8> {
    let whole = generalized(ms / 1000 * 1000);
    match utc(ms).year() {
        1950..=2049 => der(0x17, &[&whole[4..]]),
        _ => whole,
    }
}

pub const RSA: &str = "1.2.840.113549.1.1.1";
pub const RSA_SHA_256: &str = "1.2.840.113549.1.1.11";
pub const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
pub const SHA_384: &str = "2.16.840.1.101.3.4.2.2";
pub const SHA_512: &str = "2.16.840.1.101.3.4.2.3";

/// An AlgorithmIdentifier, with NULL where RSA wants one.
pub fn algorithm(id: &str) -> Vec<u8> {
    match id.starts_with("1.2.840.113549.") || id.starts_with("2.16.") {
        true => sequence(&[&oid(id), &der(5, &[])]),
        false => sequence(&[&oid(id)]),
    }
}

/// A key of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TestKey {
    RsaRoot,
    RsaIntermediate,
    RsaSigner,
    P256,
    P384,
    Ed25519(u8),
}

impl TestKey {
    fn rsa(self) -> RsaKeyPair {
        let pkcs8: &[u8] = match self {
            TestKey::RsaRoot => include_bytes!("../../tests/data/tsa/rsa-root.pk8"),
            TestKey::RsaIntermediate => include_bytes!("../../tests/data/tsa/rsa-intermediate.pk8"),
            _ => include_bytes!("../../tests/data/tsa/rsa-signer.pk8"),
        };
        RsaKeyPair::from_pkcs8(pkcs8).unwrap()
    }

    fn ec(self) -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let p256 = include_bytes!("../../tests/data/tsa/p256.pk8");
        let p384 = include_bytes!("../../tests/data/tsa/ec-root.pk8");
        match self {
            TestKey::P256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, p256, &random)
            }
            _ => EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, p384, &random),
        }
        .unwrap()
    }

    /// The SubjectPublicKeyInfo.
    pub fn info(self) -> Vec<u8> {
        let (id, key) = match self {
            TestKey::P256 | TestKey::P384 => {
                let curve = match self {
                    TestKey::P256 => "1.2.840.10045.3.1.7",
                    _ => "1.3.132.0.34",
                };
                let id = sequence(&[&oid("1.2.840.10045.2.1"), &oid(curve)]);
                (id, self.ec().public_key().as_ref().to_vec())
            }
            TestKey::Ed25519(seed) => {
                let public = key(seed).verifying_key().to_bytes();
                (algorithm("1.3.101.112"), public.to_vec())
            }
            _ => (algorithm(RSA), self.rsa().public_key().as_ref().to_vec()),
        };
        sequence(&[&id, &der(3, &[&[0], &key])])
    }

    /// Its signature algorithm.
    pub fn scheme(self) -> &'static str {
        match self {
            TestKey::P256 => "1.2.840.10045.4.3.2",
            TestKey::P384 => "1.2.840.10045.4.3.3",
            TestKey::Ed25519(_) => "1.3.101.112",
            _ => RSA_SHA_256,
        }
    }

    /// The digest that goes with it in a token.
    pub fn digest(self) -> &'static str {
        match self {
            TestKey::P384 => SHA_384,
            TestKey::Ed25519(_) => SHA_512,
            _ => SHA_256,
        }
    }

    pub fn sign(self, message: &[u8]) -> Vec<u8> {
        use ed25519_dalek::Signer;
        let random = SystemRandom::new();
        match self {
            TestKey::P256 | TestKey::P384 => {
                let signature = self.ec().sign(&random, message).unwrap();
                signature.as_ref().to_vec()
            }
            TestKey::Ed25519(seed) => key(seed).sign(message).to_bytes().to_vec(),
            _ => {
                let pair = self.rsa();
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

pub fn hashed(digest_id: &str, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match digest_id {
        SHA_256 => &digest::SHA256,
        SHA_384 => &digest::SHA384,
        SHA_512 => &digest::SHA512,
        _ => &digest::SHA1_FOR_LEGACY_USE_ONLY,
    };
    digest(algorithm, bytes).as_ref().to_vec()
}

/// A name of one part.
pub fn name(common: &str) -> Vec<u8> {
    let attribute = sequence(&[&oid("2.5.4.3"), &der(0x0c, &[common.as_bytes()])]);
    sequence(&[&der(0x31, &[&attribute])])
}

/// An extension.
pub fn extension(id: &str, is_critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&oid(id), critical, &der(4, &[value])])
}

pub fn key_usage(bits: &[u8]) -> Vec<u8> {
    extension("2.5.29.15", true, &der(3, &[bits]))
}

pub fn purposes(is_critical: bool, ids: &[&str]) -> Vec<u8> {
    let ids: Vec<u8> = ids.iter().flat_map(|id| oid(id)).collect();
    extension("2.5.29.37", is_critical, &sequence(&[&ids]))
}

pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";

/// A certificate before it is signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// v3 is 2.
    pub version: u8,
    pub serial: u8,
    pub subject: String,
    pub issuer: String,
    pub key: TestKey,
    pub issuer_key: TestKey,
    pub not_before_ms: u64,
    pub not_after_ms: u64,
    pub extensions: Vec<Vec<u8>>,
    /// What it says of its algorithm inside; the same as outside if empty.
    pub inner_scheme: &'static str,
}

/// 2020-01-01 and 2050-01-01; milliseconds.
const FROM_MS: u64 = 1_577_836_800_000;
const TO_MS: u64 = 2_524_608_000_000;

impl Draft {
    /// Of one that signs certificates.
    pub fn authority(subject: &str, key: TestKey, issuer: &str, issuer_key: TestKey) -> Draft {
        let constraints = sequence(&[&[1, 1, 0xff]]);
        Draft {
            version: 2,
            serial: 3,
            subject: subject.into(),
            issuer: issuer.into(),
            key,
            issuer_key,
            not_before_ms: FROM_MS,
            not_after_ms: TO_MS,
            extensions: vec![
                extension("2.5.29.19", true, &constraints),
                key_usage(&[2, 0x04]),
            ],
            inner_scheme: "",
        }
    }

    /// Of one that signs tokens.
    pub fn signer(subject: &str, key: TestKey, issuer: &str, issuer_key: TestKey) -> Draft {
        let extensions = vec![key_usage(&[7, 0x80]), purposes(true, &[TIME_STAMPING])];
        Draft {
            extensions,
            serial: 7,
            ..Draft::authority(subject, key, issuer, issuer_key)
        }
    }

    /// Issuer and serial number, both in DER.
    fn id(&self) -> [Vec<u8>; 2] {
        [name(&self.issuer), der(2, &[&[self.serial]])]
    }

    pub fn sign(&self) -> Vec<u8> {
        let scheme = algorithm(self.issuer_key.scheme());
        let inner = match self.inner_scheme {
            "" => scheme.clone(),
            other => algorithm(other),
        };
        let validity = [
            validity_time(self.not_before_ms),
            validity_time(self.not_after_ms),
        ];
        let extensions = sequence(&[&self.extensions.concat()]);
        let version = der(0xa0, &[&der(2, &[&[self.version]])]);
        let content = sequence(&[
            &version,
            &der(2, &[&[self.serial]]),
            &inner,
            &name(&self.issuer),
            &sequence(&[&validity.concat()]),
            &name(&self.subject),
            &self.key.info(),
            &der(0xa3, &[&extensions]),
        ]);
        let signature = self.issuer_key.sign(&content);
        sequence(&[&content, &scheme, &der(3, &[&[0], &signature])])
    }
}

/// A token before it is signed; every part may be bent.
#[derive(Clone, Debug)]
pub struct Unsigned {
    pub content_type: &'static str,
    pub version: u8,
    pub signer_version: u8,
    /// The TSTInfo.
    pub content: Vec<u8>,
    pub embedded: Vec<Vec<u8>>,
    /// After the certificates.
    pub revocation: Vec<u8>,
    /// Issuer and serial number, both in DER.
    pub signer: [Vec<u8>; 2],
    pub key: TestKey,
    pub digest: &'static str,
    pub announced: &'static str,
    pub scheme: &'static str,
    /// Attributes beside the digest, each in DER.
    pub attributes: Vec<Vec<u8>>,
    /// `None`: that of the content.
    pub message_digest: Option<Vec<u8>>,
    pub unsigned_attributes: Vec<u8>,
    pub signers: usize,
}

pub fn attribute(id: &str, values: &[u8]) -> Vec<u8> {
    sequence(&[&oid(id), &der(0x31, &[values])])
}

/// The attribute that names a certificate by its SHA-256.
pub fn binds(certificate: &[u8]) -> Vec<u8> {
    let id = sequence(&[&der(4, &[&hashed(SHA_256, certificate)])]);
    let value = sequence(&[&sequence(&[&id])]);
    attribute("1.2.840.113549.1.9.16.2.47", &value)
}

pub const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";

impl Unsigned {
    pub fn sign(&self) -> Vec<u8> {
        let digest = match &self.message_digest {
            Some(other) => other.clone(),
            None => hashed(self.digest, &self.content),
        };
        let mut attributes = self.attributes.clone();
        attributes.push(attribute("1.2.840.113549.1.9.4", &der(4, &[&digest])));
        attributes.sort();
        let attributes = attributes.concat();
        let signature = self.key.sign(&der(0x31, &[&attributes]));
        let info = sequence(&[
            &der(2, &[&[self.signer_version]]),
            &sequence(&[&self.signer.concat()]),
            &algorithm(self.digest),
            &der(0xa0, &[&attributes]),
            &algorithm(self.scheme),
            &der(4, &[&signature]),
            &self.unsigned_attributes,
        ]);
        let certificates = match self.embedded.is_empty() {
            true => Vec::new(),
            false => der(0xa0, &[&self.embedded.concat()]),
        };
        let content = der(0xa0, &[&der(4, &[&self.content])]);
        let signed = sequence(&[
            &der(2, &[&[self.version]]),
            &der(0x31, &[&algorithm(self.announced)]),
            &sequence(&[&oid(self.content_type), &content]),
            &certificates,
            &self.revocation,
            &der(0x31, &[&info.repeat(self.signers)]),
        ]);
        let outer = oid("1.2.840.113549.1.7.2");
        sequence(&[&outer, &der(0xa0, &[&signed])])
    }
}

/// A TSTInfo of these optional fields, each in DER.
pub fn tst_info(imprint: &[u8], gen_time: &[u8], optional: &[u8]) -> Vec<u8> {
    let stamped = sequence(&[&algorithm(SHA_256), &der(4, &[imprint])]);
    sequence(&[
        &[2, 1, 1],
        &oid("1.3.6.1.4.1.99999.1"),
        &stamped,
        &[2, 2, 0x12, 0x34],
        gen_time,
        optional,
    ])
}

/// An authority: its certificates from the signer's to the root.
#[derive(Clone, Debug)]
pub struct TestAuthority {
    pub key: TestKey,
    pub chain: Vec<Vec<u8>>,
    /// How many of them its tokens hold.
    pub embedded: usize,
    /// Issuer and serial number of the signer's certificate, both in DER.
    pub id: [Vec<u8>; 2],
}

impl TestAuthority {
    /// RSA throughout, an intermediate authority between; the root isn't in its tokens.
    pub fn rsa() -> TestAuthority {
        TestAuthority::of(
            TestKey::RsaSigner,
            &[
                Draft::authority("Root R", TestKey::RsaRoot, "Root R", TestKey::RsaRoot),
                Draft::authority(
                    "Between R",
                    TestKey::RsaIntermediate,
                    "Root R",
                    TestKey::RsaRoot,
                ),
                Draft::signer(
                    "Stamps R",
                    TestKey::RsaSigner,
                    "Between R",
                    TestKey::RsaIntermediate,
                ),
            ],
        )
    }

    /// A signer directly under its root.
    pub fn simple(key: TestKey, root: TestKey) -> TestAuthority {
        TestAuthority::of(
            key,
            &[
                Draft::authority("Root S", root, "Root S", root),
                Draft::signer("Stamps S", key, "Root S", root),
            ],
        )
    }

    /// Of these certificates, the root first.
    pub fn of(key: TestKey, drafts: &[Draft]) -> TestAuthority {
        TestAuthority {
            key,
            embedded: drafts.len() - 1,
            id: drafts.last().map(Draft::id).unwrap(),
            chain: drafts.iter().rev().map(Draft::sign).collect(),
        }
    }

    /// What its tokens don't hold.
    pub fn beyond(&self) -> Vec<Vec<u8>> {
        let mut beyond = self.chain[self.embedded..].to_vec();
        beyond.sort();
        beyond
    }

    pub fn root(&self) -> Hash {
        crate::hash::sha256(self.chain.last().unwrap())
    }

    /// A token with an accuracy of one second, yet to be signed.
    pub fn draft(&self, imprint: &Hash, gen_time_ms: u64) -> Unsigned {
        let signer = &self.chain[0];
        let accuracy = sequence(&[&[2, 1, 1]]);
        Unsigned {
            content_type: TST_INFO,
            version: 3,
            signer_version: 1,
            content: tst_info(imprint, &generalized(gen_time_ms), &accuracy),
            embedded: self.chain[..self.embedded].to_vec(),
            revocation: Vec::new(),
            signer: self.id.clone(),
            key: self.key,
            digest: self.key.digest(),
            announced: self.key.digest(),
            scheme: self.key.scheme(),
            attributes: vec![
                attribute("1.2.840.113549.1.9.3", &oid(TST_INFO)),
                binds(signer),
            ],
            message_digest: None,
            unsigned_attributes: Vec::new(),
            signers: 1,
        }
    }

    pub fn stamp(&self, imprint: &Hash, gen_time_ms: u64) -> Vec<u8> {
        self.draft(imprint, gen_time_ms).sign()
    }

    /// Stamps a checkpoint of the blocks with these headers, in order; adds the token and all paths.
    pub fn stamp_blocks(
        &self,
        stamps: &mut Stamps,
        chain_id: &Hash,
        url: &str,
        headers: &[&Header],
        gen_time_ms: u64,
    ) {
        let (first, last) = (headers[0].height, headers[headers.len() - 1].height);
        let leaf = |header: &&Header| BlockLeaf {
            id: header.id(),
            validators_hash: header.validators_hash,
        };
        let leaves: Vec<BlockLeaf> = headers.iter().map(leaf).collect();
        let tree = checkpoint::tree(chain_id, first, &leaves).unwrap();
        let imprint = tree.checkpoint(chain_id, url).unwrap().imprint();
        let index = stamps.checkpoints.len() as u32;
        stamps.checkpoints.push(wire::Checkpoint {
            first,
            last,
            authority: url.into(),
            token: self.stamp(&imprint, gen_time_ms),
            certificates: self.beyond(),
        });
        for height in first..=last {
            let siblings = tree.path(height).unwrap();
            stamps.stamps.push(wire::Stamp {
                checkpoint: index,
                height,
                siblings: siblings.iter().map(|s| s.to_vec()).collect(),
            });
        }
    }
}

impl Chain {
    /// Has an authority stamp a checkpoint of these blocks, and keeps its token.
    pub fn stamp(
        &mut self,
        authority: &TestAuthority,
        url: &str,
        (first, last): (u64, u64),
        gen_time_ms: u64,
    ) {
        let covered = &self.blocks[first as usize - 1..last as usize];
        let headers: Vec<&Header> = covered.iter().map(|block| &block.header).collect();
        authority.stamp_blocks(&mut self.stamps, &self.id, url, &headers, gen_time_ms);
    }
}
