//! The one accept loop, at a bounded rate, and the time until a client has said how it begins. It never waits for a
//! slot: newcomers displace each other. All ports of a process share one thread for it that gives way to all others,
//! so that a flood of connections which ask nothing takes no time of consensus or of clients who have asked.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc::Sender;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::arrivals::{Arrival, Arrivals};
use crate::background;
use crate::beginning::{Beginning, begins};
use crate::syn_filter::SynFilter;

/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_secs(1);
/// How long to wait where the system refuses a connection, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// What a port keeps of a connection before its beginning has come.
pub trait Newcomer: Send + Sync + 'static {
    /// The client has sent a first byte.
    fn has_begun(&self);
    /// Cancelled where it has to be shut out.
    fn closing(&self) -> &CancellationToken;
}

/// A connection whose beginning has come; it belongs to no runtime.
pub type Spoken<N> = (std::net::TcpStream, N);

/// The runtime of the thread at the door. Where the system gives none, it is the caller's own.
fn handle() -> Handle {
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
/// `beginning` is whole. `sweep` is called once a second. All of it is the work of the thread at the door.
pub fn keep<N: Newcomer>(
    listener: TcpListener,
    beginning: Beginning,
    arrivals: Arc<Arrivals>,
    admit: impl Fn(SocketAddr, Arrival) -> Option<N> + Send + 'static,
    sweep: impl Fn(Instant) + Send + 'static,
    inside: Sender<Spoken<N>>,
    stop: CancellationToken,
) -> JoinHandle<()> {
    let kept = accept(listener, beginning, arrivals, admit, sweep, inside, stop);
    handle().spawn(kept)
}

async fn accept<N: Newcomer>(
    listener: TcpListener,
    beginning: Beginning,
    arrivals: Arc<Arrivals>,
    admit: impl Fn(SocketAddr, Arrival) -> Option<N>,
    sweep: impl Fn(Instant),
    inside: Sender<Spoken<N>>,
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
    let mut filter = SynFilter::default();
    let mut ticks = tokio::time::interval(SWEEP);
    // A sweep right after a late one would find that nobody has come.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // Those that have ended needn't be kept.
        while silent.try_join_next().is_some() {}
        let wait = arrivals.wait();
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {
                let now = Instant::now();
                if let Some(shed) = arrivals.sweep(now) {
                    filter.set(&listener, &shed);
                }
                sweep(now);
            }
            () = arrivals.given_back(), if !wait.is_zero() => {}
            accepted = accept_after(wait, &listener) => match accepted {
                Ok((stream, address)) => {
                    let arrival = arrivals.take(address.ip());
                    if let Some(newcomer) = admit(address, arrival) {
                        silent.spawn(hold(stream, beginning, newcomer, inside.clone()));
                    }
                }
                // Whoever stops a port may shut its socket as well.
                Err(_) if stop.is_cancelled() => break,
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
async fn hold<N: Newcomer>(
    stream: TcpStream,
    beginning: Beginning,
    newcomer: N,
    inside: Sender<Spoken<N>>,
) {
    let closing = newcomer.closing().clone();
    let spoken = async {
        if !begins(&stream, beginning, || newcomer.has_begun()).await {
            return;
        }
        if let Ok(stream) = stream.into_std() {
            // Inside is nobody once the port closes.
            let _ = inside.send((stream, newcomer)).await;
        }
    };
    tokio::select! {
        () = closing.cancelled() => tracing::debug!("a newcomer gave way or was late"),
        () = spoken => {}
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::AsyncReadExt;
    use tokio::sync::mpsc;

    use super::*;
    use crate::arrivals::ArrivalRates;
    use crate::rate::CallRate;

    /// Nobody's: all are shut out at once.
    struct Nobody;

    impl Newcomer for Nobody {
        fn has_begun(&self) {}

        fn closing(&self) -> &CancellationToken {
            unreachable!("nobody is let in")
        }
    }

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

    /// Three at once, and then one in a minute.
    #[tokio::test]
    async fn a_flood_is_accepted_at_the_ports_rate() {
        let rates = ArrivalRates {
            port: CallRate {
                per_minute: 1,
                burst: 3,
            },
            ..ArrivalRates::default()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut flood = Vec::new();
        for _ in 0..20 {
            flood.push(TcpStream::connect(address).await.unwrap());
        }
        let arrivals = Arrivals::new(rates);
        let (accepted, mut accepts) = mpsc::unbounded_channel();
        let (swept, mut sweeps) = mpsc::unbounded_channel();
        let (inside, _spoken) = mpsc::channel::<Spoken<Nobody>>(1);
        let stop = CancellationToken::new();
        let kept = keep(
            listener,
            Beginning::Http1,
            arrivals,
            move |from, arrival| {
                let _ = accepted.send((from, arrival));
                None
            },
            move |now| _ = swept.send(now),
            inside,
            stop.clone(),
        );
        // By its second sweep it would have accepted all of them.
        for _ in 0..2 {
            sweeps.recv().await.unwrap();
        }
        let mut last = None;
        for client in &mut flood[..3] {
            let (from, arrival) = accepts.recv().await.unwrap();
            assert_eq!(from, client.local_addr().unwrap());
            assert_eq!(client.read(&mut [0]).await.unwrap(), 0, "it is shut out");
            last = Some(arrival);
        }
        assert!(accepts.is_empty());
        // Who asks and takes its answer leaves its turn to the next.
        last.unwrap().give_back();
        let (from, _) = accepts.recv().await.unwrap();
        assert_eq!(from, flood[3].local_addr().unwrap());
        stop.cancel();
        kept.await.unwrap();
        assert!(accepts.recv().await.is_none());
    }
}
