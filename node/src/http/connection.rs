//! Connections: so many at once, a client that says nothing is let go, and the last answers are
//! finished when the node stops.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// Connections at once.
const CONNECTIONS: usize = 512;
/// How long a request's head may take to come, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of a request.
const MAX_HEADERS: usize = 64;
/// Bytes of a request's head.
const HEAD_BYTES: usize = 64 << 10;
/// How long to wait where the system refuses a connection, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` changes to true, and until the answers under way are given.
pub async fn serve(listener: TcpListener, router: Router, mut shutdown: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        // Those that have ended needn't be kept.
        while connections.try_join_next().is_some() {}
        let next = async {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stopped_by(&mut shutdown) => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let served = one(stream, router.clone(), shutdown.clone());
                connections.spawn(async move {
                    let _place = place;
                    served.await;
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection was not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn one(stream: TcpStream, router: Router, mut shutdown: watch::Receiver<bool>) {
    // Only costs time if it fails.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped_by(&mut shutdown) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Waits until it is true. An error means that nobody is left to say so: stop as well.
async fn stopped_by(said: &mut watch::Receiver<bool>) {
    let _ = said.wait_for(|stop| *stop).await;
}
