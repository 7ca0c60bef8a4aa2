//! The channel to a node: encrypted where its address says https, what it may cost, and how long an answer
//! may take.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint, Uri};
use touchstone_proto::node::ledger_client::LedgerClient;

use crate::error::ClientError;

/// Largest answer that is read; a page of an item's events stays well below.
const MAX_ANSWER_BYTES: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(20);
const HTTPS_PORT: u16 = 443;

/// Files for https, in PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// Certificates that the node's must lead to; without it, the system's.
    pub roots: Option<PathBuf>,
    /// What a node for members asks for.
    pub identity: Option<ClientIdentity>,
}

/// By what a client shows who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientIdentity {
    /// Its certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Opens a channel, over https where the address says so.
pub async fn open(
    url: &str,
    timeout: Duration,
    files: &ClientTls,
) -> Result<LedgerClient<Channel>, ClientError> {
    let wrong = |reason: String| ClientError::Address {
        url: url.to_owned(),
        reason,
    };
    let is_encrypted = match url.split_once("://") {
        Some(("http", _)) => false,
        Some(("https", _)) => true,
        _ => return Err(wrong("it begins with neither http:// nor https://".into())),
    };
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| wrong(e.to_string()))?
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let connected = match is_encrypted {
        false => endpoint.connect().await,
        true => {
            let anonymous = Arc::new(Anonymous::default());
            let connector = Encrypted {
                connector: TlsConnector::from(Arc::new(tls(files, anonymous.clone())?)),
                anonymous,
            };
            endpoint.connect_with_connector(connector).await
        }
    };
    let channel = connected.map_err(|e| ClientError::NoConnection {
        url: url.to_owned(),
        cause: std::error::Error::source(&e).unwrap_or(&e).to_string(),
    })?;
    Ok(LedgerClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES))
}

/// What a node's certificate is held against.
fn tls(files: &ClientTls, anonymous: Arc<Anonymous>) -> Result<rustls::ClientConfig, ClientError> {
    let roots_file = files.roots.as_deref();
    let certificates = match roots_file {
        Some(path) => read_certificates(path).map_err(ClientError::Roots)?,
        // Some of the system's may be unreadable; the others count.
        None => rustls_native_certs::load_native_certs().certs,
    };
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        let place = roots_file.map_or("the system".into(), |p| p.display().to_string());
        let none = format!("{place} has none; name a PEM file that has the node's");
        return Err(ClientError::Roots(none));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| ClientError::Roots(e.to_string()))?
        .with_root_certificates(roots);
    let mut config = match &files.identity {
        None => config.with_client_cert_resolver(anonymous),
        Some(identity) => {
            let chain = read_certificates(&identity.certificate).map_err(ClientError::Identity)?;
            let bad = |e: &dyn std::fmt::Display| {
                ClientError::Identity(format!("{}: {e}", identity.key.display()))
            };
            let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|e| bad(&e))?;
            let fits = config.with_client_auth_cert(chain, key);
            fits.map_err(|e| bad(&e))?
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bad = |e| format!("{}: {e}", path.display());
    let read = CertificateDer::pem_file_iter(path).map_err(bad)?;
    read.collect::<Result<Vec<_>, _>>().map_err(bad)
}

/// A client that has no certificate, and whether it was asked for one: under TLS 1.3 the refusal comes only after the
/// handshake, without a reason.
#[derive(Debug, Default)]
struct Anonymous {
    was_asked: AtomicBool,
}

impl ResolvesClientCert for Anonymous {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Connects and shakes hands.
#[derive(Clone)]
struct Encrypted {
    connector: TlsConnector,
    anonymous: Arc<Anonymous>,
}

impl Service<Uri> for Encrypted {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = BoxFuture<'static, Result<Self::Response, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let (connector, anonymous) = (self.connector.clone(), self.anonymous.clone());
        Box::pin(async move {
            let host = address.host().unwrap_or_default();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let port = address.port_u16().unwrap_or(HTTPS_PORT);
            let stream = TcpStream::connect((host, port)).await?;
            stream.set_nodelay(true)?;
            let stream = connector.connect(name, stream).await?;
            if anonymous.was_asked.load(Ordering::Relaxed) {
                return Err(io::Error::other(
                    "it asks for a member's certificate; name yours, and its key",
                ));
            }
            match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => Ok(TokioIo::new(stream)),
                _ => Err(io::Error::other("it speaks no HTTP/2, as a node does")),
            }
        })
    }
}

/// One answer within the time allowed.
pub async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, ClientError> {
    match tokio::time::timeout(timeout, call).await {
        Ok(reply) => Ok(reply?.into_inner()),
        Err(_) => Err(ClientError::TooLate(timeout)),
    }
}
