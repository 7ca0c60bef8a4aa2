//! Random events, each of which can be written in many ways.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use time::{OffsetDateTime, UtcOffset};

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    kind: usize,
    action: usize,
    time_ms: i64,
    offset_minutes: i32,
    serials: Vec<String>,
    batches: Vec<(String, String, bool)>,
    step: usize,
    place: bool,
    orders: Vec<String>,
    extensions: Vec<(String, Extension)>,
}

/// What an extension field holds.
#[derive(Clone, Debug)]
enum Extension {
    Text(String),
    List(Vec<Extension>),
    Map(Vec<(String, Extension)>),
}

/// How an event is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    urn: bool,
    utc: bool,
    reversed: bool,
    indented: bool,
    words: usize,
    full_names: bool,
    trailing_zeros: bool,
}

const KINDS: [&str; 5] = [
    "ObjectEvent",
    "AggregationEvent",
    "AssociationEvent",
    "TransactionEvent",
    "TransformationEvent",
];
const ACTIONS: [&str; 3] = ["ADD", "OBSERVE", "DELETE"];
const STEPS: [&str; 3] = ["shipping", "receiving", "commissioning"];
const NAMESPACE: &str = "https://example.com/ns/";

pub(crate) fn draft() -> impl Strategy<Value = Draft> {
    let text = "[ -~\u{e9}\u{4e2d}]{0,12}";
    let leaf = text.prop_map(Extension::Text);
    let extension = leaf.prop_recursive(3, 16, 3, |inner| {
        // A list in a list can't be written in XML.
        let one = inner.clone().prop_map(|inner| match inner {
            Extension::List(_) => Extension::Text("1.50".into()),
            other => other,
        });
        prop_oneof![
            prop::collection::vec(one, 0..3).prop_map(Extension::List),
            prop::collection::btree_map("[a-z]{1,5}", inner, 0..3)
                .prop_map(|fields| Extension::Map(fields.into_iter().collect())),
        ]
    });
    let batch = ("[A-Z0-9]{1,8}", "[1-9][0-9]{0,4}(\\.[1-9])?", any::<bool>());
    (
        (0..KINDS.len(), 0..ACTIONS.len()),
        (0..4_000_000_000_000i64, -50i32..=50),
        prop::collection::vec("[A-Za-z0-9()*+,:!'=._-]{1,12}", 1..4),
        prop::collection::vec(batch, 1..3),
        (0..STEPS.len(), any::<bool>()),
        prop::collection::vec("urn:x:[a-z0-9]{1,6}", 1..3),
        prop::collection::btree_map("[a-z]{1,6}", extension, 0..4),
    )
        .prop_map(
            |((kind, action), (time_ms, quarters), serials, batches, last, orders, extensions)| {
                Draft {
                    kind,
                    action,
                    time_ms,
                    offset_minutes: quarters * 15,
                    serials,
                    batches,
                    step: last.0,
                    place: last.1,
                    orders,
                    extensions: extensions.into_iter().collect(),
                }
            },
        )
}

pub(crate) fn style() -> impl Strategy<Value = Style> {
    let flags = prop::array::uniform6(any::<bool>());
    (flags, 0usize..4).prop_map(|(flags, words)| Style {
        urn: flags[0],
        utc: flags[1],
        reversed: flags[2],
        indented: flags[3],
        full_names: flags[4],
        trailing_zeros: flags[5],
        words,
    })
}

impl Draft {
    fn time(&self, style: Style) -> String {
        let seconds = match style.utc {
            true => 0,
            false => self.offset_minutes * 60,
        };
        let offset = UtcOffset::from_whole_seconds(seconds).unwrap();
        let t = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.time_ms) * 1_000_000)
            .unwrap()
            .to_offset(offset);
        let zone = match (style.utc, style.reversed) {
            (true, true) => "Z".to_owned(),
            (true, false) => "+00:00".to_owned(),
            _ => zone(self.offset_minutes),
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{zone}",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second(),
            t.millisecond(),
            if style.trailing_zeros { "000" } else { "" },
        )
    }

    fn step(&self, style: Style) -> String {
        let prefixes = [
            "",
            "cbv:BizStep-",
            "https://ref.gs1.org/cbv/BizStep-",
            "urn:epcglobal:cbv:bizstep:",
        ];
        format!("{}{}", prefixes[style.words], STEPS[self.step])
    }

    /// The standard fields as JSON, but for the context.
    fn fields(&self, style: Style) -> Map<String, Json> {
        let epcs =
            |serials: &[String]| -> Json { serials.iter().map(|s| unit(s, style)).collect() };
        let quantities: Json = self
            .batches
            .iter()
            .map(|(batch, quantity, weighed)| {
                let digits = match style.trailing_zeros {
                    true if quantity.contains('.') => format!("{quantity}00"),
                    true => format!("{quantity}.0"),
                    false => quantity.clone(),
                };
                let quantity: serde_json::Number = digits.parse().unwrap();
                match weighed {
                    true => {
                        json!({"epcClass": lot(batch, style), "quantity": quantity, "uom": "KGM"})
                    }
                    false => json!({"epcClass": lot(batch, style), "quantity": quantity}),
                }
            })
            .collect();
        let orders = self.orders.iter().map(|order| {
            json!({"type": (if style.words > 1 { "urn:epcglobal:cbv:btt:po" } else { "po" }), "bizTransaction": order})
        });
        let pallet = match style.urn {
            true => "urn:epc:id:sscc:9521234.0000000015",
            false => "https://pallets.example/x/00/095212340000000150?y=z",
        };
        let kind = KINDS[self.kind];
        let mut fields = json!({
            "type": kind,
            "eventTime": self.time(style),
            "eventTimeZoneOffset": zone(self.offset_minutes),
            "bizStep": self.step(style),
        });
        if kind != "TransformationEvent" {
            fields["action"] = ACTIONS[self.action].into();
        }
        match kind {
            "ObjectEvent" => {
                fields["epcList"] = epcs(&self.serials);
                fields["quantityList"] = quantities;
            }
            "TransactionEvent" => fields["epcList"] = epcs(&self.serials),
            "TransformationEvent" => {
                fields["inputEPCList"] = epcs(&self.serials);
                fields["outputQuantityList"] = quantities;
            }
            _ => {
                fields["parentID"] = pallet.into();
                fields["childEPCs"] = epcs(&self.serials);
            }
        }
        if self.place {
            let place = match style.urn {
                true => "urn:epc:id:sgln:9521141.01234.0",
                false => "https://id.gs1.org/414/9521141012345",
            };
            fields["readPoint"] = json!({"id": place});
        }
        fields["bizTransactionList"] = orders.collect();
        let Json::Object(fields) = fields else {
            unreachable!()
        };
        fields
    }

    /// The event in JSON.
    pub(crate) fn json(&self, style: Style) -> String {
        let mut members: Vec<(String, Json)> = self.fields(style).into_iter().collect();
        let name = |local: &str| match style.full_names {
            true => format!("{NAMESPACE}{local}"),
            false => format!("ex:{local}"),
        };
        for (local, extension) in &self.extensions {
            members.push((name(local), extension.json(&name)));
        }
        members.push((
            "@context".into(),
            json!(["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"ex": NAMESPACE}]),
        ));
        if style.reversed {
            members.reverse();
        }
        let event: Map<String, Json> = members.into_iter().collect();
        match style.indented {
            true => serde_json::to_string_pretty(&event).unwrap(),
            false => serde_json::to_string(&event).unwrap(),
        }
    }

    /// A document that holds the event in XML.
    pub(crate) fn xml(&self, style: Style) -> String {
        let fields = self.fields(style);
        let kind = fields["type"].as_str().unwrap().to_owned();
        let mut body = String::new();
        for (name, value) in fields.iter().filter(|(name, _)| *name != "type") {
            let list = |item: &str| -> String {
                let items = value.as_array().unwrap().iter();
                items.map(|value| element(item, &content(value))).collect()
            };
            let inner = match name.as_str() {
                "readPoint" => element("id", value["id"].as_str().unwrap()),
                "bizTransactionList" => value
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|order| {
                        let (kind, order) = (&order["type"], &order["bizTransaction"]);
                        let order = order.as_str().unwrap();
                        format!("<bizTransaction type={kind}>\n {order} </bizTransaction>")
                    })
                    .collect(),
                list_name if list_name.ends_with("QuantityList") || list_name == "quantityList" => {
                    list("quantityElement")
                }
                list_name if list_name.ends_with("List") || list_name == "childEPCs" => list("epc"),
                _ => escaped(value.as_str().unwrap()),
            };
            body.push_str(&element(name, &inner));
        }
        for (local, extension) in &self.extensions {
            extension.xml(&format!("e:{local}"), &mut body);
        }
        format!(
            "<?xml version=\"1.0\"?>\n<epcis:EPCISDocument xmlns:epcis=\"urn:epcglobal:epcis:xsd:2\" \
             xmlns:e=\"{NAMESPACE}\" xmlns:cbv=\"https://ref.gs1.org/cbv/\" schemaVersion=\"2.0\" \
             creationDate=\"2026-03-01T09:00:00Z\"><EPCISBody><EventList>{}</EventList></EPCISBody>\
             </epcis:EPCISDocument>",
            element(&kind, &body)
        )
    }
}

impl Extension {
    fn json(&self, name: &dyn Fn(&str) -> String) -> Json {
        match self {
            Extension::Text(text) => text.as_str().into(),
            Extension::List(values) => values.iter().map(|value| value.json(name)).collect(),
            Extension::Map(fields) => {
                let fields = fields.iter();
                let fields: Map<String, Json> = fields
                    .map(|(local, value)| (name(local), value.json(name)))
                    .collect();
                fields.into()
            }
        }
    }

    fn xml(&self, name: &str, out: &mut String) {
        match self {
            Extension::Text(text) => out.push_str(&element(name, &escaped(text))),
            Extension::List(values) => values.iter().for_each(|value| value.xml(name, out)),
            Extension::Map(fields) => {
                let mut inner = String::new();
                for (local, value) in fields {
                    value.xml(&format!("e:{local}"), &mut inner);
                }
                out.push_str(&element(name, &inner));
            }
        }
    }
}

fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// A text, or an object's fields as elements.
fn content(value: &Json) -> String {
    match value {
        Json::Object(fields) => {
            let fields = fields.iter();
            fields
                .map(|(name, value)| element(name, &content(value)))
                .collect()
        }
        Json::String(text) => escaped(text),
        other => other.to_string(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace("]]>", "]]&gt;")
}

fn zone(minutes: i32) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn unit(serial: &str, style: Style) -> String {
    match style.urn {
        true => format!("urn:epc:id:sgtin:9521141.001234.{serial}"),
        false => format!("https://shop.example/01/9521141012345/21/{serial}"),
    }
}

fn lot(batch: &str, style: Style) -> String {
    match style.urn {
        true => format!("urn:epc:class:lgtin:9521141.001234.{batch}"),
        false => format!("https://id.gs1.org/01/09521141012345/10/{batch}?17=270101"),
    }
}
