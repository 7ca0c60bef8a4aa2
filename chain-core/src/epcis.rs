//! EPCIS 2.0 events as the rules see them.

use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {rule}")]
pub struct EpcisError {
    pub path: String,
    pub rule: EpcisRule,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EpcisRule {
    #[error("not JSON")]
    NotJson,
}

impl EpcisRule {
    pub fn code(&self) -> &'static str {
        "not-json"
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Object,
    Aggregation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Add,
    Observe,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier(String);

impl Identifier {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug)]
pub struct Event {
    pub event_type: EventType,
    pub action: Option<Action>,
    pub parent: Option<Identifier>,
    pub children: Vec<Identifier>,
    pub objects: Vec<Identifier>,
    pub classes: Vec<String>,
}

impl Event {
    pub fn parse(bytes: &[u8]) -> Result<Event, EpcisError> {
        let fail = || EpcisError {
            path: "$".into(),
            rule: EpcisRule::NotJson,
        };
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| fail())?;
        let list = |name: &str| -> Vec<Identifier> {
            value[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v.as_str())
                .map(|s| Identifier(s.into()))
                .collect()
        };
        let kind = value["type"].as_str().ok_or_else(fail)?;
        Ok(Event {
            event_type: if kind == "AggregationEvent" {
                EventType::Aggregation
            } else {
                EventType::Object
            },
            action: match value["action"].as_str() {
                Some("ADD") => Some(Action::Add),
                Some("DELETE") => Some(Action::Delete),
                _ => Some(Action::Observe),
            },
            parent: value["parentID"].as_str().map(|s| Identifier(s.into())),
            children: list("childEPCs"),
            objects: list("epcList"),
            classes: vec![],
        })
    }
    pub fn items(&self) -> Vec<Identifier> {
        let mut all: Vec<Identifier> = self
            .objects
            .iter()
            .chain(&self.children)
            .chain(&self.parent)
            .cloned()
            .collect();
        all.sort();
        all.dedup();
        all
    }
}
