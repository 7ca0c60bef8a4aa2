//! Stating what a document's header says: the elements whose prefixes are the sender's, each only where the ledger has
//! something else. Done again, it states nothing twice; with the log of an earlier run, it also tells what that run's
//! transactions came to, and says nothing over what somebody stated since.

mod earlier_statements;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use touchstone_core::governance::company_prefix;
use touchstone_core::hash::Hash;
use touchstone_core::master_data::{MAX_ELEMENTS, MasterDataRejection, check_element};
use touchstone_core::{Rejection, transaction};
use touchstone_epcis::{
    EntryAttribute, EntryValue, EpcisError, Identifier, MasterDataEntry, vocabulary,
};
use touchstone_proto::ledger::{
    self, MasterDataAttribute, SetMasterData, VocabularyElement, transaction::Action,
};

use self::earlier_statements::EarlierStatements;
use super::{current, ordered, version_of};
use crate::capture::{CaptureError, ENVELOPE_BYTES, EventRefusal};
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
    /// Its GS1 company prefix isn't registered with the sender's organisation, proven.
    Foreign,
    /// It can't be read, or a rule refuses it.
    Refused(EventRefusal),
}

/// A transaction that was sent, and the version that it states of each identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentStatement {
    /// Its id, in hexadecimal.
    pub transaction: String,
    /// The versions, by identifier.
    pub versions: BTreeMap<String, u64>,
    /// When it was signed, milliseconds; where that wasn't noted, it may be recorded for ever.
    #[serde(default = "never")]
    pub created_ms: u64,
}

fn never() -> u64 {
    u64::MAX
}

/// Remembers what was sent.
pub trait StatementLog: Send {
    /// Remembers these transactions and no others. One that isn't sent yet is sent once this returns.
    fn keep(&mut self, sent: Vec<SentStatement>) -> Result<(), CaptureError>;
    /// What was sent so far, by this run and earlier ones, and may be recorded.
    fn sent(&self) -> Vec<SentStatement>;
}

/// A log that ends with its program.
impl StatementLog for Vec<SentStatement> {
    fn keep(&mut self, sent: Vec<SentStatement>) -> Result<(), CaptureError> {
        *self = sent;
        Ok(())
    }

    fn sent(&self) -> Vec<SentStatement> {
        self.clone()
    }
}

/// What a document says of products, places and parties, ready to be stated.
pub struct MasterDataStatement {
    told: Vec<Told>,
    wanted: Vec<VocabularyElement>,
    outcomes: BTreeMap<String, ElementOutcome>,
}

impl MasterDataStatement {
    /// Finds the elements of the sender's prefixes, and what is wrong with them in themselves.
    pub async fn plan(
        client: &mut Client,
        signer: &Signer,
        entries: &[Result<MasterDataEntry, EpcisError>],
    ) -> Result<MasterDataStatement, ClientError> {
        let prefixes = match entries {
            [] => Vec::new(),
            _ => {
                let (_, organisation) = client.organisation(&signer.organisation).await?;
                organisation.map_or_else(Vec::new, |record| record.gs1_prefixes)
            }
        };
        Ok(MasterDataStatement::of(entries, &prefixes))
    }

    fn of(
        entries: &[Result<MasterDataEntry, EpcisError>],
        prefixes: &[String],
    ) -> MasterDataStatement {
        let (told, wanted) = plan(entries, prefixes);
        let mut outcomes = BTreeMap::new();
        let mut sound = Vec::with_capacity(wanted.len());
        for element in wanted.into_values().map(ordered) {
            match check_element(&element) {
                Ok(()) => sound.push(element),
                Err(rejection) => {
                    let refusal = EventRefusal::of(&Rejection::MasterData(rejection));
                    outcomes.insert(element.id, ElementOutcome::Refused(refusal));
                }
            }
        }
        MasterDataStatement {
            told,
            wanted: sound,
            outcomes,
        }
    }

    /// Whether nothing is wrong with any element in itself.
    pub fn is_sound(&self) -> bool {
        let refused = |outcome: &ElementOutcome| matches!(outcome, ElementOutcome::Refused(_));
        let unreadable = self.told.iter().any(|(report, _)| refused(&report.outcome));
        !unreadable && !self.outcomes.values().any(refused)
    }

    /// The elements whose outcome is known, by their index.
    pub fn decided(&self) -> BTreeMap<usize, ElementReport> {
        let told = self.told.iter().enumerate();
        let decided = told.filter_map(|(index, (report, key))| {
            let outcome = match key {
                None => &report.outcome,
                Some(key) => self.outcomes.get(key)?,
            };
            let (outcome, report) = (outcome.clone(), report.clone());
            Some((index, ElementReport { outcome, ..report }))
        });
        decided.collect()
    }

    /// States all that the ledger doesn't say yet, and tells what became of each element, by its index. Where it fails,
    /// [`MasterDataStatement::decided`] tells what came of those before.
    pub async fn send(
        &mut self,
        client: &mut Client,
        signer: &Signer,
        log: &mut dyn StatementLog,
        now_ms: fn() -> u64,
    ) -> Result<BTreeMap<usize, ElementReport>, CaptureError> {
        let mut wanted = std::mem::take(&mut self.wanted);
        let outcomes = &mut self.outcomes;
        for _ in 0..ATTEMPTS {
            let mut earlier = EarlierStatements::read(client, log.sent()).await?;
            let mut changed = Vec::new();
            for mut element in std::mem::take(&mut wanted) {
                let (attested, record) = current(client, &element.id).await?;
                let time_ms = attested.header.time_ms;
                let stated = earlier.stated(client, &element.id, record.as_ref(), time_ms);
                if let Some(stated) = stated.await? {
                    outcomes.insert(element.id, stated);
                    continue;
                }
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
            let mut submission = Submission {
                client: &mut *client,
                signer,
                log: &mut *log,
                earlier,
                now_ms,
                outcomes: &mut *outcomes,
            };
            for batch in batches(changed, limit.saturating_sub(ENVELOPE_BYTES)) {
                wanted.extend(submission.send(batch).await?);
            }
            if wanted.is_empty() {
                break;
            }
        }
        Ok(self.decided())
    }
}

/// States what a document says of the sender's identifiers, and tells what became of each of its elements.
pub async fn state(
    client: &mut Client,
    signer: &Signer,
    entries: &[Result<MasterDataEntry, EpcisError>],
    now_ms: fn() -> u64,
) -> Result<Vec<ElementReport>, CaptureError> {
    let mut planned = MasterDataStatement::plan(client, signer, entries).await?;
    let told = planned
        .send(client, signer, &mut Vec::new(), now_ms)
        .await?;
    Ok(told.into_values().collect())
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

/// Sends elements, in transactions that are remembered before they are sent.
struct Submission<'a> {
    client: &'a mut Client,
    signer: &'a Signer,
    log: &'a mut dyn StatementLog,
    earlier: EarlierStatements,
    now_ms: fn() -> u64,
    outcomes: &'a mut BTreeMap<String, ElementOutcome>,
}

impl Submission<'_> {
    /// Sends a batch; where a rule refuses it, each of its elements by itself. Gives those that are to be stated anew.
    async fn send(
        &mut self,
        batch: Vec<VocabularyElement>,
    ) -> Result<Vec<VocabularyElement>, CaptureError> {
        let alone = batch.len() == 1;
        let refusal = match self.submit(&batch).await? {
            None => return Ok(Vec::new()),
            Some(refusal) if alone => refusal,
            Some(_) => {
                let mut again = Vec::new();
                for element in batch {
                    let one = std::slice::from_ref(&element);
                    if let Some(refusal) = self.submit(one).await? {
                        again.extend(refused(element, refusal, self.outcomes));
                    }
                }
                return Ok(again);
            }
        };
        let one = batch.into_iter();
        Ok(one
            .filter_map(|element| refused(element, refusal.clone(), self.outcomes))
            .collect())
    }

    /// Submits elements as one transaction; gives the rule of master data that refuses it. Another rule is about the
    /// sender, and a failure.
    async fn submit(
        &mut self,
        elements: &[VocabularyElement],
    ) -> Result<Option<EventRefusal>, CaptureError> {
        let action = Action::SetMasterData(SetMasterData {
            elements: elements.to_vec(),
        });
        let versions = elements.iter().map(|e| (e.id.clone(), e.version));
        let versions = versions.collect();
        let created_ms = self.earlier.signing_time(&versions, (self.now_ms)());
        let body = ledger::Transaction {
            organisation: self.signer.organisation.clone(),
            created_ms,
            action: Some(action),
        };
        let chain_id = self.client.trust().chain_id();
        let envelope = transaction::sign(&self.signer.key, chain_id, &body);
        let id = transaction::id_of_envelope(chain_id, &envelope)?;
        let sent = SentStatement {
            transaction: hex::encode(id),
            versions,
            created_ms,
        };
        self.log.keep(self.earlier.with(sent, self.log.sent()))?;
        match self.client.submit(envelope).await {
            Ok(recorded) => {
                for element in elements {
                    let stated = ElementOutcome::Stated {
                        version: element.version,
                        transaction: recorded.id,
                        height: recorded.attested.header.height,
                    };
                    self.outcomes.insert(element.id.clone(), stated);
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
            Err(other) => Err(other.into()),
        }
    }
}

#[cfg(test)]
mod tests;
