//! Posting a notice to an address. Only the answer's status is read; a redirect is an answer that isn't 2xx.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;

use super::address::{BadAddress, HttpAddress, HttpStream, Roots};
use crate::failure::Failure;

/// How long an address may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where notices go.
pub struct WebhookAddress {
    /// As it was written.
    pub url: String,
    address: HttpAddress,
}

/// What is posted: its own headers come beside those of every notice.
pub struct Posting {
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

/// Why an address wasn't told.
#[derive(Debug)]
pub enum NotTold {
    /// It says that it wants nothing more (410).
    Gone,
    /// Anything else, which may pass.
    Failed(String),
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTold::Gone => f.write_str("the address answers 410 Gone"),
            NotTold::Failed(why) => f.write_str(why),
        }
    }
}

impl WebhookAddress {
    /// Reads an address; `roots` is PEM of the roots by which https hosts are known.
    pub fn read(url: &str, roots: Option<&Path>) -> Result<WebhookAddress, Failure> {
        let roots = roots.map(Roots::read).transpose()?;
        let address = HttpAddress::read(url, roots.as_ref()).map_err(|bad| {
            let why = match bad {
                BadAddress::Form(why) => why,
                BadAddress::NoRoots => {
                    "https needs --webhook-roots FILE, the roots that the host is known by"
                }
            };
            Failure::Usage(format!("--webhook {url:?}: {why}"))
        })?;
        Ok(WebhookAddress {
            url: url.to_owned(),
            address,
        })
    }

    /// Posts a notice; it is taken where the answer is 2xx.
    pub async fn post(&self, posting: Posting) -> Result<(), NotTold> {
        post(&self.address, posting).await
    }
}

/// Posts to an address; what is posted is taken where the answer is 2xx.
pub async fn post(address: &HttpAddress, posting: Posting) -> Result<(), NotTold> {
    let mut request = Request::post(&address.target)
        .header("host", &address.authority)
        .header("content-type", "application/json")
        .header(
            "user-agent",
            concat!("touchstone-gateway/", env!("CARGO_PKG_VERSION")),
        );
    for (name, value) in posting.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Full::new(Bytes::from(posting.body)))
        .map_err(|e| NotTold::Failed(e.to_string()))?;
    let exchange = async {
        let stream = address.connect().await.map_err(NotTold::Failed)?;
        send(stream, request).await
    };
    match tokio::time::timeout(TIMEOUT, exchange).await {
        Ok(sent) => sent,
        Err(_) => {
            let why = format!("no answer within {} s", TIMEOUT.as_secs());
            Err(NotTold::Failed(why))
        }
    }
}

async fn send(stream: Box<dyn HttpStream>, request: Request<Full<Bytes>>) -> Result<(), NotTold> {
    let failed = |e: hyper::Error| NotTold::Failed(e.to_string());
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(failed)?;
    let answer = sender.send_request(request);
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    let answered = tokio::select! {
        answered = &mut answer => answered,
        // What ended it, the answer says too.
        _ = &mut connection => answer.await,
    };
    match answered.map_err(failed)?.status() {
        status if status.is_success() => Ok(()),
        StatusCode::GONE => Err(NotTold::Gone),
        status => Err(NotTold::Failed(format!("the address answers {status}"))),
    }
}
