//! Master data in a document's header, in JSON-LD.
//!
//! Consensus-critical: no

use crate::document::{MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, without_byte_order_mark};
use crate::error::{EpcisError, EpcisRule, Path};
use crate::json::{self, JsonValue, Node};
use crate::master_data::{
    EntryAttribute, EntryValue, MAX_MASTER_DATA_ELEMENTS, MasterDataEntry, attribute_name,
    one_line, vocabulary_type,
};
use crate::prefixes::Prefixes;

type Entries = Vec<Result<MasterDataEntry, EpcisError>>;

/// The elements of a document's vocabularies.
pub(super) fn read(bytes: &[u8]) -> Result<Entries, EpcisError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        };
        return Err(rule.at(&Path::Root));
    }
    let document = json::read(without_byte_order_mark(bytes), MAX_DOCUMENT_DEPTH)?;
    let path = Path::Root.field("epcisHeader");
    let Some(header) = document.get("epcisHeader") else {
        return Ok(Vec::new());
    };
    let path = path.field("epcisMasterData");
    let Some(data) = header.get("epcisMasterData") else {
        return Ok(Vec::new());
    };
    let mut scope = Scope::default();
    scope.enter(&document);
    let path = path.field("vocabularyList");
    let Some(vocabularies) = data.get("vocabularyList") else {
        return Ok(Vec::new());
    };
    let mut entries = Vec::new();
    for (index, vocabulary) in vocabularies.list(&path)?.iter().enumerate() {
        let path = path.index(index);
        vocabulary.object(&path)?;
        let types = types(vocabulary, &path)?;
        let path = path.field("vocabularyElementList");
        let Some(elements) = vocabulary.get("vocabularyElementList") else {
            continue;
        };
        for (index, element) in elements.list(&path)?.iter().enumerate() {
            let path = path.index(index);
            if entries.len() >= MAX_MASTER_DATA_ELEMENTS {
                let what = "elements of vocabularies in one document";
                let limit = MAX_MASTER_DATA_ELEMENTS;
                return Err(EpcisRule::TooMany { what, limit }.at(&path));
            }
            entries.push(entry(element, &types, &scope, &path));
        }
    }
    Ok(entries)
}

fn entry(
    element: &Node<'_>,
    outer: &[String],
    scope: &Scope,
    path: &Path<'_>,
) -> Result<MasterDataEntry, EpcisError> {
    element.object(path)?;
    let id_path = path.field("id");
    let id = element.get("id");
    let id = id.ok_or_else(|| EpcisRule::MissingField("id").at(&id_path))?;
    let mut all = types(element, path)?;
    all.extend(outer.iter().cloned());
    let mut entry = MasterDataEntry {
        place: path.to_string(),
        id: id.text(&id_path)?.to_owned(),
        types: all,
        attributes: Vec::new(),
        children: Vec::new(),
    };
    if let Some(attributes) = element.get("attributes") {
        let path = path.field("attributes");
        for (index, attribute) in attributes.list(&path)?.iter().enumerate() {
            let path = path.index(index);
            attribute.object(&path)?;
            let id_path = path.field("id");
            let id = attribute.get("id");
            let id = id.ok_or_else(|| EpcisRule::MissingField("id").at(&id_path))?;
            let name = attribute_name(id.text(&id_path)?, &scope.prefixes);
            let path = path.field("attribute");
            let value = attribute.get("attribute");
            let value = value.ok_or_else(|| EpcisRule::MissingField("attribute").at(&path))?;
            add(&mut entry.attributes, &name, value, scope);
        }
    }
    if let Some(children) = element.get("children") {
        let path = path.field("children");
        for (index, child) in children.list(&path)?.iter().enumerate() {
            let child = child.get("id").unwrap_or(child);
            let child = child.text(&path.index(index))?;
            entry.children.push(child.to_owned());
        }
    }
    Ok(entry)
}

/// The vocabularies that an object names.
fn types(node: &Node<'_>, path: &Path<'_>) -> Result<Vec<String>, EpcisError> {
    let named = ["type", "isA"]
        .into_iter()
        .find_map(|field| Some((field, node.get(field)?)));
    let Some((field, named)) = named else {
        return Ok(Vec::new());
    };
    let path = path.field(field);
    match &named.value {
        JsonValue::List(list) => list
            .iter()
            .enumerate()
            .map(|(index, name)| Ok(vocabulary_type(name.text(&path.index(index))?)))
            .collect(),
        _ => Ok(vec![vocabulary_type(named.text(&path)?)]),
    }
}

/// Adds a value under a name: of a list, each; of nothing, nothing.
fn add(attributes: &mut Vec<EntryAttribute>, name: &str, value: &Node<'_>, scope: &Scope) {
    let value = match &value.value {
        JsonValue::Null => return,
        JsonValue::List(list) => {
            for value in list {
                add(attributes, name, value, scope);
            }
            return;
        }
        JsonValue::Object(members) => {
            let mut scope = scope.clone();
            scope.enter(value);
            let mut fields = Vec::new();
            for member in members.iter().filter(|member| member.name != "@context") {
                add(
                    &mut fields,
                    &scope.field(&member.name),
                    &member.value,
                    &scope,
                );
            }
            match fields.is_empty() {
                true => return,
                false => EntryValue::Fields(fields),
            }
        }
        JsonValue::Text(text) => match one_line(text) {
            text if text.is_empty() => return,
            text => EntryValue::Text(text),
        },
        JsonValue::Bool | JsonValue::Number => EntryValue::Text(value.source.to_owned()),
    };
    let id = name.to_owned();
    attributes.push(EntryAttribute { id, value });
}

/// What names stand for, inside a document or an object.
#[derive(Clone, Default)]
struct Scope {
    prefixes: Prefixes,
    /// The namespace of names without a prefix (JSON-LD 1.1 §4.1.2).
    vocabulary: String,
}

impl Scope {
    /// Takes in the context of an object.
    fn enter(&mut self, node: &Node<'_>) {
        let Some(context) = node.get("@context") else {
            return;
        };
        let maps = match &context.value {
            JsonValue::List(maps) => maps.as_slice(),
            _ => std::slice::from_ref(context),
        };
        for map in maps {
            let JsonValue::Object(members) = &map.value else {
                continue;
            };
            for member in members {
                match &member.value.value {
                    JsonValue::Text(vocabulary) if member.name == "@vocab" => {
                        vocabulary.as_ref().clone_into(&mut self.vocabulary);
                    }
                    JsonValue::Text(namespace) if !member.name.starts_with('@') => {
                        self.prefixes.declare(&member.name, namespace);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The full name of a field.
    fn field(&self, name: &str) -> String {
        match name {
            "type" | "isA" | "@type" => "type".to_owned(),
            "id" | "@id" => "id".to_owned(),
            name if name.contains(':') => attribute_name(name, &self.prefixes),
            name => format!("{}{name}", self.vocabulary),
        }
    }
}
