//! Ed25519 keys as files: PKCS#8 in PEM (RFC 5958, RFC 8410), encrypted with PBES2 (RFC 8018:
//! PBKDF2-HMAC-SHA256 and AES-256-CBC), as `openssl pkey` reads and writes them.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::KeypairBytes;
use ed25519_dalek::pkcs8::spki::DecodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::{SigningKey, VerifyingKey};
use pkcs8::pkcs5::pbes2;
use pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef,
    SecretDocument,
};
use touchstone_client::durable_file;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::messages::Language;
use crate::say;
use crate::staging;

/// Rounds of PBKDF2 (OWASP's recommendation for HMAC-SHA256, 2023).
const ITERATIONS: u32 = 600_000;
/// No key file is larger, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 10;

/// Where the passphrase of a key comes from: a file, the environment, or a question.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Passphrase {
    /// File whose first line is the key's passphrase [env: TOUCHSTONE_PASSPHRASE holds it itself]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

impl Passphrase {
    /// The passphrase of an existing key.
    pub fn get(&self, path: &Path) -> Result<Zeroizing<String>, Failure> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => {
                let path = path.display();
                let question = say!(language(), "Passphrase of {path}: ", path = path);
                prompt(&question, "the key is encrypted")
            }
        }
    }

    /// A passphrase for a new key: typed twice where it is typed.
    pub fn new_passphrase(&self) -> Result<Zeroizing<String>, Failure> {
        let passphrase = match self.given()? {
            Some(passphrase) => passphrase,
            None => {
                let why = "a new key is encrypted";
                let first = prompt(&say!(language(), "New passphrase: "), why)?;
                if *first != *prompt(&say!(language(), "The same again: "), why)? {
                    return Err(Failure::Usage("the two passphrases differ".into()));
                }
                first
            }
        };
        if passphrase.is_empty() {
            return Err(Failure::Usage(
                "an empty passphrase protects nothing; say --no-passphrase if that is meant".into(),
            ));
        }
        Ok(passphrase)
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.passphrase_file {
            let text = read_secret(path)?;
            let line = text.lines().next().unwrap_or_default().to_owned();
            return Ok(Some(Zeroizing::new(line)));
        }
        Ok(std::env::var("TOUCHSTONE_PASSPHRASE")
            .ok()
            .map(Zeroizing::new))
    }
}

/// A question comes before anything else is printed.
fn language() -> Language {
    let arguments: Vec<_> = std::env::args_os().collect();
    Language::of_arguments(&arguments)
}

fn prompt(question: &str, why: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(question)
        .map(Zeroizing::new)
        .map_err(|_| {
            Failure::Usage(format!(
                "{why}, and there is no terminal to ask for the passphrase: give it with \
                 --passphrase-file FILE or TOUCHSTONE_PASSPHRASE"
            ))
        })
}

/// Where the public half of a key lies: acme.pub.pem beside acme.pem.
pub fn public_half(path: &Path) -> PathBuf {
    path.with_extension("pub.pem")
}

/// Bytes from the system's random generator.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0u8; N]);
    getrandom::fill(bytes.as_mut_slice())
        .map_err(|e| Failure::Usage(format!("the system gives no random bytes: {e}")))?;
    Ok(bytes)
}

/// A new key.
pub fn generate() -> Result<SigningKey, Failure> {
    Ok(SigningKey::from_bytes(&*random::<32>()?))
}

/// The key in PEM, encrypted where there is a passphrase.
pub fn to_pem(key: &SigningKey, passphrase: Option<&str>) -> Result<Zeroizing<String>, Failure> {
    // Version 1 without the public key: that is what OpenSSL reads.
    let pair = KeypairBytes {
        secret_key: key.to_bytes(),
        public_key: None,
    };
    let failed = |e: &dyn std::fmt::Display| Failure::Usage(format!("encoding the key: {e}"));
    let document = pair.to_pkcs8_der().map_err(|e| failed(&e))?;
    let Some(passphrase) = passphrase else {
        return document
            .to_pem("PRIVATE KEY", LineEnding::LF)
            .map_err(|e| failed(&e));
    };
    let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(
        ITERATIONS,
        random::<16>()?.as_slice(),
        *random::<16>()?,
    )
    .map_err(|e| failed(&e))?;
    PrivateKeyInfoRef::try_from(document.as_bytes())
        .and_then(|info| info.encrypt_with_params(parameters, passphrase))
        .map_err(|e| failed(&e))?
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .map_err(|e| failed(&e))
}

/// Reads a key in PEM; asks for the passphrase only where the file is encrypted.
pub fn from_pem(
    pem: &str,
    passphrase: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
) -> Result<SigningKey, Failure> {
    let unreadable = || {
        Failure::Usage(
            "not an Ed25519 private key in PKCS#8 PEM; `touchstone key new` makes one".into(),
        )
    };
    let (label, document) = SecretDocument::from_pem(pem).map_err(|_| unreadable())?;
    match label {
        "PRIVATE KEY" => SigningKey::from_pkcs8_der(document.as_bytes()).map_err(|_| unreadable()),
        "ENCRYPTED PRIVATE KEY" => {
            let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|_| unreadable())?;
            let passphrase = passphrase()?;
            let opened = encrypted
                .decrypt(passphrase.as_bytes())
                .map_err(|_| Failure::Usage("the passphrase doesn't open this key".into()))?;
            SigningKey::from_pkcs8_der(opened.as_bytes()).map_err(|_| unreadable())
        }
        _ => Err(unreadable()),
    }
}

/// Reads a key file; one that isn't encrypted must be its owner's alone.
pub fn read(path: &Path, passphrase: &Passphrase) -> Result<SigningKey, Failure> {
    let pem = Zeroizing::new(read_small(path)?);
    if pem.contains("BEGIN PRIVATE KEY") {
        check_private(path)?;
    }
    from_pem(&pem, || passphrase.get(path)).map_err(|failure| match failure {
        Failure::Usage(text) => Failure::Usage(format!("{}: {text}", path.display())),
        other => other,
    })
}

/// Reads a secret in text (a token, a passphrase, what signs webhooks), which must be its owner's alone.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    check_private(path)?;
    let text = std::fs::read_to_string(path);
    text.map(Zeroizing::new)
        .map_err(|e| Failure::io("reading", path, &e))
}

/// Refuses a secret that other users of this machine may read. A pipe is nobody else's.
pub fn check_private(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(path).map_err(|e| Failure::io("reading", path, &e))?;
        let given = std::env::var_os("CREDENTIALS_DIRECTORY");
        // systemd keeps its credentials by lists of access, which the mode shows as the group's right.
        let is_credential = given.is_some_and(|folder| path.starts_with(folder));
        if !metadata.is_file() || is_credential {
            return Ok(());
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "{path} may be read by others (mode {mode:o}): chmod 600 {path}, and replace what it holds if \
                 this machine has other users"
            )));
        }
    }
    Ok(())
}

/// A public key from 64 hex digits, or from a file with a public or private key in PEM.
pub fn public_key(text: &str, passphrase: &Passphrase) -> Result<[u8; 32], Failure> {
    if let Ok(bytes) = hex::decode(text)
        && let Ok(key) = <[u8; 32]>::try_from(bytes)
    {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(Failure::Usage(format!(
            "{text:?} is neither 64 hex digits nor a key file"
        )));
    }
    let pem = Zeroizing::new(read_small(path)?);
    if let Ok(key) = VerifyingKey::from_public_key_pem(&pem) {
        return Ok(key.to_bytes());
    }
    // An encrypted key needn't be opened to tell its public half, unless a passphrase is named for it.
    let half = public_half(path);
    let is_locked = pem.contains("ENCRYPTED PRIVATE KEY") && passphrase.passphrase_file.is_none();
    if is_locked && half.is_file() {
        let pem = read_small(&half)?;
        let key = VerifyingKey::from_public_key_pem(&pem);
        return key.map(|key| key.to_bytes()).map_err(|_| {
            Failure::Usage(format!(
                "{}: not an Ed25519 public key in PEM",
                half.display()
            ))
        });
    }
    Ok(read(path, passphrase)?.verifying_key().to_bytes())
}

/// Writes a secret that only its owner may read: mode 0600, complete or not at all. An existing
/// file is kept unless `force` is set.
pub fn write_secret(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    if !force && path.exists() {
        return Err(exists(path));
    }
    let staged = staging::staged(path).map_err(|e| Failure::io("writing", path, &e))?;
    let written = write_new(&staged, bytes).and_then(|()| {
        if force {
            std::fs::rename(&staged, path)
        } else {
            // A hard link fails where the name was taken meanwhile; a rename would replace it.
            std::fs::hard_link(&staged, path).and_then(|()| std::fs::remove_file(&staged))
        }
    });
    let written = written.and_then(|()| durable_file::sync_folder_of(path));
    if written.is_err() {
        let _ = std::fs::remove_file(&staged);
    }
    written.map_err(|e| Failure::io("writing", path, &e))
}

/// The refusal to overwrite a file.
pub fn exists(path: &Path) -> Failure {
    Failure::Usage(format!(
        "{} exists and is not overwritten; choose another name or say --force",
        path.display()
    ))
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn read_small(path: &Path) -> Result<String, Failure> {
    let failed = |e: &std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Failure::File(format!(
            "there is no key file {}: name the one that you have, or make one with `touchstone key new \
             --out {}`",
            path.display(),
            path.display()
        )),
        _ => Failure::io("reading", path, e),
    };
    let size = std::fs::metadata(path).map_err(|e| failed(&e))?.len();
    if size > MAX_FILE_BYTES {
        return Err(Failure::Usage(format!(
            "{}: {size} bytes are no key file",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(|e| failed(&e))
}

#[cfg(test)]
mod tests;
