//! The peers' port holds a newcomer until it has begun as a peer does. libp2p makes a task, a time-out and a
//! negotiation for each connection that it sees, which strangers would have for the asking.

use super::handshakes::{Handshakes, Watched};
use futures::{
    FutureExt, StreamExt, TryFutureExt,
    future::{self, BoxFuture, MapOk},
    stream::FuturesUnordered,
};
use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
    tcp::tokio::TcpStream,
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{self, Context, Poll},
};
use tokio::time::Duration;

/// How long a newcomer may take until it has begun. A peer does with its first packet.
const TIME_TO_BEGIN: Duration = Duration::from_secs(5);

/// A transport that gives connections on once they have begun. `Handshakes` says how many it holds.
pub(super) struct Door<T> {
    inner: T,
    handshakes: Arc<Handshakes>,
    time_to_begin: Duration,
    silent: FuturesUnordered<BoxFuture<'static, Option<Newcomer>>>,
}

/// One that has begun.
struct Newcomer {
    listener: ListenerId,
    stream: Watched<TcpStream>,
    local: Multiaddr,
    from: Multiaddr,
}

impl<T> Door<T> {
    /// With nobody before it.
    pub fn new(inner: T, handshakes: Arc<Handshakes>) -> Door<T> {
        Door {
            inner,
            handshakes,
            time_to_begin: TIME_TO_BEGIN,
            silent: FuturesUnordered::new(),
        }
    }
}

impl<T> Transport for Door<T>
where
    T: Transport<Output = TcpStream> + Unpin,
    T::Error: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    type Output = Watched<TcpStream>;
    type Error = T::Error;
    type ListenerUpgrade = BoxFuture<'static, Result<Watched<TcpStream>, T::Error>>;
    type Dial = MapOk<T::Dial, fn(TcpStream) -> Watched<TcpStream>>;

    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<T::Error>> {
        self.inner.listen_on(id, address)
    }

    fn remove_listener(&mut self, id: ListenerId) -> bool {
        self.inner.remove_listener(id)
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        options: DialOpts,
    ) -> Result<Self::Dial, TransportError<T::Error>> {
        let dial = self.inner.dial(address, options)?;
        Ok(dial.map_ok(Watched::own as fn(TcpStream) -> Watched<TcpStream>))
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<Self::ListenerUpgrade, T::Error>> {
        let this = &mut *self;
        loop {
            // Those that gave way, were late or said something else are dropped here.
            while let Poll::Ready(Some(ended)) = this.silent.poll_next_unpin(context) {
                if let Some(newcomer) = ended {
                    return Poll::Ready(TransportEvent::Incoming {
                        listener_id: newcomer.listener,
                        upgrade: future::ok(newcomer.stream).boxed(),
                        local_addr: newcomer.local,
                        send_back_addr: newcomer.from,
                    });
                }
            }
            match task::ready!(Pin::new(&mut this.inner).poll(context)) {
                TransportEvent::Incoming {
                    listener_id: listener,
                    upgrade,
                    local_addr: local,
                    send_back_addr: from,
                } => {
                    let handshakes = Arc::clone(&this.handshakes);
                    let time = this.time_to_begin;
                    let held = async move {
                        let mut stream = handshakes.admit(upgrade.await.ok()?, &from);
                        let begins = tokio::time::timeout(time, stream.begins());
                        let has_begun = begins.await.unwrap_or(false);
                        has_begun.then_some(Newcomer {
                            listener,
                            stream,
                            local,
                            from,
                        })
                    };
                    this.silent.push(held.boxed());
                }
                // None comes in by another way.
                other => {
                    let shut =
                        |upgrade: T::ListenerUpgrade| upgrade.map_ok(Watched::refused).boxed();
                    return Poll::Ready(other.map_upgrade(shut));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::NetworkLimits, *};
    use futures::AsyncReadExt;
    use libp2p::{core::transport::PortUse, tcp};
    use std::net::SocketAddr;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt},
        net::TcpStream as Client,
    };

    /// The header of multistream-select 1.0.0.
    const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";

    struct Port {
        door: Door<tcp::tokio::Transport>,
        address: SocketAddr,
    }

    impl Port {
        async fn open(handshakes: u32) -> Port {
            let limits = NetworkLimits {
                handshakes,
                ..NetworkLimits::default()
            };
            let mut door = Door::new(tcp::tokio::Transport::default(), Handshakes::new(&limits));
            // Nobody is shut out for being late, unless a test says so.
            door.time_to_begin = Duration::from_secs(3600);
            let any = "/ip4/127.0.0.1/tcp/0".parse().unwrap();
            door.listen_on(ListenerId::next(), any).unwrap();
            let opened = next(&mut door).await.into_new_address().unwrap();
            let address = super::super::handshakes::socket_of(&opened).unwrap();
            Port { door, address }
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

    async fn next(
        door: &mut Door<tcp::tokio::Transport>,
    ) -> TransportEvent<<Door<tcp::tokio::Transport> as Transport>::ListenerUpgrade, std::io::Error>
    {
        future::poll_fn(|context| Pin::new(&mut *door).poll(context)).await
    }

    fn is_from(address: &Multiaddr, client: &Client) -> bool {
        super::super::handshakes::socket_of(address) == client.local_addr().ok()
    }

    #[tokio::test]
    async fn only_who_has_begun_is_let_in_and_nothing_is_taken() {
        let mut port = Port::open(64).await;
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
        let mut port = Port::open(64).await;
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
        let mut port = Port::open(2).await;
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
        let mut port = Port::open(64).await;
        port.door.time_to_begin = Duration::from_millis(1);
        let mut silent = port.comes(b"").await;
        port.shuts_out(&mut silent).await;
    }

    #[tokio::test]
    async fn this_nodes_own_connections_wait_for_nothing() {
        let mut port = Port::open(64).await;
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
}
