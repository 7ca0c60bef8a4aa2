//! What an event is about, in the ways that rules of custody ask for it.
//!
//! Consensus-critical: yes

use super::{Action, Event, EventType};
use crate::identifier::Identifier;

impl Event {
    /// The things that it names, sorted, each once: in any role, but not as classes or places.
    pub fn things(&self) -> Vec<&Identifier> {
        let lists = [&self.objects, &self.children, &self.inputs, &self.outputs];
        let mut things: Vec<&Identifier> =
            lists.into_iter().flatten().chain(&self.parent).collect();
        things.sort();
        things.dedup();
        things
    }

    /// The things that come into being with it.
    pub fn begins(&self) -> impl Iterator<Item = &Identifier> {
        let (added, made): (&[Identifier], &[Identifier]) = match self.event_type {
            // A declaration that this was wrong begins nothing.
            _ if self.error_declaration.is_some() => (&[], &[]),
            EventType::Object if self.action == Some(Action::Add) => (&self.objects, &[]),
            EventType::Transformation => (&[], &self.outputs),
            _ => (&[], &[]),
        };
        added.iter().chain(made)
    }

    /// The things that it says something happened to, by themselves: not what was packed.
    pub fn acting(&self) -> Vec<&Identifier> {
        match self.event_type {
            EventType::Object => self.objects.iter().collect(),
            EventType::Transaction => self.objects.iter().chain(&self.parent).collect(),
            EventType::Transformation => self.inputs.iter().collect(),
            EventType::Aggregation | EventType::Association => Vec::new(),
        }
    }
}
