//! Master data: what the owner of a GS1 company prefix states of an identifier, proven, each version; and the names
//! that stand beside identifiers in answers.

mod statement;

use std::collections::BTreeMap;

use prost::Message;
use touchstone_core::proof;
use touchstone_core::state::keys;
use touchstone_epcis::{Identifier, naming_rank};
use touchstone_proto::ledger::{MasterData, MasterDataAttribute, VocabularyElement};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

pub use statement::{
    ElementOutcome, ElementReport, MasterDataStatement, SentStatement, StatementLog, state,
};

/// How many names one answer asks for, at most: each is a proof of its own.
const MAX_NAMES: usize = 256;

/// The current master data of an identifier in canonical form, or proof that nothing was ever stated.
pub async fn current(
    client: &mut Client,
    id: &str,
) -> Result<(AttestedHeader, Option<MasterData>), ClientError> {
    let (attested, found) = client.message(&keys::master_data(id)).await?;
    check(id, None, found.as_ref())?;
    Ok((attested, found))
}

/// One version of it, counted from 1, or proof that there is no such version yet. What a later one replaced stands at a
/// key of its own.
pub async fn version(
    client: &mut Client,
    id: &str,
    number: u64,
) -> Result<(AttestedHeader, Option<MasterData>), ClientError> {
    let (attested, found) = current(client, id).await?;
    let newest = found.as_ref().map_or(0, version_of);
    if number == 0 || number >= newest {
        return Ok((attested, found.filter(|_| number == newest)));
    }
    let (attested, found) = replaced(client, id, number).await?;
    Ok((attested, Some(found)))
}

/// A version below one that was proven: the ledger counts it.
pub async fn replaced(
    client: &mut Client,
    id: &str,
    number: u64,
) -> Result<(AttestedHeader, MasterData), ClientError> {
    let key = keys::master_data_version(id, number);
    let (attested, found) = client.message(&key).await?;
    let found = found.ok_or(NotVerified::Missing("version that the ledger counts"))?;
    check(id, Some(number), Some(&found))?;
    Ok((attested, found))
}

/// The number of a record's version.
pub fn version_of(record: &MasterData) -> u64 {
    record.element.as_ref().map_or(0, |e| e.version)
}

fn check(id: &str, version: Option<u64>, found: Option<&MasterData>) -> Result<(), ClientError> {
    let Some(record) = found else {
        return Ok(());
    };
    proof::master_data::check(id, version, record)
        .map_err(|e| NotVerified::Contradiction(e.to_string()))?;
    Ok(())
}

/// A name that somebody stated, proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedName {
    /// The name.
    pub name: String,
    /// The identifier whose record says so: that of the thing, or of its class or site.
    pub of: String,
    /// Id of the organisation that stated it.
    pub organisation: String,
    /// The record's version.
    pub version: u64,
    /// Height of the block that proves it: the answer's, or a later one.
    pub height: u64,
}

/// Names of an answer's identifiers, each asked for once.
#[derive(Debug, Default)]
pub struct StatedNames {
    /// By the identifier whose record was read; none: it names nothing.
    records: BTreeMap<String, Option<StatedName>>,
}

impl StatedNames {
    /// The name of what an identifier stands for: by its own record, else by that of its class or site. None where
    /// there is none, which is proven, or where the answer has asked for too many.
    pub async fn of(
        &mut self,
        client: &mut Client,
        id: &str,
    ) -> Result<Option<StatedName>, ClientError> {
        self.first_of(client, candidates(id)).await
    }

    /// The same by the record of its class or site alone: a long list of things asks for few of them.
    pub async fn of_kind(
        &mut self,
        client: &mut Client,
        id: &str,
    ) -> Result<Option<StatedName>, ClientError> {
        self.first_of(client, candidates(id).pop()).await
    }

    async fn first_of(
        &mut self,
        client: &mut Client,
        candidates: impl IntoIterator<Item = String>,
    ) -> Result<Option<StatedName>, ClientError> {
        for candidate in candidates {
            let known = match self.records.get(&candidate) {
                Some(known) => known.clone(),
                None if self.records.len() >= MAX_NAMES => continue,
                None => {
                    let name = read_name(client, &candidate).await?;
                    self.records.insert(candidate, name.clone());
                    name
                }
            };
            if known.is_some() {
                return Ok(known);
            }
        }
        Ok(None)
    }
}

/// The identifiers whose records may name what an identifier stands for, the nearest first; none for what isn't a GS1
/// key.
fn candidates(id: &str) -> Vec<String> {
    let Ok(id) = Identifier::parse(id) else {
        return Vec::new();
    };
    if !id.is_class() && !id.is_instance() {
        return Vec::new();
    }
    let mut candidates = vec![id.as_str().to_owned()];
    // A serial or a batch behind a GTIN, an extension behind a GLN.
    if let [("01" | "414", _), _, ..] = id.parts().as_slice() {
        // `https:`, nothing, the domain, the key and its value.
        let key: Vec<&str> = id.as_str().split('/').take(5).collect();
        candidates.push(key.join("/"));
    }
    candidates
}

/// The name of an identifier by its own record. It stands beside an answer and is no part of it: a block that comes
/// in between makes it no answer of several blocks.
async fn read_name(client: &mut Client, id: &str) -> Result<Option<StatedName>, ClientError> {
    let account = client.as_of().clone();
    let answer = account.blocks();
    let (attested, record) = current(client, id).await?;
    account.put_back(answer);
    let height = attested.header.height;
    Ok(record.and_then(|record| stated_name(&record, height)))
}

/// The name in a record: the first of the attributes that name something.
fn stated_name(record: &MasterData, height: u64) -> Option<StatedName> {
    let element = record.element.as_ref()?;
    let attributes = element.attributes.iter();
    let named = attributes.filter(|attribute| !attribute.text.is_empty());
    let ranked = named.filter_map(|attribute| Some((naming_rank(&attribute.id)?, attribute)));
    let (_, best) = ranked.min_by_key(|(rank, _)| *rank)?;
    Some(StatedName {
        name: best.text.clone(),
        of: element.id.clone(),
        organisation: record.organisation.clone(),
        version: element.version,
        height,
    })
}

/// Puts what is stated into the one order that the ledger takes.
pub fn ordered(mut element: VocabularyElement) -> VocabularyElement {
    element.types.sort_unstable();
    element.types.dedup();
    element.children.sort_unstable();
    element.children.dedup();
    element.attributes = in_order(element.attributes);
    element
}

fn in_order(mut attributes: Vec<MasterDataAttribute>) -> Vec<MasterDataAttribute> {
    for attribute in &mut attributes {
        attribute.fields = in_order(std::mem::take(&mut attribute.fields));
    }
    attributes.sort_by_cached_key(|a| (a.id.clone(), a.encode_to_vec()));
    attributes.dedup();
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_named_by_their_class_and_docks_by_their_site() {
        let lamp = "https://id.gs1.org/01/09521234500018";
        let gln = "https://id.gs1.org/414/9521234000013";
        let pallet = "https://id.gs1.org/00/095212340000000150";
        let rows: [(&str, &[&str]); 7] = [
            (lamp, &[lamp]),
            (
                "https://id.gs1.org/01/09521234500018/21/A%2F1",
                &["https://id.gs1.org/01/09521234500018/21/A%2F1", lamp],
            ),
            (
                "https://id.gs1.org/01/09521234500018/10/L",
                &["https://id.gs1.org/01/09521234500018/10/L", lamp],
            ),
            (
                "https://id.gs1.org/414/9521234000013/254/7",
                &["https://id.gs1.org/414/9521234000013/254/7", gln],
            ),
            (pallet, &[pallet]),
            ("https://shop.example/1", &[]),
            ("nothing", &[]),
        ];
        for (id, expected) in rows {
            assert_eq!(candidates(id), expected, "{id}");
        }
    }

    #[test]
    fn the_first_of_the_naming_attributes_counts() {
        let attribute = |word: &str, text: &str| MasterDataAttribute {
            id: format!("urn:epcglobal:cbv:mda#{word}"),
            text: text.into(),
            fields: Vec::new(),
        };
        let mut element = VocabularyElement {
            attributes: vec![
                attribute("functionalName", "lamp"),
                attribute("descriptionShort", "Lamp 7"),
                attribute("colour", "red"),
                attribute("descriptionShort", "Lamp 7"),
            ],
            ..VocabularyElement::default()
        };
        element = ordered(element);
        assert_eq!(element.attributes.len(), 3);
        let record = MasterData {
            element: Some(element),
            ..MasterData::default()
        };
        assert_eq!(stated_name(&record, 7).unwrap().name, "Lamp 7");
        assert_eq!(stated_name(&MasterData::default(), 7), None);
    }
}
