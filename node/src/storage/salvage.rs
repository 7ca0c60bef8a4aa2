//! A database that may be damaged: read without a change, held against one that was made anew from its blocks, and
//! searched for what no block tells (evidence of double signing, time stamps, named queries).

use std::iter::Peekable;
use std::path::Path;

use touchstone_core::Fault;
use touchstone_core::block::{Block, Header};
use touchstone_core::encoding;
use touchstone_core::hash::{self, Hash};
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

use super::commit_block;
use super::database::{Database, RawRow, Row, Rows};
use super::rocks::{EventCatalogue, OpenError, RocksStore};
use super::schema::{
    BlockIndex, CheckpointKey, CheckpointRow, Checkpoints, EventIndex, EvidenceKey, FORMAT,
    FORMAT_BEFORE, Headers, HeightKey, HttpKey, HttpTable, Links, Meta, MetaKey, MetaRow,
    Misbehaviours, State, TABLES, Table, TableKey, TableValue, TransactionIndex, Transactions,
    Tree, ValidatorSets,
};
use super::{settled_height, snapshot};

/// Tables that follow from the blocks.
const DERIVED: [&str; 9] = [
    Headers::NAME,
    Transactions::NAME,
    TransactionIndex::NAME,
    BlockIndex::NAME,
    State::NAME,
    Tree::NAME,
    Links::NAME,
    ValidatorSets::NAME,
    Meta::NAME,
];

/// A table whose rows aren't what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDamage {
    /// Its name.
    pub table: &'static str,
    /// What is wrong with it, and where first.
    pub what: String,
}

/// A database that may be damaged, open to be read.
pub struct Salvage {
    db: Database,
    settled: u64,
}

/// What no block tells, as far as it could be read.
#[derive(Debug, Default)]
pub struct OwnRows {
    misbehaviour: Vec<Misbehaviour>,
    checkpoints: Vec<(CheckpointKey, CheckpointRow)>,
    queries: Vec<(String, Vec<u8>)>,
    /// Tables with rows that can't be used.
    pub damages: Vec<TableDamage>,
}

impl Salvage {
    /// Opens what is there; nothing of it is changed.
    pub fn open(path: &Path) -> Result<Salvage, OpenError> {
        if let Some(name) = Database::unknown_tables(path)?.first() {
            return Err(OpenError::Format(format!("one with a table {name:?}")));
        }
        if !Database::has_table(path, Tree::NAME)? {
            let earlier = "an earlier one, which the node brings up to date when it starts";
            return Err(OpenError::Format(earlier.into()));
        }
        let db = Database::open_read_only(path)?;
        let settled = settled_height::noted(path);
        Ok(Salvage { db, settled })
    }

    /// Refuses what this program can't judge: another chain, or another layout.
    pub fn check_chain(&self, chain_id: &Hash) -> Result<(), OpenError> {
        if let Ok(Some(MetaRow::Format(found))) = self.db.row::<Meta>(&MetaKey::Format)
            && ![FORMAT_BEFORE, FORMAT].contains(&found)
        {
            return Err(OpenError::Format(found.to_string()));
        }
        match self.db.row::<Meta>(&MetaKey::Genesis) {
            Ok(Some(MetaRow::Genesis {
                chain_id: found, ..
            })) if found != *chain_id => Err(OpenError::AnotherChain {
                expected: *chain_id,
                found,
            }),
            // What can't be read is damage, and is found out.
            _ => Ok(()),
        }
    }

    /// A height up to which all blocks were durable.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    /// The last height that anything here tells of: the tip, or where it can't be read the last header.
    pub fn tip(&self) -> Result<u64, Fault> {
        let tip = match self.db.row::<Meta>(&MetaKey::Tip) {
            Ok(Some(MetaRow::Tip { height, .. })) => height,
            _ => 0,
        };
        let last = self.db.row_at_or_before::<Headers>(&HeightKey(u64::MAX));
        let last = last
            .ok()
            .flatten()
            .map_or(0, |(HeightKey(height), _)| height);
        Ok(tip.max(last))
    }

    /// A block by its own rows alone: what else is known of it is to be compared.
    pub fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault> {
        let Some(row) = self.db.row::<Headers>(&HeightKey(height))? else {
            return Ok(None);
        };
        let damaged = |what: String| Fault::Damaged(format!("block {height}: {what}"));
        let header = Header::decode(&row.header).map_err(|e| damaged(e.to_string()))?;
        let certificate = encoding::decode_exact(&row.certificate)
            .map_err(|e| damaged(format!("its certificate: {e}")))?;
        let transactions = snapshot::envelopes(&self.db, height, row.transactions)?;
        let block = Block {
            header,
            transactions,
        };
        Ok(Some((block, certificate)))
    }

    /// Holds every table that follows from the blocks against the one made anew.
    pub fn compare(&self, anew: &RocksStore) -> Result<Vec<TableDamage>, Fault> {
        let mut damages = Vec::new();
        for table in DERIVED {
            let (found, made) = (self.db.raw_rows(table)?, anew.database().raw_rows(table)?);
            damages.extend(difference(table, found, made)?);
        }
        Ok(damages)
    }

    /// The same of the index of events, which is made anew as far as it goes here.
    pub fn compare_index(
        &self,
        anew: &RocksStore,
        catalogue: &EventCatalogue,
    ) -> Result<Vec<TableDamage>, Fault> {
        let row = |key| self.db.row::<HttpTable>(&key).ok().flatten();
        if row(HttpKey::IndexedByEvent).is_some() {
            // It is made anew at the next start.
            return Ok(Vec::new());
        }
        let indexed = row(HttpKey::Indexed);
        let indexed = indexed.and_then(|bytes| bytes.try_into().ok());
        let height = indexed.map_or(0, u64::from_be_bytes).min(anew.height());
        catalogue.catch_up(height)?;
        let table = EventIndex::NAME;
        let (found, made) = (self.db.raw_rows(table)?, anew.database().raw_rows(table)?);
        Ok(difference(table, found, made)?.into_iter().collect())
    }

    /// Reads every row of every table, where there is nothing to compare them with.
    pub fn read_through(&self) -> Result<Vec<TableDamage>, Fault> {
        let mut damages = Vec::new();
        for (table, _) in TABLES {
            let unreadable = self.db.raw_rows(table)?.find_map(Result::err);
            damages.extend(unreadable.map(|fault| TableDamage {
                table,
                what: format!("it can't be read: {fault}"),
            }));
        }
        Ok(damages)
    }

    /// What no block tells, up to a height.
    pub fn own_rows(&self, height: u64) -> Result<OwnRows, Fault> {
        let mut own = OwnRows::default();
        let fits = |key: &EvidenceKey, bytes: &Vec<u8>| hash::sha256(bytes) == key.hash;
        for (_, bytes) in own.readable::<Misbehaviours>(&self.db, fits)? {
            own.misbehaviour.extend(encoding::decode_exact(&bytes).ok());
        }
        let fits = |key: &CheckpointKey, row: &CheckpointRow| {
            hash::sha256(row.authority.as_bytes()) == key.authority
                && (1..=key.last).contains(&row.first)
                && key.last <= height
        };
        own.checkpoints = own.readable::<Checkpoints>(&self.db, fits)?;
        let fits = |key: &HttpKey, bytes: &Vec<u8>| match key {
            HttpKey::Indexed | HttpKey::IndexedByEvent => bytes.len() == 8,
            HttpKey::Query(_) => serde_json::from_slice::<serde_json::Value>(bytes).is_ok(),
        };
        for (key, bytes) in own.readable::<HttpTable>(&self.db, fits)? {
            if let HttpKey::Query(name) = key {
                own.queries.push((name, bytes));
            }
        }
        Ok(own)
    }
}

impl OwnRows {
    /// Writes them into a store that was made anew.
    pub fn write(&self, anew: &RocksStore) -> Result<(), Fault> {
        let db = anew.database();
        commit_block::misbehaviour(db, &self.misbehaviour)?;
        for (key, row) in self
            .checkpoints
            .iter()
            .filter(|(k, _)| k.last <= anew.height())
        {
            commit_block::checkpoint(db, key, row)?;
        }
        for (name, query) in &self.queries {
            commit_block::named_query(db, name, Some(query))?;
        }
        Ok(())
    }

    /// The rows of a table that decode and fit; the first that doesn't is noted.
    fn readable<T: Table>(
        &mut self,
        db: &Database,
        fits: impl Fn(&T::Key, &T::Value) -> bool,
    ) -> Result<Vec<Row<T>>, Fault> {
        let mut rows = Vec::new();
        let mut wrong = None;
        for row in db.raw_rows(T::NAME)? {
            let (key, value) = match row {
                Ok(row) => row,
                Err(fault) => {
                    wrong.get_or_insert(format!("it can't be read: {fault}"));
                    break;
                }
            };
            match (T::Key::decode(&key), T::Value::decode(&value)) {
                (Some(key), Some(value)) if fits(&key, &value) => rows.push((key, value)),
                _ => {
                    let place = hex::encode(&key);
                    wrong.get_or_insert(format!("row {place} isn't what its key says"));
                }
            }
        }
        let table = T::NAME;
        self.damages
            .extend(wrong.map(|what| TableDamage { table, what }));
        Ok(rows)
    }
}

/// What distinguishes the rows found from those made anew: how many, and the first. A fault is that of the new ones.
fn difference(
    table: &'static str,
    found: impl Iterator<Item = Result<RawRow, Fault>>,
    made: impl Iterator<Item = Result<RawRow, Fault>>,
) -> Result<Option<TableDamage>, Fault> {
    let mut found = found.peekable();
    let mut made = made.peekable();
    let (mut count, mut first) = (0u64, None);
    loop {
        let step = match (peek(&mut found), made.peek()) {
            (Peeked::Unreadable(what), _) => {
                let what = format!("it can't be read: {what}");
                return Ok(Some(TableDamage { table, what }));
            }
            (_, Some(Err(fault))) => return Err(fault.clone()),
            (Peeked::End, None) => break,
            (Peeked::Row(key, _), None) => Step::Extra(key),
            (Peeked::End, Some(Ok((key, _)))) => Step::Missing(key.clone()),
            (Peeked::Row(key, value), Some(Ok((other, expected)))) => match key.cmp(other) {
                std::cmp::Ordering::Less => Step::Extra(key),
                std::cmp::Ordering::Greater => Step::Missing(other.clone()),
                std::cmp::Ordering::Equal if value == *expected => Step::Same,
                std::cmp::Ordering::Equal => Step::Changed(key),
            },
        };
        let (told, next_found, next_made) = match step {
            Step::Same => (None, true, true),
            Step::Changed(key) => (Some(("is another one", key)), true, true),
            Step::Extra(key) => (Some(("belongs to no block", key)), true, false),
            Step::Missing(key) => (Some(("is missing", key)), false, true),
        };
        if next_found {
            found.next();
        }
        if next_made {
            made.next();
        }
        if let Some((what, key)) = told {
            count += 1;
            first.get_or_insert_with(|| format!("row {} {what}", hex::encode(&key)));
        }
    }
    Ok(first.map(|first| TableDamage {
        table,
        what: match count {
            1 => first,
            _ => format!("{first}; {count} rows differ"),
        },
    }))
}

enum Step {
    Same,
    Changed(Box<[u8]>),
    Extra(Box<[u8]>),
    Missing(Box<[u8]>),
}

enum Peeked {
    Row(Box<[u8]>, Box<[u8]>),
    End,
    Unreadable(String),
}

fn peek(rows: &mut Peekable<impl Iterator<Item = Result<RawRow, Fault>>>) -> Peeked {
    match rows.peek() {
        None => Peeked::End,
        Some(Ok((key, value))) => Peeked::Row(key.clone(), value.clone()),
        Some(Err(fault)) => Peeked::Unreadable(fault.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
