//! What an event does to containment.
//!
//! Consensus-critical: yes

use super::{Action, Event, EventType};
use crate::identifier::Identifier;

/// What an aggregation does to containment (EPCIS 2.0 §7.4.3: ADD aggregates the children to the parent,
/// DELETE disaggregates the children, or all of them where none is named).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackingStep<'a> {
    /// Items are put into a container.
    Pack {
        /// The container.
        container: &'a Identifier,
        /// The items.
        items: &'a [Identifier],
    },
    /// Items, or amounts of classes, are taken out.
    Unpack {
        /// The container.
        container: &'a Identifier,
        /// The items.
        items: &'a [Identifier],
    },
    /// All that is inside is taken out: neither an item nor a class is named.
    Empty {
        /// The container.
        container: &'a Identifier,
    },
}

impl Event {
    /// What it does to containment; none where it packs and unpacks nothing.
    ///
    /// ```
    /// use touchstone_epcis::{Event, PackingStep};
    ///
    /// let event = Event::parse(br#"{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
    ///   "type": "AggregationEvent", "action": "DELETE", "eventTime": "2026-03-01T08:30:00+08:00",
    ///   "eventTimeZoneOffset": "+08:00", "parentID": "https://id.gs1.org/00/095212340000000150"}"#)?;
    /// assert!(matches!(event.packing(), Some(PackingStep::Empty { .. })));
    /// # Ok::<(), touchstone_epcis::EpcisError>(())
    /// ```
    pub fn packing(&self) -> Option<PackingStep<'_>> {
        let container = self.parent.as_ref()?;
        if self.event_type != EventType::Aggregation {
            return None;
        }
        let items = self.children.as_slice();
        match self.action? {
            Action::Add => Some(PackingStep::Pack { container, items }),
            Action::Delete if items.is_empty() && self.classes.is_empty() => {
                Some(PackingStep::Empty { container })
            }
            Action::Delete => Some(PackingStep::Unpack { container, items }),
            Action::Observe => None,
        }
    }
}
