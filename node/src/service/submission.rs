//! Taking in transactions and telling what becomes of them.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use touchstone_core::hash::Hash;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_core::{Fault, Rejection, transaction};
use touchstone_edge::Caller;
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::error::{ServiceError, rejected};
use super::limits::{Cancelled, StreamPermit};
use super::transaction_status::{self, status, word_of};
use super::{LedgerService, ServiceParts};
use crate::admission::{Admission, AdmissionAnswer, Source};
use crate::consensus_thread;
use crate::in_order::in_order;
use crate::mempool::Listener;

/// Answers of a stream of submissions.
pub type StatusStream =
    Pin<Box<dyn Stream<Item = Result<wire::TransactionStatus, ServiceError>> + Send + 'static>>;

/// Submissions of one stream whose outcome is still open, at most; then reading pauses.
const OPEN_PER_STREAM: usize = 20_000;
/// Answers of one stream that its client hasn't taken, at most; then the node waits for it.
pub(super) const ANSWERS: usize = 1024;
/// Submissions of one stream that are admitted in one go, at most.
const TOGETHER: usize = 128;
/// Bytes of envelopes with which they are enough.
const TOGETHER_BYTES: usize = 1 << 20;
/// Submissions of a stream that are open, from which on the next ones gather for a moment before they are taken in: one
/// by one, each costs a change of threads, a view of the store and a message. Who waits for an answer before it sends
/// the next one never has so many.
const MANY_OPEN: usize = 16;
const GATHER: Duration = Duration::from_millis(10);
/// How long a refusal for want of room in the pool takes: who sends more than its share is answered slowly, on a stream
/// or a call, so that refusing it costs little.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a stream may have nothing to say and nothing open, and a client may take no answer.
const SILENCE: Duration = Duration::from_secs(120);

/// Takes in one transaction; waits for its outcome if asked.
pub async fn submit(
    service: &Arc<LedgerService>,
    client: Caller,
    request: wire::SubmitRequest,
) -> Result<wire::TransactionStatus, ServiceError> {
    let (listener, mut outcomes) = mpsc::unbounded_channel();
    let wait = request.wait;
    let admitting = service.clone();
    let work = move |_: &Cancelled| {
        let answer = admit(&admitting.parts, vec![request], &listener).pop();
        answer.unwrap_or(Err(ServiceError::Stopping))
    };
    let admitted = service.limits.admissions.run(client, work).await;
    if let Err(ServiceError::PoolFull(_)) = &admitted {
        tokio::time::sleep(PAUSE).await;
    }
    let (id, word, fresh) = service.judge(admitted)?;
    pass_on(service, fresh).await?;
    let word = match word {
        Word::Pending(_) if wait => match outcomes.recv().await {
            Some((_, outcome)) => word_of(&outcome),
            None => return Err(ServiceError::Stopping),
        },
        word => word,
    };
    Ok(status(id, word))
}

/// Takes in a stream of transactions and answers each when its outcome is known. Its place is free
/// once the client has gone, whatever is still open. A stream on which nothing is said or open gives way to others,
/// and ends by itself after [`SILENCE`].
pub fn submit_many<S>(
    service: Arc<LedgerService>,
    client: Caller,
    requests: S,
) -> Result<StatusStream, ServiceError>
where
    S: Stream<Item = wire::SubmitRequest> + Send + Unpin + 'static,
{
    let permit = service.limits.submissions.take(client)?;
    let (answers, stream) = mpsc::channel(ANSWERS);
    tokio::spawn(async move {
        tokio::select! {
            () = answers.closed() => {}
            () = take_in(&service, client, requests, &answers, &permit) => {}
        }
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}

async fn take_in<S>(
    service: &Arc<LedgerService>,
    client: Caller,
    requests: S,
    answers: &mpsc::Sender<Result<wire::TransactionStatus, ServiceError>>,
    permit: &StreamPermit,
) where
    S: Stream<Item = wire::SubmitRequest> + Send + Unpin + 'static,
{
    let mut requests = requests.fuse();
    let (listener, mut outcomes) = mpsc::unbounded_channel();
    let mut open: usize = 0;
    let mut reading = true;
    let mut next = Instant::now();
    while reading || open > 0 {
        let room = OPEN_PER_STREAM.saturating_sub(open);
        match open {
            0 => permit.spoke(),
            _ => permit.owes(),
        }
        let ready = tokio::select! {
            () = permit.ended(SILENCE), if open == 0 => {
                // An error means that the client has gone, or has other answers to take first.
                let _ = answers.try_send(Err(ServiceError::Silent));
                return;
            }
            () = permit.displaced(), if open > 0 => {
                // An error means that the client has gone. What is open goes on; who sends it again hears of it.
                let _ = answers.try_send(Err(StreamPermit::gave_way()));
                return;
            }
            Some((id, outcome)) = outcomes.recv(), if open > 0 => {
                open -= 1;
                vec![Ok(status(id, word_of(&outcome)))]
            }
            together = together(&mut requests, room, next), if reading && room > 0 => {
                if together.is_empty() {
                    reading = false;
                    continue;
                }
                permit.owes();
                next = Instant::now() + pause(together.len(), open);
                match admit_together(service, client, together, &listener).await {
                    Ok(admitted) => {
                        open += admitted.open;
                        if admitted.is_refused() {
                            tokio::time::sleep(PAUSE).await;
                        }
                        admitted.answers
                    }
                    Err(failure) => vec![Err(failure)],
                }
            }
        };
        for answer in ready {
            let sent = tokio::time::timeout(SILENCE, answers.send(answer));
            tokio::select! {
                // Where there is room for the answer, the stream goes on, and says above why it ends.
                biased;
                // A client that takes no answer is as good as gone.
                sent = sent => if !matches!(sent, Ok(Ok(()))) {
                    return;
                },
                // There is no room for a word about it.
                () = permit.displaced() => return,
            }
        }
    }
}

/// How long the next submissions of a stream gather after so many were taken that came beside so many open ones.
fn pause(taken: usize, open: usize) -> Duration {
    match open >= MANY_OPEN && taken < TOGETHER {
        true => GATHER,
        false => Duration::ZERO,
    }
}

/// What a stream has ready from a time on, at most `room` of them: the next submission and those that came with it.
/// Nothing once it has ended. Given up while it waits, it has taken nothing.
async fn together<S>(requests: &mut S, room: usize, from: Instant) -> Vec<wire::SubmitRequest>
where
    S: Stream<Item = wire::SubmitRequest> + Unpin,
{
    if from > Instant::now() {
        tokio::time::sleep_until(from).await;
    }
    let mut taken = Vec::new();
    let mut bytes = 0;
    let mut next = requests.next().await;
    while let Some(request) = next {
        bytes += request.envelope.len();
        taken.push(request);
        if taken.len() >= room.min(TOGETHER) || bytes >= TOGETHER_BYTES {
            break;
        }
        next = requests.next().now_or_never().flatten();
    }
    taken
}

/// What became of submissions that were admitted together.
struct Admitted {
    /// Those whose outcome the stream waits for.
    open: usize,
    /// To be answered now.
    answers: Vec<Result<wire::TransactionStatus, ServiceError>>,
}

impl Admitted {
    /// Whether the pool had no room for one of them.
    fn is_refused(&self) -> bool {
        let full = |answer: &Result<_, _>| matches!(answer, Err(ServiceError::PoolFull(_)));
        self.answers.iter().any(full)
    }
}

/// Admits submissions on one thread, from one snapshot: a thread for each would cost more than
/// what it verifies.
async fn admit_together(
    service: &Arc<LedgerService>,
    client: Caller,
    requests: Vec<wire::SubmitRequest>,
    listener: &Listener,
) -> Result<Admitted, ServiceError> {
    let admitting = service.clone();
    let listener = listener.clone();
    let work = move |_: &Cancelled| {
        let waits: Vec<bool> = requests.iter().map(|request| request.wait).collect();
        let answers = admit(&admitting.parts, requests, &listener);
        Ok(waits.into_iter().zip(answers).collect::<Vec<_>>())
    };
    let mut open = 0;
    let mut answers = Vec::new();
    for (wait, admitted) in service.judge(service.limits.admissions.run(client, work).await)? {
        match admitted {
            Ok((id, word, fresh)) => {
                pass_on(service, fresh).await?;
                match word {
                    Word::Pending(_) if wait => open += 1,
                    word => answers.push(Ok(status(id, word))),
                }
            }
            Err(failure) => answers.push(Err(failure)),
        }
    }
    Ok(Admitted { open, answers })
}

/// Has a transaction that is new to the pool gossiped.
async fn pass_on(service: &LedgerService, fresh: Fresh) -> Result<(), ServiceError> {
    let Some(transaction) = fresh else {
        return Ok(());
    };
    let sent = service.parts.gossip.send(transaction).await;
    sent.map_err(|_| ServiceError::Stopping)
}

/// A transaction that is new to the pool, if it is.
type Fresh = Option<Arc<VerifiedTransaction>>;

/// What is said of one submission, and the transaction where it is new to the pool.
type SubmissionAnswer = Result<(Hash, Word, Fresh), ServiceError>;

/// Reads the store, verifies the signatures and puts envelopes in the pool. A broken rule is an answer.
fn admit(
    parts: &ServiceParts,
    requests: Vec<wire::SubmitRequest>,
    listener: &Listener,
) -> Vec<SubmissionAnswer> {
    let snapshot = parts.reader.snapshot();
    let mut answers = Vec::with_capacity(requests.len());
    let (mut envelopes, mut ids) = (Vec::new(), Vec::new());
    for request in requests {
        let read = match transaction::read(&parts.chain_id, &request.envelope) {
            Ok(read) => read,
            Err(rejection) => {
                // What it would be called is only known of an envelope that has its shape.
                let id = transaction::id_of_envelope(&parts.chain_id, &request.envelope);
                let word = Word::Rejected(rejected(&rejection));
                answers.push(Some(Ok((id.unwrap_or_default(), word, None))));
                continue;
            }
        };
        let id = *read.claim().id;
        match transaction_status::committed(&snapshot, &id) {
            Ok(None) => {
                let listener = request.wait.then(|| listener.clone());
                envelopes.push((Ok(read), Source::Client(listener)));
                ids.push(id);
                answers.push(None);
            }
            Ok(Some(committed)) => answers.push(Some(Ok((id, Word::Committed(committed), None)))),
            Err(failure) => answers.push(Some(Err(failure))),
        }
    }
    let (tip, now_ms) = (snapshot.tip(), consensus_thread::now_ms());
    let admission = Admission::new(&parts.chain_id, &snapshot, tip, now_ms, &parts.mempool);
    let admitted = ids.into_iter().zip(admission.admit_each(envelopes));
    let admitted = admitted.map(|(id, admitted)| answered(parts, id, admitted));
    in_order(answers, admitted).collect()
}

/// What is said of an envelope that was examined for the pool.
fn answered(
    parts: &ServiceParts,
    id: Hash,
    admitted: Result<AdmissionAnswer, Fault>,
) -> SubmissionAnswer {
    let (word, fresh) = match admitted? {
        Ok(None) => (Word::Pending(wire::Pending {}), None),
        Ok(fresh @ Some(_)) => (Word::Pending(wire::Pending {}), fresh),
        Err(Rejection::AlreadyCommitted) => match parts.mempool.outcome(&id) {
            Some(outcome) => (word_of(&outcome), None),
            None => {
                let rejected = rejected(&Rejection::AlreadyCommitted);
                (Word::Rejected(rejected), None)
            }
        },
        Err(Rejection::PoolFull) => {
            return Err(ServiceError::PoolFull(Rejection::PoolFull.to_string()));
        }
        Err(rejection) => (Word::Rejected(rejected(&rejection)), None),
    };
    Ok((id, word, fresh))
}

#[cfg(test)]
mod tests;
