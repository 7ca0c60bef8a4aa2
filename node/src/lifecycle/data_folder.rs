//! A node's data folder: made for a new node, and opened for a run.

use std::time::Instant;

use touchstone_core::hash::Hash;

use super::NodeError;
use crate::chain::Chain;
use crate::config::{Config, Loaded};
use crate::consensus::ValidatorKeys;
use crate::mempool::{PoolLimits, SharedMempool};
use crate::storage::Store;
use crate::storage::double_sign_guard::{Guard, GuardError};
use crate::storage::files::{DataFolder, FileDisk};
use crate::storage::rocks::{
    CheckpointWriter, EventCatalogue, RocksStore, StoreReader, StoreSettings,
};
use crate::storage::wal::{RecoveredLog, Wal};

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

/// Creates a node's data folder: the database at genesis, and the double-sign guard of a validator.
pub fn initialise(loaded: &Loaded, history: Option<KeyHistory>) -> Result<(), NodeError> {
    if loaded.validator_key.is_some() && history.is_none() {
        return Err(NodeError::KeyHistory);
    }
    let folder = DataFolder::open(&loaded.config.data)?;
    let path = folder.path().join("chain");
    RocksStore::create(&path, &loaded.genesis, &StoreSettings::default())
        .map_err(|error| NodeError::Store { path, error })?;
    let disk = FileDisk::new(folder);
    match history.filter(|_| loaded.validator_key.is_some()) {
        None => {}
        Some(KeyHistory::New) => drop(Guard::create(disk)?),
        Some(KeyHistory::SignedTo(height)) => drop(Guard::reset(disk, height)?),
        Some(KeyHistory::Unknown) => drop(Guard::create_unknown(disk)?),
    }
    Ok(())
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

    /// The vote on its key is among the blocks that the node fetches.
    #[test]
    fn a_validator_whose_blocks_are_lost_starts_though_the_founders_did_not_know_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "genesis = \"g\"\ndata = {:?}\nnetwork_key = \"n\"\nrpc = \"127.0.0.1:1\"\n",
            folder.path()
        );
        let config: Config = toml::from_str(&text).unwrap();
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
