//! Addresses that are asked over HTTP, and connections to them, by rustls where they say https. An address is taken
//! as it stands: no redirect is followed, and no user's name, no fragment and no other scheme is read into it.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::failure::Failure;

/// The roots by which https hosts are known.
#[derive(Clone)]
pub struct Roots(Arc<rustls::ClientConfig>);

impl Roots {
    /// Reads them from PEM.
    pub fn read(path: &Path) -> Result<Roots, Failure> {
        let wrong = |why: String| Failure::Usage(format!("{}: {why}", path.display()));
        let mut store = rustls::RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(path).map_err(|e| wrong(e.to_string()))?;
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
        let config = config.with_root_certificates(store).with_no_client_auth();
        Ok(Roots(Arc::new(config)))
    }
}

/// A connection, encrypted or not.
pub trait HttpStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> HttpStream for T {}

/// An address over HTTP.
pub struct HttpAddress {
    /// Host and port as the header `Host` has them.
    pub authority: String,
    /// Path and query.
    pub target: String,
    host: String,
    port: u16,
    tls: Option<(ServerName<'static>, Roots)>,
}

/// Why a text is no address here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// It can't be read, or holds what an address here doesn't.
    Form(&'static str),
    /// It says https, and nothing is trusted for that.
    NoRoots,
}

impl HttpAddress {
    /// Reads `http://HOST:PORT/PATH` or `https://HOST/PATH`.
    pub fn read(url: &str, roots: Option<&Roots>) -> Result<HttpAddress, BadAddress> {
        let form = BadAddress::Form;
        if url.contains('#') {
            return Err(form("it has a fragment, which isn't sent"));
        }
        let parsed: hyper::Uri = url.parse().map_err(|_| form("no address"))?;
        let authority = parsed.authority().ok_or(form("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(form("it names a user, which isn't sent"));
        }
        let host = authority.host().trim_matches(['[', ']']);
        let host = host.to_ascii_lowercase();
        if host.is_empty() {
            return Err(form("it names no host"));
        }
        let (standard, tls) = match (parsed.scheme_str(), roots) {
            (Some("http"), _) => (80, None),
            (Some("https"), None) => return Err(BadAddress::NoRoots),
            (Some("https"), Some(roots)) => {
                let server = ServerName::try_from(host.clone());
                let server = server.map_err(|_| form("its host can't be in a certificate"))?;
                (443, Some((server, roots.clone())))
            }
            _ => return Err(form("write http://HOST:PORT/PATH or https://HOST/PATH")),
        };
        // What isn't a port isn't passed over: another one would be asked.
        let port = match authority.as_str().get(authority.host().len()..) {
            None | Some("") => standard,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|port| *port > 0)
                .ok_or(form("its port isn't a number from 1 to 65535"))?,
        };
        let target = parsed.path_and_query().map_or("/", |path| path.as_str());
        Ok(HttpAddress {
            authority: authority.as_str().to_owned(),
            target: target.to_owned(),
            host,
            port,
            tls,
        })
    }

    /// Whether both are of one server: scheme, host and port.
    pub fn is_same_origin(&self, other: &HttpAddress) -> bool {
        let origin = |address: &HttpAddress| address.tls.is_some();
        (origin(self), &self.host, self.port) == (origin(other), &other.host, other.port)
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Box<dyn HttpStream>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|e| e.to_string())?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((server, roots)) => {
                let connector = TlsConnector::from(roots.0.clone());
                let stream = connector.connect(server.clone(), stream).await;
                Ok(Box::new(stream.map_err(|e| e.to_string())?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: &str = "its port isn't a number from 1 to 65535";

    #[test]
    fn an_address_is_read_as_it_stands() {
        let address = HttpAddress::read("http://ERP.example:8080/a?b=c", None).unwrap();
        let read = (&*address.authority, &*address.target, &*address.host);
        assert_eq!(read, ("ERP.example:8080", "/a?b=c", "erp.example"));
        assert_eq!(address.port, 8080);
        let whole = HttpAddress::read("http://[::1]", None).unwrap();
        assert_eq!((&*whole.host, whole.port, &*whole.target), ("::1", 80, "/"));
        for (url, why) in [
            ("http://a@erp.example/", "it names a user, which isn't sent"),
            (
                "http://erp.example@evil.example/",
                "it names a user, which isn't sent",
            ),
            (
                "http://erp.example/#x",
                "it has a fragment, which isn't sent",
            ),
            (
                "ftp://erp.example/",
                "write http://HOST:PORT/PATH or https://HOST/PATH",
            ),
            ("file:///etc/passwd", "no address"),
            ("/told", "it names no host"),
            (
                "erp.example",
                "write http://HOST:PORT/PATH or https://HOST/PATH",
            ),
            ("http://", "no address"),
            ("http://:80/", "it names no host"),
            ("http://erp.example:99999/", PORT),
            ("http://erp.example:0/", PORT),
            ("http://erp.example:/", PORT),
            ("http://erp.example/a b", "no address"),
            ("http://erp.example/\r\nX: y", "no address"),
        ] {
            match HttpAddress::read(url, None) {
                Err(BadAddress::Form(found)) => assert_eq!(found, why, "{url}"),
                other => panic!("{url}: {:?}", other.err()),
            }
        }
        let https = HttpAddress::read("https://erp.example/", None);
        assert_eq!(https.err(), Some(BadAddress::NoRoots));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let read = |url| HttpAddress::read(url, None).unwrap();
        let own = read("http://erp.example");
        assert!(own.is_same_origin(&read("http://ERP.example:80/told")));
        for other in [
            "http://erp.example:81",
            "http://erp.example./",
            "http://erp.example.evil/",
            "http://evil.example/erp.example",
            "http://127.0.0.1/",
        ] {
            assert!(!own.is_same_origin(&read(other)), "{other}");
        }
    }
}
