//! A token: `ContentInfo` with `SignedData` (RFC 5652) over `TSTInfo` (RFC 3161 §2.4.2).
//!
//! Consensus-critical: no

use super::algorithm::{self, Digest, Scheme};
use super::der::{self, Algorithm, BadDer, DerFault, Reader, Tlv, dotted, element, moment, tag};
use super::token_error::TokenError;
use super::x509::{Certificate, Extension};
use super::{MAX_CHAIN, MAX_TOKEN_BYTES, Stamped, chain};
use crate::hash::Hash;

/// id-signedData, id-ct-TSTInfo (1.2.840.113549.1.7.2, 1.9.16.1.4).
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
/// Attributes: contentType, messageDigest, signingCertificate, signingCertificateV2 (1.2.840.113549.1.9).
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
const SIGNING_CERTIFICATE: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x0c,
];
const SIGNING_CERTIFICATE_V2: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, 0x2f,
];

/// Certificates beside a token, at most.
const MAX_BESIDE: usize = 32;

pub(super) fn verify(
    token: &[u8],
    certificates: &[Vec<u8>],
    imprint: &Hash,
) -> Result<Stamped, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLarge(token.len()));
    }
    let message = Message::read(token)?;
    if message.certificates.len() > MAX_CHAIN || certificates.len() > MAX_BESIDE {
        return Err(TokenError::TooMany);
    }
    let embedded = certificates_of(message.certificates.iter().copied())?;
    let others = certificates_of(certificates.iter().map(Vec::as_slice))?;
    let is_signer = |c: &&Certificate<'_>| (c.issuer, c.serial) == message.signer;
    let mut all = embedded.iter().chain(&others);
    let signer = all.find(is_signer).ok_or(TokenError::NoSigner)?;
    message.check_attributes(signer)?;
    message.check_signature(signer)?;
    let info = Info::read(message.content, imprint)?;
    let chain = chain::find(signer, &embedded, &others, info.gen_time_ms)?;
    let is_used = |der: &[u8]| chain.iter().any(|used| used.der == der);
    if let Some(stranger) = embedded.iter().find(|c| !is_used(c.der)) {
        return Err(TokenError::Stranger(stranger.name()));
    }
    let is_embedded = |der: &[u8]| message.certificates.contains(&der);
    let mut beyond: Vec<Vec<u8>> = chain
        .iter()
        .filter(|c| !is_embedded(c.der))
        .map(|c| c.der.to_vec())
        .collect();
    beyond.sort_unstable();
    Ok(Stamped {
        gen_time_ms: info.gen_time_ms.unsigned_abs(),
        accuracy_ms: info.accuracy_ms,
        serial: hex::encode(info.serial),
        policy: dotted(info.policy),
        nonce: info.nonce.and_then(der::to_u64),
        authority: signer.name(),
        chain: chain.iter().map(|c| c.der.to_vec()).collect(),
        beyond,
    })
}

fn certificates_of<'a>(
    ders: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<Certificate<'a>>, TokenError> {
    let read = ders.map(|der| {
        Certificate::read(der).map_err(|reason| TokenError::Certificate {
            subject: "an unknown subject".to_owned(),
            reason,
        })
    });
    read.collect()
}

/// The parts of a token.
struct Message<'a> {
    /// The exact bytes of the `TSTInfo`.
    content: &'a [u8],
    certificates: Vec<&'a [u8]>,
    /// Issuer's name and serial number of the signer's certificate.
    signer: (&'a [u8], &'a [u8]),
    digest: Digest,
    /// The signed attributes' content.
    attributes: &'a [u8],
    algorithm: Algorithm<'a>,
    signature: &'a [u8],
}

impl<'a> Message<'a> {
    fn read(token: &'a [u8]) -> Result<Message<'a>, TokenError> {
        der::check(token, "the token")?;
        let mut info = Reader::whole(token, tag::SEQUENCE, "ContentInfo")?;
        is_content(info.object_id()?, SIGNED_DATA)?;
        let explicit = info.take(tag::CONTEXT_0)?;
        info.finish()?;
        let mut signed = Reader::whole(explicit.content, tag::SEQUENCE, "SignedData")?;
        if signed.unsigned()? != 3 {
            return Err(TokenError::Version("SignedData"));
        }
        let mut digests = signed.nested(tag::SET)?;
        let announced = digests.algorithm()?;
        digests.finish()?;
        let mut content = signed.nested(tag::SEQUENCE)?;
        is_content(content.object_id()?, TST_INFO)?;
        let mut explicit = content.nested(tag::CONTEXT_0)?;
        content.finish()?;
        let octets = explicit.take(tag::OCTET_STRING)?.content;
        explicit.finish()?;
        let mut certificates = Vec::new();
        if let Some(set) = signed.optional(tag::CONTEXT_0)? {
            let mut set = Reader::new(set.content, "the token's certificates");
            if set.is_empty() {
                return Err(set.bad(DerFault::Truncated).into());
            }
            while !set.is_empty() {
                let certificate = set.take(tag::SEQUENCE)?.whole;
                if certificates.contains(&certificate) {
                    return Err(TokenError::Twice("a certificate".to_owned()));
                }
                certificates.push(certificate);
            }
        }
        if signed.peek() == Some(tag::CONTEXT_1) {
            return Err(TokenError::Unsigned("revocation lists"));
        }
        let mut signers = signed.nested(tag::SET)?;
        signed.finish()?;
        if signers.is_empty() {
            return Err(TokenError::Signers);
        }
        let signer = signers.take(tag::SEQUENCE)?;
        if !signers.is_empty() {
            return Err(TokenError::Signers);
        }
        let mut signer = Reader::new(signer.content, "SignerInfo");
        if signer.unsigned()? != 1 {
            return Err(TokenError::Version("SignerInfo"));
        }
        let mut id = signer.nested(tag::SEQUENCE)?;
        let issuer = id.take(tag::SEQUENCE)?.whole;
        let serial = id.integer()?;
        id.finish()?;
        let algorithm = signer.algorithm()?;
        let digest = Digest::named(&algorithm).filter(|_| algorithm == announced);
        let digest = digest.ok_or_else(|| not_taken("digest", algorithm.id))?;
        let attributes = signer.take(tag::CONTEXT_0)?.content;
        let algorithm = signer.algorithm()?;
        let signature = signer.take(tag::OCTET_STRING)?.content;
        if signer.peek() == Some(tag::CONTEXT_1) {
            return Err(TokenError::Unsigned("unsigned attributes"));
        }
        signer.finish()?;
        Ok(Message {
            content: octets,
            certificates,
            signer: (issuer, serial),
            digest,
            attributes,
            algorithm,
            signature,
        })
    }

    /// Content type, digest of the content, and the signer's certificate are among what is signed.
    fn check_attributes(&self, signer: &Certificate<'_>) -> Result<(), TokenError> {
        let attributes = Attributes::read(self.attributes)?;
        let mut content_type = attributes.value(CONTENT_TYPE)?;
        if content_type.object_id()? != TST_INFO {
            return Err(TokenError::ContentType);
        }
        let mut digest = attributes.value(MESSAGE_DIGEST)?;
        if digest.take(tag::OCTET_STRING)?.content != self.digest.of(self.content) {
            return Err(TokenError::MessageDigest);
        }
        let mut is_bound = false;
        if attributes.has(SIGNING_CERTIFICATE) {
            let mut id = first_id(attributes.value(SIGNING_CERTIFICATE)?)?;
            let hash = id.take(tag::OCTET_STRING)?.content;
            is_bound = hash == algorithm::sha1(signer.der);
            if !is_bound {
                return Err(TokenError::SigningCertificate);
            }
        }
        if attributes.has(SIGNING_CERTIFICATE_V2) {
            let mut id = first_id(attributes.value(SIGNING_CERTIFICATE_V2)?)?;
            let digest = match id.peek() {
                Some(tag::SEQUENCE) => {
                    let algorithm = id.algorithm()?;
                    let digest = Digest::named(&algorithm);
                    digest.ok_or_else(|| not_taken("certificate's digest", algorithm.id))?
                }
                // The default is left out.
                _ => Digest::Sha256,
            };
            is_bound = id.take(tag::OCTET_STRING)?.content == digest.of(signer.der);
        }
        match is_bound {
            true => Ok(()),
            false => Err(TokenError::SigningCertificate),
        }
    }

    /// The signature is over the attributes with the tag of a SET (RFC 5652 §5.4).
    fn check_signature(&self, signer: &Certificate<'_>) -> Result<(), TokenError> {
        let scheme = Scheme::in_token(&self.algorithm, self.digest);
        let scheme = scheme.ok_or_else(|| not_taken("signature", self.algorithm.id))?;
        let signed = element(tag::SET, self.attributes);
        match signer.key.verify(scheme, &signed, self.signature) {
            true => Ok(()),
            false => Err(TokenError::Signature),
        }
    }
}

/// Of a `SigningCertificate` or its successor, the first id: the signer's.
fn first_id(mut attribute: Reader<'_>) -> Result<Reader<'_>, TokenError> {
    let mut fields = attribute.nested(tag::SEQUENCE)?;
    let mut ids = fields.nested(tag::SEQUENCE)?;
    Ok(ids.nested(tag::SEQUENCE)?)
}

/// Signed attributes: type, and the SET of its values.
struct Attributes<'a>(Vec<(&'a [u8], Tlv<'a>)>);

impl<'a> Attributes<'a> {
    fn read(content: &'a [u8]) -> Result<Attributes<'a>, TokenError> {
        let mut set = Reader::new(content, "the signed attributes");
        let mut attributes: Vec<(&[u8], Tlv<'_>)> = Vec::new();
        while !set.is_empty() {
            let mut attribute = set.nested(tag::SEQUENCE)?;
            let id = attribute.object_id()?;
            let values = attribute.take(tag::SET)?;
            attribute.finish()?;
            let mut one = Reader::new(values.content, "a signed attribute");
            if one.next().is_err() || !one.is_empty() {
                return Err(TokenError::Attribute(dotted(id)));
            }
            if attributes.iter().any(|(known, _)| *known == id) {
                return Err(TokenError::Attribute(dotted(id)));
            }
            attributes.push((id, values));
        }
        Ok(Attributes(attributes))
    }

    fn has(&self, id: &[u8]) -> bool {
        self.0.iter().any(|(known, _)| *known == id)
    }

    /// Reads the value of an attribute.
    fn value(&self, id: &[u8]) -> Result<Reader<'a>, TokenError> {
        let found = self.0.iter().find(|(known, _)| *known == id);
        let missing = || TokenError::Attribute(dotted(id));
        let (_, values) = found.ok_or_else(missing)?;
        Ok(Reader::new(values.content, "a signed attribute"))
    }
}

/// What of a `TSTInfo` is told on.
struct Info<'a> {
    policy: &'a [u8],
    serial: &'a [u8],
    gen_time_ms: i64,
    accuracy_ms: Option<u64>,
    nonce: Option<&'a [u8]>,
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8], imprint: &Hash) -> Result<Info<'a>, TokenError> {
        der::check(content, "TSTInfo")?;
        let mut fields = Reader::whole(content, tag::SEQUENCE, "TSTInfo")?;
        if fields.unsigned()? != 1 {
            return Err(TokenError::Version("TSTInfo"));
        }
        let policy = fields.object_id()?;
        let mut stamped = fields.nested(tag::SEQUENCE)?;
        let algorithm = stamped.algorithm()?;
        if Digest::named(&algorithm) != Some(Digest::Sha256) {
            return Err(not_taken("imprint", algorithm.id));
        }
        if stamped.take(tag::OCTET_STRING)?.content != imprint {
            return Err(TokenError::Imprint);
        }
        stamped.finish()?;
        let serial = fields.integer()?;
        let time = fields.take(tag::GENERALIZED_TIME)?.content;
        let gen_time_ms = moment(time).filter(|ms| *ms >= 0);
        let gen_time_ms = gen_time_ms.ok_or_else(|| fields.bad(DerFault::Value("genTime")))?;
        let accuracy_ms = match fields.optional(tag::SEQUENCE)? {
            Some(accuracy) => Some(accuracy_ms(accuracy.content)?),
            None => None,
        };
        // Whether tokens of this authority can be ordered by genTime says nothing here.
        fields.boolean()?;
        let nonce = match fields.peek() {
            Some(tag::INTEGER) => Some(fields.integer()?),
            _ => None,
        };
        // The authority's name, in a form of its choice; the certificate tells who it is.
        if let Some(name) = fields.optional(tag::CONTEXT_0)? {
            let mut name = Reader::new(name.content, "the authority's name");
            name.next()?;
            name.finish()?;
        }
        if let Some(extensions) = fields.optional(tag::CONTEXT_1)? {
            let mut extensions = Reader::new(extensions.content, "the token's extensions");
            Extension::each(
                &mut extensions,
                TokenError::Twice,
                |extension| match extension.is_critical {
                    true => Err(TokenError::Extension(dotted(extension.id))),
                    false => Ok(()),
                },
            )?;
        }
        fields.finish()?;
        Ok(Info {
            policy,
            serial,
            gen_time_ms,
            accuracy_ms,
            nonce,
        })
    }
}

/// `Accuracy`: seconds, milliseconds and microseconds, each optional; rounded up to milliseconds.
fn accuracy_ms(content: &[u8]) -> Result<u64, TokenError> {
    let mut fields = Reader::new(content, "the token's accuracy");
    let seconds = match fields.peek() {
        Some(tag::INTEGER) => fields.unsigned()?,
        _ => 0,
    };
    let below_second = |value: Option<u64>| match value {
        Some(value @ 1..=999) => Ok(value),
        Some(_) => Err(malformed(DerFault::Value("Accuracy"))),
        None => Ok(0),
    };
    let millis = below_second(fields.implicit_unsigned(tag::IMPLICIT_0)?)?;
    let micros = below_second(fields.implicit_unsigned(tag::IMPLICIT_1)?)?;
    fields.finish()?;
    let whole = seconds.saturating_mul(1000).saturating_add(millis);
    Ok(whole.saturating_add(micros.div_ceil(1000)))
}

fn is_content(found: &[u8], expected: &[u8]) -> Result<(), TokenError> {
    match found == expected {
        true => Ok(()),
        false => Err(TokenError::Content(dotted(found))),
    }
}

fn not_taken(what: &'static str, id: &[u8]) -> TokenError {
    let id = dotted(id);
    TokenError::Algorithm { what, id }
}

fn malformed(fault: DerFault) -> TokenError {
    let part = "TSTInfo";
    TokenError::Malformed(BadDer { part, fault })
}
