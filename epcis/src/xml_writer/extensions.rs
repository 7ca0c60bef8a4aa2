//! Extension fields as elements and attributes of their namespaces, at any depth.
//!
//! Consensus-critical: no

use super::obstacle::{XmlFormError, XmlObstacle};
use super::text::{attribute_value, element_text, is_name};
use super::{SCHEMA_INSTANCE, XmlWriter};
use crate::hash::EventContext;
use crate::json::{JsonMember, JsonValue, Node};
use crate::prefixes::split;
use crate::xml::ATTRIBUTES;

/// A namespace, empty where there is none, and a name in it.
type FullName = (String, String);

impl XmlWriter {
    /// Writes the extension fields of an object of the standard; gives those that are attributes. `claimed` is a name
    /// that only the server gives.
    pub(super) fn extensions(
        &mut self,
        node: &Node<'_>,
        scope: &EventContext,
        path: &str,
        claimed: Option<(&str, &str)>,
    ) -> Result<String, XmlFormError> {
        let own = members(node).iter();
        let own: Vec<&JsonMember<'_>> = own.filter(|m| m.name.contains(':')).collect();
        let is_claimed = |name: &FullName| {
            claimed.is_some_and(|(namespace, local)| name.0 == namespace && name.1 == local)
        };
        self.fields(node, &own, scope, path, &is_claimed)
    }

    /// The extension fields of an object that is attributes alone.
    pub(super) fn extension_attributes(
        &mut self,
        node: &Node<'_>,
        scope: &EventContext,
        path: &str,
    ) -> Result<String, XmlFormError> {
        let mut out = String::new();
        let own = members(node).iter();
        for member in own.filter(|m| m.name.contains(':') && m.name != ATTRIBUTES) {
            out.push_str(&self.attribute(member, scope, path)?);
        }
        Ok(out)
    }

    /// Writes fields as elements, those of one name side by side, and gives the others as attributes.
    fn fields(
        &mut self,
        node: &Node<'_>,
        own: &[&JsonMember<'_>],
        scope: &EventContext,
        path: &str,
        is_claimed: &dyn Fn(&FullName) -> bool,
    ) -> Result<String, XmlFormError> {
        let listed = listed(node);
        let mut attributes = String::new();
        let mut elements: Vec<(FullName, Vec<&JsonMember<'_>>)> = Vec::new();
        for member in own.iter().filter(|m| m.name != ATTRIBUTES) {
            if listed.contains(&member.name.as_ref()) {
                attributes.push_str(&self.attribute(member, scope, path)?);
                continue;
            }
            let name = self.full_name(&member.name, scope, path)?;
            if is_claimed(&name) {
                continue;
            }
            match elements.iter_mut().find(|(found, _)| *found == name) {
                Some((_, members)) => members.push(member),
                None => elements.push((name, vec![member])),
            }
        }
        for (name, members) in elements {
            let name = self.written_name(&name, scope);
            for member in members {
                let path = format!("{path}.{}", member.name);
                self.value(&name, &member.value, scope, &path)?;
            }
        }
        Ok(attributes)
    }

    fn attribute(
        &mut self,
        member: &JsonMember<'_>,
        scope: &EventContext,
        path: &str,
    ) -> Result<String, XmlFormError> {
        let path = format!("{path}.{}", member.name);
        let text = match &member.value.value {
            JsonValue::Text(text) => text.as_ref(),
            JsonValue::Number | JsonValue::Bool => member.value.source,
            _ => return Err(XmlObstacle::Attribute.at(&path)),
        };
        let name = self.full_name(&member.name, scope, &path)?;
        let name = self.written_name(&name, scope);
        Ok(format!(" {name}=\"{}\"", attribute_value(text, &path)?))
    }

    /// One field: an element, or one for each value of a list.
    fn value(
        &mut self,
        name: &str,
        node: &Node<'_>,
        scope: &EventContext,
        path: &str,
    ) -> Result<(), XmlFormError> {
        match &node.value {
            JsonValue::List(nodes) if nodes.is_empty() => Err(XmlObstacle::EmptyList.at(path)),
            JsonValue::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    if matches!(node.value, JsonValue::List(_)) {
                        return Err(XmlObstacle::NestedList.at(&path));
                    }
                    self.value(name, node, scope, &path)?;
                }
                Ok(())
            }
            JsonValue::Null => {
                let nil = self.prefix(SCHEMA_INSTANCE, scope);
                self.out.push_str(&format!("<{name} {nil}:nil=\"true\"/>"));
                Ok(())
            }
            JsonValue::Number | JsonValue::Bool => self.text(name, node.source, path),
            JsonValue::Text(text) => self.text(name, text, path),
            JsonValue::Object(members) => self.object(name, node, members, scope, path),
        }
    }

    fn object(
        &mut self,
        name: &str,
        node: &Node<'_>,
        members: &[JsonMember<'_>],
        scope: &EventContext,
        path: &str,
    ) -> Result<(), XmlFormError> {
        let inner = scope.within(node);
        let scope = inner.as_ref().unwrap_or(scope);
        let own = members.iter();
        let own = own.filter(|m| !matches!(m.name.as_ref(), "#text" | "@context"));
        let own: Vec<&JsonMember<'_>> = own.collect();
        let start = self.out.len();
        let attributes = self.fields(node, &own, scope, path, &|_| false)?;
        let has_elements = self.out.len() > start;
        if let Some(text) = node.get("#text") {
            let path = format!("{path}.#text");
            let text = match &text.value {
                JsonValue::Text(text) => text.as_ref(),
                JsonValue::Number | JsonValue::Bool => text.source,
                _ => return Err(XmlObstacle::MixedContent.at(&path)),
            };
            if has_elements && !text.is_empty() {
                return Err(XmlObstacle::MixedContent.at(&path));
            }
            self.out.push_str(&element_text(text, &path)?);
        }
        self.out.insert_str(start, &format!("<{name}{attributes}>"));
        self.close(name);
        Ok(())
    }

    /// A field's namespace and name, which must be one of XML's.
    fn full_name(
        &self,
        name: &str,
        scope: &EventContext,
        path: &str,
    ) -> Result<FullName, XmlFormError> {
        if self.elsewhere
            && let Some((prefix, _)) = split(name)
            && !scope.knows(prefix)
            && !is_own(prefix)
        {
            return Err(XmlObstacle::Prefix(prefix.to_owned()).at(path));
        }
        let (namespace, local) = scope.qualified(name);
        match is_name(&local) {
            true => Ok((namespace, local)),
            false => Err(XmlObstacle::Name(local).at(path)),
        }
    }

    fn written_name(&mut self, (namespace, local): &FullName, scope: &EventContext) -> String {
        match namespace.as_str() {
            "" => local.clone(),
            namespace => format!("{}:{local}", self.prefix(namespace, scope)),
        }
    }
}

/// Whether a name is a full URI by itself, as `touchstone:sourceDocument` is.
fn is_own(prefix: &str) -> bool {
    prefix == "touchstone"
}

/// The fields that were attributes of an element in XML.
fn listed<'a>(node: &'a Node<'_>) -> Vec<&'a str> {
    let Some(found) = node.get(ATTRIBUTES) else {
        return Vec::new();
    };
    let text = |node: &'a Node<'_>| match &node.value {
        JsonValue::Text(text) => Some(text.as_ref()),
        _ => None,
    };
    match &found.value {
        JsonValue::List(nodes) => nodes.iter().filter_map(text).collect(),
        _ => text(found).into_iter().collect(),
    }
}

fn members<'a, 'b>(node: &'a Node<'b>) -> &'a [JsonMember<'b>] {
    match &node.value {
        JsonValue::Object(members) => members,
        _ => &[],
    }
}
