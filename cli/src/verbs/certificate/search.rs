//! The deposits that hold a file: by every receipt that names it, else by disclosures.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_client::verification::NotVerified;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;

use super::{Certificate, certify};
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::output::plain;
use crate::receipt::{self, Receipt, ReceiptFile};

/// A receipt that proves nothing, and why: its deposit was refused or never sent, say.
pub(super) struct Refused {
    path: PathBuf,
    reason: Failure,
}

impl Refused {
    pub(super) fn json(&self) -> Value {
        json!({"receipt": self.path, "reason": self.reason.json()})
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = plain(&self.path.display().to_string());
        let reason = plain(&self.reason.to_string());
        write!(out, "receipt {path} proves nothing: {reason}")
    }
}

/// Where receipts of a file are looked for: in its folder and in this one, unless a folder is named.
pub(super) fn folders(file: &Path, named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = named {
        return vec![folder.to_owned()];
    }
    let here = PathBuf::from(".");
    let beside = file.parent().filter(|p| !p.as_os_str().is_empty());
    match beside {
        Some(beside) if beside != here => vec![beside.to_owned(), here],
        _ => vec![here],
    }
}

/// The deposits of a file, proven, and the receipts that name it in vain. One that is left over doesn't hide a
/// good one.
pub(super) async fn by_file(
    client: &mut Client,
    file: &ReceiptFile,
    folders: &[PathBuf],
    selection: &FieldSelection,
) -> Result<(Vec<Certificate>, Vec<Refused>), Failure> {
    let holds_it = |r: &Receipt| r.files.iter().any(|f| f.sha256 == file.sha256);
    let mut found: Vec<Certificate> = Vec::new();
    let mut refused = Vec::new();
    let mut tried = BTreeSet::new();
    for folder in folders {
        for (path, receipt) in receipt::find(folder, holds_it)? {
            let checked = receipt.check(client.trust().chain_id());
            let checked = checked.and_then(|()| receipt.id());
            let id = match checked {
                Ok(id) => id,
                Err(reason) => {
                    refused.push(Refused { path, reason });
                    continue;
                }
            };
            if !tried.insert(id) {
                continue;
            }
            match Box::pin(certify(client, id, Some(receipt), selection)).await {
                Ok(certificate) => found.push(certificate),
                Err(reason @ Failure::Absent { .. }) => refused.push(Refused { path, reason }),
                Err(other) => return Err(other),
            }
        }
    }
    if found.is_empty() {
        match disclosed(client, &file.sha256).await? {
            ids if ids.is_empty() => return Err(nowhere(client, file, refused)),
            ids => {
                for id in ids {
                    found.push(Box::pin(certify(client, id, None, selection)).await?);
                }
            }
        }
    }
    Ok((found, refused))
}

/// Nothing proves that the file was deposited.
fn nowhere(client: &Client, file: &ReceiptFile, refused: Vec<Refused>) -> Failure {
    let height = client.trust().proven_height();
    let sha256 = &file.sha256;
    if refused.is_empty() {
        return Failure::NotFound(format!(
            "no receipt for this file in its folder or this one (--receipts names another), and no \
             disclosed design with SHA-256 {sha256}, proven at height {height}; an undisclosed deposit \
             can only be shown with its receipt (--receipt)",
        ));
    }
    let reasons: Vec<String> = refused.iter().map(Refused::to_string).collect();
    Failure::Absent {
        id: sha256.clone(),
        height,
        message: format!(
            "NOT DEPOSITED: {}; and no design with this file is disclosed",
            reasons.join("; ")
        ),
    }
}

/// The designs that were disclosed with a file.
async fn disclosed(client: &mut Client, sha256: &str) -> Result<Vec<Hash>, Failure> {
    let hash = receipt::bytes("sha256", sha256)?;
    let (_, entries) = client.designs_by_file(&hash).await?;
    let ids = entries
        .iter()
        .map(|e| encoding::exact("design id", &e.content_hash).map_err(NotVerified::from));
    Ok(ids.collect::<Result<_, _>>()?)
}
