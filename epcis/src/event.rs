//! One event: the small noun that the ledger's rules use, read strictly from exact bytes.
//!
//! Consensus-critical: yes

use super::cbv::Vocabulary;
use super::date_time;
use super::error::{EpcisError, EpcisRule, Path, excerpt};
use super::fields;
use super::identifier::{Identifier, IdentifierError};
use super::json::{self, Node};

mod containment;
pub(super) mod event_type;
mod quantities;
mod subjects;

pub use containment::ContainmentStep;
pub use event_type::EventType;
pub(super) use event_type::event_type;

/// The largest event, in bytes.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// The deepest event, in nested objects and lists.
pub const MAX_EVENT_DEPTH: usize = 64;

/// Up to so many things of a list are compared one by one.
const FEW_THINGS: usize = 8;

/// How the event relates to the life of what it is about (EPCIS 2.0 §7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It begins: commissioned, packed, linked.
    Add,
    /// It was seen.
    Observe,
    /// It ends: decommissioned, unpacked, unlinked.
    Delete,
}

/// An amount of a class of things (EPCIS 2.0 §7.3.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Which list of the event it is from.
    pub role: QuantityRole,
    /// The class.
    pub class: Identifier,
    /// The number as it was written, such as `200.50`.
    pub quantity: Option<String>,
    /// A unit of UN/ECE Recommendation 20; without one, the quantity counts things.
    pub unit: Option<String>,
}

/// The lists of quantities that an event may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityRole {
    /// `quantityList`
    Object,
    /// `childQuantityList`
    Child,
    /// `inputQuantityList`
    Input,
    /// `outputQuantityList`
    Output,
}

/// The statement that an earlier event with the same content was wrong (EPCIS 2.0 §7.4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDeclaration {
    /// When it was declared, in milliseconds since 1970-01-01T00:00:00Z.
    pub declaration_time_ms: i64,
    /// Why: a bare word of the Core Business Vocabulary or a full URI.
    pub reason: Option<String>,
    /// The ids of the events that correct it.
    pub corrective_event_ids: Vec<String>,
}

/// Whom or what a thing moves from or to (EPCIS 2.0 §7.3.5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceOrDestination {
    /// In which way: `owning_party`, `possessing_party`, `location`, or a full URI.
    pub kind: String,
    /// The party or the place.
    pub id: Identifier,
}

/// What the ledger's rules need of an event. The bytes that it was read from stay the record.
///
/// Names are read as EPCIS 2.0 §10 defines them in JSON. `@context` only serves extensions, which
/// the ledger keeps and doesn't interpret. Lists hold each identifier once, in the order of the
/// event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The kind of event.
    pub event_type: EventType,
    /// `eventTime` in milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: i64,
    /// `eventTimeZoneOffset`, such as `+08:00`.
    pub time_zone_offset: String,
    /// `action`; a transformation has none.
    pub action: Option<Action>,
    /// `bizStep`: a bare word of the Core Business Vocabulary or a full URI.
    pub biz_step: Option<String>,
    /// `disposition`: a bare word of the Core Business Vocabulary or a full URI.
    pub disposition: Option<String>,
    /// `readPoint`: where it was seen.
    pub read_point: Option<Identifier>,
    /// `bizLocation`: where it is until told otherwise.
    pub biz_location: Option<Identifier>,
    /// `parentID`
    pub parent: Option<Identifier>,
    /// `childEPCs`
    pub children: Vec<Identifier>,
    /// `epcList`
    pub objects: Vec<Identifier>,
    /// `inputEPCList`
    pub inputs: Vec<Identifier>,
    /// `outputEPCList`
    pub outputs: Vec<Identifier>,
    /// All quantity lists.
    pub classes: Vec<Quantity>,
    /// `sourceList`, in the order of the event.
    pub sources: Vec<SourceOrDestination>,
    /// `destinationList`, in the order of the event.
    pub destinations: Vec<SourceOrDestination>,
    /// `errorDeclaration`
    pub error_declaration: Option<ErrorDeclaration>,
    /// `eventID` as it was written.
    pub event_id: Option<String>,
}

impl Event {
    /// Reads one event, which carries its `@context`, and checks it by the rules of
    /// [`EpcisRule`]. Paths in errors begin at the event.
    pub fn parse(bytes: &[u8]) -> Result<Event, EpcisError> {
        if bytes.len() > MAX_EVENT_BYTES {
            let rule = EpcisRule::TooLarge {
                bytes: bytes.len(),
                limit: MAX_EVENT_BYTES,
            };
            return Err(rule.at(&Path::Root));
        }
        Event::read(&json::read(bytes, MAX_EVENT_DEPTH)?)
    }

    /// Every identifier whose history the event belongs to, sorted, each once: the things and
    /// classes that it names in any role. A sensor's report about a place, which names none,
    /// belongs to its read point (EPCIS 2.0 §7.4.2).
    pub fn items(&self) -> Vec<&Identifier> {
        let mut items: Vec<&Identifier> = self.named().collect();
        if items.is_empty() {
            items.extend(&self.read_point);
        }
        items.sort();
        items.dedup();
        items
    }

    /// The one of the things and classes that it names in any role which has this canonical form.
    pub fn item(&self, id: &str) -> Option<&Identifier> {
        self.named().find(|named| named.as_str() == id)
    }

    /// The things and classes that it names in any role, one after the other.
    pub fn named(&self) -> impl Iterator<Item = &Identifier> {
        let things = [&self.objects, &self.children, &self.inputs, &self.outputs];
        let classes = self.classes.iter().map(|quantity| &quantity.class);
        things
            .into_iter()
            .flatten()
            .chain(&self.parent)
            .chain(classes)
    }

    fn read(node: &Node<'_>) -> Result<Event, EpcisError> {
        let event_type = read_type(node)?;
        fields::check_event(node, event_type)?;
        let event = Event {
            event_type,
            time_ms: required(read_time(node, "eventTime", &Path::Root)?, "eventTime")?,
            time_zone_offset: required(text(node, "eventTimeZoneOffset")?, "eventTimeZoneOffset")?,
            action: read_action(node)?,
            biz_step: read_term(node, "bizStep", Vocabulary::BizStep, &Path::Root)?,
            disposition: read_term(node, "disposition", Vocabulary::Disposition, &Path::Root)?,
            read_point: read_place(node, "readPoint")?,
            biz_location: read_place(node, "bizLocation")?,
            parent: read_parent(node)?,
            children: read_things(node, "childEPCs")?,
            objects: read_things(node, "epcList")?,
            inputs: read_things(node, "inputEPCList")?,
            outputs: read_things(node, "outputEPCList")?,
            classes: quantities::read(node)?,
            sources: read_endpoints(node, "sourceList", "source")?,
            destinations: read_endpoints(node, "destinationList", "destination")?,
            error_declaration: read_error_declaration(node)?,
            event_id: text(node, "eventID")?,
        };
        event.check_what_it_is_about(node)?;
        event.check_ilmd(node)?;
        Ok(event)
    }

    /// EPCIS 2.0 §7.4.2 to §7.4.6: what each kind of event must name.
    fn check_what_it_is_about(&self, node: &Node<'_>) -> Result<(), EpcisError> {
        let has = |role| self.classes.iter().any(|quantity| quantity.role == role);
        match self.event_type {
            EventType::Object => {
                let things = !self.objects.is_empty() || has(QuantityRole::Object);
                let sensed_place =
                    self.read_point.is_some() && !is_empty(node, "sensorElementList");
                if !things && !sensed_place {
                    return Err(EpcisRule::NoIdentifier.at(&Path::Root));
                }
            }
            EventType::Aggregation | EventType::Association => {
                // An aggregation may be seen without its container being known.
                let may_lack_parent = self.event_type == EventType::Aggregation
                    && self.action == Some(Action::Observe);
                if self.parent.is_none() && !may_lack_parent {
                    return Err(missing("parentID"));
                }
                let children = !self.children.is_empty() || has(QuantityRole::Child);
                if !children && self.action != Some(Action::Delete) {
                    return Err(EpcisRule::NoChild.at(&Path::Root));
                }
            }
            EventType::Transaction => {
                if is_empty(node, "bizTransactionList") {
                    return Err(missing("bizTransactionList"));
                }
                // The standard lets DELETE leave out the things and mean all of them. Here an
                // event that names nothing would be found by nobody.
                if self.items_named() == 0 {
                    return Err(EpcisRule::NoIdentifier.at(&Path::Root));
                }
            }
            EventType::Transformation => {
                let inputs = !self.inputs.is_empty() || has(QuantityRole::Input);
                let outputs = !self.outputs.is_empty() || has(QuantityRole::Output);
                // Inputs and outputs may come in several events that share a transformation's id.
                let in_parts = node.get("transformationID").is_some();
                if !inputs && !outputs {
                    return Err(EpcisRule::NoIdentifier.at(&Path::Root));
                }
                if !inputs && !in_parts {
                    return Err(missing("inputEPCList"));
                }
                if !outputs && !in_parts {
                    return Err(missing("outputEPCList"));
                }
            }
        }
        Ok(())
    }

    fn items_named(&self) -> usize {
        self.objects.len() + self.classes.len() + usize::from(self.parent.is_some())
    }

    /// EPCIS 2.0 §7.4.2: master data of things is given when they begin.
    fn check_ilmd(&self, node: &Node<'_>) -> Result<(), EpcisError> {
        let begins = matches!(self.action, None | Some(Action::Add));
        if node.get("ilmd").is_some() && !begins {
            return Err(EpcisRule::IlmdNotAllowed.at(&Path::Root.field("ilmd")));
        }
        Ok(())
    }
}

fn read_type(node: &Node<'_>) -> Result<EventType, EpcisError> {
    node.object(&Path::Root)?;
    let path = Path::Root.field("type");
    let name = required(text_of(node, "type")?, "type")?;
    event_type(name).ok_or_else(|| EpcisRule::UnknownEventType(excerpt(name)).at(&path))
}

fn missing(field: &'static str) -> EpcisError {
    EpcisRule::MissingField(field).at(&Path::Root.field(field))
}

fn required<T>(value: Option<T>, field: &'static str) -> Result<T, EpcisError> {
    value.ok_or_else(|| missing(field))
}

fn text(node: &Node<'_>, field: &str) -> Result<Option<String>, EpcisError> {
    Ok(text_of(node, field)?.map(str::to_owned))
}

/// The same, not copied.
fn text_of<'a>(node: &'a Node<'_>, field: &str) -> Result<Option<&'a str>, EpcisError> {
    let text = node
        .get(field)
        .map(|node| node.text(&Path::Root.field(field)));
    text.transpose()
}

fn is_empty(node: &Node<'_>, list: &str) -> bool {
    node.get(list)
        .and_then(|node| node.list(&Path::Root).ok())
        .is_none_or(<[_]>::is_empty)
}

fn read_time(node: &Node<'_>, field: &str, path: &Path<'_>) -> Result<Option<i64>, EpcisError> {
    let Some(node) = node.get(field) else {
        return Ok(None);
    };
    let path = path.field(field);
    let text = node.text(&path)?;
    match date_time::time_ms(text) {
        Some(time_ms) => Ok(Some(time_ms)),
        None => Err(EpcisRule::BadTime(excerpt(text)).at(&path)),
    }
}

fn read_action(node: &Node<'_>) -> Result<Option<Action>, EpcisError> {
    match text_of(node, "action")? {
        None => Ok(None),
        Some("ADD") => Ok(Some(Action::Add)),
        Some("OBSERVE") => Ok(Some(Action::Observe)),
        Some("DELETE") => Ok(Some(Action::Delete)),
        Some(other) => Err(EpcisRule::BadAction(excerpt(other)).at(&Path::Root.field("action"))),
    }
}

fn read_term(
    node: &Node<'_>,
    field: &str,
    vocabulary: Vocabulary,
    path: &Path<'_>,
) -> Result<Option<String>, EpcisError> {
    let Some(node) = node.get(field) else {
        return Ok(None);
    };
    fields::resolve(vocabulary, node, &path.field(field)).map(Some)
}

fn read_identifier(node: &Node<'_>, path: &Path<'_>) -> Result<Identifier, EpcisError> {
    let text = node.text(path)?;
    Identifier::parse(text).map_err(|reason| bad_identifier(text, reason, path))
}

fn bad_identifier(text: &str, reason: IdentifierError, path: &Path<'_>) -> EpcisError {
    EpcisRule::BadIdentifier {
        value: excerpt(text),
        reason,
    }
    .at(path)
}

/// EPCIS 2.0 §7.3.3.2: lists of EPCs hold things, not classes of things.
fn read_thing(node: &Node<'_>, path: &Path<'_>) -> Result<Identifier, EpcisError> {
    let identifier = read_identifier(node, path)?;
    if identifier.is_class() {
        return Err(bad_identifier(
            node.text(path)?,
            IdentifierError::ClassNotInstance,
            path,
        ));
    }
    Ok(identifier)
}

fn read_parent(node: &Node<'_>) -> Result<Option<Identifier>, EpcisError> {
    let Some(node) = node.get("parentID") else {
        return Ok(None);
    };
    read_thing(node, &Path::Root.field("parentID")).map(Some)
}

fn read_place(node: &Node<'_>, field: &str) -> Result<Option<Identifier>, EpcisError> {
    let Some(id) = node.get(field).and_then(|place| place.get("id")) else {
        return Ok(None);
    };
    read_identifier(id, &Path::Root.field(field).field("id")).map(Some)
}

fn read_things(node: &Node<'_>, field: &str) -> Result<Vec<Identifier>, EpcisError> {
    let Some(node) = node.get(field) else {
        return Ok(Vec::new());
    };
    let path = Path::Root.field(field);
    let nodes = node.list(&path)?;
    let mut seen = std::collections::BTreeSet::new();
    let mut things: Vec<Identifier> = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let thing = read_thing(node, &path.index(index))?;
        let is_new = match nodes.len() > FEW_THINGS {
            true => seen.insert(thing.clone()),
            false => !things.contains(&thing),
        };
        if is_new {
            things.push(thing);
        }
    }
    Ok(things)
}

/// EPCIS 2.0 §7.3.5.6: each with its type. `name` is the field of the party or place.
fn read_endpoints(
    node: &Node<'_>,
    list: &str,
    name: &'static str,
) -> Result<Vec<SourceOrDestination>, EpcisError> {
    let Some(node) = node.get(list) else {
        return Ok(Vec::new());
    };
    let path = Path::Root.field(list);
    let mut endpoints = Vec::new();
    for (index, node) in node.list(&path)?.iter().enumerate() {
        let path = path.index(index);
        let missing = |field| EpcisRule::MissingField(field).at(&path.field(field));
        let kind = read_term(node, "type", Vocabulary::SourceType, &path)?;
        let id = node.get(name).ok_or_else(|| missing(name))?;
        endpoints.push(SourceOrDestination {
            kind: kind.ok_or_else(|| missing("type"))?,
            id: read_identifier(id, &path.field(name))?,
        });
    }
    Ok(endpoints)
}

fn read_error_declaration(node: &Node<'_>) -> Result<Option<ErrorDeclaration>, EpcisError> {
    let Some(node) = node.get("errorDeclaration") else {
        return Ok(None);
    };
    let path = Path::Root.field("errorDeclaration");
    let ids_path = path.field("correctiveEventIDs");
    let corrective_event_ids = match node.get("correctiveEventIDs") {
        None => Vec::new(),
        Some(ids) => ids
            .list(&ids_path)?
            .iter()
            .map(|id| id.text(&ids_path).map(str::to_owned))
            .collect::<Result<_, _>>()?,
    };
    Ok(Some(ErrorDeclaration {
        declaration_time_ms: required(
            read_time(node, "declarationTime", &path)?,
            "declarationTime",
        )?,
        reason: read_term(node, "reason", Vocabulary::ErrorReason, &path)?,
        corrective_event_ids,
    }))
}

#[cfg(test)]
mod tests;
