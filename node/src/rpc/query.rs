//! Queries of the state, each from one snapshot, proven under its tip's header.

use prost::Message;
use tonic::Status;
use touchstone_core::block::Header;
use touchstone_core::encoding;
use touchstone_core::epcis::Identifier;
use touchstone_core::hash::Hash;
use touchstone_core::model::validators::ValidatorSet;
use touchstone_core::proof::{header, link, state, transaction_tree};
use touchstone_core::state::{StateRead, delta::decode_stored, keys};
use touchstone_proto::ledger::{
    CaptureEvents, DesignFile, Item, LinkEntry, Transaction, transaction::Action,
};
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::{refusal, submit};
use crate::storage::rocks::Snapshot;

/// Entries of a page where the client names no number, and at most.
const PAGE: u32 = 1000;
/// Bytes of events of a page; a page holds at least one event.
const PAGE_BYTES: usize = 16 << 20;

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
    snapshot: &Snapshot<'_>,
    bytes: &[u8],
    known: Option<Word>,
    with_proof: bool,
) -> Result<wire::TransactionStatus, Status> {
    let id = id(bytes)?;
    let Some(mut found) = committed(snapshot, &id)? else {
        return Ok(submit::status(
            id,
            known.unwrap_or(Word::Unknown(wire::Unknown {})),
        ));
    };
    if with_proof {
        found.proof = Some(inclusion(snapshot, found.height, found.index)?);
    }
    Ok(submit::status(id, Word::Committed(found)))
}

fn inclusion(
    snapshot: &Snapshot<'_>,
    height: u64,
    index: u32,
) -> Result<wire::TransactionProof, Status> {
    let header = certified(snapshot, height)?;
    let envelopes = snapshot.envelopes(height).map_err(refusal::fault)?;
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
pub fn item(
    snapshot: &Snapshot<'_>,
    request: &wire::GetItemRequest,
) -> Result<wire::ItemReply, Status> {
    let identifier = Identifier::parse(&request.id)
        .map_err(|e| Status::invalid_argument(format!("{:?}: {e}", request.id)))?;
    let key = keys::item(identifier.as_str());
    let record = prove(snapshot, &key)?;
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
    let rows = snapshot
        .link_entries(&key, request.from, limit)
        .map_err(refusal::fault)?;
    let mut events = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for entry in rows {
        let event = event_of(snapshot, &entry)?;
        bytes += event.len();
        if bytes > PAGE_BYTES && !events.is_empty() {
            break;
        }
        events.push(wire::LinkedEvent { entry, event });
    }
    let whole = request.from == 0 && events.len() as u64 == count;
    if let (true, Some(link)) = (whole, &item.link) {
        link::verify(link, &events).map_err(refusal::unproven)?;
    }
    let head_before = head_before(snapshot, &key, request.from)?;
    Ok(wire::ItemReply {
        record: Some(record),
        from: request.from,
        events,
        head_before,
    })
}

fn event_of(snapshot: &Snapshot<'_>, entry: &[u8]) -> Result<Vec<u8>, Status> {
    let damaged = || refusal::unproven("an entry points to no event");
    let entry: LinkEntry = encoding::decode_exact(entry).map_err(refusal::unproven)?;
    let position = entry.position.ok_or_else(damaged)?;
    let envelope = snapshot
        .envelope(position.height, position.transaction)
        .map_err(refusal::fault)?
        .ok_or_else(damaged)?;
    let envelope: touchstone_proto::ledger::Envelope =
        Message::decode(envelope.as_slice()).map_err(refusal::unproven)?;
    let body: Transaction = Message::decode(envelope.body.as_slice()).map_err(refusal::unproven)?;
    let Some(Action::CaptureEvents(CaptureEvents { mut events })) = body.action else {
        return Err(damaged());
    };
    let index = position.event as usize;
    if index >= events.len() {
        return Err(damaged());
    }
    Ok(events.swap_remove(index))
}

fn head_before(snapshot: &Snapshot<'_>, key: &[u8], from: u64) -> Result<Vec<u8>, Status> {
    let mut head = link::EMPTY_HEAD;
    let mut next = 0;
    while next < from {
        let wanted = u32::try_from(from - next).unwrap_or(PAGE).min(PAGE);
        let rows = snapshot
            .link_entries(key, next, wanted)
            .map_err(refusal::fault)?;
        if rows.is_empty() {
            break;
        }
        for entry in &rows {
            head = link::extend(&head, entry);
        }
        next += rows.len() as u64;
    }
    Ok(head.to_vec())
}

/// A design by its id.
pub fn design(snapshot: &Snapshot<'_>, bytes: &[u8]) -> Result<wire::DesignReply, Status> {
    let record = prove(snapshot, &keys::design(&id(bytes)?))?;
    Ok(wire::DesignReply {
        record: Some(record),
    })
}

/// All designs disclosed with a file.
pub fn designs_by_file(
    snapshot: &Snapshot<'_>,
    sha256: &[u8],
) -> Result<wire::DesignsByFileReply, Status> {
    let key = keys::design_file(&id(sha256)?);
    let record = prove(snapshot, &key)?;
    let mut entries = Vec::new();
    if let Some(value) = &record.value {
        let file: DesignFile = decode_stored(&key, value).map_err(refusal::fault)?;
        let count = file.link.as_ref().map_or(0, |link| link.count);
        while (entries.len() as u64) < count {
            let from = entries.len() as u64;
            let rows = snapshot
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
pub fn organisation(snapshot: &Snapshot<'_>, id: &str) -> Result<wire::StateReply, Status> {
    prove(snapshot, &keys::organisation(id))
}

/// The list of organisations' ids, then the record of each: the first proves that none is missing.
pub fn organisations(snapshot: &Snapshot<'_>) -> Result<wire::ListOrganisationsReply, Status> {
    let list = prove(snapshot, keys::ORGANISATIONS)?;
    let ids = list.value.clone().unwrap_or_default();
    let mut organisations = vec![list];
    for id in ids.split(|b| *b == 0).filter(|id| !id.is_empty()) {
        let key = keys::organisation(&String::from_utf8_lossy(id));
        organisations.push(prove(snapshot, &key)?);
    }
    Ok(wire::ListOrganisationsReply { organisations })
}

/// The validators that decided the last block.
pub fn validators(snapshot: &Snapshot<'_>) -> Result<wire::ValidatorsReply, Status> {
    let height = snapshot.tip().height;
    let header = certified(snapshot, height)?;
    let set = set_at(snapshot, height)?;
    Ok(wire::ValidatorsReply {
        header: Some(header),
        validators: Some(set.message()),
    })
}

/// The changes of the validator set, from genesis to now.
pub fn handovers(snapshot: &Snapshot<'_>, from: u64) -> Result<wire::HandoversReply, Status> {
    let changes = snapshot
        .validator_set_changes(from)
        .map_err(refusal::fault)?;
    let handovers = changes
        .into_iter()
        .filter(|(height, _)| *height > 0)
        .map(|(height, set)| {
            Ok(wire::Handover {
                header: Some(certified(snapshot, height)?),
                next_validators: Some(set.message()),
            })
        })
        .collect::<Result<_, Status>>()?;
    Ok(wire::HandoversReply { handovers })
}

/// Evidence of double signing.
pub fn misbehaviour(snapshot: &Snapshot<'_>) -> Result<wire::MisbehaviourReply, Status> {
    let evidence = snapshot.misbehaviour().map_err(refusal::fault)?;
    Ok(wire::MisbehaviourReply { evidence })
}

/// The header at a height with its certificate.
pub fn certified(snapshot: &Snapshot<'_>, height: u64) -> Result<wire::CertifiedHeader, Status> {
    if height == 0 {
        return Err(refusal::no_block());
    }
    snapshot
        .certified_header(height)
        .map_err(refusal::fault)?
        .ok_or_else(|| Status::not_found(format!("no block at height {height}")))
}

/// The set that decided the block at `height`: the last change below it.
fn set_at(snapshot: &Snapshot<'_>, height: u64) -> Result<ValidatorSet, Status> {
    let changes = snapshot.validator_set_changes(0).map_err(refusal::fault)?;
    changes
        .into_iter()
        .rfind(|(changed, _)| *changed < height)
        .map(|(_, set)| set)
        .ok_or_else(|| refusal::unproven("no validator set is stored"))
}

/// What the state says of a key, proven under the tip's header, and verified.
fn prove(snapshot: &Snapshot<'_>, key: &[u8]) -> Result<wire::StateReply, Status> {
    let tip = snapshot.tip();
    let certified = certified(snapshot, tip.height)?;
    let value = snapshot.get(key).map_err(refusal::fault)?;
    let proof = snapshot.prove(key).map_err(refusal::fault)?;
    let validators = set_at(snapshot, tip.height)?;
    let decoded = Header::decode(&certified.header).map_err(refusal::unproven)?;
    header::verify(&decoded.chain_id, &validators, &certified).map_err(refusal::unproven)?;
    state::verify(&decoded.state_root, key, value.as_deref(), &proof).map_err(refusal::unproven)?;
    Ok(wire::StateReply {
        header: Some(certified),
        key: key.to_vec(),
        value,
        proof: Some(proof),
    })
}
