//! Taking in transactions and telling what becomes of them.

use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
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
use crate::storage::rocks::Snapshot;

/// Answers of a stream of submissions.
pub type StatusStream =
    Pin<Box<dyn Stream<Item = Result<wire::TransactionStatus, Status>> + Send + 'static>>;

/// Submissions of one stream whose outcome is still open, at most; then reading pauses.
const OPEN_PER_STREAM: usize = 20_000;
/// Submissions of one stream that are admitted in one go, at most.
const TOGETHER: usize = 128;
/// Bytes of envelopes with which they are enough.
const TOGETHER_BYTES: usize = 1 << 20;

/// Takes in one transaction; waits for its outcome if asked.
pub async fn submit(
    shared: &Arc<Shared>,
    request: wire::SubmitRequest,
) -> Result<wire::TransactionStatus, Status> {
    let (listener, mut outcomes) = mpsc::unbounded_channel();
    let wait = request.wait;
    let admitting = shared.clone();
    let work = move || {
        let snapshot = admitting.parts.reader.snapshot();
        admit(&admitting.parts, &snapshot, request, &listener)
    };
    let (id, word, fresh) = shared.gates.admissions.run(work).await?;
    pass_on(shared, fresh).await?;
    let word = match word {
        Word::Pending(_) if wait => match outcomes.recv().await {
            Some((_, outcome)) => word_of(&outcome),
            None => return Err(Status::unavailable("the node is shutting down")),
        },
        word => word,
    };
    Ok(status(id, word))
}

/// Takes in a stream of transactions and answers each when its outcome is known. Its seat is free
/// once the client has gone, whatever is still open.
pub fn submit_many<S>(shared: Arc<Shared>, requests: S) -> Result<StatusStream, Status>
where
    S: Stream<Item = Result<wire::SubmitRequest, Status>> + Send + Unpin + 'static,
{
    let seat = shared.gates.submissions.take()?;
    let (answers, stream) = mpsc::channel(1024);
    tokio::spawn(async move {
        let _seat = seat;
        let mut requests = requests.fuse();
        let (listener, mut outcomes) = mpsc::unbounded_channel();
        let mut open: usize = 0;
        let mut reading = true;
        while reading || open > 0 {
            let room = OPEN_PER_STREAM.saturating_sub(open);
            let ready = tokio::select! {
                () = answers.closed() => return,
                Some((id, outcome)) = outcomes.recv(), if open > 0 => {
                    open -= 1;
                    vec![Ok(status(id, word_of(&outcome)))]
                }
                together = together(&mut requests, room), if reading && room > 0 => {
                    if together.is_empty() {
                        reading = false;
                        continue;
                    }
                    let admitted = admit_together(&shared, together, &listener).await;
                    match admitted {
                        Ok(admitted) => {
                            open += admitted.open;
                            admitted.answers
                        }
                        Err(failure) => vec![Err(failure)],
                    }
                }
            };
            for answer in ready {
                if answers.send(answer).await.is_err() {
                    return;
                }
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

/// What a stream has ready, at most `room` of them: the next submission and those that came with it.
/// Nothing once it has ended. Given up while it waits, it has taken nothing.
async fn together<S>(requests: &mut S, room: usize) -> Vec<wire::SubmitRequest>
where
    S: Stream<Item = Result<wire::SubmitRequest, Status>> + Unpin,
{
    let mut taken = Vec::new();
    let mut bytes = 0;
    let mut next = requests.next().await;
    while let Some(Ok(request)) = next {
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
    answers: Vec<Result<wire::TransactionStatus, Status>>,
}

/// Admits submissions on one thread, from one snapshot: a thread for each would cost more than
/// what it verifies.
async fn admit_together(
    shared: &Arc<Shared>,
    requests: Vec<wire::SubmitRequest>,
    listener: &Listener,
) -> Result<Admitted, Status> {
    let admitting = shared.clone();
    let listener = listener.clone();
    let work = move || {
        let snapshot = admitting.parts.reader.snapshot();
        let admitted = requests.into_iter().map(|request| {
            let wait = request.wait;
            (wait, admit(&admitting.parts, &snapshot, request, &listener))
        });
        Ok(admitted.collect::<Vec<_>>())
    };
    let mut open = 0;
    let mut answers = Vec::new();
    for (wait, admitted) in shared.gates.admissions.run_in_turn(work).await? {
        match admitted {
            Ok((id, word, fresh)) => {
                pass_on(shared, fresh).await?;
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

/// Has an envelope that is new to the pool gossiped.
async fn pass_on(shared: &Shared, fresh: Option<Vec<u8>>) -> Result<(), Status> {
    let Some(envelope) = fresh else {
        return Ok(());
    };
    let sent = shared.parts.gossip.send(envelope).await;
    sent.map_err(|_| Status::unavailable("the node is shutting down"))
}

/// Reads the store, verifies the signature and puts an envelope in the pool; gives it back where
/// it is new there. A broken rule is an answer.
fn admit(
    parts: &Parts,
    snapshot: &Snapshot<'_>,
    request: wire::SubmitRequest,
    listener: &Listener,
) -> Result<(Hash, Word, Option<Vec<u8>>), Status> {
    let envelope = request.envelope;
    let id = match transaction::id_of_envelope(&parts.chain_id, &envelope) {
        Ok(id) => id,
        Err(rejection) => {
            let word = Word::Rejected(refusal::rejected(&rejection));
            return Ok(([0; 32], word, None));
        }
    };
    if let Some(committed) = query::committed(snapshot, &id)? {
        return Ok((id, Word::Committed(committed), None));
    }
    let admission = Admission {
        chain_id: &parts.chain_id,
        tip: snapshot.tip(),
        state: snapshot,
        pool: &parts.mempool,
    };
    let listener = request.wait.then(|| listener.clone());
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

#[cfg(test)]
mod tests;
