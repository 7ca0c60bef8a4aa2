//! One connection's streams: one to send, opened with the first message, and those that the peer opened.

use super::super::frame::{Frame, FrameError, read_next_frame, write_frame};
use bytes::Bytes;
use futures::{AsyncWriteExt, FutureExt, future::BoxFuture};
use libp2p::{
    StreamProtocol,
    core::upgrade::ReadyUpgrade,
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, Stream, SubstreamProtocol,
        handler::{ConnectionEvent, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    collections::VecDeque,
    io,
    task::{Context, Poll},
    time::Duration,
};

/// Streams of the peer that are read. A peer needs one; after a failure a new one may be there before the old one's
/// end is seen. One that gives way to more of them counts as a frame that was cut off, so that streams are charged too.
const INBOUND: usize = 2;

/// Copies that wait on a connection; more of them aren't sent.
const COPIES: usize = 64;

/// A message to be sent.
#[derive(Debug)]
pub(in super::super) enum OneWayMessage {
    /// What becomes of it is told.
    First(Bytes),
    /// It has gone over another connection too, so that nothing is told of it.
    Copy(Bytes),
}

/// What happens on a connection.
#[derive(Debug)]
pub(in super::super) enum HandlerEvent {
    Received(Frame),
    Sent,
    Failed,
}

/// The stream to send on.
enum Outbound {
    /// None yet, or the last one failed.
    Closed,
    Opening,
    Idle(Stream),
    /// A message is written; whether what becomes of it is told.
    Writing(BoxFuture<'static, io::Result<Stream>>, bool),
}

/// The next frame of a stream, and the stream; none where it has ended.
type Reading = BoxFuture<'static, io::Result<Option<(Frame, Stream)>>>;

/// The streams of a connection.
pub(in super::super) struct Handler {
    protocol: StreamProtocol,
    limit: usize,
    patience: Duration,
    /// Bounded by the lanes of the task, which wait for [`HandlerEvent::Sent`], and by [`COPIES`].
    waiting: VecDeque<OneWayMessage>,
    outbound: Outbound,
    inbound: VecDeque<Reading>,
    /// What happened and isn't told yet.
    untold: VecDeque<HandlerEvent>,
}

impl Handler {
    pub fn new(protocol: StreamProtocol, limit: usize, patience: Duration) -> Handler {
        Handler {
            protocol,
            limit,
            patience,
            waiting: VecDeque::new(),
            outbound: Outbound::Closed,
            inbound: VecDeque::new(),
            untold: VecDeque::new(),
        }
    }

    fn read(&mut self, stream: Stream, is_new: bool) {
        if self.inbound.len() >= INBOUND {
            self.inbound.pop_front();
            let cut_off = HandlerEvent::Received(Err(FrameError::Truncated));
            self.untold.push_back(cut_off);
        }
        let reading = read(stream, self.limit, is_new);
        self.inbound.push_back(reading.boxed());
    }

    /// The next frame of any stream.
    fn poll_inbound(&mut self, cx: &mut Context<'_>) -> Poll<Frame> {
        for _ in 0..self.inbound.len() {
            let Some(mut reading) = self.inbound.pop_front() else {
                break;
            };
            match reading.poll_unpin(cx) {
                Poll::Pending => self.inbound.push_back(reading),
                Poll::Ready(Ok(Some((frame, stream)))) => {
                    // After a frame that was refused nothing more is read: where the next one begins is unknown.
                    if frame.is_ok() {
                        self.read(stream, false);
                    }
                    return Poll::Ready(frame);
                }
                Poll::Ready(Ok(None) | Err(_)) => {}
            }
        }
        Poll::Pending
    }

    /// Goes on with sending; what is to be told of it.
    fn poll_outbound(&mut self, cx: &mut Context<'_>) -> Poll<HandlerEvent> {
        loop {
            self.outbound = match std::mem::replace(&mut self.outbound, Outbound::Closed) {
                Outbound::Writing(mut writing, is_told) => match writing.poll_unpin(cx) {
                    Poll::Pending => {
                        self.outbound = Outbound::Writing(writing, is_told);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(stream)) if !is_told => Outbound::Idle(stream),
                    Poll::Ready(Ok(stream)) => {
                        self.outbound = Outbound::Idle(stream);
                        return Poll::Ready(HandlerEvent::Sent);
                    }
                    Poll::Ready(Err(_)) if !is_told => return Poll::Pending,
                    Poll::Ready(Err(_)) => return Poll::Ready(HandlerEvent::Failed),
                },
                Outbound::Idle(stream) => match self.waiting.pop_front() {
                    Some(message) => {
                        let (bytes, is_told) = match message {
                            OneWayMessage::First(bytes) => (bytes, true),
                            OneWayMessage::Copy(bytes) => (bytes, false),
                        };
                        Outbound::Writing(write(stream, bytes, self.patience).boxed(), is_told)
                    }
                    None => {
                        self.outbound = Outbound::Idle(stream);
                        return Poll::Pending;
                    }
                },
                other => {
                    self.outbound = other;
                    return Poll::Pending;
                }
            }
        }
    }
}

/// A new stream that ends without a frame had one that was cut off.
async fn read(
    mut stream: Stream,
    limit: usize,
    is_new: bool,
) -> io::Result<Option<(Frame, Stream)>> {
    let frame = read_next_frame(&mut stream, limit).await?;
    let frame = frame.or_else(|| is_new.then_some(Err(FrameError::Truncated)));
    Ok(frame.map(|frame| (frame, stream)))
}

async fn write(mut stream: Stream, message: Bytes, patience: Duration) -> io::Result<Stream> {
    let written = async {
        write_frame(&mut stream, &message).await?;
        stream.flush().await
    };
    match tokio::time::timeout(patience, written).await {
        Ok(written) => written.map(|()| stream),
        Err(late) => Err(io::Error::new(io::ErrorKind::TimedOut, late)),
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = OneWayMessage;
    type ToBehaviour = HandlerEvent;
    type InboundProtocol = ReadyUpgrade<StreamProtocol>;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = ();

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol> {
        SubstreamProtocol::new(ReadyUpgrade::new(self.protocol.clone()), ())
    }

    fn on_behaviour_event(&mut self, message: OneWayMessage) {
        let is_copy = matches!(message, OneWayMessage::Copy(_));
        if !is_copy || self.waiting.len() < COPIES {
            self.waiting.push_back(message);
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, (), Self::ToBehaviour>> {
        let tell = ConnectionHandlerEvent::NotifyBehaviour;
        if let Some(event) = self.untold.pop_front() {
            return Poll::Ready(tell(event));
        }
        if let Poll::Ready(event) = self.poll_outbound(cx) {
            return Poll::Ready(tell(event));
        }
        if matches!(self.outbound, Outbound::Closed) && !self.waiting.is_empty() {
            self.outbound = Outbound::Opening;
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest {
                protocol: self.listen_protocol(),
            });
        }
        self.poll_inbound(cx)
            .map(|frame| tell(HandlerEvent::Received(frame)))
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<'_, Self::InboundProtocol, Self::OutboundProtocol>,
    ) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: stream,
                ..
            }) => self.read(stream, true),
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                ..
            }) => self.outbound = Outbound::Idle(stream),
            ConnectionEvent::DialUpgradeError(error) => {
                tracing::debug!(error = %error.error, "a stream for messages was not opened");
                self.outbound = Outbound::Closed;
                let lost = self.waiting.drain(..);
                let told = lost.filter(|lost| matches!(lost, OneWayMessage::First(_)));
                self.untold.extend(told.map(|_| HandlerEvent::Failed));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The connection stands; what waits on it doesn't grow.
    #[test]
    fn a_connection_that_stands_drops_copies_and_no_message() {
        let protocol = StreamProtocol::new("/test/1");
        let mut handler = Handler::new(protocol, 100, Duration::from_secs(1));
        let content = Bytes::from_static(b"a vote");
        for _ in 0..1000 {
            handler.on_behaviour_event(OneWayMessage::Copy(content.clone()));
        }
        assert_eq!(handler.waiting.len(), 64);
        handler.on_behaviour_event(OneWayMessage::First(content));
        assert!(matches!(
            handler.waiting.back(),
            Some(OneWayMessage::First(_))
        ));
    }
}
