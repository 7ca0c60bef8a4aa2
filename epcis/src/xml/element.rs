//! Elements of an XML document, and their names.
//!
//! Consensus-critical: no

use std::rc::Rc;

use super::EPCIS;

/// The name of an element or attribute.
pub(super) struct Name {
    /// Empty if it has none.
    pub(super) namespace: Rc<str>,
    pub(super) prefix: String,
    pub(super) local: String,
}

impl Name {
    /// As it stands in the document.
    pub(super) fn written(&self) -> String {
        match self.prefix.as_str() {
            "" => self.local.clone(),
            prefix => format!("{prefix}:{}", self.local),
        }
    }

    /// The full URI: the namespace, and right behind it the local name.
    pub(super) fn full(&self) -> String {
        let namespace = crate::prefixes::master_data(self.namespace.to_string());
        format!("{namespace}{}", self.local)
    }

    /// Whether it is one of EPCIS itself, whose elements have no namespace, or that of EPCIS.
    pub(super) fn is_standard(&self) -> bool {
        self.namespace.is_empty() || EPCIS.contains(&&*self.namespace)
    }
}

/// An element with what is in it, as far as it has been read.
pub(super) struct XmlElement {
    pub(super) name: Name,
    pub(super) attributes: Vec<(Name, String)>,
    pub(super) children: Vec<XmlElement>,
    /// All text directly inside.
    pub(super) text: String,
    /// The prefixes that it declares, with their namespaces.
    pub(super) bindings: Vec<(String, Rc<str>)>,
    /// Which of its parent's elements of this name it is, from 1.
    pub(super) number: usize,
    /// Whether its parent is a list.
    pub(super) in_list: bool,
}

impl XmlElement {
    pub(super) fn is_standard(&self) -> bool {
        self.name.is_standard()
    }

    /// The value of an attribute without namespace.
    pub(super) fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(name, _)| name.namespace.is_empty() && name.local == local)
            .map(|(_, value)| value.as_str())
    }
}
