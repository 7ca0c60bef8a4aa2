//! A node's configuration file and the keys that it names.

mod keys;
mod ports;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::Deserialize;
use thiserror::Error;
use touchstone_core::genesis::{BadGenesis, Genesis};
use touchstone_edge::http::access::Access;

pub use self::ports::{ClientLimits, PublicPorts, TlsFiles};
use crate::consensus::ConsensusSettings;
use crate::http::app::{MemberNode, is_origin};
use crate::network::Multiaddr;
use crate::timestamps::settings::{self as timestamps, BadSettings, Timestamps};

/// The file as written (TOML). Relative paths are relative to the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The genesis document.
    pub genesis: PathBuf,
    /// Folder of the database, the write-ahead log and the double-sign guard.
    pub data: PathBuf,
    /// Folder of the socket for administration; `admin` in the data folder, if it isn't named.
    pub admin: Option<PathBuf>,
    /// PKCS#8 PEM of the network identity.
    pub network_key: PathBuf,
    /// PKCS#8 PEM of the key that votes; none on a node that only follows.
    pub validator_key: Option<PathBuf>,
    /// PKCS#8 PEM of the key that is to take the place of `validator_key` (`touchstone validators rotate`): the node
    /// votes with it from the height at which it does.
    pub next_validator_key: Option<PathBuf>,
    /// Start with a `validator_key` that is no validator's yet.
    #[serde(default)]
    pub validator_candidate: bool,
    /// Multiaddresses to listen on for peers.
    #[serde(default)]
    pub listen: Vec<Multiaddr>,
    /// Address of the gRPC service.
    pub rpc: SocketAddr,
    /// Address of EPCIS over HTTP; where there is none, it isn't served.
    pub http: Option<SocketAddr>,
    /// Serve clear text on addresses other than this machine's own, where something before the node encrypts.
    #[serde(default)]
    pub clear_text: bool,
    /// Answer strangers at `rpc` and `http` all that members are answered.
    #[serde(default)]
    pub open: bool,
    /// Ports for everybody.
    #[serde(default)]
    pub public: PublicPorts,
    /// Encryption of both services.
    pub tls: Option<TlsFiles>,
    /// Names of the HTTP interface besides its addresses.
    #[serde(default)]
    pub http_hosts: Vec<String>,
    /// Origins of web pages that may ask the HTTP interface.
    #[serde(default)]
    pub http_origins: Vec<String>,
    /// Other members' nodes, which the page for people asks too.
    #[serde(default)]
    pub http_members: Vec<MemberNode>,
    /// Where the page for people has openings of labels recorded, such as `https://openings.example.org`: a gateway's
    /// `--openings`.
    pub openings: Option<String>,
    /// Count scans of things by rough place and hour, so that copies show: off where it isn't said.
    #[serde(default)]
    pub scans: bool,
    /// File with the token that writers of the HTTP interface must have.
    pub http_token: Option<PathBuf>,
    /// How many clients at once.
    #[serde(default)]
    pub limits: ClientLimits,
    /// Consensus timing.
    #[serde(default)]
    pub consensus: Timing,
    /// Time-stamp authorities, and when they are asked.
    #[serde(default)]
    pub timestamps: Timestamps,
}

/// Timing that each operator may choose; all in milliseconds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// A block without transactions at least this often.
    pub heartbeat_ms: Option<u64>,
    /// How long the first transaction of a block waits for others.
    pub batching_delay_ms: Option<u64>,
    /// How long to wait for a proposal.
    pub propose_ms: Option<u64>,
    /// How long to wait for stragglers' prevotes.
    pub prevote_ms: Option<u64>,
    /// How long to wait for stragglers' precommits.
    pub precommit_ms: Option<u64>,
}

/// Why a configuration can't be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("cannot read {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// Not TOML of this shape.
    #[error("{path}: {error}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What and where.
        error: Box<toml::de::Error>,
    },
    /// Not a key.
    #[error("{path} is not an Ed25519 key in PKCS#8 PEM, or its passphrase is wrong: {error}")]
    Key {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        error: pkcs8::Error,
    },
    /// The same key votes and identifies.
    #[error("network_key, validator_key and next_validator_key must be different keys")]
    SameKey,
    /// A next key without the one before.
    #[error(
        "next_validator_key is to take the place of validator_key, which isn't named: name that too, or this one as \
         validator_key"
    )]
    NextAlone,
    /// A key that others may read.
    #[error(
        "{path} may be read by others (mode {mode:o}): `chmod 600 {path}`, and replace the key if this machine has \
         other users"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// An encrypted key without its passphrase.
    #[error(
        "{path} is encrypted: give its passphrase in {file}, at a prompt (`run` in a terminal), as systemd's \
         credential `{credential}`, or in TOUCHSTONE_PASSPHRASE"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Where the passphrase may stand.
        file: String,
        /// The credential's name.
        credential: &'static str,
    },
    /// A service would send clear text to other machines.
    #[error(
        "{what} = \"{address}\" would serve clear text to other machines: give [tls], listen on 127.0.0.1, or say \
         clear_text = true if something before this node encrypts"
    )]
    ClearText {
        /// The setting.
        what: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// A port for members would answer strangers.
    #[error(
        "{what} = \"{address}\" would answer strangers all that members are answered: name the roots of members' \
         certificates ([tls] client_roots), listen on 127.0.0.1 and give strangers a port under [public], or say \
         open = true"
    )]
    OpenToStrangers {
        /// The setting.
        what: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The genesis document is wrong.
    #[error("{path}: {error}")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<BadGenesis>,
    },
    /// A member's address that isn't an origin.
    #[error("http_members: {url:?} isn't scheme and host alone, such as https://node.example.org")]
    BadMember {
        /// The address.
        url: String,
    },
    /// The address for openings isn't an origin.
    #[error("openings = {url:?} isn't scheme and host alone, such as https://openings.example.org")]
    BadOpenings {
        /// The address.
        url: String,
    },
    /// An empty token keeps nobody out.
    #[error("{path} is empty: write the token that writers over HTTP must have into it")]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// The time-stamp authorities.
    #[error(transparent)]
    Timestamps(#[from] BadSettings),
}

/// A configuration with what it names, read and checked.
pub struct Loaded {
    /// The file's settings, paths made absolute.
    pub config: Config,
    /// The genesis.
    pub genesis: Genesis,
    /// The network identity.
    pub network_key: SigningKey,
    /// The voting key.
    pub validator_key: Option<SigningKey>,
    /// The one that is to take its place.
    pub next_validator_key: Option<SigningKey>,
    /// The time-stamp authorities.
    pub timestamps: timestamps::TimestampSettings,
    /// Who may ask and write over HTTP.
    pub access: Access,
}

impl Config {
    /// Folder of the socket for administration.
    pub fn admin_folder(&self) -> PathBuf {
        let named = self.admin.clone();
        named.unwrap_or_else(|| self.data.join("admin"))
    }
}

/// Reads a configuration file; its paths are made absolute, and what they name isn't read.
pub fn read_file(path: &Path) -> Result<Config, ConfigError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let mut config: Config = toml::from_str(&text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        error: Box::new(error),
    })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for file in [
        &mut config.genesis,
        &mut config.data,
        &mut config.network_key,
    ] {
        *file = folder.join(&*file);
    }
    for file in [
        &mut config.admin,
        &mut config.validator_key,
        &mut config.next_validator_key,
        &mut config.http_token,
    ] {
        *file = file.take().map(|file| folder.join(file));
    }
    if let Some(tls) = &mut config.tls {
        for file in [&mut tls.certificate, &mut tls.key] {
            *file = folder.join(&*file);
        }
        tls.client_roots = tls.client_roots.take().map(|file| folder.join(file));
    }
    Ok(config)
}

/// Reads a configuration file and all that it names.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let config = read_file(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    if let Some(tls) = &config.tls {
        check_private(&tls.key)?;
    }
    ports::check(&config)?;
    if let Some(member) = config.http_members.iter().find(|one| !is_origin(&one.url)) {
        let url = member.url.clone();
        return Err(ConfigError::BadMember { url });
    }
    if let Some(url) = config.openings.clone().filter(|url| !is_origin(url)) {
        return Err(ConfigError::BadOpenings { url });
    }
    let network_key = keys::read_key(&config.network_key, "touchstone-network-passphrase")?;
    let [validator_key, next_validator_key] = [
        (&config.validator_key, "touchstone-validator-passphrase"),
        (
            &config.next_validator_key,
            "touchstone-next-validator-passphrase",
        ),
    ]
    .map(|(file, credential)| {
        let file = file.as_deref();
        file.map(|file| keys::read_key(file, credential))
            .transpose()
    });
    let (validator_key, next_validator_key) = (validator_key?, next_validator_key?);
    let access = access(&config)?;
    check_keys(
        &network_key,
        validator_key.as_ref(),
        next_validator_key.as_ref(),
    )?;
    let genesis = read_genesis(&config)?;
    let timestamps = config.timestamps.load(folder)?;
    Ok(Loaded {
        config,
        genesis,
        network_key,
        validator_key,
        next_validator_key,
        timestamps,
        access,
    })
}

/// A key has one purpose, and a next one something that it follows.
fn check_keys(
    network: &SigningKey,
    validator: Option<&SigningKey>,
    next: Option<&SigningKey>,
) -> Result<(), ConfigError> {
    if next.is_some() && validator.is_none() {
        return Err(ConfigError::NextAlone);
    }
    let is_same = validator == Some(network) || next == Some(network);
    match is_same || next.is_some() && next == validator {
        true => Err(ConfigError::SameKey),
        false => Ok(()),
    }
}

/// Reads the genesis document that a configuration names.
pub fn read_genesis(config: &Config) -> Result<Genesis, ConfigError> {
    Genesis::read(&read(&config.genesis)?).map_err(|error| ConfigError::Genesis {
        path: config.genesis.clone(),
        error: Box::new(error),
    })
}

fn access(config: &Config) -> Result<Access, ConfigError> {
    let access = Access::new(config.http_hosts.clone(), config.http_origins.clone());
    let Some(file) = &config.http_token else {
        return Ok(access);
    };
    check_private(file)?;
    let token = String::from_utf8_lossy(&read(file)?).into_owned();
    match token.trim().is_empty() {
        true => Err(ConfigError::NoToken { path: file.clone() }),
        false => Ok(access.with_token(&token)),
    }
}

/// Refuses a secret that other users of this machine may read.
fn check_private(path: &Path) -> Result<(), ConfigError> {
    let metadata = std::fs::metadata(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(ConfigError::Exposed {
            path: path.to_owned(),
            mode,
        }),
    }
}

impl Timing {
    /// The consensus settings: what is given, and the defaults.
    pub fn settings(&self) -> ConsensusSettings {
        let mut settings = ConsensusSettings::default();
        let given = [
            (self.heartbeat_ms, &mut settings.heartbeat_ms),
            (self.batching_delay_ms, &mut settings.batching_delay_ms),
            (self.propose_ms, &mut settings.propose_ms),
            (self.prevote_ms, &mut settings.prevote_ms),
            (self.precommit_ms, &mut settings.precommit_ms),
        ];
        for (value, place) in given {
            if let Some(value) = value {
                *place = value;
            }
        }
        settings
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests;
