//! Questions about blocks.

use std::time::Duration;

use tonic::transport::Channel;
use touchstone_proto::node;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::{Client, contradiction};
use crate::attested_header::AttestedHeader;
use crate::connection::within;
use crate::error::ClientError;
use crate::verification::{NotVerified, Trust};

impl Client {
    /// Blocks from a height on, without their transactions, as they are decided, of a node that is as far as
    /// what was proven. Each is to be checked by
    /// [`Client::checked_block`].
    pub async fn follow_blocks(&mut self, from_height: u64) -> Result<Blocks, ClientError> {
        self.reach_proven().await?;
        self.blocks_from(from_height, false).await
    }

    /// The same, with or without their transactions.
    pub(super) async fn blocks_from(
        &mut self,
        from_height: u64,
        with_transactions: bool,
    ) -> Result<Blocks, ClientError> {
        let request = node::SubscribeBlocksRequest {
            from_height,
            with_transactions,
        };
        let mut ledger = self.ledger.clone();
        Ok(Blocks {
            replies: within(self.timeout, ledger.subscribe_blocks(request)).await?,
            timeout: self.timeout,
        })
    }

    /// A block's header, and its envelopes where they are asked for.
    pub async fn block(
        &mut self,
        height: u64,
        with_transactions: bool,
    ) -> Result<(AttestedHeader, Vec<Vec<u8>>), ClientError> {
        let request = node::GetBlockRequest {
            block: Some(node::get_block_request::Block::Height(height)),
            with_transactions,
            with_proof: false,
        };
        let mut ledger = self.ledger.clone();
        let reply = within(self.timeout, ledger.get_block(request)).await?;
        let attested = self.checked_block(&reply, with_transactions).await?;
        if attested.header.height != height {
            return Err(contradiction("another block than asked for"));
        }
        Ok((attested, reply.transactions))
    }

    /// A block's header, and the later one under whose state its id is proven: whoever came to hold old
    /// validators' keys can't make another. The last block has no later one.
    pub async fn past_block(
        &mut self,
        height: u64,
    ) -> Result<(AttestedHeader, Option<AttestedHeader>), ClientError> {
        // A denial, or an answer without a later block, counts only from a node that is as far as
        // what was proven.
        let tip = self.validators().await?.header.height;
        let request = node::GetBlockRequest {
            block: Some(node::get_block_request::Block::Height(height)),
            with_transactions: false,
            with_proof: true,
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.get_block(request).await }
        };
        let headers = |reply: &node::BlockReply| {
            let later = reply.proof.as_ref().and_then(|p| p.header.as_ref());
            reply.header.iter().chain(later).cloned().collect()
        };
        let check = |trust: &Trust, reply: &node::BlockReply| {
            let attested = trust.block(reply, false)?;
            if attested.header.height != height {
                let other = "another block than asked for".to_owned();
                return Err(NotVerified::Contradiction(other));
            }
            match &reply.proof {
                Some(proof) => {
                    let later = trust.past_block(&attested.header, proof)?;
                    Ok((attested, Some(later)))
                }
                None if tip <= height => Ok((trust.tip(reply.header.as_ref())?, None)),
                None => Err(NotVerified::Missing(
                    "proof of the block's id under a later header",
                )),
            }
        };
        match self.current(ask, headers, check).await {
            Ok((found, _)) => Ok(found),
            Err(error) if error.is_not_found() => Err(self.no_block(height).await),
            Err(other) => Err(other),
        }
    }

    /// Why a node gives no block at a height.
    async fn no_block(&mut self, height: u64) -> ClientError {
        match self.validators().await {
            Ok(newest) if height > newest.header.height => ClientError::NoBlockYet {
                height,
                last: newest.header.height,
            },
            Ok(_) if height > 0 => contradiction("the node denies a block before its last one"),
            Ok(_) => ClientError::NoBlockZero,
            Err(failure) => failure,
        }
    }

    /// Checks a block from a stream.
    pub async fn checked_block(
        &mut self,
        reply: &node::BlockReply,
        with_transactions: bool,
    ) -> Result<AttestedHeader, ClientError> {
        self.catch_up(reply.header.as_ref()).await?;
        Ok(self.trust.block(reply, with_transactions)?)
    }
}

/// Blocks as they come.
pub struct Blocks {
    replies: tonic::Streaming<node::BlockReply>,
    timeout: Duration,
}

impl Blocks {
    /// The next block, whenever it comes. Unchecked.
    pub async fn next(&mut self) -> Result<node::BlockReply, ClientError> {
        let next = self.replies.message().await?;
        next.ok_or_else(|| ClientError::Broken("ended the stream of blocks"))
    }

    /// The next block, which is there already. Unchecked.
    pub async fn next_soon(&mut self) -> Result<node::BlockReply, ClientError> {
        let timeout = self.timeout;
        let next = tokio::time::timeout(timeout, self.next()).await;
        next.unwrap_or_else(|_| Err(ClientError::TooLate(timeout)))
    }
}
