//! Blocks by height or id, and as they are committed.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use touchstone_core::proof::transaction_tree;
use touchstone_core::state::keys;
use touchstone_edge::Caller;
use touchstone_proto::node as wire;
use touchstone_proto::node::get_block_request::Block as Wanted;

use super::error::{ServiceError, unproven};
use super::limits::StreamPermit;
use super::proven_state::ProvenState;
use super::{LedgerService, state_query};

/// A follower that takes no block for so long, though there is one, loses its place.
const SLOW_READER: Duration = Duration::from_secs(60);

/// Committed blocks.
pub type BlockStream =
    Pin<Box<dyn Stream<Item = Result<wire::BlockReply, ServiceError>> + Send + 'static>>;

/// One block.
pub fn get(
    view: &ProvenState<'_>,
    request: &wire::GetBlockRequest,
) -> Result<wire::BlockReply, ServiceError> {
    let height = match &request.block {
        None => view.snapshot.tip().height,
        Some(Wanted::Height(height)) => *height,
        Some(Wanted::Id(id)) => view
            .snapshot
            .height_of_block(&state_query::id(id)?)?
            .ok_or_else(|| ServiceError::NotFound("no block has this id".into()))?,
    };
    let mut reply = at(view, height, request.with_transactions)?;
    if request.with_proof && height < view.snapshot.tip().height {
        reply.proof = Some(past_id(view, height)?);
    }
    Ok(reply)
}

/// A past block's id under the last block's header.
fn past_id(view: &ProvenState<'_>, height: u64) -> Result<wire::StateReply, ServiceError> {
    let proof = state_query::prove(view, &keys::block(height))?;
    let id = view.proven(height)?.header.id();
    if proof.value.as_deref() != Some(&id) {
        return Err(unproven("the state names another block"));
    }
    Ok(proof)
}

fn at(
    view: &ProvenState<'_>,
    height: u64,
    with_transactions: bool,
) -> Result<wire::BlockReply, ServiceError> {
    let block = view.proven(height)?;
    let transactions = if with_transactions {
        view.snapshot.envelopes(height)?
    } else {
        Vec::new()
    };
    if with_transactions && transaction_tree::root(&transactions) != block.header.transaction_root {
        return Err(unproven("the transactions are not the block's"));
    }
    Ok(wire::BlockReply {
        header: Some(block.certified.clone()),
        transactions,
        proof: None,
    })
}

/// Blocks from a height on (0: from the next one), as they come. Nothing is read before its reader
/// has room for it, and the place is free once the reader has gone.
pub fn subscribe(
    service: Arc<LedgerService>,
    client: Caller,
    request: wire::SubscribeBlocksRequest,
) -> Result<BlockStream, ServiceError> {
    let permit = service.limits.subscriptions.take(client)?;
    let (blocks, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = blocks.closed() => {}
            () = permit.displaced() => {
                // An error means that the reader has gone, or has something else to read first.
                let _ = blocks.try_send(Err(ServiceError::Silent));
            }
            () = follow(&service, client, request, &blocks, &permit) => {}
        }
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}

/// Sends block after block until the reader sleeps, the node stops or a block can't be read.
async fn follow(
    service: &Arc<LedgerService>,
    client: Caller,
    request: wire::SubscribeBlocksRequest,
    blocks: &mpsc::Sender<Result<wire::BlockReply, ServiceError>>,
    permit: &StreamPermit,
) {
    let mut next = request.from_height;
    let mut progress = service.parts.progress.clone();
    loop {
        if progress.wait_for(|p| p.height >= next).await.is_err() {
            return;
        }
        let Ok(Ok(room)) = tokio::time::timeout(SLOW_READER, blocks.reserve()).await else {
            return;
        };
        let height = next;
        let question = move |view: &ProvenState<'_>| match height {
            0 => Ok((view.snapshot.tip().height, None)),
            height => {
                let block = at(view, height, request.with_transactions)?;
                Ok((height, Some(block)))
            }
        };
        let read = match request.with_transactions {
            true => service.read_long(client, question).await,
            false => service.read(client, question).await,
        };
        match read {
            Ok((height, block)) => {
                next = height.saturating_add(1);
                if let Some(block) = block {
                    permit.spoke();
                    room.send(Ok(block));
                }
            }
            Err(failure) => {
                room.send(Err(failure));
                return;
            }
        }
    }
}
