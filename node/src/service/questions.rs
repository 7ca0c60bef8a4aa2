//! Questions about items on a stream, each answered in its turn. What a call costs beside its answer (its head, its
//! place among the connection's calls, its trailers) is paid once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::stream;
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use touchstone_edge::Caller;
use touchstone_proto::node as wire;

use super::error::ServiceError;
use super::limits::StreamPermit;
use super::{LedgerService, log_page};

/// How long a stream may ask nothing.
const SILENCE: Duration = Duration::from_secs(120);
/// How long an answer may take: as long as a call's.
const ANSWER: Duration = Duration::from_secs(60);

/// The answers to a stream of questions. The next question is read once the client has room for its answer. A stream on
/// which nothing is asked gives way to others, and ends by itself after [`SILENCE`]. Each is told when the port closes.
pub fn answers<S>(
    service: Arc<LedgerService>,
    client: Caller,
    requests: S,
    stop: CancellationToken,
) -> Result<impl Stream<Item = Result<wire::ItemReply, ServiceError>> + Send + 'static, ServiceError>
where
    S: Stream<Item = wire::GetItemRequest> + Send + Unpin + 'static,
{
    let permit = service.limits.questions.take(client)?;
    let conversation = Conversation {
        service,
        client,
        requests,
        permit,
        stop: Box::pin(stop.cancelled_owned()),
    };
    Ok(stream::try_unfold(conversation, Conversation::answer_next))
}

/// A stream between an answer and the next question.
struct Conversation<S> {
    service: Arc<LedgerService>,
    client: Caller,
    requests: S,
    permit: StreamPermit,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> Conversation<S>
where
    S: Stream<Item = wire::GetItemRequest> + Send + Unpin + 'static,
{
    /// The answer to the next question; none once the client asks no more.
    async fn answer_next(
        mut self,
    ) -> Result<Option<(wire::ItemReply, Conversation<S>)>, ServiceError> {
        self.permit.spoke();
        let mut has_waited = false;
        let next = poll_fn(|context| {
            let polled = Pin::new(&mut self.requests).poll_next(context);
            has_waited |= polled.is_pending();
            polled
        });
        let request = tokio::select! {
            biased;
            request = next => request,
            () = &mut self.stop => return Err(ServiceError::Stopping),
            () = self.permit.ended(SILENCE) => return Err(ServiceError::Silent),
        };
        if !has_waited {
            answer_is_taken().await;
        }
        let Some(request) = request else {
            return Ok(None);
        };
        self.permit.owes();
        let question = log_page::small_item;
        let answer = log_page::ask_item(&self.service, self.client, request, question);
        let answer = tokio::select! {
            biased;
            answer = tokio::time::timeout(ANSWER, answer) => answer.map_err(|_| late())??,
            () = self.permit.displaced() => return Err(StreamPermit::gave_way()),
        };
        Ok(Some((answer, self)))
    }
}

/// Resolves when it is polled once more: what encodes answers asks for the next one before it gives one away. A
/// question that is begun before, and whose client takes no answer, would be given its turn and keep it.
async fn answer_is_taken() {
    let mut is_taken = false;
    poll_fn(|context| {
        if std::mem::replace(&mut is_taken, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn late() -> ServiceError {
    ServiceError::Busy("no answer in time; try again in a moment".into())
}

#[cfg(test)]
mod tests;
