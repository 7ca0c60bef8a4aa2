//! What the prefixes in an event stand for (JSON-LD 1.1 §4.1), as far as it shows without fetching
//! a context from the network.
//!
//! Consensus-critical: no

use super::{JsonValue, Node, each, members, plain};
use crate::prefixes::{Prefixes, master_data, split};

/// The field whose text is for people alone.
const COMMENT: &str = "{http://www.w3.org/2000/01/rdf-schema#}comment";

/// What prefixes stand for.
#[derive(Clone)]
pub(crate) struct EventContext {
    prefixes: Prefixes,
}

impl EventContext {
    /// The scope of an event's own fields.
    pub(crate) fn of_event(event: &Node<'_>) -> EventContext {
        let mut scope = EventContext {
            prefixes: Prefixes::default(),
        };
        if let Some(context) = event.get("@context") {
            scope.declare(context);
        }
        scope
    }

    /// The scope inside an object with a context of its own.
    pub(crate) fn within(&self, node: &Node<'_>) -> Option<EventContext> {
        let context = node.get("@context")?;
        let mut scope = self.clone();
        scope.declare(context);
        Some(scope)
    }

    fn declare(&mut self, context: &Node<'_>) {
        for map in each(context) {
            for member in members(map) {
                let namespace = match &member.value.value {
                    JsonValue::Text(text) => text.as_ref(),
                    JsonValue::Object(_) => member.value.get("@id").map_or("", plain),
                    _ => "",
                };
                if !namespace.is_empty() && !member.name.starts_with('@') {
                    self.prefixes.declare(&member.name, namespace);
                }
            }
        }
    }

    /// A value with a declared prefix as full URI; any other as it is.
    pub(crate) fn expand(&self, value: &str) -> String {
        let full = self.prefixes.expand(value.trim());
        full.unwrap_or_else(|| value.to_owned())
    }

    /// A value with a prefix of GS1's vocabularies as full URI; any other as it is. In extensions,
    /// a colon may stand in any text.
    pub(super) fn expand_gs1(&self, value: &str) -> String {
        match split(value) {
            Some(("gs1" | "cbv" | "epcis", _)) => self.expand(value),
            _ => value.to_owned(),
        }
    }

    /// The name of an extension field: `{namespace}name`, or the name as it is if it has no
    /// namespace. None for what the hash leaves out.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        let full = match self.qualified(name) {
            (namespace, local) if namespace.is_empty() => local,
            (namespace, local) => format!("{{{namespace}}}{local}"),
        };
        (full != COMMENT).then_some(full)
    }

    /// A field's namespace, empty where it has none, and its name in it.
    pub(crate) fn qualified(&self, name: &str) -> (String, String) {
        match split(name) {
            Some((prefix, local)) => match self.prefixes.namespace(prefix) {
                Some(namespace) => (namespace, local.to_owned()),
                None => self.absolute(name),
            },
            None if name.contains(':') => self.absolute(name),
            None => (String::new(), name.to_owned()),
        }
    }

    /// Whether a prefix is declared.
    pub(crate) fn knows(&self, prefix: &str) -> bool {
        self.prefixes.namespace(prefix).is_some()
    }

    /// The prefix that stands for a namespace, if one does.
    pub(crate) fn prefix_of(&self, namespace: &str) -> Option<String> {
        self.prefixes.prefix_of(namespace)
    }

    /// A name that is a full URI: split where a declared namespace ends, else after its last
    /// separator.
    fn absolute(&self, name: &str) -> (String, String) {
        let longest = self
            .prefixes
            .namespaces()
            .filter(|namespace| {
                name.len() > namespace.len() && name.starts_with(namespace.as_str())
            })
            .max_by_key(String::len);
        let end = longest.map_or_else(
            || name.rfind(['/', '#', ':']).map_or(0, |at| at + 1),
            |namespace| namespace.len(),
        );
        match name.split_at_checked(end) {
            Some((namespace, local)) if end > 0 => {
                (master_data(namespace.to_owned()), local.to_owned())
            }
            _ => (String::new(), name.to_owned()),
        }
    }
}
