//! Inbound connections that haven't shown who they are. Strangers open them at will, so they have few places, and
//! addresses from which listed peers come have places of their own: a flood from elsewhere keeps no peer out. Where no
//! place is left, the oldest connection that has said nothing gives way, of the address that has most, so that a peer
//! behind the same address as a flood still gets in.

use super::{Multiaddr, NetworkLimits};
use futures::{AsyncRead, AsyncWrite};
use libp2p::{PeerId, multiaddr::Protocol};
use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll},
    time::Instant,
};
use tokio::time::Duration;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use touchstone_edge::{
    arrivals::Arrival,
    connection_slots::{ConnectionSlot, ConnectionSlots},
    door,
};

/// Peers whose last address is remembered beyond the list, where it names them by host names.
const REMEMBERED: usize = 256;

/// How long a newcomer may take until it has begun. A peer does with its first packet.
const TIME_TO_BEGIN: Duration = Duration::from_secs(5);

/// The places of handshakes.
#[derive(Debug)]
pub(super) struct Handshakes {
    known: Arc<ConnectionSlots>,
    strangers: Arc<ConnectionSlots>,
    time_to_begin: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Addresses that the list of peers names.
    listed: BTreeSet<IpAddr>,
    /// Addresses from which listed peers came last: one of each, or whoever comes from many would leave no room for
    /// others.
    seen: HashMap<PeerId, IpAddr>,
    open: HashMap<SocketAddr, Weak<Handshake>>,
}

/// One handshake; its place is free once the peer is known.
#[derive(Debug)]
struct Handshake {
    place: Mutex<Option<Place>>,
}

#[derive(Debug)]
struct Place {
    slot: ConnectionSlot,
    arrival: Arrival,
}

impl Handshakes {
    /// With nothing under way.
    pub fn new(limits: &NetworkLimits) -> Arc<Handshakes> {
        Handshakes::with_time_to_begin(limits, TIME_TO_BEGIN)
    }

    /// The same, of newcomers that may take so long until they have begun.
    pub fn with_time_to_begin(limits: &NetworkLimits, time_to_begin: Duration) -> Arc<Handshakes> {
        let places = limits.handshakes as usize;
        Arc::new(Handshakes {
            known: ConnectionSlots::new(places, (places / 2).max(1)),
            strangers: ConnectionSlots::new((places / 2).max(1), (places / 8).max(1)),
            time_to_begin,
            state: Mutex::default(),
        })
    }

    /// Replaces the addresses that the list of peers names.
    pub fn set_listed(&self, addresses: impl Iterator<Item = Multiaddr>) {
        let listed = addresses.filter_map(|address| ip_of(&address)).collect();
        self.lock().listed = listed;
    }

    /// Takes a newcomer in; none where no place is left.
    pub fn admit(&self, from: SocketAddr, arrival: Arrival) -> Option<PendingPeer> {
        // As its address will be known once it has shown itself: without a scope or a flow.
        let from = SocketAddr::new(from.ip(), from.port());
        let mut state = self.lock();
        let is_known = state.listed.contains(&from.ip()) || state.has_seen(from.ip());
        let places = if is_known {
            &self.known
        } else {
            &self.strangers
        };
        let closing = CancellationToken::new();
        let now = Instant::now();
        let deadline = now.checked_add(self.time_to_begin);
        let slot = places
            .take(arrival.owner(), now, deadline, closing.clone())
            .ok()?;
        let handshake = Arc::new(Handshake {
            place: Mutex::new(Some(Place { slot, arrival })),
        });
        state
            .open
            .retain(|_, handshake| handshake.strong_count() > 0);
        state.open.insert(from, Arc::downgrade(&handshake));
        Some(PendingPeer {
            from,
            handshake,
            closing,
        })
    }

    /// Shuts those out that haven't begun in time.
    pub fn sweep(&self, now: Instant) {
        self.known.sweep(now);
        self.strangers.sweep(now);
    }

    /// A listed peer has shown itself on the connection from this address.
    pub fn established(&self, peer: PeerId, from: &Multiaddr) {
        let Some(from) = socket_of(from) else {
            return;
        };
        let mut state = self.lock();
        if state.seen.len() < REMEMBERED || state.seen.contains_key(&peer) {
            state.seen.insert(peer, from.ip());
        }
        let handshake = state.open.remove(&from).and_then(|open| open.upgrade());
        if let Some(Place { arrival, .. }) = handshake.and_then(|one| lock(&one.place).take()) {
            // It came for something.
            arrival.give_back();
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

impl State {
    /// Whether a listed peer came from an address last.
    fn has_seen(&self, address: IpAddr) -> bool {
        self.seen.values().any(|seen| *seen == address)
    }
}

/// One that has a place, and hasn't begun.
pub(super) struct PendingPeer {
    /// Where it comes from.
    pub from: SocketAddr,
    handshake: Arc<Handshake>,
    closing: CancellationToken,
}

impl PendingPeer {
    /// It has begun: its connection.
    pub fn watch<S>(self, stream: S) -> Watched<S> {
        if let Some(place) = &*lock(&self.handshake.place) {
            // The handshake has a time of its own from now on.
            place.slot.waits(Instant::now(), None);
        }
        Watched {
            stream,
            handshake: Some(self.handshake),
            closed: Some(Box::pin(self.closing.cancelled_owned())),
        }
    }
}

impl door::Newcomer for PendingPeer {
    fn has_begun(&self) {
        self.handshake.has_begun();
    }

    fn closing(&self) -> &CancellationToken {
        &self.closing
    }
}

impl Handshake {
    /// It gives way to no one that has said nothing.
    fn has_begun(&self) {
        if let Some(place) = &*lock(&self.place) {
            place.slot.has_begun();
        }
    }
}

/// A connection that is closed when its handshake gives way.
pub(super) struct Watched<S> {
    stream: S,
    handshake: Option<Arc<Handshake>>,
    closed: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<S> Watched<S> {
    /// One that this node has opened: it needs no place.
    pub fn own(stream: S) -> Watched<S> {
        Watched {
            stream,
            handshake: None,
            closed: None,
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
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(1..)))
            && let Some(handshake) = &self.handshake
        {
            handshake.has_begun();
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
    use touchstone_edge::{
        arrivals::{ArrivalRates, Arrivals},
        door::Newcomer as _,
        rate::CallRate,
    };

    fn from(ip: &str, port: u16) -> Multiaddr {
        format!("/ip4/{ip}/tcp/{port}").parse().unwrap()
    }

    /// A newcomer, which always displaces somebody here.
    fn comes(handshakes: &Handshakes, ip: &str, port: u16) -> PendingPeer {
        let from = SocketAddr::new(ip.parse().unwrap(), port);
        let arrivals = Arrivals::new(ArrivalRates::default());
        handshakes.admit(from, arrivals.take(from.ip())).unwrap()
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
        let flood: Vec<_> = (0..500)
            .map(|port| comes(&handshakes, &format!("198.51.100.{}", port % 100), 1 + port))
            .collect();
        let mut peer = comes(&handshakes, "192.0.2.1", 50_000).watch(silent());
        assert!(is_open(&mut peer));
        let open = flood.iter().filter(|one| !one.closing().is_cancelled());
        assert_eq!(open.count(), 32);
        assert_eq!(handshakes.open(), 33);
    }

    #[test]
    fn a_peer_gets_in_from_the_address_of_a_flood() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        handshakes.set_listed([from("127.0.0.1", 4000)].into_iter());
        let flood = |from: u16, count: u16| -> Vec<PendingPeer> {
            let ports = from..from + count;
            ports
                .map(|port| comes(&handshakes, "127.0.0.1", port))
                .collect()
        };
        let _first = flood(1000, 100);
        let mut peer = comes(&handshakes, "127.0.0.1", 9000).watch(Cursor::new(vec![7; 2]));
        let _second = flood(10_000, 1000);
        assert!(is_open(&mut peer), "it has said something");
        // Shown, it needs no place, and whatever comes can't displace it.
        handshakes.established(PeerId::random(), &from("127.0.0.1", 9000));
        let before = handshakes.open();
        let third = flood(20_000, 100).into_iter();
        let _third: Vec<_> = third
            .map(|one| one.watch(Cursor::new(vec![7; 1])))
            .collect();
        assert!(is_open(&mut peer));
        assert!(handshakes.open() <= before + 1);
    }

    #[test]
    fn an_address_from_which_a_peer_came_is_remembered() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let peer = comes(&handshakes, "203.0.113.9", 9000).watch(silent());
        assert_eq!(handshakes.strangers.taken(), 1);
        handshakes.established(PeerId::random(), &from("203.0.113.9", 9000));
        drop(peer);
        let _again = comes(&handshakes, "203.0.113.9", 9001);
        assert_eq!(
            (handshakes.known.taken(), handshakes.strangers.taken()),
            (1, 0)
        );
    }

    #[test]
    fn a_peer_that_comes_from_many_addresses_leaves_room_for_others() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let wanderer = PeerId::random();
        for last in 0..=255 {
            let address = format!("203.0.113.{last}");
            handshakes.established(wanderer, &from(&address, 9000));
        }
        handshakes.established(PeerId::random(), &from("198.51.100.7", 9000));
        let _other = comes(&handshakes, "198.51.100.7", 9001);
        let _now = comes(&handshakes, "203.0.113.255", 9001);
        let _earlier = comes(&handshakes, "203.0.113.1", 9001);
        assert_eq!(
            (handshakes.known.taken(), handshakes.strangers.taken()),
            (2, 1)
        );
    }

    /// Whoever has a network has all of its addresses.
    #[test]
    fn an_ipv6_network_has_the_places_of_one_address() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let _flood: Vec<_> = (1..200)
            .map(|last| comes(&handshakes, &format!("2001:db8::{last:x}"), 1))
            .collect();
        let share = handshakes.strangers.taken();
        let other = comes(&handshakes, "2001:db8:0:1::1", 1);
        assert_eq!(handshakes.strangers.taken(), share + 1);
        assert!(!other.closing().is_cancelled());
        assert_eq!(share, NetworkLimits::default().handshakes as usize / 8);
    }

    /// One that has begun, though no more than that, gives way after those that are silent.
    #[test]
    fn a_first_byte_counts_before_anything_is_read() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let begun = comes(&handshakes, "198.51.100.1", 1);
        begun.has_begun();
        let flood: Vec<_> = (2..1000)
            .map(|port| comes(&handshakes, "198.51.100.1", port))
            .collect();
        assert!(!begun.closing().is_cancelled());
        assert!(flood[0].closing().is_cancelled());
    }

    /// Else nodes that lose their connections again and again would be shed.
    #[test]
    fn a_peer_that_has_shown_itself_came_for_something() {
        let one = CallRate {
            per_minute: 1,
            burst: 1,
        };
        let arrivals = Arrivals::new(ArrivalRates {
            port: one,
            owner: one,
            beyond: one,
        });
        let handshakes = Handshakes::new(&NetworkLimits::default());
        for port in 1..20 {
            let at = SocketAddr::new([192, 0, 2, 1].into(), port);
            let peer = handshakes.admit(at, arrivals.take(at.ip())).unwrap();
            assert!(!arrivals.wait().is_zero());
            let _connected = peer.watch(silent());
            handshakes.established(PeerId::random(), &from("192.0.2.1", port));
            assert!(arrivals.wait().is_zero());
        }
    }

    /// Else a handshake would have what is left of the time to begin.
    #[test]
    fn only_who_has_not_begun_is_late() {
        let handshakes = Handshakes::with_time_to_begin(&NetworkLimits::default(), Duration::ZERO);
        let slow = comes(&handshakes, "198.51.100.1", 1);
        slow.has_begun();
        let mut peer = comes(&handshakes, "198.51.100.1", 2).watch(silent());
        handshakes.sweep(Instant::now());
        assert!(slow.closing().is_cancelled());
        assert!(is_open(&mut peer));
        assert_eq!(handshakes.open(), 1);
    }

    /// The swarm tells addresses without it.
    #[test]
    fn a_peer_of_the_own_link_leaves_its_place_once_it_is_known() {
        let handshakes = Handshakes::new(&NetworkLimits::default());
        let scoped = std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 9000, 0, 7);
        let arrivals = Arrivals::new(ArrivalRates::default());
        let arrival = arrivals.take(IpAddr::V6(*scoped.ip()));
        let peer = handshakes.admit(scoped.into(), arrival).unwrap();
        assert_eq!(handshakes.open(), 1);
        let from = "/ip6/fe80::1/tcp/9000".parse().unwrap();
        handshakes.established(PeerId::random(), &from);
        assert_eq!(handshakes.open(), 0);
        drop(peer);
    }
}
