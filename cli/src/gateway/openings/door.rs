//! The port at which pages have openings recorded: `POST /openings`, and nothing else. Everybody may ask, so that it
//! is a port of its own, off unless its operator names it, with few connections, small bodies and a rate for each
//! address; pages of other origins than those that are listed may not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::http::access::Access;
use touchstone_edge::http::{Exception, Problem, negotiate};
use touchstone_edge::rate::{CallRate, CallRates};
use touchstone_edge::server::{self, PortLimits, PortRefusal, Server};
use touchstone_edge::tls::Tls;
use touchstone_edge::{Caller, Protocol};
use touchstone_epcis::Identifier;

use super::{LabelOpening, NotOpened, Opened, Openings};
use crate::gateway::http::as_json;
use crate::output::rfc3339;

/// Where openings are asked for.
const ADDRESS: &str = "/openings";
/// A request is an identifier and a code.
const BODY_BYTES: usize = 4096;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 256;
const CONNECTIONS_OF_ADDRESS: usize = 32;
/// Calls of any kind: a browser asks first whether it may ask (Fetch, "CORS protocol").
const CALLS: CallRate = CallRate {
    per_minute: 240,
    burst: 240,
};
const BYTES_OF_ADDRESS: usize = 1 << 20;
const BYTES: usize = 16 << 20;
/// How long a browser may remember that it may ask.
const REMEMBERED: &str = "600";
/// How often addresses that have paused are forgotten.
const SWEEP: Duration = Duration::from_secs(30);

/// What the port needs.
pub struct OpeningsDoor {
    /// Bound already.
    pub listener: TcpListener,
    /// Encryption, if there is any.
    pub tls: Option<Arc<Tls>>,
    /// Names of this server, and pages that may ask.
    pub access: Access,
    /// Openings that an address may ask for in a minute.
    pub per_minute: u32,
}

struct Shared {
    openings: Arc<Openings>,
    access: Access,
    rates: CallRates,
}

/// What a page asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedOpening {
    item: String,
    code: String,
}

/// Serves until `stop`.
pub async fn serve(door: OpeningsDoor, openings: Arc<Openings>, stop: CancellationToken) {
    let rate = CallRate {
        per_minute: door.per_minute,
        burst: door.per_minute,
    };
    let shared = Arc::new(Shared {
        openings,
        access: door.access,
        rates: CallRates::new(rate, Instant::now()),
    });
    let server = Server {
        listener: door.listener,
        protocol: Protocol::Http1,
        limits: PortLimits {
            newcomers: CONNECTIONS,
            newcomers_per_address: CONNECTIONS_OF_ADDRESS,
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS_OF_ADDRESS,
            idle: Duration::from_secs(30),
            calls: Some(CALLS),
            ..PortLimits::default()
        },
        budget: Budget::new(budget::ByteLimits {
            total: BYTES,
            per_address: BYTES_OF_ADDRESS,
            per_connection: BYTES_OF_ADDRESS,
            ..budget::ByteLimits::default()
        }),
        tls: door.tls,
    };
    let sweeping = async {
        loop {
            tokio::time::sleep(SWEEP).await;
            shared.rates.sweep(Instant::now());
        }
    };
    tokio::select! {
        () = server::serve(server, router(shared.clone()), refusal, stop) => {}
        () = sweeping => {}
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(ADDRESS, post(ask))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(middleware::from_fn_with_state(shared.clone(), around))
        .with_state(shared)
}

/// Refuses what a foreign web page asks in its reader's name; tells a page's browser what it may.
async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let checked = shared.access.check(request.method(), request.headers());
    let origin = origin.filter(|_| checked.is_ok());
    let mut answer = match checked {
        Err(problem) => problem.into_response(),
        Ok(()) if request.method() == Method::OPTIONS => {
            let told = [
                (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
                (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
            ];
            (StatusCode::NO_CONTENT, told).into_response()
        }
        Ok(()) => next.run(request).await,
    };
    let told = answer.headers_mut();
    told.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(origin) = origin {
        told.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        told.append(header::VARY, HeaderValue::from_static("origin"));
    }
    answer
}

/// A request that the port refuses before anybody answers it.
fn refusal(refusal: &PortRefusal) -> Response {
    Problem::from(refusal).into_response()
}

async fn nowhere() -> Problem {
    Problem::new(
        Exception::NoSuchResource,
        "there is POST /openings here, and nothing else",
    )
}

/// `POST /openings`
async fn ask(
    State(shared): State<Arc<Shared>>,
    caller: axum::Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    take(&shared.rates, caller.address)?;
    if !negotiate::media_type(&headers).eq_ignore_ascii_case(negotiate::JSON) {
        let detail = "an opening is asked for as application/json";
        return Err(Problem::new(Exception::UnsupportedMediaType, detail));
    }
    let (item, code) = read(body).await?;
    let opened = shared.openings.open(item.clone(), code).await;
    let opened = opened.map_err(|why| problem(&item, &why))?;
    tracing::info!(item, ?opened, "an opening was asked for");
    let (status, is_first, first) = match &opened {
        Opened::Now(first) => (StatusCode::CREATED, true, first),
        Opened::Before(first) => (StatusCode::OK, false, first),
        Opened::Sent(transaction) => {
            let sent = json!({ "transaction": transaction });
            return Ok(as_json(StatusCode::ACCEPTED, sent.to_string()));
        }
    };
    let LabelOpening {
        organisation,
        time_ms,
        height,
        transaction,
    } = first;
    let told = json!({
        "first": is_first,
        "organisation": organisation,
        "time": rfc3339(*time_ms),
        "height": height,
        "transaction": transaction,
    });
    Ok(as_json(status, told.to_string()))
}

/// Here, and not at the port: a browser shows its page what has an origin's leave alone.
fn take(rates: &CallRates, address: IpAddr) -> Result<(), Problem> {
    rates.take(address, Instant::now()).map_err(|wait| {
        let seconds = wait.as_secs().saturating_add(1);
        Problem::from(&PortRefusal::TooOften(seconds))
    })
}

/// The item in its canonical form, and the code.
async fn read(body: Body) -> Result<(String, String), Problem> {
    let refuse = |detail: String| Problem::new(Exception::Validation, detail);
    let bytes = match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES)).await {
        Ok(bytes) => bytes,
        Err(_) => {
            let detail = "the body doesn't come; send it again";
            return Err(Problem::new(Exception::RequestTimeout, detail));
        }
    };
    let bytes = bytes.map_err(|_| refuse(format!("a request has at most {BODY_BYTES} bytes")))?;
    let asked: AskedOpening = serde_json::from_slice(&bytes).map_err(|error| {
        refuse(format!(
            "the body is no request such as {{\"item\": \"https://id.gs1.org/01/…/21/…\", \"code\": \
             \"0123-4567-89AB\"}}: {error}"
        ))
    })?;
    let item = Identifier::parse(&asked.item).map_err(|error| refuse(error.to_string()))?;
    if item.is_class() {
        let detail = "a product or a lot has no label of its own: name one thing";
        return Err(refuse(detail.into()));
    }
    Ok((item.as_str().to_owned(), asked.code))
}

fn problem(item: &str, why: &NotOpened) -> Problem {
    let (exception, reason, detail) = match why {
        NotOpened::Unknown => (
            Exception::NoSuchResource,
            "unknown",
            "nothing is recorded under this identifier".to_owned(),
        ),
        NotOpened::NoCode => (
            Exception::NoSuchResource,
            "no-code",
            "the thing's maker recorded no code under a cover".to_owned(),
        ),
        NotOpened::TooLong => (
            Exception::QueryTooComplex,
            "too-long",
            "the thing has more events than are read here: `open_label` of clients/python records its opening"
                .to_owned(),
        ),
        NotOpened::WrongCode => (
            Exception::Validation,
            "wrong-code",
            "the code isn't the one that the thing's maker recorded: type it as it stands under the cover".to_owned(),
        ),
        NotOpened::Taken => (
            Exception::ResourceAlreadyExists,
            "taken",
            "a member recorded something under this label without its code, and signed it: no opening can be recorded; \
             tell the maker"
                .to_owned(),
        ),
        NotOpened::Busy => (
            Exception::Overloaded,
            "busy",
            "too many openings wait; try again in a moment".to_owned(),
        ),
        NotOpened::Failed(failure) => {
            tracing::warn!(item, %failure, "an opening wasn't recorded");
            (
                Exception::Overloaded,
                "no-ledger",
                "the ledger gives no proven answer now; try again later".to_owned(),
            )
        }
    };
    Problem::new(exception, detail).with("touchstone:reason", reason)
}
