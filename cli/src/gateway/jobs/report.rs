//! What became of a document's events and elements of master data.

use serde::{Deserialize, Serialize};
use touchstone_client::capture::EventRefusal;
use touchstone_client::master_data::{ElementOutcome, ElementReport};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobOutcome {
    /// It is in the ledger, which was proven.
    Recorded,
    /// Its bytes were recorded before by this organisation.
    Skipped,
    /// A rule refuses it.
    Refused,
    /// Another one of its document was refused.
    RolledBack,
    /// It isn't recorded: what ended the job refuses every event.
    NotRecorded,
}

/// An event's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReport {
    /// Its index in the document, from 0.
    pub index: usize,
    /// What became of it.
    pub outcome: JobOutcome,
    /// The transaction that holds it, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<String>,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u64>,
    /// Why it is refused.
    #[serde(flatten)]
    pub refusal: Option<Reason>,
}

/// Why an event, or a whole job, is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where in the document, as a JSON path.
    pub path: String,
    /// Stable name of the rule.
    pub rule: String,
    /// Stable number of the rule.
    pub code: u32,
    /// What is wrong.
    pub message: String,
}

impl Reason {
    /// Of the event with this index.
    pub fn of(index: usize, refusal: &EventRefusal) -> Reason {
        let event = format!("$.epcisBody.eventList[{index}]");
        // The reader's errors begin with a path from the document, or from the event.
        let found = refusal.message.split_once(": ").map(|(path, _)| path);
        let path = match found {
            Some(path) if path.starts_with("$.epcisBody") => path.to_owned(),
            Some(path) if path.starts_with('$') => path.replacen('$', &event, 1),
            _ => event,
        };
        Reason {
            path,
            rule: refusal.rule.clone(),
            code: refusal.code,
            message: refusal.message.clone(),
        }
    }
}

/// What became of an element of master data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementResult {
    /// It is a version in the ledger, proven.
    Stated,
    /// The ledger says exactly this already, proven.
    Unchanged,
    /// Its GS1 company prefix is another organisation's, proven: that one states it.
    Foreign,
    /// It can't be read, or a rule refuses it.
    Refused,
    /// Something else of its document was refused.
    RolledBack,
    /// It isn't stated: what ended the job refuses all that isn't told otherwise.
    NotStated,
}

/// An element's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementReport {
    /// Where it stands in the document: a JSON path, or an XPath.
    pub path: String,
    /// Its identifier, as the document has it; empty where it has none.
    pub id: String,
    /// What became of it.
    pub result: StatementResult,
    /// The version that says this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u64>,
    /// The transaction that states it, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<String>,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u64>,
    /// Stable name of the rule that refuses it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// Stable number of the rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<u32>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

impl StatementReport {
    /// Of an element without more to tell.
    pub fn plain(path: &str, id: &str, result: StatementResult) -> StatementReport {
        StatementReport {
            path: path.to_owned(),
            id: id.to_owned(),
            result,
            version: None,
            transaction: None,
            height: None,
            rule: None,
            code: None,
            message: None,
        }
    }

    /// Of what the client has proven, or was refused.
    pub fn of(element: &ElementReport) -> StatementReport {
        let plain = |result| StatementReport::plain(&element.place, &element.id, result);
        match &element.outcome {
            ElementOutcome::Stated {
                version,
                transaction,
                height,
            } => StatementReport {
                version: Some(*version),
                transaction: Some(hex::encode(transaction)),
                height: Some(*height),
                ..plain(StatementResult::Stated)
            },
            ElementOutcome::Unchanged { version } => StatementReport {
                version: Some(*version),
                ..plain(StatementResult::Unchanged)
            },
            ElementOutcome::Foreign => plain(StatementResult::Foreign),
            ElementOutcome::Refused(refusal) => StatementReport {
                rule: Some(refusal.rule.clone()),
                code: Some(refusal.code),
                message: Some(refusal.message.clone()),
                ..plain(StatementResult::Refused)
            },
        }
    }

    /// Why it is refused, if it is.
    pub fn reason(&self) -> Option<Reason> {
        Some(Reason {
            path: self.path.clone(),
            rule: self.rule.clone()?,
            code: self.code?,
            message: self.message.clone()?,
        })
    }

    /// Whether the ledger says what the element says, or isn't to say it in this organisation's name.
    pub fn is_fine(&self) -> bool {
        matches!(
            self.result,
            StatementResult::Stated | StatementResult::Unchanged | StatementResult::Foreign
        )
    }
}
