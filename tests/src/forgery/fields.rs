//! One field of a file changed, each as often as any other, at whatever depth it stands; and which fields there are,
//! so that a campaign tells those that no genuine file let it change.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};
use touchstone_proto::evidence::Evidence;

use super::graft::{Grafter, NESTED, STATES, WORDS, rearrange};
use crate::random::Random;

const FILE: &str = "touchstone.evidence.v1.Evidence";

/// Where a file's values of the state stand.
const VALUE: &str = "touchstone.evidence.v1.State.value";

/// Lists of which a file may show less: what they hold is changed, and nothing of it left out.
const CHOSEN: [&str; 1] = ["touchstone.evidence.v1.ShownDisputes.parties"];

/// Of which nothing is changed: another question has another answer.
const QUESTIONS: &str = "touchstone.evidence.v1.Evidence.questions";

/// The only actions of a transaction that a file tells of.
const ACTIONS: [&str; 2] = ["capture_events", "deposit_design"];

/// The fields on the way to one, each with the place in its list.
type Way = Vec<(FieldDescriptor, usize)>;

impl Grafter {
    /// The fields of a file that verifiers answer for, each by the part of the file and its name.
    pub fn fields(&self, evidence: &Evidence) -> BTreeSet<String> {
        self.ways(evidence).into_keys().collect()
    }

    /// All fields that a file may have.
    pub fn all_fields(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.describe("file", &self.message(FILE), &mut found);
        found
    }

    /// The file with this field changed, at one of the places where it stands.
    pub fn bend(&self, evidence: &Evidence, field: &str, random: &mut Random) -> Option<Evidence> {
        let ways = self.ways(evidence).remove(field)?;
        let mut tree = self.read(FILE, &evidence.encode_to_vec())?;
        self.bend_at(&mut tree, &ways[random.index(ways.len())], random);
        tree.transcode_to().ok()
    }

    fn ways(&self, evidence: &Evidence) -> BTreeMap<String, Vec<Way>> {
        let mut found = BTreeMap::new();
        if let Some(tree) = self.read(FILE, &evidence.encode_to_vec()) {
            self.walk("file", &tree, &mut Vec::new(), &mut found);
        }
        found
    }

    fn walk(
        &self,
        part: &str,
        message: &DynamicMessage,
        way: &mut Way,
        found: &mut BTreeMap<String, Vec<Way>>,
    ) {
        for field in message_fields(&message.descriptor()) {
            let has_field = message.has_field(&field);
            if is_choice(&field) && !has_field {
                continue;
            }
            if let Some(name) = name(part, &field) {
                let mut to = way.clone();
                to.push((field.clone(), 0));
                found.entry(name).or_default().push(to);
            }
            if !has_field {
                continue;
            }
            let nested = self.nested(&field, message);
            let key = message.get_field_by_name("key");
            let key = key.as_ref().and_then(|key| key.as_bytes());
            let inner_part = match key.filter(|_| field.full_name() == VALUE) {
                Some(key) => STATES
                    .iter()
                    .map(|(prefix, _)| *prefix)
                    .find(|prefix| key.starts_with(prefix.as_bytes()))
                    .unwrap_or("state"),
                None if part == "file" => field.name(),
                None => part,
            };
            let value = message.get_field(&field);
            let items = value.as_list().unwrap_or(std::slice::from_ref(&*value));
            for (at, item) in items.iter().enumerate() {
                let inner = match item {
                    Value::Message(inner) => Some(inner.clone()),
                    Value::Bytes(bytes) if !nested.is_empty() => self.read(nested, bytes),
                    _ => None,
                };
                if let Some(inner) = inner {
                    way.push((field.clone(), at));
                    self.walk(inner_part, &inner, way, found);
                    way.pop();
                }
            }
        }
    }

    /// The same of what a message may hold.
    fn describe(&self, part: &str, message: &MessageDescriptor, found: &mut BTreeSet<String>) {
        for field in message_fields(message) {
            let is_new = name(part, &field).is_none_or(|name| found.insert(name));
            // A message that stands in itself is described once.
            if !is_new {
                continue;
            }
            let inner_part = match part {
                "file" => field.name(),
                _ => part,
            };
            if field.full_name() == VALUE {
                for (prefix, kind) in STATES {
                    self.describe(prefix, &self.message(kind), found);
                }
            } else if let Kind::Message(inner) = field.kind() {
                self.describe(inner_part, &inner, found);
            } else if let Some((_, kind)) = NESTED.iter().find(|(at, _)| *at == field.full_name()) {
                self.describe(inner_part, &self.message(kind), found);
            }
        }
    }

    fn bend_at(
        &self,
        message: &mut DynamicMessage,
        way: &[(FieldDescriptor, usize)],
        random: &mut Random,
    ) {
        let Some(((field, at), rest)) = way.split_first() else {
            return;
        };
        if rest.is_empty() {
            self.bend_field(message, field, random);
            return;
        }
        let nested = self.nested(field, message);
        let mut value = message.get_field(field).into_owned();
        let item = match &mut value {
            Value::List(items) => &mut items[*at],
            one => one,
        };
        match item {
            Value::Message(inner) => self.bend_at(inner, rest, random),
            Value::Bytes(bytes) => {
                let mut inner = self.read(nested, bytes).expect("it was read before");
                self.bend_at(&mut inner, rest, random);
                *bytes = inner.encode_to_vec().into();
            }
            other => unreachable!("nothing stands in {other:?}"),
        }
        message.set_field(field, value);
    }

    fn bend_field(
        &self,
        message: &mut DynamicMessage,
        field: &FieldDescriptor,
        random: &mut Random,
    ) {
        let has_field = message.has_field(field);
        let mut value = message.get_field(field).into_owned();
        match &mut value {
            Value::List(items) => {
                if items.is_empty() {
                    items.push(Value::default_value(&field.kind()));
                }
                let stays = CHOSEN.contains(&field.full_name());
                if has_field && !stays && random.permille(500) {
                    rearrange(items, &[], random);
                } else {
                    let at = random.index(items.len());
                    self.change_one(&mut items[at], "", None, random);
                }
            }
            Value::Message(_) if has_field => return message.clear_field(field),
            Value::Message(_) => {}
            _ if has_field && field.supports_presence() && random.permille(300) => {
                return message.clear_field(field);
            }
            one => self.change_one(one, "", None, random),
        }
        message.set_field(field, value);
    }
}

/// A message's fields, but for actions that no file tells of, and for questions.
fn message_fields(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let is_told = |field: &FieldDescriptor| {
        let is_action = field
            .containing_oneof()
            .is_some_and(|one| one.name() == "action");
        field.full_name() != QUESTIONS && (!is_action || ACTIONS.contains(&field.name()))
    };
    message.fields().filter(is_told).collect()
}

/// Whether a message has one of several fields.
fn is_choice(field: &FieldDescriptor) -> bool {
    let one = field.containing_oneof();
    one.is_some_and(|one| !one.is_synthetic())
}

/// A field's name; `None` of the holder's own words.
fn name(part: &str, field: &FieldDescriptor) -> Option<String> {
    let message = field.parent_message();
    let is_proven = !WORDS.contains(&field.full_name());
    is_proven.then(|| format!("{part} {}.{}", message.name(), field.name()))
}
