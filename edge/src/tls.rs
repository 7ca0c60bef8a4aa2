//! TLS by rustls: a chain of certificates and a key in PEM, and where asked certificates of clients. The files
//! are read again when they change, without a restart; files that can't be used leave the old ones in force.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::protocol::Protocol;

/// The files of a port's encryption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Roots of clients' certificates; where there are any, a client must have one.
    pub client_roots: Option<PathBuf>,
}

/// Why a port can't be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// A key that others may read.
    #[error(
        "{path} may be read by others (mode {mode:o}): chmod 600 {path}, and replace the key if this machine has other \
         users"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file holds no PEM of what it should.
    #[error("{path} holds no {what} in PEM")]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// Certificate and key don't fit, or can't be used.
    #[error("{path} and its key can't be used: {error}")]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// What rustls says.
        error: String,
    },
}

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// A port's encryption.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    protocol: Protocol,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    written: Vec<Option<SystemTime>>,
    looked: Instant,
}

impl Tls {
    /// Reads the files.
    pub fn load(files: Files, protocol: Protocol) -> Result<Arc<Tls>, TlsError> {
        let written = written(&files);
        let config = config(&files, protocol)?;
        Ok(Arc::new(Tls {
            files,
            protocol,
            current: Mutex::new(Current {
                config,
                written,
                looked: Instant::now(),
            }),
        }))
    }

    /// Accepts with the certificate that is in force now.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.lock().config.clone())
    }

    /// Reads the files again if they have changed.
    pub fn reload_if_changed(&self, now: Instant) {
        let mut current = self.lock();
        if now.saturating_duration_since(current.looked) < LOOK {
            return;
        }
        current.looked = now;
        let written = written(&self.files);
        if written == current.written {
            return;
        }
        match config(&self.files, self.protocol) {
            Ok(config) => {
                current.config = config;
                let file = self.files.certificate.display();
                tracing::info!(%file, "the TLS certificate was read again");
            }
            Err(error) => {
                tracing::error!(%error, "the changed TLS files can't be used; the old ones stay in force");
            }
        }
        current.written = written;
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        // What is in force is whole between any two statements.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn written(files: &Files) -> Vec<Option<SystemTime>> {
    let paths = [
        Some(&files.certificate),
        Some(&files.key),
        files.client_roots.as_ref(),
    ];
    let times = paths.into_iter().flatten().map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        metadata.modified().ok()
    });
    times.collect()
}

fn config(files: &Files, protocol: Protocol) -> Result<Arc<ServerConfig>, TlsError> {
    let unusable = |error: &dyn std::fmt::Display| TlsError::Unusable {
        path: files.certificate.clone(),
        error: error.to_string(),
    };
    check_private(&files.key)?;
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?).map_err(|_| TlsError::Empty {
        path: files.key.clone(),
        what: "private key",
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?;
    let builder = match &files.client_roots {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).map_err(|error| unusable(&error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| unusable(&error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&error))?;
    config.alpn_protocols = match protocol {
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 => vec![b"h2".to_vec()],
    };
    Ok(Arc::new(config))
}

/// Refuses a key that other users of this machine may read, also where it comes in place of one in force.
fn check_private(path: &Path) -> Result<(), TlsError> {
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(path).map_err(|error| TlsError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(TlsError::Exposed { path, mode });
        }
    }
    Ok(())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(TlsError::Empty {
            path: path.to_owned(),
            what: "certificate",
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests;
