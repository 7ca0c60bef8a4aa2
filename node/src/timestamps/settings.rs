//! The authorities as the configuration file names them, read and checked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use serde::Deserialize;
use thiserror::Error;
use touchstone_core::proof::checkpoint::MAX_AUTHORITY_BYTES;

use super::http::{BadUrl, Endpoint, Url};
use super::schedule::Schedule;

/// Certificates by which the host of an `https` URL is known, where the file names none.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
/// How long an authority may take, where the file doesn't say.
const TIMEOUT_MS: u64 = 20_000;
/// Certificates in the file of an authority's roots, at most.
const MAX_ROOTS: usize = 32;

/// The section `[timestamps]` as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamps {
    /// So many blocks without a stamp make a checkpoint due.
    pub every_blocks: Option<u64>,
    /// A transaction that has waited so long, milliseconds.
    pub every_ms: Option<u64>,
    /// Between two requests to one authority, milliseconds.
    pub pause_ms: Option<u64>,
    /// The authorities.
    #[serde(default)]
    pub authority: Vec<WrittenAuthority>,
}

/// One `[[timestamps.authority]]` as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenAuthority {
    /// Where it answers: http or https.
    pub url: String,
    /// Its name in evidence files; the URL if there is none.
    pub name: Option<String>,
    /// PEM of the roots, one of which its tokens must lead to.
    pub roots: PathBuf,
    /// The policy under which its tokens must be, an object identifier; any, if there is none.
    pub policy: Option<String>,
    /// How long an answer may take, milliseconds.
    pub timeout_ms: Option<u64>,
    /// PEM of the roots by which the host of an https URL is known; the system's if there is none.
    pub tls_roots: Option<PathBuf>,
}

/// When and whom to ask.
#[derive(Clone, Default)]
pub struct TimestampSettings {
    /// When.
    pub schedule: Schedule,
    /// Whom.
    pub authorities: Vec<Authority>,
}

/// One authority.
#[derive(Clone)]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// Where it answers.
    pub endpoint: Endpoint,
    /// DER of the roots that its tokens must lead to.
    pub roots: Vec<Vec<u8>>,
    /// The policy under which its tokens must be.
    pub policy: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Why the section can't be used.
#[derive(Debug, Error)]
pub enum BadSettings {
    /// A number that must be at least 1.
    #[error("timestamps.{0} must be at least 1")]
    Zero(&'static str),
    /// The URL.
    #[error("the time-stamp authority's url {url:?}: {error}")]
    Url {
        /// As written.
        url: String,
        /// What is wrong.
        error: BadUrl,
    },
    /// The name.
    #[error("{0:?} is no name for a time-stamp authority: 1 to 512 bytes, no control characters")]
    Name(String),
    /// Two of one name.
    #[error("two time-stamp authorities are named {0:?}; give each a name of its own")]
    SameName(String),
    /// The policy.
    #[error("policy {0:?} is no object identifier, such as \"1.3.6.1.4.1.13762.3\"")]
    Policy(String),
    /// Certificates.
    #[error("{path} holds no certificates in PEM: {error}")]
    Certificates {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        error: pem::Error,
    },
    /// More roots than can be tried.
    #[error("{path} holds {found} certificates; name at most {MAX_ROOTS}, those of this authority")]
    TooManyRoots {
        /// The file.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// Certificates for an encrypted connection.
    #[error("{path} can't be used to know an https host: {error}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: rustls::Error,
    },
}

impl Timestamps {
    /// Reads what the section names; relative paths are relative to `folder`.
    pub fn load(&self, folder: &Path) -> Result<TimestampSettings, BadSettings> {
        let usual = Schedule::default();
        let schedule = Schedule {
            every_blocks: at_least_one("every_blocks", self.every_blocks, usual.every_blocks)?,
            every_ms: at_least_one("every_ms", self.every_ms, usual.every_ms)?,
            pause_ms: at_least_one("pause_ms", self.pause_ms, usual.pause_ms)?,
        };
        let mut names = BTreeSet::new();
        let mut authorities = Vec::new();
        for written in &self.authority {
            let authority = written.load(folder)?;
            if !names.insert(authority.name.clone()) {
                return Err(BadSettings::SameName(authority.name));
            }
            authorities.push(authority);
        }
        Ok(TimestampSettings {
            schedule,
            authorities,
        })
    }
}

impl WrittenAuthority {
    fn load(&self, folder: &Path) -> Result<Authority, BadSettings> {
        let name = self.name.clone().unwrap_or_else(|| self.url.clone());
        let is_name =
            (1..=MAX_AUTHORITY_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
        if !is_name {
            return Err(BadSettings::Name(name));
        }
        if let Some(policy) = self.policy.as_ref().filter(|policy| !is_object_id(policy)) {
            return Err(BadSettings::Policy(policy.clone()));
        }
        let url = Url::parse(&self.url).map_err(|error| BadSettings::Url {
            url: self.url.clone(),
            error,
        })?;
        let tls = match (url.is_encrypted(), &self.tls_roots) {
            (false, _) => None,
            (true, Some(path)) => Some(client_settings(&folder.join(path))?),
            (true, None) => Some(client_settings(Path::new(SYSTEM_ROOTS))?),
        };
        let path = folder.join(&self.roots);
        let roots = certificates(&path)?;
        if roots.len() > MAX_ROOTS {
            let found = roots.len();
            return Err(BadSettings::TooManyRoots { path, found });
        }
        Ok(Authority {
            name,
            endpoint: Endpoint::new(url, tls),
            roots: roots.iter().map(|der| der.to_vec()).collect(),
            policy: self.policy.clone(),
            timeout: Duration::from_millis(at_least_one(
                "authority.timeout_ms",
                self.timeout_ms,
                TIMEOUT_MS,
            )?),
        })
    }
}

/// Numbers with dots between them.
fn is_object_id(text: &str) -> bool {
    let mut numbers = text.split('.');
    numbers.clone().count() >= 2
        && numbers.all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn at_least_one(name: &'static str, written: Option<u64>, usual: u64) -> Result<u64, BadSettings> {
    match written.unwrap_or(usual) {
        0 => Err(BadSettings::Zero(name)),
        number => Ok(number),
    }
}

/// The certificates in a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BadSettings> {
    let bad = |error| BadSettings::Certificates {
        path: path.to_owned(),
        error,
    };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(bad)?.collect();
    let found = found.map_err(bad)?;
    if found.is_empty() {
        return Err(bad(pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// TLS that knows hosts by the roots in a file. What it protects is only that nobody on the way
/// sees or stops the exchange: a token is judged by its own signature.
fn client_settings(path: &Path) -> Result<Arc<rustls::ClientConfig>, BadSettings> {
    let bad = |error| BadSettings::Tls {
        path: path.to_owned(),
        error,
    };
    let mut roots = rustls::RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        let none = rustls::Error::General("none of its certificates is a root".into());
        return Err(bad(none));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(bad)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}
