//! Fetching an item's whole link: all pages, then one check over all of them.

use touchstone_core::epcis::Event;
use touchstone_core::proof::link;
use touchstone_proto::ledger::{Item, LinkEntry};

use crate::client::{Client, empty_link};
use crate::failure::Failure;
use crate::verify::{Attested, NotVerified};

/// A place in the ledger: height, transaction, event. Places are totally ordered.
pub type Place = (u64, u32, u32);

/// An event of a proven link.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its place.
    pub place: Place,
    /// Its entry.
    pub entry: LinkEntry,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The same, as the rules read it; `None` where this program's rules are stricter than those
    /// that it was recorded under.
    pub event: Option<Event>,
}

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

/// Entries of the links of several items with these canonical identifiers, each complete.
pub async fn entries(client: &mut Client, ids: &[String]) -> Result<Vec<Vec<LinkEntry>>, Failure> {
    let mut all = Vec::with_capacity(ids.len());
    for (id, (_, record, page)) in ids.iter().zip(client.first_pages(ids).await?) {
        let proven = record.and_then(|r| r.link).unwrap_or_else(empty_link);
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
        .unwrap_or_else(empty_link);
    let entries = link::verify(&proven, &linked).map_err(NotVerified::from)?;
    let events = entries
        .into_iter()
        .zip(linked)
        .map(|(entry, linked)| Recorded {
            place: entry
                .position
                .map(|p| (p.height, p.transaction, p.event))
                .unwrap_or_default(),
            event: Event::parse(&linked.event).ok(),
            bytes: linked.event,
            entry,
        })
        .collect();
    Ok(ProvenLink {
        id: id.to_owned(),
        attested,
        record,
        events,
    })
}
