//! Inbound connections that haven't shown who they are. Strangers open them at will, so they have few places, and
//! addresses from which listed peers come have places of their own: a flood from elsewhere keeps no peer out. Where no
//! place is left, the oldest connection that has said nothing gives way, of the address that has most, so that a peer
//! behind the same address as a flood still gets in.

use super::{Multiaddr, NetworkLimits};
use futures::{AsyncRead, AsyncWrite};
use libp2p::{multiaddr::Protocol, tcp::tokio::TcpStream};
use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Instant,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use touchstone_edge::{
    beginning::{self, Beginning},
    connection_slots::{ConnectionSlot, ConnectionSlots},
};

/// Addresses of peers that are remembered beyond the list, where it names them by host names.
const REMEMBERED: usize = 256;

/// The places of handshakes.
#[derive(Debug)]
pub(super) struct Handshakes {
    known: Arc<ConnectionSlots>,
    strangers: Arc<ConnectionSlots>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses that the list of peers names.
    listed: BTreeSet<IpAddr>,
    /// Addresses from which listed peers have come.
    seen: BTreeSet<IpAddr>,
    open: HashMap<SocketAddr, Weak<Handshake>>,
}

/// One handshake; its place is free once the peer is known.
#[derive(Debug)]
struct Handshake {
    place: Mutex<Option<ConnectionSlot>>,
}

impl Handshakes {
    /// With nothing under way.
    pub fn new(limits: &NetworkLimits) -> Arc<Handshakes> {
        let places = limits.handshakes as usize;
        Arc::new(Handshakes {
            known: ConnectionSlots::new(places, (places / 2).max(1)),
            strangers: ConnectionSlots::new((places / 2).max(1), (places / 8).max(1)),
            state: Mutex::default(),
        })
    }

    /// Replaces the addresses that the list of peers names.
    pub fn set_listed(&self, addresses: impl Iterator<Item = Multiaddr>) {
        let listed = addresses.filter_map(|address| ip_of(&address)).collect();
        self.lock().listed = listed;
    }

    /// Takes a connection in.
    pub fn admit<S>(self: &Arc<Self>, stream: S, from: &Multiaddr) -> Watched<S> {
        let Some(from) = socket_of(from) else {
            return Watched::refused(stream);
        };
        let mut state = self.lock();
        let is_known = state.listed.contains(&from.ip()) || state.seen.contains(&from.ip());
        let places = if is_known {
            &self.known
        } else {
            &self.strangers
        };
        let closing = CancellationToken::new();
        let Ok(place) = places.take(from.ip(), Instant::now(), None, closing.clone()) else {
            return Watched::refused(stream);
        };
        let handshake = Arc::new(Handshake {
            place: Mutex::new(Some(place)),
        });
        state
            .open
            .retain(|_, handshake| handshake.strong_count() > 0);
        state.open.insert(from, Arc::downgrade(&handshake));
        Watched {
            stream,
            handshake: Some(handshake),
            closed: Some(Box::pin(closing.cancelled_owned())),
        }
    }

    /// A listed peer has shown itself on the connection from this address.
    pub fn established(&self, from: &Multiaddr) {
        let Some(from) = socket_of(from) else {
            return;
        };
        let mut state = self.lock();
        if state.seen.len() < REMEMBERED {
            state.seen.insert(from.ip());
        }
        if let Some(handshake) = state.open.remove(&from).and_then(|open| open.upgrade()) {
            *lock(&handshake.place) = None;
        }
    }

    /// How many handshakes are under way.
    #[cfg(test)]
    pub fn open(&self) -> usize {
        self.known.taken() + self.strangers.taken()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// A connection that is closed when its handshake gives way.
pub(super) struct Watched<S> {
    stream: S,
    handshake: Option<Arc<Handshake>>,
    closed: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<S> Watched<S> {
    /// One that this node has opened, or that needs no place.
    pub fn own(stream: S) -> Watched<S> {
        Watched {
            stream,
            handshake: None,
            closed: None,
        }
    }

    /// One for which no place is left.
    pub fn refused(stream: S) -> Watched<S> {
        let closing = CancellationToken::new();
        closing.cancel();
        Watched {
            stream,
            handshake: None,
            closed: Some(Box::pin(closing.cancelled_owned())),
        }
    }

    /// An error once the handshake has given way.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(handshake) = &self.handshake
            && lock(&handshake.place).is_none()
        {
            self.handshake = None;
            self.closed = None;
        }
        let closed = self.closed.as_mut();
        match closed.is_some_and(|closed| closed.as_mut().poll(context).is_ready()) {
            true => Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "the handshake gave way to others",
            )),
            false => Ok(()),
        }
    }

    fn has_begun(&self) {
        has_begun(self.handshake.as_ref());
    }
}

impl Watched<TcpStream> {
    /// Whether the other side has begun as a peer does, for which this waits, before it ended or gave way.
    pub async fn begins(&mut self) -> bool {
        let handshake = self.handshake.as_ref();
        let begins = beginning::begins(&self.stream.0, Beginning::Multistream, || {
            has_begun(handshake);
        });
        match &mut self.closed {
            Some(closed) => tokio::select! {
                biased;
                () = closed.as_mut() => false,
                has_begun = begins => has_begun,
            },
            None => begins.await,
        }
    }
}

/// It gives way to no one that has said nothing.
fn has_begun(handshake: Option<&Arc<Handshake>>) {
    if let Some(handshake) = handshake
        && let Some(place) = &*lock(&handshake.place)
    {
        place.has_begun();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(1..))) {
            self.has_begun();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip)),
        _ => None,
    }
}

/// Where a connection comes from, if it comes by TCP.
pub(super) fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let ip = ip_of(address)?;
    match address.iter().nth(1)? {
        Protocol::Tcp(port) => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept is whole between any two calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{AsyncReadExt, FutureExt, io::Cursor};
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream as Client},
    };

    fn from(ip: &str, port: u16) -> Multiaddr {
        format!("/ip4/{ip}/tcp/{port}").parse().unwrap()
    }

    fn is_open(stream: &mut Watched<Cursor<Vec<u8>>>) -> bool {
        let mut byte = [0; 1];
        stream.read(&mut byte).now_or_never().unwrap().is_ok()
    }

    fn silent() -> Cursor<Vec<u8>> {
        Cursor::new(Vec::new())
    }

    #[test]
    fn a_flood_of_strangers_leaves_the_places_of_peers_alone() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        handshakes.set_listed([from("192.0.2.1", 4000)].into_iter());
        let mut flood: Vec<_> = (0..500)
            .map(|port| {
                let ip = format!("198.51.100.{}", port % 100);
                handshakes.admit(silent(), &from(&ip, 1 + port))
            })
            .collect();
        let mut peer = handshakes.admit(silent(), &from("192.0.2.1", 50_000));
        assert!(is_open(&mut peer));
        let open = flood
            .iter_mut()
            .filter_map(|s| is_open(s).then_some(()))
            .count();
        assert_eq!(open, 32);
        assert_eq!(handshakes.open(), 33);
    }

    #[test]
    fn a_peer_gets_in_from_the_address_of_a_flood() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        handshakes.set_listed([from("127.0.0.1", 4000)].into_iter());
        let _first: Vec<_> = (0..100)
            .map(|port| handshakes.admit(silent(), &from("127.0.0.1", 1000 + port)))
            .collect();
        let mut peer = handshakes.admit(Cursor::new(vec![7; 2]), &from("127.0.0.1", 9000));
        assert!(is_open(&mut peer), "it has said something");
        let _second: Vec<_> = (0..1000)
            .map(|port| handshakes.admit(silent(), &from("127.0.0.1", 10_000 + port)))
            .collect();
        assert!(is_open(&mut peer));
        // Shown, it needs no place, and whatever comes can't displace it.
        handshakes.established(&from("127.0.0.1", 9000));
        let before = handshakes.open();
        let _third: Vec<_> = (0..100)
            .map(|port| {
                handshakes.admit(Cursor::new(vec![7; 1]), &from("127.0.0.1", 20_000 + port))
            })
            .collect();
        assert!(is_open(&mut peer));
        assert!(handshakes.open() <= before + 1);
    }

    #[test]
    fn an_address_from_which_a_peer_came_is_remembered() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let peer = handshakes.admit(silent(), &from("203.0.113.9", 9000));
        assert_eq!(handshakes.strangers.taken(), 1);
        handshakes.established(&from("203.0.113.9", 9000));
        drop(peer);
        let _again = handshakes.admit(silent(), &from("203.0.113.9", 9001));
        assert_eq!(
            (handshakes.known.taken(), handshakes.strangers.taken()),
            (1, 0)
        );
    }

    /// One that has begun, though no more than that, gives way after those that are silent.
    #[tokio::test]
    async fn a_first_byte_counts_before_anything_is_read() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        client.write_all(b"\x13").await.unwrap();
        client.shutdown().await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut begun = handshakes.admit(TcpStream(stream), &from("198.51.100.1", 1));
        assert!(!begun.begins().await, "it has ended");
        let _flood: Vec<_> = (2..1000)
            .map(|port| handshakes.admit(silent(), &from("198.51.100.1", port)))
            .collect();
        let mut byte = [0; 1];
        assert_eq!(begun.read(&mut byte).await.unwrap(), 1, "it is open");
        let mut refused = Watched::refused(begun.stream);
        assert!(!refused.begins().await);
    }
}
