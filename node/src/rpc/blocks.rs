//! Blocks by height or id, and as they are committed.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use touchstone_proto::node as wire;
use touchstone_proto::node::get_block_request::Block as Wanted;

use super::{Parts, query, refusal};
use crate::storage::rocks::Snapshot;

/// Committed blocks.
pub type BlockStream =
    Pin<Box<dyn Stream<Item = Result<wire::BlockReply, Status>> + Send + 'static>>;

/// One block.
pub fn get(
    snapshot: &Snapshot<'_>,
    request: &wire::GetBlockRequest,
) -> Result<wire::BlockReply, Status> {
    let height = match &request.block {
        None => snapshot.tip().height,
        Some(Wanted::Height(height)) => *height,
        Some(Wanted::Id(id)) => snapshot
            .height_of_block(&query::id(id)?)
            .map_err(refusal::fault)?
            .ok_or_else(|| Status::not_found("no block has this id"))?,
    };
    at(snapshot, height, request.with_transactions)
}

fn at(
    snapshot: &Snapshot<'_>,
    height: u64,
    with_transactions: bool,
) -> Result<wire::BlockReply, Status> {
    let header = query::certified(snapshot, height)?;
    let transactions = if with_transactions {
        snapshot.envelopes(height).map_err(refusal::fault)?
    } else {
        Vec::new()
    };
    Ok(wire::BlockReply {
        header: Some(header),
        transactions,
    })
}

/// Blocks from a height on (0: from the next one), as they come.
pub fn subscribe(parts: Arc<Parts>, request: wire::SubscribeBlocksRequest) -> BlockStream {
    let (blocks, stream) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut progress = parts.progress.clone();
        let mut next = match request.from_height {
            0 => parts.reader.snapshot().tip().height + 1,
            height => height,
        };
        loop {
            // An error means that the node stops.
            if progress.wait_for(|p| p.height >= next).await.is_err() {
                return;
            }
            let parts = parts.clone();
            let read = tokio::task::spawn_blocking(move || {
                at(&parts.reader.snapshot(), next, request.with_transactions)
            });
            let reply = match read.await {
                Ok(reply) => reply,
                Err(_) => Err(Status::internal("the query failed")),
            };
            let failed = reply.is_err();
            if blocks.send(reply).await.is_err() || failed {
                return;
            }
            next += 1;
        }
    });
    Box::pin(ReceiverStream::new(stream))
}
