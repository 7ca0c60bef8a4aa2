//! Questions that the gateway hands on to its node's HTTP interface, so that an ERP has one address for capture and
//! queries. Nothing of the answer is checked: it is the node's word, and a header says so. What is proven has
//! addresses of its own here.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use touchstone_edge::http::{Exception, Problem};

use super::webhooks::address::{BadAddress, HttpAddress, Roots};
use crate::failure::Failure;

/// How long the node may take to begin its answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a named query, as the node gives it.
const DEFINITION_BYTES: usize = 128 << 10;
/// Bytes of a query's name, as nodes have them.
const NAME_BYTES: usize = 64;

/// Headers of a question that the node is asked with.
const ASKED: [HeaderName; 8] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("gs1-extensions"),
    HeaderName::from_static("gs1-epc-format"),
    HeaderName::from_static("gs1-cbv-xml-format"),
    HeaderName::from_static("gs1-epcis-min"),
    HeaderName::from_static("gs1-epcis-max"),
];
/// Headers of an answer that the client gets, besides those of GS1.
const TOLD: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::CACHE_CONTROL,
    header::ALLOW,
];
/// Whose word an answer is.
const WORD: HeaderName = HeaderName::from_static("touchstone-word");

/// The node's HTTP interface.
pub struct QueryNode {
    address: HttpAddress,
    token: Option<HeaderValue>,
}

impl QueryNode {
    /// Reads an address without a path, such as `http://127.0.0.1:26660`; `token` is what the node asks writers for.
    pub fn read(
        url: &str,
        roots: Option<&Roots>,
        token: Option<&str>,
    ) -> Result<QueryNode, Failure> {
        let wrong = |why: &str| Failure::Usage(format!("--queries {url:?}: {why}"));
        let address = HttpAddress::read(url, roots).map_err(|bad| match bad {
            BadAddress::Form(why) => wrong(why),
            BadAddress::NoRoots => {
                wrong("https needs --tls-roots FILE, the roots that the node is known by")
            }
        })?;
        if address.target != "/" {
            return Err(wrong("name the node alone, without a path"));
        }
        let token = token.map(|token| HeaderValue::try_from(format!("Bearer {}", token.trim())));
        let token = token.transpose();
        Ok(QueryNode {
            address,
            token: token.map_err(|_| wrong("its token can't be sent in a header"))?,
        })
    }

    /// Hands a question on. `target` is the path and query that the client asked for.
    pub async fn relay(
        &self,
        method: Method,
        target: &str,
        asked: &HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, Problem> {
        let answer = self.ask(method, target, asked, body).await?;
        let (parts, body) = answer.into_parts();
        let mut told = Response::new(Body::new(body));
        *told.status_mut() = parts.status;
        for (name, value) in &parts.headers {
            if TOLD.contains(name) || name.as_str().starts_with("gs1-") {
                told.headers_mut().append(name, value.clone());
            }
        }
        told.headers_mut()
            .insert(WORD, HeaderValue::from_static("node"));
        Ok(told)
    }

    /// The parameters of a named query, as the node has them.
    pub async fn definition(&self, name: &str) -> Result<Value, Problem> {
        let unknown = || {
            let detail = format!("no query is named {name:?}; GET /queries lists those that are");
            Problem::new(Exception::NoSuchName, detail)
        };
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=NAME_BYTES).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(unknown());
        }
        let target = format!("/queries/{name}");
        let headers = HeaderMap::new();
        let answer = self.ask(Method::GET, &target, &headers, Vec::new()).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(unknown()),
            status => return Err(away(&format!("it answers {status}"))),
        }
        let body = Limited::new(answer.into_body(), DEFINITION_BYTES).collect();
        let body = tokio::time::timeout(TIMEOUT, body).await;
        let body = body.map_err(|_| away("its answer doesn't come"))?;
        let body = body.map_err(|e| away(&e.to_string()))?.to_bytes();
        let mut definition: Value = serde_json::from_slice(&body)
            .map_err(|error| away(&format!("its answer is no JSON: {error}")))?;
        match definition.get_mut("query").map(Value::take) {
            Some(query) if query.is_object() => Ok(query),
            _ => Err(away("its answer is no named query")),
        }
    }

    async fn ask(
        &self,
        method: Method,
        target: &str,
        asked: &HeaderMap,
        body: Vec<u8>,
    ) -> Result<hyper::Response<Incoming>, Problem> {
        let is_read = matches!(method, Method::GET | Method::HEAD);
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.address.authority)
            .header(header::CONNECTION, "close");
        for name in ASKED {
            for value in asked.get_all(&name) {
                request = request.header(&name, value);
            }
        }
        if let (Some(token), false) = (&self.token, is_read) {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| Problem::new(Exception::Validation, e.to_string()))?;
        let exchange = async {
            let stream = self.address.connect().await?;
            let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
            let (mut sender, connection) = handshake.map_err(|e| e.to_string())?;
            // It ends with its one answer, or when nobody reads that any more.
            let driving = tokio::spawn(connection);
            let answer = sender.send_request(request).await;
            tokio::spawn(async move {
                let _ = driving.await;
                drop(sender);
            });
            answer.map_err(|e| e.to_string())
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(away(&why)),
            Err(_) => Err(away("no answer in time")),
        }
    }
}

fn away(why: &str) -> Problem {
    let detail = format!("the node gives no answer over HTTP: {why}; try again later");
    Problem::new(Exception::Overloaded, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_its_address_alone() {
        let failure = |url| QueryNode::read(url, None, None).err();
        assert!(failure("http://127.0.0.1:26660").is_none());
        for url in [
            "http://127.0.0.1:26660/events",
            "https://127.0.0.1:26660",
            "http://a@127.0.0.1",
            "127.0.0.1:26660",
        ] {
            let failure = failure(url).unwrap_or_else(|| panic!("{url}"));
            assert!(failure.to_string().starts_with("--queries"), "{failure}");
        }
        let token = QueryNode::read("http://127.0.0.1:26660", None, Some("a\nb"));
        assert!(token.is_err());
    }
}
