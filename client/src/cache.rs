//! What was verified before, for each chain in two files of the user's cache folder: the set changes of
//! validators, and the newest header. Both are verified again when they are read, so the files are trusted no
//! more than a node; what they spare is asking, and a node can't hide a set change or a block that was seen
//! once.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use prost::Message;
use touchstone_core::block::Header;
use touchstone_core::hash::{Hash, sha256};
use touchstone_proto::node::{CertifiedHeader, ValidatorSetChange, ValidatorSetChangesReply};

/// Bytes of a file, at most.
const MAX_BYTES: u64 = 64 << 20;

/// The files of one chain: each the SHA-256 of the rest, then a message.
#[derive(Clone, Debug)]
pub struct Cache {
    /// A `ValidatorSetChangesReply`.
    changes: PathBuf,
    /// A `CertifiedHeader`.
    newest: PathBuf,
}

impl Cache {
    /// The chain's files in a folder.
    pub fn of(folder: &Path, chain_id: &Hash) -> Cache {
        let path = |kind: &str| folder.join(format!("{}.{kind}", hex::encode(chain_id)));
        Cache {
            changes: path("set-changes"),
            newest: path("newest"),
        }
    }

    /// The set changes that are remembered; none where the file is missing or damaged.
    pub fn read(&self) -> Vec<ValidatorSetChange> {
        let reply: Option<ValidatorSetChangesReply> = read(&self.changes);
        reply.map(|reply| reply.changes).unwrap_or_default()
    }

    /// Remembers these set changes instead. What can't be remembered is asked for again: no answer depends
    /// on it, so a failure is none.
    pub fn write(&self, changes: &[ValidatorSetChange]) {
        let changes = changes.to_vec();
        let _ = write(&self.changes, &ValidatorSetChangesReply { changes });
    }

    /// The newest header that is remembered, if any.
    pub fn read_newest(&self) -> Option<CertifiedHeader> {
        read(&self.newest)
    }

    /// Remembers this header, unless a newer one is remembered: two programs may run at once.
    pub fn write_newest(&self, header: &CertifiedHeader) {
        let height = |certified: &CertifiedHeader| {
            let header = Header::decode(&certified.header);
            header.map_or(0, |header| header.height)
        };
        let known = self.read_newest().as_ref().map_or(0, height);
        if height(header) > known {
            let _ = write(&self.newest, header);
        }
    }
}

fn read<M: Message + Default>(path: &Path) -> Option<M> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let (sum, rest) = bytes.split_first_chunk::<32>()?;
    (sha256(rest) == *sum).then(|| M::decode(rest).ok())?
}

/// Writes a file whole or not at all.
fn write(path: &Path, message: &impl Message) -> std::io::Result<()> {
    let body = message.encode_to_vec();
    if body.len() as u64 + 32 > MAX_BYTES {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Two programs may write at once: each renames a file of its own.
    let kind = path.extension().unwrap_or_default().to_string_lossy();
    let draft = path.with_extension(format!("{kind}.{}", std::process::id()));
    let mut file = std::fs::File::create(&draft)?;
    file.write_all(&sha256(&body))?;
    file.write_all(&body)?;
    std::fs::rename(&draft, path)
}
