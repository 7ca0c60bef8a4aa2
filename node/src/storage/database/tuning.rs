//! How RocksDB is tuned for this load.

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode, Env,
    LogLevel, SliceTransform,
};

use crate::storage::schema::{
    EventIndex, LINK_OWNER_BYTES, Links, State, TABLES, Table, TransactionIndex, Transactions, Tree,
};

/// Bytes from which on an envelope stands apart from the table's rows, in files and a cache of their own (RocksDB's
/// blobs). A question about an item wants one event of it: as a block, the whole would displace what others ask for.
pub(in crate::storage) const LARGE_ENVELOPE: u64 = 4 << 10;

/// Lets RocksDB search a new row's place in memory from the row before, instead of from the list's beginning. That row
/// is remembered by a prefix of the keys: the empty one, so there is one for all. The crate has no function for it.
const SEARCH_FROM_THE_ROW_BEFORE: &str =
    "memtable_insert_with_hint_prefix_extractor=rocksdb.CappedPrefix.0";

/// The same for rows that are read together, in the order of their keys: a block's values.
const LOOK_UP_FROM_THE_ROW_BEFORE: &str = "memtable_batch_lookup_optimization=true";

/// Memory that the store may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// Bytes of uncompressed blocks kept in memory. A quarter as many of large envelopes are kept besides.
    pub block_cache_bytes: usize,
    /// Bytes of writes kept in memory before they are sorted into files, all tables together. Twice as many stand in
    /// the database's log, which is read whole when it is opened: with 256 MB a start took two and a half times as long
    /// as with 64 MB, and writing cost as much.
    pub write_buffer_bytes: usize,
    /// Levels of the state tree kept decoded in memory, from the root. Five are at most 69 905
    /// nodes, some 110 MB; 0 keeps none.
    pub cached_tree_levels: usize,
}

impl Default for StoreSettings {
    fn default() -> Self {
        StoreSettings {
            block_cache_bytes: 256 << 20,
            write_buffer_bytes: 64 << 20,
            cached_tree_levels: 5,
        }
    }
}

/// RocksDB's threads take what processor time the others leave: nodes fill their buffers alike, and would all write
/// them to the disk in the same moment, before what their callers wait for (ADR 68).
pub(super) fn background_env() -> Result<Env, rocksdb::Error> {
    let mut env = Env::new()?;
    env.lower_thread_pool_cpu_priority();
    env.lower_high_priority_thread_pool_cpu_priority();
    Ok(env)
}

/// Those of the database as a whole.
pub(super) fn database_options(
    settings: &StoreSettings,
    create: bool,
    recovery: DBRecoveryMode,
) -> rocksdb::Options {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(create);
    // A store that an earlier program made has fewer tables.
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(recovery);
    // One writer: pipelining gains nothing.
    options.set_enable_pipelined_write(false);
    options.set_db_write_buffer_size(settings.write_buffer_bytes);
    options.set_max_total_wal_size(2 * settings.write_buffer_bytes as u64);
    options.set_max_background_jobs(4);
    options.set_max_open_files(1024);
    options.set_bytes_per_sync(1 << 20);
    options.set_keep_log_file_num(4);
    options.set_log_level(LogLevel::Warn);
    #[cfg(test)]
    options.enable_statistics();
    options
}

/// All tables as they are opened, with caches of so many bytes.
pub(super) fn tables(cache_bytes: usize) -> Result<Vec<ColumnFamilyDescriptor>, rocksdb::Error> {
    let cache = Cache::new_lru_cache(cache_bytes);
    let large = Cache::new_lru_cache(cache_bytes / 4);
    let tables = TABLES.iter().map(|(name, compressed)| {
        let options = table_options(name, *compressed, &cache, &large)?;
        Ok(ColumnFamilyDescriptor::new(*name, options))
    });
    tables.collect()
}

fn table_options(
    name: &str,
    compressed: bool,
    cache: &Cache,
    large: &Cache,
) -> Result<rocksdb::Options, rocksdb::Error> {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Of these a question about an item reads a row each, here and there: a block that isn't in memory is read and
    // unpacked for it alone. The others are read in a row, or have rows as large as that.
    let is_read_here_and_there = [State::NAME, Tree::NAME, Links::NAME].contains(&name);
    blocks.set_block_size(if is_read_here_and_there {
        4 << 10
    } else {
        8 << 10
    });
    blocks.set_bloom_filter(10.0, false);
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    let mut options = rocksdb::Options::default();
    // Of these a block writes many rows, in the order of their keys.
    let is_written_in_order = [
        State::NAME,
        Tree::NAME,
        Links::NAME,
        TransactionIndex::NAME,
        EventIndex::NAME,
    ];
    if is_written_in_order.contains(&name) {
        options = options.get_options_from_string(SEARCH_FROM_THE_ROW_BEFORE)?;
    }
    if name == State::NAME {
        options = options.get_options_from_string(LOOK_UP_FROM_THE_ROW_BEFORE)?;
    }
    if name == Links::NAME {
        // A link is read from an entry on, so the filters are asked for its owner. Otherwise each file whose range it
        // falls into would be read, which all of them are.
        options.set_prefix_extractor(SliceTransform::create_fixed_prefix(LINK_OWNER_BYTES));
        blocks.set_whole_key_filtering(false);
    }
    if name == Transactions::NAME {
        options.set_enable_blob_files(true);
        options.set_min_blob_size(LARGE_ENVELOPE);
        options.set_blob_compression_type(DBCompressionType::Lz4);
        options.set_blob_cache(large);
    }
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(if compressed {
        DBCompressionType::Lz4
    } else {
        DBCompressionType::None
    });
    if [Tree::NAME, Transactions::NAME].contains(&name) {
        // Who asks for one of these rows knows that it is there, so the last level's files needn't tell whether they
        // have it.
        options.set_optimize_filters_for_hits(true);
    }
    if [State::NAME, Links::NAME].contains(&name) {
        // Their keys fall anywhere, so files that come from memory are soon merged, all of them: they would be packed
        // twice. Where keys follow one another, files are moved as they are.
        let unpacked_at_first = [DBCompressionType::None, DBCompressionType::Lz4];
        options.set_compression_per_level(&unpacked_at_first);
    }
    options.set_write_buffer_size(64 << 20);
    // A commit doesn't wait while the one before is written by threads that stand behind all others.
    options.set_max_write_buffer_number(4);
    options.set_level_compaction_dynamic_level_bytes(true);
    Ok(options)
}
