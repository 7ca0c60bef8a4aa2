//! The algorithms of tokens and certificates, by their object identifiers. ring verifies RSA and ECDSA;
//! Ed25519 is the ledger's own strict one.
//!
//! Consensus-critical: no

use ring::digest::{self, digest};
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

use super::der::{Algorithm, BadDer, Reader, tag};
use crate::signing;

/// id-sha256, id-sha384, id-sha512 (2.16.840.1.101.3.4.2).
pub(super) const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
pub(super) const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
pub(super) const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
/// rsaEncryption, sha1WithRSAEncryption and its successors (1.2.840.113549.1.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_SHA_1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05];
const RSA_SHA_256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const RSA_SHA_384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
const RSA_SHA_512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d];
/// id-ecPublicKey, secp256r1, secp384r1.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P_384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// ecdsa-with-SHA256, ecdsa-with-SHA384 (1.2.840.10045.4.3).
const ECDSA_SHA_256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const ECDSA_SHA_384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];
/// id-Ed25519 (RFC 8410).
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A digest that may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// By its identifier, without parameters.
    pub fn named(algorithm: &Algorithm<'_>) -> Option<Digest> {
        let digest = match algorithm.id {
            SHA_256 => Digest::Sha256,
            SHA_384 => Digest::Sha384,
            SHA_512 => Digest::Sha512,
            _ => return None,
        };
        algorithm.parameters.is_none().then_some(digest)
    }

    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Digest::Sha256 => &digest::SHA256,
            Digest::Sha384 => &digest::SHA384,
            Digest::Sha512 => &digest::SHA512,
        };
        digest(algorithm, bytes).as_ref().to_vec()
    }
}

/// SHA-1, for the older form of the attribute that names the signer's certificate.
pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    let digest = digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    digest.as_ref().to_vec()
}

/// How something is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// RSA, PKCS #1 v1.5.
    Rsa(Digest),
    /// The same with SHA-1: only old roots still sign themselves so.
    RsaSha1,
    Ecdsa(Digest),
    Ed25519,
}

impl Scheme {
    /// By its identifier.
    pub fn named(algorithm: &Algorithm<'_>) -> Option<Scheme> {
        let scheme = match algorithm.id {
            RSA_SHA_1 => Scheme::RsaSha1,
            RSA_SHA_256 => Scheme::Rsa(Digest::Sha256),
            RSA_SHA_384 => Scheme::Rsa(Digest::Sha384),
            RSA_SHA_512 => Scheme::Rsa(Digest::Sha512),
            ECDSA_SHA_256 => Scheme::Ecdsa(Digest::Sha256),
            ECDSA_SHA_384 => Scheme::Ecdsa(Digest::Sha384),
            ED25519 => Scheme::Ed25519,
            _ => return None,
        };
        algorithm.parameters.is_none().then_some(scheme)
    }

    /// In a token, which names the digest apart: both must agree. With Ed25519 it is SHA-512 (RFC 8419).
    pub fn in_token(algorithm: &Algorithm<'_>, digest: Digest) -> Option<Scheme> {
        if algorithm.id == RSA && algorithm.parameters.is_none() {
            return Some(Scheme::Rsa(digest));
        }
        let scheme = Scheme::named(algorithm)?;
        let agrees = match scheme {
            Scheme::Rsa(named) | Scheme::Ecdsa(named) => named == digest,
            Scheme::Ed25519 => digest == Digest::Sha512,
            Scheme::RsaSha1 => false,
        };
        agrees.then_some(scheme)
    }
}

/// The key of a certificate.
#[derive(Clone, Copy, Debug)]
enum Key {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// A `SubjectPublicKeyInfo`.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicKey<'a> {
    /// `None`: of another kind.
    key: Option<Key>,
    bytes: &'a [u8],
}

impl<'a> PublicKey<'a> {
    pub fn read(info: &mut Reader<'a>) -> Result<PublicKey<'a>, BadDer> {
        let mut info = info.nested(tag::SEQUENCE)?;
        let algorithm = info.algorithm()?;
        let bytes = info.bit_string()?;
        info.finish()?;
        let key = match (algorithm.id, algorithm.parameters) {
            (RSA, None) => Some(Key::Rsa),
            (EC, Some(P_256)) => Some(Key::P256),
            (EC, Some(P_384)) => Some(Key::P384),
            (ED25519, None) => Some(Key::Ed25519),
            _ => None,
        };
        Ok(PublicKey { key, bytes })
    }

    /// Whether the signature over `signed` holds. RSA keys have from 2048 to 8192 bits.
    pub fn verify(&self, scheme: Scheme, signed: &[u8], signature: &[u8]) -> bool {
        use Digest::{Sha256, Sha384, Sha512};
        let Some(key) = self.key else {
            return false;
        };
        let algorithm: &dyn VerificationAlgorithm = match (key, scheme) {
            (Key::Rsa, Scheme::Rsa(Sha256)) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Key::Rsa, Scheme::Rsa(Sha384)) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Key::Rsa, Scheme::Rsa(Sha512)) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (Key::Rsa, Scheme::RsaSha1) => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            (Key::P256, Scheme::Ecdsa(Sha256)) => &signature::ECDSA_P256_SHA256_ASN1,
            (Key::P256, Scheme::Ecdsa(Sha384)) => &signature::ECDSA_P256_SHA384_ASN1,
            (Key::P384, Scheme::Ecdsa(Sha256)) => &signature::ECDSA_P384_SHA256_ASN1,
            (Key::P384, Scheme::Ecdsa(Sha384)) => &signature::ECDSA_P384_SHA384_ASN1,
            (Key::Ed25519, Scheme::Ed25519) => return ed25519(self.bytes, signed, signature),
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, self.bytes)
            .verify(signed, signature)
            .is_ok()
    }
}

fn ed25519(key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
    match (key.try_into(), signature.try_into()) {
        (Ok(key), Ok(signature)) => signing::verify_bytes(key, signed, signature),
        _ => false,
    }
}
