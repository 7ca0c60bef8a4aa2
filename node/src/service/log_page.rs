//! Pages of links: an item's events, and a file's disclosures. Each is proven and verified here before it
//! is sent.

use std::sync::Arc;

use prost::Message;
use touchstone_core::proof::page::{self, LinkRead, Page};
use touchstone_core::state::{delta::decode_stored, keys};
use touchstone_edge::Caller;
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::{DesignFile, Item, Link};
use touchstone_proto::node as wire;
use touchstone_proto::node::PageProof;

use super::LedgerService;
use super::error::{ServiceError, unproven};
use super::event_reader::EventReader;
use super::proven_state::ProvenState;
use super::state_query::{PAGE_BYTES, id, prove};

/// Entries of a page where the client names no number, and at most. Such pages begin and end at heads
/// that the state holds.
pub const PAGE: u64 = 4 * touchstone_core::proof::link::PAGE_STRIDE;
/// What protobuf adds to an entry and its event, at most.
pub(super) const FRAME_BYTES: usize = 24;

/// Events of a small answer, and its bytes, at most.
const SMALL_EVENTS: u64 = 256;
const SMALL_BYTES: usize = 64 << 10;
/// Events of an answer that is put together on a thread of the network, at most.
const EVENTS_AT_HAND: u64 = 64;

/// An item's record and a page of its events.
pub fn item(
    view: &ProvenState<'_>,
    request: &wire::GetItemRequest,
) -> Result<wire::ItemReply, ServiceError> {
    page_of_item(view, request, (PAGE, PAGE_BYTES))
}

/// The same where the answer is small.
pub fn small_item(
    view: &ProvenState<'_>,
    request: &wire::GetItemRequest,
) -> Result<wire::ItemReply, ServiceError> {
    within(view, request, SMALL_EVENTS)
}

/// [`item`] or [`small_item`].
pub type ItemQuestion =
    fn(&ProvenState<'_>, &wire::GetItemRequest) -> Result<wire::ItemReply, ServiceError>;

/// Asks it in its turn, unless few events are read and all of them are in memory: such an answer is given at once.
pub async fn ask_item(
    service: &Arc<LedgerService>,
    client: Caller,
    request: wire::GetItemRequest,
    question: ItemQuestion,
) -> Result<wire::ItemReply, ServiceError> {
    let asked = request.clone();
    let at_hand = move |view: &ProvenState<'_>| within(view, &asked, EVENTS_AT_HAND);
    let in_turn = move |view: &ProvenState<'_>| question(view, &request);
    service.read_small(client, at_hand, in_turn).await
}

fn within(
    view: &ProvenState<'_>,
    request: &wire::GetItemRequest,
    most: u64,
) -> Result<wire::ItemReply, ServiceError> {
    let reply = page_of_item(view, request, (most, SMALL_BYTES))?;
    match reply.encoded_len() <= SMALL_BYTES {
        true => Ok(reply),
        false => Err(not_small()),
    }
}

fn not_small() -> ServiceError {
    let words =
        "the answer is too large for a stream of questions; ask for it by a call of its own";
    ServiceError::TooLarge(words.into())
}

/// As [`item`]; refused where it would have more events than that, or so many bytes of them are no page.
fn page_of_item(
    view: &ProvenState<'_>,
    request: &wire::GetItemRequest,
    (most, bytes): (u64, usize),
) -> Result<wire::ItemReply, ServiceError> {
    let identifier = Identifier::read(&request.id)
        .map_err(|e| ServiceError::Malformed(format!("{:?}: {e}", request.id)))?;
    let key = keys::item(identifier.as_str());
    let record = prove(view, &key)?;
    let link = match &record.value {
        Some(value) => decode_stored::<Item>(&key, value)?.link,
        None => None,
    };
    let mut reply = wire::ItemReply {
        record: Some(record),
        from: request.from,
        ..wire::ItemReply::default()
    };
    let Some((link, to)) = span(link, request.from, request.limit) else {
        return Ok(reply);
    };
    if to.saturating_sub(request.from) > most {
        return Err(not_small());
    }
    let is_whole = request.from == 0 && to == link.count && to <= SMALL_EVENTS;
    if is_whole && let Some(events) = view.links.find(&link) {
        reply.events = events.to_vec();
        reply.proof = Some(PageProof::default());
        return Ok(reply);
    }
    let entries = read(view, &key, request.from, to)?;
    reply.events = events(view, entries, bytes)?;
    let proof = proof(view, &key, &link, request.from, reply.events.len())?;
    let root = view.tip()?.header.state_root;
    page::verify(&root, &key, &link, request.from, &reply.events, &proof).map_err(unproven)?;
    reply.proof = Some(proof);
    if is_whole && reply.events.len() as u64 == to {
        view.links.keep(&link, &reply.events);
    }
    Ok(reply)
}

/// The events of these entries, as many as fit a page, and one at least; all of them, where fewer bytes are wanted.
fn events(
    view: &ProvenState<'_>,
    entries: Vec<Vec<u8>>,
    most: usize,
) -> Result<Vec<wire::LinkedEvent>, ServiceError> {
    let mut reader = EventReader::new(&view.snapshot, 1);
    let mut events = Vec::with_capacity(entries.len());
    let mut bytes = 0;
    for entry in entries {
        let event = reader.event_of(&entry)?;
        bytes += entry.len() + event.len() + FRAME_BYTES;
        if bytes > most && most < PAGE_BYTES {
            return Err(not_small());
        }
        if bytes > most && !events.is_empty() {
            break;
        }
        events.push(wire::LinkedEvent { entry, event });
    }
    Ok(events)
}

/// A page of the designs disclosed with a file.
pub fn designs_by_file(
    view: &ProvenState<'_>,
    request: &wire::GetDesignsByFileRequest,
) -> Result<wire::DesignsByFileReply, ServiceError> {
    let key = keys::design_file(&id(&request.sha256)?);
    let record = prove(view, &key)?;
    let link = match &record.value {
        Some(value) => {
            let file: DesignFile = decode_stored(&key, value)?;
            file.link
        }
        None => None,
    };
    let mut reply = wire::DesignsByFileReply {
        record: Some(record),
        from: request.from,
        ..wire::DesignsByFileReply::default()
    };
    let Some((link, to)) = span(link, request.from, request.limit) else {
        return Ok(reply);
    };
    let entries = read(view, &key, request.from, to)?;
    let proof = proof(view, &key, &link, request.from, entries.len())?;
    let root = view.tip()?.header.state_root;
    let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let page = Page {
        from: request.from,
        entries: &slices,
        proof: &proof,
    };
    page::verify_entries(&root, &key, &link, &page).map_err(unproven)?;
    reply.entries = entries;
    reply.proof = Some(proof);
    Ok(reply)
}

/// Up to which number a page from `from` on goes; `None` where the link has no such entry.
fn span(link: Option<Link>, from: u64, limit: u32) -> Option<(Link, u64)> {
    let limit = match limit {
        0 => PAGE,
        limit => u64::from(limit).min(PAGE),
    };
    let link = link.filter(|link| from < link.count)?;
    let to = from.saturating_add(limit).min(link.count);
    Some((link, to))
}

fn read(
    view: &ProvenState<'_>,
    key: &[u8],
    from: u64,
    to: u64,
) -> Result<Vec<Vec<u8>>, ServiceError> {
    Ok(view.entries_between(key, from, to)?)
}

fn proof(
    view: &ProvenState<'_>,
    key: &[u8],
    link: &Link,
    from: u64,
    entries: usize,
) -> Result<PageProof, ServiceError> {
    let to = from.saturating_add(entries as u64);
    Ok(page::prove(view, key, from, to, link.count)?)
}
