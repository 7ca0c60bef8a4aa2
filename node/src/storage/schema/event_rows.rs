//! Rows of the index of events.

use prost::encoding::{decode_varint, encode_varint};
use touchstone_core::Fault;

use super::{TableKey, TableValue};

/// The place of an event on the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// Height of its block.
    pub height: u64,
    /// Index of its transaction in the block.
    pub transaction: u32,
    /// Its index in the transaction.
    pub event: u32,
}

impl EventPlace {
    /// After every other.
    pub const LAST: EventPlace = EventPlace {
        height: u64::MAX,
        transaction: u32::MAX,
        event: u32::MAX,
    };
}

/// The events of one block that have a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    /// Which field: 0 is the time, and the others are the fields of `IndexField` from 1 on.
    pub field: u8,
    /// The time, sorted as it is; or the beginning of the value's SHA-256.
    pub value: [u8; 16],
    /// Height of the block.
    pub height: u64,
}

impl TableKey for EventKey {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.field];
        bytes.extend_from_slice(&self.value);
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes
    }
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (field, rest) = bytes.split_first()?;
        let (value, height) = rest.split_first_chunk::<16>()?;
        Some(EventKey {
            field: *field,
            value: *value,
            height: u64::from_be_bytes(height.try_into().ok()?),
        })
    }
}

/// Where in its block each of some events stands, in their order: index of the transaction, and of the event in it.
/// Stored as varints (LEB128), for each event two: how much higher the transaction's index is than that of the event
/// before, and the event's index; of events of one transaction, how much higher than that of the event before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPlaces(pub Vec<(u32, u32)>);

impl TableValue for EventPlaces {
    fn encode(&self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::with_capacity(2 * self.0.len());
        let mut last = (0, 0);
        for (transaction, event) in &self.0 {
            let further = transaction.saturating_sub(last.0);
            let from = if further == 0 { last.1 } else { 0 };
            encode_varint(u64::from(further), &mut bytes);
            encode_varint(u64::from(event.saturating_sub(from)), &mut bytes);
            last = (*transaction, *event);
        }
        Ok(bytes)
    }
    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(bytes.len() / 2);
        while !bytes.is_empty() {
            let further = u32::try_from(decode_varint(&mut bytes).ok()?).ok()?;
            let event = u32::try_from(decode_varint(&mut bytes).ok()?).ok()?;
            let last = places.last().copied();
            let (transaction, before) = last.unwrap_or_default();
            let place = match further {
                0 => (transaction, before.checked_add(event)?),
                _ => (transaction.checked_add(further)?, event),
            };
            if last.is_some_and(|last| place <= last) {
                return None;
            }
            places.push(place);
        }
        Some(EventPlaces(places))
    }
}
