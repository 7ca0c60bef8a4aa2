//! EPCIS 2.0 over HTTP: capture of signed transactions, queries, subscriptions, and the resolver of
//! Digital Links. It stands beside the gRPC service, asks the same questions and shares its limits.
//!
//! A list of events is what this node has, and is not proven: leave one out, and nobody can tell.
//! What proves is an item's link, so that each event says where on the chain it is, and the resolver
//! gives an item with its certified header. There is no login: who may come in is for the network
//! before it to say.

mod capture;
mod connection;
mod document;
mod events;
mod negotiate;
mod parameters;
mod problem;
mod queries;
mod resolver;
mod search;
mod stream;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Status;

use crate::rpc::gates::Seats;
use crate::rpc::{Shared, View};
use crate::storage::rocks::EventCatalogue;
use problem::{Exception, Problem};

/// How long an answer may take, but for a subscription.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest address that is read, in bytes.
const MAX_ADDRESS_BYTES: usize = 8000;
/// Subscriptions at once.
const SUBSCRIPTIONS: usize = 64;
/// Blocks that a question indexes itself, where the index is behind.
const CATCH_UP: u64 = 64;
/// Blocks that are indexed in one go.
const INDEX_AT_ONCE: u64 = 1000;

/// The description of all this, which a test compares with what happens.
const OPENAPI: &str = include_str!("http/openapi.json");

/// What the interface works with.
pub struct Parts {
    /// The gRPC service's shared part: store, pool, limits.
    pub service: Arc<Shared>,
    /// The index of events and the named queries.
    pub catalogue: EventCatalogue,
}

/// What all requests share.
struct Http {
    service: Arc<Shared>,
    catalogue: EventCatalogue,
    /// The last captures that came in here, oldest first.
    jobs: Mutex<VecDeque<capture::Job>>,
    streams: Seats,
}

type Shelf = State<Arc<Http>>;

/// Serves until `shutdown` changes to true. The address is bound before this returns.
pub async fn serve(
    address: SocketAddr,
    parts: Parts,
    shutdown: watch::Receiver<bool>,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()>)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let http = Arc::new(Http::new(parts));
    let serving = async move {
        tokio::select! {
            () = follow(http.clone()) => {}
            () = connection::serve(listener, router(http.clone()), shutdown) => {}
        }
    };
    Ok((bound, serving))
}

/// Keeps the index up with the chain.
async fn follow(http: Arc<Http>) {
    let mut progress = http.service.parts.progress.clone();
    loop {
        let indexing = http.clone();
        let work = move || {
            let caught_up = indexing.catalogue.catch_up(INDEX_AT_ONCE);
            caught_up.map_err(crate::rpc::refusal::fault)
        };
        match http.service.gates.reads.run_in_turn(work).await {
            Ok(false) => {}
            // The log says what failed; the next block tries again.
            Ok(true) | Err(_) => {
                if progress.changed().await.is_err() {
                    return;
                }
            }
        }
    }
}

impl Http {
    fn new(parts: Parts) -> Http {
        Http {
            service: parts.service,
            catalogue: parts.catalogue,
            jobs: Mutex::default(),
            streams: Seats::new("subscriptions to events", SUBSCRIPTIONS),
        }
    }

    /// Answers a question from one snapshot, off the network's threads.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&View<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let http = self.clone();
        let work = move || -> Result<Result<T, Problem>, Status> {
            let caught_up = http.catalogue.catch_up(CATCH_UP);
            caught_up.map_err(crate::rpc::refusal::fault)?;
            Ok(question(&http.service.view()))
        };
        self.service.gates.reads.run(work).await?
    }
}

fn router(http: Arc<Http>) -> Router {
    let mut router = Router::new()
        .route("/capture", post(capture::post).get(capture::list))
        .route("/capture/{id}", get(capture::one))
        .route("/events", get(events::all))
        .route("/events/{id}", get(events::one))
        .route("/eventTypes/{value}/events", get(events::of_type))
        .route("/epcs/{value}/events", get(events::of_epc))
        .route("/bizSteps/{value}/events", get(events::of_biz_step))
        .route("/bizLocations/{value}/events", get(events::of_biz_location))
        .route("/readPoints/{value}/events", get(events::of_read_point))
        .route("/dispositions/{value}/events", get(events::of_disposition))
        .route("/queries", post(queries::define).get(queries::list))
        .route("/queries/{name}", get(queries::one).delete(queries::forget))
        .route("/queries/{name}/events", get(queries::events))
        .route("/openapi.json", get(openapi));
    for key in resolver::KEYS {
        router = router.route(&format!("/{key}/{{*rest}}"), get(resolver::resolve));
    }
    router
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn(around))
        .with_state(http)
}

async fn openapi() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], OPENAPI).into_response()
}

async fn nowhere() -> Problem {
    Problem::new(
        Exception::NoSuchResource,
        "there is nothing at this address; /openapi.json lists what there is",
    )
}

/// `OPTIONS` asks for the methods and versions, which headers tell (EPCIS 2.0 §12.6.1).
async fn no_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("{method} means nothing at this address; /openapi.json lists what does");
    Problem::new(Exception::MethodNotAllowed, detail).into_response()
}

/// What is the same for every request: versions, limits, and the headers that tell of them.
async fn around(request: Request, next: Next) -> Response {
    let address = request.uri().path_and_query();
    let too_long = address.is_some_and(|a| a.as_str().len() > MAX_ADDRESS_BYTES);
    let mut answer = if too_long {
        let text = format!("an address has at most {MAX_ADDRESS_BYTES} bytes here");
        Problem::new(Exception::UriTooLong, text).into_response()
    } else if let Err(problem) = negotiate::check(request.headers()) {
        problem.into_response()
    } else {
        match tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                let text = "no answer in time; ask for less, or try again in a moment";
                Problem::new(Exception::Overloaded, text).into_response()
            }
        }
    };
    negotiate::tell(answer.headers_mut());
    answer
}

#[cfg(test)]
mod tests;
