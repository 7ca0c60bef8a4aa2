//! The resolver: a GS1 Digital Link's path answers with the item. The answer holds the same message
//! that the gRPC service gives, which a light client verifies; the rest is for reading.

use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::{Value, json};
use touchstone_core::block::Header;
use touchstone_core::encoding;
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::keys;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::type_name;
use touchstone_epcis::{Event, Identifier};
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node as wire;

use super::document::{context, time_text};
use super::events;
use super::failure::HttpFailure;
use super::{Asked, app, negotiate};
use crate::service::error::{ServiceError, unproven};
use crate::service::{ProvenState, log_page, trace};

/// The primary keys of Digital Links, by their application identifiers.
pub const KEYS: [&str; 14] = [
    "00", "01", "253", "255", "401", "402", "414", "417", "8003", "8004", "8006", "8010", "8017",
    "8018",
];

const LINKSET: &str = "application/linkset+json";
const TEXT: &str = "text/plain";

/// What is known of an item.
struct ItemAnswer {
    id: String,
    reply: wire::ItemReply,
    header: Header,
    /// None where nothing is recorded, which is proven.
    item: Option<Item>,
    /// What follows from its history, its containers' included.
    about: wire::TracedItem,
    /// The page's entries with their events.
    events: Vec<(LinkEntry, Vec<u8>)>,
}

/// `GET /01/{gtin}/21/{serial}` and its like; `?from=` begins at a later event. A browser gets the page for people.
pub async fn resolve(http: Asked, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let offered = [
        negotiate::JSON,
        negotiate::JSON_LD,
        LINKSET,
        app::HTML,
        TEXT,
    ];
    let form = negotiate::choose(&headers, &offered).unwrap_or(TEXT);
    if form == app::HTML {
        // The page asks for what it shows, and checks it.
        return Ok(http.app.page(&headers));
    }
    let path = uri.path();
    let id = Identifier::parse(&format!("https://id.gs1.org{path}"))
        .map_err(|error| Problem::new(Exception::Validation, error.to_string()))?;
    let from = from(&uri)?;
    let known = http
        .read(move |view| read(view, id.as_str().to_owned(), from))
        .await?;
    if known.item.is_none() {
        let detail = format!(
            "nothing is recorded for {} up to block {}; the proof says so",
            known.id, known.header.height
        );
        return Err(Problem::new(Exception::NoSuchResource, detail).with("proof", known.proof()));
    }
    Ok(match form {
        LINKSET => events::typed(LINKSET, known.linkset().to_string()),
        TEXT => events::typed("text/plain; charset=utf-8", known.text()),
        form => events::typed(form, known.json().to_string()),
    })
}

fn from(uri: &Uri) -> Result<u64, Problem> {
    let query = uri.query().unwrap_or_default();
    // Other attributes of a Digital Link are no part of the identity.
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let Some((_, value)) = pairs.find(|(name, _)| name == "from") else {
        return Ok(0);
    };
    value.parse().map_err(|_| {
        let detail = "from is the number of the first event wanted, counted from 0";
        Problem::new(Exception::QueryParameter, detail)
    })
}

fn read(view: &ProvenState<'_>, id: String, from: u64) -> Result<ItemAnswer, HttpFailure> {
    let request = wire::GetItemRequest {
        id: id.clone(),
        from,
        limit: 0,
    };
    let reply = log_page::item(view, &request)?;
    let record = reply.record.as_ref();
    let header = record.and_then(|r| r.header.as_ref());
    let header = header.map(|h| Header::decode(&h.header));
    let header = header.and_then(Result::ok);
    let header = header.ok_or_else(|| unproven("an answer without header"))?;
    let key = keys::item(&id);
    let item = record
        .and_then(|r| r.value.as_deref())
        .map(|value| decode_stored::<Item>(&key, value))
        .transpose()?;
    let events = reply.events.iter().map(|linked| {
        let entry = encoding::decode_exact(&linked.entry).map_err(unproven)?;
        Ok((entry, linked.event.clone()))
    });
    let events = events.collect::<Result<_, ServiceError>>()?;
    let about = match &item {
        Some(_) => trace::about(view, &id)?,
        None => wire::TracedItem::default(),
    };
    Ok(ItemAnswer {
        about,
        id,
        reply,
        header,
        item,
        events,
    })
}

impl ItemAnswer {
    fn count(&self) -> u64 {
        let link = self.item.as_ref().and_then(|i| i.link.as_ref());
        link.map_or(0, |link| link.count)
    }

    /// The number of the first event after this page, if there is one.
    fn next(&self) -> Option<u64> {
        let next = self.reply.from.saturating_add(self.events.len() as u64);
        (next < self.count()).then_some(next)
    }

    /// The innermost container that it is in.
    fn container(&self) -> Option<&str> {
        self.about.inside.first().map(String::as_str)
    }

    /// Where it stands in its life.
    fn state(&self) -> Option<&str> {
        Some(self.about.state.as_str()).filter(|state| !state.is_empty())
    }

    fn holder(&self) -> Option<&str> {
        Some(self.about.holder.as_str()).filter(|holder| !holder.is_empty())
    }

    fn path(&self) -> &str {
        self.id
            .strip_prefix("https://id.gs1.org")
            .unwrap_or_default()
    }

    fn proof(&self) -> Value {
        json!({
            "message": "touchstone.node.v1.ItemReply",
            "base64": STANDARD.encode(self.reply.encode_to_vec()),
        })
    }

    fn header(&self) -> Value {
        json!({
            "height": self.header.height,
            "blockId": hex::encode(self.header.id()),
            "chainId": hex::encode(self.header.chain_id),
            "time": time_text(self.header.time_ms),
        })
    }

    fn json(&self) -> Value {
        let mut context = context();
        if let Some(parts) = context.as_array_mut() {
            parts.push(json!({ "@vocab": "urn:touchstone:epcis:" }));
        }
        let events: Vec<Value> = self.events.iter().map(event).collect();
        let next = self
            .next()
            .map(|next| format!("{}?from={next}", self.path()));
        json!({
            "@context": context,
            "id": self.id,
            "count": self.count(),
            "from": self.reply.from,
            "next": next,
            "complete": self.reply.from == 0 && self.next().is_none(),
            "state": self.state(),
            "holder": self.holder(),
            "container": self.container(),
            "last": self.events.last().map(|(_, bytes)| last(bytes)),
            "header": self.header(),
            "events": events,
            "proof": self.proof(),
        })
    }

    /// RFC 9264, with the link types of GS1's web vocabulary.
    fn linkset(&self) -> Value {
        let epc = form_urlencoded::byte_serialize(self.id.as_bytes()).collect::<String>();
        json!({ "linkset": [{
            "anchor": self.id,
            "https://ref.gs1.org/voc/defaultLink": [
                { "href": self.path(), "type": negotiate::JSON, "title": "Record with its proof" }
            ],
            "https://ref.gs1.org/voc/epcis": [
                { "href": format!("/epcs/{epc}/events"), "type": negotiate::JSON_LD,
                  "title": "EPCIS events" }
            ],
        }]})
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}\n{} events, proven by block {} of {}\n",
            self.id,
            self.count(),
            self.header.height,
            time_text(self.header.time_ms)
        );
        if let Some(state) = self.state() {
            text.push_str(&format!("state: {state}\n"));
        }
        if let Some(holder) = self.holder() {
            text.push_str(&format!("held by {holder}\n"));
        }
        if let Some(container) = self.container() {
            text.push_str(&format!("packed in {container}\n"));
        }
        for (entry, bytes) in &self.events {
            let said = last(bytes);
            let word = |name: &str| {
                said.get(name)
                    .and_then(Value::as_str)
                    .unwrap_or("-")
                    .to_owned()
            };
            text.push_str(&format!(
                "{} {} {} at {} (recorded by {})\n",
                word("eventTime"),
                word("type"),
                word("bizStep"),
                word("readPoint"),
                entry.organisation
            ));
        }
        if let Some(next) = self.next() {
            text.push_str(&format!("more: {}?from={next}\n", self.path()));
        }
        text
    }
}

/// An entry with its event's exact bytes: their hash is in the entry.
fn event((entry, bytes): &(LinkEntry, Vec<u8>)) -> Value {
    let position = entry.position.unwrap_or_default();
    json!({
        "transaction": hex::encode(&entry.transaction_id),
        "organisation": entry.organisation,
        "height": position.height,
        "index": position.transaction,
        "event": position.event,
        "time": time_text(entry.time_ms),
        "sha256": hex::encode(&entry.content_hash),
        "source": String::from_utf8_lossy(bytes),
    })
}

/// The little that a person wants to know of an event.
fn last(bytes: &[u8]) -> Value {
    let Ok(event) = Event::parse(bytes) else {
        return Value::Null;
    };
    let time = u64::try_from(event.time_ms).map(time_text).ok();
    json!({
        "type": type_name(event.event_type),
        "eventTime": time,
        "bizStep": event.biz_step,
        "disposition": event.disposition,
        "readPoint": event.read_point.map(|p| p.as_str().to_owned()),
        "bizLocation": event.biz_location.map(|p| p.as_str().to_owned()),
    })
}
