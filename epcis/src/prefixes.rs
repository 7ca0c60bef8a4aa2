//! What the prefixes of names stand for (JSON-LD 1.1 §4.1), as far as it shows without fetching a
//! context from the network.
//!
//! Consensus-critical: no

use std::collections::BTreeMap;

/// The namespace of GS1's web vocabulary, however a document writes it.
pub(crate) const GS1_VOCABULARY: &str = "https://gs1.org/voc/";

/// Other ways to write [`GS1_VOCABULARY`].
pub(crate) const GS1_ALIASES: [&str; 4] = [
    "https://ref.gs1.org/voc/",
    "http://ref.gs1.org/voc/",
    "https://www.gs1.org/voc/",
    "http://gs1.org/voc/",
];

/// Prefixes that the standard's own context declares.
const STANDARD: [(&str, &str); 5] = [
    ("cbv", "https://ref.gs1.org/cbv/"),
    ("cbvmda", "urn:epcglobal:cbv:mda:"),
    ("epcis", "https://ref.gs1.org/epcis/"),
    ("gs1", GS1_VOCABULARY),
    ("rdfs", "http://www.w3.org/2000/01/rdf-schema#"),
];

/// Prefixes may stand for others; this many times at most.
const MAX_STEPS: usize = 8;

/// What prefixes stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    namespaces: BTreeMap<String, String>,
}

impl Default for Prefixes {
    /// Those of the standard's own context.
    fn default() -> Prefixes {
        let own = STANDARD.map(|(prefix, namespace)| (prefix.to_owned(), namespace.to_owned()));
        Prefixes {
            namespaces: own.into(),
        }
    }
}

impl Prefixes {
    /// Declares a prefix; a later declaration replaces an earlier one.
    pub fn declare(&mut self, prefix: &str, namespace: &str) {
        self.namespaces
            .insert(prefix.to_owned(), namespace.to_owned());
    }

    /// The namespace of a prefix, in full.
    pub(crate) fn namespace(&self, prefix: &str) -> Option<String> {
        let mut namespace = self.namespaces.get(prefix)?.clone();
        for _ in 0..MAX_STEPS {
            let next = split(&namespace)
                .and_then(|(outer, rest)| Some(format!("{}{rest}", self.namespaces.get(outer)?)));
            match next {
                Some(next) if next != namespace => namespace = next,
                _ => break,
            }
        }
        Some(master_data(namespace))
    }

    /// A prefix that stands for a namespace.
    pub(crate) fn prefix_of(&self, namespace: &str) -> Option<String> {
        let mut prefixes = self.namespaces.keys();
        let found = prefixes.find(|prefix| self.namespace(prefix).as_deref() == Some(namespace));
        found.cloned()
    }

    /// All namespaces, in full.
    pub(crate) fn namespaces(&self) -> impl Iterator<Item = String> + '_ {
        self.namespaces
            .keys()
            .filter_map(|prefix| self.namespace(prefix))
    }

    /// The full URI of a name whose prefix is declared.
    pub(crate) fn expand(&self, name: &str) -> Option<String> {
        let (prefix, rest) = split(name)?;
        Some(format!("{}{rest}", self.namespace(prefix)?))
    }
}

/// A prefix and what follows it. JSON-LD 1.1 §4.1.5: `//` after the colon means a full URI. `urn`
/// is left alone: no context may turn an EPC URN into something else.
pub(crate) fn split(value: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = value.split_once(':')?;
    let compact = !rest.starts_with("//") && prefix != "urn" && !prefix.is_empty();
    compact.then_some((prefix, rest))
}

/// The namespace of master data is met without its last colon.
pub(crate) fn master_data(namespace: String) -> String {
    match namespace.as_str() {
        "urn:epcglobal:cbv:mda" => format!("{namespace}:"),
        _ => namespace,
    }
}

/// A URI of GS1's web vocabulary in its one form; any other text as it is.
pub(crate) fn gs1_vocabulary(uri: String) -> String {
    let word = GS1_ALIASES.iter().find_map(|alias| uri.strip_prefix(alias));
    match word {
        Some(word) => format!("{GS1_VOCABULARY}{word}"),
        None => uri,
    }
}
