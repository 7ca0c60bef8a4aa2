//! Master data for people and programs: what is stated of an identifier, and the names beside identifiers.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use touchstone_client::client::Client;
use touchstone_client::master_data::{StatedName, StatedNames, version_of};
use touchstone_proto::ledger::{MasterData, MasterDataAttribute};
use touchstone_proto::node::TracedItem;

use crate::failure::Failure;
use crate::messages::Language;
use crate::output::{plain, utc};
use crate::say;

/// An element of a vocabulary as EPCIS writes it in JSON (EPCIS 2.0 §10.2), with what the ledger knows of it.
pub fn json(record: &MasterData) -> Value {
    let element = record.element.clone().unwrap_or_default();
    json!({
        "id": element.id,
        "types": element.types,
        "attributes": element.attributes.iter().map(|attribute| json!({
            "id": attribute.id,
            "attribute": value(attribute),
        })).collect::<Vec<_>>(),
        "children": element.children,
        "version": element.version,
        "organisation": record.organisation,
        "transaction": hex::encode(&record.transaction_id),
        "height": record.position.map(|position| position.height),
        "time_ms": record.time_ms,
    })
}

/// An attribute's text, or its fields as an object; several of one name are a list.
fn value(attribute: &MasterDataAttribute) -> Value {
    if attribute.fields.is_empty() {
        return json!(attribute.text);
    }
    let mut object = Map::new();
    for field in &attribute.fields {
        let value = value(field);
        match object.get_mut(&field.id) {
            None => {
                object.insert(field.id.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.clone(), value]),
        }
    }
    Value::Object(object)
}

/// What is stated, a line each; fields stand below what they belong to.
pub fn lines(record: &MasterData, language: Language) -> Vec<String> {
    let element = record.element.clone().unwrap_or_default();
    let mut lines = Vec::new();
    for kind in &element.types {
        lines.push(say!(language, "Type      {kind}", kind = plain(kind)));
    }
    add_attributes(&element.attributes, 0, &mut lines);
    for child in &element.children {
        lines.push(say!(language, "Child     {id}", id = plain(child)));
    }
    if element.attributes.is_empty() && element.children.is_empty() {
        lines.push(say!(
            language,
            "Nothing   is stated any more: it was taken back"
        ));
    }
    lines
}

fn add_attributes(attributes: &[MasterDataAttribute], depth: usize, lines: &mut Vec<String>) {
    let space = "  ".repeat(depth);
    for attribute in attributes {
        let name = plain(&attribute.id);
        match attribute.fields.is_empty() {
            true => lines.push(format!("  {space}{name} = {}", plain(&attribute.text))),
            false => {
                lines.push(format!("  {space}{name}:"));
                add_attributes(&attribute.fields, depth + 1, lines);
            }
        }
    }
}

/// Which version it is, who stated it and when.
pub async fn stated_line(
    client: &mut Client,
    record: &MasterData,
    language: Language,
) -> Result<String, Failure> {
    let name = client.name(&record.organisation).await?;
    Ok(say!(
        language,
        "Version   {version}, stated by {name} ({id}) on {time}",
        version = version_of(record),
        name = plain(&name),
        id = plain(&record.organisation),
        time = utc(record.time_ms)
    ))
}

/// Names beside the identifiers of one answer.
#[derive(Default)]
pub struct Names {
    stated: StatedNames,
    named: BTreeMap<String, StatedName>,
}

impl Names {
    /// Reads the names of identifiers, proven.
    pub async fn read<'a>(
        &mut self,
        client: &mut Client,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        self.named.extend(self.stated.of(client, ids).await?);
        Ok(())
    }

    /// Reads the names of the things of a trace, by their classes, and of the places where they were.
    pub async fn read_trace(
        &mut self,
        client: &mut Client,
        items: &[TracedItem],
    ) -> Result<(), Failure> {
        let ids = items.iter().flat_map(|item| [&item.id, &item.seen_at]);
        let ids = ids.map(String::as_str).filter(|id| !id.is_empty());
        self.named.extend(self.stated.of_kinds(client, ids).await?);
        Ok(())
    }

    /// The name of an identifier, and who stated it.
    pub fn get(&self, id: &str) -> Option<&StatedName> {
        self.named.get(id)
    }

    /// An identifier for a person: its name before it, where it has one.
    pub fn beside(&self, id: &str) -> String {
        match self.get(id) {
            Some(stated) => format!("{} ({})", plain(&stated.name), plain(id)),
            None => plain(id),
        }
    }

    /// For programs: by identifier.
    pub fn json(&self) -> Value {
        let named = self.named.iter().map(|(id, stated)| {
            let value = json!({
                "name": stated.name,
                "of": stated.of,
                "organisation": stated.organisation,
                "version": stated.version,
                "height": stated.height,
            });
            (id.clone(), value)
        });
        Value::Object(named.collect())
    }
}
