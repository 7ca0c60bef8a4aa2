//! RocksDB behind typed tables: how it is opened and tuned, and how rows are read. What is written
//! stands in [`super::commit_block`] alone.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::properties::LIVE_SST_FILES_SIZE;
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, ColumnFamilyDescriptor, DB, DBCompressionType,
    DBIterator, DBPinnableSlice, DBRawIterator, DBRecoveryMode, Direction, Env, ErrorKind,
    IteratorMode, LogLevel, ReadOptions, SliceTransform,
};
use touchstone_core::Fault;

use super::schema::{
    LINK_OWNER_BYTES, Links, State, TABLES, Table, TableKey, TableValue, Transactions, Tree,
};

/// Bytes from which on an envelope stands apart from the table's rows, in files of their own (RocksDB's blobs), as it has
/// a cache of its own. A question about an item wants one event of it: as a block, the whole would displace what others
/// ask for.
pub(super) const LARGE_ENVELOPE: u64 = 4 << 10;

/// What RocksDB calls the bytes of these files.
const BLOB_BYTES: &CStr = c"rocksdb.live-blob-file-size";

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
    /// nodes, some 70 MB; 0 keeps none.
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

/// The open database.
pub struct Database {
    pub(super) raw: DB,
    #[cfg(test)]
    pub(super) options: rocksdb::Options,
}

/// A row of a table: its key and its value.
pub type Row<T> = (<T as Table>::Key, <T as Table>::Value);

/// A row as it is stored.
pub type RawRow = (Box<[u8]>, Box<[u8]>);

/// Reading rows. Two implementations: the newest ones, and those of a snapshot.
pub trait Rows {
    /// The row with this key.
    fn row<T: Table>(&self, key: &T::Key) -> Result<Option<T::Value>, Fault>;

    /// The rows from this key on, ascending.
    fn rows_from<T: Table>(
        &self,
        from: &T::Key,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>>;

    /// The last row whose key is not above this one.
    fn row_at_or_before<T: Table>(&self, key: &T::Key) -> Result<Option<Row<T>>, Fault>;
}

/// All tables at one moment.
pub struct DatabaseSnapshot<'a> {
    db: &'a Database,
    raw: rocksdb::Snapshot<'a>,
}

impl Database {
    /// Opens the database; creates it if `create` says so and it isn't there.
    pub fn open(path: &Path, settings: &StoreSettings, create: bool) -> Result<Database, Fault> {
        // A record cut off by a crash was never acknowledged; any other damage of the log must stop
        // the node rather than silently undo blocks.
        let recovery = DBRecoveryMode::TolerateCorruptedTailRecords;
        Database::open_for_writing(path, settings, create, recovery)
    }

    /// Opens the database as it was where its log can't be read on: what the log says after that is forgotten.
    pub fn open_up_to_damage(path: &Path, settings: &StoreSettings) -> Result<Database, Fault> {
        Database::open_for_writing(path, settings, false, DBRecoveryMode::PointInTime)
    }

    fn open_for_writing(
        path: &Path,
        settings: &StoreSettings,
        create: bool,
        recovery: DBRecoveryMode,
    ) -> Result<Database, Fault> {
        let mut options = database_options(settings, create, recovery);
        options.set_env(&background_env()?);
        let tables = tables(settings.block_cache_bytes);
        let raw = DB::open_cf_descriptors(&options, path, tables).map_err(fault)?;
        Ok(Database {
            raw,
            #[cfg(test)]
            options,
        })
    }

    /// Opens what is there to be read, damaged or not, up to where its log can't be read on: its files aren't changed.
    pub fn open_read_only(path: &Path) -> Result<Database, Fault> {
        let settings = StoreSettings {
            block_cache_bytes: 64 << 20,
            ..StoreSettings::default()
        };
        let options = database_options(&settings, false, DBRecoveryMode::PointInTime);
        let tables = tables(settings.block_cache_bytes);
        let raw = DB::open_cf_descriptors_read_only(&options, path, tables, false);
        Ok(Database {
            raw: raw.map_err(fault)?,
            #[cfg(test)]
            options,
        })
    }

    /// All rows of a table as they are stored; the last item is the fault that ends them, if one does.
    pub(super) fn raw_rows(
        &self,
        table: &str,
    ) -> Result<impl Iterator<Item = Result<RawRow, Fault>>, Fault> {
        let mut options = ReadOptions::default();
        // Of all owners.
        options.set_total_order_seek(true);
        let family = self.named(table)?;
        let rows = self
            .raw
            .iterator_cf_opt(family, options, IteratorMode::Start);
        Ok(rows.map(|row| row.map_err(fault)))
    }

    /// Bytes of each table's files, once all that is in memory is in them and what was replaced is out of them.
    pub(super) fn compacted_bytes(&self) -> Result<Vec<(&'static str, u64)>, Fault> {
        let tables = TABLES.iter().map(|(name, _)| {
            let family = self.named(name)?;
            self.raw.flush_cf(family).map_err(fault)?;
            self.raw
                .compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
            let rows = self.raw.property_int_value_cf(family, LIVE_SST_FILES_SIZE);
            let blobs = self.raw.property_int_value_cf(family, BLOB_BYTES);
            let (rows, blobs) = (rows.map_err(fault)?, blobs.map_err(fault)?);
            Ok((*name, rows.unwrap_or(0) + blobs.unwrap_or(0)))
        });
        tables.collect()
    }

    fn named(&self, table: &str) -> Result<&ColumnFamily, Fault> {
        let family = self.raw.cf_handle(table);
        family.ok_or_else(|| Fault::Invariant(format!("column family {table} is not open")))
    }

    /// Names of the column families on disk that this program doesn't know.
    pub fn unknown_tables(path: &Path) -> Result<Vec<String>, Fault> {
        let names = DB::list_cf(&rocksdb::Options::default(), path).map_err(fault)?;
        let known = |name: &str| name == "default" || TABLES.iter().any(|(n, _)| *n == name);
        Ok(names.into_iter().filter(|n| !known(n)).collect())
    }

    /// Whether a store has a table on disk.
    pub fn has_table(path: &Path, name: &str) -> Result<bool, Fault> {
        let names = DB::list_cf(&rocksdb::Options::default(), path).map_err(fault)?;
        Ok(names.iter().any(|known| known == name))
    }

    /// All tables as they are now, whatever is written later.
    pub fn snapshot(&self) -> DatabaseSnapshot<'_> {
        DatabaseSnapshot {
            db: self,
            raw: self.raw.snapshot(),
        }
    }

    /// Copies all of it into a new folder, as it is at one moment; files are shared where they can be.
    pub fn copy_to(&self, folder: &Path) -> Result<(), Fault> {
        let copied = Checkpoint::new(&self.raw).and_then(|copy| copy.create_checkpoint(folder));
        copied.map_err(fault)
    }

    /// The values of state keys, which are ascending, in one go.
    pub(super) fn values(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let found = self
            .raw
            .batched_multi_get_cf(self.family::<State>()?, keys, true);
        let values = found.into_iter().map(|found| {
            let value = found.map_err(fault)?;
            Ok(value.map(|value| value.to_vec()))
        });
        values.collect()
    }

    pub(super) fn family<T: Table>(&self) -> Result<&ColumnFamily, Fault> {
        self.named(T::NAME)
    }
}

/// RocksDB's threads take what processor time the others leave: nodes fill their buffers alike, and would all write
/// them to the disk in the same moment, before what their callers wait for (ADR 68).
fn background_env() -> Result<Env, Fault> {
    let mut env = Env::new().map_err(fault)?;
    env.lower_thread_pool_cpu_priority();
    env.lower_high_priority_thread_pool_cpu_priority();
    Ok(env)
}

fn database_options(
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
fn tables(cache_bytes: usize) -> impl Iterator<Item = ColumnFamilyDescriptor> {
    let cache = Cache::new_lru_cache(cache_bytes);
    let large = Cache::new_lru_cache(cache_bytes / 4);
    TABLES.iter().map(move |(name, compressed)| {
        ColumnFamilyDescriptor::new(*name, table_options(name, *compressed, &cache, &large))
    })
}

fn table_options(name: &str, compressed: bool, cache: &Cache, large: &Cache) -> rocksdb::Options {
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
    options.set_write_buffer_size(64 << 20);
    // A commit doesn't wait while the one before is written by threads that stand behind all others.
    options.set_max_write_buffer_number(4);
    options.set_level_compaction_dynamic_level_bytes(true);
    options
}

impl Rows for Database {
    fn row<T: Table>(&self, key: &T::Key) -> Result<Option<T::Value>, Fault> {
        let found = self
            .raw
            .get_pinned_cf(self.family::<T>()?, key.encode())
            .map_err(fault)?;
        found
            .map(|bytes| decode_value::<T>(key, &bytes))
            .transpose()
    }

    fn rows_from<T: Table>(
        &self,
        from: &T::Key,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> {
        rows::<T, _>(
            self.family::<T>(),
            from,
            Direction::Forward,
            |family, mode| self.raw.iterator_cf(family, mode),
        )
    }

    fn row_at_or_before<T: Table>(
        &self,
        key: &T::Key,
    ) -> Result<Option<(T::Key, T::Value)>, Fault> {
        rows::<T, _>(
            self.family::<T>(),
            key,
            Direction::Reverse,
            |family, mode| self.raw.iterator_cf(family, mode),
        )
        .next()
        .transpose()
    }
}

impl<'a> DatabaseSnapshot<'a> {
    /// The rows from this key on, ascending; or back from it.
    pub(super) fn rows_ordered<'b, T: Table>(
        &'b self,
        from: &T::Key,
        descending: bool,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> + use<'a, 'b, T> {
        let direction = if descending {
            Direction::Reverse
        } else {
            Direction::Forward
        };
        rows::<T, _>(self.db.family::<T>(), from, direction, |family, mode| {
            self.raw
                .iterator_cf_opt(family, ReadOptions::default(), mode)
        })
    }
}

/// Bytes where RocksDB keeps them, which stay there until this is dropped.
pub struct Pinned<'a>(DBPinnableSlice<'a>);

impl Deref for Pinned<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A place among a table's rows that is moved: opening an iterator costs more than moving it.
pub struct Cursor<'a, T: Table> {
    raw: DBRawIterator<'a>,
    table: PhantomData<T>,
}

impl DatabaseSnapshot<'_> {
    /// The rows with these keys, in one go.
    pub(super) fn rows_at<T: Table>(
        &self,
        keys: &[T::Key],
    ) -> Result<Vec<Option<T::Value>>, Fault> {
        let family = self.db.family::<T>()?;
        let encoded: Vec<Vec<u8>> = keys.iter().map(TableKey::encode).collect();
        let wanted = encoded.iter().map(|key| (family, key.as_slice()));
        let found = self.raw.multi_get_cf(wanted);
        let rows = keys.iter().zip(found).map(|(key, found)| {
            let bytes = found.map_err(fault)?;
            bytes
                .map(|bytes| decode_value::<T>(key, &bytes))
                .transpose()
        });
        rows.collect()
    }

    /// The bytes of a row, not copied where they are in a block.
    pub(super) fn pinned<T: Table>(&self, key: &T::Key) -> Result<Option<Pinned<'_>>, Fault> {
        let found = self.raw.get_pinned_cf(self.db.family::<T>()?, key.encode());
        Ok(found.map_err(fault)?.map(Pinned))
    }

    /// A cursor over a table.
    pub(super) fn cursor<T: Table>(&self) -> Result<Cursor<'_, T>, Fault> {
        let family = self.db.family::<T>()?;
        let raw = self.raw.raw_iterator_cf_opt(family, ReadOptions::default());
        Ok(Cursor {
            raw,
            table: PhantomData,
        })
    }
}

impl<'a, T: Table> Cursor<'a, T> {
    /// The rows from this key on, ascending.
    pub(super) fn rows_from<'b>(
        &'b mut self,
        from: &T::Key,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> + use<'a, 'b, T> {
        self.raw.seek(from.encode());
        let mut is_first = true;
        std::iter::from_fn(move || {
            if !std::mem::take(&mut is_first) {
                self.raw.next();
            }
            let Some((key, value)) = self.raw.item() else {
                let status = self.raw.status().map_err(fault);
                return status.err().map(Err);
            };
            let row = T::Key::decode(key).ok_or_else(|| damaged::<T>(key));
            Some(row.and_then(|key| {
                let value = decode_value::<T>(&key, value)?;
                Ok((key, value))
            }))
        })
    }
}

impl Rows for DatabaseSnapshot<'_> {
    fn row<T: Table>(&self, key: &T::Key) -> Result<Option<T::Value>, Fault> {
        let found = self
            .raw
            .get_pinned_cf(self.db.family::<T>()?, key.encode())
            .map_err(fault)?;
        found
            .map(|bytes| decode_value::<T>(key, &bytes))
            .transpose()
    }

    fn rows_from<T: Table>(
        &self,
        from: &T::Key,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> {
        let family = self.db.family::<T>();
        rows::<T, _>(family, from, Direction::Forward, |family, mode| {
            self.raw
                .iterator_cf_opt(family, ReadOptions::default(), mode)
        })
    }

    fn row_at_or_before<T: Table>(
        &self,
        key: &T::Key,
    ) -> Result<Option<(T::Key, T::Value)>, Fault> {
        let family = self.db.family::<T>();
        rows::<T, _>(family, key, Direction::Reverse, |family, mode| {
            self.raw
                .iterator_cf_opt(family, ReadOptions::default(), mode)
        })
        .next()
        .transpose()
    }
}

/// The rows of an iterator, or the one fault that there is none.
fn rows<'a, T: Table, F>(
    family: Result<&'a ColumnFamily, Fault>,
    from: &T::Key,
    direction: Direction,
    open: F,
) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> + use<'a, T, F>
where
    F: FnOnce(&'a ColumnFamily, IteratorMode<'_>) -> DBIterator<'a>,
{
    let start = from.encode();
    let (iterator, missing) = match family {
        Ok(family) => {
            let mode = IteratorMode::From(&start, direction);
            (Some(open(family, mode)), None)
        }
        Err(fault) => (None, Some(Err(fault))),
    };
    let rows = iterator.into_iter().flatten().map(|row| {
        let (key, value) = row.map_err(fault)?;
        let key = T::Key::decode(&key).ok_or_else(|| damaged::<T>(&key))?;
        let value = decode_value::<T>(&key, &value)?;
        Ok((key, value))
    });
    missing.into_iter().chain(rows)
}

fn decode_value<T: Table>(key: &T::Key, bytes: &[u8]) -> Result<T::Value, Fault> {
    T::Value::decode(bytes).ok_or_else(|| damaged::<T>(&key.encode()))
}

fn damaged<T: Table>(key: &[u8]) -> Fault {
    Fault::Damaged(format!("row {} of {}", hex::encode(key), T::NAME))
}

/// RocksDB's own checks found damage, or the disk failed.
pub(super) fn fault(error: rocksdb::Error) -> Fault {
    match error.kind() {
        ErrorKind::Corruption => Fault::Damaged(error.into_string()),
        _ => Fault::Storage(error.into_string()),
    }
}
