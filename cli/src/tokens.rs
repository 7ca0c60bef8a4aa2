//! Time-stamp tokens as files of their own, for `openssl ts`, and the roots that a person trusts.

use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::{self, LineEnding};
use serde_json::{Value, json};
use touchstone_core::evidence::StampFact;
use touchstone_core::hash::{Hash, sha256};
use touchstone_core::timestamp::Certificate;

use crate::failure::Failure;
use crate::file;

const LABEL: &str = "CERTIFICATE";
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// A file of roots, at most; bytes.
const MAX_ROOTS_BYTES: u64 = 4 << 20;

/// SHA-256 of each certificate in a PEM file, or of the one in a DER file.
pub fn roots(path: &Path) -> Result<Vec<Hash>, Failure> {
    let bytes = file::read_within(path, MAX_ROOTS_BYTES, |bytes| {
        Failure::Usage(format!(
            "{} has {bytes} bytes; a file of trusted roots has at most {MAX_ROOTS_BYTES}",
            path.display()
        ))
    })?;
    let certificates = certificates(&bytes)
        .map_err(|reason| Failure::Usage(format!("{}: {reason}", path.display())))?;
    Ok(certificates.iter().map(|der| sha256(der)).collect())
}

/// The certificates in a file, in DER; at least one.
fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    if Certificate::read(bytes).is_ok() {
        return Ok(vec![bytes.to_vec()]);
    }
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let number = found.len() + 1;
        let (body, _) = block
            .split_once(END)
            .ok_or_else(|| format!("certificate {number} has no end"))?;
        let whole = format!("{BEGIN}{body}{END}\n");
        let (_, der) = pem::decode_vec(whole.as_bytes())
            .map_err(|e| format!("certificate {number} isn't PEM: {e}"))?;
        Certificate::read(&der).map_err(|e| format!("certificate {number}: {e}"))?;
        found.push(der);
    }
    match found.is_empty() {
        true => Err(format!(
            "there is no certificate in it, neither in PEM ({BEGIN}) nor in DER"
        )),
        false => Ok(found),
    }
}

/// A token's files, and how OpenSSL checks them.
pub struct WrittenToken {
    /// The token, in DER.
    pub token: PathBuf,
    /// What was stamped.
    pub document: PathBuf,
    /// The chain below the root, in PEM.
    pub certificates: Option<PathBuf>,
    /// The command and its arguments.
    pub command: Vec<String>,
}

impl WrittenToken {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "token": self.token,
            "document": self.document,
            "certificates": self.certificates,
            "command": self.command,
        })
    }

    /// The command as a shell takes it.
    pub fn command_line(&self) -> String {
        let words: Vec<String> = self.command.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    }
}

/// Writes each token into a folder. `roots` is the file that the command names; without one it says
/// `ROOTS.pem`.
pub fn write(
    folder: &Path,
    stamps: &[StampFact],
    roots: Option<&Path>,
    force: bool,
) -> Result<Vec<WrittenToken>, Failure> {
    // `openssl ts` takes -untrusted for a list, and has no way to quote.
    if folder.to_string_lossy().contains([' ', ',']) {
        return Err(Failure::Usage(format!(
            "{}: openssl can't read time stamps' certificates from a folder with a space or a comma in \
             its name; choose another one",
            folder.display()
        )));
    }
    let mut all = Vec::with_capacity(stamps.len());
    for (index, fact) in stamps.iter().enumerate() {
        let name = format!("stamp-{}-blocks-{}-{}", index + 1, fact.first, fact.last);
        let of_kind = |ending: &str| folder.join(format!("{name}.{ending}"));
        // The root is the verifier's to bring.
        let below = fact
            .stamped
            .chain
            .split_last()
            .map_or(&[][..], |(_, below)| below);
        let written = WrittenToken {
            token: of_kind("tst"),
            document: of_kind("bin"),
            certificates: (!below.is_empty()).then(|| of_kind("pem")),
            command: Vec::new(),
        };
        let paths = [
            Some(&written.token),
            Some(&written.document),
            written.certificates.as_ref(),
        ];
        for path in paths.into_iter().flatten() {
            file::refuse_existing(path, force)?;
        }
        all.push((written, fact, below));
    }
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("making", folder, &e))?;
    let mut done = Vec::with_capacity(all.len());
    for (mut written, fact, below) in all {
        file::write(&written.token, &fact.token)?;
        file::write(&written.document, &fact.document)?;
        if let Some(path) = &written.certificates {
            let mut text = String::new();
            for der in below {
                let pem = pem::encode_string(LABEL, LineEnding::LF, der);
                text.push_str(&pem.map_err(|e| Failure::Usage(format!("a certificate: {e}")))?);
            }
            file::write(path, text.as_bytes())?;
        }
        written.command = command(&written, fact, roots);
        done.push(written);
    }
    Ok(done)
}

/// At the token's own time, so that it holds after its authority's certificates have expired too.
fn command(written: &WrittenToken, fact: &StampFact, roots: Option<&Path>) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    let mut words: Vec<String> = ["openssl", "ts", "-verify", "-token_in", "-in"]
        .map(str::to_owned)
        .to_vec();
    words.push(text(&written.token));
    words.extend(["-data".to_owned(), text(&written.document)]);
    let roots = roots.map_or("ROOTS.pem".to_owned(), text);
    words.extend(["-CAfile".to_owned(), roots]);
    if let Some(path) = &written.certificates {
        words.extend(["-untrusted".to_owned(), text(path)]);
    }
    let seconds = fact.stamped.gen_time_ms / 1000;
    words.extend(["-attime".to_owned(), seconds.to_string()]);
    words
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests;
