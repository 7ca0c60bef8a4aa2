//! Which prefix stands for which namespace in a converted event.
//!
//! Consensus-critical: no

use std::collections::BTreeMap;

use super::value::{Json, Object};

/// The context that every converted event names first.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";

/// Namespaces that this context has a prefix for, in all spellings that are met.
const KNOWN: [(&str, &str); 6] = [
    ("https://ref.gs1.org/cbv/", "cbv"),
    ("urn:epcglobal:cbv:mda", "cbvmda"),
    ("urn:epcglobal:cbv:mda:", "cbvmda"),
    ("https://gs1.org/voc/", "gs1"),
    ("http://gs1.org/voc/", "gs1"),
    ("https://ref.gs1.org/voc/", "gs1"),
];

/// Words before a colon that mean something else than the document's prefix: prefixes of the
/// context, and schemes of URIs that are met in events.
const TAKEN: [&str; 16] = [
    "cbv",
    "cbvmda",
    "data",
    "dcterms",
    "did",
    "epcis",
    "geo",
    "gs1",
    "http",
    "https",
    "ni",
    "owl",
    "tag",
    "touchstone",
    "urn",
    "xsd",
];

/// The prefixes of one event.
#[derive(Default)]
pub(super) struct AssignedPrefixes {
    by_namespace: BTreeMap<String, String>,
    taken: BTreeMap<String, String>,
    /// In the order of their first use.
    declared: Vec<(String, String)>,
}

impl AssignedPrefixes {
    /// The prefix of a namespace: the document's own where it can be.
    pub(super) fn prefix(&mut self, namespace: &str, wanted: &str) -> String {
        if let Some((_, known)) = KNOWN.iter().find(|(known, _)| *known == namespace) {
            return (*known).to_owned();
        }
        if let Some(prefix) = self.by_namespace.get(namespace) {
            return prefix.clone();
        }
        let plain = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        let free = |prefix: &str| !TAKEN.contains(&prefix) && !self.taken.contains_key(prefix);
        let prefix = if plain(wanted) && free(wanted) {
            wanted.to_owned()
        } else {
            (1..)
                .map(|number| format!("ns{number}"))
                .find(|prefix| free(prefix))
                .unwrap_or_default()
        };
        self.by_namespace
            .insert(namespace.to_owned(), prefix.clone());
        self.taken.insert(prefix.clone(), namespace.to_owned());
        self.declared.push((prefix.clone(), namespace.to_owned()));
        prefix
    }

    /// The event's `@context`.
    pub(super) fn context(&self) -> Json {
        let mut contexts = vec![Json::text(CONTEXT)];
        let mut terms = Object::default();
        for (prefix, namespace) in &self.declared {
            // JSON-LD 1.1 §4.1.5: a namespace without a separator at its end is only a prefix if
            // it says so.
            let term = if namespace.ends_with([':', '/', '?', '#', '[', ']', '@']) {
                Json::text(namespace)
            } else {
                let mut term = Object::default();
                term.add("@id", Json::text(namespace));
                term.add("@prefix", Json::Token("true".to_owned()));
                Json::Object(term)
            };
            terms.add(prefix, term);
        }
        if !terms.is_empty() {
            contexts.push(Json::Object(terms));
        }
        Json::List(contexts)
    }
}
