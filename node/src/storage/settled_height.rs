//! The height up to which a database was durable, noted beside its files after each sync. The note itself isn't synced:
//! after a power cut it may be an older one, and never says more than was true. So it tells the end of the database's
//! log that a power cut garbled, which nobody relies on, from damage of what was durable.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use touchstone_core::Fault;
use touchstone_core::hash;

/// Its name in the database's folder. RocksDB leaves files alone whose names it doesn't know.
const NAME: &str = "settled";
const TAG: &str = "touchstone settled height";
/// Eight bytes of the height, big endian, then the first eight of their hash.
const SIZE: usize = 16;

/// The file, open.
pub struct SettledHeight(File);

impl SettledHeight {
    /// Opens the file in a database's folder.
    pub fn open(database: &Path) -> Result<SettledHeight, Fault> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false);
        let opened = file.open(database.join(NAME));
        opened
            .map(SettledHeight)
            .map_err(|e| Fault::Storage(format!("{}: {e}", database.join(NAME).display())))
    }

    /// Blocks up to this height are durable.
    pub fn note(&self, height: u64) -> Result<(), Fault> {
        let written = self.0.write_all_at(&encode(height), 0);
        written.map_err(|e| Fault::Storage(format!("write {NAME}: {e}")))
    }
}

/// What is noted in a database's folder; 0 if nothing is that can be read.
pub fn noted(database: &Path) -> u64 {
    let Ok(bytes) = std::fs::read(database.join(NAME)) else {
        return 0;
    };
    let height = bytes.first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
    if bytes == encode(height) { height } else { 0 }
}

fn encode(height: u64) -> [u8; SIZE] {
    let height = height.to_be_bytes();
    let check = hash::tagged(TAG, &[&height]);
    let mut bytes = [0; SIZE];
    for (to, from) in bytes.iter_mut().zip(height.iter().chain(&check)) {
        *to = *from;
    }
    bytes
}
