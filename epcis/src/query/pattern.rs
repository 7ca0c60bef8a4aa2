//! What `MATCH_` parameters compare with: an identifier, or a pattern of identifiers.
//!
//! Consensus-critical: no

use crate::identifier::{Identifier, IdentifierError, link_start};

/// An identifier or a pattern (EPCIS 2.0 §8.2.7.1, TDS 2.0 §8: `urn:epc:idpat:`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Exactly this one.
    Exact(Identifier),
    /// This class, and what its key is the beginning of.
    Within(String),
    /// Begins so, in one of these ways.
    Prefix(Vec<String>),
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

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoPattern {
    /// The part of it that must be an identifier isn't one.
    Identifier(IdentifierError),
    /// A `*` stands where nothing could ever fit.
    Wildcard,
}

impl From<IdentifierError> for NoPattern {
    fn from(reason: IdentifierError) -> NoPattern {
        NoPattern::Identifier(reason)
    }
}

impl Pattern {
    pub(super) fn read(text: &str) -> Result<Pattern, NoPattern> {
        let kind = |kind: &str| {
            let start = text.get(..kind.len())?;
            start
                .eq_ignore_ascii_case(kind)
                .then(|| text.get(kind.len()..))?
        };
        if let Some(rest) = kind("urn:epc:idpat:") {
            return Pattern::urn(rest);
        }
        let Some(start) = text.strip_suffix('*') else {
            return Ok(Identifier::read(text).map(Pattern::Exact)?);
        };
        if let Some(rest) = kind("urn:epc:id:").or_else(|| kind("urn:epc:class:")) {
            // A whole part left open is the pattern that TDS 2.0 §8 writes as `idpat`.
            return match rest.ends_with(".*") && !rest.starts_with("lgtin:") {
                true => Pattern::urn(rest),
                false => Pattern::beginning(start),
            };
        }
        // A pattern that doesn't name at least a scheme would match everything.
        if !start.contains(':') {
            return Err(NoPattern::Identifier(IdentifierError::NotUri));
        }
        let mut starts = Vec::from_iter(link_start(start));
        match official(start) {
            // An address elsewhere may be somebody's own URI that only looks like a Digital Link.
            None => starts.push(start.to_owned()),
            Some(key) if starts.is_empty() && !key.contains('/') => {
                starts.push(format!("https://id.gs1.org/{key}"));
            }
            Some(_) if starts.is_empty() => return Err(NoPattern::Wildcard),
            Some(_) => {}
        }
        Ok(Pattern::Prefix(starts))
    }

    /// An EPC URN of which the end is left open: `urn:epc:id:sgtin:9521234.000060.6`, say. A serial
    /// number stands at the end of the canonical form too; a key with a check digit at its end can't
    /// be left open there.
    fn beginning(start: &str) -> Result<Pattern, NoPattern> {
        const OPEN: [&str; 9] = [
            "sgtin", "lgtin", "grai", "giai", "sgln", "gdti", "cpi", "upui", "itip",
        ];
        let scheme = start.split(':').nth(3).unwrap_or_default();
        if !OPEN.contains(&scheme) {
            return Err(NoPattern::Wildcard);
        }
        let longer = Identifier::parse(&format!("{start}1"))?;
        let canonical = longer.as_str().strip_suffix('1');
        let canonical = canonical.ok_or(NoPattern::Wildcard)?;
        Ok(Pattern::Prefix(vec![canonical.to_owned()]))
    }

    /// After `urn:epc:idpat:`: a scheme, and parts of which the last ones may be `*`.
    fn urn(rest: &str) -> Result<Pattern, NoPattern> {
        let unknown = NoPattern::Identifier(IdentifierError::UnknownEpcScheme);
        let (scheme, body) = rest.split_once(':').ok_or(unknown.clone())?;
        let open = body.split('.').filter(|part| *part == "*").count();
        let fixed: Vec<&str> = body.split('.').take_while(|part| *part != "*").collect();
        if body.split('.').count() != open + fixed.len() {
            return Err(NoPattern::Wildcard);
        }
        if open == 0 {
            return Ok(Identifier::parse(&format!("urn:epc:id:{rest}")).map(Pattern::Exact)?);
        }
        if scheme == "lgtin" && open == 1 {
            let start = rest.strip_suffix('*').unwrap_or(rest);
            return Pattern::beginning(&format!("urn:epc:class:{start}"));
        }
        let known = SCHEMES.iter().find(|(name, ..)| *name == scheme);
        let (_, ai, skip, qualifier) = known.copied().ok_or(unknown)?;
        if let (1, Ok(class)) = (open, Identifier::parse(&format!("urn:epc:idpat:{rest}")))
            && class.is_class()
        {
            let class = class.as_str().to_owned();
            // The serial of an asset or a document stands right behind its type's digits.
            return Ok(match qualifier.is_empty() {
                true => Pattern::Prefix(vec![class]),
                false => Pattern::Within(class),
            });
        }
        let before = format!("https://id.gs1.org/{ai}/");
        let company = fixed.first().copied().unwrap_or_default();
        if !company.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdentifierError::EpcParts("a company's prefix").into());
        }
        // Two fixed parts of a location are its number but for the check digit.
        let digits = match fixed.as_slice() {
            [] | [_] => company.to_owned(),
            [_, reference] if skip == 0 => format!("{company}{reference}"),
            [_, reference] => match reference.split_at_checked(1) {
                Some((first, others)) if qualifier.is_empty() => {
                    let start = format!("{before}{first}{company}{others}");
                    return Ok(Pattern::Prefix(vec![start]));
                }
                _ => return Err(NoPattern::Wildcard),
            },
            _ => return Err(NoPattern::Wildcard),
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
            Pattern::Prefix(starts) => starts.iter().any(|start| uri.starts_with(start.as_str())),
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

/// The path of a web address at the domain of canonical Digital Links.
fn official(text: &str) -> Option<&str> {
    const STARTS: [&str; 2] = ["https://id.gs1.org/", "http://id.gs1.org/"];
    STARTS.iter().find_map(|start| {
        let (found, path) = text.split_at_checked(start.len())?;
        found.eq_ignore_ascii_case(start).then_some(path)
    })
}
