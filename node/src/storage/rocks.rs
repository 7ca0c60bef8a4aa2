//! The chain in RocksDB: the writing side. One thread commits, another syncs; others read through a [`StoreReader`].

use std::path::Path;
use std::sync::{Arc, Mutex};

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_core::block::Block;
use touchstone_core::execution;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_core::proof::{state, transaction_tree};
use touchstone_core::state as ledger_state;
use touchstone_core::state::commitment::{self, NodeKey, TreeNode, TreeRead};
use touchstone_core::state::{StateRead, keys};
use touchstone_pictures::{Compared, Fingerprint};
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;
use tracing::warn;

use super::block_values::BlockValues;
use super::database::{Database, Rows};
use super::fingerprints::Fingerprints;
use super::recent_events::RecentEvents;
use super::schema::{FORMAT, FORMAT_BEFORE, Meta, MetaKey, MetaRow, State, TransactionIndex};
use super::settled_height;
use super::settling::Settling;
use super::tree_cache::TreeCache;
use super::{Commit, Store, Tip, commit_block, snapshot};

pub use super::checkpoints::{CheckpointWriter, StampedRange};
pub use super::database::{Pinned, StoreSettings};
pub use super::event_index::{Defined, EventCatalogue};
pub use super::schema::{EventPlace, PlaceKey, PlaceRow};
pub use super::snapshot::{LinkCursor, Snapshot, StoreReader};

/// The store of one chain.
pub struct RocksStore {
    db: Arc<Database>,
    settling: Settling,
    cache: Arc<TreeCache>,
    values: Arc<BlockValues>,
    fingerprints: Arc<Fingerprints>,
    recent_events: Arc<RecentEvents>,
    genesis: Tip,
    tip: Tip,
}

/// Why a store can't be opened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Nothing is there, or a creation that was interrupted.
    #[error(
        "there is no chain at this place; create it from the genesis document: touchstone-node init"
    )]
    Missing,
    /// A chain is there already.
    #[error("a chain is stored here already and is not overwritten")]
    Exists,
    /// Another chain's store.
    #[error("the store holds chain {}, not {}", hex::encode(.found), hex::encode(.expected))]
    AnotherChain {
        /// The chain asked for.
        expected: Hash,
        /// The chain found.
        found: Hash,
    },
    /// Written by a newer program.
    #[error("the store's format is {0}; this program reads format {FORMAT}")]
    Format(String),
    /// Damaged, or the disk failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl RocksStore {
    /// Creates the store of a chain at height 0, durably. A creation that was interrupted is
    /// finished.
    pub fn create(
        path: &Path,
        genesis: &Genesis,
        settings: &StoreSettings,
    ) -> Result<RocksStore, OpenError> {
        if is_database(path)? {
            check_tables(path)?;
        }
        let db = Database::open(path, settings, true)?;
        if db.row::<Meta>(&MetaKey::Format)?.is_some() {
            return Err(OpenError::Exists);
        }
        commit_block::genesis(&db, genesis)?;
        open(db, path, &genesis.chain_id, settings)
    }

    /// Opens the store of this chain and checks that its parts agree on the tip.
    pub fn open(
        path: &Path,
        chain_id: &Hash,
        settings: &StoreSettings,
    ) -> Result<RocksStore, OpenError> {
        if !is_database(path)? {
            return Err(OpenError::Missing);
        }
        check_tables(path)?;
        let db = match Database::open(path, settings, false) {
            Err(damage @ Fault::Damaged(_)) => open_after_power_cut(path, settings, damage)?,
            opened => opened?,
        };
        open(db, path, chain_id, settings)
    }

    /// The last block's height.
    pub fn height(&self) -> u64 {
        self.tip.height
    }

    pub(super) fn database(&self) -> &Database {
        &self.db
    }

    /// A reading side for other threads.
    pub fn reader(&self) -> StoreReader {
        StoreReader {
            db: self.db.clone(),
            cache: self.cache.clone(),
            values: self.values.clone(),
            fingerprints: self.fingerprints.clone(),
            genesis: self.genesis.clone(),
            last_tip: Arc::new(Mutex::new(self.genesis.clone())),
        }
    }

    /// The index of events and the named queries, for the HTTP interface.
    pub fn catalogue(&self) -> EventCatalogue {
        EventCatalogue::new(self.reader(), self.recent_events.clone())
    }

    /// The keeper of time stamps, for another thread.
    pub fn checkpoint_writer(&self) -> CheckpointWriter {
        CheckpointWriter {
            db: self.db.clone(),
        }
    }
}

fn is_database(path: &Path) -> Result<bool, Fault> {
    path.join("CURRENT")
        .try_exists()
        .map_err(|e| Fault::Storage(format!("{}: {e}", path.display())))
}

fn check_tables(path: &Path) -> Result<(), OpenError> {
    match Database::unknown_tables(path)?.into_iter().next() {
        Some(name) => Err(OpenError::Format(format!("one with a table {name:?}"))),
        None => Ok(()),
    }
}

/// A power cut may garble what the database's log has got since its last sync. It is forgotten, as nobody relies on it:
/// the blocks are decided again or fetched. Where damage takes what was durable, that stays as it is, and is refused.
fn open_after_power_cut(
    path: &Path,
    settings: &StoreSettings,
    damage: Fault,
) -> Result<Database, Fault> {
    // Looked at before anything is changed.
    let whole = match Database::open_read_only(path).and_then(|db| db.row::<Meta>(&MetaKey::Tip)) {
        Ok(Some(MetaRow::Tip { height, .. })) => height,
        _ => return Err(damage),
    };
    let settled = settled_height::noted(path);
    if whole < settled {
        let lost = format!("{damage}; blocks {} to {settled} are lost", whole + 1);
        return Err(Fault::Damaged(lost));
    }
    warn!(
        height = whole,
        "the end of the database's log isn't whole, as after a power cut: what followed is fetched or decided again"
    );
    Database::open_up_to_damage(path, settings)
}

fn open(
    db: Database,
    path: &Path,
    chain_id: &Hash,
    settings: &StoreSettings,
) -> Result<RocksStore, OpenError> {
    match db.row::<Meta>(&MetaKey::Format)? {
        None => return Err(OpenError::Missing),
        Some(MetaRow::Format(1)) => commit_block::move_tree(&db)?,
        Some(MetaRow::Format(FORMAT_BEFORE)) => commit_block::note_format(&db)?,
        Some(MetaRow::Format(FORMAT)) => {}
        Some(MetaRow::Format(other)) => return Err(OpenError::Format(other.to_string())),
        Some(_) => return Err(Fault::Damaged("the format is another row".into()).into()),
    }
    let Some(MetaRow::Genesis {
        chain_id: found,
        time_ms,
        state_root,
    }) = db.row::<Meta>(&MetaKey::Genesis)?
    else {
        return Err(Fault::Damaged("the genesis row is missing".into()).into());
    };
    if found != *chain_id {
        return Err(OpenError::AnotherChain {
            expected: *chain_id,
            found,
        });
    }
    commit_block::forget_earlier_index(&db)?;
    let genesis = Tip {
        height: 0,
        block_id: found,
        time_ms,
        header: None,
    };
    let tip = snapshot::tip(&db, &genesis)?;
    let db = Arc::new(db);
    let store = RocksStore {
        settling: Settling::start(db.clone(), path)?,
        db,
        cache: Arc::new(TreeCache::new(settings.cached_tree_levels)),
        values: Arc::new(BlockValues::after(tip.height)),
        fingerprints: Arc::default(),
        recent_events: Arc::default(),
        genesis,
        tip,
    };
    check(&store, &state_root)?;
    // Read now, so that no block waits for it.
    let published = ledger_state::fingerprint_count(&store)?.pictures;
    store.fingerprints.read_up_to(&store, published)?;
    Ok(store)
}

/// The parts of the store agree on the tip: the block is there with its envelopes, and the tree's
/// root is the header's and proves the validators.
fn check(store: &RocksStore, genesis_root: &Hash) -> Result<(), Fault> {
    let damaged = |what: &str| Fault::Damaged(format!("at height {}: {what}", store.tip.height));
    let root = match &store.tip.header {
        None => *genesis_root,
        Some(header) => {
            let (block, _) = store
                .block(header.height)?
                .ok_or_else(|| damaged("the block is missing"))?;
            if block.header != *header {
                return Err(damaged("the block is not the tip"));
            }
            if transaction_tree::root(&block.transactions) != header.transaction_root {
                return Err(damaged("the envelopes are not those of the header"));
            }
            if execution::validators(store)?.hash() != header.next_validators_hash {
                return Err(damaged("the validators are not those of the header"));
            }
            header.state_root
        }
    };
    let value = store.get(keys::VALIDATORS)?;
    let proof = commitment::prove(store, store.tip.height, keys::VALIDATORS, value.as_deref())
        .map_err(|fault| damaged(&format!("the tree: {fault}")))?;
    state::verify(&root, keys::VALIDATORS, value.as_deref(), &proof)
        .map_err(|e| damaged(&format!("the tree's root is not the header's: {e}")))?;
    Ok(())
}

impl StateRead for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let read = || self.db.row::<State>(&key.to_vec());
        self.values.get(key, self.tip.height, read)
    }

    fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        self.db.values(keys)
    }

    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault> {
        Ok(self.db.row::<TransactionIndex>(transaction_id)?.is_some())
    }

    fn compare(&self, fingerprint: &Fingerprint, count: u64) -> Result<Compared, Fault> {
        self.fingerprints.compare(self, fingerprint, count)
    }
}

impl TreeRead for RocksStore {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        self.cache.node(key, || snapshot::node(&*self.db, key))
    }
}

impl Store for RocksStore {
    fn tip(&self) -> Tip {
        self.tip.clone()
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<(), Fault> {
        check_follows(&self.tip, &commit)?;
        commit_block::block(&self.db, &commit)?;
        self.settling.wish(commit.block.header.height)?;
        self.cache.update(&commit.executed.tree);
        let written = &commit.executed.writes.values;
        self.values.update(commit.block.header.height, written);
        // Without an index nobody would take them.
        if Arc::strong_count(&self.recent_events) > 1 {
            let height = commit.block.header.height;
            self.recent_events.keep(height, commit.transactions);
        }
        let header = &commit.block.header;
        self.tip = Tip {
            height: header.height,
            block_id: header.id(),
            time_ms: header.time_ms,
            header: Some(header.clone()),
        };
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.settling.wait()
    }

    fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault> {
        snapshot::block(&*self.db, height)
    }

    fn keep_misbehaviour(&mut self, evidence: &[Misbehaviour]) -> Result<(), Fault> {
        commit_block::misbehaviour(&self.db, evidence)
    }
}

/// The chain has validated the block; writing one that doesn't belong here would be our own fault.
fn check_follows(tip: &Tip, commit: &Commit<'_>) -> Result<(), Fault> {
    let header = &commit.block.header;
    let conditions = [
        (header.height == tip.height + 1, "it is not the next height"),
        (header.parent == tip.block_id, "its parent is not the tip"),
        (
            commit.executed.header == *header,
            "its effects are another block's",
        ),
        (
            commit.executed.tree.root == header.state_root,
            "its tree has another root",
        ),
        (
            commit.transaction_ids.len() == commit.block.transactions.len(),
            "its transactions and their ids differ in number",
        ),
    ];
    match conditions.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, why)) => Err(Fault::Invariant(format!(
            "block {} can't be stored: {why}",
            header.height
        ))),
    }
}

#[cfg(test)]
mod tests;
