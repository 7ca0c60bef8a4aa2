//! The page for people: one file that checks an item's evidence in the browser (`verifiers/js/app`). A Digital Link
//! answers with it where HTML is asked for, and so does everything under `/app/`. It asks this node for evidence files,
//! and the nodes of other members that the operator lists, so that a node that lags is noticed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Asked, HttpStore, app_data, scans};

/// HTML.
pub const HTML: &str = "text/html";
/// What `npm run build` makes; its tests compare it with its sources.
const PAGE: &str = include_str!("../../../verifiers/js/touchstone-app.html");
/// The court's page: whoever saves it examines evidence files without this node, and without a network.
const COURT_PAGE: &str = include_str!("../../../verifiers/js/touchstone-verify.html");
/// What the page's own policy lets it ask, before the operator's list is known.
const ANY_SERVER: &str = "connect-src http: https:";

/// Another member's node, which the page asks too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MemberNode {
    /// Its name, as the page shows it.
    pub name: String,
    /// Its HTTP interface, such as `https://node.example.org`.
    pub url: String,
}

/// Whether `url` is scheme and host alone, in characters that end no part of a policy.
pub fn is_origin(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let scheme = uri.scheme_str();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
    matches!(scheme, Some("http" | "https"))
        && !authority.is_empty()
        && authority.chars().all(is_plain)
        && url == format!("{}://{authority}", scheme.unwrap_or_default())
}

/// What the page is told of this node's surroundings.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Other members' nodes, which it asks too.
    pub members: Vec<MemberNode>,
    /// Where it has openings of labels recorded.
    pub openings: Option<String>,
}

/// The page as it is sent: whole, and compressed.
struct Page {
    html: Bytes,
    gzip: Bytes,
    /// The policy that stands in it.
    policy: &'static str,
}

static EMBEDDED: LazyLock<Page> = LazyLock::new(|| Page::of(PAGE));
static COURT: LazyLock<Page> = LazyLock::new(|| Page::of(COURT_PAGE));

impl Page {
    fn of(html: &'static str) -> Page {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory doesn't fail; were the bytes cut short, browsers would refuse them.
        let gzip = match encoder.write_all(html.as_bytes()) {
            Ok(()) => encoder.finish().unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        Page {
            html: Bytes::from_static(html.as_bytes()),
            gzip: gzip.into(),
            policy: own_policy(html),
        }
    }

    /// The page under this policy, compressed for those who take it.
    fn answer(&self, policy: HeaderValue, headers: &HeaderMap) -> Response {
        let takes_gzip = takes_gzip(headers) && !self.gzip.is_empty();
        let body = match takes_gzip {
            true => self.gzip.clone(),
            false => self.html.clone(),
        };
        let mut response = body.into_response();
        let told = response.headers_mut();
        told.insert(header::CONTENT_SECURITY_POLICY, policy);
        if takes_gzip {
            told.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-cache"),
            ("vary", "accept, accept-encoding"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("integrity-policy", "blocked-destinations=(script)"),
        ] {
            told.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        response
    }
}

/// The policy in the page's head: it names the hashes of its script and style.
fn own_policy(page: &str) -> &str {
    let rest = page.split_once("http-equiv=\"Content-Security-Policy\" content=\"");
    rest.and_then(|(_, rest)| rest.split_once('"'))
        .map_or("default-src 'none'", |(policy, _)| policy)
}

/// What every answer with the page has.
pub(super) struct App {
    policy: Option<HeaderValue>,
    members: Arc<[u8]>,
}

impl App {
    /// For a node in these surroundings, which counts scans or doesn't.
    pub fn new(surroundings: &Surroundings, counts_scans: bool) -> App {
        let Surroundings { members, openings } = surroundings;
        let mut servers = "connect-src 'self'".to_owned();
        let urls = members.iter().map(|member| &member.url);
        for url in urls.chain(openings) {
            // Writing into a String doesn't fail.
            let _ = write!(servers, " {url}");
        }
        let own = EMBEDDED.policy.replace(ANY_SERVER, &servers);
        let policy = format!("{own}; frame-ancestors 'none'");
        App {
            policy: HeaderValue::from_str(&policy).ok(),
            members: json!({ "members": members, "scans": counts_scans, "openings": openings })
                .to_string()
                .into_bytes()
                .into(),
        }
    }

    /// The page. It is the same for every address: what it shows it asks for itself.
    pub fn page(&self, headers: &HeaderMap) -> Response {
        match self.policy.clone() {
            Some(policy) => EMBEDDED.answer(policy, headers),
            // Without its policy the page isn't sent.
            None => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Whether the client takes gzip (RFC 9110 §12.5.3), which all browsers do.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = said
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    codings.any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = quality.trim().trim_start_matches("q=").trim() == "0";
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// `/app/` and what is under it.
pub(super) fn routes() -> Router<Arc<HttpStore>> {
    Router::new()
        .route("/app", get(page))
        .route("/app/", get(page))
        .route("/app/touchstone-verify.html", get(court_page))
        .route("/app/members.json", get(members))
        .route("/app/designs.json", get(app_data::designs))
        .route(scans::ADDRESS, post(scans::post))
}

async fn page(http: Asked, headers: HeaderMap) -> Response {
    http.app.page(&headers)
}

/// The court's page. It asks no server, so that its own policy names none.
async fn court_page(headers: HeaderMap) -> Response {
    let policy = format!("{}; frame-ancestors 'none'", COURT.policy);
    match HeaderValue::from_str(&policy) {
        Ok(policy) => COURT.answer(policy, &headers),
        Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn members(http: Asked) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], http.app.members.to_vec()).into_response()
}

#[cfg(test)]
mod tests;
