//! Several items with all their events in one answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use touchstone_core::proof::item_history::Recorded;
use touchstone_core::proof::items::{self, ProvenItem};
use touchstone_proto::node;

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::custody;
use crate::error::ClientError;
use crate::event_log::{self, EventLog};
use crate::verification::{NotVerified, Trust};

/// Items of one question to a node that answers about each by itself.
const ONE_BY_ONE: usize = 16;

/// What an answer about several items proves.
#[derive(Clone, Debug)]
pub struct ItemsAnswer {
    /// The header that proves all of it; none where each log has its own.
    pub attested: Option<AttestedHeader>,
    /// Event logs of items that were asked for, and of containers around them. One that is too long for such an answer
    /// isn't here.
    pub logs: Vec<EventLog>,
    /// Who has them, where the answer tells; `None`: nobody is recorded.
    pub holders: BTreeMap<String, Option<String>>,
}

/// Asks for the first ones of several items with these canonical identifiers. The event log of the very first is in the
/// answer, whatever it takes.
pub async fn fetch(client: &mut Client, ids: &[String]) -> Result<ItemsAnswer, ClientError> {
    let Some(first) = ids.first() else {
        return Ok(ItemsAnswer {
            attested: None,
            logs: Vec::new(),
            holders: BTreeMap::new(),
        });
    };
    let asked = ids.get(..items::MAX_ITEMS).unwrap_or(ids);
    let Some(mut answer) = client.items(asked).await? else {
        let asked = ids.get(..ONE_BY_ONE).unwrap_or(ids);
        return Ok(ItemsAnswer {
            attested: None,
            logs: event_log::fetch_one_by_one(client, asked).await?,
            holders: BTreeMap::new(),
        });
    };
    if !answer.logs.iter().any(|log| log.id == *first) {
        answer.logs.push(event_log::fetch(client, first).await?);
    }
    Ok(answer)
}

/// Fetches and checks the event logs of several items with these canonical identifiers.
pub async fn fetch_all(client: &mut Client, ids: &[String]) -> Result<Vec<EventLog>, ClientError> {
    let mut known: BTreeMap<String, EventLog> = BTreeMap::new();
    let mut rest: Vec<String> = ids.to_vec();
    rest.sort_unstable();
    rest.dedup();
    while !rest.is_empty() {
        let logs = fetch(client, &rest).await?.logs;
        known.extend(logs.into_iter().map(|log| (log.id.clone(), log)));
        rest.retain(|id| !known.contains_key(id));
    }
    Ok(ids.iter().filter_map(|id| known.get(id).cloned()).collect())
}

/// Checks an answer about the first of these items.
pub fn check(
    trust: &Trust,
    asked: &[String],
    reply: node::ItemsReply,
) -> Result<ItemsAnswer, NotVerified> {
    let attested = trust.tip(reply.header.as_ref())?;
    let proven = items::verify(&attested.header.state_root, asked, &reply)?;
    let answered = reply.items.iter().chain(&reply.around);
    let items = || proven.items.iter().chain(&proven.around);
    let holders = custody::holders(answered.zip(items()));
    let events = proven.entries.iter().cloned().zip(reply.events);
    let events: Vec<Arc<Recorded>> = events
        .map(|(entry, linked)| Recorded::new(entry, linked.event))
        .collect();
    let log = |item: &ProvenItem| {
        let numbers = item.events.as_ref()?.iter();
        Some(EventLog {
            id: item.id.clone(),
            attested: attested.clone(),
            record: item.record.clone(),
            events: numbers.filter_map(|n| events.get(*n).cloned()).collect(),
        })
    };
    let logs: Vec<EventLog> = items().filter_map(log).collect();
    Ok(ItemsAnswer {
        attested: Some(attested),
        logs,
        holders,
    })
}
