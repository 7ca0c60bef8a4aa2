//! The gateway's addresses: captures as EPCIS 2.0's REST binding has them, and beside them what makes
//! this ledger worth asking: handovers, traces and recalls, products and certificates.

mod captures;
mod events;
mod proven_answers;
mod queries;
mod subscriptions;
mod transactions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use touchstone_core::genesis::Genesis;
use touchstone_edge::Protocol;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::http::access::Access;
use touchstone_edge::http::{Exception, Problem, negotiate};
use touchstone_edge::server::{self, PortLimits, PortRefusal, Server};
use touchstone_edge::tls::Tls;
use touchstone_epcis::MAX_DOCUMENT_BYTES;

use super::health::Health;
use super::jobs::{Jobs, NotTaken};
use super::ledger_queries::Questions;
use super::relay::QueryNode;
use super::subscriptions::Subscriptions;
use super::subscriptions::destinations::Destinations;
use crate::capture::table::Mapping;
use touchstone_client::Signer;
/// The description of all this.
const OPENAPI: &str = include_str!("openapi.json");
/// Collections that the node has, each with its values and their events.
const VALUES: [&str; 6] = [
    "eventTypes",
    "epcs",
    "bizSteps",
    "bizLocations",
    "readPoints",
    "dispositions",
];
/// Documents that are read at once: each may be large.
const DOCUMENTS: usize = 4;
/// How long a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections: an ERP has few. They are counted for each address too.
const CONNECTIONS: usize = 128;
/// The longest that a client may ask to wait for an outcome.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What all requests share.
pub struct Shared {
    /// Captures and acts.
    pub jobs: Jobs,
    /// What the ledger is asked.
    pub questions: Questions,
    /// Whose word is signed.
    pub signer: Arc<Signer>,
    /// The trusted document.
    pub genesis: Arc<Genesis>,
    /// Who may ask and write.
    pub access: Access,
    /// Mappings of tables, by name.
    pub mappings: BTreeMap<String, Mapping>,
    /// Receipts of deposits, for certificates.
    pub receipts: PathBuf,
    /// The node, as it was last seen.
    pub health: Health,
    /// Where queries are handed on to, if they are.
    pub queries: Option<QueryNode>,
    /// Who is told of which events.
    pub subscriptions: Subscriptions,
    /// Servers that they may tell.
    pub destinations: Arc<Destinations>,
    /// The clock, milliseconds.
    pub now_ms: fn() -> u64,
    /// Documents that may be read at once.
    pub documents: Semaphore,
}

impl Shared {
    /// Turns of documents.
    pub fn turns() -> Semaphore {
        Semaphore::new(DOCUMENTS)
    }
}

pub use captures::describe;

type Http = State<Arc<Shared>>;

/// Serves until `stop`, and until the answers under way are given.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    shared: Arc<Shared>,
    stop: CancellationToken,
) {
    let limits = PortLimits {
        newcomers: CONNECTIONS,
        newcomers_per_address: CONNECTIONS / 2,
        connections: CONNECTIONS,
        connections_per_address: CONNECTIONS / 2,
        ..PortLimits::default()
    };
    let whole = MAX_DOCUMENT_BYTES + (1 << 20);
    let budget = Budget::new(budget::ByteLimits {
        total: 2 * DOCUMENTS * whole,
        per_address: DOCUMENTS * whole,
        per_connection: 2 * whole,
        ..budget::ByteLimits::default()
    });
    let server = Server {
        listener,
        protocol: Protocol::Http1,
        limits,
        budget,
        tls,
    };
    server::serve(server, router(shared), refusal, stop).await;
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/capture", get(captures::list).post(captures::post))
        .route("/capture/{id}", get(captures::one))
        .route("/events", get(queries::relay).post(events::post))
        .route("/jobs", get(captures::all))
        .route("/jobs/{id}", get(captures::one))
        .route(
            "/handovers",
            get(proven_answers::handovers).post(transactions::offer),
        )
        .route("/handovers/{offer}/{answer}", post(transactions::answer))
        .route("/claims", post(transactions::claim))
        .route(
            "/products",
            get(proven_answers::product).post(transactions::declare),
        )
        .route("/items", get(proven_answers::item))
        .route("/trace", get(proven_answers::trace))
        .route("/recall", get(proven_answers::recall))
        .route("/organisations", get(proven_answers::organisations))
        .route(
            "/designs/{id}/certificate",
            get(proven_answers::certificate),
        )
        .route("/healthz", get(proven_answers::health))
        .route("/readyz", get(proven_answers::readiness))
        .route("/openapi.json", get(openapi))
        .merge(relayed())
        .fallback(nowhere)
        .method_not_allowed_fallback(no_such_method)
        .layer(middleware::from_fn_with_state(shared.clone(), around))
        .with_state(shared)
}

/// What the node answers, and subscriptions to it.
fn relayed() -> Router<Arc<Shared>> {
    let mut router = Router::new()
        .route("/", get(queries::relay))
        .route("/events/{id}", get(queries::relay))
        .route("/queries", get(queries::relay).post(queries::relay))
        .route(
            "/queries/{name}",
            get(queries::relay).delete(queries::forget),
        )
        .route("/queries/{name}/events", get(queries::relay))
        .route(
            "/queries/{name}/subscriptions",
            get(subscriptions::list).post(subscriptions::begin),
        )
        .route(
            "/queries/{name}/subscriptions/{id}",
            get(subscriptions::one).delete(subscriptions::end),
        );
    for values in VALUES {
        router = router
            .route(&format!("/{values}"), get(queries::relay))
            .route(&format!("/{values}/{{value}}"), get(queries::relay))
            .route(&format!("/{values}/{{value}}/events"), get(queries::relay));
    }
    router
}

/// Refuses what a foreign web page asks in its reader's name, and tells what is spoken here.
async fn around(State(shared): Http, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let checked = shared.access.check(&method, request.headers());
    let mut answer = match checked.and_then(|()| negotiate::check(request.headers())) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let status = answer.status();
    match status.is_client_error() || status.is_server_error() {
        true => tracing::warn!(%method, path, status = status.as_u16(), "refused"),
        false => tracing::debug!(%method, path, status = status.as_u16(), "answered"),
    }
    tell(answer.headers_mut());
    answer
}

fn tell(headers: &mut HeaderMap) {
    negotiate::tell(headers);
    let limit = HeaderValue::from(MAX_DOCUMENT_BYTES);
    let name = HeaderName::from_static("gs1-epcis-capture-file-size-limit");
    headers.insert(name, limit);
}

/// A request that the port refuses before anybody answers it.
fn refusal(refusal: &PortRefusal) -> Response {
    let mut answer = Problem::from(refusal).into_response();
    tell(answer.headers_mut());
    answer
}

async fn nowhere() -> Problem {
    Problem::new(
        Exception::NoSuchResource,
        "this gateway has no such address; GET /openapi.json describes those it has",
    )
}

/// `OPTIONS` asks for the methods and versions, which headers tell (EPCIS 2.0 §12.6.1).
async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = "this address takes other methods; GET /openapi.json describes them";
    Problem::new(Exception::MethodNotAllowed, detail).into_response()
}

async fn openapi() -> Response {
    as_json(StatusCode::OK, OPENAPI.to_owned())
}

/// A JSON answer.
pub fn as_json(status: StatusCode, text: String) -> Response {
    let form = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, form)], text).into_response()
}

/// An answer without body that tells an address.
pub fn located(status: StatusCode, address: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(address)
        .map_err(|_| Problem::new(Exception::Implementation, "what was made has no address"))?;
    Ok((status, [(header::LOCATION, location)]).into_response())
}

/// What the node is asked; refused where the gateway knows no node to ask.
fn query_node(shared: &Shared) -> Result<&QueryNode, Problem> {
    shared.queries.as_ref().ok_or_else(|| {
        let detail = "this gateway hands no queries on: start it with --queries URL, the address of \
                      its node's HTTP interface";
        Problem::new(Exception::NoSuchResource, detail)
    })
}

/// A whole body, in the time that it may take.
async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    whole_of(body, MAX_DOCUMENT_BYTES).await
}

/// The same, of so many bytes at most.
async fn whole_of(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(_)) => Err(Problem::new(
            Exception::CaptureLimitExceeded,
            format!("a body has at most {limit} bytes here; split it"),
        )),
        Err(_) => Err(Problem::new(
            Exception::RequestTimeout,
            "the body doesn't come; send it again",
        )),
    }
}

/// The parameters of an address: each of these names at most once, and no other.
fn parameters<const N: usize>(uri: &Uri, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let mut found = [const { None }; N];
    let query = uri.query().unwrap_or_default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = names.iter().position(|known| *known == name);
        let slot = place.and_then(|place| found.get_mut(place));
        let slot = slot.filter(|slot| slot.is_none()).ok_or_else(|| {
            let detail =
                format!("{name:?} is no parameter here, or comes twice; there are {names:?}");
            Problem::new(Exception::QueryParameter, detail)
        })?;
        *slot = Some(value.into_owned());
    }
    Ok(found)
}

fn required(value: Option<String>, name: &str) -> Result<String, Problem> {
    value.filter(|value| !value.is_empty()).ok_or_else(|| {
        let detail = format!("the parameter {name} is missing");
        Problem::new(Exception::QueryParameter, detail)
    })
}

/// How long the client waits for an outcome (RFC 7240 §4.3), if it does.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let texts = headers.get_all("prefer").iter();
    let mut parts = texts
        .filter_map(|v| v.to_str().ok())
        .flat_map(|t| t.split([',', ';']));
    let seconds = parts.find_map(|part| part.trim().strip_prefix("wait=")?.trim().parse().ok())?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Where a job stands that was just taken in; once it is done with, if the client waits so long.
async fn taken(
    shared: &Shared,
    id: &str,
    headers: &HeaderMap,
    under: &str,
) -> Result<Response, Problem> {
    if let Some(wait) = wait(headers) {
        shared.jobs.finished(id, wait).await;
    }
    let failed = || Problem::new(Exception::Implementation, "the job has no address");
    let job = shared.jobs.get(id).ok_or_else(failed)?;
    let status = match job.finished_ms {
        Some(_) => StatusCode::OK,
        None => StatusCode::ACCEPTED,
    };
    let location = HeaderValue::try_from(format!("/{under}/{id}")).map_err(|_| failed())?;
    let mut answer = as_json(status, captures::describe(&job).to_string());
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

fn not_taken(why: NotTaken) -> Problem {
    match why {
        NotTaken::Full => Problem::new(
            Exception::Overloaded,
            "too many captures wait already; try again later",
        ),
        NotTaken::Failed(failure) => Problem::new(Exception::Implementation, failure.to_string()),
    }
}

/// A refusal by a rule of the ledger, as every answer here has it.
fn refused(refusal: &touchstone_client::capture::EventRefusal, path: &str) -> Problem {
    Problem::new(Exception::Validation, refusal.message.clone())
        .with("touchstone:path", path)
        .with("touchstone:rule", refusal.rule.clone())
        .with("touchstone:code", refusal.code)
}

/// A failure of a question or an act.
fn failed(failure: &crate::failure::Failure) -> Problem {
    use crate::failure::Failure;
    let detail = failure.to_string();
    let exception = match (failure, failure.exit_code()) {
        (Failure::File(_), _) => Exception::Implementation,
        (_, 1 | 2) => Exception::Validation,
        (_, 4) => Exception::NoSuchResource,
        (_, 5) => Exception::Overloaded,
        _ => Exception::Implementation,
    };
    let mut problem = Problem::new(exception, detail);
    if let Failure::Refused { rule, code, .. } = failure {
        problem = problem
            .with("touchstone:rule", rule.clone())
            .with("touchstone:code", *code);
    }
    problem.with("touchstone:failure", failure.json())
}

/// A list as JSON.
fn listed(values: Vec<Value>) -> Response {
    as_json(StatusCode::OK, Value::from(values).to_string())
}
