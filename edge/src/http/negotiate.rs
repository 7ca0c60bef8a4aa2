//! What both sides speak: the versions of EPCIS and CBV, and the form of an answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::problem::{Exception, Problem};

/// The version of both standards. Corrections of it (2.0.1) changed nothing of what is spoken here.
const VERSION: &str = "2.0.0";
/// What an answer of events has beyond the standard, as `prefix=namespace`.
const EXTENSIONS: &str = "touchstone=urn:touchstone:epcis:";

/// JSON-LD.
pub const JSON_LD: &str = "application/ld+json";
/// JSON.
pub const JSON: &str = "application/json";
/// XML.
pub const XML: &str = "application/xml";
/// The same, as it is asked for as well.
pub const TEXT_XML: &str = "text/xml";

/// A document that isn't data.
const PDF: &str = "application/pdf";

/// Whether a form is XML.
pub fn is_xml(form: &str) -> bool {
    matches!(form, XML | TEXT_XML)
}

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
                v.iter().take(2).le([2, 0].iter())
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
            if !version(text).is_some_and(|v| v.starts_with(&[2, 0])) {
                return refuse(name, text);
            }
        }
    }
    let format = headers.get("gs1-epc-format").map(HeaderValue::as_bytes);
    match format {
        None | Some(b"Never_Translates" | b"No_Preference" | b"Always_GS1_Digital_Link") => Ok(()),
        Some(_) => Err(Problem::new(
            Exception::NotAcceptable,
            "GS1-EPC-Format is Never_Translates, No_Preference or Always_GS1_Digital_Link here: an \
             EPC URN says how long a company's prefix is, which a GS1 key doesn't tell",
        )),
    }
}

/// How an answer writes the identifiers of things, places and parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpcFormat {
    /// As the event was signed.
    AsSigned,
    /// EPC URNs as GS1 Digital Links.
    DigitalLinks,
}

impl EpcFormat {
    /// The binding's word for it.
    pub fn name(self) -> &'static str {
        match self {
            EpcFormat::AsSigned => "Never_Translates",
            EpcFormat::DigitalLinks => "Always_GS1_Digital_Link",
        }
    }
}

/// The form that the client wants. The binding's own default is Digital Links; here, where nothing is
/// said, events stay as they were signed, and the header of the answer says so.
pub fn epc_format(headers: &HeaderMap) -> EpcFormat {
    match headers.get("gs1-epc-format").map(HeaderValue::as_bytes) {
        Some(b"Always_GS1_Digital_Link") => EpcFormat::DigitalLinks,
        _ => EpcFormat::AsSigned,
    }
}

/// What a browser may do with an answer that somebody opens: show it. Anybody's words are in it, and an event in XML
/// may have elements of XHTML, scripts too, which would act in this server's name.
const DATA_POLICY: &str = "default-src 'none'; sandbox";

/// Tells what is spoken here.
pub fn tell(headers: &mut HeaderMap) {
    const TOLD: [(&str, &str); 9] = [
        ("gs1-epcis-version", VERSION),
        ("gs1-epcis-min", VERSION),
        ("gs1-epcis-max", VERSION),
        ("gs1-cbv-version", VERSION),
        ("gs1-cbv-min", VERSION),
        ("gs1-cbv-max", VERSION),
        ("gs1-extensions", EXTENSIONS),
        ("gs1-vendor-version", env!("CARGO_PKG_VERSION")),
        // A browser shows it as what it says it is.
        ("x-content-type-options", "nosniff"),
    ];
    for (name, value) in TOLD {
        let told = headers.entry(HeaderName::from_static(name));
        told.or_insert(HeaderValue::from_static(value));
    }
    // Browsers show no PDF under it, and run nothing of one.
    if headers.get(header::CONTENT_TYPE) != Some(&HeaderValue::from_static(PDF)) {
        let policy = headers.entry(header::CONTENT_SECURITY_POLICY);
        policy.or_insert(HeaderValue::from_static(DATA_POLICY));
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

/// The one of these media types that the client likes best (RFC 9110 §12.5.1): by its quality values, among
/// equals by the client's order. The first one where the client doesn't say; none where it takes none.
pub fn choose<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let mut ranges = Vec::new();
    let mut said = false;
    for value in headers.get_all(header::ACCEPT) {
        said = true;
        let text = value.to_str().unwrap_or_default();
        ranges.extend(text.split(',').filter_map(Range::read));
    }
    if !said {
        return offered.first().copied();
    }
    let liked = offered.iter().enumerate().filter_map(|(place, kind)| {
        // The most exact range counts.
        let fits = ranges.iter().enumerate();
        let fits = fits.filter_map(|(order, range)| Some((range.fits(kind)?, order, range)));
        let (_, order, range) =
            fits.max_by_key(|(exact, order, _)| (*exact, usize::MAX - order))?;
        (range.quality > 0).then_some((range.quality, order, place, *kind))
    });
    let best = liked.max_by_key(|(quality, order, place, _)| {
        (*quality, usize::MAX - order, usize::MAX - place)
    });
    best.map(|(.., kind)| kind)
}

/// A media range of an `Accept` header.
struct Range {
    family: String,
    kind: String,
    /// In thousandths.
    quality: u32,
}

impl Range {
    fn read(text: &str) -> Option<Range> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let (family, kind) = name.split_once('/')?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        });
        Some(Range {
            family: family.to_owned(),
            kind: kind.to_owned(),
            quality: quality.map_or(1000, thousandths),
        })
    }

    /// How exactly it names a media type; none where it doesn't.
    fn fits(&self, media_type: &str) -> Option<u8> {
        let (family, kind) = media_type.split_once('/')?;
        match (self.family.as_str(), self.kind.as_str()) {
            ("*", "*") => Some(0),
            (own, "*") if own == family => Some(1),
            (own, named) if own == family && named == kind => Some(2),
            _ => None,
        }
    }
}

/// A quality value in thousandths; what isn't one is nothing liked.
fn thousandths(text: &str) -> u32 {
    let value: Option<f32> = text.parse().ok();
    let value = value.filter(|value| (0.0..=1.0).contains(value));
    // Between 0 and 1000 by the line above.
    value.map_or(0, |value| (value * 1000.0).round() as u32)
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

/// How an answer of events is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventForm {
    /// The media type.
    pub media_type: &'static str,
    /// Identifiers.
    pub epcs: EpcFormat,
    /// Whether XML has the standard's words as URNs, as CBV 1.2 did.
    pub cbv_urns: bool,
}

/// The form of an answer of events.
pub fn events(headers: &HeaderMap) -> Result<EventForm, Problem> {
    let media_type = choose(headers, &[JSON, JSON_LD, XML, TEXT_XML]).ok_or_else(|| {
        Problem::new(
            Exception::NotAcceptable,
            "events are given as application/json, application/ld+json or application/xml",
        )
    })?;
    let cbv = headers.get("gs1-cbv-xml-format").map(HeaderValue::as_bytes);
    let cbv_urns = match cbv {
        None | Some(b"No_Preference" | b"Always_Web_URI" | b"Never_Translates") => false,
        Some(b"Always_URN") => true,
        Some(_) => {
            return Err(Problem::new(
                Exception::NotAcceptable,
                "GS1-CBV-XML-Format is No_Preference, Always_Web_URI, Always_URN or Never_Translates",
            ));
        }
    };
    Ok(EventForm {
        media_type,
        epcs: epc_format(headers),
        cbv_urns,
    })
}

/// The form of an answer about a capture job.
pub fn capture_job(headers: &HeaderMap) -> Result<&'static str, Problem> {
    choose(headers, &[JSON, JSON_LD, XML, TEXT_XML]).ok_or_else(|| {
        Problem::new(
            Exception::NotAcceptable,
            "a capture job is given as application/json or application/xml",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// But for pages, which bring a policy of their own, and PDF.
    #[test]
    fn an_answer_runs_nothing() {
        for (form, own, told) in [
            (None, None, Some(DATA_POLICY)),
            (Some(XML), None, Some(DATA_POLICY)),
            (Some("text/html"), None, Some(DATA_POLICY)),
            (
                Some("text/html"),
                Some("default-src 'self'"),
                Some("default-src 'self'"),
            ),
            (Some(PDF), None, None),
        ] {
            let mut headers = HeaderMap::new();
            let form = form.map(|form| (header::CONTENT_TYPE, HeaderValue::from_static(form)));
            let own = own.map(|own| {
                (
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static(own),
                )
            });
            headers.extend(form.into_iter().chain(own));
            tell(&mut headers);
            let policy = headers.get(header::CONTENT_SECURITY_POLICY);
            assert_eq!(policy.map(|policy| policy.to_str().unwrap()), told);
        }
    }

    #[test]
    fn the_client_gets_what_it_likes_best() {
        let offered = [JSON, JSON_LD, "text/plain"];
        for (accept, chosen) in [
            (None, Some(JSON)),
            (Some("*/*"), Some(JSON)),
            (Some("application/ld+json"), Some(JSON_LD)),
            (Some("application/ld+json, application/json"), Some(JSON_LD)),
            (
                Some("application/json;q=0.5, application/ld+json;q=0.8"),
                Some(JSON_LD),
            ),
            (Some("text/*, application/json;q=0.9"), Some("text/plain")),
            (Some("application/json;q=0, */*;q=0.1"), Some(JSON_LD)),
            (
                Some("application/*;q=0.2, application/ld+json;q=0.1"),
                Some(JSON),
            ),
            (Some("APPLICATION/LD+JSON; q=0.001"), Some(JSON_LD)),
            (Some("application/json;q=2"), None),
            (Some("image/png"), None),
            (Some(""), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(choose(&headers, &offered), chosen, "{accept:?}");
        }
    }
}
