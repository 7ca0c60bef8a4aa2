//! Taking in transactions and telling what becomes of them.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::{Parts, Shared, query, refusal};
use crate::admission::{Admission, Source};
use crate::mempool::{Listener, Outcome};

/// Answers of a stream of submissions.
pub type StatusStream =
    Pin<Box<dyn Stream<Item = Result<wire::TransactionStatus, Status>> + Send + 'static>>;

/// Submissions of one stream whose outcome is still open, at most; then reading pauses.
const OPEN_PER_STREAM: usize = 20_000;

/// Takes in one transaction; waits for its outcome if asked.
pub async fn submit(
    shared: &Arc<Shared>,
    request: wire::SubmitRequest,
) -> Result<wire::TransactionStatus, Status> {
    let (listener, mut outcomes) = mpsc::unbounded_channel();
    let listener = request.wait.then_some(listener);
    let (id, word) = admit(shared, request.envelope, listener, Turn::WithPlace).await?;
    let word = match word {
        Word::Pending(_) if request.wait => match outcomes.recv().await {
            Some((_, outcome)) => word_of(&outcome),
            None => return Err(Status::unavailable("the node is shutting down")),
        },
        word => word,
    };
    Ok(status(id, word))
}

/// Takes in a stream of transactions and answers each when its outcome is known. Its seat is free
/// once the client has gone, whatever is still open.
pub fn submit_many<S>(shared: Arc<Shared>, mut requests: S) -> Result<StatusStream, Status>
where
    S: Stream<Item = Result<wire::SubmitRequest, Status>> + Send + Unpin + 'static,
{
    let seat = shared.gates.submissions.take()?;
    let (answers, stream) = mpsc::channel(1024);
    tokio::spawn(async move {
        let _seat = seat;
        let (listener, mut outcomes) = mpsc::unbounded_channel();
        let mut open: usize = 0;
        let mut reading = true;
        while reading || open > 0 {
            let answer = tokio::select! {
                () = answers.closed() => return,
                Some((id, outcome)) = outcomes.recv(), if open > 0 => {
                    open -= 1;
                    Ok(status(id, word_of(&outcome)))
                }
                request = requests.next(), if reading && open < OPEN_PER_STREAM => {
                    let request = match request {
                        Some(Ok(request)) => request,
                        Some(Err(_)) | None => {
                            reading = false;
                            continue;
                        }
                    };
                    let wanted = request.wait.then(|| listener.clone());
                    match admit(&shared, request.envelope, wanted, Turn::OfStream).await {
                        Ok((_, Word::Pending(_))) if request.wait => {
                            open += 1;
                            continue;
                        }
                        Ok((id, word)) => Ok(status(id, word)),
                        Err(failure) => Err(failure),
                    }
                }
            };
            if answers.send(answer).await.is_err() {
                return;
            }
        }
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}

/// What the pool knows of a transaction, before the store is asked.
pub fn known(parts: &Parts, id: &[u8]) -> Result<Option<Word>, Status> {
    let id = query::id(id)?;
    Ok(parts.mempool.outcome(&id).map(|outcome| word_of(&outcome)))
}

/// How an admission comes to its thread.
#[derive(Clone, Copy)]
enum Turn {
    /// A call by itself: it needs a place in the queue.
    WithPlace,
    /// The one admission of a stream.
    OfStream,
}

/// Verifies an envelope, puts it in the pool and passes it on. A broken rule is an answer.
async fn admit(
    shared: &Arc<Shared>,
    envelope: Vec<u8>,
    listener: Option<Listener>,
    turn: Turn,
) -> Result<(Hash, Word), Status> {
    let admitting = shared.clone();
    let work = move || examine(&admitting, envelope, listener);
    let admissions = &shared.gates.admissions;
    let (id, word, fresh) = match turn {
        Turn::WithPlace => admissions.run(work).await?,
        Turn::OfStream => admissions.run_in_turn(work).await?,
    };
    if let Some(envelope) = fresh
        && shared.parts.gossip.send(envelope).await.is_err()
    {
        return Err(Status::unavailable("the node is shutting down"));
    }
    Ok((id, word))
}

/// The part of an admission that reads the store and verifies the signature; with the envelope
/// where it is new to the pool.
fn examine(
    shared: &Shared,
    envelope: Vec<u8>,
    listener: Option<Listener>,
) -> Result<(Hash, Word, Option<Vec<u8>>), Status> {
    let parts = &shared.parts;
    let id = match transaction::id_of_envelope(&parts.chain_id, &envelope) {
        Ok(id) => id,
        Err(rejection) => {
            let word = Word::Rejected(refusal::rejected(&rejection));
            return Ok(([0; 32], word, None));
        }
    };
    let snapshot = parts.reader.snapshot();
    if let Some(committed) = query::committed(&snapshot, &id)? {
        return Ok((id, Word::Committed(committed), None));
    }
    let admission = Admission {
        chain_id: &parts.chain_id,
        tip: snapshot.tip(),
        state: &snapshot,
        pool: &parts.mempool,
    };
    let admitted = admission
        .admit(&envelope, Source::Client(listener))
        .map_err(refusal::fault)?;
    let (word, fresh) = match admitted {
        Ok(None) => (Word::Pending(wire::Pending {}), None),
        Ok(Some(_)) => (Word::Pending(wire::Pending {}), Some(envelope)),
        Err(Rejection::AlreadyCommitted) => match parts.mempool.outcome(&id) {
            Some(outcome) => (word_of(&outcome), None),
            None => {
                let rejected = refusal::rejected(&Rejection::AlreadyCommitted);
                (Word::Rejected(rejected), None)
            }
        },
        Err(Rejection::PoolFull) => {
            return Err(Status::resource_exhausted(Rejection::PoolFull.to_string()));
        }
        Err(rejection) => (Word::Rejected(refusal::rejected(&rejection)), None),
    };
    Ok((id, word, fresh))
}

fn word_of(outcome: &Outcome) -> Word {
    match outcome {
        Outcome::Pending => Word::Pending(wire::Pending {}),
        Outcome::Committed {
            height,
            index,
            time_ms,
        } => Word::Committed(wire::Committed {
            height: *height,
            index: *index,
            time_ms: *time_ms,
            proof: None,
        }),
        Outcome::Rejected(rejection) => Word::Rejected(refusal::rejected(rejection)),
    }
}

/// A status message.
pub fn status(id: Hash, word: Word) -> wire::TransactionStatus {
    wire::TransactionStatus {
        id: id.to_vec(),
        status: Some(word),
    }
}
