//! Several records of the state, asked for at once.

use futures::stream::{StreamExt, TryStreamExt};

use super::{Client, record_at};
use crate::attested_header::AttestedHeader;
use crate::connection::within;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// Questions under way at once.
pub(super) const AT_ONCE: usize = 16;

impl Client {
    /// The messages at several keys of the state, each with the header that proves it or that there is none.
    pub async fn messages<M: prost::Message + Default>(
        &mut self,
        keys: &[Vec<u8>],
    ) -> Result<Vec<(AttestedHeader, Option<M>)>, ClientError> {
        let asked = keys.iter().map(|key| {
            let ask = record_at(key);
            within(self.timeout, ask(self.ledger.clone()))
        });
        let replies: Vec<_> = futures::stream::iter(asked)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut messages = Vec::with_capacity(keys.len());
        for (key, reply) in keys.iter().zip(replies) {
            self.catch_up(reply.header.as_ref()).await?;
            messages.push(match self.trust.record(key, Some(&reply)) {
                Ok(checked) => checked,
                // A block came between the answers.
                Err(NotVerified::Behind { .. }) => self.message(key).await?,
                Err(wrong) => return Err(wrong.into()),
            });
        }
        Ok(messages)
    }
}
