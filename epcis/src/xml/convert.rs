//! One event in XML as one event in JSON.
//!
//! Consensus-critical: no

use std::rc::Rc;

use super::assigned_prefixes::AssignedPrefixes;
use super::element::{Name, XmlElement};
use super::fields::{Content, EVENT, Many, QUANTITY_EVENT_FIELDS, XmlField};
use super::value::{Json, Object, boolean, number};
use super::xpath::XmlPlace;
use super::{ATTRIBUTES, EPCIS, SOURCE_DOCUMENT};
use crate::cbv::Vocabulary;
use crate::error::{EpcisError, EpcisRule, excerpt};

/// Attributes of XML Schema say how a document is processed, not what happened.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The event that EPCIS 1.1 replaced with an object event that has quantities.
pub(super) const QUANTITY_EVENT: &str = "QuantityEvent";

/// The JSON of an event. `outside` is the path of what it stands in, `bindings` are the prefixes
/// bound there.
pub(super) fn event(
    element: &XmlElement,
    outside: &str,
    bindings: Vec<(String, String)>,
    source: &str,
) -> Result<Vec<u8>, EpcisError> {
    let mut converter = Converter {
        prefixes: AssignedPrefixes::default(),
        bindings: bindings
            .into_iter()
            .map(|(prefix, namespace)| (prefix, namespace.into()))
            .collect(),
    };
    let mut fields = Object::default();
    let place = XmlPlace::root(outside, element);
    let mut kind = element.name.local.as_str();
    if kind == QUANTITY_EVENT {
        kind = "ObjectEvent";
        converter.object(element, QUANTITY_EVENT_FIELDS, &place, &mut fields)?;
        fields = with_quantity_list(fields);
    } else {
        converter.object(element, EVENT, &place, &mut fields)?;
    }
    let mut event = Object::default();
    event.add("@context", converter.prefixes.context());
    event.add("type", Json::text(kind));
    event.extend(fields);
    event.add(SOURCE_DOCUMENT, Json::text(source));
    let mut out = String::new();
    Json::Object(event).write(&mut out);
    Ok(out.into_bytes())
}

/// EPCIS 1.1 §7.4.4: the class and the quantity are one element of a quantity list, and the action
/// is OBSERVE.
fn with_quantity_list(fields: Object) -> Object {
    let mut event = Object::default();
    let mut quantity = Object::default();
    for (name, value) in fields.into_members() {
        match name.as_str() {
            "epcClass" | "quantity" => quantity.add(&name, value),
            _ => event.add(&name, value),
        }
    }
    event.add("action", Json::text("OBSERVE"));
    event.add("quantityList", Json::List(vec![Json::Object(quantity)]));
    event
}

struct Converter {
    prefixes: AssignedPrefixes,
    bindings: Vec<(String, Rc<str>)>,
}

impl Converter {
    /// Adds the fields of an element to an object.
    fn object(
        &mut self,
        element: &XmlElement,
        fields: &[XmlField],
        place: &XmlPlace<'_>,
        out: &mut Object,
    ) -> Result<(), EpcisError> {
        if !element.text.trim().is_empty() {
            return Err(unexpected("text", "elements", place));
        }
        let bound = self.bind(element);
        let mut foreign = Vec::new();
        for (name, value) in &element.attributes {
            match self.attribute(name) {
                None => {}
                Some(key) if name.is_standard() => {
                    let field = fields.iter().find(|field| field.name == name.local);
                    let content = field.map_or(&Content::Text, |field| &field.content);
                    if !out.insert(&key, self.text(value, content)) {
                        return Err(unexpected(&format!("@{key}"), "each field once", place));
                    }
                }
                Some(key) => {
                    out.add(&key, Json::text(value.trim()));
                    foreign.push(Json::Text(key));
                }
            }
        }
        if !foreign.is_empty() {
            out.add(ATTRIBUTES, Json::List(foreign));
        }
        for child in &element.children {
            let place = place.child(child);
            self.child(child, fields, &place, out)?;
        }
        self.bindings.truncate(bound);
        Ok(())
    }

    fn child(
        &mut self,
        child: &XmlElement,
        fields: &[XmlField],
        place: &XmlPlace<'_>,
        out: &mut Object,
    ) -> Result<(), EpcisError> {
        let local = child.name.local.as_str();
        if !child.is_standard() {
            let bound = self.bind(child);
            let key = self.key(&child.name);
            self.bindings.truncate(bound);
            let value = self.extension(child, place)?;
            out.add(&key, value);
            return Ok(());
        }
        if matches!(local, "extension" | "baseExtension") {
            return self.object(child, fields, place, out);
        }
        let field = fields.iter().find(|field| field.name == local);
        // The standard's schemas let a quantity be nil, which means none.
        if local == "quantity" && is_nil(child) {
            return Ok(());
        }
        let (value, many) = match field {
            Some(field) => (self.content(child, &field.content, place)?, field.many),
            // Not of the standard here: the rules for JSON say so, with the path.
            None => (self.extension(child, place)?, Many::Once),
        };
        let fits = match many {
            Many::Once => out.insert(local, value),
            Many::OneOrList => {
                out.add(local, value);
                true
            }
            Many::List => {
                out.append(local, value);
                true
            }
        };
        if fits {
            Ok(())
        } else {
            let found = format!("<{}> again", excerpt(local));
            Err(unexpected(&found, "each field once", place))
        }
    }

    fn content(
        &mut self,
        element: &XmlElement,
        content: &Content,
        place: &XmlPlace<'_>,
    ) -> Result<Json, EpcisError> {
        match content {
            Content::Object(fields) => {
                let mut object = Object::default();
                self.object(element, fields, place, &mut object)?;
                Ok(Json::Object(object))
            }
            Content::List(name, content) => self.list(element, name, content, place),
            Content::Typed(name, vocabulary) => {
                if !element.children.is_empty() {
                    return Err(unexpected("an element", "text", place));
                }
                let bound = self.bind(element);
                let mut object = Object::default();
                for (attribute, value) in &element.attributes {
                    match self.attribute(attribute) {
                        Some(key) if key == "type" => {
                            let word = Content::Word(*vocabulary);
                            object.add(&key, self.text(value, &word));
                        }
                        Some(key) => object.add(&key, Json::text(value.trim())),
                        None => {}
                    }
                }
                object.add(name, Json::text(element.text.trim()));
                self.bindings.truncate(bound);
                Ok(Json::Object(object))
            }
            text => {
                if !element.children.is_empty() {
                    return Err(unexpected("an element", "text", place));
                }
                let foreign = element.attributes.iter().find(|(name, _)| !is_hint(name));
                if let Some((name, _)) = foreign {
                    let found = format!("@{}", excerpt(&name.written()));
                    return Err(unexpected(&found, "text", place));
                }
                let bound = self.bind(element);
                let value = self.text(&element.text, text);
                self.bindings.truncate(bound);
                Ok(value)
            }
        }
    }

    fn list(
        &mut self,
        element: &XmlElement,
        name: &'static str,
        content: &Content,
        place: &XmlPlace<'_>,
    ) -> Result<Json, EpcisError> {
        if !element.text.trim().is_empty() {
            return Err(unexpected("text", name, place));
        }
        let bound = self.bind(element);
        let mut values = Vec::with_capacity(element.children.len());
        for child in &element.children {
            let place = place.child(child);
            if child.name.local != name || !child.is_standard() {
                let found = format!("<{}>", excerpt(&child.name.written()));
                return Err(unexpected(&found, name, &place));
            }
            values.push(self.content(child, content, &place)?);
        }
        self.bindings.truncate(bound);
        Ok(Json::List(values))
    }

    /// The value of a text. What doesn't have the form of its content stays text, and the rules for
    /// JSON refuse it.
    fn text(&mut self, text: &str, content: &Content) -> Json {
        let text = text.trim();
        let token = match content {
            Content::Number => number(text),
            Content::Flag => boolean(text),
            Content::Word(vocabulary) => return Json::Text(self.word(text, Some(*vocabulary))),
            Content::Open => return Json::Text(self.word(text, None)),
            _ => None,
        };
        token.map_or_else(|| Json::text(text), Json::Token)
    }

    /// A word of a vocabulary: bare if it is a standard one; with the prefix of the event's context
    /// if the document has one.
    fn word(&mut self, text: &str, vocabulary: Option<Vocabulary>) -> String {
        if let Some((prefix, rest)) = text.split_once(':')
            && !prefix.is_empty()
            && !rest.starts_with("//")
            && let Some(namespace) = self.namespace(prefix)
        {
            let prefix = self.prefixes.prefix(&namespace, prefix);
            let word = format!("{prefix}:{rest}");
            return bare(&word, vocabulary).unwrap_or(word);
        }
        bare(text, vocabulary).unwrap_or_else(|| text.to_owned())
    }

    /// An element that isn't of the standard, at any depth. What JSON couldn't tell is refused: where
    /// text stands between elements, and elements of one name with others between them.
    fn extension(
        &mut self,
        element: &XmlElement,
        place: &XmlPlace<'_>,
    ) -> Result<Json, EpcisError> {
        if is_nil(element) {
            return Ok(Json::Token("null".to_owned()));
        }
        let text = element.text.trim();
        if !text.is_empty() && !element.children.is_empty() {
            let expected = "either text or elements";
            return Err(unexpected("text beside elements", expected, place));
        }
        let bound = self.bind(element);
        let mut object = Object::default();
        let mut attributes = Vec::new();
        for (name, value) in &element.attributes {
            if let Some(key) = self.attribute(name) {
                object.add(&key, Json::text(value.trim()));
                attributes.push(Json::Text(key));
            }
        }
        if !attributes.is_empty() {
            object.add(ATTRIBUTES, Json::List(attributes));
        }
        let mut last = None;
        for child in &element.children {
            let place = place.child(child);
            let inner = self.bind(child);
            let key = self.key(&child.name);
            self.bindings.truncate(inner);
            if last.as_ref() != Some(&key) && object.has(&key) {
                let found = format!("<{}> after others", excerpt(&child.name.written()));
                let expected = "elements of one name side by side";
                return Err(unexpected(&found, expected, &place));
            }
            let value = self.extension(child, &place)?;
            object.add(&key, value);
            last = Some(key);
        }
        self.bindings.truncate(bound);
        if object.is_empty() {
            return Ok(Json::text(text));
        }
        if !text.is_empty() {
            object.add("#text", Json::text(text));
        }
        Ok(Json::Object(object))
    }

    /// Enters an element: its prefixes hold until the bindings are cut back to what is returned.
    fn bind(&mut self, element: &XmlElement) -> usize {
        let bound = self.bindings.len();
        self.bindings.extend(element.bindings.iter().cloned());
        bound
    }

    fn namespace(&self, prefix: &str) -> Option<Rc<str>> {
        let bindings = self.bindings.iter().rev();
        let mut found = bindings.filter(|(bound, _)| bound == prefix);
        found.next().map(|(_, namespace)| Rc::clone(namespace))
    }

    /// The field of an attribute; none for a hint to a processor.
    fn attribute(&mut self, name: &Name) -> Option<String> {
        (!is_hint(name)).then(|| self.key(name))
    }

    fn key(&mut self, name: &Name) -> String {
        if name.namespace.is_empty() || EPCIS.contains(&&*name.namespace) {
            return name.local.clone();
        }
        let prefix = self.prefixes.prefix(&name.namespace, &name.prefix);
        format!("{prefix}:{}", name.local)
    }
}

/// Whether XML Schema's attribute says that the element is as good as absent.
fn is_nil(element: &XmlElement) -> bool {
    let nil = element
        .attributes
        .iter()
        .find(|(name, _)| &*name.namespace == SCHEMA_INSTANCE && name.local == "nil");
    nil.is_some_and(|(_, value)| matches!(value.trim(), "true" | "1"))
        && element.children.is_empty()
        && element.text.trim().is_empty()
        && element.attributes.iter().all(|(name, _)| is_hint(name))
}

fn is_hint(name: &Name) -> bool {
    &*name.namespace == SCHEMA_INSTANCE
}

/// The bare word of a standard term.
fn bare(text: &str, vocabulary: Option<Vocabulary>) -> Option<String> {
    let word = vocabulary?.resolve(text)?;
    (!word.contains(':')).then(|| word.to_owned())
}

fn unexpected(found: &str, expected: &'static str, place: &XmlPlace<'_>) -> EpcisError {
    let found = found.to_owned();
    EpcisRule::UnexpectedContent { found, expected }.at_xml(place.to_string())
}
