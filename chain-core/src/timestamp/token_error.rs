//! Why a token proves nothing.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::der::BadDer;
use super::x509::X509Error;

/// Why a token proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Too large.
    #[error("the token has {0} bytes; none that is taken has more than 65536")]
    TooLarge(usize),
    /// Not DER of the structures that make a token.
    #[error(transparent)]
    Malformed(#[from] BadDer),
    /// Something else than a token.
    #[error("it is no time-stamp token: its content is of type {0}")]
    Content(String),
    /// A version that isn't the one of tokens.
    #[error("{0} is of another version than tokens have")]
    Version(&'static str),
    /// Parts that no signature covers.
    #[error("the token carries {0}, which nothing signs")]
    Unsigned(&'static str),
    /// Not exactly one signer.
    #[error("the token must have one signer")]
    Signers,
    /// An algorithm that isn't taken, or two that don't agree.
    #[error("{what}: the algorithm {id} isn't taken here")]
    Algorithm {
        /// What it is for.
        what: &'static str,
        /// Its object identifier.
        id: String,
    },
    /// A signed attribute that is missing, there twice, or without exactly one value.
    #[error("the signed attribute {0} must be there once, with one value")]
    Attribute(String),
    /// The attribute names another content.
    #[error("the signed attributes name another type of content")]
    ContentType,
    /// The attribute names another digest.
    #[error("the signed attributes name another digest than the content has")]
    MessageDigest,
    /// No attribute binds the signer's certificate, or one binds another.
    #[error("the signed attributes don't name the signer's certificate")]
    SigningCertificate,
    /// The signer's certificate isn't there.
    #[error("the signer's certificate is neither in the token nor beside it")]
    NoSigner,
    /// The signature fails.
    #[error("the token's signature doesn't hold")]
    Signature,
    /// It stamps something else.
    #[error("the token stamps something else than this checkpoint")]
    Imprint,
    /// A critical extension that isn't understood.
    #[error("the token's critical extension {0} isn't understood")]
    Extension(String),
    /// More certificates than a chain has.
    #[error("more than 8 certificates in the token, or 32 beside it")]
    TooMany,
    /// A certificate that doesn't serve.
    #[error("the certificate of {subject}: {reason}")]
    Certificate {
        /// Whose.
        subject: String,
        /// Why not.
        reason: X509Error,
    },
    /// The chain ends below a root.
    #[error("no certificate of {0} is at hand: give those of the authority up to its root")]
    NoIssuer(String),
    /// A chain without end.
    #[error("the chain has more than 8 certificates")]
    ChainLength,
    /// A certificate or an extension that stands twice.
    #[error("the token holds {0} twice")]
    Twice(String),
    /// A certificate in the token that isn't of the chain.
    #[error("the token carries a certificate that isn't of its signer's chain: {0}")]
    Stranger(String),
}
