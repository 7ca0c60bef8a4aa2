//! What is said over a port's connections once their beginning has come: see `door` for the time before.
//! Newcomers displace each other until their first request has come, and established connections displace those that
//! keep us waiting. All deadlines are held here.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::http::request;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Caller;
use crate::arrivals::{Arrival, ArrivalRates, Arrivals};
use crate::beginning::Beginning;
use crate::body::{AnswerBody, ReceivedBytes, RequestBody, Weight};
use crate::budget::Budget;
use crate::caller::owner_of;
use crate::connection::Connection;
use crate::connection_slots::ConnectionSlots;
use crate::door;
use crate::protocol::Protocol;
use crate::rate::{CallRate, CallRates};
use crate::tls::Tls;

/// Limits of a port.
#[derive(Clone, Copy, Debug)]
pub struct PortLimits {
    /// How often a connection is accepted; one that is answered doesn't count.
    pub arrivals: ArrivalRates,
    /// Connections whose first request hasn't come.
    pub newcomers: usize,
    /// The same of one address.
    pub newcomers_per_address: usize,
    /// Connections that have asked something.
    pub connections: usize,
    /// The same of one address.
    pub connections_per_address: usize,
    /// Calls at once on one connection of HTTP/2.
    pub calls_per_connection: u32,
    /// How long the first request may take to come, TLS included.
    pub first_request: Duration,
    /// How long a connection may ask nothing.
    pub idle: Duration,
    /// How long an answer may take to begin.
    pub answer: Duration,
    /// How often an address may ask; none: as often as it likes.
    pub calls: Option<CallRate>,
}

impl Default for PortLimits {
    fn default() -> Self {
        PortLimits {
            arrivals: ArrivalRates::default(),
            newcomers: 256,
            newcomers_per_address: 128,
            connections: 512,
            connections_per_address: 256,
            calls_per_connection: 128,
            first_request: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            answer: Duration::from_secs(60),
            calls: None,
        }
    }
}

impl PortLimits {
    /// Descriptors that the port may need.
    pub fn descriptors(&self) -> u64 {
        // And the listener; each newcomer may be about to be closed while the next is accepted.
        (self.newcomers + self.connections + 64) as u64
    }
}

/// Why the port itself refuses a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortRefusal {
    /// A limit is reached.
    Busy(String),
    /// No answer has begun in time.
    Late,
    /// The address asks more often than it may; it may ask again after so many seconds.
    TooOften(u64),
}

impl fmt::Display for PortRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PortRefusal::Busy(limit) => f.write_str(limit),
            PortRefusal::Late => {
                f.write_str("no answer in time; ask for less, or try again in a moment")
            }
            PortRefusal::TooOften(seconds) => write!(
                f,
                "too many questions come from this address; ask again in {seconds} s"
            ),
        }
    }
}

/// A refusal in the port's own protocol.
pub type Refuse = fn(&PortRefusal) -> Response<Body>;

/// A port.
pub struct Server {
    /// Bound already.
    pub listener: TcpListener,
    /// What is spoken.
    pub protocol: Protocol,
    /// Its limits.
    pub limits: PortLimits,
    /// The process's budget of bytes.
    pub budget: Arc<Budget>,
    /// Encryption, if there is any.
    pub tls: Option<Arc<Tls>>,
}

/// Connections that have spoken and aren't taken over yet; the next ones stay at the door.
const SPOKEN: usize = 64;
/// How long the last answers may take once the port closes.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// Headers of a request, and bytes of its head. Of twice as many, hyper would answer 414 to an address, without a body.
const MAX_HEADERS: usize = 64;
const HEAD_BYTES: u32 = 32 << 10;
/// Bytes of a head that aren't charged: browsers and programs send fewer.
const FREE_HEAD_BYTES: usize = 2 << 10;
/// What a client may send of a call, and of a connection, before it is read.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;
/// How often the other side of an open HTTP/2 connection is asked whether it is there, and how long it may take.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

struct Shared {
    protocol: Protocol,
    limits: PortLimits,
    budget: Arc<Budget>,
    tls: Option<Arc<Tls>>,
    refuse: Refuse,
    newcomers: Arc<ConnectionSlots>,
    established: Arc<ConnectionSlots>,
    rates: Option<CallRates>,
    connections: Mutex<HashMap<u64, Weak<Connection>>>,
}

/// Connections are told apart by numbers that are given once in a process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Serves until `stop`, and until the answers under way are given or have had their time.
pub async fn serve(server: Server, router: Router, refuse: Refuse, stop: CancellationToken) {
    let Server {
        listener,
        protocol,
        limits,
        budget,
        tls,
    } = server;
    let shared = Arc::new(Shared {
        protocol,
        limits,
        budget,
        tls,
        refuse,
        newcomers: ConnectionSlots::new(limits.newcomers, limits.newcomers_per_address),
        established: ConnectionSlots::new(limits.connections, limits.connections_per_address),
        rates: limits
            .calls
            .map(|rate| CallRates::new(rate, Instant::now())),
        connections: Mutex::default(),
    });
    let (inside, mut spoken) = mpsc::channel(SPOKEN);
    let (port, swept) = (shared.clone(), shared.clone());
    let door = door::keep(
        listener,
        Beginning::of(shared.protocol, shared.tls.is_some()),
        Arrivals::new(limits.arrivals),
        move |address, arrival| port.admit(address, arrival),
        move |now| swept.sweep(now),
        inside,
        stop.clone(),
    );
    let mut tasks = JoinSet::new();
    // Until the door is shut, and all that have spoken before are taken over.
    while let Some((stream, connection)) = spoken.recv().await {
        // Those that have ended needn't be kept.
        while tasks.try_join_next().is_some() {}
        let (shared, router) = (shared.clone(), router.clone());
        tasks.spawn(one(stream, connection, shared, router, stop.clone()));
    }
    if let Err(error) = door.await {
        tracing::error!(%error, "a port's door broke");
    }
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, ended).await.is_err() {
        tracing::debug!("open calls were cut off");
        tasks.shutdown().await;
    }
}

impl Shared {
    fn admit(&self, address: SocketAddr, arrival: Arrival) -> Option<Arc<Connection>> {
        let client = Caller {
            address: owner_of(address.ip()),
            connection: NEXT.fetch_add(1, Ordering::Relaxed),
        };
        let now = Instant::now();
        let limits = &self.limits;
        let deadline = Some(now + limits.first_request);
        let closing = CancellationToken::new();
        // Newcomers all wait for their clients, so that one always gives way.
        let newcomer = self
            .newcomers
            .take(client.address, now, deadline, closing.clone())
            .ok()?;
        let connection = Connection::new(
            client,
            self.budget.account(client.address),
            newcomer,
            self.established.clone(),
            arrival,
            limits.idle,
            closing,
        );
        let mut connections = lock(&self.connections);
        connections.insert(client.connection, Arc::downgrade(&connection));
        Some(connection)
    }

    /// Closes connections whose clients are late.
    fn sweep(&self, now: Instant) {
        self.newcomers.sweep(now);
        self.established.sweep(now);
        lock(&self.connections).retain(|_, connection| match connection.upgrade() {
            Some(connection) => {
                if connection.account.is_late(now) {
                    tracing::debug!(client = ?connection.client, "a client doesn't read");
                    connection.closing.cancel();
                }
                true
            }
            None => false,
        });
        if let Some(rates) = &self.rates {
            rates.sweep(now);
        }
        if let Some(tls) = &self.tls {
            tls.reload_if_changed(now);
        }
    }
}

async fn one(
    stream: std::net::TcpStream,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    router: Router,
    stop: CancellationToken,
) {
    let client = connection.client;
    let closing = connection.closing.clone();
    let spoken = speak(stream, connection, shared, router, stop);
    tokio::select! {
        () = closing.cancelled() => tracing::debug!(?client, "a connection gave way or was late"),
        ended = spoken => if let Err(error) = ended {
            tracing::debug!(?client, %error, "a connection broke");
        },
    }
}

async fn speak(
    stream: std::net::TcpStream,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    router: Router,
    stop: CancellationToken,
) -> Result<(), axum::BoxError> {
    let stream = TcpStream::from_std(stream)?;
    // Without it, each answer of more than one segment waits for the reader's delayed acknowledgement, some
    // 40 ms. It only costs time if it fails.
    let _ = stream.set_nodelay(true);
    match shared.tls.clone() {
        Some(tls) => {
            let stream = tls.acceptor().accept(stream).await?;
            converse(stream, connection, shared, router, stop).await
        }
        None => converse(stream, connection, shared, router, stop).await,
    }
}

async fn converse<I>(
    stream: I,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    router: Router,
    stop: CancellationToken,
) -> Result<(), axum::BoxError>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = shared.limits;
    let protocol = shared.protocol;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        answer(request, connection.clone(), shared.clone(), router.clone())
    });
    let stream = TokioIo::new(stream);
    match protocol {
        Protocol::Http1 => {
            let conversation = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.idle)
                .max_headers(MAX_HEADERS)
                .max_buf_size(HEAD_BYTES as usize)
                .serve_connection(stream, service);
            let mut conversation = std::pin::pin!(conversation);
            tokio::select! {
                ended = conversation.as_mut() => return Ok(ended?),
                () = stop.cancelled() => conversation.as_mut().graceful_shutdown(),
            }
            Ok(conversation.await?)
        }
        Protocol::Http2 => {
            let conversation = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits.calls_per_connection)
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_header_list_size(HEAD_BYTES)
                .max_local_error_reset_streams(Some(64))
                .keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
                .serve_connection(stream, service);
            let mut conversation = std::pin::pin!(conversation);
            tokio::select! {
                ended = conversation.as_mut() => return Ok(ended?),
                () = stop.cancelled() => conversation.as_mut().graceful_shutdown(),
            }
            Ok(conversation.await?)
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    router: TowerToHyperService<Router>,
) -> Result<Response<AnswerBody>, Infallible> {
    let refuse = |refusal: &PortRefusal| Ok((shared.refuse)(refusal).map(AnswerBody::free));
    let busy = |limit: &dyn std::fmt::Display| refuse(&PortRefusal::Busy(limit.to_string()));
    let call = match connection.begin() {
        Ok(call) => Arc::new(call),
        Err(full) => return busy(&format_args!("connections: {full}")),
    };
    if let Some(rates) = &shared.rates
        && let Err(wait) = rates.take(connection.client.address, Instant::now())
    {
        return refuse(&PortRefusal::TooOften(wait.as_secs() + 1));
    }
    let (mut head, body) = request.into_parts();
    let received = match ReceivedBytes::new(&connection.account, bytes_of(&head)) {
        Ok(received) => received,
        Err(exhausted) => return busy(&exhausted),
    };
    head.extensions.insert(connection.client);
    head.extensions.insert(received.clone());
    let body = Body::new(RequestBody::new(body, call.clone(), received));
    let called = router.call(Request::from_parts(head, body));
    let answered = match tokio::time::timeout(shared.limits.answer, called).await {
        Ok(Ok(answered)) => answered,
        Ok(Err(never)) => match never {},
        Err(_) => return refuse(&PortRefusal::Late),
    };
    let (mut head, body) = answered.into_parts();
    let weight = match head.extensions.remove::<Weight>() {
        Some(Weight(bytes)) => bytes,
        None => usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX),
    };
    // A piece of a stream is charged when it is made.
    let whole = match weight {
        0 => None,
        bytes => match connection.account.charge(bytes) {
            Ok(charge) => Some(charge),
            Err(exhausted) => return busy(&exhausted),
        },
    };
    Ok(Response::from_parts(
        head,
        AnswerBody::new(body, call, whole),
    ))
}

/// What a call's head takes of memory as long as the call lasts, beyond what costs nothing.
fn bytes_of(head: &request::Parts) -> usize {
    let address = head
        .uri
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len());
    (address + headers.sum::<usize>()).saturating_sub(FREE_HEAD_BYTES)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Lists and counts are whole between any two calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
