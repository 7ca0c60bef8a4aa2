//! Named queries: defined once on this node, asked and subscribed to by their name.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use touchstone_core::Fault;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{Query, QueryParameters, declarations};

use super::events::{self, Segment, segment};
use super::failure::{HttpFailure, bad_query};
use super::question::Question;
use super::{Asked, negotiate, stream};
use crate::service::ProvenState;
use crate::storage::rocks::Defined;

/// Named queries of a node, at most.
const QUERIES: usize = 1000;
/// Bytes of a definition.
const DEFINITION_BYTES: usize = 64 << 10;
/// Bytes of a name.
const NAME_BYTES: usize = 64;

/// `POST /queries`
pub async fn define(http: Asked, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let form = negotiate::media_type(&headers);
    if !matches!(form, negotiate::JSON | negotiate::JSON_LD) {
        let detail = "a query is defined in application/json";
        return Err(Problem::new(Exception::UnsupportedMediaType, detail));
    }
    let bytes = to_bytes(body, DEFINITION_BYTES).await.map_err(|_| {
        let detail = format!("a definition has at most {DEFINITION_BYTES} bytes");
        Problem::new(Exception::CaptureLimitExceeded, detail)
    })?;
    let definition: Value = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("the definition isn't JSON: {error}")))?;
    let (name, query) = read_definition(&definition, &headers)?;
    let kept = json!({ "name": name, "query": query });
    let location = format!("/queries/{name}");
    let kept_text = kept.to_string();
    // What the header adds may lie too deep to be read again: here, where that would be damage, and by whoever lists
    // all queries.
    let read_again = serde_json::from_str::<Value>(&format!("[{kept_text}]"));
    read_again.map_err(|error| wrong(format!("the definition can't be kept: {error}")))?;
    let defined = http
        .read({
            let http = http.clone();
            move |_| {
                let defined = http.catalogue.define(&name, kept_text.as_bytes(), QUERIES);
                Ok(defined?)
            }
        })
        .await?;
    match defined {
        Defined::Yes => {
            let mut answer = events::typed(negotiate::JSON, kept.to_string());
            *answer.status_mut() = StatusCode::CREATED;
            if let Ok(location) = HeaderValue::try_from(location) {
                answer.headers_mut().insert(header::LOCATION, location);
            }
            Ok(answer)
        }
        Defined::Exists => Err(Problem::new(
            Exception::ResourceAlreadyExists,
            "there is a query of this name; delete it first, or choose another name",
        )),
        Defined::TooMany => Err(Problem::new(
            Exception::QueryTooComplex,
            format!("this node keeps {QUERIES} named queries, and has them; delete one first"),
        )),
    }
}

/// `GET /queries`
pub async fn list(http: Asked) -> Result<Response, Problem> {
    let known = http.read(|view| Ok(view.snapshot.named_queries()?)).await?;
    let known: Vec<String> = known
        .into_iter()
        .map(|(_, query)| String::from_utf8_lossy(&query).into_owned())
        .collect();
    Ok(events::typed(
        negotiate::JSON,
        format!("[{}]", known.join(",")),
    ))
}

/// `GET /queries/{queryName}`
pub async fn one(http: Asked, name: Segment) -> Result<Response, Problem> {
    let name = segment(name)?;
    let definition = http.read(move |view| definition(view, &name)).await?;
    Ok(events::typed(negotiate::JSON, definition.to_string()))
}

/// `DELETE /queries/{queryName}`
pub async fn forget(http: Asked, name: Segment) -> Result<Response, Problem> {
    let name = segment(name)?;
    http.read({
        let http = http.clone();
        move |_| match http.catalogue.forget(&name)? {
            true => Ok(()),
            false => Err(unknown(&name).into()),
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /queries/{queryName}/events`: a page, or with `stream=true` a subscription.
pub async fn events(
    http: Asked,
    name: Segment,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let name = segment(name)?;
    let own = Question::read(&uri, &HeaderMap::new(), QueryParameters::default())?;
    if !own.parameters.is_empty() {
        let detail = "a named query brings its own parameters; here are perPage, nextPageToken \
                      and stream";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    let parameters = http
        .read({
            let name = name.clone();
            move |view| parameters(view, &name)
        })
        .await?;
    let question = Question::read(&uri, &HeaderMap::new(), parameters)?;
    let after = stream::last_event(&headers)?;
    if question.stream {
        return stream::subscribe(http, &headers, &name, question, after);
    }
    let form = negotiate::events(&headers)?;
    events::page(&http, &uri, question, &name, form).await
}

/// The parameters of a named query.
pub fn parameters(view: &ProvenState<'_>, name: &str) -> Result<QueryParameters, HttpFailure> {
    let definition = definition(view, name)?;
    let query = definition.get("query").unwrap_or(&Value::Null);
    Ok(QueryParameters::from_json(query).map_err(bad_query)?)
}

fn definition(view: &ProvenState<'_>, name: &str) -> Result<Value, HttpFailure> {
    let known = view.snapshot.named_query(name)?;
    let known = known.ok_or_else(|| unknown(name))?;
    serde_json::from_slice(&known).map_err(|error| {
        let damage = format!("the named query {name:?}: {error}");
        HttpFailure::Service(Fault::Damaged(damage).into())
    })
}

/// The name of a definition, and its query, which holds. What the header `GS1-Extensions` declares
/// is kept in the query's own `@context`.
fn read_definition(definition: &Value, headers: &HeaderMap) -> Result<(String, Value), Problem> {
    let members = definition.as_object();
    let members = members.ok_or_else(|| wrong("a definition is an object"))?;
    if let Some(other) = members
        .keys()
        .find(|k| !matches!(k.as_str(), "name" | "query"))
    {
        return Err(wrong(format!(
            "a definition has name and query, and no {other:?}"
        )));
    }
    let name = members
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let short = (1..=NAME_BYTES).contains(&name.len());
    if !short || !name.bytes().all(fits) || name == events::SIMPLE {
        return Err(wrong(format!(
            "a query's name has 1 to {NAME_BYTES} letters, digits, '-' or '_', and isn't {}",
            events::SIMPLE
        )));
    }
    let mut query = members.get("query").unwrap_or(&Value::Null).clone();
    for header in headers.get_all("gs1-extensions") {
        let declared = declarations(header.to_str().unwrap_or_default());
        let declared = declared.map_err(bad_query)?;
        if let Some(members) = query.as_object_mut() {
            let own = members.shift_remove("@context");
            let terms = declared.into_iter().map(|(p, n)| (p, Value::from(n)));
            let terms = Value::Object(terms.collect());
            let context = match own {
                None => terms,
                Some(Value::Array(mut parts)) => {
                    parts.push(terms);
                    Value::Array(parts)
                }
                Some(one) => Value::from(vec![one, terms]),
            };
            members.insert("@context".to_owned(), context);
        }
    }
    let parameters = QueryParameters::from_json(&query).map_err(bad_query)?;
    Query::read(&parameters).map_err(bad_query)?;
    Ok((name.to_owned(), query))
}

fn unknown(name: &str) -> Problem {
    let detail = format!("no query is named {name:?}; GET /queries lists those that are");
    Problem::new(Exception::NoSuchName, detail)
}

fn wrong(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::Validation, detail)
}
