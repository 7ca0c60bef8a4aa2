//! RocksDB behind typed tables: how it is opened, and how rows are read. What is written stands in
//! [`super::commit_block`] alone.

mod tuning;

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;

use rocksdb::checkpoint::Checkpoint;
use rocksdb::properties::LIVE_SST_FILES_SIZE;
use rocksdb::{
    ColumnFamily, DB, DBIterator, DBPinnableSlice, DBRawIterator, DBRecoveryMode, Direction,
    ErrorKind, IteratorMode, ReadOptions, ReadTier,
};
use touchstone_core::Fault;

#[cfg(test)]
pub(super) use self::tuning::LARGE_ENVELOPE;
pub use self::tuning::StoreSettings;
use self::tuning::{background_env, database_options, tables};
use super::schema::{State, TABLES, Table, TableKey, TableValue};

/// What RocksDB calls the bytes of these files.
const BLOB_BYTES: &CStr = c"rocksdb.live-blob-file-size";

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
    /// What would have to be read from a file is a fault.
    is_in_memory: bool,
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
        options.set_env(&background_env().map_err(fault)?);
        let tables = tables(settings.block_cache_bytes).map_err(fault)?;
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
        let tables = tables(settings.block_cache_bytes).map_err(fault)?;
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
            is_in_memory: false,
        }
    }

    /// The same of what is in memory. Reading anything else is a fault, and waits for no disk.
    pub fn snapshot_in_memory(&self) -> DatabaseSnapshot<'_> {
        DatabaseSnapshot {
            is_in_memory: true,
            ..self.snapshot()
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
            self.raw.iterator_cf_opt(family, self.options(), mode)
        })
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        if self.is_in_memory {
            options.set_read_tier(ReadTier::BlockCache);
        }
        options
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
        let found = self.raw.multi_get_cf_opt(wanted, self.options());
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
        let family = self.db.family::<T>()?;
        let found = self
            .raw
            .get_pinned_cf_opt(family, key.encode(), self.options());
        Ok(found.map_err(fault)?.map(Pinned))
    }

    /// A cursor over a table.
    pub(super) fn cursor<T: Table>(&self) -> Result<Cursor<'_, T>, Fault> {
        let family = self.db.family::<T>()?;
        let raw = self.raw.raw_iterator_cf_opt(family, self.options());
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
            .get_pinned_cf_opt(self.db.family::<T>()?, key.encode(), self.options())
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
            self.raw.iterator_cf_opt(family, self.options(), mode)
        })
    }

    fn row_at_or_before<T: Table>(
        &self,
        key: &T::Key,
    ) -> Result<Option<(T::Key, T::Value)>, Fault> {
        let family = self.db.family::<T>();
        rows::<T, _>(family, key, Direction::Reverse, |family, mode| {
            self.raw.iterator_cf_opt(family, self.options(), mode)
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

/// What RocksDB says of a file that its tables are made of and that isn't there: to try again doesn't bring it back.
const MISSING_FILE: &str = "IO error: No such file or directory: While open a file for random read";

/// RocksDB's own checks found damage, a file is missing, or the disk failed.
pub(super) fn fault(error: rocksdb::Error) -> Fault {
    let is_corrupt = matches!(error.kind(), ErrorKind::Corruption);
    let message = error.into_string();
    match is_corrupt || message.starts_with(MISSING_FILE) {
        true => Fault::Damaged(message),
        false => Fault::Storage(message),
    }
}
