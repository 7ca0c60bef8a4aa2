//! What both sides speak: the versions of EPCIS and CBV, and the form of an answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::problem::{Exception, Problem};

/// The version of both standards.
const VERSION: &str = "2.0.0";
/// What an answer of events has beyond the standard, as `prefix=namespace`.
const EXTENSIONS: &str = "touchstone=urn:touchstone:epcis:";

/// JSON-LD.
pub const JSON_LD: &str = "application/ld+json";
/// JSON.
pub const JSON: &str = "application/json";

/// Refuses a client that speaks other versions, or wants identifiers rewritten.
pub fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let refuse = |name: &str, text: &str| {
        let detail = format!("{name} is {text:?}, and this node speaks {VERSION}");
        Err(Problem::new(Exception::NotAcceptable, detail))
    };
    for (name, at_least) in [
        ("gs1-epcis-min", true),
        ("gs1-cbv-min", true),
        ("gs1-epcis-max", false),
        ("gs1-cbv-max", false),
    ] {
        let Some(value) = headers.get(name) else {
            continue;
        };
        let text = value.to_str().unwrap_or_default();
        let fits = version(text).is_some_and(|v| {
            if at_least {
                v <= [2, 0, 0]
            } else {
                v >= [2, 0, 0]
            }
        });
        if !fits {
            return refuse(name, text);
        }
    }
    for name in ["gs1-epcis-version", "gs1-cbv-version"] {
        if let Some(value) = headers.get(name) {
            let text = value.to_str().unwrap_or_default();
            if version(text) != Some([2, 0, 0]) {
                return refuse(name, text);
            }
        }
    }
    match headers.get("gs1-epc-format") {
        Some(format) if format != "Never_Translates" && format != "No_Preference" => {
            Err(Problem::new(
                Exception::NotAcceptable,
                "events keep the identifiers that they were signed with; ask for \
                 GS1-EPC-Format: Never_Translates, or leave it out",
            ))
        }
        _ => Ok(()),
    }
}

/// Tells what is spoken here.
pub fn tell(headers: &mut HeaderMap) {
    const TOLD: [(&str, &str); 10] = [
        ("gs1-epcis-version", VERSION),
        ("gs1-epcis-min", VERSION),
        ("gs1-epcis-max", VERSION),
        ("gs1-cbv-version", VERSION),
        ("gs1-cbv-min", VERSION),
        ("gs1-cbv-max", VERSION),
        ("gs1-extensions", EXTENSIONS),
        ("gs1-epc-format", "Never_Translates"),
        ("gs1-vendor-version", env!("CARGO_PKG_VERSION")),
        // A browser shows it as what it says it is.
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in TOLD {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
}

/// `2`, `2.0` or `2.0.0` as three numbers.
fn version(text: &str) -> Option<[u32; 3]> {
    let mut numbers = [0; 3];
    let mut places = numbers.iter_mut();
    for part in text.split('.') {
        *places.next()? = part.parse().ok()?;
    }
    Some(numbers)
}

/// The first of these media types that the client takes, by its own order; the first one where it
/// doesn't say.
pub fn choose<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let first = offered.first().copied();
    let mut said = false;
    for value in headers.get_all(header::ACCEPT) {
        let Ok(text) = value.to_str() else {
            said = true;
            continue;
        };
        for range in text.split(',') {
            said = true;
            let mut parts = range.split(';').map(str::trim);
            let wanted = parts.next().unwrap_or_default().to_ascii_lowercase();
            let refused = parts.any(|p| matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
            if refused {
                continue;
            }
            let fits = |kind: &&&str| match wanted.split_once('/') {
                Some(("*", "*")) => true,
                Some((family, "*")) => kind.split('/').next() == Some(family),
                _ => **kind == wanted,
            };
            if let Some(kind) = offered.iter().find(fits) {
                return Some(kind);
            }
        }
    }
    if said { None } else { first }
}

/// Whether the client names this media type itself: an answer without end is for those alone who ask
/// for it.
pub fn names(headers: &HeaderMap, kind: &str) -> bool {
    let texts = headers.get_all(header::ACCEPT).iter();
    let mut ranges = texts
        .filter_map(|v| v.to_str().ok())
        .flat_map(|t| t.split(','));
    ranges.any(|range| {
        let named = range.split(';').next().unwrap_or_default();
        named.trim().eq_ignore_ascii_case(kind)
    })
}

/// The media type of a body, without its parameters; empty where none is named.
pub fn media_type(headers: &HeaderMap) -> &str {
    let form = headers.get(header::CONTENT_TYPE);
    let form = form.and_then(|f| f.to_str().ok()).unwrap_or_default();
    form.split(';').next().unwrap_or_default().trim()
}

/// The form of an answer of events.
pub fn events(headers: &HeaderMap) -> Result<&'static str, Problem> {
    choose(headers, &[JSON, JSON_LD]).ok_or_else(|| {
        Problem::new(
            Exception::NotAcceptable,
            "events are given as application/json or application/ld+json",
        )
    })
}
