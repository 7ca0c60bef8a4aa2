//! `touchstone key`: making and showing keys.

use std::path::PathBuf;

use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use serde_json::json;

use crate::failure::Failure;
use crate::file;
use crate::keyfile::{self, Passphrase};
use crate::output::Output;

/// Make and show Ed25519 keys
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Make a key and write it, encrypted, to a file
    #[command(after_help = "Examples:
  touchstone key new --out acme.pem
  touchstone key new --out test.pem --no-passphrase
  openssl pkey -in acme.pem -noout -text     reads the same file")]
    New(New),
    /// Print a key's public part
    #[command(after_help = "Example:
  touchstone key show acme.pem")]
    Show(Show),
}

/// Arguments of `key new`.
#[derive(clap::Args, Debug)]
pub struct New {
    /// File to write; the public half goes beside it, into FILE's name with .pub.pem
    #[arg(long, default_value = "key.pem", value_name = "FILE")]
    pub out: PathBuf,
    /// Leave the key unencrypted: whoever reads the file can sign
    #[arg(long)]
    pub no_passphrase: bool,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// How it is locked
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// Arguments of `key show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// File with a private or public key in PEM
    pub file: String,
    /// How it is unlocked
    #[command(flatten)]
    pub passphrase: Passphrase,
}

/// Runs the verb.
pub fn run(verb: &Verb, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::New(new) => make(new, output),
        Verb::Show(show) => print(&keyfile::public_key(&show.file, &show.passphrase)?, output),
    }
}

fn make(new: &New, output: &mut Output) -> Result<(), Failure> {
    let half = keyfile::public_half(&new.out);
    for path in [&new.out, &half] {
        if !new.force && path.exists() {
            return Err(keyfile::exists(path));
        }
    }
    let passphrase = if new.no_passphrase {
        None
    } else {
        Some(new.passphrase.new_passphrase()?)
    };
    let key = keyfile::generate()?;
    let pem = keyfile::to_pem(&key, passphrase.as_ref().map(|p| p.as_str()))?;
    let public_key = key.verifying_key().to_bytes();
    // Without the half of before, none is taken for the new key's if this ends in between.
    file::remove(&half)?;
    keyfile::write_secret(&new.out, pem.as_bytes(), new.force)?;
    file::write(&half, public_pem(&public_key)?.as_bytes())?;
    output.remark(format!(
        "{} holds the private key, {}; keep a copy where fire and thieves don't reach it",
        new.out.display(),
        if new.no_passphrase {
            "UNENCRYPTED"
        } else {
            "encrypted"
        }
    ));
    output.remark(format!(
        "{} holds the public half, for others",
        half.display()
    ));
    print(&public_key, output)
}

fn public_pem(public_key: &[u8; 32]) -> Result<String, Failure> {
    let bad = || Failure::Usage("not a usable Ed25519 public key".into());
    let key = ed25519_dalek::VerifyingKey::from_bytes(public_key).map_err(|_| bad())?;
    key.to_public_key_pem(LineEnding::LF).map_err(|_| bad())
}

fn print(public_key: &[u8; 32], output: &mut Output) -> Result<(), Failure> {
    let pem = public_pem(public_key)?;
    if output.json {
        output.value(&json!({"public_key": hex::encode(public_key), "pem": pem}));
    } else {
        output.line(hex::encode(public_key));
        output.line(pem.trim_end());
    }
    Ok(())
}
