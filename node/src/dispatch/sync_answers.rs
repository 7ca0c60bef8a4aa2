//! Answers to peers that lack blocks: a few at a time, peers in turn, so that one that asks without end holds up
//! itself. How many of its questions wait is bounded by its connection's streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use prost::Message;
use tokio::sync::Semaphore;
use touchstone_core::{Fault, encoding};
use touchstone_proto::peer;

use super::Routes;
use super::in_turn::InTurn;
use crate::network::{PeerId, QueueCharge, ResponseHandle};
use crate::storage::rocks::StoreReader;

/// Answers that are made at once.
const ANSWERING: usize = 2;
/// Bytes of blocks in one answer; one block always fits.
const BYTES: usize = 6 << 20;
/// Blocks in one answer.
const BLOCKS: u32 = 500;

/// A peer's question, and where the answer goes. The charge is kept until then.
pub struct AskedBlocks {
    /// The peer.
    pub from: PeerId,
    /// Its question.
    pub bytes: Bytes,
    /// Where the answer goes.
    pub respond: ResponseHandle,
    /// What the question stands on.
    pub charge: QueueCharge,
}

/// Questions that wait for their answers.
#[derive(Clone)]
pub struct SyncAnswers {
    routes: Routes,
    answering: Arc<Semaphore>,
    waiting: Arc<Mutex<InTurn<AskedBlocks>>>,
}

impl SyncAnswers {
    /// Nothing is asked.
    pub fn new(routes: Routes) -> SyncAnswers {
        SyncAnswers {
            routes,
            answering: Arc::new(Semaphore::new(ANSWERING)),
            waiting: Arc::default(),
        }
    }

    /// Answers in the background, when the peer's turn comes.
    pub fn put(&self, asked: AskedBlocks) {
        self.lock().push(asked.from.to_string(), asked);
        let answers = self.clone();
        tokio::spawn(async move {
            let Ok(_permit) = answers.answering.acquire().await else {
                return;
            };
            // There are as many tasks as questions: each answers the one whose turn it is.
            let Some(next) = answers.lock().take() else {
                return;
            };
            let routes = answers.routes.clone();
            // An error means that answering panicked; the peer sees its stream end.
            let _ = tokio::task::spawn_blocking(move || answer_one(&routes, next)).await;
        });
    }

    /// As if so many answers were being made while it is held.
    #[cfg(test)]
    pub(super) async fn busy(&self, answers: u32) -> tokio::sync::OwnedSemaphorePermit {
        let answering = self.answering.clone();
        let busy = answering.acquire_many_owned(answers);
        busy.await.expect("it is open")
    }

    /// Questions of a peer that wait.
    #[cfg(test)]
    pub(super) fn of(&self, peer: &PeerId) -> usize {
        self.lock().of(&peer.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, InTurn<AskedBlocks>> {
        // It is whole between any two calls.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer_one(routes: &Routes, asked: AskedBlocks) {
    let AskedBlocks {
        from,
        bytes,
        respond,
        charge,
    } = asked;
    match answer(&routes.reader, &bytes) {
        Ok(reply) => {
            if let Err(error) = respond.respond(reply.into()) {
                tracing::warn!(%from, %error, "a sync answer was not sent");
            }
        }
        Err(error) => {
            tracing::warn!(%from, %error, "a sync request was refused");
            if let SyncRefused::Fault(fault) = error {
                routes.judge(fault);
            }
        }
    }
    drop(charge);
}

fn answer(reader: &StoreReader, bytes: &[u8]) -> Result<Vec<u8>, SyncRefused> {
    let request: peer::SyncRequest = encoding::decode_exact(bytes)?;
    let snapshot = reader.snapshot();
    let tip = snapshot.tip().height;
    let mut reply = peer::SyncReply::default();
    let mut size = 0;
    let mut height = request.from_height.max(1);
    while height <= tip && reply.blocks.len() < request.limit.min(BLOCKS) as usize {
        let Some((block, certificate)) = snapshot.block(height)? else {
            break;
        };
        let block = block.encode();
        size += block.len();
        if size > BYTES && !reply.blocks.is_empty() {
            break;
        }
        reply.blocks.push(peer::CertifiedBlock {
            block,
            certificate: Some(certificate),
        });
        height += 1;
    }
    Ok(reply.encode_to_vec())
}

#[derive(Debug, thiserror::Error)]
enum SyncRefused {
    #[error(transparent)]
    Malformed(#[from] encoding::Malformed),
    #[error(transparent)]
    Fault(#[from] Fault),
}
