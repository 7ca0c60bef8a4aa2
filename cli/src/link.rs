//! Fetching an item's whole link: all pages, then one check over all of them.

use touchstone_core::proof::journey::{CompleteLink, Recorded};
use touchstone_core::proof::link;
use touchstone_proto::ledger::{Item, LinkEntry};

use crate::client::Client;
use crate::failure::Failure;
use crate::verify::{Attested, NotVerified};

/// An item's record with every event of it.
#[derive(Clone, Debug)]
pub struct ProvenLink {
    /// The item's canonical identifier.
    pub id: String,
    /// The header that proves it.
    pub attested: Attested,
    /// The record; `None` where the item is proven to have none.
    pub record: Option<Item>,
    /// All events, in ledger order.
    pub events: Vec<Recorded>,
}

impl ProvenLink {
    /// The part that journeys are made of.
    pub fn complete(&self) -> CompleteLink {
        CompleteLink {
            id: self.id.clone(),
            height: self.attested.header.height,
            events: self.events.clone(),
        }
    }
}

/// Entries of the links of several items with these canonical identifiers, each complete.
pub async fn entries(client: &mut Client, ids: &[String]) -> Result<Vec<Vec<LinkEntry>>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    for (id, (_, record, page)) in ids.iter().zip(client.first_pages(ids).await?) {
        let proven = record.and_then(|r| r.link).unwrap_or_else(link::empty);
        if page.len() as u64 == proven.count {
            all.push(link::verify(&proven, &page).map_err(NotVerified::from)?);
        } else {
            let whole = fetch(client, id).await?;
            all.push(whole.events.into_iter().map(|e| e.entry).collect());
        }
    }
    Ok(all)
}

/// Fetches and checks the link of the item with this canonical identifier.
pub async fn fetch(client: &mut Client, id: &str) -> Result<ProvenLink, Failure> {
    let mut linked = Vec::new();
    let (attested, record) = loop {
        let from = linked.len() as u64;
        let (attested, record, page) = client.item_page(id, from).await?;
        let count = record
            .as_ref()
            .and_then(|r| r.link.as_ref())
            .map_or(0, |l| l.count);
        let page_is_empty = page.is_empty();
        linked.extend(page);
        // The last page's record proves all pages: a link only grows.
        if linked.len() as u64 >= count || page_is_empty {
            break (attested, record);
        }
    };
    let proven = record
        .as_ref()
        .and_then(|r| r.link.clone())
        .unwrap_or_else(link::empty);
    let entries = link::verify(&proven, &linked).map_err(NotVerified::from)?;
    let events = entries
        .into_iter()
        .zip(linked)
        .map(|(entry, linked)| Recorded::new(entry, linked.event))
        .collect();
    Ok(ProvenLink {
        id: id.to_owned(),
        attested,
        record,
        events,
    })
}
