//! Structural forgeries of any kind: at any place of a file's message tree, and of the messages in
//! its bytes, something is removed, doubled, moved, changed or replaced by what stands at the same
//! place of another genuine file.

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, Value,
};
use touchstone_proto::evidence::Evidence;

use crate::random::Random;

/// The holder's own words, which no verifier can doubt, and what a file is asked to show of disputes and licences: to
/// ask for less, or about another moment, is no forgery.
pub(super) const WORDS: [&str; 4] = [
    "touchstone.evidence.v1.Evidence.disputes",
    "touchstone.evidence.v1.Evidence.questions",
    "touchstone.evidence.v1.Opening.title",
    "touchstone.evidence.v1.OriginalFile.name",
];

/// Bytes that hold a message.
pub(super) const NESTED: [(&str, &str); 6] = [
    (
        "touchstone.evidence.v1.Opening.drafts",
        "touchstone.evidence.v1.Draft",
    ),
    (
        "touchstone.node.v1.CertifiedHeader.header",
        "touchstone.ledger.v1.Header",
    ),
    (
        "touchstone.evidence.v1.Transaction.envelope",
        "touchstone.ledger.v1.Envelope",
    ),
    (
        "touchstone.ledger.v1.Envelope.body",
        "touchstone.ledger.v1.Transaction",
    ),
    (
        "touchstone.evidence.v1.CompleteLink.entries",
        "touchstone.ledger.v1.LinkEntry",
    ),
    ("touchstone.evidence.v1.State.value", ""),
];

/// What a value of the state is, by its key.
pub(super) const STATES: [(&str, &str); 20] = [
    ("item/", "touchstone.ledger.v1.Item"),
    ("look-alikes/", "touchstone.ledger.v1.LookAlikes"),
    ("vouching/", "touchstone.ledger.v1.Vouching"),
    ("design/", "touchstone.ledger.v1.Design"),
    ("organisation/", "touchstone.ledger.v1.Organisation"),
    ("parameters", "touchstone.ledger.v1.Parameters"),
    ("offer/", "touchstone.ledger.v1.Offer"),
    ("emptying/", "touchstone.ledger.v1.Emptying"),
    ("dispute-subject/", "touchstone.ledger.v1.DisputeTally"),
    ("dispute/", "touchstone.ledger.v1.Dispute"),
    ("panel/", "touchstone.ledger.v1.Panel"),
    ("draw/", "touchstone.ledger.v1.Draw"),
    ("authorised/", "touchstone.ledger.v1.Authorisations"),
    ("licence-end/", "touchstone.ledger.v1.LicenceEnd"),
    ("right/", "touchstone.ledger.v1.Right"),
    ("check/", "touchstone.ledger.v1.CaseCheck"),
    ("sanction/", "touchstone.ledger.v1.Sanction"),
    ("sanctions/", "touchstone.ledger.v1.PartySanctions"),
    (
        "sanctions-registered/",
        "touchstone.ledger.v1.PartySanctions",
    ),
    ("vouched/", "touchstone.ledger.v1.VouchedDesigner"),
];

/// Makes grafts.
pub struct Grafter {
    pool: DescriptorPool,
}

impl Default for Grafter {
    fn default() -> Grafter {
        let pool = DescriptorPool::decode(touchstone_proto::DESCRIPTORS);
        Grafter {
            pool: pool.expect("the project's own descriptors"),
        }
    }
}

impl Grafter {
    /// Changes `evidence` at one place, with `donor` as the other genuine file.
    pub fn graft(&self, evidence: &Evidence, donor: &Evidence, random: &mut Random) -> Evidence {
        let mut tree = self.read("touchstone.evidence.v1.Evidence", &evidence.encode_to_vec());
        let donor = self.read("touchstone.evidence.v1.Evidence", &donor.encode_to_vec());
        if let Some(tree) = &mut tree {
            self.change(tree, donor.as_ref(), random);
            return tree.transcode_to().expect("the same message");
        }
        evidence.clone()
    }

    pub(super) fn message(&self, name: &str) -> MessageDescriptor {
        let found = self.pool.get_message_by_name(name);
        found.expect("a message of the project")
    }

    pub(super) fn read(&self, name: &str, bytes: &[u8]) -> Option<DynamicMessage> {
        let descriptor = self.pool.get_message_by_name(name)?;
        DynamicMessage::decode(descriptor, bytes).ok()
    }

    fn change(
        &self,
        message: &mut DynamicMessage,
        donor: Option<&DynamicMessage>,
        random: &mut Random,
    ) {
        let all: Vec<_> = message.descriptor().fields().collect();
        let set: Vec<_> = message.fields().map(|(field, _)| field).collect();
        let fields = match set.is_empty() || random.permille(50) {
            true => all,
            false => set,
        };
        let Some(field) = fields.get(random.index(fields.len())) else {
            return;
        };
        if WORDS.contains(&field.full_name()) {
            return;
        }
        let other = donor.map(|d| d.get_field(field).into_owned());
        if random.permille(60) {
            match other {
                Some(other) if random.permille(600) => message.set_field(field, other),
                _ => message.clear_field(field),
            }
            return;
        }
        let nested = self.nested(field, message);
        let mut value = message.get_field(field).into_owned();
        self.change_value(&mut value, nested, other.as_ref(), random);
        message.set_field(field, value);
    }

    /// The message that a field of bytes holds; empty if it holds none.
    pub(super) fn nested(&self, field: &FieldDescriptor, message: &DynamicMessage) -> &'static str {
        let found = NESTED.iter().find(|(name, _)| *name == field.full_name());
        match found {
            Some((_, "")) => {
                let key = message.get_field_by_name("key");
                let key = key.and_then(|k| k.as_bytes().cloned()).unwrap_or_default();
                let by_key = STATES.iter().find(|(p, _)| key.starts_with(p.as_bytes()));
                by_key.map_or("", |(_, name)| name)
            }
            Some((_, name)) => name,
            None => "",
        }
    }

    fn change_value(
        &self,
        value: &mut Value,
        nested: &str,
        donor: Option<&Value>,
        random: &mut Random,
    ) {
        if let Value::List(items) = value {
            let others = donor.and_then(Value::as_list).unwrap_or_default();
            if items.is_empty() || random.permille(400) {
                rearrange(items, others, random);
                return;
            }
            let at = random.index(items.len());
            let other = others.get(random.index(others.len()));
            self.change_one(&mut items[at], nested, other, random);
        } else {
            self.change_one(value, nested, donor, random);
        }
    }

    pub(super) fn change_one(
        &self,
        value: &mut Value,
        nested: &str,
        donor: Option<&Value>,
        random: &mut Random,
    ) {
        if let Some(donor) = donor
            && random.permille(150)
        {
            *value = donor.clone();
            return;
        }
        match value {
            Value::Message(message) => {
                self.change(message, donor.and_then(Value::as_message), random);
            }
            Value::Bytes(bytes) => {
                let inner = match nested.is_empty() || random.permille(200) {
                    true => None,
                    false => self.read(nested, bytes),
                };
                let changed = match inner {
                    Some(mut inner) => {
                        let donor = donor.and_then(|d| self.read(nested, d.as_bytes()?));
                        self.change(&mut inner, donor.as_ref(), random);
                        inner.encode_to_vec()
                    }
                    None => changed_bytes(bytes.to_vec(), random),
                };
                *bytes = changed.into();
            }
            Value::String(text) => {
                let mut changed = text.clone();
                match random.below(3) {
                    0 => changed.push('x'),
                    1 => drop(changed.pop()),
                    _ => changed = text.to_uppercase(),
                }
                *text = changed;
            }
            Value::U64(number) => *number = changed_number(*number, random),
            Value::U32(number) => *number = changed_number(u64::from(*number), random) as u32,
            Value::EnumNumber(number) => *number ^= 1,
            Value::Bool(flag) => *flag = !*flag,
            other => unreachable!("no message has a field like {other:?}"),
        }
    }
}

fn changed_number(number: u64, random: &mut Random) -> u64 {
    match random.below(5) {
        0 => number.wrapping_add(1),
        1 => number.wrapping_sub(1),
        2 => 0,
        3 => u64::MAX,
        _ => number ^ (1 << random.below(20)),
    }
}

fn changed_bytes(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let at = random.index(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.push(random.below(256) as u8),
        2 => bytes = random.bytes().to_vec(),
        3 => bytes.fill(0),
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
    bytes
}

pub(super) fn rearrange(items: &mut Vec<Value>, others: &[Value], random: &mut Random) {
    let (one, two) = (random.index(items.len()), random.index(items.len()));
    let other = others.get(random.index(others.len()));
    match (random.below(7), other) {
        (0, Some(other)) => items.push(other.clone()),
        (1, Some(other)) if !items.is_empty() => items[one] = other.clone(),
        (2, _) => items.truncate(one),
        (3, _) => items.reverse(),
        (4, _) if !items.is_empty() => items.insert(two, items[one].clone()),
        (5, _) if !items.is_empty() => items.swap(one, two),
        _ if !items.is_empty() => drop(items.remove(one)),
        _ => {}
    }
}
