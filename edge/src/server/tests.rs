//! The port under attack, over real sockets on loopback: clients that say nothing, say it slowly, or don't read.
//! An honest client at the same address is served meanwhile.

use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::IntoResponse;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Empty};
use hyper::body::Frame;
use hyper::client::conn::http2 as client2;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::budget;

const LARGE: usize = 1 << 20;

fn refuse(refusal: &PortRefusal) -> Response<Body> {
    let text = format!("{refusal:?}");
    (hyper::StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

struct Port {
    address: SocketAddr,
    /// Calls that are never answered.
    waiting: Arc<AtomicU64>,
    budget: Arc<Budget>,
    stop: CancellationToken,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn start(protocol: Protocol, limits: PortLimits, bytes: budget::ByteLimits) -> Port {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = Arc::new(AtomicU64::new(0));
    let router = Router::new()
        .route("/small", get(|| async { "here" }))
        .route(
            "/never",
            get({
                let waiting = waiting.clone();
                move || {
                    waiting.fetch_add(1, Ordering::Relaxed);
                    std::future::pending::<()>()
                }
            }),
        )
        .route("/large", get(|| async { vec![7u8; LARGE] }))
        .route(
            "/read",
            post(|body: Body| async {
                let body = axum::body::to_bytes(body, LARGE).await;
                body.map_or_else(|_| "broken".into(), |body| body.len().to_string())
            }),
        );
    let budget = Budget::new(bytes);
    let server = Server {
        listener,
        protocol,
        limits,
        budget: budget.clone(),
        tls: None,
    };
    let stop = CancellationToken::new();
    tokio::spawn(serve(server, router, refuse, stop.clone()));
    Port {
        address,
        waiting,
        budget,
        stop,
    }
}

fn few() -> PortLimits {
    PortLimits {
        newcomers: 16,
        newcomers_per_address: 16,
        connections: 16,
        connections_per_address: 16,
        ..PortLimits::default()
    }
}

async fn guarded<T>(step: impl Future<Output = T>) -> T {
    let step = tokio::time::timeout(Duration::from_secs(60), step);
    step.await.expect("it doesn't hang")
}

async fn connect(port: &Port) -> TcpStream {
    TcpStream::connect(port.address).await.unwrap()
}

/// What a port answers over HTTP/1.1, and closes.
async fn ask(port: &Port, path: &str) -> String {
    ask_from(port, Ipv4Addr::LOCALHOST, path).await
}

/// The same for a client of this address.
async fn ask_from(port: &Port, own: Ipv4Addr, path: &str) -> String {
    guarded(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((own, 0).into()).unwrap();
        let mut stream = socket.connect(port.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).await.unwrap();
        String::from_utf8_lossy(&text).into_owned()
    })
    .await
}

/// Whether the other side closes a connection, whatever it says before: an HTTP/2 server speaks first.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut said = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut said));
    read.await.is_ok()
}

#[tokio::test]
async fn silent_connections_give_way_to_one_that_asks() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect(&port).await);
    }
    assert!(ask(&port, "/small").await.ends_with("here"));
    assert!(is_closed(&mut silent[0]).await);
}

/// Calls that wait for their turn hold all slots, all of one address.
#[tokio::test]
async fn another_address_is_served_though_all_slots_are_busy() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let mut busy = Vec::new();
    for _ in 0..16 {
        let mut stream = connect(&port).await;
        stream
            .write_all(b"GET /never HTTP/1.1\r\nhost: here\r\n\r\n")
            .await
            .unwrap();
        busy.push(stream);
    }
    guarded(async {
        while port.waiting.load(Ordering::Relaxed) < 16 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let refused = ask(&port, "/small").await;
    assert!(refused.contains("16 at once from one address"), "{refused}");
    let other = ask_from(&port, Ipv4Addr::new(127, 0, 0, 2), "/small").await;
    assert!(other.ends_with("here"), "{other}");
    let mut closed = 0;
    for stream in &mut busy {
        let mut byte = [0; 1];
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut byte)).await;
        closed += usize::from(matches!(read, Ok(Ok(0) | Err(_))));
    }
    assert_eq!(closed, 1);
}

/// So many at once, and then one in a minute.
fn at_once(burst: u32) -> CallRate {
    CallRate {
        per_minute: 1,
        burst,
    }
}

/// Three connections at once, and then one in a minute: those that are answered don't count.
#[tokio::test]
async fn whoever_is_answered_may_connect_as_often_as_it_likes() {
    let limits = PortLimits {
        arrivals: ArrivalRates {
            port: at_once(3),
            ..ArrivalRates::default()
        },
        ..few()
    };
    let port = start(Protocol::Http1, limits, budget::ByteLimits::default()).await;
    let _silent = (connect(&port).await, connect(&port).await);
    for _ in 0..20 {
        assert!(ask(&port, "/small").await.ends_with("here"));
    }
    // A third silent one takes the last place: who comes now would have to wait for a minute.
    let _third = connect(&port).await;
    let late = tokio::time::timeout(Duration::from_millis(300), ask(&port, "/small"));
    assert!(late.await.is_err(), "a flood is accepted as it comes");
}

/// A connection from another address of this machine; none where its SYNs are dropped.
async fn connect_from(last: u8, port: &Port) -> Option<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, last], 0).into()).unwrap();
    let connected = socket.connect(port.address);
    let connected = tokio::time::timeout(Duration::from_millis(200), connected).await;
    connected.ok().map(|connected| connected.unwrap())
}

/// Four of an owner and eight of all at once, and then one in a minute. A flood of a hundred takes no more of that.
#[tokio::test]
async fn a_flood_of_one_address_keeps_no_other_waiting_and_is_shed() {
    let limits = PortLimits {
        arrivals: ArrivalRates {
            port: at_once(8),
            owner: at_once(4),
            beyond: at_once(1024),
        },
        ..few()
    };
    let port = start(Protocol::Http1, limits, budget::ByteLimits::default()).await;
    let mut before = connect_from(2, &port).await.unwrap();
    let request = b"GET /small HTTP/1.1\r\nhost: here\r\n\r\n";
    let mut answers = async || {
        before.write_all(request).await.unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"here") {
            assert!(guarded(before.read_buf(&mut said)).await.unwrap() > 0);
        }
    };
    answers().await;
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.extend(connect_from(2, &port).await);
    }
    assert!(ask(&port, "/small").await.ends_with("here"));
    guarded(async { while connect_from(2, &port).await.is_some() {} }).await;
    // Others come as before, and so goes on what was there before.
    for _ in 0..20 {
        assert!(ask(&port, "/small").await.ends_with("here"));
    }
    answers().await;
}

#[tokio::test]
async fn slow_heads_and_bodies_that_do_not_come_give_way_too() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let mut slow = Vec::new();
    for number in 0..60 {
        let mut stream = connect(&port).await;
        let text: &[u8] = match number % 2 {
            0 => b"GET /small HTTP/1.1\r\nhost:",
            _ => b"POST /read HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\nsome",
        };
        stream.write_all(text).await.unwrap();
        slow.push(stream);
    }
    assert!(ask(&port, "/small").await.ends_with("here"));
}

#[tokio::test]
async fn a_first_request_that_never_comes_has_a_deadline() {
    let limits = PortLimits {
        first_request: Duration::from_millis(100),
        ..few()
    };
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let port = start(protocol, limits, budget::ByteLimits::default()).await;
        let mut silent = connect(&port).await;
        assert!(is_closed(&mut silent).await, "{protocol:?}");
        let mut slow = connect(&port).await;
        slow.write_all(b"PRI * HT").await.unwrap();
        assert!(is_closed(&mut slow).await, "{protocol:?}");
    }
}

/// Each part wakes up the thread at the door, and the answer is whole.
#[tokio::test]
async fn a_head_in_parts_is_answered() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let mut stream = connect(&port).await;
    stream.set_nodelay(true).unwrap();
    for part in b"GET /small HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n".chunks(7) {
        stream.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut text = Vec::new();
    guarded(stream.read_to_end(&mut text)).await.unwrap();
    assert!(String::from_utf8_lossy(&text).ends_with("here"));
}

/// What is left of its head never comes, whatever time it would have.
#[tokio::test]
async fn a_client_that_ends_within_its_head_is_not_waited_for() {
    let limits = PortLimits {
        first_request: Duration::from_secs(86_400),
        ..few()
    };
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let port = start(protocol, limits, budget::ByteLimits::default()).await;
        let mut stream = connect(&port).await;
        stream.write_all(b"PRI * HT").await.unwrap();
        stream.shutdown().await.unwrap();
        assert!(is_closed(&mut stream).await, "{protocol:?}");
    }
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_has_a_deadline() {
    let limits = PortLimits {
        idle: Duration::from_millis(100),
        ..few()
    };
    let port = start(Protocol::Http1, limits, budget::ByteLimits::default()).await;
    let mut stream = connect(&port).await;
    let request = b"GET /small HTTP/1.1\r\nhost: here\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = Vec::new();
    guarded(stream.read_to_end(&mut text)).await.unwrap();
    assert!(String::from_utf8_lossy(&text).ends_with("here"));
}

/// Clients of HTTP/2 that open no window: their answers can't be sent.
#[tokio::test]
async fn answers_that_nobody_reads_stay_within_the_budget() {
    let bytes = budget::ByteLimits {
        total: 8 * LARGE,
        per_address: 4 * LARGE,
        per_connection: 2 * LARGE,
        always: 1024,
    };
    let port = start(Protocol::Http2, PortLimits::default(), bytes).await;
    let mut clients = Vec::new();
    let (mut given, mut refused) = (0, 0);
    for _ in 0..10 {
        let stream = TokioIo::new(connect(&port).await);
        let (mut client, connection) = client2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(0)
            .handshake::<_, Empty<bytes::Bytes>>(stream)
            .await
            .unwrap();
        tokio::spawn(connection);
        for _ in 0..5 {
            let request = Request::get("http://here/large")
                .body(Empty::new())
                .unwrap();
            let answer = guarded(client.send_request(request)).await.unwrap();
            match answer.status().as_u16() {
                200 => given += 1,
                _ => refused += 1,
            }
            clients.push((client.clone(), answer));
        }
    }
    assert_eq!((given, refused), (4, 46));
    assert_eq!(port.budget.under_way(), 4 * LARGE);
    // A small answer is still given to an honest client.
    let stream = TokioIo::new(connect(&port).await);
    let (mut client, connection) = client2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("http://here/small").body(Empty::<bytes::Bytes>::new());
    let answer = guarded(client.send_request(request.unwrap()))
        .await
        .unwrap();
    let body = guarded(answer.into_body().collect()).await.unwrap();
    assert_eq!(&body.to_bytes()[..], b"here");
    // Those that go give their bytes back.
    drop(clients);
    guarded(async {
        while port.budget.under_way() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// A body that doesn't come.
struct Silent;

impl hyper::body::Body for Silent {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Each call keeps its head in memory as long as it lasts.
#[tokio::test]
async fn heads_of_calls_stay_within_the_budget() {
    let bytes = budget::ByteLimits {
        per_connection: 110 << 10,
        ..budget::ByteLimits::default()
    };
    let port = start(Protocol::Http2, PortLimits::default(), bytes).await;
    let stream = TokioIo::new(connect(&port).await);
    let (mut client, connection) = client2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut answers = JoinSet::new();
    for _ in 0..20 {
        let request = Request::post("http://here/read").header("x-long", "a".repeat(22 << 10));
        answers.spawn(client.send_request(request.body(Silent).unwrap()));
    }
    for _ in 0..15 {
        let refused = guarded(answers.join_next()).await.unwrap();
        assert_eq!(refused.unwrap().unwrap().status(), 503);
    }
    let under_way = port.budget.under_way();
    assert!(
        (5 * (20 << 10)..110 << 10).contains(&under_way),
        "{under_way}"
    );
    answers.shutdown().await;
    guarded(async {
        while port.budget.under_way() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_read_is_whole_and_costs_nothing_afterwards() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let answer = ask(&port, "/large").await;
    assert!(answer.len() > LARGE, "{}", answer.len());
    guarded(async {
        while port.budget.under_way() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_busy_port_refuses_in_its_own_words() {
    let limits = PortLimits {
        connections: 0,
        connections_per_address: 0,
        ..few()
    };
    let port = start(Protocol::Http1, limits, budget::ByteLimits::default()).await;
    let answer = ask(&port, "/small").await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("Busy"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_ask_again() {
    let limits = PortLimits {
        calls: Some(crate::rate::CallRate {
            per_minute: 1,
            burst: 3,
        }),
        ..few()
    };
    let port = start(Protocol::Http1, limits, budget::ByteLimits::default()).await;
    for _ in 0..3 {
        assert!(ask(&port, "/small").await.ends_with("here"));
    }
    let refused = ask(&port, "/small").await;
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.contains("TooOften(6"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_last_answer_is_given_when_the_port_closes() {
    let port = start(Protocol::Http1, few(), budget::ByteLimits::default()).await;
    let mut stream = connect(&port).await;
    // The server asks for the body once it has read the head: the request is under way.
    let head =
        b"POST /read HTTP/1.1\r\nhost: here\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    stream.write_all(head).await.unwrap();
    let mut asked = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    guarded(stream.read_exact(&mut asked)).await.unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100 "));
    port.stop.cancel();
    stream.write_all(b"last").await.unwrap();
    let mut text = Vec::new();
    guarded(stream.read_to_end(&mut text)).await.unwrap();
    assert!(String::from_utf8_lossy(&text).ends_with('4'));
}

#[test]
fn a_client_is_told_apart_by_its_address() {
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    assert_eq!(owner_of(address), address);
}
