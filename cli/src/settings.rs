//! Where the node is, which genesis document is trusted and who signs: from the command line,
//! else the environment, else `touchstone.toml`, else a default.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use serde::Deserialize;
use touchstone_client::{AsOf, Cache, Client, ClientIdentity, ClientTls, Signer};
use touchstone_core::block::Header;
use touchstone_core::genesis::Genesis;

use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::messages::Language;

/// The node asked where none is named.
pub const DEFAULT_NODE: &str = "http://127.0.0.1:26650";
/// The settings file in a folder.
const FILE_NAME: &str = "touchstone.toml";

/// Options of every verb.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalOptions {
    /// The node to ask, by http:// or https:// [default: http://127.0.0.1:26650]
    #[arg(long, global = true, env = "TOUCHSTONE_NODE", value_name = "URL")]
    pub node: Option<String>,
    /// Certificates in PEM that an https node's must lead to [default: the system's]
    #[arg(long, global = true, env = "TOUCHSTONE_TLS_ROOTS", value_name = "FILE")]
    pub tls_roots: Option<PathBuf>,
    /// Your certificate in PEM, for an https node that serves members alone
    #[arg(
        long,
        global = true,
        env = "TOUCHSTONE_TLS_CERTIFICATE",
        value_name = "FILE"
    )]
    pub tls_certificate: Option<PathBuf>,
    /// Its key in PEM, not encrypted
    #[arg(long, global = true, env = "TOUCHSTONE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The genesis document: the only root of trust
    #[arg(long, global = true, env = "TOUCHSTONE_GENESIS", value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Settings file [default: touchstone.toml here, or in $XDG_CONFIG_HOME/touchstone/config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Seconds to wait for an answer
    #[arg(long, global = true, default_value_t = 30, value_name = "SECONDS")]
    pub timeout: u64,
    /// Warn where an answer is older than so many seconds
    #[arg(long, global = true, default_value_t = 300, value_name = "SECONDS")]
    pub max_age: u64,
    /// Where changes of the validators and the newest proven block are remembered [default: $XDG_CACHE_HOME/touchstone]
    #[arg(long, global = true, env = "TOUCHSTONE_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of what is printed [default: that of LC_ALL, LC_MESSAGES or LANG]
    #[arg(long, global = true, env = "TOUCHSTONE_LANG", value_name = "LANG")]
    pub lang: Option<Language>,
}

impl GlobalOptions {
    /// The language that is asked for, else the environment's.
    pub fn language(&self) -> Language {
        self.lang.unwrap_or_else(Language::of_environment)
    }
}

/// Options of the verbs that sign.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Signing {
    /// The signing key (PKCS#8 PEM; see `touchstone key new`)
    #[arg(long, env = "TOUCHSTONE_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Id of the organisation that acts
    #[arg(long, env = "TOUCHSTONE_ORGANISATION", value_name = "ID")]
    pub organisation: Option<String>,
    /// How the key is unlocked
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// The settings file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    node: Option<String>,
    tls_roots: Option<PathBuf>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    genesis: Option<PathBuf>,
    key: Option<PathBuf>,
    organisation: Option<String>,
}

/// What holds for this run.
#[derive(Clone, Debug)]
pub struct Settings {
    node: String,
    tls: ClientTls,
    genesis: Option<PathBuf>,
    /// Only the settings file that lies in this folder names the document.
    is_genesis_of_folder: bool,
    key: Option<PathBuf>,
    organisation: Option<String>,
    timeout: Duration,
    cache: Option<PathBuf>,
    as_of: AsOf,
}

impl Settings {
    /// Reads the settings file, if any, under what the command line says.
    pub fn load(options: &GlobalOptions) -> Result<Settings, Failure> {
        Settings::load_in(Path::new(""), options)
    }

    /// The same in a folder.
    fn load_in(folder: &Path, options: &GlobalOptions) -> Result<Settings, Failure> {
        let of_folder = folder.join(FILE_NAME);
        let (path, is_of_folder) = match &options.config {
            Some(path) => (Some(path.clone()), false),
            None if of_folder.is_file() => (Some(of_folder), true),
            None => (users_file().filter(|path| path.is_file()), false),
        };
        let file = path.as_deref().map(read_file).transpose()?;
        let file = file.unwrap_or_default();
        let certificate = options.tls_certificate.clone().or(file.tls_certificate);
        let key = options.tls_key.clone().or(file.tls_key);
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                keyfile::check_private(&key)?;
                Some(ClientIdentity { certificate, key })
            }
            _ => {
                return Err(Failure::Usage(
                    "--tls-certificate and --tls-key belong together: name both or neither".into(),
                ));
            }
        };
        Ok(Settings {
            node: options
                .node
                .clone()
                .or(file.node)
                .unwrap_or_else(|| DEFAULT_NODE.to_owned()),
            tls: ClientTls {
                roots: options.tls_roots.clone().or(file.tls_roots),
                identity,
            },
            is_genesis_of_folder: is_of_folder && options.genesis.is_none(),
            genesis: options.genesis.clone().or(file.genesis),
            key: file.key,
            organisation: file.organisation,
            timeout: Duration::from_secs(options.timeout.clamp(1, 86_400)),
            cache: options
                .cache
                .clone()
                .or_else(|| user_folder("XDG_CACHE_HOME", ".cache")),
            as_of: AsOf::default(),
        })
    }

    /// The node's URL.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Certificates that an https node's must lead to, where some are named.
    pub fn tls_roots(&self) -> Option<&Path> {
        self.tls.roots.as_deref()
    }

    /// How long an answer may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Where it is remembered what was proven.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// Whether this block, or a later one, is remembered for later runs.
    pub fn remembers(&self, header: &Header) -> bool {
        let cache = self.cache.as_ref();
        let newest = cache.and_then(|folder| Cache::of(folder, &header.chain_id).read_newest());
        let newest = newest.and_then(|certified| Header::decode(&certified.header).ok());
        newest.is_some_and(|newest| newest.height >= header.height)
    }

    /// As of which blocks the clients' answers are.
    pub fn as_of(&self) -> &AsOf {
        &self.as_of
    }

    /// The genesis document by which a file from somebody else is examined. `None`: the examiner named none. One that
    /// only a settings file in this folder names doesn't count: a folder that holds a file to examine may be its
    /// sender's work as a whole.
    pub fn examiners_genesis(&self) -> Result<Option<Genesis>, Failure> {
        match self.genesis.is_some() && !self.is_genesis_of_folder {
            true => self.genesis().map(Some),
            false => Ok(None),
        }
    }

    /// The same for an examination that needs one.
    pub fn required_genesis(&self) -> Result<Genesis, Failure> {
        match self.doubt_of_folder() {
            Some(doubt) => Err(doubt),
            None => self.genesis(),
        }
    }

    /// Why the genesis document that is named doesn't count for an examination, if it doesn't.
    pub fn doubt_of_folder(&self) -> Option<Failure> {
        (self.is_genesis_of_folder && self.genesis.is_some()).then(|| {
            Failure::Usage(
                "the touchstone.toml of this folder names a genesis document, which may have come with the file to \
                 examine: name one that you trust with --genesis FILE"
                    .into(),
            )
        })
    }

    /// The trusted genesis document.
    pub fn genesis(&self) -> Result<Genesis, Failure> {
        let path = self.genesis.as_ref().ok_or_else(|| {
            Failure::Usage(
                "no genesis document: name it with --genesis FILE, TOUCHSTONE_GENESIS or in \
                 touchstone.toml; without it no answer can be verified"
                    .into(),
            )
        })?;
        let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
        Genesis::read(&bytes).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))
    }

    /// A client that trusts the genesis document and nothing else.
    pub async fn client(&self) -> Result<Client, Failure> {
        let genesis = self.genesis()?;
        let cache = self.cache.as_ref();
        let cache = cache.map(|folder| Cache::of(folder, &genesis.chain_id));
        let options = touchstone_client::Options {
            timeout: self.timeout,
            tls: self.tls.clone(),
            cache,
            as_of: self.as_of.clone(),
        };
        Ok(Client::connect(&self.node, genesis, options).await?)
    }

    /// The same for a sender: what it reads in between isn't what it tells, so its age is told to nobody.
    pub async fn sending_client(&self) -> Result<Client, Failure> {
        self.apart().client().await
    }

    /// The same settings for other answers, which are as of blocks of their own.
    pub fn apart(&self) -> Settings {
        Settings {
            as_of: AsOf::default(),
            ..self.clone()
        }
    }

    /// The organisation that acts, where one is named for all commands.
    pub fn organisation(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    /// The acting organisation and its key.
    pub fn signer(&self, signing: &Signing) -> Result<Signer, Failure> {
        let organisation = signing
            .organisation
            .clone()
            .or_else(|| self.organisation.clone())
            .ok_or_else(|| {
                Failure::Usage(
                    "who acts? name the organisation with --organisation ID, \
                     TOUCHSTONE_ORGANISATION or in touchstone.toml"
                        .into(),
                )
            })?;
        Ok(Signer {
            organisation,
            key: self.key(signing)?,
        })
    }

    /// The key alone, where it needn't act for an organisation.
    pub fn key(&self, signing: &Signing) -> Result<SigningKey, Failure> {
        let path = signing
            .key
            .clone()
            .or_else(|| self.key.clone())
            .ok_or_else(|| {
                Failure::Usage(
                    "which key signs? name it with --key FILE, TOUCHSTONE_KEY or in touchstone.toml"
                        .into(),
                )
            })?;
        keyfile::read(&path, &signing.passphrase)
    }
}

fn users_file() -> Option<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("config.toml"))
}

/// This program's folder of one kind, by the XDG base directories.
fn user_folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(in_home)))
        .map(|folder| folder.join("touchstone"))
}

/// Paths in the file are relative to its folder.
fn read_file(path: &Path) -> Result<File, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, &e))?;
    let mut file: File = toml::from_str(&text)
        .map_err(|e| Failure::Usage(format!("{}: {}", path.display(), e.message())))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    for entry in [
        &mut file.tls_roots,
        &mut file.tls_certificate,
        &mut file.tls_key,
        &mut file.genesis,
        &mut file.key,
    ] {
        *entry = entry.take().map(|p| folder.join(p));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
