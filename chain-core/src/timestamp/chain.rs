//! From a signer's certificate to a self-signed root.
//!
//! Consensus-critical: no

use super::MAX_CHAIN;
use super::token_error::TokenError;
use super::x509::{Certificate, X509Error};

/// The chain of a signer at a time, milliseconds. `embedded` are the token's own certificates, `others`
/// those beside it.
///
/// There is one way up, so that all verifiers find the same chain: of the certificates whose subject is the
/// wanted issuer's name and which may sign, did sign and aren't in the chain yet, the token's own are taken
/// before others, and those by their bytes, the least first. What is missed by not trying every
/// way are authorities that send certificates of several roots; their operators name one.
pub(super) fn find<'a>(
    signer: &Certificate<'a>,
    embedded: &[Certificate<'a>],
    others: &[Certificate<'a>],
    at_ms: i64,
) -> Result<Vec<Certificate<'a>>, TokenError> {
    let failed = |certificate: &Certificate<'_>, reason| TokenError::Certificate {
        subject: certificate.name(),
        reason,
    };
    let mut candidates: [Vec<&Certificate<'a>>; 2] =
        [embedded.iter().collect(), others.iter().collect()];
    for candidates in &mut candidates {
        candidates.sort_by_key(|certificate| certificate.der);
    }
    signer.check_signer().map_err(|e| failed(signer, e))?;
    signer
        .check_validity(at_ms)
        .map_err(|e| failed(signer, e))?;
    let mut chain = vec![signer.clone()];
    let mut current = signer;
    while !current.is_self_issued() {
        let mut unfit = None;
        let mut issuer = None;
        for candidate in candidates.iter().flatten() {
            let is_known = chain.iter().any(|known| known.der == candidate.der);
            if candidate.subject != current.issuer || is_known {
                continue;
            }
            let found = may_sign(candidate, current, chain.len(), at_ms);
            match found {
                Ok(()) => {
                    issuer = Some(*candidate);
                    break;
                }
                Err(error) => unfit = Some(unfit.unwrap_or(failed(candidate, error))),
            }
        }
        let missing = || TokenError::NoIssuer(super::x509::name(current.issuer));
        let issuer = issuer.ok_or_else(|| unfit.unwrap_or_else(missing))?;
        if chain.len() == MAX_CHAIN {
            return Err(TokenError::ChainLength);
        }
        chain.push(issuer.clone());
        current = issuer;
    }
    current
        .check_signature(current)
        .map_err(|e| failed(current, e))?;
    Ok(chain)
}

fn may_sign(
    issuer: &Certificate<'_>,
    below: &Certificate<'_>,
    below_it: usize,
    at_ms: i64,
) -> Result<(), X509Error> {
    // All below it but the signer are authorities, and none is its own issuer (RFC 5280 §4.2.1.9).
    issuer.check_issuer(below_it.saturating_sub(1) as u64)?;
    issuer.check_validity(at_ms)?;
    below.check_signature(issuer)
}
