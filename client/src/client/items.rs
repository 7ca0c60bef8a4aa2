//! Questions about items, by pages of their events.

use futures::stream::{StreamExt, TryStreamExt};
use tonic::transport::Channel;
use touchstone_core::state::keys;
use touchstone_proto::ledger;
use touchstone_proto::node;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::records::AT_ONCE;
use super::{Client, headers};
use crate::attested_header::AttestedHeader;
use crate::connection::within;
use crate::error::ClientError;
use crate::verification::{NotVerified, Trust};

/// A page of an item's events.
pub struct ItemPage {
    /// The header that proves the record.
    pub attested: AttestedHeader,
    /// The record; `None` where the item is proven to have none.
    pub record: Option<ledger::Item>,
    /// Events, unchecked: the caller checks the page, or the link as a whole.
    pub events: Vec<node::LinkedEvent>,
    /// What proves the page under the same header, unchecked.
    pub proof: node::PageProof,
}

impl Client {
    /// One page of an item's events from number `from` on, counted from 0; a `limit` of 0 leaves their
    /// number to the node.
    pub async fn item_page(
        &mut self,
        id: &str,
        from: u64,
        limit: u32,
    ) -> Result<ItemPage, ClientError> {
        let request = node::GetItemRequest {
            id: id.to_owned(),
            from,
            limit,
        };
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = request.clone();
            async move { ledger.get_item(request).await }
        };
        let check = |trust: &Trust, reply: &node::ItemReply| check_page(trust, id, from, reply);
        let ((attested, record), reply) = self
            .current(ask, |reply| headers(reply.record.as_ref()), check)
            .await?;
        Ok(ItemPage::new(attested, record, reply))
    }

    /// The first pages of several items, asked for at once.
    pub async fn first_pages(&mut self, ids: &[String]) -> Result<Vec<ItemPage>, ClientError> {
        let asked = ids.iter().map(|id| {
            let request = node::GetItemRequest {
                id: id.to_owned(),
                from: 0,
                limit: 0,
            };
            let mut ledger = self.ledger.clone();
            let timeout = self.timeout;
            async move { within(timeout, ledger.get_item(request)).await }
        });
        let replies: Vec<node::ItemReply> = futures::stream::iter(asked)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut pages = Vec::with_capacity(ids.len());
        for (id, reply) in ids.iter().zip(replies) {
            let header = reply.record.as_ref().and_then(|r| r.header.as_ref());
            self.catch_up(header).await?;
            pages.push(match check_page(&self.trust, id, 0, &reply) {
                Ok((attested, record)) => ItemPage::new(attested, record, reply),
                // A block came between the answers.
                Err(NotVerified::Behind { .. }) => self.item_page(id, 0, 0).await?,
                Err(wrong) => return Err(wrong.into()),
            });
        }
        Ok(pages)
    }
}

impl ItemPage {
    fn new(
        attested: AttestedHeader,
        record: Option<ledger::Item>,
        reply: node::ItemReply,
    ) -> ItemPage {
        ItemPage {
            attested,
            record,
            events: reply.events,
            proof: reply.proof.unwrap_or_default(),
        }
    }
}

fn check_page(
    trust: &Trust,
    id: &str,
    from: u64,
    reply: &node::ItemReply,
) -> Result<(AttestedHeader, Option<ledger::Item>), NotVerified> {
    let checked = trust.record(&keys::item(id), reply.record.as_ref())?;
    match reply.from == from {
        true => Ok(checked),
        false => Err(NotVerified::Contradiction(
            "another page than asked for".into(),
        )),
    }
}
