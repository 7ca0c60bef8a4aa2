//! A thing of a trace, and how it was reached.
//!
//! Consensus-critical: no

use std::sync::Arc;

use touchstone_proto::ledger::{Position, Stock};
use touchstone_proto::node as wire;

use crate::custody::unit_state::UnitState;
use crate::proof::item_history::Place;

/// How a thing was reached from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeKind {
    /// By a transformation: one went in, the other came out.
    Transformed,
    /// It was in it.
    Contained,
}

/// The connection by which a thing was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Canonical identifier of the thing that it was reached from.
    pub from: Arc<str>,
    /// How.
    pub kind: EdgeKind,
    /// Place of the event that connects them.
    pub place: Place,
    /// Id of that event's transaction.
    pub transaction_id: Vec<u8>,
    /// How much of a class or lot, and in which unit (UN/ECE Recommendation 20; none: pieces).
    pub quantity: Option<(String, Option<String>)>,
    /// Whether the event was declared wrong since. It is followed nevertheless: nobody takes a
    /// thing out of a recall by his own word.
    pub declared_wrong: bool,
}

/// Where and when a thing was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Canonical identifier of the place.
    pub place: String,
    /// `eventTime`, in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
}

/// A thing of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Its canonical identifier.
    pub id: String,
    /// Steps from where the trace began.
    pub depth: u32,
    /// How it was reached; none for the first.
    pub edge: Option<Edge>,
    /// Where it stands in its life; none for classes, lots, and what nobody can have.
    pub state: Option<UnitState>,
    /// The last event in its history that names a place, its containers' events included.
    pub seen: Option<Seen>,
    /// The containers it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// Events in its history, those of its containers included.
    pub events: usize,
}

impl Traced {
    /// The same as a message, with who has it, and how much of a class or lot there is.
    pub fn message(self, holder: &str, stock: Option<Stock>) -> wire::TracedItem {
        let (seen_at, seen_ms) = self.seen.map(|s| (s.place, s.time_ms)).unwrap_or_default();
        wire::TracedItem {
            id: self.id,
            depth: self.depth,
            edge: self.edge.map(Edge::message),
            state: self.state.map_or("", UnitState::word).to_owned(),
            seen_at,
            seen_ms,
            inside: self.inside,
            events: self.events as u64,
            holder: holder.to_owned(),
            stock,
        }
    }
}

impl Edge {
    fn message(self) -> wire::TraceEdge {
        let (height, transaction, event) = self.place;
        let (quantity, unit) = self.quantity.unwrap_or_default();
        wire::TraceEdge {
            from: self.from.as_ref().to_owned(),
            contained: self.kind == EdgeKind::Contained,
            place: Some(Position {
                height,
                transaction,
                event,
            }),
            transaction_id: self.transaction_id,
            quantity,
            unit: unit.unwrap_or_default(),
            declared_wrong: self.declared_wrong,
        }
    }
}
