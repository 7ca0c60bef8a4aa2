//! Bodies of requests and answers as they pass the port: charged to their connection, and telling who waits
//! for whom.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::http::Extensions;

use crate::budget::{Account, Charge, Exhausted};
use crate::connection::Call;

/// Put among an answer's extensions: how many bytes it holds in memory, where its body can't tell.
#[derive(Clone, Copy, Debug)]
pub struct Weight(pub usize);

/// What has come of a request, and is charged to its connection until it is answered. A handler that reads a
/// stream without end says what it has taken.
#[derive(Clone, Debug)]
pub struct ReceivedBytes(Option<Arc<Mutex<Charge>>>);

impl ReceivedBytes {
    /// Of a request; none where it came through no port.
    pub fn of(extensions: &Extensions) -> ReceivedBytes {
        extensions.get().cloned().unwrap_or(ReceivedBytes(None))
    }

    /// All that has come so far was dealt with.
    pub fn taken(&self) {
        if let Some(charge) = &self.0 {
            charge
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
    }

    /// Of a call whose head has so many bytes that count.
    pub(crate) fn new(account: &Arc<Account>, head: usize) -> Result<ReceivedBytes, Exhausted> {
        let charge = account.charge(head)?;
        Ok(ReceivedBytes(Some(Arc::new(Mutex::new(charge)))))
    }

    fn grow(&self, bytes: usize) -> Result<(), Exhausted> {
        match &self.0 {
            Some(charge) => charge
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .grow(bytes),
            None => Ok(()),
        }
    }
}

/// A request's body.
pub(crate) struct RequestBody {
    body: Incoming,
    call: Arc<Call>,
    received: ReceivedBytes,
}

impl RequestBody {
    pub fn new(body: Incoming, call: Arc<Call>, received: ReceivedBytes) -> RequestBody {
        RequestBody {
            body,
            call,
            received,
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.call.set(polled.is_ready());
        polled.map(|frame| {
            let frame = match frame? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error.into())),
            };
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            Some(match self.received.grow(bytes) {
                Ok(()) => Ok(frame),
                Err(exhausted) => Err(exhausted.into()),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body. Each piece is charged from when it is made until the client has it.
pub(crate) struct AnswerBody {
    body: Body,
    call: Option<Arc<Call>>,
    /// Of what was made already; each piece of it is charged by itself once it goes.
    whole: Option<Charge>,
}

impl AnswerBody {
    /// Of a call.
    pub fn new(body: Body, call: Arc<Call>, whole: Option<Charge>) -> AnswerBody {
        let call = Some(call);
        AnswerBody { body, call, whole }
    }

    /// Of a refusal, which costs nothing.
    pub fn free(body: Body) -> AnswerBody {
        AnswerBody {
            body,
            call: None,
            whole: None,
        }
    }
}

/// Bytes that are charged as long as they are kept.
struct Charged {
    bytes: Bytes,
    _charge: Charge,
}

impl AsRef<[u8]> for Charged {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let Some(call) = self.call.clone() else {
            return polled.map(|frame| frame.map(|frame| frame.map_err(Into::into)));
        };
        call.set(polled.is_pending());
        polled.map(|frame| {
            let frame = match frame? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(error.into())),
            };
            if let (Some(whole), Some(bytes)) = (&mut self.whole, frame.data_ref()) {
                whole.shrink(bytes.len());
            }
            Some(Ok(match frame.into_data() {
                Ok(bytes) if bytes.is_empty() => Frame::data(bytes),
                Ok(bytes) => {
                    let _charge = call.account().charge_piece(bytes.len(), Instant::now());
                    Frame::data(Bytes::from_owner(Charged { bytes, _charge }))
                }
                Err(other) => other,
            }))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
