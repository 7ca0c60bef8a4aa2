//! Questions about items: by pages of their events, or several with all their events.

use std::time::{Duration, Instant};

use futures::stream::{StreamExt, TryStreamExt};
use tokio::task::JoinHandle;
use tonic::Code;
use tonic::transport::Channel;
use touchstone_core::state::keys;
use touchstone_proto::ledger;
use touchstone_proto::node;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::records::AT_ONCE;
use super::{ASKS_AGAIN_AFTER, CATCHES_UP, Client, headers};
use crate::attested_header::AttestedHeader;
use crate::connection::within;
use crate::error::ClientError;
use crate::items::{self, ItemsAnswer};
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
        let (ledger, timeout) = (&self.ledger, self.timeout);
        if let Some(reply) = self.item_questions.ask(ledger, timeout, &request).await? {
            let header = reply.record.as_ref().and_then(|r| r.header.as_ref());
            self.catch_up(header).await?;
            match check_page(&self.trust, id, from, &reply) {
                Ok((attested, record)) => return Ok(ItemPage::new(attested, record, reply)),
                // It is asked again below, until it has caught up.
                Err(NotVerified::Behind { .. }) => {}
                Err(wrong) => return Err(wrong.into()),
            }
        }
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

    /// The first of several items with these canonical identifiers, with all their events. None where the node answers
    /// no such question: it is older, or its port is for everybody.
    pub async fn items(&mut self, ids: &[String]) -> Result<Option<ItemsAnswer>, ClientError> {
        if self.asks_singly {
            return Ok(None);
        }
        let asked_first = Instant::now();
        loop {
            let Some(reply) = answer(self.ledger.clone(), self.timeout, ids).await? else {
                self.asks_singly = true;
                return Ok(None);
            };
            self.catch_up(reply.header.as_ref()).await?;
            match items::check(&self.trust, ids, reply) {
                Err(NotVerified::Behind { .. })
                    if asked_first.elapsed() < CATCHES_UP.min(self.timeout) =>
                {
                    tokio::time::sleep(ASKS_AGAIN_AFTER).await;
                }
                checked => return Ok(Some(checked?)),
            }
        }
    }

    /// The same question in a task of its own. None where it has to be asked again in the usual way: the node doesn't
    /// answer it, is behind, or names validators that aren't known yet.
    pub fn items_ahead(&self, ids: Vec<String>) -> Option<ItemsAhead> {
        if self.asks_singly {
            return None;
        }
        let (ledger, trust, timeout) = (self.ledger.clone(), self.trust.clone(), self.timeout);
        Some(tokio::spawn(async move {
            let Some(reply) = answer(ledger, timeout, &ids).await? else {
                return Ok(None);
            };
            if !trust.knows_validators_of(reply.header.as_ref()) {
                return Ok(None);
            }
            match items::check(&trust, &ids, reply) {
                Err(NotVerified::Behind { .. }) => Ok(None),
                checked => Ok(Some(checked?)),
            }
        }))
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

/// An answer that is under way.
pub type ItemsAhead = JoinHandle<Result<Option<ItemsAnswer>, ClientError>>;

/// What a node answers about several items, unchecked; none where it has to be asked about each by itself: it is older,
/// or its port is for everybody.
async fn answer(
    mut ledger: LedgerClient<Channel>,
    timeout: Duration,
    ids: &[String],
) -> Result<Option<node::ItemsReply>, ClientError> {
    let request = node::GetItemsRequest { ids: ids.to_vec() };
    match within(timeout, ledger.get_items(request)).await {
        Err(ClientError::Answered(status))
            if matches!(status.code(), Code::Unimplemented | Code::PermissionDenied) =>
        {
            Ok(None)
        }
        reply => reply.map(Some),
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
