//! A node's data folder: made for a new node, and opened for a run.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use touchstone_core::Fault;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;

use super::NodeError;
use crate::chain::Chain;
use crate::config::{Config, Loaded};
use crate::consensus::ValidatorKeys;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::storage::Store;
use crate::storage::double_sign_guard::{
    FILE as GUARD_FILE, Guard, GuardError, SLOT as GUARD_SLOT,
};
use crate::storage::files::{DataFolder, FileDisk};
use crate::storage::rocks::{
    CheckpointWriter, EventCatalogue, OpenError, RocksStore, StoreReader, StoreSettings,
};
use crate::storage::wal::{LOG_FILES, RecoveredLog, Wal};

/// What a validator's key has signed on this chain before its data folder is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyHistory {
    /// Nothing: the chain or the validator is new.
    New,
    /// Nothing above this height.
    SignedTo(u64),
    /// Something, up to a height that isn't known: the node signs nothing until the others confirm
    /// one.
    Unknown,
}

/// Creates a node's data folder: the database at genesis, and the double-sign guard of a validator. One that was
/// interrupted before the guard was whole is finished.
pub fn initialise(loaded: &Loaded, history: Option<KeyHistory>) -> Result<(), NodeError> {
    if loaded.validator_key.is_some() && history.is_none() {
        return Err(NodeError::KeyHistory);
    }
    let history = history.filter(|_| loaded.validator_key.is_some());
    make(&loaded.config.data, &loaded.genesis, history)
}

/// The same of a node that votes where its key has a history.
fn make(data: &Path, genesis: &Genesis, history: Option<KeyHistory>) -> Result<(), NodeError> {
    let folder = DataFolder::open(data)?;
    let path = folder.path().join("chain");
    let created = RocksStore::create(&path, genesis, &StoreSettings::default()).map(drop);
    let created = match created {
        Err(OpenError::Exists) if history.is_some() => {
            take_up(folder.path(), &path, &genesis.chain_id)
        }
        created => created,
    };
    created.map_err(|error| NodeError::Store { path, error })?;
    let disk = FileDisk::new(folder);
    match history {
        None => {}
        Some(KeyHistory::New) => drop(Guard::create(disk)?),
        Some(KeyHistory::SignedTo(height)) => drop(Guard::reset(disk, height)?),
        Some(KeyHistory::Unknown) => drop(Guard::create_unknown(disk)?),
    }
    Ok(())
}

/// Goes on where the guard wasn't made yet, or not to the end. Anything else that is there isn't overwritten.
fn take_up(data: &Path, path: &Path, chain_id: &Hash) -> Result<(), OpenError> {
    let store = RocksStore::open(path, chain_id, &StoreSettings::default())?;
    if !is_unfinished(data, store.tip().height) {
        return Err(OpenError::Exists);
    }
    match std::fs::remove_file(data.join(GUARD_FILE)) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Fault::Storage(format!("remove an unfinished guard: {error}")).into())
        }
        _ => Ok(()),
    }
}

/// Whether a folder is as [`initialise`] leaves it before the guard is whole. Nothing was signed here then: a node that
/// runs makes its log first.
fn is_unfinished(data: &Path, height: u64) -> bool {
    let is_missing = |error: &std::io::Error| error.kind() == ErrorKind::NotFound;
    // What can't be told counts as there.
    let is_there = |name: &str| match std::fs::metadata(data.join(name)) {
        Ok(_) => true,
        Err(error) => !is_missing(&error),
    };
    let has_run = LOG_FILES.iter().any(|name| is_there(name));
    let is_guard_begun = match std::fs::read(data.join(GUARD_FILE)) {
        Ok(guard) => is_begun(&guard),
        Err(error) => is_missing(&error),
    };
    height == 0 && !has_run && is_guard_begun
}

/// Whether a guard's first write didn't reach the disk: its file has no such length yet, or, after a power cut, no such
/// bytes. Later writes leave the length as it is.
fn is_begun(guard: &[u8]) -> bool {
    let whole = 2 * GUARD_SLOT;
    guard.len() < whole || (guard.len() == whole && guard.iter().all(|byte| *byte == 0))
}

/// Makes a new guard that refuses every signature up to `height`.
pub fn reset_guard(loaded: &Loaded, height: u64) -> Result<(), NodeError> {
    let folder = DataFolder::open(&loaded.config.data)?;
    let path = folder.path().join("chain");
    let tip = RocksStore::open(&path, &loaded.genesis.chain_id, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?
        .tip()
        .height;
    if height < tip {
        return Err(NodeError::GuardTooLow { asked: height, tip });
    }
    Guard::reset(FileDisk::new(folder), height)?;
    Ok(())
}

/// What a node has on disk, open.
pub struct OpenedChain {
    /// The chain at its tip.
    pub chain: Chain<RocksStore>,
    /// The pool that it builds blocks from.
    pub mempool: SharedMempool,
    /// The reading side of its store.
    pub reader: StoreReader,
    /// The index of events.
    pub catalogue: EventCatalogue,
    /// The keeper of time stamps.
    pub checkpoints: CheckpointWriter,
    /// The validator's keys and their guard.
    pub signer: Option<(ValidatorKeys, Guard<FileDisk>)>,
    /// The log of consensus.
    pub wal: Wal<FileDisk>,
    /// What it held.
    pub recovered: RecoveredLog,
}

/// Opens the database, the log, and a validator's guard.
pub fn open_chain(
    config: &Config,
    chain_id: &Hash,
    validator_keys: Option<ValidatorKeys>,
) -> Result<OpenedChain, NodeError> {
    let folder = DataFolder::open(&config.data)?;
    let path = folder.path().join("chain");
    let store = RocksStore::open(&path, chain_id, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?;
    let reader = store.reader();
    let catalogue = store.catalogue();
    let checkpoints = store.checkpoint_writer();
    let mempool = SharedMempool::new(PoolLimits::default());
    let chain = Chain::open(*chain_id, store, mempool.clone())?.measured(Instant::now);
    let disk = FileDisk::new(folder);
    let signer = match validator_keys {
        Some(keys) => {
            let guard = Guard::open(disk.clone());
            let is_behind = guard.as_ref().is_ok_and(|guard| is_behind(&chain, guard));
            match check_membership(config, &chain, &keys) {
                Err(error) if is_behind => tracing::warn!(
                    "{error}. Its guard knows of later heights, or isn't known: the vote on the key may be among the \
                     blocks that aren't here, and until it is found the node signs nothing"
                ),
                checked => checked?,
            }
            let guard = match guard {
                Err(_) if is_unfinished(&config.data, chain.tip().height) => {
                    return Err(NodeError::InitUnfinished {
                        path: config.data.clone(),
                    });
                }
                Err(GuardError::Missing) => {
                    return Err(NodeError::NoGuard {
                        path: config.data.clone(),
                        height: chain.tip().height,
                    });
                }
                guard => guard?,
            };
            Some((keys, guard))
        }
        None => None,
    };
    let (wal, recovered) = Wal::open(disk)?;
    Ok(OpenedChain {
        chain,
        mempool,
        reader,
        catalogue,
        checkpoints,
        signer,
        wal,
        recovered,
    })
}

/// Whether the key has signed at later heights than the next, as its guard knows or was told: the vote on it may be
/// among the blocks that aren't here.
fn is_behind(chain: &Chain<RocksStore>, guard: &Guard<FileDisk>) -> bool {
    guard.last().height > chain.tip().height.saturating_add(1)
}

/// A key that is no validator's makes a node that follows in silence: its operator must want that.
fn check_membership(
    config: &Config,
    chain: &Chain<RocksStore>,
    keys: &ValidatorKeys,
) -> Result<(), NodeError> {
    if config.validator_candidate || keys.is_among(chain.validators()) {
        return Ok(());
    }
    Err(NodeError::NotAValidator {
        path: config.validator_key.clone().unwrap_or_default(),
        public_key: hex::encode(keys.first_public_key()),
        height: chain.tip().height,
    })
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;
    use crate::storage::test_blocks;

    fn config_of(data: &Path) -> Config {
        let text = format!(
            "genesis = \"g\"\ndata = {data:?}\nnetwork_key = \"n\"\nrpc = \"127.0.0.1:1\"\n"
        );
        toml::from_str(&text).unwrap()
    }

    /// Without its guard a validator doesn't run, and what helps forgets nothing that its key may have signed.
    #[test]
    fn an_init_that_was_interrupted_before_the_guard_is_finished_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let (data, genesis) = (folder.path(), test_blocks::genesis("cut"));
        let config = config_of(data);
        let made = |history| make(data, &genesis, history);
        let opened = || {
            let keys = ValidatorKeys::from(SigningKey::from_bytes(&[3; 32]));
            open_chain(&config, &genesis.chain_id, Some(keys)).map(drop)
        };
        let is_unfinished = || matches!(opened(), Err(NodeError::InitUnfinished { .. }));
        let exists = |made: Result<(), NodeError>| {
            let error = OpenError::Exists.to_string();
            made.is_err_and(|found| found.to_string().ends_with(&error))
        };
        made(None).unwrap();
        assert!(is_unfinished(), "no guard");
        let guard = data.join(GUARD_FILE);
        let half_made: [&[u8]; 4] = [&[], &[7], &[7; 2 * GUARD_SLOT - 1], &[0; 2 * GUARD_SLOT]];
        for begun in half_made {
            std::fs::write(&guard, begun).unwrap();
            assert!(is_unfinished(), "{} bytes", begun.len());
            made(Some(KeyHistory::Unknown)).unwrap();
            assert!(exists(made(Some(KeyHistory::New))), "there is a guard");
        }
        let whole = std::fs::read(&guard).unwrap();
        for damaged in [vec![7; whole.len()], [&whole[..], b"7"].concat()] {
            std::fs::write(&guard, damaged).unwrap();
            assert!(!is_unfinished(), "it was whole, and may have been used");
            assert!(exists(made(Some(KeyHistory::New))));
        }
        std::fs::write(&guard, whole).unwrap();
        opened().unwrap();
        // It has run: its guard is lost, and init is no way to forget it.
        std::fs::remove_file(data.join(GUARD_FILE)).unwrap();
        assert!(matches!(opened(), Err(NodeError::NoGuard { .. })));
        assert!(exists(made(Some(KeyHistory::New))));
    }

    /// The vote on its key is among the blocks that the node fetches.
    #[test]
    fn a_validator_whose_blocks_are_lost_starts_though_the_founders_did_not_know_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let config = config_of(folder.path());
        let genesis = test_blocks::genesis("later");
        let path = folder.path().join("chain");
        drop(RocksStore::create(&path, &genesis, &StoreSettings::default()).unwrap());
        let disk = || FileDisk::new(DataFolder::open(folder.path()).unwrap());
        let opened = || {
            let keys = ValidatorKeys::from(SigningKey::from_bytes(&[60; 32]));
            open_chain(&config, &genesis.chain_id, Some(keys)).map(drop)
        };
        let is_refused = || matches!(opened(), Err(NodeError::NotAValidator { .. }));
        assert!(is_refused(), "without a guard");
        drop(Guard::create(disk()).unwrap());
        assert!(is_refused(), "it has signed nothing");
        drop(Guard::reset(disk(), 1).unwrap());
        assert!(is_refused(), "nothing is missing here");
        drop(Guard::reset(disk(), 7).unwrap());
        assert!(opened().is_ok());
        std::fs::remove_file(folder.path().join("guard")).unwrap();
        drop(Guard::create_unknown(disk()).unwrap());
        assert!(opened().is_ok());
    }
}
