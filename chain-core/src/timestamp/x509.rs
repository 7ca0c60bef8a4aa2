//! X.509 certificates (RFC 5280) of time-stamp authorities and those above them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::algorithm::{PublicKey, Scheme};
use super::der::{self, BadDer, DerFault, Reader, Tlv, dotted, moment, tag};

/// Extensions, 2.5.29.
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
/// anyExtendedKeyUsage; id-kp-timeStamping (1.3.6.1.5.5.7.3.8).
const ANY_USAGE: &[u8] = &[0x55, 0x1d, 0x25, 0x00];
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// Bits of keyUsage in their order, the first the highest.
const DIGITAL_SIGNATURE: u16 = 0x8000;
const NON_REPUDIATION: u16 = 0x4000;
const KEY_CERT_SIGN: u16 = 0x0400;

/// Why a certificate doesn't serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum X509Error {
    /// Not one.
    #[error(transparent)]
    Malformed(#[from] BadDer),
    /// Too large.
    #[error("it has {0} bytes; at most 16384 are taken")]
    TooLarge(usize),
    /// Not of version 3.
    #[error("it isn't of version 3")]
    Version,
    /// Signed by an algorithm that isn't taken, or that it names in two ways.
    #[error("its signature's algorithm {0} isn't taken")]
    Algorithm(String),
    /// An extension twice.
    #[error("it has the extension {0} twice")]
    Twice(String),
    /// A critical extension that isn't understood.
    #[error("its critical extension {0} isn't understood")]
    Critical(String),
    /// Not valid at the token's time.
    #[error("it isn't valid at the token's time")]
    Validity,
    /// The signer's key isn't for time stamps alone.
    #[error("its extended key usage must be critical, and time stamping alone")]
    Purpose,
    /// The key usage doesn't allow it.
    #[error("its key usage doesn't allow what it is used for")]
    KeyUsage,
    /// An issuer that is no authority.
    #[error(
        "it signs another certificate, and isn't one of an authority (basic constraints, extended key usage)"
    )]
    NotAnAuthority,
    /// More authorities below it than it allows.
    #[error("more authorities are below it than its path length allows")]
    PathLength,
    /// Its signature doesn't hold.
    #[error("its issuer's signature doesn't hold")]
    Signature,
}

/// A certificate, read and not yet judged.
#[derive(Clone, Debug)]
pub struct Certificate<'a> {
    /// All of its bytes.
    pub(super) der: &'a [u8],
    pub(super) serial: &'a [u8],
    /// The issuer's and the subject's name: exact bytes, by which they are compared.
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    signed: &'a [u8],
    scheme: Scheme,
    signature: &'a [u8],
    /// Milliseconds since 1970.
    not_before_ms: i64,
    not_after_ms: i64,
    pub(super) key: PublicKey<'a>,
    /// cA, and pathLenConstraint.
    constraints: Option<(bool, Option<u64>)>,
    key_usage: Option<u16>,
    /// Whether it is critical, and the purposes.
    extended: Option<(bool, Vec<&'a [u8]>)>,
}

impl<'a> Certificate<'a> {
    /// Reads one.
    pub fn read(der: &'a [u8]) -> Result<Certificate<'a>, X509Error> {
        if der.len() > super::MAX_CERTIFICATE_BYTES {
            return Err(X509Error::TooLarge(der.len()));
        }
        der::check(der, "a certificate")?;
        let mut outer = Reader::whole(der, tag::SEQUENCE, "a certificate")?;
        let signed = outer.take(tag::SEQUENCE)?;
        let algorithm = outer.algorithm()?;
        let signature = outer.bit_string()?;
        outer.finish()?;
        let mut fields = Reader::new(signed.content, "a certificate's content");
        if fields.peek() != Some(tag::CONTEXT_0) {
            return Err(X509Error::Version);
        }
        let mut version = fields.nested(tag::CONTEXT_0)?;
        // v3 is written 2.
        if version.unsigned()? != 2 {
            return Err(X509Error::Version);
        }
        version.finish()?;
        let serial = fields.integer()?;
        let inner = fields.algorithm()?;
        let scheme = Scheme::named(&algorithm).filter(|_| inner == algorithm);
        let scheme = scheme.ok_or_else(|| X509Error::Algorithm(dotted(algorithm.id)))?;
        let issuer = fields.take(tag::SEQUENCE)?.whole;
        let mut validity = fields.nested(tag::SEQUENCE)?;
        let not_before_ms = time(&mut validity)?;
        let not_after_ms = time(&mut validity)?;
        validity.finish()?;
        let subject = fields.take(tag::SEQUENCE)?.whole;
        attributes(issuer)?;
        attributes(subject)?;
        let key = PublicKey::read(&mut fields)?;
        let mut certificate = Certificate {
            der,
            serial,
            issuer,
            subject,
            signed: signed.whole,
            scheme,
            signature,
            not_before_ms,
            not_after_ms,
            key,
            constraints: None,
            key_usage: None,
            extended: None,
        };
        if !fields.is_empty() {
            let mut outer = fields.nested(tag::CONTEXT_3)?;
            let mut extensions = outer.nested(tag::SEQUENCE)?;
            outer.finish()?;
            let twice = X509Error::Twice;
            Extension::each(&mut extensions, twice, |e| certificate.extend(&e))?;
            fields.finish()?;
        }
        Ok(certificate)
    }

    fn extend(&mut self, extension: &Extension<'a>) -> Result<(), X509Error> {
        match extension.id {
            BASIC_CONSTRAINTS => {
                let mut value = extension.value(tag::SEQUENCE, "basicConstraints")?;
                let is_ca = value.boolean()?;
                let length = match value.is_empty() {
                    true => None,
                    false => Some(value.unsigned()?),
                };
                value.finish()?;
                self.constraints = Some((is_ca, length));
            }
            KEY_USAGE => {
                let value = extension.value(tag::BIT_STRING, "keyUsage")?;
                self.key_usage = usage(value.rest());
                if self.key_usage.is_none() {
                    return Err(value.bad(DerFault::Value("keyUsage")).into());
                }
            }
            EXTENDED_KEY_USAGE => {
                let mut value = extension.value(tag::SEQUENCE, "extKeyUsage")?;
                let mut purposes = Vec::new();
                while !value.is_empty() {
                    purposes.push(value.object_id()?);
                }
                self.extended = Some((extension.is_critical, purposes));
            }
            other if extension.is_critical => {
                return Err(X509Error::Critical(dotted(other)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether subject and issuer are the same.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// The subject, as text.
    pub fn name(&self) -> String {
        name(self.subject)
    }

    /// Whether it is valid at a time; milliseconds.
    pub(super) fn check_validity(&self, at_ms: i64) -> Result<(), X509Error> {
        match (self.not_before_ms..=self.not_after_ms).contains(&at_ms) {
            true => Ok(()),
            false => Err(X509Error::Validity),
        }
    }

    /// Whether its key may sign tokens (RFC 3161 §2.3).
    pub(super) fn check_signer(&self) -> Result<(), X509Error> {
        let is_for_stamps =
            matches!(&self.extended, Some((true, only)) if *only == [TIME_STAMPING]);
        if !is_for_stamps {
            return Err(X509Error::Purpose);
        }
        let allowed = DIGITAL_SIGNATURE | NON_REPUDIATION;
        match self.key_usage {
            Some(usage) if usage & allowed == 0 || usage & !allowed != 0 => {
                Err(X509Error::KeyUsage)
            }
            _ => Ok(()),
        }
    }

    /// Whether it may sign a certificate with so many authorities between that one and the signer.
    pub(super) fn check_issuer(&self, authorities_below: u64) -> Result<(), X509Error> {
        let Some((true, length)) = self.constraints else {
            return Err(X509Error::NotAnAuthority);
        };
        let allows = |purpose: &&[u8]| [TIME_STAMPING, ANY_USAGE].contains(purpose);
        if let Some((_, purposes)) = &self.extended
            && !purposes.iter().any(allows)
        {
            return Err(X509Error::NotAnAuthority);
        }
        if self
            .key_usage
            .is_some_and(|usage| usage & KEY_CERT_SIGN == 0)
        {
            return Err(X509Error::KeyUsage);
        }
        match length {
            Some(length) if authorities_below > length => Err(X509Error::PathLength),
            _ => Ok(()),
        }
    }

    /// Whether the issuer signed it. SHA-1 is taken for the signature of a root over itself alone, which
    /// proves nothing: a root is trusted by its fingerprint.
    pub(super) fn check_signature(&self, issuer: &Certificate<'_>) -> Result<(), X509Error> {
        let is_root = issuer.der == self.der;
        let is_taken = self.scheme != Scheme::RsaSha1 || is_root;
        let holds = || issuer.key.verify(self.scheme, self.signed, self.signature);
        match is_taken && holds() {
            true => Ok(()),
            false => Err(X509Error::Signature),
        }
    }
}

/// The bits of a keyUsage in their shortest form: those that aren't used are 0, the last that is is 1
/// (X.690 §11.2).
fn usage(bits: &[u8]) -> Option<u16> {
    let (unused, usage, last) = match bits {
        [unused @ 0..=7, high] => (unused, u16::from(*high) << 8, high),
        [unused @ 0..=7, high, low] => (unused, u16::from(*high) << 8 | u16::from(*low), low),
        _ => return None,
    };
    (last.trailing_zeros() == u32::from(*unused)).then_some(usage)
}

/// An extension, of a certificate or a token.
pub(super) struct Extension<'a> {
    pub id: &'a [u8],
    pub is_critical: bool,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// Reads one or more extensions to the end, and gives each to `take`; `twice` makes the error
    /// of one that stands twice from its dotted identifier.
    pub fn each<E: From<BadDer>>(
        extensions: &mut Reader<'a>,
        twice: impl Fn(String) -> E,
        mut take: impl FnMut(Extension<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        if extensions.is_empty() {
            return Err(extensions.bad(DerFault::Truncated).into());
        }
        let mut seen = Vec::new();
        while !extensions.is_empty() {
            let extension = Extension::read(extensions)?;
            if seen.contains(&extension.id) {
                return Err(twice(dotted(extension.id)));
            }
            seen.push(extension.id);
            take(extension)?;
        }
        Ok(())
    }

    fn read(extensions: &mut Reader<'a>) -> Result<Extension<'a>, BadDer> {
        let mut fields = extensions.nested(tag::SEQUENCE)?;
        let id = fields.object_id()?;
        let is_critical = fields.boolean()?;
        let value = fields.take(tag::OCTET_STRING)?.content;
        fields.finish()?;
        Ok(Extension {
            id,
            is_critical,
            value,
        })
    }

    fn value(&self, tag: u8, part: &'static str) -> Result<Reader<'a>, BadDer> {
        Reader::whole(self.value, tag, part)
    }
}

/// A `Time`: UTCTime to 2049, GeneralizedTime (RFC 5280 §4.1.2.5).
fn time(validity: &mut Reader<'_>) -> Result<i64, BadDer> {
    let Tlv { tag, content, .. } = validity.next()?;
    let text = match tag {
        tag::UTC_TIME => {
            let is_last_century = content.first().is_some_and(|digit| *digit >= b'5');
            let century: &[u8] = if is_last_century { b"19" } else { b"20" };
            [century, content].concat()
        }
        tag::GENERALIZED_TIME => content.to_vec(),
        _ => return Err(validity.bad(DerFault::Value("Time"))),
    };
    let has_fraction = text.contains(&b'.');
    let moment = moment(&text).filter(|_| !has_fraction);
    moment.ok_or_else(|| validity.bad(DerFault::Value("Time")))
}

/// Text without control characters.
pub(super) fn printable(text: &str) -> String {
    let is_shown = |c: char| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().map(is_shown).collect()
}

/// A distinguished name as text, in its order: `CN=…, O=…`. What can't be read as text is in hex.
pub(super) fn name(name: &[u8]) -> String {
    attributes(name).unwrap_or_else(|_| hex::encode(name))
}

fn attributes(name: &[u8]) -> Result<String, BadDer> {
    let mut sets = Reader::whole(name, tag::SEQUENCE, "a name")?;
    let mut parts = Vec::new();
    while !sets.is_empty() {
        let mut set = sets.nested(tag::SET)?;
        if set.is_empty() {
            return Err(set.bad(DerFault::Truncated));
        }
        while !set.is_empty() {
            let mut attribute = set.nested(tag::SEQUENCE)?;
            let id = dotted(attribute.object_id()?);
            let value = attribute.next()?;
            attribute.finish()?;
            let text = match value.tag {
                tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::T61_STRING => {
                    String::from_utf8_lossy(value.content).into_owned()
                }
                tag::BMP_STRING => {
                    let units = value.content.as_chunks::<2>().0.iter();
                    let units: Vec<u16> = units.map(|pair| u16::from_be_bytes(*pair)).collect();
                    String::from_utf16_lossy(&units)
                }
                _ => hex::encode(value.whole),
            };
            let kind = match id.as_str() {
                "2.5.4.3" => "CN",
                "2.5.4.6" => "C",
                "2.5.4.7" => "L",
                "2.5.4.8" => "ST",
                "2.5.4.10" => "O",
                "2.5.4.11" => "OU",
                other => other,
            };
            parts.push(format!("{kind}={}", printable(&text)));
        }
    }
    Ok(parts.join(", "))
}
