//! Events by their places, and by the ids that the ledger gives them.

use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_epcis::query::QueriedEvent;
use touchstone_proto::ledger::{self, transaction::Action};

use super::HttpFailure;
use crate::service::ProvenState;
use crate::service::error::unproven;
use crate::storage::rocks::EventPlace;

/// How the ledger names an event: then the transaction's id, a colon, and the event's index.
const OWN_ID: &str = "urn:touchstone:event:";

/// An event of an answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub place: EventPlace,
    /// The transaction that brought it.
    pub transaction: Hash,
    /// Who brought it.
    pub organisation: String,
    /// Time of its block, milliseconds.
    pub recorded_ms: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What it says.
    pub subject: QueriedEvent,
}

/// The event with one of the ledger's own ids.
pub(super) fn own_id(view: &ProvenState<'_>, id: &str) -> Result<Option<EventPlace>, HttpFailure> {
    let parts = id
        .strip_prefix(OWN_ID)
        .and_then(|rest| rest.split_once(':'));
    let Some((transaction, event)) = parts else {
        return Ok(None);
    };
    let transaction = hex::decode(transaction)
        .ok()
        .and_then(|h| h.try_into().ok());
    let (Some(transaction), Ok(event)) = (transaction, event.parse()) else {
        return Ok(None);
    };
    let row = view.snapshot.transaction(&transaction)?;
    Ok(row.map(|row| EventPlace {
        height: row.height,
        transaction: row.index,
        event,
    }))
}

/// Events by their places. Neighbours are mostly of one transaction, which is decoded once.
pub(super) struct Captures<'a, 'b> {
    view: &'a ProvenState<'b>,
    last: Option<Capture>,
}

/// A transaction's events.
pub(super) struct Capture {
    height: u64,
    index: u32,
    id: Hash,
    organisation: String,
    recorded_ms: u64,
    pub(super) events: Vec<Vec<u8>>,
}

impl<'a, 'b> Captures<'a, 'b> {
    /// Nothing is read yet.
    pub(super) fn new(view: &'a ProvenState<'b>) -> Captures<'a, 'b> {
        Captures { view, last: None }
    }

    /// The event at a place; none where there is none, or where this program's rules are stricter
    /// than those that it was recorded under.
    pub(super) fn load(&mut self, place: EventPlace) -> Result<Option<Found>, HttpFailure> {
        let kept = self.last.take();
        let kept = kept.filter(|c| (c.height, c.index) == (place.height, place.transaction));
        let capture = match kept {
            Some(capture) => capture,
            None => match self.read(place)? {
                Some(capture) => capture,
                None => return Ok(None),
            },
        };
        let found = capture.event(place);
        self.last = Some(capture);
        Ok(found)
    }

    /// The transaction at a place, if it brought events.
    pub(super) fn read(&self, place: EventPlace) -> Result<Option<Capture>, HttpFailure> {
        let snapshot = &self.view.snapshot;
        let envelope = snapshot.envelope(place.height, place.transaction);
        let Some(envelope) = envelope? else {
            return Ok(None);
        };
        let envelope: ledger::Envelope = encoding::decode_exact(&envelope).map_err(unproven)?;
        let body: ledger::Transaction = encoding::decode_exact(&envelope.body).map_err(unproven)?;
        let Some(Action::CaptureEvents(action)) = body.action else {
            return Ok(None);
        };
        let id = transaction::id(&self.view.chain_id, &envelope.body);
        let row = snapshot.transaction(&id)?;
        let row = row.ok_or_else(|| unproven("a transaction isn't indexed"))?;
        Ok(Some(Capture {
            height: place.height,
            index: place.transaction,
            id,
            organisation: body.organisation,
            recorded_ms: row.time_ms,
            events: action.events,
        }))
    }
}

impl Capture {
    /// One of its events.
    pub(super) fn event(&self, place: EventPlace) -> Option<Found> {
        let bytes = self.events.get(place.event as usize)?.clone();
        let recorded = i64::try_from(self.recorded_ms).unwrap_or(i64::MAX);
        let id = format!("{OWN_ID}{}:{}", hex::encode(self.id), place.event);
        Some(Found {
            place,
            transaction: self.id,
            organisation: self.organisation.clone(),
            recorded_ms: self.recorded_ms,
            subject: QueriedEvent::read(&bytes, recorded, id).ok()?,
            bytes,
        })
    }
}
