//! One HTTP request to an authority: POST a query, read a bounded answer (RFC 3161, section 3.4).
//! No redirect is followed and no connection outlives its exchange.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Bytes of an answer, at most: a token with a chain of certificates has some 10 000.
pub const MAX_ANSWER_BYTES: usize = touchstone_core::timestamp::MAX_RESPONSE_BYTES;
/// Bytes of an answer's head.
const MAX_HEAD_BYTES: usize = 16 << 10;

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// A URL that can be posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    host: String,
    port: u16,
    /// Host and port as the URL has them.
    authority: String,
    /// Path and query.
    target: String,
    /// Whom an encrypted connection must lead to.
    server: Option<ServerName<'static>>,
}

/// Where an authority answers.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// Why a URL can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadUrl {
    /// Not a URL.
    #[error("it is no URL: {0}")]
    Syntax(String),
    /// Neither http nor https.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// Without a host, or with a user's name in it.
    #[error("it must name a host, and nothing but a host and a port before the path")]
    Host,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// No connection.
    #[error("no connection: {0}")]
    Connect(io::Error),
    /// No encrypted connection.
    #[error("no TLS connection: {0}")]
    Tls(io::Error),
    /// Not HTTP, or cut off.
    #[error("the HTTP exchange failed: {0}")]
    Exchange(hyper::Error),
    /// An answer that is none.
    #[error("it answered with HTTP status {0}")]
    Status(StatusCode),
    /// Something else than a time stamp.
    #[error("it answered with content of type {0:?}, not {REPLY}")]
    ContentType(String),
    /// More than a time stamp.
    #[error("its answer has more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    /// The body was cut off.
    #[error("its answer was cut off")]
    CutOff,
    /// Too late.
    #[error("no answer within {} ms", .0.as_millis())]
    TooLate(Duration),
}

impl Url {
    /// Reads an http or https URL.
    pub fn parse(url: &str) -> Result<Url, BadUrl> {
        let uri: Uri = url
            .parse()
            .map_err(|e: hyper::http::uri::InvalidUri| BadUrl::Syntax(e.to_string()))?;
        let encrypted = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(BadUrl::Scheme),
        };
        let authority = uri.authority().ok_or(BadUrl::Host)?;
        if authority.host().is_empty() || authority.as_str().contains('@') {
            return Err(BadUrl::Host);
        }
        // An IPv6 address stands in brackets in a URL only.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| BadUrl::Host)?;
        let target = uri.path_and_query().map(ToString::to_string);
        Ok(Url {
            host,
            port: authority
                .port_u16()
                .unwrap_or(if encrypted { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            target: target.unwrap_or_else(|| "/".to_owned()),
            server: encrypted.then_some(name),
        })
    }

    /// Whether it is https.
    pub fn is_encrypted(&self) -> bool {
        self.server.is_some()
    }
}

impl Endpoint {
    /// Where the URL points; `tls` knows the hosts of https URLs.
    pub fn new(url: Url, tls: Option<Arc<rustls::ClientConfig>>) -> Endpoint {
        Endpoint { url, tls }
    }

    /// Posts a query; the answer's body. All of it takes no longer than `timeout`.
    pub async fn post(&self, query: Vec<u8>, timeout: Duration) -> Result<Vec<u8>, HttpError> {
        let exchange = async {
            let address = (self.url.host.as_str(), self.url.port);
            let stream = TcpStream::connect(address).await;
            let stream = stream.map_err(HttpError::Connect)?;
            match (&self.url.server, &self.tls) {
                (None, _) => self.exchange(stream, query).await,
                (Some(server), Some(tls)) => {
                    let connector = TlsConnector::from(tls.clone());
                    let stream = connector.connect(server.clone(), stream).await;
                    self.exchange(stream.map_err(HttpError::Tls)?, query).await
                }
                (Some(_), None) => Err(HttpError::Tls(io::Error::other("no host is trusted"))),
            }
        };
        tokio::time::timeout(timeout, exchange)
            .await
            .map_err(|_| HttpError::TooLate(timeout))?
    }

    async fn exchange<S>(&self, stream: S, query: Vec<u8>) -> Result<Vec<u8>, HttpError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(HttpError::Exchange)?;
        let request = Request::post(&self.url.target)
            .header(HOST, &self.url.authority)
            .header(CONTENT_TYPE, QUERY)
            .header(ACCEPT, REPLY)
            .header(
                USER_AGENT,
                concat!("touchstone-node/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::new(Bytes::from(query)))
            .map_err(|e| HttpError::Connect(io::Error::other(e)))?;
        let answer = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(HttpError::Exchange)?;
            read(response).await
        };
        drive(answer, connection).await
    }
}

/// The answer's body, if it is what was asked for.
async fn read(response: Response<Incoming>) -> Result<Vec<u8>, HttpError> {
    if response.status() != StatusCode::OK {
        return Err(HttpError::Status(response.status()));
    }
    let found = response.headers().get(CONTENT_TYPE);
    let found = String::from_utf8_lossy(found.map_or(b"", |v| v.as_bytes())).into_owned();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(REPLY) {
        return Err(HttpError::ContentType(found));
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    match body.collect().await {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge),
        Err(_) => Err(HttpError::CutOff),
    }
}

/// Runs the connection as long as the answer needs it.
async fn drive<T, E>(
    answer: impl Future<Output = T>,
    connection: impl Future<Output = Result<(), E>>,
) -> T {
    let mut answer = pin!(answer);
    let mut connection = pin!(connection);
    tokio::select! {
        answer = &mut answer => return answer,
        // What ended it, the answer says too.
        _ = &mut connection => {}
    }
    answer.await
}
