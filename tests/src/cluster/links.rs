//! Links that take time, stall, or carry nothing for a while: each node is reached through a proxy that hands on
//! what it gets, both ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::clock;
use crate::random::Random;

/// Bytes that are read at once.
const READ: usize = 64 << 10;
/// How long a segment is late that was lost on the way: TCP's least timeout.
const STALL: Duration = Duration::from_millis(200);
/// How often a link that is cut looks whether it still is.
const PAUSE: Duration = Duration::from_millis(10);

/// How all links of a cluster are.
#[derive(Debug, Default)]
pub struct Weather {
    /// How long a piece is under way, milliseconds.
    delay_ms: AtomicU64,
    /// Pieces of a thousand that are lost and sent again.
    lost: AtomicU64,
    /// Whether nothing arrives.
    is_cut: AtomicBool,
    /// Links so far, each of which has its own chance.
    links: AtomicU64,
}

impl Weather {
    /// Each piece is under way so long.
    pub fn delay(&self, delay: Duration) {
        self.delay_ms
            .store(delay.as_millis() as u64, Ordering::Relaxed);
    }

    /// So many pieces of a thousand are lost, and come late, with all behind them.
    pub fn lose(&self, permille: u64) {
        self.lost.store(permille, Ordering::Relaxed);
    }

    /// From now on nothing arrives, or everything does; what was under way waits.
    pub fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }

    /// When a piece that sets out now arrives.
    fn due(&self, random: &mut Random) -> Instant {
        let delay = Duration::from_millis(self.delay_ms.load(Ordering::Relaxed));
        match random.permille(self.lost.load(Ordering::Relaxed)) {
            true => Instant::now() + delay + STALL,
            false => Instant::now() + delay,
        }
    }
}

/// Serves `at` for the node that listens at `to`, for as long as the runtime lives.
pub fn serve(at: SocketAddr, to: SocketAddr, weather: Arc<Weather>) {
    tokio::spawn(async move {
        let listener = TcpListener::bind(at)
            .await
            .expect("the port was found free");
        while let Ok((here, _)) = listener.accept().await {
            let weather = weather.clone();
            tokio::spawn(async move {
                // A node that is down refuses; its peer then sees this connection end.
                let Ok(there) = TcpStream::connect(to).await else {
                    return;
                };
                let options = [here.set_nodelay(true), there.set_nodelay(true)];
                assert!(
                    options.iter().all(Result::is_ok),
                    "a connected socket takes options"
                );
                let ((from_here, to_here), (from_there, to_there)) =
                    (here.into_split(), there.into_split());
                tokio::spawn(carry(from_here, to_there, weather.clone()));
                carry(from_there, to_here, weather).await;
            });
        }
    });
}

/// How long a piece really takes one way over an idle link, milliseconds, timers and copying included: half of the
/// median of so many round trips.
pub async fn one_way_ms(at: SocketAddr, weather: Arc<Weather>, trips: usize) -> f64 {
    let echo = TcpListener::bind("127.0.0.1:0").await;
    let echo = echo.expect("the system has a free port");
    serve(at, echo.local_addr().expect("it is bound"), weather);
    tokio::spawn(async move {
        let (mut there, _) = echo.accept().await.expect("the proxy connects");
        there
            .set_nodelay(true)
            .expect("a connected socket takes options");
        let mut piece = [0];
        while there.read_exact(&mut piece).await.is_ok() {
            if there.write_all(&piece).await.is_err() {
                return;
            }
        }
    });
    let mut here = loop {
        match TcpStream::connect(at).await {
            Ok(here) => break here,
            // The proxy doesn't listen yet.
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    };
    here.set_nodelay(true)
        .expect("a connected socket takes options");
    let mut trips_ms = Vec::new();
    for _ in 0..trips {
        let begin = Instant::now();
        here.write_all(&[1]).await.expect("the link holds");
        here.read_exact(&mut [0]).await.expect("the link holds");
        trips_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    trips_ms.sort_by(f64::total_cmp);
    trips_ms
        .get(trips / 2)
        .map_or(f64::NAN, |trip_ms| trip_ms / 2.0)
}

/// Hands on each piece when it is due, until either side ends.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: Arc<Weather>) {
    let (pieces, mut waiting) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let sky = weather.clone();
    tokio::spawn(async move {
        let mut random = Random::new(sky.links.fetch_add(1, Ordering::Relaxed));
        let mut buffer = vec![0; READ];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let piece = buffer[..count].to_vec();
            if pieces.send((sky.due(&mut random), piece)).is_err() {
                return;
            }
        }
    });
    while let Some((due, piece)) = waiting.recv().await {
        clock::sleep_until(due).await;
        while weather.is_cut.load(Ordering::Relaxed) {
            tokio::time::sleep(PAUSE).await;
        }
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::free_ports;

    #[tokio::test]
    async fn a_link_takes_no_less_than_it_is_told_to() {
        let weather = Arc::new(Weather::default());
        weather.delay(Duration::from_millis(20));
        let at = SocketAddr::from(([127, 0, 0, 1], free_ports(1)[0]));
        let took_ms = one_way_ms(at, weather, 20).await;
        assert!(took_ms >= 20.0, "{took_ms}");
    }
}
