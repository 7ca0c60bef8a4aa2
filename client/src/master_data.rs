//! Master data: what the owner of a GS1 company prefix states of an identifier, proven, each version; and the names
//! that stand beside identifiers in answers.

mod statement;

use std::collections::{BTreeMap, BTreeSet};

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

/// Records that are asked for together. An answer reads on until it has them all: it named each thing and place that it
/// asks about, so that they are no more than the answer itself.
const PAGE: usize = 256;

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
    /// The names of what identifiers stand for: each by its own record, else by that of its class or site. One that
    /// isn't there has none, which is proven.
    pub async fn of<'a>(
        &mut self,
        client: &mut Client,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, StatedName>, ClientError> {
        let ids = ids.into_iter().map(|id| (id, candidates(id)));
        self.first_of(client, ids.collect()).await
    }

    /// The same by the records of their classes or sites alone: a long list of things asks for few of them.
    pub async fn of_kinds<'a>(
        &mut self,
        client: &mut Client,
        ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, StatedName>, ClientError> {
        let kind = |id: &str| Vec::from_iter(candidates(id).pop());
        let ids = ids.into_iter().map(|id| (id, kind(id)));
        self.first_of(client, ids.collect()).await
    }

    /// The nearest records first: the next are asked for where those name nothing.
    async fn first_of(
        &mut self,
        client: &mut Client,
        mut unnamed: BTreeMap<&str, Vec<String>>,
    ) -> Result<BTreeMap<String, StatedName>, ClientError> {
        let mut named = BTreeMap::new();
        while !unnamed.is_empty() {
            let nearest = unnamed.values().filter_map(|candidates| candidates.first());
            self.read(client, nearest.cloned().collect()).await?;
            unnamed.retain(|id, candidates| {
                if candidates.is_empty() {
                    return false;
                }
                match self.records.get(&candidates.remove(0)) {
                    Some(Some(name)) => {
                        named.insert((*id).to_owned(), name.clone());
                        false
                    }
                    _ => true,
                }
            });
        }
        Ok(named)
    }

    /// Reads the records of these identifiers that weren't read before.
    async fn read(
        &mut self,
        client: &mut Client,
        ids: BTreeSet<String>,
    ) -> Result<(), ClientError> {
        let unread = ids.into_iter().filter(|id| !self.records.contains_key(id));
        for page in unread.collect::<Vec<_>>().chunks(PAGE) {
            let names = read_names(client, page).await?;
            self.records.extend(page.iter().cloned().zip(names));
        }
        Ok(())
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

/// The names of identifiers by their own records. They stand beside an answer and are no part of it: a block that comes
/// in between makes it no answer of several blocks.
async fn read_names(
    client: &mut Client,
    ids: &[String],
) -> Result<Vec<Option<StatedName>>, ClientError> {
    let account = client.as_of().clone();
    let answer = account.blocks();
    let keys: Vec<_> = ids.iter().map(|id| keys::master_data(id)).collect();
    let records = client.messages(&keys).await?;
    account.put_back(answer);
    let mut names = Vec::with_capacity(ids.len());
    for (id, (attested, record)) in ids.iter().zip(records) {
        check(id, None, record.as_ref())?;
        let height = attested.header.height;
        names.push(record.and_then(|record| stated_name(&record, height)));
    }
    Ok(names)
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
