//! EPC URNs (GS1 EPC Tag Data Standard 2.0 §6.3 for things, §8 for classes).
//!
//! Consensus-critical: yes

use super::check;
use super::keys::{self, Gs1Key};
use super::{IdentifierError, percent_decode};

mod write;

pub(super) use write::write;

/// The key in an EPC URN; none if the text is none, or one of the EPC schemes that have no GS1
/// key and so no Digital Link.
pub(super) fn read(text: &str) -> Result<Option<Gs1Key>, IdentifierError> {
    // RFC 8141 §2: `urn` and the namespace are the same in any case.
    let Some((prefix, rest)) = text.split_at_checked("urn:epc:".len()) else {
        return Ok(None);
    };
    if !prefix.eq_ignore_ascii_case("urn:epc:") {
        return Ok(None);
    }
    let mut parts = rest.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        // General identifiers, and those of aerospace, containers, ships and the US defence.
        (Some("id"), Some("gid" | "adi" | "bic" | "imovn" | "usdod"), Some(_)) => Ok(None),
        (Some("id"), Some(scheme), Some(body)) => thing(scheme, body).map(Some),
        (Some("class"), Some("lgtin"), Some(body)) => {
            let [company, item, batch] = fields("an LGTIN", body)?;
            key("01", gtin("an LGTIN", &company, &item)?, [("10", batch)]).map(Some)
        }
        (Some("idpat"), Some(scheme), Some(body)) => class(scheme, body).map(Some),
        _ => Err(IdentifierError::UnknownEpcScheme),
    }
}

/// TDS 2.0 §6.3: one thing, place or party.
fn thing(scheme: &str, body: &str) -> Result<Gs1Key, IdentifierError> {
    match scheme {
        "sgtin" => {
            let [company, item, serial] = fields("an SGTIN", body)?;
            key("01", gtin("an SGTIN", &company, &item)?, [("21", serial)])
        }
        "upui" => {
            let [company, item, serial] = fields("a UPUI", body)?;
            key("01", gtin("a UPUI", &company, &item)?, [("235", serial)])
        }
        "itip" => {
            let [company, item, piece, total, serial] = fields("an ITIP", body)?;
            key(
                "8006",
                gtin("an ITIP", &company, &item)? + &piece + &total,
                [("21", serial)],
            )
        }
        "sscc" => {
            let [company, reference] = fields("an SSCC", body)?;
            key(
                "00",
                indicator_first("an SSCC", &company, &reference, 17)?,
                [],
            )
        }
        "sgln" => {
            let [company, location, extension] = fields("an SGLN", body)?;
            key(
                "414",
                checked("an SGLN", &company, &location, 12)?,
                [("254", extension)],
            )
        }
        "pgln" => {
            let [company, party] = fields("a PGLN", body)?;
            key("417", checked("a PGLN", &company, &party, 12)?, [])
        }
        "grai" => {
            let [company, asset, serial] = fields("a GRAI", body)?;
            let asset = checked("a GRAI", &company, &asset, 12)?;
            key(
                "8003",
                serialised("a GRAI", format!("0{asset}"), &serial)?,
                [],
            )
        }
        "gdti" => {
            let [company, document, serial] = fields("a GDTI", body)?;
            let document = checked("a GDTI", &company, &document, 12)?;
            key("253", serialised("a GDTI", document, &serial)?, [])
        }
        "sgcn" => {
            let [company, coupon, serial] = fields("an SGCN", body)?;
            let coupon = checked("an SGCN", &company, &coupon, 12)?;
            key("255", serialised("an SGCN", coupon, &serial)?, [])
        }
        "giai" => key("8004", prefixed("a GIAI", body)?, []),
        "ginc" => key("401", prefixed("a GINC", body)?, []),
        "gsin" => {
            let [company, shipper] = fields("a GSIN", body)?;
            key("402", checked("a GSIN", &company, &shipper, 16)?, [])
        }
        "gsrn" => {
            let [company, service] = fields("a GSRN", body)?;
            key("8018", checked("a GSRN", &company, &service, 17)?, [])
        }
        "gsrnp" => {
            let [company, service] = fields("a GSRNP", body)?;
            key("8017", checked("a GSRNP", &company, &service, 17)?, [])
        }
        "cpi" => {
            let [company, part, serial] = fields("a CPI", body)?;
            key("8010", component(&company, &part)?, [("8011", serial)])
        }
        _ => Err(IdentifierError::UnknownEpcScheme),
    }
}

/// TDS 2.0 §8: patterns that end in `.*`, which EPCIS uses as the name of a class (CBV 2.0 §8.3).
fn class(scheme: &str, body: &str) -> Result<Gs1Key, IdentifierError> {
    let body = body
        .strip_suffix(".*")
        .ok_or(IdentifierError::UnknownEpcScheme)?;
    match scheme {
        "sgtin" | "upui" => {
            let [company, item] = fields("a GTIN pattern", body)?;
            key("01", gtin("a GTIN pattern", &company, &item)?, [])
        }
        "itip" => {
            let [company, item, piece, total] = fields("an ITIP pattern", body)?;
            key(
                "8006",
                gtin("an ITIP pattern", &company, &item)? + &piece + &total,
                [],
            )
        }
        "grai" => {
            let [company, asset] = fields("a GRAI pattern", body)?;
            key(
                "8003",
                format!("0{}", checked("a GRAI pattern", &company, &asset, 12)?),
                [],
            )
        }
        "gdti" => {
            let [company, document] = fields("a GDTI pattern", body)?;
            key(
                "253",
                checked("a GDTI pattern", &company, &document, 12)?,
                [],
            )
        }
        "sgcn" => {
            let [company, coupon] = fields("an SGCN pattern", body)?;
            key(
                "255",
                checked("an SGCN pattern", &company, &coupon, 12)?,
                [],
            )
        }
        "cpi" => {
            let [company, part] = fields("a CPI pattern", body)?;
            key("8010", component(&company, &part)?, [])
        }
        _ => Err(IdentifierError::UnknownEpcScheme),
    }
}

fn key<const N: usize>(
    ai: &str,
    value: String,
    qualifiers: [(&'static str, String); N],
) -> Result<Gs1Key, IdentifierError> {
    let primary = keys::primary(ai).ok_or(IdentifierError::UnknownEpcScheme)?;
    Gs1Key::new(primary, value, qualifiers.into())
}

/// The parts between the dots, decoded; the last may have dots of its own. Only the characters
/// that TDS 2.0 §6.3 allows bare in a URN may stand bare.
fn fields<const N: usize>(
    scheme: &'static str,
    body: &str,
) -> Result<[String; N], IdentifierError> {
    let bad = || IdentifierError::EpcParts(scheme);
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"!'()*+,-.:;=_%".contains(&b);
    if !body.bytes().all(bare) {
        return Err(bad());
    }
    let parts = body
        .splitn(N, '.')
        .map(|part| percent_decode(part).ok_or_else(bad));
    let parts: Vec<String> = parts.collect::<Result<_, _>>()?;
    parts.try_into().map_err(|_| bad())
}

/// Company prefix and reference, which have so many digits together, and their check digit.
fn checked(
    scheme: &'static str,
    company: &str,
    reference: &str,
    digits: usize,
) -> Result<String, IdentifierError> {
    let body = format!("{company}{reference}");
    let company_fits = (6..=12).contains(&company.len());
    if !company_fits || body.len() != digits || !body.bytes().all(|b| b.is_ascii_digit()) {
        return Err(IdentifierError::EpcParts(scheme));
    }
    let check = check::check_digit(&body);
    Ok(body + &String::from(check))
}

/// As [`checked`], with the first digit of the reference moved before the company prefix.
fn indicator_first(
    scheme: &'static str,
    company: &str,
    reference: &str,
    digits: usize,
) -> Result<String, IdentifierError> {
    checked(scheme, company, reference, digits)?;
    let (indicator, rest) = reference
        .split_at_checked(1)
        .ok_or(IdentifierError::EpcParts(scheme))?;
    let body = format!("{indicator}{company}{rest}");
    let check = check::check_digit(&body);
    Ok(body + &String::from(check))
}

fn gtin(scheme: &'static str, company: &str, item: &str) -> Result<String, IdentifierError> {
    indicator_first(scheme, company, item, 13)
}

fn serialised(
    scheme: &'static str,
    class: String,
    serial: &str,
) -> Result<String, IdentifierError> {
    if serial.is_empty() {
        return Err(IdentifierError::EpcParts(scheme));
    }
    Ok(class + serial)
}

/// A company prefix and a reference of any length: GIAI, GINC.
fn prefixed(scheme: &'static str, body: &str) -> Result<String, IdentifierError> {
    let [company, reference] = fields(scheme, body)?;
    joined(scheme, &company, &reference)
}

fn component(company: &str, part: &str) -> Result<String, IdentifierError> {
    joined("a CPI", company, part)
}

fn joined(scheme: &'static str, company: &str, reference: &str) -> Result<String, IdentifierError> {
    let company_fits =
        (6..=12).contains(&company.len()) && company.bytes().all(|b| b.is_ascii_digit());
    if !company_fits || reference.is_empty() {
        return Err(IdentifierError::EpcParts(scheme));
    }
    Ok(format!("{company}{reference}"))
}
