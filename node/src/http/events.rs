//! Events: all of them, one by its id, and those of a thing, a place, a step or a type.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::QueryParameters;

use super::negotiate::EventForm;
use super::question::Question;
use super::{Asked, document, event_search, negotiate};
use crate::service::ProvenState;

/// The name of the query that isn't named.
pub const SIMPLE: &str = "SimpleEventQuery";

/// A segment of the path, decoded.
pub type Segment = Result<Path<String>, PathRejection>;

/// A segment as text; it may hold no more than an identifier can.
pub fn segment(segment: Segment) -> Result<String, Problem> {
    let Path(text) = segment.map_err(|error| {
        let detail = format!("{error}; percent-encode UTF-8 in an address");
        Problem::new(Exception::Validation, detail)
    })?;
    Ok(text)
}

/// `GET /events`
pub async fn all(http: Asked, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    answer(&http, &headers, &uri, QueryParameters::default(), SIMPLE).await
}

/// `GET /events/{eventID}`: the event, and those that share its id.
pub async fn one(
    http: Asked,
    id: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let form = negotiate::events(&headers)?;
    let id = segment(id)?;
    if uri.query().is_some_and(|q| !q.is_empty()) {
        let detail = "an event by its id takes no parameters";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    let mut by_id = QueryParameters::default();
    by_id.add("EQ_eventID", vec![id.clone()]);
    let question = Question::read(&Uri::default(), &HeaderMap::new(), by_id)?;
    let text = http
        .read(move |view| {
            let page = event_search::page(view, &question)?;
            if page.events.is_empty() {
                let detail = format!("no event has the id {id:?} up to {}", height(view));
                return Err(Problem::new(Exception::NoSuchResource, detail).into());
            }
            Ok(render(view, SIMPLE, &page, form)?)
        })
        .await?;
    Ok(in_form(text, form))
}

/// `GET /eventTypes/{eventType}/events`
pub async fn of_type(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "eventType").await
}

/// `GET /epcs/{epc}/events`
pub async fn of_epc(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "MATCH_anyEPC").await
}

/// `GET /bizSteps/{bizStep}/events`
pub async fn of_biz_step(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "EQ_bizStep").await
}

/// `GET /bizLocations/{bizLocation}/events`
pub async fn of_biz_location(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "EQ_bizLocation").await
}

/// `GET /readPoints/{readPoint}/events`
pub async fn of_read_point(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "EQ_readPoint").await
}

/// `GET /dispositions/{disposition}/events`
pub async fn of_disposition(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    under(http, value, headers, uri, "EQ_disposition").await
}

/// Events under a value of the path, which stands for a parameter; the others come on top.
async fn under(
    http: Asked,
    value: Segment,
    headers: HeaderMap,
    uri: Uri,
    parameter: &str,
) -> Result<Response, Problem> {
    let value = segment(value)?;
    let mut fixed = QueryParameters::default();
    fixed.add(parameter, vec![value]);
    answer(&http, &headers, &uri, fixed, SIMPLE).await
}

/// A page of events, with the next one's address.
pub async fn answer(
    http: &Asked,
    headers: &HeaderMap,
    uri: &Uri,
    fixed: QueryParameters,
    name: &str,
) -> Result<Response, Problem> {
    let form = negotiate::events(headers)?;
    let question = Question::read(uri, headers, fixed)?;
    if question.stream {
        let detail = "only a named query can be subscribed to; define it with POST /queries";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    page(http, uri, question, name, form).await
}

/// Answers a question.
pub async fn page(
    http: &Asked,
    uri: &Uri,
    question: Question,
    name: &str,
    form: EventForm,
) -> Result<Response, Problem> {
    let query_name = name.to_owned();
    let (text, next) = http
        .read_long(move |view| {
            let page = event_search::page(view, &question)?;
            let text = render(view, &query_name, &page, form)?;
            Ok((text, page.next))
        })
        .await?;
    let mut answer = in_form(text, form);
    if let Some(token) = next {
        let link = format!("<{}>; rel=\"next\"", next_address(uri, &token));
        // An address that was read is one that can be written.
        if let Ok(link) = HeaderValue::try_from(link) {
            answer.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(answer)
}

/// The same address with another token.
pub fn next_address(uri: &Uri, token: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let others = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("nextPageToken="));
    let mut address = format!("{}?", uri.path());
    for pair in others {
        address.push_str(pair);
        address.push('&');
    }
    address + "nextPageToken=" + token
}

fn render(
    view: &ProvenState<'_>,
    name: &str,
    page: &event_search::EventPage,
    form: EventForm,
) -> Result<String, Problem> {
    let tip = view.snapshot.tip();
    let tip = (tip.height, tip.time_ms);
    document::query_document_as(form, name, &page.events, tip)
}

/// The answer, which tells how it writes identifiers, and in XML the standard's words.
fn in_form(text: String, form: EventForm) -> Response {
    let mut answer = typed(form.media_type, text);
    let mut tell = |name, value| {
        let (name, value) = (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        answer.headers_mut().insert(name, value);
    };
    tell("gs1-epc-format", form.epcs.name());
    if negotiate::is_xml(form.media_type) {
        let words = match form.cbv_urns {
            true => "Always_URN",
            false => "Always_Web_URI",
        };
        tell("gs1-cbv-xml-format", words);
    }
    answer
}

fn height(view: &ProvenState<'_>) -> String {
    format!("block {}", view.snapshot.tip().height)
}

/// A body of this form.
pub fn typed(form: &'static str, text: String) -> Response {
    let form = HeaderValue::from_static(form);
    ([(header::CONTENT_TYPE, form)], text).into_response()
}
