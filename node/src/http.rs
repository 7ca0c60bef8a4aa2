//! EPCIS 2.0 over HTTP: capture of signed transactions, queries, subscriptions, and the resolver of
//! Digital Links. It stands beside the gRPC service, asks the same questions and shares its limits.
//!
//! A list of events is what this node has, and is not proven: leave one out, and nobody can tell.
//! What proves is an item's link, so that each event says where on the chain it is, and the resolver
//! gives an item with its certified header. A port for everybody has no lists: it answers about one exact thing.

pub mod app;
mod app_data;
mod capture;
mod collections;
mod document;
mod event_search;
mod events;
mod evidence;
mod failure;
mod named_queries;
mod question;
mod resolver;
mod scans;
mod stream;
mod well_known;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts as RequestHead;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use touchstone_edge::Caller;
use touchstone_edge::http::access::Access;
use touchstone_edge::http::{Exception, Problem, negotiate};
use touchstone_edge::server::{self, PortRefusal, Server};

use crate::scans::ScanStore;
use crate::service::limits::{StreamPermits, WorkQueue};
use crate::service::{Audience, Cancelled, LedgerService, ProvenState};
use crate::storage::rocks::EventCatalogue;
use failure::HttpFailure;

/// How long a request's head may take to come on a connection that has asked before.
pub const IDLE: Duration = Duration::from_secs(30);
/// The longest address that is read, in bytes.
const MAX_ADDRESS_BYTES: usize = 8000;
/// Subscriptions at once, in total and of one address.
const SUBSCRIPTIONS: (usize, usize) = (64, 32);
/// Blocks that a question indexes itself, where the index is behind.
const CATCH_UP: u64 = 64;
/// Blocks that are indexed in one go.
const INDEX_AT_ONCE: u64 = 1000;

/// The description of all this, which a test compares with what happens.
const OPENAPI: &str = include_str!("http/openapi.json");

/// What the interface works with.
pub struct HttpParts {
    /// The service whose questions it asks.
    pub service: Arc<LedgerService>,
    /// The index of events and the named queries.
    pub catalogue: Arc<EventCatalogue>,
    /// Who may ask and write.
    pub access: Access,
    /// For whom the port is.
    pub audience: Audience,
    /// Whom the page for people asks besides.
    pub surroundings: app::Surroundings,
    /// Scans of things, where this node counts them.
    pub scans: Option<Arc<ScanStore>>,
}

/// What all requests share.
struct HttpStore {
    service: Arc<LedgerService>,
    catalogue: Arc<EventCatalogue>,
    access: Access,
    audience: Audience,
    app: app::App,
    scans: Option<Arc<ScanStore>>,
    /// The last captures that came in here, oldest first.
    jobs: Mutex<VecDeque<capture::CaptureJob>>,
    streams: StreamPermits,
}

/// What a request works with, and who makes it.
#[derive(Clone)]
struct Asked {
    http: Arc<HttpStore>,
    client: Caller,
}

impl FromRequestParts<Arc<HttpStore>> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        head: &mut RequestHead,
        http: &Arc<HttpStore>,
    ) -> Result<Asked, Self::Rejection> {
        Ok(Asked {
            http: http.clone(),
            client: Caller::of(&head.extensions),
        })
    }
}

impl Deref for Asked {
    type Target = HttpStore;

    fn deref(&self) -> &HttpStore {
        &self.http
    }
}

/// Serves until `stop`, and until the answers under way have had their time.
pub async fn serve(server: Server, parts: HttpParts, stop: CancellationToken) {
    let http = Arc::new(HttpStore::new(parts));
    let following = async {
        match http.audience {
            Audience::Members => follow(http.clone()).await,
            // Without lists there is no index to keep.
            Audience::Everybody => std::future::pending().await,
        }
    };
    tokio::select! {
        () = following => {}
        () = server::serve(server, router(http.clone()), refusal, stop) => {}
    }
}

/// A request that the port refuses before anybody answers it.
fn refusal(refusal: &PortRefusal) -> axum::http::Response<Body> {
    let mut answer = Problem::from(refusal).into_response();
    tell(answer.headers_mut());
    answer
}

/// Keeps the index up with the chain.
async fn follow(http: Arc<HttpStore>) {
    let mut progress = http.service.parts.progress.clone();
    loop {
        let indexing = http.clone();
        let work = move |_: &Cancelled| Ok(indexing.catalogue.catch_up(INDEX_AT_ONCE)?);
        let start = Instant::now();
        let caught_up = http.service.limits.reads.run(Caller::OWN, work).await;
        // Half of one core at most: blocks come first. Who asks makes the index go on by itself.
        tokio::time::sleep(start.elapsed()).await;
        match http.service.judge(caught_up) {
            Ok(false) => {}
            // The log says what failed; the next block tries again.
            Ok(true) | Err(_) => {
                if progress.changed().await.is_err() {
                    // The node stops; the server ends by itself.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

impl HttpStore {
    fn new(parts: HttpParts) -> HttpStore {
        HttpStore {
            service: parts.service,
            catalogue: parts.catalogue,
            access: parts.access,
            audience: parts.audience,
            app: app::App::new(&parts.surroundings, parts.scans.is_some()),
            scans: parts.scans,
            jobs: Mutex::default(),
            streams: StreamPermits::new("subscriptions to events", SUBSCRIPTIONS),
        }
    }
}

impl Asked {
    /// Answers a question from one snapshot, off the network's threads.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, HttpFailure> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read_in(&self.service.limits.reads, question).await
    }

    /// The same for what may take long.
    async fn read_long<T: Send + 'static>(
        &self,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, HttpFailure> + Send + 'static,
    ) -> Result<T, Problem> {
        self.read_in(&self.service.limits.long_reads, question)
            .await
    }

    async fn read_in<T: Send + 'static>(
        &self,
        queue: &WorkQueue,
        question: impl FnOnce(&ProvenState<'_>) -> Result<T, HttpFailure> + Send + 'static,
    ) -> Result<T, Problem> {
        let http = self.http.clone();
        let step = move || match http.audience {
            Audience::Members => http.catalogue.catch_up(CATCH_UP).map(drop),
            Audience::Everybody => Ok(()),
        };
        let answer = self
            .service
            .read_after(queue, self.client, step, move |view| match question(view) {
                Ok(answer) => Ok(Ok(answer)),
                Err(HttpFailure::Problem(problem)) => Ok(Err(problem)),
                Err(HttpFailure::Service(error)) => Err(error),
            });
        answer.await?
    }
}

fn router(http: Arc<HttpStore>) -> Router {
    let mut router = match http.audience {
        Audience::Members => lists(),
        Audience::Everybody => Router::new(),
    };
    router = router
        .route("/evidence", get(evidence::of_item))
        .route("/designs/{id}/evidence", get(evidence::of_design))
        .route("/openapi.json", get(openapi));
    let parts = &http.service.parts;
    router = router.merge(well_known::routes(
        &parts.chain_id,
        &parts.chain_name,
        &parts.genesis,
    ));
    router = router.merge(app::routes());
    for key in resolver::KEYS {
        router = router.route(&format!("/{key}/{{*rest}}"), get(resolver::resolve));
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(http.clone(), around))
        .with_state(http)
}

/// What members are answered besides: lists of events, and what is kept for queries.
fn lists() -> Router<Arc<HttpStore>> {
    let mut router = Router::new()
        .route("/capture", post(capture::post).get(capture::list))
        .route("/capture/{id}", get(capture::one))
        .route("/events", get(events::all))
        .route("/events/{id}", get(events::one))
        .route("/eventTypes/{value}/events", get(events::of_type))
        .route("/epcs", get(collections::epcs))
        .route("/epcs/{value}/events", get(events::of_epc))
        .route("/bizSteps/{value}/events", get(events::of_biz_step))
        .route("/bizLocations/{value}/events", get(events::of_biz_location))
        .route("/readPoints/{value}/events", get(events::of_read_point))
        .route("/dispositions/{value}/events", get(events::of_disposition))
        .route(
            "/queries",
            post(named_queries::define).get(named_queries::list),
        )
        .route(
            "/queries/{name}",
            get(named_queries::one).delete(named_queries::forget),
        )
        .route("/queries/{name}/events", get(named_queries::events))
        .route("/app/status.json", get(app_data::status))
        .route("/", get(collections::top))
        .route("/eventTypes", get(collections::event_types));
    for values in ["bizSteps", "bizLocations", "readPoints", "dispositions"] {
        router = router.route(&format!("/{values}"), get(collections::values));
    }
    for values in [
        "eventTypes",
        "epcs",
        "bizSteps",
        "bizLocations",
        "readPoints",
        "dispositions",
    ] {
        router = router.route(&format!("/{values}/{{value}}"), get(collections::value));
    }
    router
}

async fn openapi() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], OPENAPI).into_response()
}

async fn nowhere(State(http): State<Arc<HttpStore>>) -> Problem {
    let detail = match http.audience {
        Audience::Members => "there is nothing at this address; /openapi.json lists what there is",
        Audience::Everybody => {
            "this port answers about one exact thing: a Digital Link, /evidence?item=, /designs/{id}/evidence; lists \
             and queries are for members"
        }
    };
    Problem::new(Exception::NoSuchResource, detail)
}

/// `OPTIONS` asks for the methods and versions, which headers tell (EPCIS 2.0 §12.6.1).
async fn no_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("{method} means nothing at this address; /openapi.json lists what does");
    Problem::new(Exception::MethodNotAllowed, detail).into_response()
}

/// What is the same for every request: who may ask, versions, limits, and the headers that tell of them.
async fn around(State(http): State<Arc<HttpStore>>, request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query();
    let too_long = address.is_some_and(|a| a.as_str().len() > MAX_ADDRESS_BYTES);
    let method = scans::counted_as(request.method(), request.uri());
    let checked = http
        .access
        .check(&method, request.headers())
        .and_then(|()| negotiate::check(request.headers()));
    // An origin that may ask may read the answer too (Fetch, "CORS protocol").
    let origin = request.headers().get(header::ORIGIN).cloned();
    let origin = origin.filter(|_| checked.is_ok());
    let mut answer = if too_long {
        let text = format!("an address has at most {MAX_ADDRESS_BYTES} bytes here");
        Problem::new(Exception::UriTooLong, text).into_response()
    } else if let Err(problem) = checked {
        problem.into_response()
    } else {
        next.run(request).await
    };
    tell(answer.headers_mut());
    if let Some(origin) = origin {
        let told = answer.headers_mut();
        told.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        told.append(header::VARY, HeaderValue::from_static("origin"));
    }
    answer
}

/// Tells what is spoken here.
fn tell(headers: &mut axum::http::HeaderMap) {
    negotiate::tell(headers);
    let format = headers.entry(HeaderName::from_static("gs1-epc-format"));
    format.or_insert(HeaderValue::from_static("Never_Translates"));
}

#[cfg(test)]
mod tests;
