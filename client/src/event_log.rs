//! Fetching an item's whole event log: page by page, each checked when it comes, then one check over all of them; or
//! one page of it, proven by itself.

use std::sync::Arc;

use touchstone_core::proof::item_history::{CompleteLink, Recorded};
use touchstone_core::proof::{link, page};
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node::LinkedEvent;

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// An item's record with every event of it.
#[derive(Clone, Debug)]
pub struct EventLog {
    /// The item's canonical identifier.
    pub id: String,
    /// The header that proves it.
    pub attested: AttestedHeader,
    /// The record; `None` where the item is proven to have none.
    pub record: Option<Item>,
    /// All events, in ledger order.
    pub events: Vec<Arc<Recorded>>,
}

impl EventLog {
    /// The part that item histories are made of.
    pub fn complete(&self) -> CompleteLink {
        let height = self.attested.header.height;
        CompleteLink::new(self.id.clone(), height, self.events.clone())
    }
}

/// Some events of an item's log, in order and none left out between them.
#[derive(Clone, Debug)]
pub struct EventLogPage {
    /// The header that proves it.
    pub attested: AttestedHeader,
    /// Number of the first event, from 0.
    pub from: u64,
    /// Events of the whole log.
    pub count: u64,
    /// The events; none where the log has none from there on.
    pub events: Vec<Arc<Recorded>>,
}

/// Fetches and checks the event logs of several items, each asked for by itself.
pub(crate) async fn fetch_one_by_one(
    client: &mut Client,
    ids: &[String],
) -> Result<Vec<EventLog>, ClientError> {
    let mut all = Vec::with_capacity(ids.len());
    for (id, page) in ids.iter().zip(client.first_pages(ids).await?) {
        let link = page.record.as_ref().and_then(|r| r.link.clone());
        let link = link.unwrap_or_else(link::empty);
        if page.events.len() as u64 != link.count {
            all.push(fetch(client, id).await?);
            continue;
        }
        let entries = link::verify(&link, &page.events).map_err(NotVerified::from)?;
        all.push(EventLog {
            id: id.clone(),
            attested: page.attested,
            record: page.record,
            events: recorded(entries, page.events),
        });
    }
    Ok(all)
}

/// Fetches and checks the event log of the item with this canonical identifier. Each of several pages is checked when
/// it comes: a node that answers junk is asked for no more of it.
pub async fn fetch(client: &mut Client, id: &str) -> Result<EventLog, ClientError> {
    let owner = keys::item(id);
    let mut linked = Vec::new();
    loop {
        let from = linked.len() as u64;
        let page = client.item_page(id, from, 0).await?;
        let record = page.record;
        let proven = record.as_ref().and_then(|r| r.link.clone());
        let proven = proven.unwrap_or_else(link::empty);
        let (attested, events) = (page.attested, page.events);
        let to = from.saturating_add(events.len() as u64);
        let is_all = from == 0 && to >= proven.count;
        if !is_all && !events.is_empty() {
            let root = &attested.header.state_root;
            page::verify(root, &owner, &proven, from, &events, &page.proof)
                .map_err(NotVerified::from)?;
        }
        let page_is_empty = events.is_empty();
        linked.extend(events);
        if to < proven.count && !page_is_empty {
            continue;
        }
        // The last page's record proves all pages: a link only grows.
        let entries = match is_all {
            true => link::verify(&proven, &linked),
            false => {
                let entries: Vec<&[u8]> = linked.iter().map(|e| e.entry.as_slice()).collect();
                link::verify_entries(&proven, &entries)
            }
        };
        return Ok(EventLog {
            id: id.to_owned(),
            attested,
            record,
            events: recorded(entries.map_err(NotVerified::from)?, linked),
        });
    }
}

/// Fetches and checks at most `limit` events from number `from` on, counted from 0, of the item with this
/// canonical identifier.
pub async fn fetch_page(
    client: &mut Client,
    id: &str,
    from: u64,
    limit: u32,
) -> Result<EventLogPage, ClientError> {
    let page = client.item_page(id, from, limit).await?;
    let link = page.record.and_then(|r| r.link);
    let link = link.unwrap_or_else(link::empty);
    let events = if page.events.is_empty() && from >= link.count {
        // That there is none is the record's word.
        Vec::new()
    } else {
        let root = &page.attested.header.state_root;
        let owner = keys::item(id);
        let proven = page::verify(root, &owner, &link, from, &page.events, &page.proof);
        recorded(proven.map_err(NotVerified::from)?, page.events)
    };
    if events.len() > limit as usize {
        return Err(NotVerified::Contradiction("more events than asked for".into()).into());
    }
    Ok(EventLogPage {
        attested: page.attested,
        from,
        count: link.count,
        events,
    })
}

fn recorded(entries: Vec<LinkEntry>, linked: Vec<LinkedEvent>) -> Vec<Arc<Recorded>> {
    let events = entries.into_iter().zip(linked);
    events
        .map(|(entry, linked)| Recorded::new(entry, linked.event))
        .collect()
}
