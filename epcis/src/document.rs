//! Splitting a document into events that stand alone.
//!
//! Consensus-critical: no

use super::error::{EpcisError, EpcisRule, Path, excerpt};
use super::event::{self, Event, MAX_EVENT_DEPTH};
use super::fields;
use super::json::{self, JsonValue, Node};

/// The largest document, in bytes. Its events have their own, smaller limit.
pub const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Events lie in a query document below five levels: the document, its body, the results, their
/// body, the list.
pub(super) const MAX_DOCUMENT_DEPTH: usize = MAX_EVENT_DEPTH + 5;

/// The bytes of each event of an `EPCISDocument`, an `EPCISQueryDocument`, or a bare event, in
/// order. Every event given has passed [`Event::parse`]; paths in errors begin at the document.
///
/// * A bare event's bytes are the input, exactly, but for a byte order mark before it.
/// * An event in a document is written anew because it must carry the document's `@context` when
///   it stands alone: first `@context`, then its other fields in their order, without white space
///   between tokens. Names, strings and numbers are copied token by token, so `1.00` stays `1.00`
///   and an escape stays an escape. An event's own `@context` is appended to the document's,
///   which is the order in which JSON-LD 1.1 §4.1 applies them.
pub fn split_document(bytes: &[u8]) -> Result<Vec<Vec<u8>>, EpcisError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        };
        return Err(rule.at(&Path::Root));
    }
    let bytes = without_byte_order_mark(bytes);
    let document = json::read(bytes, MAX_DOCUMENT_DEPTH)?;
    let type_path = Path::Root.field("type");
    document.object(&Path::Root)?;
    let kind = child(&document, "type", &Path::Root)?.text(&type_path)?;
    if event::event_type(kind).is_some() {
        Event::parse(bytes)?;
        return Ok(vec![bytes.to_vec()]);
    }
    let body_path = Path::Root.field("epcisBody");
    match kind {
        "EPCISDocument" => {
            check_document(&document)?;
            let body = child(&document, "epcisBody", &Path::Root)?;
            events(&document, body, &body_path)
        }
        "EPCISQueryDocument" => {
            check_document(&document)?;
            let body = child(&document, "epcisBody", &Path::Root)?;
            fields::check_object(body, &[fields::QUERY_BODY], &body_path)?;
            let results_path = body_path.field("queryResults");
            let results = child(body, "queryResults", &body_path)?;
            fields::check_object(results, &[fields::QUERY_RESULTS], &results_path)?;
            let body = child(results, "resultsBody", &results_path)?;
            events(&document, body, &results_path.field("resultsBody"))
        }
        other => Err(EpcisRule::UnknownEventType(excerpt(other)).at(&type_path)),
    }
}

/// The bytes without the mark that some programs write before UTF-8 (RFC 8259 §8.1 lets a reader
/// pass over it).
pub(super) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// The names in the fields `ignoreFields`, of any namespace, of a document and of what is around its
/// events: extension fields of its events that a repository added to them.
pub(super) fn ignored_fields(bytes: &[u8]) -> Result<Vec<String>, EpcisError> {
    let document = json::read(without_byte_order_mark(bytes), MAX_DOCUMENT_DEPTH)?;
    let body = document.get("epcisBody");
    let results = body.and_then(|body| body.get("queryResults"));
    let results_body = results.and_then(|results| results.get("resultsBody"));
    let mut names = Vec::new();
    for node in [Some(&document), body, results, results_body] {
        let Some(JsonValue::Object(members)) = node.map(|node| &node.value) else {
            continue;
        };
        let lists = members
            .iter()
            .filter(|member| member.name.ends_with(":ignoreFields"))
            .filter_map(|member| member.value.list(&Path::Root).ok());
        let texts = lists
            .flatten()
            .filter_map(|name| name.text(&Path::Root).ok());
        names.extend(texts.map(str::to_owned));
    }
    Ok(names)
}

/// EPCIS 2.0 §10.2: what a document has around its events.
fn check_document(document: &Node<'_>) -> Result<(), EpcisError> {
    fields::check_envelope(document)?;
    let path = Path::Root.field("schemaVersion");
    let version = child(document, "schemaVersion", &Path::Root)?.text(&path)?;
    if version != "2.0" && !version.starts_with("2.0.") {
        return Err(EpcisRule::BadSchemaVersion(excerpt(version)).at(&path));
    }
    Ok(())
}

fn events(
    document: &Node<'_>,
    body: &Node<'_>,
    path: &Path<'_>,
) -> Result<Vec<Vec<u8>>, EpcisError> {
    fields::check_object(body, &[fields::EVENTS], path)?;
    let context = child(document, "@context", &Path::Root)?;
    let path = path.field("eventList");
    let list = body
        .get("eventList")
        .map(|list| list.list(&path))
        .transpose()?
        .unwrap_or_default();
    let mut events = Vec::with_capacity(list.len());
    for (index, node) in list.iter().enumerate() {
        let path = path.index(index);
        let event = stand_alone(node, context, &path)?.into_bytes();
        Event::parse(&event).map_err(|error| below(error, &path))?;
        events.push(event);
    }
    Ok(events)
}

/// The event as minimal JSON with the context that it has in its document.
fn stand_alone(
    event: &Node<'_>,
    context: &Node<'_>,
    path: &Path<'_>,
) -> Result<String, EpcisError> {
    let mut out = String::with_capacity(context.source.len() + event.source.len());
    out.push_str("{\"@context\":");
    match event.get("@context") {
        None => json::write_minimal(context.source, &mut out),
        Some(own) => {
            out.push('[');
            for (index, source) in contexts(context).chain(contexts(own)).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json::write_minimal(source, &mut out);
            }
            out.push(']');
        }
    }
    for member in event
        .object(path)?
        .iter()
        .filter(|member| member.name != "@context")
    {
        out.push(',');
        out.push_str(member.name_source);
        out.push(':');
        json::write_minimal(member.value.source, &mut out);
    }
    out.push('}');
    Ok(out)
}

/// The sources of a context's parts.
fn contexts<'a>(context: &'a Node<'a>) -> impl Iterator<Item = &'a str> {
    let (list, one) = match &context.value {
        JsonValue::List(nodes) => (nodes.as_slice(), None),
        _ => (&[][..], Some(context)),
    };
    list.iter().chain(one).map(|node| node.source)
}

fn child<'a, 'b>(
    node: &'a Node<'b>,
    field: &'static str,
    path: &Path<'_>,
) -> Result<&'a Node<'b>, EpcisError> {
    node.get(field)
        .ok_or_else(|| EpcisRule::MissingField(field).at(&path.field(field)))
}

/// An event's error with its path from the document's root.
fn below(error: EpcisError, path: &Path<'_>) -> EpcisError {
    let inner = error.path.strip_prefix('$').unwrap_or(&error.path);
    EpcisError {
        path: format!("{path}{inner}"),
        rule: error.rule,
    }
}

#[cfg(test)]
mod tests;
