//! The one accept loop, at a bounded rate, and the time until a client has said how it begins. It never waits for a
//! slot: newcomers displace each other. All ports of a process share one thread for it that gives way to all others,
//! so that a flood of connections which ask nothing takes no time of consensus or of clients who have asked.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::arrivals::Arrivals;
use crate::background;
use crate::beginning::{Beginning, begins};
use crate::connection::Connection;

/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_secs(1);
/// How long to wait where the system refuses a connection, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection whose beginning has come; it belongs to no runtime.
pub(crate) type Spoken = (std::net::TcpStream, Arc<Connection>);

/// The runtime of the thread at the door. Where the system gives none, it is the caller's own.
pub(crate) fn handle() -> Handle {
    static DOOR: OnceLock<Option<Handle>> = OnceLock::new();
    let door = DOOR.get_or_init(|| match thread() {
        Ok(handle) => Some(handle),
        Err(error) => {
            tracing::warn!(%error, "no thread for the door: a flood of connections will cost clients time");
            None
        }
    });
    door.clone().unwrap_or_else(Handle::current)
}

fn thread() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let thread = std::thread::Builder::new().name("door".into());
    thread.spawn(move || {
        background::give_way();
        // As long as the process lives: each port ends its own tasks.
        runtime.block_on(std::future::pending::<()>());
    })?;
    Ok(handle)
}

/// Accepts until `stop` as often as `arrivals` say, holds whom `admit` gives a slot, and gives those inside whose
/// `beginning` is whole.
pub(crate) async fn keep(
    listener: TcpListener,
    beginning: Beginning,
    arrivals: Arc<Arrivals>,
    admit: impl Fn(SocketAddr) -> Option<Arc<Connection>>,
    sweep: impl Fn(Instant),
    inside: Sender<Spoken>,
    stop: CancellationToken,
) {
    // It wakes up this runtime from now on.
    let listener = match listener.into_std().and_then(TcpListener::from_std) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "a port can't be listened at");
            return;
        }
    };
    let mut silent = JoinSet::new();
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        // Those that have ended needn't be kept.
        while silent.try_join_next().is_some() {}
        let wait = arrivals.wait();
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => sweep(Instant::now()),
            () = arrivals.given_back(), if !wait.is_zero() => {}
            accepted = accept_after(wait, &listener) => match accepted {
                Ok((stream, address)) => {
                    arrivals.take();
                    if let Some(connection) = admit(address) {
                        silent.spawn(hold(stream, beginning, connection, inside.clone()));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
}

async fn accept_after(
    wait: Duration,
    listener: &TcpListener,
) -> std::io::Result<(TcpStream, SocketAddr)> {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    listener.accept().await
}

/// Waits for the beginning of a conversation: nothing is made for a client that doesn't say what it wants.
async fn hold(
    stream: TcpStream,
    beginning: Beginning,
    connection: Arc<Connection>,
    inside: Sender<Spoken>,
) {
    let client = connection.client;
    let closing = connection.closing.clone();
    let spoken = async {
        if !begins(&stream, beginning, || connection.has_begun()).await {
            return;
        }
        if let Ok(stream) = stream.into_std() {
            // Inside is nobody once the port closes.
            let _ = inside.send((stream, connection)).await;
        }
    };
    tokio::select! {
        () = closing.cancelled() => tracing::debug!(?client, "a newcomer gave way or was late"),
        () = spoken => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_thread_at_the_door_stands_behind_its_callers() {
        let own = background::rank().unwrap();
        let ranks = [
            handle().spawn(async { background::rank() }),
            handle().spawn(async { background::rank() }),
        ];
        for rank in ranks {
            assert_eq!(rank.await.unwrap(), Some(background::RANK.max(own)));
        }
    }
}
