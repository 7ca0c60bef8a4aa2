//! Inbound connections come at a bounded rate. A flood stands in the system's queue, which sheds it at no cost, and its
//! clients come more and more seldom (RFC 6298, section 5). Peers stay connected, so that they need few.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use libp2p::{
    Multiaddr, Transport,
    core::transport::{DialOpts, ListenerId, TransportError, TransportEvent},
};
use tokio::time::Sleep;
use touchstone_edge::rate::{CallRate, RateBucket};

/// How often a connection is accepted.
const ARRIVALS: CallRate = CallRate {
    per_minute: 60 * 256,
    burst: 512,
};

/// A transport that accepts at a bounded rate.
pub(super) struct Paced<T> {
    inner: T,
    bucket: RateBucket,
    wait: Option<Pin<Box<Sleep>>>,
}

impl<T> Paced<T> {
    /// At the rate of a port.
    pub fn new(inner: T) -> Paced<T> {
        Paced::at(inner, ARRIVALS)
    }

    fn at(inner: T, rate: CallRate) -> Paced<T> {
        Paced {
            inner,
            bucket: RateBucket::new(rate, Instant::now()),
            wait: None,
        }
    }
}

impl<T: Transport + Unpin> Transport for Paced<T> {
    type Output = T::Output;
    type Error = T::Error;
    type ListenerUpgrade = T::ListenerUpgrade;
    type Dial = T::Dial;

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
    ) -> Result<T::Dial, TransportError<T::Error>> {
        self.inner.dial(address, options)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<TransportEvent<T::ListenerUpgrade, T::Error>> {
        let this = &mut *self;
        loop {
            if let Some(wait) = &mut this.wait {
                ready!(wait.as_mut().poll(context));
                this.wait = None;
            }
            let wait = this.bucket.wait(Instant::now());
            if wait.is_zero() {
                break;
            }
            this.wait = Some(Box::pin(tokio::time::sleep(wait)));
        }
        let event = ready!(Pin::new(&mut this.inner).poll(context));
        if event.is_upgrade() {
            this.bucket.take(Instant::now());
        }
        Poll::Ready(event)
    }
}

#[cfg(test)]
mod tests {
    use std::{future, io};

    use futures::FutureExt;

    use super::*;

    /// A port to which connections come without end.
    struct Flooded;

    impl Transport for Flooded {
        type Output = ();
        type Error = io::Error;
        type ListenerUpgrade = future::Ready<io::Result<()>>;
        type Dial = future::Ready<io::Result<()>>;

        fn listen_on(
            &mut self,
            _: ListenerId,
            _: Multiaddr,
        ) -> Result<(), TransportError<io::Error>> {
            Ok(())
        }

        fn remove_listener(&mut self, _: ListenerId) -> bool {
            true
        }

        fn dial(
            &mut self,
            _: Multiaddr,
            _: DialOpts,
        ) -> Result<Self::Dial, TransportError<io::Error>> {
            Ok(future::ready(Ok(())))
        }

        fn poll(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<TransportEvent<Self::ListenerUpgrade, io::Error>> {
            Poll::Ready(TransportEvent::Incoming {
                listener_id: ListenerId::next(),
                upgrade: future::ready(Ok(())),
                local_addr: Multiaddr::empty(),
                send_back_addr: Multiaddr::empty(),
            })
        }
    }

    #[tokio::test]
    async fn a_flood_is_accepted_at_the_ports_rate() {
        let rate = CallRate {
            per_minute: 1,
            burst: 3,
        };
        let mut port = Paced::at(Flooded, rate);
        let mut accepted = 0;
        let mut next = || {
            let polled = future::poll_fn(|context| Pin::new(&mut port).poll(context));
            polled.now_or_never().is_some()
        };
        while next() {
            accepted += 1;
        }
        assert_eq!(accepted, 3);
        assert!(!next());
    }
}
