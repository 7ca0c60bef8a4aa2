//! What the ledger proves, in the words of `touchstone --json`: the gateway asks as the command line
//! does, checks every answer, and gives nothing on a node's word alone.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use touchstone_edge::http::{Exception, Problem, negotiate};

use super::{Http, Shared, as_json, failed, listed, parameters, required};

const PDF: &str = "application/pdf";

/// `GET /recall?id=…&depth=…&limit=…`
pub async fn recall(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [id, depth, limit] = parameters(&uri, ["id", "depth", "limit"])?;
    let words = walk("recall", id, depth, limit, None)?;
    one(&shared, words).await
}

/// `GET /trace?id=…&direction=forward|backward&depth=…&limit=…`
pub async fn trace(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [id, direction, depth, limit] = parameters(&uri, ["id", "direction", "depth", "limit"])?;
    let backward = match direction.as_deref() {
        None | Some("forward") => None,
        Some("backward") => Some("--backward"),
        Some(_) => {
            let detail = "direction is forward or backward";
            return Err(Problem::new(Exception::QueryParameter, detail));
        }
    };
    let words = walk("trace", id, depth, limit, backward)?;
    one(&shared, words).await
}

fn walk(
    verb: &str,
    id: Option<String>,
    depth: Option<String>,
    limit: Option<String>,
    flag: Option<&str>,
) -> Result<Vec<String>, Problem> {
    let id = required(id, "id")?;
    let mut words = vec![verb.to_owned()];
    words.extend(flag.map(str::to_owned));
    words.extend(depth.map(|depth| format!("--depth={depth}")));
    words.extend(limit.map(|limit| format!("--limit={limit}")));
    words.extend(["--".to_owned(), id]);
    Ok(words)
}

/// `GET /items?id=…`
pub async fn item(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [id] = parameters(&uri, ["id"])?;
    let words = ["item".to_owned(), "--".to_owned(), required(id, "id")?];
    one(&shared, words.into()).await
}

/// `GET /products?product=…`
pub async fn product(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [product] = parameters(&uri, ["product"])?;
    let product = required(product, "product")?;
    let words = ["product", "show", "--", &product].map(str::to_owned);
    one(&shared, words.into()).await
}

/// `GET /organisations`
pub async fn organisations(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [] = parameters(&uri, [])?;
    let answer = ask(&shared, vec!["organisations".to_owned()]).await?;
    Ok(listed(answer))
}

/// `GET /handovers?of=ID`: the open offers, of this organisation if none is named.
pub async fn handovers(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let [of] = parameters(&uri, ["of"])?;
    let of = of.unwrap_or_else(|| shared.signer.organisation.clone());
    let words = vec![
        "handover".to_owned(),
        "list".to_owned(),
        format!("--of={of}"),
    ];
    Ok(listed(ask(&shared, words).await?))
}

/// `GET /designs/{id}/certificate`: as JSON, or as a PDF.
pub async fn certificate(
    State(shared): Http,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = uri.path().rsplit('/').nth(1).unwrap_or_default().to_owned();
    // Anything else could name a file of this machine.
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        let detail = "a design's id has 64 hexadecimal digits";
        return Err(Problem::new(Exception::NoSuchResource, detail));
    }
    let form = negotiate::choose(&headers, &[negotiate::JSON, PDF]).ok_or_else(|| {
        let detail = "a certificate is given as application/json or application/pdf";
        Problem::new(Exception::NotAcceptable, detail)
    })?;
    let receipts = format!("--receipts={}", shared.receipts.display());
    let mut words = vec!["certificate".to_owned(), receipts];
    if form != PDF {
        words.push(id);
        return one(&shared, words).await;
    }
    let path = shared.jobs.scratch("pdf");
    words.push(format!("--out={}", path.display()));
    words.push("--force".to_owned());
    words.push(id);
    ask(&shared, words).await?;
    let pdf = std::fs::read(&path).map_err(|error| {
        Problem::new(
            Exception::Implementation,
            format!("the PDF can't be read: {error}"),
        )
    })?;
    // What stays is cleared away at the next start.
    let _ = std::fs::remove_file(&path);
    let form = HeaderValue::from_static(PDF);
    Ok(([(header::CONTENT_TYPE, form)], pdf).into_response())
}

/// `GET /healthz`: this gateway takes documents; and how its node was last seen.
pub async fn health(State(shared): Http) -> Response {
    as_json(StatusCode::OK, state(&shared).to_string())
}

/// `GET /readyz`: the node gives proven answers too.
pub async fn readiness(State(shared): Http) -> Response {
    let status = match shared.health.is_reachable() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    as_json(status, state(&shared).to_string())
}

fn state(shared: &Shared) -> Value {
    json!({
        "status": if shared.health.is_reachable() { "pass" } else { "warn" },
        "organisation": shared.signer.organisation,
        "node": shared.health.describe(),
        "jobs": { "waiting": shared.jobs.waiting() },
    })
}

async fn one(shared: &Shared, words: Vec<String>) -> Result<Response, Problem> {
    let mut values = ask(shared, words).await?;
    match (values.pop(), values.is_empty()) {
        (Some(value), true) => Ok(as_json(StatusCode::OK, value.to_string())),
        (Some(last), false) => {
            values.push(last);
            Ok(listed(values))
        }
        (None, _) => {
            let detail = "the question has no answer";
            Err(Problem::new(Exception::Implementation, detail))
        }
    }
}

async fn ask(shared: &Shared, words: Vec<String>) -> Result<Vec<Value>, Problem> {
    let asked = shared.questions.ask(words).await;
    asked.map_err(|failure| failed(&failure))
}
