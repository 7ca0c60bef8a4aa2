//! What an event does to containment. This is the one place that tells which event packs, unpacks or
//! empties.
//!
//! Consensus-critical: yes

use super::{Action, Event, EventType};
use crate::identifier::Identifier;

/// What an aggregation event does to containment (EPCIS 2.0 §7.4.3: ADD aggregates the children
/// to the parent, DELETE disaggregates the children, or all of them where none is named).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainmentStep<'a> {
    /// The items come into the container.
    Pack {
        /// The parent.
        container: &'a Identifier,
        /// The children; not those that are amounts of a class.
        items: &'a [Identifier],
    },
    /// The items come out of it.
    Unpack {
        /// The parent.
        container: &'a Identifier,
        /// The children; none where only amounts of a class come out.
        items: &'a [Identifier],
    },
    /// Everything comes out of it.
    Empty {
        /// The parent.
        container: &'a Identifier,
    },
}

impl<'a> ContainmentStep<'a> {
    /// The container that the step is about.
    pub fn container(&self) -> &'a Identifier {
        match self {
            ContainmentStep::Pack { container, .. }
            | ContainmentStep::Unpack { container, .. }
            | ContainmentStep::Empty { container } => container,
        }
    }
}

impl Event {
    /// What it does to containment; none where it only tells what was seen, or isn't about
    /// containment. Whether it was declared wrong isn't looked at.
    pub fn containment(&self) -> Option<ContainmentStep<'_>> {
        let container = self.parent.as_ref()?;
        if self.event_type != EventType::Aggregation {
            return None;
        }
        let items = self.children.as_slice();
        match self.action? {
            Action::Add => Some(ContainmentStep::Pack { container, items }),
            // An amount of a class that is named is what comes out.
            Action::Delete if items.is_empty() && self.classes.is_empty() => {
                Some(ContainmentStep::Empty { container })
            }
            Action::Delete => Some(ContainmentStep::Unpack { container, items }),
            Action::Observe => None,
        }
    }
}

#[cfg(test)]
mod tests;
