//! Questions about items on one stream, where each costs less than a call. It is opened with the second question, as
//! many who ask have no more than one.

use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedSender};
use tonic::transport::Channel;
use tonic::{Code, Status, Streaming};
use touchstone_proto::node::ledger_client::LedgerClient;
use touchstone_proto::node::{GetItemRequest, ItemReply};

use crate::error::ClientError;

/// The stream, or how far it is from there.
#[derive(Default)]
pub(super) enum ItemQuestions {
    /// Nothing was asked since the last stream ended: the next question is a call.
    #[default]
    Unasked,
    /// The next question opens a stream.
    Asked,
    /// A stream on which all is answered.
    Open(Box<OpenStream>),
    /// The node has no such streams: it is older, or its port is for everybody.
    Refused,
}

/// A stream that is open.
pub(super) struct OpenStream {
    questions: UnboundedSender<GetItemRequest>,
    answers: Streaming<ItemReply>,
}

impl ItemQuestions {
    /// What the node answers on the stream, unchecked; none where the question has to be a call. Once this is given up,
    /// the stream has gone: its next answer would be taken for another question's.
    pub(super) async fn ask(
        &mut self,
        ledger: &LedgerClient<Channel>,
        timeout: Duration,
        request: &GetItemRequest,
    ) -> Result<Option<ItemReply>, ClientError> {
        let open = match std::mem::take(self) {
            ItemQuestions::Unasked => {
                *self = ItemQuestions::Asked;
                return Ok(None);
            }
            ItemQuestions::Refused => {
                *self = ItemQuestions::Refused;
                return Ok(None);
            }
            ItemQuestions::Asked => None,
            ItemQuestions::Open(stream) => Some(stream),
        };
        let answered = answer(open, ledger.clone(), request.clone());
        let answered = tokio::time::timeout(timeout, answered).await;
        match answered.map_err(|_| ClientError::TooLate(timeout))? {
            Ok((stream, reply)) => {
                *self = ItemQuestions::Open(stream);
                Ok(Some(reply))
            }
            Err(status)
                if matches!(status.code(), Code::Unimplemented | Code::PermissionDenied) =>
            {
                *self = ItemQuestions::Refused;
                Ok(None)
            }
            // It was silent for long, gave way, or has no such large answers: the call says what is wrong, if anything.
            Err(_) => Ok(None),
        }
    }
}

/// The answer to a question on a stream, which is opened for it where there is none.
async fn answer(
    open: Option<Box<OpenStream>>,
    mut ledger: LedgerClient<Channel>,
    request: GetItemRequest,
) -> Result<(Box<OpenStream>, ItemReply), Status> {
    let mut stream = match open {
        Some(stream) => stream,
        None => {
            let (questions, asked) = mpsc::unbounded();
            let answers = ledger.ask_items(asked).await?.into_inner();
            Box::new(OpenStream { questions, answers })
        }
    };
    // An error means that the stream has ended; the answers say why.
    let _ = stream.questions.unbounded_send(request);
    match stream.answers.message().await? {
        Some(reply) => Ok((stream, reply)),
        None => Err(Status::unavailable("the stream has ended")),
    }
}
