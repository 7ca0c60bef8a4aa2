//! Posting a notice to an address.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;

/// How long an address may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where notices go.
pub struct WebhookAddress {
    /// As it was written.
    pub url: String,
    host: String,
    port: u16,
    target: String,
    tls: Option<(ServerName<'static>, Arc<rustls::ClientConfig>)>,
}

impl WebhookAddress {
    /// Reads an address; `roots` is PEM of the roots by which https hosts are known.
    pub fn read(url: &str, roots: Option<&Path>) -> Result<WebhookAddress, Failure> {
        let wrong = |why: &str| Failure::Usage(format!("--webhook {url:?}: {why}"));
        let parsed: hyper::Uri = url.parse().map_err(|_| wrong("no address"))?;
        let host = parsed
            .host()
            .ok_or_else(|| wrong("it names no host"))?
            .to_owned();
        let name = host.trim_matches(['[', ']']).to_owned();
        let encrypted = match parsed.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("write http://HOST:PORT/PATH or https://HOST/PATH")),
        };
        let tls = match (encrypted, roots) {
            (false, _) => None,
            (true, None) => {
                return Err(wrong(
                    "https needs --webhook-roots FILE, the roots that the host is known by",
                ));
            }
            (true, Some(roots)) => {
                let server = ServerName::try_from(name.clone());
                let server = server.map_err(|_| wrong("its host can't be in a certificate"))?;
                Some((server, Arc::new(trusting(roots)?)))
            }
        };
        let target = parsed
            .path_and_query()
            .map_or("/", |p| p.as_str())
            .to_owned();
        Ok(WebhookAddress {
            url: url.to_owned(),
            host: name,
            port: parsed
                .port_u16()
                .unwrap_or(if encrypted { 443 } else { 80 }),
            target,
            tls,
        })
    }

    /// Posts a notice; it is taken where the answer is 2xx.
    pub async fn post(
        &self,
        id: &str,
        seconds: u64,
        signature: &str,
        body: String,
    ) -> Result<(), String> {
        let request = Request::post(&self.target)
            .header("host", format!("{}:{}", self.host, self.port))
            .header("content-type", "application/json")
            .header(
                "user-agent",
                concat!("touchstone-gateway/", env!("CARGO_PKG_VERSION")),
            )
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| e.to_string())?;
        let exchange = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
            let stream = stream.map_err(|e| e.to_string())?;
            match &self.tls {
                None => send(stream, request).await,
                Some((server, config)) => {
                    let connector = TlsConnector::from(config.clone());
                    let stream = connector.connect(server.clone(), stream).await;
                    send(stream.map_err(|e| e.to_string())?, request).await
                }
            }
        };
        match tokio::time::timeout(TIMEOUT, exchange).await {
            Ok(sent) => sent,
            Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
        }
    }
}

fn trusting(roots: &Path) -> Result<rustls::ClientConfig, Failure> {
    let wrong = |why: String| Failure::Usage(format!("{}: {why}", roots.display()));
    let mut store = rustls::RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(roots).map_err(|e| wrong(e.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
        store.add(certificate).map_err(|e| wrong(e.to_string()))?;
    }
    if store.is_empty() {
        return Err(wrong("no certificate".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<(), String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|e| e.to_string())?;
    let answer = sender.send_request(request);
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(answer);
    let answered = tokio::select! {
        answered = &mut answer => answered,
        // What ended it, the answer says too.
        _ = &mut connection => answer.await,
    };
    let status = answered.map_err(|e| e.to_string())?.status();
    match status.is_success() {
        true => Ok(()),
        false => Err(format!("the address answers {status}")),
    }
}
