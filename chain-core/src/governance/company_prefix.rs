//! GS1 company prefixes: the leading digits of a key that tell whose it is.
//!
//! Consensus-critical: yes

use crate::Fault;
use crate::state::{StateRead, keys};

/// Digits of a company prefix, at least and at most (GS1 General Specifications §1.4.2).
pub const PREFIX_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

const CANONICAL: &str = "https://id.gs1.org/";

/// The up to twelve digits in a canonical identifier that its company prefix begins; none for what
/// isn't a GS1 key, and for a GTIN-8, whose numbers GS1 gives out one by one (General
/// Specifications §2.1.2).
pub fn digits(identifier: &str) -> Option<&str> {
    let (ai, value) = key_of(identifier)?;
    // The indicator digit of a GTIN, the extension digit of an SSCC, and the zero that fills a GRAI
    // stand before the company prefix (GS1 General Specifications §3.2, §3.3.2, §3.9.3).
    let before = match ai {
        "00" | "01" | "8003" | "8006" => 1,
        _ => 0,
    };
    if matches!(ai, "01" | "8006") && value.starts_with("000000") {
        return None;
    }
    let from = value.get(before..)?;
    let count = from
        .bytes()
        .take(*PREFIX_DIGITS.end())
        .take_while(u8::is_ascii_digit)
        .count();
    from.get(..count)
}

/// The company prefixes that an identifier may have, from the shortest.
pub fn candidates(digits: &str) -> impl Iterator<Item = &str> {
    PREFIX_DIGITS.filter_map(|count| digits.get(..count))
}

/// The organisation that the company prefix of an identifier is registered with.
pub fn owner(state: &impl StateRead, identifier: &str) -> Result<Option<String>, Fault> {
    let digits = digits(identifier).unwrap_or_default();
    for candidate in candidates(digits) {
        let registered = state.get(&keys::company_prefix(candidate))?;
        if let Some(registered) = registered.filter(|id| !id.is_empty()) {
            return String::from_utf8(registered).map(Some).map_err(|_| {
                Fault::Damaged(format!("the owner of the company prefix {candidate}"))
            });
        }
    }
    Ok(None)
}

/// The application identifier and the value of a GS1 key.
pub(crate) fn key_of(identifier: &str) -> Option<(&str, &str)> {
    let (ai, rest) = identifier.strip_prefix(CANONICAL)?.split_once('/')?;
    Some((ai, rest.split('/').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_epcis::Identifier;

    /// Each kind of key, with the company prefix 9521321.
    #[test]
    fn every_key_begins_with_its_company_prefix() {
        let urns = [
            "id:sgtin:9521321.300001.s",
            "class:lgtin:9521321.300001.L",
            "idpat:sgtin:9521321.300001.*",
            "id:upui:9521321.300001.x",
            "id:itip:9521321.300001.01.02.s",
            "id:sscc:9521321.3000000001",
            "id:sgln:9521321.00001.x",
            "id:pgln:9521321.00001",
            "id:grai:9521321.00001.s",
            "id:gdti:9521321.00001.s",
            "id:sgcn:9521321.00001.7",
            "id:gsrn:9521321.0000000001",
            "id:gsrnp:9521321.0000000001",
            "id:gsin:9521321.000000001",
            "id:giai:9521321.7r",
            "id:ginc:9521321.7r",
            "id:cpi:9521321.7R.7",
        ];
        for urn in urns {
            let id = Identifier::parse(&format!("urn:epc:{urn}")).unwrap();
            let digits = digits(id.as_str()).unwrap();
            assert!(digits.starts_with("9521321"), "{id}");
            assert!(candidates(digits).any(|c| c == "9521321"), "{id}");
            assert!(candidates(digits).all(|c| PREFIX_DIGITS.contains(&c.len())));
        }
    }

    #[test]
    fn other_identifiers_have_none() {
        for id in [
            "https://example.com/9521321",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            // A GTIN-8.
            "https://id.gs1.org/01/00000095213217",
            "https://id.gs1.org/01/00000095213217/21/1",
        ] {
            assert_eq!(digits(id), None, "{id}");
        }
        assert_eq!(digits("https://id.gs1.org/8004/95213r"), Some("95213"));
        assert_eq!(candidates("95213").collect::<Vec<_>>(), ["9521", "95213"]);
    }
}
