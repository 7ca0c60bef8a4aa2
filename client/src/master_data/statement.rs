//! Stating what a document's header says: the elements whose prefixes are the sender's, each only where the ledger has
//! something else. Done again, it states nothing twice.

use std::collections::BTreeMap;

use touchstone_core::governance::company_prefix;
use touchstone_core::hash::Hash;
use touchstone_core::master_data::{MAX_ELEMENTS, MasterDataRejection};
use touchstone_epcis::{
    EntryAttribute, EntryValue, EpcisError, Identifier, MasterDataEntry, vocabulary,
};
use touchstone_proto::ledger::{
    MasterDataAttribute, SetMasterData, VocabularyElement, transaction::Action,
};

use super::{current, ordered, version_of};
use crate::capture::{ENVELOPE_BYTES, EventRefusal};
use crate::client::{Client, Signer};
use crate::error::ClientError;

/// How often an element is stated anew where somebody else of the organisation stated it meanwhile.
const ATTEMPTS: usize = 3;

/// An element of a document, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementReport {
    /// Where it stands in the document.
    pub place: String,
    /// Its identifier, as the document has it; empty where it has none.
    pub id: String,
    /// What became of it.
    pub outcome: ElementOutcome,
}

/// What became of an element of a document's master data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElementOutcome {
    /// It is a new version in the ledger, proven.
    Stated {
        /// The version.
        version: u64,
        /// Id of the transaction.
        transaction: Hash,
        /// Height of its block.
        height: u64,
    },
    /// The ledger's current version says exactly this, proven.
    Unchanged {
        /// The version.
        version: u64,
    },
    /// Its GS1 company prefix isn't registered with the sender's organisation.
    Foreign,
    /// It can't be read, or a rule refuses it.
    Refused(EventRefusal),
}

/// States what a document says of the sender's identifiers, and tells what became of each of its elements.
pub async fn state(
    client: &mut Client,
    signer: &Signer,
    entries: &[Result<MasterDataEntry, EpcisError>],
    now_ms: fn() -> u64,
) -> Result<Vec<ElementReport>, ClientError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let (_, organisation) = client.organisation(&signer.organisation).await?;
    let prefixes = organisation.map(|record| record.gs1_prefixes);
    let (mut told, wanted) = plan(entries, &prefixes.unwrap_or_default());
    let mut outcomes: BTreeMap<String, ElementOutcome> = BTreeMap::new();
    let mut wanted: Vec<VocabularyElement> = wanted.into_values().map(ordered).collect();
    for _ in 0..ATTEMPTS {
        let mut changed = Vec::new();
        for mut element in std::mem::take(&mut wanted) {
            let (_, record) = current(client, &element.id).await?;
            let version = record.as_ref().map_or(0, version_of);
            element.version = version;
            let says_nothing = element.attributes.is_empty() && element.children.is_empty();
            let stated = record.and_then(|record| record.element);
            if stated.as_ref() == Some(&element) || stated.is_none() && says_nothing {
                let unchanged = ElementOutcome::Unchanged { version };
                outcomes.insert(element.id, unchanged);
                continue;
            }
            element.version = version.saturating_add(1);
            changed.push(element);
        }
        let limit = client
            .trust()
            .genesis()
            .document
            .parameters
            .max_transaction_bytes;
        for batch in batches(changed, limit.saturating_sub(ENVELOPE_BYTES)) {
            wanted.extend(send(client, signer, batch, now_ms, &mut outcomes).await?);
        }
        if wanted.is_empty() {
            break;
        }
    }
    for (report, key) in &mut told {
        if let Some(outcome) = key.as_ref().and_then(|key| outcomes.get(key)) {
            report.outcome = outcome.clone();
        }
    }
    Ok(told.into_iter().map(|(report, _)| report).collect())
}

/// An element's report, and the key of what it says where that is to be stated.
type Told = (ElementReport, Option<String>);

/// What is to be stated, by identifier: what several vocabularies say of one is joined.
fn plan(
    entries: &[Result<MasterDataEntry, EpcisError>],
    prefixes: &[String],
) -> (Vec<Told>, BTreeMap<String, VocabularyElement>) {
    let mut told = Vec::with_capacity(entries.len());
    let mut wanted: BTreeMap<String, VocabularyElement> = BTreeMap::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let report = ElementReport {
                    place: error.path.clone(),
                    id: String::new(),
                    outcome: ElementOutcome::Refused(EventRefusal::epcis(error.clone())),
                };
                told.push((report, None));
                continue;
            }
        };
        let key = Identifier::parse(&entry.id).ok();
        let key = key.filter(|key| is_of(key, prefixes));
        let report = ElementReport {
            place: entry.place.clone(),
            id: entry.id.clone(),
            outcome: ElementOutcome::Foreign,
        };
        let Some(key) = key else {
            told.push((report, None));
            continue;
        };
        let element = wanted.entry(key.as_str().to_owned()).or_default();
        element.id = key.as_str().to_owned();
        match entry.types.is_empty() {
            true => element.types.push(vocabulary(&key)),
            false => element.types.extend(entry.types.iter().cloned()),
        }
        element
            .attributes
            .extend(entry.attributes.iter().map(attribute));
        element.children.extend(entry.children.iter().map(|child| {
            // What isn't an identifier is refused by the ledger's rule, as it is written.
            Identifier::parse(child).map_or_else(|_| child.clone(), |id| id.as_str().to_owned())
        }));
        told.push((report, Some(element.id.clone())));
    }
    (told, wanted)
}

/// Whether a key's company prefix is one of these.
fn is_of(key: &Identifier, prefixes: &[String]) -> bool {
    let digits = company_prefix::digits(key.as_str()).unwrap_or_default();
    prefixes
        .iter()
        .any(|prefix| digits.starts_with(prefix.as_str()))
}

fn attribute(entry: &EntryAttribute) -> MasterDataAttribute {
    let (text, fields) = match &entry.value {
        EntryValue::Text(text) => (text.clone(), Vec::new()),
        EntryValue::Fields(fields) => (String::new(), fields.iter().map(attribute).collect()),
    };
    MasterDataAttribute {
        id: entry.id.clone(),
        text,
        fields,
    }
}

/// Elements in as few transactions as hold them, in their order.
fn batches(elements: Vec<VocabularyElement>, limit: u64) -> Vec<Vec<VocabularyElement>> {
    let mut batches: Vec<Vec<VocabularyElement>> = Vec::new();
    let mut bytes = u64::MAX;
    for element in elements {
        let size = prost::Message::encoded_len(&element) as u64 + 8;
        match batches.last_mut() {
            Some(batch) if batch.len() < MAX_ELEMENTS && bytes.saturating_add(size) <= limit => {
                bytes = bytes.saturating_add(size);
                batch.push(element);
            }
            _ => {
                bytes = size;
                batches.push(vec![element]);
            }
        }
    }
    batches
}

/// Sends a batch; where a rule refuses it, each of its elements by itself. Gives those that are to be stated anew.
async fn send(
    client: &mut Client,
    signer: &Signer,
    batch: Vec<VocabularyElement>,
    now_ms: fn() -> u64,
    outcomes: &mut BTreeMap<String, ElementOutcome>,
) -> Result<Vec<VocabularyElement>, ClientError> {
    let alone = batch.len() == 1;
    let refusal = match submit(client, signer, &batch, now_ms, outcomes).await? {
        None => return Ok(Vec::new()),
        Some(refusal) if alone => refusal,
        Some(_) => {
            let mut again = Vec::new();
            for element in batch {
                let one = std::slice::from_ref(&element);
                if let Some(refusal) = submit(client, signer, one, now_ms, outcomes).await? {
                    again.extend(refused(element, refusal, outcomes));
                }
            }
            return Ok(again);
        }
    };
    let one = batch.into_iter();
    Ok(one
        .filter_map(|element| refused(element, refusal.clone(), outcomes))
        .collect())
}

/// Notes why an element is refused; gives it where it is to be stated anew.
fn refused(
    element: VocabularyElement,
    refusal: EventRefusal,
    outcomes: &mut BTreeMap<String, ElementOutcome>,
) -> Option<VocabularyElement> {
    let another = MasterDataRejection::ElementVersion {
        id: String::new(),
        expected: 0,
        found: 0,
    };
    let was_stated = MasterDataRejection::NothingNew(String::new());
    let again = [another.code(), was_stated.code()].contains(&refusal.code);
    let outcome = ElementOutcome::Refused(refusal);
    outcomes.insert(element.id.clone(), outcome);
    again.then_some(element)
}

/// Submits elements as one transaction; gives the rule of master data that refuses it. Another rule is about the
/// sender, and a failure.
async fn submit(
    client: &mut Client,
    signer: &Signer,
    elements: &[VocabularyElement],
    now_ms: fn() -> u64,
    outcomes: &mut BTreeMap<String, ElementOutcome>,
) -> Result<Option<EventRefusal>, ClientError> {
    let action = Action::SetMasterData(SetMasterData {
        elements: elements.to_vec(),
    });
    match client.act(signer, now_ms(), action).await {
        Ok(recorded) => {
            for element in elements {
                let stated = ElementOutcome::Stated {
                    version: element.version,
                    transaction: recorded.id,
                    height: recorded.attested.header.height,
                };
                outcomes.insert(element.id.clone(), stated);
            }
            Ok(None)
        }
        Err(ClientError::Refused {
            code,
            rule,
            message,
            ..
        }) if MasterDataRejection::CODES.contains(&code) => Ok(Some(EventRefusal {
            code,
            rule,
            message,
        })),
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, kind: &str, name: &str, text: &str) -> Result<MasterDataEntry, EpcisError> {
        Ok(MasterDataEntry {
            place: format!("at {id}"),
            id: id.into(),
            types: (!kind.is_empty())
                .then(|| kind.to_owned())
                .into_iter()
                .collect(),
            attributes: vec![EntryAttribute {
                id: name.into(),
                value: EntryValue::Text(text.into()),
            }],
            children: Vec::new(),
        })
    }

    #[test]
    fn what_several_vocabularies_say_of_a_place_is_joined() {
        let dock = "urn:epc:id:sgln:9521234.00001.0";
        let entries = [
            entry(dock, "urn:x:ReadPoint", "urn:x:site", "1"),
            entry(
                "https://id.gs1.org/414/9521234000013",
                "",
                "urn:x:name",
                "Dock",
            ),
            entry(
                "urn:epc:id:sgln:9521235.00001.0",
                "",
                "urn:x:name",
                "Theirs",
            ),
            entry("urn:x:nothing", "", "urn:x:name", "No key"),
        ];
        let (told, wanted) = plan(&entries, &["9521234".to_owned()]);
        assert_eq!(wanted.len(), 1);
        let element = ordered(wanted.into_values().next().unwrap());
        assert_eq!(element.types.len(), 2);
        assert_eq!(element.attributes.len(), 2);
        let keys: Vec<bool> = told.iter().map(|(_, key)| key.is_some()).collect();
        assert_eq!(keys, [true, true, false, false]);
        assert_eq!(told[2].0.outcome, ElementOutcome::Foreign);
        // Nobody's prefix is everybody's.
        let (_, none) = plan(&entries, &[]);
        assert!(none.is_empty());
    }

    #[test]
    fn a_transaction_holds_what_it_may() {
        let element = |n: usize| VocabularyElement {
            id: format!("{n:03}"),
            ..VocabularyElement::default()
        };
        let all: Vec<VocabularyElement> = (0..130).map(element).collect();
        let sizes = |limit| -> Vec<usize> {
            let batches = batches(all.clone(), limit);
            assert_eq!(batches.concat(), all);
            batches.iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(1 << 20), [64, 64, 2]);
        // Five bytes each, and eight around it.
        assert_eq!(sizes(26)[..2], [2, 2]);
        assert_eq!(sizes(1).len(), 130);
    }
}
