//! Hand-overs of validators that were verified before, for each chain in a file of the user's cache
//! folder. They are verified again when they are read, so the file is trusted no more than a node;
//! what it spares is asking, and a node can't hide a hand-over that was seen once.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use prost::Message;
use touchstone_core::hash::{Hash, sha256};
use touchstone_proto::node::{Handover, HandoversReply};

/// Bytes of a file, at most.
const MAX_BYTES: u64 = 64 << 20;

/// The file of one chain: SHA-256 of the rest, then a `HandoversReply`.
#[derive(Clone, Debug)]
pub struct Cache {
    path: PathBuf,
}

impl Cache {
    /// The chain's file in a folder.
    pub fn of(folder: &Path, chain_id: &Hash) -> Cache {
        let name = format!("{}.handovers", hex::encode(chain_id));
        Cache {
            path: folder.join(name),
        }
    }

    /// What is remembered; nothing where the file is missing or damaged.
    pub fn read(&self) -> Vec<Handover> {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(&self.path)
            .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
        let whole = bytes
            .split_first_chunk::<32>()
            .filter(|(sum, rest)| read.is_ok() && sha256(rest) == **sum);
        whole
            .and_then(|(_, rest)| HandoversReply::decode(rest).ok())
            .map(|reply| reply.handovers)
            .unwrap_or_default()
    }

    /// Remembers these hand-overs instead, whole or not at all. What can't be remembered is asked
    /// for again: no answer depends on it, so a failure is none.
    pub fn write(&self, handovers: &[Handover]) {
        let _ = self.try_write(handovers);
    }

    fn try_write(&self, handovers: &[Handover]) -> std::io::Result<()> {
        let reply = HandoversReply {
            handovers: handovers.to_vec(),
        };
        let body = reply.encode_to_vec();
        if body.len() as u64 + 32 > MAX_BYTES {
            return Ok(());
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Two programs may write at once: each renames a file of its own.
        let draft = self.path.with_extension(format!("{}", std::process::id()));
        let mut file = std::fs::File::create(&draft)?;
        file.write_all(&sha256(&body))?;
        file.write_all(&body)?;
        std::fs::rename(&draft, &self.path)
    }
}
