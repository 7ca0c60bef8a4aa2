//! Subscriptions: the events of a named query as they are committed, as server-sent events (HTML
//! §9.2). Each carries its place as its id, so that a client that was cut off goes on after it.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use touchstone_edge::http::{Exception, Problem};

use super::event_search::{self, Found};
use super::negotiate::EpcFormat;
use super::question::Question;
use super::{Asked, document, negotiate};
use crate::service::limits::StreamPermit;
use crate::storage::rocks::EventPlace;

const EVENT_STREAM: &str = "text/event-stream";
/// A comment this often tells both sides that the other is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A reader that takes nothing for so long loses its place.
const SLOW_READER: Duration = Duration::from_secs(60);

type Pieces = mpsc::Sender<Result<Bytes, std::convert::Infallible>>;

/// The event that `Last-Event-ID` names.
pub fn last_event(headers: &HeaderMap) -> Result<Option<EventPlace>, Problem> {
    let Some(id) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let place = id.to_str().ok().and_then(read_id);
    place.map(Some).ok_or_else(|| {
        let detail = "Last-Event-ID is the id of an event of this stream, such as 12-0-3";
        Problem::new(Exception::Validation, detail)
    })
}

/// Begins a subscription after an event, or with the next block.
pub fn subscribe(
    http: Asked,
    headers: &HeaderMap,
    name: &str,
    question: Question,
    after: Option<EventPlace>,
) -> Result<Response, Problem> {
    if !negotiate::names(headers, EVENT_STREAM) {
        let detail = "a subscription is given as text/event-stream, which Accept must name";
        return Err(Problem::new(Exception::NotAcceptable, detail));
    }
    let format = negotiate::epc_format(headers);
    let permit = http.streams.take(http.client)?;
    let (pieces, stream) = mpsc::channel(1);
    let name = name.to_owned();
    tokio::spawn(async move {
        let answer = (name.as_str(), format);
        tokio::select! {
            () = pieces.closed() => {}
            () = permit.displaced() => {}
            () = follow(http, answer, question, after, &pieces, &permit) => {}
        }
    });
    let form = HeaderValue::from_static(EVENT_STREAM);
    let no_cache = HeaderValue::from_static("no-cache");
    let body = Body::from_stream(ReceiverStream::new(stream));
    let headers = [
        (header::CONTENT_TYPE, form),
        (header::CACHE_CONTROL, no_cache),
    ];
    Ok((headers, body).into_response())
}

/// Sends what fits, block after block, until the reader has gone or the node stops. Nothing is read
/// before its reader has room for it.
async fn follow(
    http: Asked,
    (name, format): (&str, EpcFormat),
    question: Question,
    after: Option<EventPlace>,
    pieces: &Pieces,
    permit: &StreamPermit,
) {
    let mut progress = http.service.parts.progress.clone();
    let mut next = match after {
        Some(after) => after.height,
        None => progress.borrow_and_update().height.saturating_add(1),
    };
    // So that the client knows at once that it is heard.
    if !send(pieces, ": subscribed\n\n".into()).await {
        return;
    }
    loop {
        let waited = tokio::select! {
            waited = progress.wait_for(|p| p.height >= next) => Some(waited.is_ok()),
            () = tokio::time::sleep(KEEP_ALIVE) => None,
        };
        match waited {
            Some(true) => {}
            Some(false) => return,
            None => {
                if !send(pieces, ": here\n\n".into()).await {
                    return;
                }
                continue;
            }
        }
        let query = question.query.clone();
        let height = next;
        let read = http.read_long(move |view| {
            let found = event_search::in_block(view, &query, height)?;
            Ok((found, view.snapshot.tip()))
        });
        let Ok((found, tip)) = read.await else {
            return;
        };
        if !found.is_empty() {
            permit.spoke();
        }
        for event in found {
            if after.is_none_or(|after| event.place > after)
                && !send(
                    pieces,
                    piece(name, event, (tip.height, tip.time_ms), format),
                )
                .await
            {
                return;
            }
        }
        next = next.saturating_add(1);
    }
}

async fn send(pieces: &Pieces, text: String) -> bool {
    let sent = pieces.send(Ok(Bytes::from(text)));
    matches!(tokio::time::timeout(SLOW_READER, sent).await, Ok(Ok(())))
}

/// One event as a query document on one line.
fn piece(name: &str, event: Found, tip: (u64, u64), format: EpcFormat) -> String {
    let place = event.place;
    let document = document::query_document(name, &[event], tip, format);
    // In JSON, a line's end stands between tokens only.
    let line = document.replace(['\n', '\r'], " ");
    format!(
        "id: {}-{}-{}\nevent: epcis\ndata: {line}\n\n",
        place.height, place.transaction, place.event
    )
}

fn read_id(text: &str) -> Option<EventPlace> {
    let mut parts = text.splitn(3, '-');
    Some(EventPlace {
        height: parts.next()?.parse().ok()?,
        transaction: parts.next()?.parse().ok()?,
        event: parts.next()?.parse().ok()?,
    })
}
