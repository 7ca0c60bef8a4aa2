//! What `MATCH_` parameters compare with: an identifier, or a pattern of identifiers.
//!
//! Consensus-critical: no

use crate::identifier::{Identifier, IdentifierError};

/// An identifier or a pattern (EPCIS 2.0 §8.2.7.1, TDS 2.0 §8: `urn:epc:idpat:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Exactly this one.
    Exact(Identifier),
    /// This class, and what its key is the beginning of.
    Within(String),
    /// Begins so.
    Prefix(String),
    /// A key whose digits begin so, after `skip` others, and which goes on with the qualifier.
    Digits {
        before: String,
        skip: usize,
        digits: String,
        qualifier: &'static str,
    },
}

/// The schemes of patterns that leave more than the last part open: the application identifier,
/// the digits before the company's prefix, and the qualifier of what is matched.
const SCHEMES: [(&str, &str, usize, &str); 11] = [
    ("sgtin", "01", 1, "/21/"),
    ("lgtin", "01", 1, "/10/"),
    ("sscc", "00", 1, ""),
    ("sgln", "414", 0, ""),
    ("pgln", "417", 0, ""),
    ("grai", "8003", 1, ""),
    ("giai", "8004", 0, ""),
    ("gdti", "253", 0, ""),
    ("gsrn", "8018", 0, ""),
    ("gsrnp", "8017", 0, ""),
    ("cpi", "8010", 0, "/8011/"),
];

impl Pattern {
    pub(super) fn read(text: &str) -> Result<Pattern, IdentifierError> {
        const URN: &str = "urn:epc:idpat:";
        let is_urn = text
            .get(..URN.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(URN));
        if let (true, Some(rest)) = (is_urn, text.get(URN.len()..)) {
            return Pattern::urn(rest);
        }
        match text.strip_suffix('*') {
            // A pattern that doesn't name at least a scheme would match everything.
            Some(start) if start.contains(':') && !start.contains('*') => {
                Ok(Pattern::Prefix(start.to_owned()))
            }
            _ => Identifier::parse(text).map(Pattern::Exact),
        }
    }

    /// After `urn:epc:idpat:`: a scheme, and parts of which the last ones may be `*`.
    fn urn(rest: &str) -> Result<Pattern, IdentifierError> {
        let unknown = IdentifierError::UnknownEpcScheme;
        let (scheme, body) = rest.split_once(':').ok_or(unknown.clone())?;
        let open = body.split('.').filter(|part| *part == "*").count();
        let fixed: Vec<&str> = body.split('.').take_while(|part| *part != "*").collect();
        if body.split('.').count() != open + fixed.len() {
            return Err(unknown);
        }
        if open == 0 {
            return Identifier::parse(&format!("urn:epc:id:{rest}")).map(Pattern::Exact);
        }
        let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
        let (_, ai, skip, qualifier) = known.copied().ok_or(unknown)?;
        if let (1, Ok(class)) = (open, Identifier::parse(&format!("urn:epc:idpat:{rest}")))
            && class.is_class()
        {
            let class = class.as_str().to_owned();
            // The serial of an asset or a document stands right behind its type's digits.
            return Ok(match qualifier.is_empty() {
                true => Pattern::Prefix(class),
                false => Pattern::Within(class),
            });
        }
        let before = format!("https://id.gs1.org/{ai}/");
        let company = fixed.first().copied().unwrap_or_default();
        if !company.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdentifierError::EpcParts("a company's prefix"));
        }
        // Two fixed parts of a location are its number but for the check digit.
        let digits = match fixed.as_slice() {
            [] | [_] => company.to_owned(),
            [_, reference] if skip == 0 => format!("{company}{reference}"),
            [_, reference] => match reference.split_at_checked(1) {
                Some((first, others)) if qualifier.is_empty() => {
                    return Ok(Pattern::Prefix(format!("{before}{first}{company}{others}")));
                }
                _ => return Err(IdentifierError::EpcParts("a pattern")),
            },
            _ => return Err(IdentifierError::EpcParts("a pattern")),
        };
        Ok(Pattern::Digits {
            before,
            skip,
            digits,
            qualifier,
        })
    }

    /// The one identifier that it is.
    pub(super) fn exact(&self) -> Option<&Identifier> {
        match self {
            Pattern::Exact(identifier) => Some(identifier),
            _ => None,
        }
    }

    pub(super) fn fits(&self, identifier: &Identifier) -> bool {
        let uri = identifier.as_str();
        match self {
            Pattern::Exact(wanted) => identifier == wanted,
            Pattern::Within(class) => {
                let rest = uri.strip_prefix(class.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Pattern::Prefix(start) => uri.starts_with(start.as_str()),
            Pattern::Digits {
                before,
                skip,
                digits,
                qualifier,
            } => uri.strip_prefix(before.as_str()).is_some_and(|value| {
                value
                    .get(*skip..)
                    .is_some_and(|v| v.starts_with(digits.as_str()))
                    && value.contains(qualifier)
            }),
        }
    }
}
