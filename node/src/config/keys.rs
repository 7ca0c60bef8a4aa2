//! Keys of a node: PKCS#8 PEM, for this user alone, with a passphrase of their own where they are encrypted.
//! A passphrase comes from the first of: a file beside the key (`validator.pem.passphrase`), systemd's credential,
//! `TOUCHSTONE_PASSPHRASE`, and a prompt where there is a terminal.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use super::{ConfigError, check_private, read};
use crate::messages::asked;

/// Reads a key. `credential` is the name under which systemd gives its passphrase.
pub fn read_key(path: &Path, credential: &'static str) -> Result<SigningKey, ConfigError> {
    check_private(path)?;
    let text = Zeroizing::new(read(path)?);
    let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
    let key = match text.contains("ENCRYPTED") {
        false => SigningKey::from_pkcs8_pem(&text),
        true => {
            let passphrase = passphrase(path, credential)?;
            SigningKey::from_pkcs8_encrypted_pem(&text, passphrase.as_bytes())
        }
    };
    key.map_err(|error| ConfigError::Key {
        path: path.to_owned(),
        error,
    })
}

fn passphrase(path: &Path, credential: &'static str) -> Result<Zeroizing<String>, ConfigError> {
    let beside = beside(path);
    if beside.exists() {
        check_private(&beside)?;
        return first_line(&beside);
    }
    if let Some(folder) = std::env::var_os("CREDENTIALS_DIRECTORY") {
        let given = Path::new(&folder).join(credential);
        if given.exists() {
            return first_line(&given);
        }
    }
    if let Ok(passphrase) = std::env::var("TOUCHSTONE_PASSPHRASE") {
        return Ok(Zeroizing::new(passphrase));
    }
    if std::io::stdin().is_terminal() {
        let question = asked(&format!("the passphrase of {}", path.display()));
        let typed = rpassword::prompt_password(format!("{question}: "));
        return typed
            .map(Zeroizing::new)
            .map_err(|error| ConfigError::Unreadable {
                path: path.to_owned(),
                error,
            });
    }
    Err(ConfigError::Locked {
        path: path.to_owned(),
        file: beside.display().to_string(),
        credential,
    })
}

/// The file beside a key that may hold its passphrase.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".passphrase");
    PathBuf::from(name)
}

fn first_line(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let text = Zeroizing::new(read(path)?);
    let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}
