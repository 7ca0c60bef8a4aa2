//! Queries of the state, each from one snapshot, proven under its tip's header.

use prost::Message;
use tonic::Status;
use touchstone_core::block::Header;
use touchstone_core::encoding;
use touchstone_core::epcis::{Identifier, MAX_IDENTIFIER_BYTES};
use touchstone_core::hash::Hash;
use touchstone_core::proof::{link, state, transaction_tree};
use touchstone_core::state::{StateRead, delta::decode_stored, keys};
use touchstone_core::transaction::captured_events;
use touchstone_proto::ledger::{DesignFile, Item, LinkEntry};
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::view::View;
use super::{refusal, submit};
use crate::storage::rocks::Snapshot;

/// Entries of a page where the client names no number, and at most.
const PAGE: u32 = 1000;
/// Bytes of a page, entries and events; a page holds at least one event, which is no larger than a
/// transaction. So an answer stays well below what a message may weigh.
const PAGE_BYTES: usize = 16 << 20;
/// What protobuf adds to an entry and its event, at most.
const FRAME_BYTES: usize = 24;

/// Bytes of the longest key: a container's identifier with what stands before it.
const MAX_KEY_BYTES: usize = MAX_IDENTIFIER_BYTES + 64;

/// An id of 32 bytes.
pub fn id(bytes: &[u8]) -> Result<Hash, Status> {
    encoding::exact("id", bytes).map_err(|e| Status::invalid_argument(e.to_string()))
}

/// Where a transaction is committed, if it is.
pub fn committed(snapshot: &Snapshot<'_>, id: &Hash) -> Result<Option<wire::Committed>, Status> {
    let place = snapshot.transaction(id).map_err(refusal::fault)?;
    Ok(place.map(|place| wire::Committed {
        height: place.height,
        index: place.index,
        time_ms: place.time_ms,
        proof: None,
    }))
}

/// A transaction's status; the store's word counts before the pool's.
pub fn transaction(
    view: &View<'_>,
    bytes: &[u8],
    known: Option<Word>,
    with_proof: bool,
) -> Result<wire::TransactionStatus, Status> {
    let id = id(bytes)?;
    let Some(mut found) = committed(&view.snapshot, &id)? else {
        return Ok(submit::status(
            id,
            known.unwrap_or(Word::Unknown(wire::Unknown {})),
        ));
    };
    if with_proof {
        found.proof = Some(inclusion(view, found.height, found.index)?);
    }
    Ok(submit::status(id, Word::Committed(found)))
}

fn inclusion(view: &View<'_>, height: u64, index: u32) -> Result<wire::TransactionProof, Status> {
    let header = view.certified(height)?;
    let envelopes = view.snapshot.envelopes(height).map_err(refusal::fault)?;
    let envelope = envelopes
        .get(index as usize)
        .cloned()
        .ok_or_else(|| refusal::unproven("index"))?;
    let siblings =
        transaction_tree::prove(&envelopes, index).ok_or_else(|| refusal::unproven("index"))?;
    let decoded = Header::decode(&header.header).map_err(refusal::unproven)?;
    transaction_tree::verify(
        &decoded.transaction_root,
        decoded.transaction_count,
        index,
        &envelope,
        &siblings,
    )
    .map_err(refusal::unproven)?;
    let siblings = siblings.iter().map(|s| s.to_vec()).collect();
    Ok(wire::TransactionProof {
        header: Some(header),
        envelope,
        index,
        siblings,
    })
}

/// An item's record and a page of its events.
pub fn item(view: &View<'_>, request: &wire::GetItemRequest) -> Result<wire::ItemReply, Status> {
    let identifier = Identifier::parse(&request.id)
        .map_err(|e| Status::invalid_argument(format!("{:?}: {e}", request.id)))?;
    let key = keys::item(identifier.as_str());
    let record = prove(view, &key)?;
    let Some(value) = &record.value else {
        return Ok(wire::ItemReply {
            record: Some(record),
            ..wire::ItemReply::default()
        });
    };
    let item: Item = decode_stored(&key, value).map_err(refusal::fault)?;
    let count = item.link.as_ref().map_or(0, |link| link.count);
    let limit = if request.limit == 0 {
        PAGE
    } else {
        request.limit.min(PAGE)
    };
    let rows = view
        .snapshot
        .link_entries(&key, request.from, limit)
        .map_err(refusal::fault)?;
    let mut captures = Captures::new(&view.snapshot);
    let mut events = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for entry in rows {
        let event = captures.event_of(&entry)?;
        bytes += entry.len() + event.len() + FRAME_BYTES;
        if bytes > PAGE_BYTES && !events.is_empty() {
            break;
        }
        events.push(wire::LinkedEvent { entry, event });
    }
    let whole = request.from == 0 && events.len() as u64 == count;
    if let (true, Some(link)) = (whole, &item.link) {
        link::verify(link, &events).map_err(refusal::unproven)?;
    }
    let head_before = match &item.link {
        // Beyond the end there is nothing to read: the record names the head.
        Some(link) if request.from >= count => link.head.clone(),
        _ => view.head_before(&key, request.from)?.to_vec(),
    };
    Ok(wire::ItemReply {
        record: Some(record),
        from: request.from,
        events,
        head_before,
    })
}

/// Events by their entries. Neighbours are mostly of one transaction, which is decoded once.
struct Captures<'a> {
    snapshot: &'a Snapshot<'a>,
    last: Option<(u64, u32, Vec<Vec<u8>>)>,
}

impl<'a> Captures<'a> {
    fn new(snapshot: &'a Snapshot<'a>) -> Captures<'a> {
        Captures {
            snapshot,
            last: None,
        }
    }

    fn event_of(&mut self, entry: &[u8]) -> Result<Vec<u8>, Status> {
        let damaged = || refusal::unproven("an entry points to no event");
        let entry: LinkEntry = encoding::decode_exact(entry).map_err(refusal::unproven)?;
        let at = entry.position.ok_or_else(damaged)?;
        let kept = self.last.take();
        let kept =
            kept.filter(|(height, index, _)| (*height, *index) == (at.height, at.transaction));
        let events = match kept {
            Some((.., events)) => events,
            None => events_of(self.snapshot, at.height, at.transaction)?,
        };
        let event = events.get(at.event as usize).cloned().ok_or_else(damaged)?;
        self.last = Some((at.height, at.transaction, events));
        Ok(event)
    }
}

/// The events of the capture at a place.
fn events_of(snapshot: &Snapshot<'_>, height: u64, index: u32) -> Result<Vec<Vec<u8>>, Status> {
    let damaged = || refusal::unproven("an entry points to no capture");
    let envelope = snapshot
        .envelope(height, index)
        .map_err(refusal::fault)?
        .ok_or_else(damaged)?;
    captured_events(&envelope)
        .map_err(refusal::unproven)?
        .ok_or_else(damaged)
}

/// A design by its id.
pub fn design(view: &View<'_>, bytes: &[u8]) -> Result<wire::DesignReply, Status> {
    let record = prove(view, &keys::design(&id(bytes)?))?;
    Ok(wire::DesignReply {
        record: Some(record),
    })
}

/// All designs disclosed with a file.
pub fn designs_by_file(view: &View<'_>, sha256: &[u8]) -> Result<wire::DesignsByFileReply, Status> {
    let key = keys::design_file(&id(sha256)?);
    let record = prove(view, &key)?;
    let mut entries = Vec::new();
    if let Some(value) = &record.value {
        let file: DesignFile = decode_stored(&key, value).map_err(refusal::fault)?;
        let count = file.link.as_ref().map_or(0, |link| link.count);
        while (entries.len() as u64) < count {
            let from = entries.len() as u64;
            let rows = view
                .snapshot
                .link_entries(&key, from, PAGE)
                .map_err(refusal::fault)?;
            if rows.is_empty() {
                return Err(refusal::unproven("entries are missing"));
            }
            entries.extend(rows);
        }
        let refs: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        if let Some(link) = &file.link {
            link::verify_entries(link, &refs).map_err(refusal::unproven)?;
        }
    }
    Ok(wire::DesignsByFileReply {
        record: Some(record),
        entries,
    })
}

/// An organisation's record.
pub fn organisation(view: &View<'_>, id: &str) -> Result<wire::StateReply, Status> {
    prove(view, &keys::organisation(id))
}

/// A change of the consortium: its record.
pub fn change(view: &View<'_>, bytes: &[u8]) -> Result<wire::StateReply, Status> {
    prove(view, &keys::change(&id(bytes)?))
}

/// Any key of the state.
pub fn record(view: &View<'_>, key: &[u8]) -> Result<wire::StateReply, Status> {
    if key.len() > MAX_KEY_BYTES {
        return Err(Status::invalid_argument(format!(
            "a key of the state has at most {MAX_KEY_BYTES} bytes"
        )));
    }
    prove(view, key)
}

/// The list of organisations' ids, then the record of each: the first proves that none is missing.
pub fn organisations(view: &View<'_>) -> Result<wire::ListOrganisationsReply, Status> {
    let list = prove(view, keys::ORGANISATIONS)?;
    let ids = list.value.clone().unwrap_or_default();
    let mut organisations = vec![list];
    for id in ids.split(|b| *b == 0).filter(|id| !id.is_empty()) {
        let key = keys::organisation(&String::from_utf8_lossy(id));
        organisations.push(prove(view, &key)?);
    }
    Ok(wire::ListOrganisationsReply { organisations })
}

/// The validators that decided the last block.
pub fn validators(view: &View<'_>) -> Result<wire::ValidatorsReply, Status> {
    let tip = view.tip()?;
    Ok(wire::ValidatorsReply {
        header: Some(tip.certified.clone()),
        validators: Some(tip.validators.message()),
    })
}

/// The changes of the validator set from a height on, as many as fit an answer.
pub fn handovers(view: &View<'_>, from: u64) -> Result<wire::HandoversReply, Status> {
    let changes = view
        .snapshot
        .validator_set_changes(from)
        .map_err(refusal::fault)?;
    let mut handovers = Vec::new();
    let mut bytes = 0;
    for (height, set) in changes.into_iter().filter(|(height, _)| *height > 0) {
        let handover = wire::Handover {
            header: Some(view.certified(height)?),
            next_validators: Some(set.message()),
        };
        bytes += handover.encoded_len();
        if bytes > PAGE_BYTES && !handovers.is_empty() {
            break;
        }
        handovers.push(handover);
    }
    Ok(wire::HandoversReply { handovers })
}

/// Evidence of double signing.
pub fn misbehaviour(view: &View<'_>) -> Result<wire::MisbehaviourReply, Status> {
    let evidence = view.snapshot.misbehaviour().map_err(refusal::fault)?;
    Ok(wire::MisbehaviourReply { evidence })
}

/// What the state says of a key, proven under the tip's header, and verified.
fn prove(view: &View<'_>, key: &[u8]) -> Result<wire::StateReply, Status> {
    let tip = view.tip()?;
    let value = view.snapshot.get(key).map_err(refusal::fault)?;
    let proof = view.snapshot.prove(key).map_err(refusal::fault)?;
    state::verify(&tip.header.state_root, key, value.as_deref(), &proof)
        .map_err(refusal::unproven)?;
    Ok(wire::StateReply {
        header: Some(tip.certified.clone()),
        key: key.to_vec(),
        value,
        proof: Some(proof),
    })
}
