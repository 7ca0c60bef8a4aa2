//! A node's configuration file and the keys that it names.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use pkcs8::DecodePrivateKey;
use serde::Deserialize;
use thiserror::Error;
use touchstone_core::genesis::{BadGenesis, Genesis};

use crate::consensus::Settings;
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
    /// PKCS#8 PEM of the network identity.
    pub network_key: PathBuf,
    /// PKCS#8 PEM of the key that votes; none on a node that only follows.
    pub validator_key: Option<PathBuf>,
    /// Multiaddresses to listen on for peers.
    #[serde(default)]
    pub listen: Vec<Multiaddr>,
    /// Address of the gRPC service.
    pub rpc: SocketAddr,
    /// Address of EPCIS over HTTP; where there is none, it isn't served.
    pub http: Option<SocketAddr>,
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
    #[error(
        "{path} is not an Ed25519 key in PKCS#8 PEM, or its passphrase \
         (TOUCHSTONE_PASSPHRASE) is wrong: {error}"
    )]
    Key {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        error: pkcs8::Error,
    },
    /// The same key votes and identifies.
    #[error("network_key and validator_key must be different keys")]
    SameKey,
    /// The genesis document is wrong.
    #[error("{path}: {error}")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<BadGenesis>,
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
    /// The time-stamp authorities.
    pub timestamps: timestamps::Settings,
}

/// Reads a configuration file and all that it names.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
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
    config.validator_key = config.validator_key.map(|file| folder.join(file));
    let network_key = read_key(&config.network_key)?;
    let validator_key = config.validator_key.as_deref().map(read_key).transpose()?;
    if validator_key
        .as_ref()
        .is_some_and(|key| *key == network_key)
    {
        return Err(ConfigError::SameKey);
    }
    let genesis = Genesis::read(&read(&config.genesis)?).map_err(|error| ConfigError::Genesis {
        path: config.genesis.clone(),
        error: Box::new(error),
    })?;
    let timestamps = config.timestamps.load(folder)?;
    Ok(Loaded {
        config,
        genesis,
        network_key,
        validator_key,
        timestamps,
    })
}

impl Timing {
    /// The consensus settings: what is given, and the defaults.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
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

fn read_key(path: &Path) -> Result<SigningKey, ConfigError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let key = match std::env::var("TOUCHSTONE_PASSPHRASE") {
        Ok(passphrase) if text.contains("ENCRYPTED") => {
            SigningKey::from_pkcs8_encrypted_pem(&text, passphrase)
        }
        _ => SigningKey::from_pkcs8_pem(&text),
    };
    key.map_err(|error| ConfigError::Key {
        path: path.to_owned(),
        error,
    })
}
