//! Blocks by height or id, and as they are committed.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use touchstone_core::proof::transaction_tree;
use touchstone_core::state::keys;
use touchstone_proto::node as wire;
use touchstone_proto::node::get_block_request::Block as Wanted;

use super::view::View;
use super::{Shared, query, refusal};

/// A follower that takes no block for so long, though there is one, loses its seat.
const SLOW_READER: Duration = Duration::from_secs(60);

/// Committed blocks.
pub type BlockStream =
    Pin<Box<dyn Stream<Item = Result<wire::BlockReply, Status>> + Send + 'static>>;

/// One block.
pub fn get(view: &View<'_>, request: &wire::GetBlockRequest) -> Result<wire::BlockReply, Status> {
    let height = match &request.block {
        None => view.snapshot.tip().height,
        Some(Wanted::Height(height)) => *height,
        Some(Wanted::Id(id)) => view
            .snapshot
            .height_of_block(&query::id(id)?)
            .map_err(refusal::fault)?
            .ok_or_else(|| Status::not_found("no block has this id"))?,
    };
    let mut reply = at(view, height, request.with_transactions)?;
    if request.with_proof && height < view.snapshot.tip().height {
        reply.proof = Some(past_id(view, height)?);
    }
    Ok(reply)
}

/// A past block's id under the last block's header.
fn past_id(view: &View<'_>, height: u64) -> Result<wire::StateReply, Status> {
    let proof = query::prove(view, &keys::block(height))?;
    let id = view.proven(height)?.header.id();
    if proof.value.as_deref() != Some(&id) {
        return Err(refusal::unproven("the state names another block"));
    }
    Ok(proof)
}

fn at(view: &View<'_>, height: u64, with_transactions: bool) -> Result<wire::BlockReply, Status> {
    let block = view.proven(height)?;
    let transactions = if with_transactions {
        view.snapshot.envelopes(height).map_err(refusal::fault)?
    } else {
        Vec::new()
    };
    if with_transactions && transaction_tree::root(&transactions) != block.header.transaction_root {
        return Err(refusal::unproven("the transactions are not the block's"));
    }
    Ok(wire::BlockReply {
        header: Some(block.certified.clone()),
        transactions,
        proof: None,
    })
}

/// Blocks from a height on (0: from the next one), as they come. Nothing is read before its reader
/// has room for it, and the seat is free once the reader has gone.
pub fn subscribe(
    shared: Arc<Shared>,
    request: wire::SubscribeBlocksRequest,
) -> Result<BlockStream, Status> {
    let seat = shared.gates.subscriptions.take()?;
    let (blocks, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        let _seat = seat;
        let mut next = request.from_height;
        loop {
            let mut progress = shared.parts.progress.clone();
            let waited = tokio::select! {
                () = blocks.closed() => return,
                waited = progress.wait_for(|p| p.height >= next) => waited.is_ok(),
            };
            // The node stops, or the reader has gone or sleeps.
            if !waited {
                return;
            }
            let Ok(Ok(room)) = tokio::time::timeout(SLOW_READER, blocks.reserve()).await else {
                return;
            };
            let reader = shared.clone();
            let read = shared.gates.reads.run_in_turn(move || {
                let view = reader.view();
                match next {
                    0 => Ok((view.snapshot.tip().height, None)),
                    height => at(&view, height, request.with_transactions)
                        .map(|block| (height, Some(block))),
                }
            });
            match read.await {
                Ok((height, block)) => {
                    next = height.saturating_add(1);
                    if let Some(block) = block {
                        room.send(Ok(block));
                    }
                }
                Err(failure) => {
                    room.send(Err(failure));
                    return;
                }
            }
        }
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}
