//! Time stamps by authorities (RFC 3161, 5816): asking for one, and verifying a token without a network
//! or a clock. `docs/evidence.md`, "Time stamps", is the specification of what is accepted.
//!
//! A token is a CMS message (RFC 5652) by one signer. Verified are its imprint, its signature, the
//! signer's certificate and the chain from there to a self-signed root, at the token's own time.
//! Whether the root is to be trusted is the caller's to say.
//!
//! Consensus-critical: no

mod algorithm;
mod chain;
mod der;
mod token;
mod token_error;
mod x509;

use thiserror::Error;

use self::der::{Reader, tag};
use crate::hash::Hash;

pub use self::der::{BadDer, DerFault};
pub use self::token_error::TokenError;
pub use self::x509::{Certificate, X509Error};

/// A token, at most; bytes.
pub const MAX_TOKEN_BYTES: usize = 64 << 10;
/// A certificate, at most; bytes.
pub const MAX_CERTIFICATE_BYTES: usize = 16 << 10;
/// Certificates from the signer's to the root, at most.
pub const MAX_CHAIN: usize = 8;
/// A response: a token and its status, at most; bytes.
pub const MAX_RESPONSE_BYTES: usize = MAX_TOKEN_BYTES + (4 << 10);

/// What a token says, and who says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The authority's time, milliseconds since 1970; a finer fraction is rounded up.
    pub gen_time_ms: u64,
    /// How far its clock may be off, milliseconds rounded up; `None` where the token doesn't say.
    pub accuracy_ms: Option<u64>,
    /// The token's serial number, hex digits of its two's complement.
    pub serial: String,
    /// The policy under which the authority stamped, dotted.
    pub policy: String,
    /// The nonce of the request, where the token has one that fits.
    pub nonce: Option<u64>,
    /// The signer's subject, as text.
    pub authority: String,
    /// From the signer's certificate to the self-signed root, each in DER.
    pub chain: Vec<Vec<u8>>,
    /// Those of the chain that the token doesn't hold itself, ascending: what must go with it.
    pub beyond: Vec<Vec<u8>>,
}

impl Stamped {
    /// The root's SHA-256, by which it is trusted.
    pub fn root(&self) -> Hash {
        let root = self.chain.last().map_or(&[] as &[u8], Vec::as_slice);
        crate::hash::sha256(root)
    }

    /// What is stamped existed no later than this; milliseconds.
    pub fn no_later_than_ms(&self) -> u64 {
        self.gen_time_ms
            .saturating_add(self.accuracy_ms.unwrap_or(0))
    }
}

/// Why a response carries no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// Too large.
    #[error("the response has {0} bytes; none that is of use has more than 69632")]
    TooLarge(usize),
    /// Not one.
    #[error(transparent)]
    Malformed(#[from] BadDer),
    /// The authority refuses.
    #[error("the authority refuses with status {status}: {text}")]
    Refused {
        /// PKIStatus: 2 rejected, 3 waiting, 4 and 5 about revocation.
        status: u64,
        /// Its words.
        text: String,
    },
    /// Granted, but nothing is there.
    #[error("the authority granted the request and sent no token")]
    Missing,
}

/// The DER of a `TimeStampReq` for a SHA-256 imprint, asking for the signer's certificate.
pub fn request(imprint: &Hash, nonce: u64) -> Vec<u8> {
    let digest = [
        der::element(tag::OBJECT_ID, algorithm::SHA_256),
        der::element(tag::NULL, &[]),
    ];
    let imprint = [
        der::element(tag::SEQUENCE, &digest.concat()),
        der::element(tag::OCTET_STRING, imprint),
    ];
    let fields = [
        der::integer(1),
        der::element(tag::SEQUENCE, &imprint.concat()),
        der::integer(nonce),
        der::element(tag::BOOLEAN, &[0xff]),
    ];
    der::element(tag::SEQUENCE, &fields.concat())
}

/// The token in a `TimeStampResp`, unverified.
pub fn response(bytes: &[u8]) -> Result<Vec<u8>, ResponseError> {
    if bytes.len() > MAX_RESPONSE_BYTES {
        return Err(ResponseError::TooLarge(bytes.len()));
    }
    let mut response = Reader::whole(bytes, tag::SEQUENCE, "TimeStampResp")?;
    let mut info = response.nested(tag::SEQUENCE)?;
    let status = info.unsigned()?;
    let mut text = Vec::new();
    if let Some(words) = info.optional(tag::SEQUENCE)? {
        let mut words = Reader::new(words.content, "PKIFreeText");
        while !words.is_empty() {
            let word = words.take(tag::UTF8_STRING)?.content;
            text.push(x509::printable(&String::from_utf8_lossy(word)));
        }
    }
    if let Some(failure) = info.optional(tag::BIT_STRING)? {
        text.push(format!("failure info {}", hex::encode(failure.content)));
    }
    info.finish()?;
    // 0 granted, 1 granted with modifications.
    if status > 1 {
        let text = text.join("; ");
        return Err(ResponseError::Refused { status, text });
    }
    if response.is_empty() {
        return Err(ResponseError::Missing);
    }
    let token = response.take(tag::SEQUENCE)?.whole.to_vec();
    response.finish()?;
    Ok(token)
}

/// Verifies a token for this imprint. `certificates` are further ones, of which its chain may take what the
/// token doesn't hold; those in the token must all be of its chain.
pub fn verify(
    token: &[u8],
    certificates: &[Vec<u8>],
    imprint: &Hash,
) -> Result<Stamped, TokenError> {
    token::verify(token, certificates, imprint)
}

#[cfg(test)]
mod tests;
