//! The kinds of event.
//!
//! Consensus-critical: yes

/// The kinds of event (EPCIS 2.0 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// Something happened to things (§7.4.2).
    Object,
    /// Things were put into, or taken out of, a container (§7.4.3).
    Aggregation,
    /// Things became linked to a business transaction (§7.4.4).
    Transaction,
    /// Things were used up and others made of them (§7.4.5).
    Transformation,
    /// Things were fixed to, or removed from, another thing or a place (§7.4.6).
    Association,
}

/// The kind of event that a `type` names.
pub(crate) fn event_type(name: &str) -> Option<EventType> {
    match name {
        "ObjectEvent" => Some(EventType::Object),
        "AggregationEvent" => Some(EventType::Aggregation),
        "AssociationEvent" => Some(EventType::Association),
        "TransactionEvent" => Some(EventType::Transaction),
        "TransformationEvent" => Some(EventType::Transformation),
        _ => None,
    }
}
