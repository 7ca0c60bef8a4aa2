//! Evidence files over HTTP: the same bytes that the gRPC service streams and `touchstone evidence` writes.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use touchstone_edge::http::{Exception, Problem};
use touchstone_proto::ledger::LicensedAct;
use touchstone_proto::node::get_evidence_request::Subject;
use touchstone_proto::node::{AuthorisationQuestion, GetEvidenceRequest};

use super::{Asked, negotiate};
use crate::service::{ProvenState, evidence};

/// An evidence file (docs/evidence.md).
pub const EVIDENCE: &str = "application/x-touchstone-evidence";

/// `GET /evidence?item=`: about an item, in any form of its identifier.
pub async fn of_item(http: Asked, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let query = uri.query().unwrap_or_default();
    let mut item = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "item" || item.is_some() {
            let detail = format!("{name:?} is no parameter here, or stands twice; give item alone");
            return Err(Problem::new(Exception::QueryParameter, detail));
        }
        item = Some(value.into_owned());
    }
    let item = item.ok_or_else(|| {
        let detail = "item is missing: the identifier of what the evidence is to be about";
        Problem::new(Exception::QueryParameter, detail)
    })?;
    file(http, &headers, Subject::Item(item), Additions::default()).await
}

/// `GET /designs/{id}/evidence`: about a design; with disputes under its right, and with who may do what with it.
pub async fn of_design(
    http: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let design = id_of("a design's id", &id);
    let design = design.map_err(|detail| Problem::new(Exception::Validation, detail))?;
    let additions = Additions::read(uri.query().unwrap_or_default())?;
    file(http, &headers, Subject::Design(design), additions).await
}

fn id_of(what: &str, text: &str) -> Result<Vec<u8>, String> {
    let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    bytes.ok_or_else(|| format!("{what} has 64 hexadecimal digits"))
}

/// What a file about a design shows beside its deposit: the parameters of `touchstone evidence`.
#[derive(Default)]
struct Additions {
    disputes: Vec<Vec<u8>>,
    sellers: Vec<String>,
    territory: Option<String>,
    act: Option<LicensedAct>,
    on_ms: Option<u64>,
}

impl Additions {
    fn read(query: &str) -> Result<Additions, Problem> {
        let mut read = Additions::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let is_new = match &*name {
                "dispute" => {
                    let id = id_of("a dispute's id", &value).map_err(wrong)?;
                    read.disputes.push(id);
                    true
                }
                "seller" => {
                    read.sellers.push(value.into_owned());
                    true
                }
                "in" => read.territory.replace(country(&value)?).is_none(),
                "act" => read.act.replace(act(&value)?).is_none(),
                "on" => read.on_ms.replace(day_or_moment(&value)?).is_none(),
                _ => {
                    return Err(wrong(format!(
                        "{name:?} is no parameter here; there are dispute, seller, in, act and on"
                    )));
                }
            };
            if !is_new {
                return Err(wrong(format!("{name} is given twice")));
            }
        }
        let asks = read.territory.is_some() || read.act.is_some() || read.on_ms.is_some();
        match (read.sellers.is_empty(), read.territory.is_some()) {
            (true, _) if asks => Err(wrong("in, act and on are about a seller: name one")),
            (false, false) => Err(wrong(
                "in is missing: the country in which the seller would act",
            )),
            _ => Ok(read),
        }
    }

    /// What is asked for; a question that names no time is about that of the newest block.
    fn request(&self, subject: Subject, newest_ms: u64) -> GetEvidenceRequest {
        let question = |seller: &String| AuthorisationQuestion {
            seller: seller.clone(),
            act: self.act.unwrap_or(LicensedAct::Sell).into(),
            territory: self.territory.clone().unwrap_or_default(),
            time_ms: self.on_ms.unwrap_or(newest_ms),
        };
        GetEvidenceRequest {
            subject: Some(subject),
            disputes: self.disputes.clone(),
            questions: self.sellers.iter().map(question).collect(),
        }
    }
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::QueryParameter, detail)
}

fn country(text: &str) -> Result<String, Problem> {
    match text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        true => Ok(text.to_owned()),
        false => Err(wrong(
            "in is two capital letters, such as CN (ISO 3166-1 alpha-2)",
        )),
    }
}

fn act(word: &str) -> Result<LicensedAct, Problem> {
    match word {
        "make" => Ok(LicensedAct::Make),
        "offer" => Ok(LicensedAct::Offer),
        "sell" => Ok(LicensedAct::Sell),
        "import" => Ok(LicensedAct::Import),
        _ => Err(wrong("act is make, offer, sell or import")),
    }
}

/// The milliseconds at which a day begins in UTC, or of a moment.
fn day_or_moment(text: &str) -> Result<u64, Problem> {
    let day = Date::parse(text, &format_description!("[year]-[month]-[day]"));
    let moment = match day {
        Ok(day) => Some(day.midnight().assume_utc()),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    let ms = moment.map(|moment| moment.unix_timestamp_nanos() / 1_000_000);
    ms.and_then(|ms| u64::try_from(ms).ok()).ok_or_else(|| {
        wrong("on is a day (2027-03-01) or a moment (RFC 3339: 2027-03-01T08:30:00Z) since 1970")
    })
}

async fn file(
    http: Asked,
    headers: &HeaderMap,
    subject: Subject,
    additions: Additions,
) -> Result<Response, Problem> {
    if negotiate::choose(headers, &[EVIDENCE]).is_none() {
        let detail = format!("evidence is given as {EVIDENCE}");
        return Err(Problem::new(Exception::NotAcceptable, detail));
    }
    let service = http.service.clone();
    let question = move |view: &ProvenState<'_>| {
        let request = additions.request(subject, view.snapshot.tip().time_ms);
        evidence::file(view, &service.parts.genesis, &request)
    };
    let bytes = http.service.read_long(http.client, question).await?;
    let mut response = bytes.into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVIDENCE));
    let no_store = HeaderValue::from_static("no-store");
    told.insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}
