//! A chain over a store of its own, without node and peers.

use touchstone_core::genesis::Genesis;
use touchstone_core::test_support::genesis_document;
use touchstone_node::chain::Chain;
use touchstone_node::mempool::{PoolLimits, SharedMempool};
use touchstone_node::storage::rocks::{EventCatalogue, RocksStore, StoreSettings};

/// At genesis, over RocksDB in a temporary folder.
pub struct LoneChain {
    /// The members of the tests.
    pub genesis: Genesis,
    /// The chain.
    pub chain: Chain<RocksStore>,
    /// Its index of events, and what else is beside the chain.
    pub catalogue: EventCatalogue,
    /// Its pool.
    pub pool: SharedMempool,
    /// Deleted when it is dropped.
    pub folder: tempfile::TempDir,
}

impl LoneChain {
    /// A new one.
    ///
    /// # Panics
    ///
    /// Where the folder can't be written.
    pub fn start() -> LoneChain {
        let genesis = Genesis::read(&genesis_document().to_bytes()).expect("a good document");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = RocksStore::create(folder.path(), &genesis, &StoreSettings::default());
        let store = store.expect("a new store");
        let catalogue = store.catalogue();
        let pool = SharedMempool::new(PoolLimits::default());
        let chain = Chain::open(genesis.chain_id, store, pool.clone());
        LoneChain {
            genesis,
            chain: chain.expect("a new chain"),
            catalogue,
            pool,
            folder,
        }
    }
}
