//! The exact bytes that the hashes of an evidence file cover, as files: so that `sha256sum`, a JSON
//! reader or a person can look at them without this program.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use touchstone_core::evidence::Facts;
use touchstone_core::hash::{Hash, sha256};
use touchstone_core::proof::item_history::Place;

use crate::failure::Failure;
use crate::file;

/// The name of an event's file.
pub fn event_name((height, transaction, event): Place) -> String {
    format!("event-{height}-{transaction}-{event}.json")
}

/// The name of a transaction's file.
pub fn transaction_name(height: u64, index: u32) -> String {
    format!("transaction-{height}-{index}.bin")
}

/// A file, and the hash that it is shown for.
pub struct Written {
    /// Where it stands.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Hash,
}

impl Written {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({"file": self.path, "sha256": hex::encode(self.sha256)})
    }
}

/// Writes the bytes of each event and transaction, and of the genesis document, into a folder.
pub fn write(folder: &Path, facts: &Facts, force: bool) -> Result<Vec<Written>, Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("creating", folder, &e))?;
    let mut all: Vec<(String, &[u8])> = Vec::new();
    for step in facts.history.iter().flat_map(|history| &history.steps) {
        all.push((event_name(step.place), &step.bytes));
    }
    for transaction in &facts.transactions {
        let name = transaction_name(transaction.height, transaction.index);
        all.push((name, &transaction.hashed));
    }
    all.push(("genesis.json".to_owned(), &facts.genesis));
    let list = folder.join("SHA256SUMS");
    // Everything is refused before anything is written.
    for path in all
        .iter()
        .map(|(name, _)| folder.join(name))
        .chain([list.clone()])
    {
        file::refuse_existing(&path, force)?;
    }
    let mut written = Vec::with_capacity(all.len());
    let mut sums = String::new();
    for (name, bytes) in all {
        let sha256 = sha256(bytes);
        let path = folder.join(&name);
        file::write(&path, bytes)?;
        sums.push_str(&format!("{}  {name}\n", hex::encode(sha256)));
        written.push(Written { path, sha256 });
    }
    file::write(&list, sums.as_bytes())?;
    Ok(written)
}
