//! The peers' port: newcomers stand at the door that all ports of the process have (`touchstone_edge::door`) until they
//! have begun as a peer does. libp2p makes a task, a time-out and a negotiation for each connection that it sees, which
//! strangers would have for the asking.

use super::handshakes::{Handshakes, PendingPeer, Watched, socket_of};
use futures::{
    FutureExt, TryFutureExt,
    future::{self, BoxFuture, Ready},
};
use libp2p::{
    Multiaddr, Transport,
    core::transport::{Boxed, DialOpts, ListenerId, TransportError, TransportEvent},
    multiaddr::Protocol,
    tcp::tokio::TcpStream,
};
use socket2::{Domain, SockRef, Socket, Type};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    task::{self, Context, Poll},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use touchstone_edge::{
    arrivals::{ArrivalRates, Arrivals},
    beginning::Beginning,
    door::{self, Newcomer, Spoken},
};

/// Connections that the system completes before they are accepted.
const BACKLOG: i32 = 1024;

/// Connections that have begun and aren't taken over yet; the next ones stay at the door.
const BEGUN: usize = 64;

type Event = TransportEvent<Ready<io::Result<Watched<TcpStream>>>, io::Error>;

/// A transport that gives connections on once they have begun. `Handshakes` says how many it holds.
pub(super) struct Door {
    /// Opens this node's own connections.
    dialer: Boxed<TcpStream>,
    handshakes: Arc<Handshakes>,
    listeners: HashMap<ListenerId, Listener>,
    begun: mpsc::Receiver<Spoken<Visitor>>,
    inside: mpsc::Sender<Spoken<Visitor>>,
    events: VecDeque<Event>,
}

/// A port; dropped, it is free again.
struct Listener {
    /// The socket that the thread at the door accepts from.
    socket: TcpListener,
    /// What that thread does for it.
    kept: JoinHandle<()>,
    stop: CancellationToken,
}

/// A newcomer, and where it came to.
struct Visitor {
    listener: ListenerId,
    peer: PendingPeer,
}

impl Newcomer for Visitor {
    fn has_begun(&self) {
        self.peer.has_begun();
    }

    fn closing(&self) -> &CancellationToken {
        self.peer.closing()
    }
}

impl Door {
    /// With nobody before it, and no port yet.
    pub fn new(dialer: Boxed<TcpStream>, handshakes: Arc<Handshakes>) -> Door {
        let (inside, begun) = mpsc::channel(BEGUN);
        Door {
            dialer,
            handshakes,
            listeners: HashMap::new(),
            begun,
            inside,
            events: VecDeque::new(),
        }
    }

    /// A port from which nobody accepts any more. Its socket would go on to complete connections.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Option<Event> {
        let mut listeners = self.listeners.iter_mut();
        let (id, ended) = listeners.find_map(|(id, listener)| {
            match Pin::new(&mut listener.kept).poll(context) {
                Poll::Ready(ended) => Some((*id, ended)),
                Poll::Pending => None,
            }
        })?;
        self.listeners.remove(&id);
        let reason = ended.map_or_else(|error| error.to_string(), |()| "it ended".to_owned());
        Some(TransportEvent::ListenerClosed {
            listener_id: id,
            reason: Err(io::Error::other(reason)),
        })
    }

    fn open(&mut self, id: ListenerId, address: SocketAddr) -> io::Result<()> {
        let socket = bind(address)?;
        let accepts = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
        let address = multiaddr_of(socket.local_addr()?);
        let stop = CancellationToken::new();
        let (comes, late) = (Arc::clone(&self.handshakes), Arc::clone(&self.handshakes));
        let kept = door::keep(
            accepts,
            Beginning::Multistream,
            Arrivals::new(ArrivalRates::default()),
            move |from, arrival| {
                let peer = comes.admit(from, arrival)?;
                Some(Visitor { listener: id, peer })
            },
            move |now| late.sweep(now),
            self.inside.clone(),
            stop.clone(),
        );
        let listener = Listener { socket, kept, stop };
        self.listeners.insert(id, listener);
        self.events.push_back(TransportEvent::NewAddress {
            listener_id: id,
            listen_addr: address,
        });
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
        // The thread at the door lets go of it in its own time. An error says that nobody listens any more.
        let _ = SockRef::from(&self.socket).shutdown(Shutdown::Both);
    }
}

impl Transport for Door {
    type Output = Watched<TcpStream>;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<Watched<TcpStream>>>;
    type Dial = BoxFuture<'static, io::Result<Watched<TcpStream>>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        // Who listens may be named behind it.
        let is_tcp = address
            .iter()
            .skip(2)
            .all(|part| matches!(part, Protocol::P2p(_)));
        match socket_of(&address).filter(|_| is_tcp) {
            Some(socket) => self.open(id, socket).map_err(TransportError::Other),
            None => Err(TransportError::MultiaddrNotSupported(address)),
        }
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        let removed = self.listeners.remove(&id);
        if removed.is_some() {
            self.events.push_back(TransportEvent::ListenerClosed {
                listener_id: id,
                reason: Ok(()),
            });
        }
        removed.is_some()
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        let dial = self.dialer.dial(address, options)?;
        Ok(dial.map_ok(Watched::own).boxed())
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Event> {
        let this = &mut *self;
        if let Some(event) = this.events.pop_front() {
            return Poll::Ready(event);
        }
        if let Some(event) = this.poll_ended(context) {
            return Poll::Ready(event);
        }
        loop {
            let Some((stream, visitor)) = task::ready!(this.begun.poll_recv(context)) else {
                // Not while `inside` is there.
                return Poll::Pending;
            };
            // Who came to a port that is closed by now isn't let in.
            if !this.listeners.contains_key(&visitor.listener) {
                continue;
            }
            match enter(stream, visitor) {
                Ok(event) => return Poll::Ready(event),
                Err(error) => tracing::debug!(%error, "a connection ended as it was let in"),
            }
        }
    }
}

/// Gives a connection to the runtime of the network.
fn enter(stream: std::net::TcpStream, visitor: Visitor) -> io::Result<Event> {
    let Visitor { listener, peer } = visitor;
    let local = stream.local_addr()?;
    let from = peer.from;
    // A message of more than one segment doesn't wait for an acknowledgement.
    stream.set_nodelay(true)?;
    let stream = TcpStream(tokio::net::TcpStream::from_std(stream)?);
    Ok(TransportEvent::Incoming {
        listener_id: listener,
        upgrade: future::ok(peer.watch(stream)),
        local_addr: multiaddr_of(local),
        send_back_addr: multiaddr_of(from),
    })
}

/// A socket that listens, and is alone at its port: no other one shares it (`SO_REUSEPORT`).
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // Else nothing could listen at the same port of all IPv4 addresses.
        socket.set_only_v6(true)?;
    }
    // A node that starts again doesn't wait for the connections of before.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn multiaddr_of(address: SocketAddr) -> Multiaddr {
    Multiaddr::from(address.ip()).with(Protocol::Tcp(address.port()))
}

#[cfg(test)]
mod tests {
    use super::{super::NetworkLimits, *};
    use futures::AsyncReadExt;
    use libp2p::{core::transport::PortUse, tcp};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt},
        net::TcpStream as Client,
        time::Duration,
    };

    /// The header of multistream-select 1.0.0.
    const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";

    /// Nobody is shut out for being late, unless a test says so.
    const FOR_EVER: Duration = Duration::from_secs(3600);

    struct Port {
        door: Door,
        listener: ListenerId,
        address: SocketAddr,
    }

    impl Port {
        async fn open(handshakes: u32, time_to_begin: Duration) -> Port {
            let limits = NetworkLimits {
                handshakes,
                ..NetworkLimits::default()
            };
            let handshakes = Handshakes::with_time_to_begin(&limits, time_to_begin);
            let mut door = Door::new(tcp::tokio::Transport::default().boxed(), handshakes);
            let listener = ListenerId::next();
            let any = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
            door.listen_on(listener, any).unwrap();
            let opened = next(&mut door).await.into_new_address().unwrap();
            let address = socket_of(&opened).unwrap();
            Port {
                door,
                listener,
                address,
            }
        }

        /// A newcomer that says so much.
        async fn comes(&self, says: &[u8]) -> Client {
            let mut client = Client::connect(self.address).await.unwrap();
            client.write_all(says).await.unwrap();
            client
        }

        /// The next one that is let in.
        async fn lets_in(&mut self) -> (Watched<TcpStream>, Multiaddr) {
            let (upgrade, from) = next(&mut self.door).await.into_incoming().unwrap();
            (upgrade.await.unwrap(), from)
        }

        /// Waits until the port has shut a client out, and lets nobody in.
        async fn shuts_out(&mut self, client: &mut Client) {
            let mut rest = Vec::new();
            tokio::select! {
                // Closed, or reset where something is left unread.
                _ = client.read_to_end(&mut rest) => assert!(rest.is_empty()),
                _ = next(&mut self.door) => panic!("somebody was let in"),
            }
        }
    }

    async fn next(door: &mut Door) -> Event {
        future::poll_fn(|context| Pin::new(&mut *door).poll(context)).await
    }

    fn is_from(address: &Multiaddr, client: &Client) -> bool {
        socket_of(address) == client.local_addr().ok()
    }

    #[tokio::test]
    async fn only_who_has_begun_is_let_in_and_nothing_is_taken() {
        let mut port = Port::open(64, FOR_EVER).await;
        let silent = port.comes(b"").await;
        let mut slow = port.comes(&HEADER[..19]).await;
        let peer = port.comes(HEADER).await;
        let (mut stream, from) = port.lets_in().await;
        assert!(is_from(&from, &peer));
        let mut said = [0; 20];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(said, HEADER);
        // The rest of it comes later.
        slow.write_all(&HEADER[19..]).await.unwrap();
        let (_, from) = port.lets_in().await;
        assert!(is_from(&from, &slow));
        drop(silent);
    }

    #[tokio::test]
    async fn who_speaks_something_else_or_ends_is_shut_out_at_once() {
        let mut port = Port::open(64, FOR_EVER).await;
        for says in [b"GET / HTTP/1.1\r\n".as_slice(), b"\x13/multistream/2"] {
            let mut client = port.comes(says).await;
            port.shuts_out(&mut client).await;
        }
        let mut ended = port.comes(&HEADER[..7]).await;
        ended.shutdown().await.unwrap();
        port.shuts_out(&mut ended).await;
    }

    #[tokio::test]
    async fn newcomers_beyond_the_places_displace_the_silent() {
        let mut port = Port::open(2, FOR_EVER).await;
        let mut first = port.comes(b"").await;
        let mut begun = port.comes(&HEADER[..1]).await;
        port.shuts_out(&mut first).await;
        // An address of strangers has one place here, which goes to who came last.
        let last = port.comes(HEADER).await;
        let (_stream, from) = port.lets_in().await;
        assert!(is_from(&from, &last));
        port.shuts_out(&mut begun).await;
    }

    #[tokio::test]
    async fn who_does_not_begin_in_time_is_shut_out() {
        let mut port = Port::open(64, Duration::from_millis(1)).await;
        let mut silent = port.comes(b"").await;
        port.shuts_out(&mut silent).await;
    }

    #[tokio::test]
    async fn this_nodes_own_connections_wait_for_nothing() {
        let mut port = Port::open(64, FOR_EVER).await;
        let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let number = other.local_addr().unwrap().port();
        let options = DialOpts {
            role: libp2p::core::Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let address = format!("/ip4/127.0.0.1/tcp/{number}").parse().unwrap();
        let dial = port.door.dial(address, options).unwrap();
        assert!(dial.await.is_ok());
    }

    #[tokio::test]
    async fn a_port_that_is_closed_is_free_at_once_and_lets_nobody_in() {
        let mut port = Port::open(64, FOR_EVER).await;
        let mut slow = port.comes(&HEADER[..19]).await;
        assert!(port.door.remove_listener(port.listener));
        assert!(!port.door.remove_listener(port.listener));
        let closed = next(&mut port.door).await;
        assert!(matches!(
            closed,
            TransportEvent::ListenerClosed { listener_id, reason: Ok(()) } if listener_id == port.listener
        ));
        let again = bind(port.address).unwrap();
        drop(again);
        // It was held, and is let go of.
        let _ = slow.write_all(&HEADER[19..]).await;
        port.shuts_out(&mut slow).await;
    }

    /// Else a node would seem to listen where nobody is let in.
    #[tokio::test]
    async fn a_port_from_which_nobody_accepts_is_told() {
        let mut port = Port::open(64, FOR_EVER).await;
        port.door.listeners[&port.listener].kept.abort();
        let closed = next(&mut port.door).await;
        assert!(matches!(
            closed,
            TransportEvent::ListenerClosed { listener_id, reason: Err(_) } if listener_id == port.listener
        ));
        assert!(port.door.listeners.is_empty());
    }

    #[test]
    fn a_port_is_listened_at_by_one_and_by_both_kinds_of_address() {
        let four = bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let number = four.local_addr().unwrap().port();
        let taken = bind(four.local_addr().unwrap()).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        let six = format!("[::]:{number}").parse().unwrap();
        assert!(bind(six).is_ok());
    }

    #[tokio::test]
    async fn what_is_no_address_of_tcp_alone_is_not_listened_at() {
        let mut port = Port::open(64, FOR_EVER).await;
        for address in [
            "/memory/1",
            "/ip4/127.0.0.1/udp/0",
            "/ip4/127.0.0.1/tcp/0/ws",
        ] {
            let address: Multiaddr = address.parse().unwrap();
            let refused = port.door.listen_on(ListenerId::next(), address.clone());
            assert!(
                matches!(&refused, Err(TransportError::MultiaddrNotSupported(at)) if *at == address),
                "{refused:?}"
            );
        }
    }
}
