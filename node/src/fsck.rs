//! Examining a stopped node's data folder: the guard, the write-ahead log, and the database. That is made anew from its
//! own blocks by the way that every block takes (certificate, transactions, execution, root) and compared row by row.
//! So a row is right if the blocks say so, whatever its checksum says. What was made anew is also the repair.

use std::fs::File;
use std::path::Path;

use serde::Serialize;
use touchstone_core::Fault;
use touchstone_core::genesis::Genesis;

use crate::chain::Chain;
use crate::config::Config;
use crate::key_tables::verify_vote;
use crate::lifecycle::NodeError;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::storage::double_sign_guard::{Guard, GuardError};
use crate::storage::files::{DataFolder, FileDisk};
use crate::storage::rocks::{OpenError, RocksStore, StoreSettings};
use crate::storage::salvage::{Salvage, TableDamage};
use crate::storage::wal::{LOG_FILES, Wal};

/// The database's folder in the data folder, the one that is made anew, and where a damaged one goes.
const CHAIN: &str = "chain";
const ANEW: &str = "chain.anew";
const DAMAGED: &str = "chain.damaged";
/// How often progress is told, in blocks.
const TELL: u64 = 10_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FsckReport {
    /// The height that the database claims.
    pub height: u64,
    /// The height up to which every block is sound.
    pub sound_to: u64,
    /// What isn't sound.
    pub damages: Vec<Damage>,
    /// What was done about it.
    pub repaired: Vec<String>,
    /// Whether all was looked at: an error ended no part of it.
    pub is_complete: bool,
}

/// Something that isn't sound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// A file, a table or a block.
    pub part: String,
    /// What is wrong with it.
    pub what: String,
    /// What helps.
    pub way_out: &'static str,
    /// Whether that was done.
    pub is_repaired: bool,
}

impl FsckReport {
    /// What is left to do.
    pub fn left(&self) -> usize {
        self.damages.iter().filter(|d| !d.is_repaired).count()
    }

    fn note(&mut self, part: String, what: String, way_out: &'static str) {
        self.damages.push(Damage {
            part,
            what,
            way_out,
            is_repaired: false,
        });
    }

    /// What was noted after the first `before` damages has been repaired.
    fn has_repaired(&mut self, before: usize, what: String) {
        for damage in self.damages.iter_mut().skip(before) {
            damage.is_repaired = true;
        }
        self.repaired.push(what);
    }
}

const RESET_GUARD: &str = "touchstone-node reset-guard --height H, with a height that this validator can't have signed \
                           above (docs/operating.md, \"A lost guard\")";
const LOG_ASIDE: &str =
    "--repair sets the log aside; the guard keeps this validator silent at up to 16 heights";
const FROM_BLOCKS: &str = "--repair makes it anew from the blocks";
const FROM_PEERS: &str =
    "--repair keeps the blocks before it, and the node fetches the others from its peers";
const DROP_ROWS: &str = "--repair drops the rows that can't be read";

/// Examines a data folder that no process uses, and repairs what follows from something sound. `told` hears how far it
/// is, and of how many blocks. The report holds what was found and done before an error, too.
pub fn examine(
    config: &Config,
    genesis: &Genesis,
    repair: bool,
    told: impl FnMut(u64, u64),
    report: &mut FsckReport,
) -> Result<(), NodeError> {
    let folder = DataFolder::open(&config.data)?;
    let path = folder.path().to_owned();
    let disk = FileDisk::new(folder);
    guard(&disk, config.validator_key.is_some(), report)?;
    log(&disk, &path, repair, report)?;
    database(&path, genesis, repair, told, report)?;
    report.is_complete = true;
    Ok(())
}

fn guard(disk: &FileDisk, votes: bool, report: &mut FsckReport) -> Result<(), NodeError> {
    let what = match Guard::open(disk.clone()) {
        Ok(_) => return Ok(()),
        Err(GuardError::Missing) if !votes => return Ok(()),
        Err(GuardError::Fault(fault)) => return Err(fault.into()),
        Err(error) => error.to_string(),
    };
    report.note("the double-sign guard".into(), what, RESET_GUARD);
    Ok(())
}

fn log(
    disk: &FileDisk,
    folder: &Path,
    repair: bool,
    report: &mut FsckReport,
) -> Result<(), NodeError> {
    let Err(error) = Wal::examine(disk) else {
        return Ok(());
    };
    let before = report.damages.len();
    report.note("the write-ahead log".into(), error.to_string(), LOG_ASIDE);
    if repair {
        let moves =
            LOG_FILES.map(|name| (folder.join(name), folder.join(format!("{name}.damaged"))));
        let moves = moves.iter().filter(|(from, _)| from.exists());
        if let Some((_, path)) = moves.clone().find(|(_, aside)| aside.exists()) {
            let path = path.clone();
            return Err(NodeError::DamagedKept { path });
        }
        for (from, aside) in moves {
            rename(from, aside)?;
        }
        report.has_repaired(before, "the write-ahead log was set aside".into());
    }
    Ok(())
}

fn database(
    folder: &Path,
    genesis: &Genesis,
    repair: bool,
    told: impl FnMut(u64, u64),
    report: &mut FsckReport,
) -> Result<(), NodeError> {
    let (stored, anew) = (folder.join(CHAIN), folder.join(ANEW));
    match (anew.exists(), stored.exists()) {
        (false, _) => {}
        // An earlier examination was interrupted.
        (true, true) => remove(&anew)?,
        // An earlier repair was, between its two renames: what it made is whole.
        (true, false) => rename(&anew, &stored)?,
    }
    let before = report.damages.len();
    let failed = |error| NodeError::Store {
        path: stored.clone(),
        error,
    };
    if !stored.exists() {
        return Err(failed(OpenError::Missing));
    }
    let found = match Salvage::open(&stored) {
        Ok(found) => {
            found.check_chain(&genesis.chain_id).map_err(failed)?;
            Ok(found)
        }
        Err(OpenError::Fault(fault)) => Err(fault),
        // A newer program's, which this one doesn't judge.
        Err(error) => return Err(failed(error)),
    };
    let made = make_anew(found.as_ref().ok(), &anew, genesis, told, report);
    let outcome = match (&found, made) {
        (_, Err(error)) => Err(error),
        (Ok(found), Ok(store)) => compare(found, &store, repair, report),
        (Err(error), Ok(_)) => {
            let what = format!("it can't be opened: {error}");
            report.note("the database".into(), what, FROM_PEERS);
            Ok(())
        }
    };
    drop(found);
    let is_sound = report.damages.len() == before;
    if outcome.is_err() || is_sound || !repair {
        remove(&anew)?;
        return outcome;
    }
    let aside = folder.join(DAMAGED);
    if aside.exists() {
        remove(&anew)?;
        return Err(NodeError::DamagedKept { path: aside });
    }
    if stored.exists() {
        rename(&stored, &aside)?;
    }
    rename(&anew, &stored)?;
    let done = format!(
        "the database was made anew up to block {}; the damaged one is {}",
        report.sound_to,
        aside.display()
    );
    report.has_repaired(before, done);
    Ok(())
}

/// Makes the database anew from the blocks that are found, up to the first one that isn't sound.
fn make_anew(
    found: Option<&Salvage>,
    path: &Path,
    genesis: &Genesis,
    mut told: impl FnMut(u64, u64),
    report: &mut FsckReport,
) -> Result<RocksStore, NodeError> {
    let settings = StoreSettings {
        block_cache_bytes: 64 << 20,
        write_buffer_bytes: 64 << 20,
        ..StoreSettings::default()
    };
    let failed = |error| NodeError::Store {
        path: path.to_owned(),
        error,
    };
    let store = RocksStore::create(path, genesis, &settings).map_err(failed)?;
    let Some(found) = found else {
        return Ok(store);
    };
    report.height = found.tip()?.max(found.settled());
    let pool = SharedMempool::new(PoolLimits::default());
    let mut chain = Chain::open(genesis.chain_id, store, pool)?;
    for height in 1..=report.height {
        let imported = match found.block(height) {
            Ok(Some((block, certificate))) => {
                let now_ms = block.header.time_ms;
                let imported = chain.import(verify_vote, &block, &certificate, now_ms)?;
                imported.map_err(|invalid| invalid.to_string())
            }
            Ok(None) => Err("it is missing".into()),
            Err(fault) => Err(fault.to_string()),
        };
        if let Err(what) = imported {
            report.note(format!("block {height}"), what, FROM_PEERS);
            break;
        }
        report.sound_to = height;
        if height % TELL == 0 {
            told(height, report.height);
        }
    }
    chain.settle()?;
    drop(chain);
    RocksStore::open(path, &genesis.chain_id, &settings).map_err(failed)
}

fn compare(
    found: &Salvage,
    anew: &RocksStore,
    repair: bool,
    report: &mut FsckReport,
) -> Result<(), NodeError> {
    if report.sound_to == report.height {
        note(found.compare(anew)?, FROM_BLOCKS, report);
        let index = found.compare_index(anew, &anew.catalogue())?;
        note(index, FROM_BLOCKS, report);
    } else {
        note(found.read_through()?, FROM_PEERS, report);
    }
    let own = found.own_rows(report.sound_to)?;
    note(own.damages.clone(), DROP_ROWS, report);
    match repair {
        true => Ok(own.write(anew)?),
        false => Ok(()),
    }
}

fn note(damages: Vec<TableDamage>, way_out: &'static str, report: &mut FsckReport) {
    for damage in damages {
        report.note(format!("table {}", damage.table), damage.what, way_out);
    }
}

/// Renames within a folder, which remembers it when this returns: "repaired" is still so after a power cut.
fn rename(from: &Path, to: &Path) -> Result<(), NodeError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let renamed = std::fs::rename(from, to);
    let renamed = renamed.and_then(|()| File::open(folder)?.sync_all());
    renamed.map_err(|e| Fault::Storage(format!("rename {}: {e}", from.display())).into())
}

fn remove(path: &Path) -> Result<(), NodeError> {
    let removed = std::fs::remove_dir_all(path);
    removed.map_err(|e| Fault::Storage(format!("remove {}: {e}", path.display())).into())
}

#[cfg(test)]
mod tests;
