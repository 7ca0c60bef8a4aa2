//! What stands on the label of a thing: a GS1 Digital Link on a domain that answers, and the same in text. As PDF
//! ([`crate::pdf::labels`]), and alone as SVG or PNG.

pub mod activation;
mod image;

use thiserror::Error;
use touchstone_epcis::Identifier;

pub use image::{png, svg};

use crate::pdf::labels::Label;

/// Where canonical identifiers are.
const CANONICAL: &str = "https://id.gs1.org";

/// Why there is no label.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadLabel {
    /// Not an identifier of GS1's.
    #[error("{0} is no GS1 key: a Digital Link has none")]
    NoKey(String),
    /// Not the beginning of a web address.
    #[error("{0:?} is not an address such as https://trace.example.org")]
    Base(String),
    /// A lot that the identifier can't have.
    #[error(
        "the lot {0:?} doesn't fit the identifier: lots belong to GTINs, and have 1 to 20 characters"
    )]
    Lot(String),
    /// Not a date.
    #[error("the expiry date {0:?} is not six digits YYMMDD")]
    Expiry(String),
}

/// What is printed beside the identifier.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    /// The lot (application identifier 10).
    pub lot: Option<String>,
    /// The expiry date as YYMMDD (application identifier 17).
    pub expiry: Option<String>,
}

/// The link that shows a design on the page of the node at `base`.
pub fn of_design(base: &str, id: &str) -> Result<String, BadLabel> {
    Ok(format!("{}/app/?design={id}", checked_base(base)?))
}

/// What a link begins with, without a slash at its end.
fn checked_base(base: &str) -> Result<&str, BadLabel> {
    let base = base.trim_end_matches('/');
    let host = base
        .strip_prefix("https://")
        .or(base.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['?', '#', ' ']) => Ok(base),
        _ => Err(BadLabel::Base(base.to_owned())),
    }
}

/// The label of a thing, whose link begins with `base`.
pub fn label(id: &Identifier, base: &str, printed: &Printed) -> Result<Label, BadLabel> {
    let path = id.as_str().strip_prefix(CANONICAL);
    let path = path.filter(|_| id.kind().is_some());
    let path = path.ok_or_else(|| BadLabel::NoKey(id.as_str().to_owned()))?;
    let base = checked_base(base)?;
    let mut path = path.to_owned();
    if let Some(lot) = &printed.lot {
        path = with_lot(&path, lot).ok_or_else(|| BadLabel::Lot(lot.clone()))?;
    }
    let mut lines: Vec<String> = id
        .parts()
        .into_iter()
        .map(|(ai, value)| format!("({ai}) {value}"))
        .collect();
    lines.extend(printed.lot.iter().map(|lot| format!("(10) {lot}")));
    let mut link = format!("{base}{path}");
    if let Some(expiry) = &printed.expiry {
        if !is_date(expiry) {
            return Err(BadLabel::Expiry(expiry.clone()));
        }
        link.push_str(&format!("?17={expiry}"));
        lines.push(format!("(17) {expiry}"));
    }
    Ok(Label {
        link,
        lines,
        activation: None,
    })
}

/// The path with a lot where a Digital Link has it: before the serial number. None where it makes no such link, or
/// another thing of it.
fn with_lot(path: &str, lot: &str) -> Option<String> {
    let encoded: String = form_urlencoded::byte_serialize(lot.as_bytes()).collect();
    let encoded = encoded.replace('+', "%20");
    let (before, after) = path.split_once("/21/")?;
    let with_lot = format!("{before}/10/{encoded}/21/{after}");
    let parse = |path: &str| Identifier::parse(&format!("{CANONICAL}{path}"));
    let is_same = parse(&with_lot).ok()? == parse(path).ok()?;
    is_same.then_some(with_lot)
}

/// YYMMDD; day 00 is the month's last (GS1 General Specifications §3.4.7).
fn is_date(text: &str) -> bool {
    let number =
        |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u8>().ok());
    text.len() == 6
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && number(2..4).is_some_and(|month| (1..=12).contains(&month))
        && number(4..6).is_some_and(|day| day <= 31)
}

#[cfg(test)]
mod tests;
