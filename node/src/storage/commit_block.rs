//! The only place that writes to the database: one batch per block, which a sync follows; one synced batch at genesis,
//! for evidence and for a time stamp; and what the node keeps for its HTTP clients.

use std::collections::BTreeMap;

use prost::Message;
use rocksdb::{WriteBatch, WriteOptions};
use touchstone_core::Fault;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::{self, Hash};
use touchstone_core::state::commitment::{TreeNode, TreeUpdate};
use touchstone_core::state::delta::Writes;
use touchstone_proto::node::Misbehaviour;

use super::Commit;
use super::database::{self, Database, Rows};
use super::schema::{
    BlockIndex, CheckpointKey, CheckpointRow, Checkpoints, EarlierTree, EventIndex, EventKey,
    EventPlaces, EvidenceKey, FORMAT, HeaderRow, Headers, HeightKey, HttpKey, HttpTable, LinkKey,
    Links, Meta, MetaKey, MetaRow, Misbehaviours, PlaceKey, PlaceRow, State, Table, TableKey,
    TableValue, TransactionIndex, Transactions, Tree, ValidatorSets,
};
use super::snapshot;

/// Pieces of evidence kept of each validator: one convicts it, and all of them are one answer.
const MAX_EVIDENCE: usize = 16;

/// Bytes of rows of an earlier format that are moved at once.
const MOVED_BYTES: usize = 4 << 20;

/// Writes the state at height 0.
pub fn genesis(db: &Database, genesis: &Genesis) -> Result<(), Fault> {
    let mut batch = Batch::new(db);
    batch.put::<Meta>(&MetaKey::Format, &MetaRow::Format(FORMAT))?;
    batch.put::<Meta>(
        &MetaKey::Genesis,
        &MetaRow::Genesis {
            chain_id: genesis.chain_id,
            time_ms: genesis.document.time_ms,
            state_root: genesis.tree.root,
        },
    )?;
    batch.put::<ValidatorSets>(&HeightKey(0), &genesis.validators.encode())?;
    state(&mut batch, &genesis.writes, &genesis.tree)?;
    tip(&mut batch, 0, genesis.chain_id, Vec::new())?;
    batch.write()
}

/// Gives the tree of a store of format 1 the keys of this one. Done again from its beginning if it was interrupted.
pub fn move_tree(db: &Database) -> Result<(), Fault> {
    let nodes = db.family::<Tree>()?;
    let mut batch = Batch::new(db);
    for row in db.rows_from::<EarlierTree>(&Vec::new()) {
        let (key, node) = row?;
        let (place, version) = place_of_format_1(&key)
            .ok_or_else(|| Fault::Damaged(format!("tree node key {}", hex::encode(&key))))?;
        batch.raw.put_cf(nodes, place, [version, node].concat());
        if batch.raw.size_in_bytes() > MOVED_BYTES {
            std::mem::replace(&mut batch, Batch::new(db)).write_unsynced()?;
        }
    }
    let earlier = db.family::<EarlierTree>()?;
    let (first, beyond) = (Vec::new(), vec![u8::MAX; 64]);
    batch.raw.delete_range_cf(earlier, first, beyond);
    batch.put::<Meta>(&MetaKey::Format, &MetaRow::Format(FORMAT))?;
    batch.write()
}

/// Notes that what is written from now on may be in this format. What is there stays as it is.
pub fn note_format(db: &Database) -> Result<(), Fault> {
    let mut batch = Batch::new(db);
    batch.put::<Meta>(&MetaKey::Format, &MetaRow::Format(FORMAT))?;
    batch.write()
}

/// A node's place and the eight bytes of its version, of its key in format 1.
fn place_of_format_1(key: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (version, rest) = key.split_first_chunk::<8>()?;
    let (steps, rest) = rest.split_first_chunk::<8>()?;
    let (_, path) = rest.split_first_chunk::<4>()?;
    let steps = u8::try_from(u64::from_le_bytes(*steps)).ok()?;
    Some(([&[steps], path].concat(), version.to_vec()))
}

/// Writes a decided block with its certificate and effects. Durable with [`sync`].
pub fn block(db: &Database, commit: &Commit<'_>) -> Result<(), Fault> {
    let header = &commit.block.header;
    let height = header.height;
    let id = header.id();
    let bytes = header.encode();
    let count = u32::try_from(commit.block.transactions.len())
        .map_err(|_| Fault::Invariant("more than 2^32 transactions in a block".into()))?;

    let mut batch = Batch::with_room(db, bytes_of_rows(commit));
    batch.put::<Headers>(
        &HeightKey(height),
        &HeaderRow {
            header: bytes.clone(),
            certificate: commit.certificate.encode_to_vec(),
            transactions: count,
        },
    )?;
    batch.put::<BlockIndex>(&id, &height)?;
    let (envelopes, places) = (
        db.family::<Transactions>()?,
        db.family::<TransactionIndex>()?,
    );
    let transactions = commit.block.transactions.iter();
    let mut rows: Vec<(&Hash, Vec<u8>)> = Vec::with_capacity(commit.transaction_ids.len());
    for (index, (envelope, id)) in (0..count).zip(transactions.zip(commit.transaction_ids)) {
        let row = PlaceRow {
            height,
            index,
            time_ms: header.time_ms,
        };
        let key = PlaceKey { height, index };
        batch.raw.put_cf(envelopes, key.encode(), envelope);
        rows.push((id, row.encode()?));
    }
    rows.sort_unstable();
    for (id, row) in rows {
        batch.raw.put_cf(places, id, row);
    }
    if header.next_validators_hash != header.validators_hash {
        let set = commit.executed.next_validators.encode();
        batch.put::<ValidatorSets>(&HeightKey(height), &set)?;
    }
    state(&mut batch, &commit.executed.writes, &commit.executed.tree)?;
    tip(&mut batch, height, id, bytes)?;
    batch.write_unsynced()
}

/// Makes durable what was written before.
pub fn sync(db: &Database) -> Result<(), Fault> {
    db.raw.flush_wal(true).map_err(database::fault)
}

/// Writes rows of the event index, which then goes up to `height`. They follow from the blocks, so
/// that a crash may lose them.
pub fn index(
    db: &Database,
    rows: &BTreeMap<EventKey, EventPlaces>,
    height: u64,
) -> Result<(), Fault> {
    let mut batch = Batch::new(db);
    for (key, places) in rows {
        batch.put::<EventIndex>(key, places)?;
    }
    batch.put::<HttpTable>(&HttpKey::Indexed, &height.to_be_bytes().to_vec())?;
    batch.write_unsynced()
}

/// Forgets an event index of the earlier layout, if there is one: it is made anew.
pub fn forget_earlier_index(db: &Database) -> Result<(), Fault> {
    let mark = HttpKey::IndexedByEvent;
    if db.row::<HttpTable>(&mark)?.is_none() {
        return Ok(());
    }
    let mut batch = Batch::new(db);
    let index = db.family::<EventIndex>()?;
    batch
        .raw
        .delete_range_cf(index, [0].as_slice(), [u8::MAX].as_slice());
    batch.delete::<HttpTable>(&mark)?;
    batch.write()
}

/// Writes a named query, or removes it.
pub fn named_query(db: &Database, name: &str, query: Option<&[u8]>) -> Result<(), Fault> {
    let key = HttpKey::Query(name.to_owned());
    let mut batch = Batch::new(db);
    match query {
        Some(query) => batch.put::<HttpTable>(&key, &query.to_vec())?,
        None => batch.delete::<HttpTable>(&key)?,
    }
    batch.write()
}

/// Writes evidence, unless enough of the validator's is known.
pub fn misbehaviour(db: &Database, evidence: &[Misbehaviour]) -> Result<(), Fault> {
    let mut known = snapshot::misbehaviour(db)?;
    let mut batch = Batch::new(db);
    for item in evidence {
        let same = known.iter().filter(|k| k.validator == item.validator);
        if same.count() >= MAX_EVIDENCE || known.contains(item) {
            continue;
        }
        let bytes = item.encode_to_vec();
        let key = EvidenceKey {
            height: item.height,
            hash: hash::sha256(&bytes),
        };
        batch.put::<Misbehaviours>(&key, &bytes)?;
        known.push(item.clone());
    }
    batch.write()
}

/// Writes the time stamp of a checkpoint.
pub fn checkpoint(db: &Database, key: &CheckpointKey, row: &CheckpointRow) -> Result<(), Fault> {
    let mut batch = Batch::new(db);
    batch.put::<Checkpoints>(key, row)?;
    batch.write()
}

/// Bytes of a block's rows, about: a batch that grows to them would be copied again and again.
fn bytes_of_rows(commit: &Commit<'_>) -> usize {
    let envelopes = commit.block.transactions.iter();
    let envelopes = envelopes.map(|envelope| envelope.len() + 2 * KEY_BYTES);
    let Writes { values, links, .. } = &commit.executed.writes;
    let values = values.iter().map(|(key, value)| key.len() + value.len());
    let links = links.iter().map(|row| row.entry.len() + KEY_BYTES);
    let nodes = commit.executed.tree.nodes.values().map(TreeNode::size);
    let rows = envelopes.chain(values).chain(links).chain(nodes);
    rows.map(|bytes| bytes + KEY_BYTES).sum()
}

/// Here are most rows: each value is encoded once and copied once, into the batch. Each table's rows are in the order
/// of their keys, as its options expect (`tuning`).
fn state(batch: &mut Batch<'_>, writes: &Writes, tree: &TreeUpdate) -> Result<(), Fault> {
    let (values, links) = (batch.db.family::<State>()?, batch.db.family::<Links>()?);
    for (key, value) in &writes.values {
        batch.raw.put_cf(values, key, value);
    }
    let entries = writes.links.iter();
    let entries = entries.map(|row| (LinkKey::new(&row.owner, row.sequence), &row.entry));
    let mut entries: Vec<(LinkKey, &Vec<u8>)> = entries.collect();
    entries.sort_unstable();
    for (key, entry) in entries {
        batch.raw.put_cf(links, key.encode(), entry);
    }
    let nodes = batch.db.family::<Tree>()?;
    let mut row = Vec::new();
    for (key, node) in &tree.nodes {
        row.clear();
        node.encode_row(key.version(), &mut row);
        batch.raw.put_cf(nodes, key.place(), &row);
    }
    Ok(())
}

fn tip(batch: &mut Batch<'_>, height: u64, block_id: Hash, header: Vec<u8>) -> Result<(), Fault> {
    let row = MetaRow::Tip {
        height,
        block_id,
        header,
    };
    batch.put::<Meta>(&MetaKey::Tip, &row)
}

/// A key and what the batch adds to a row, about.
const KEY_BYTES: usize = 48;

struct Batch<'a> {
    db: &'a Database,
    raw: WriteBatch,
}

impl<'a> Batch<'a> {
    fn new(db: &'a Database) -> Self {
        Batch {
            db,
            raw: WriteBatch::default(),
        }
    }

    /// With room for so many bytes.
    fn with_room(db: &'a Database, bytes: usize) -> Self {
        Batch {
            db,
            raw: WriteBatch::with_capacity_bytes(bytes),
        }
    }

    fn put<T: Table>(&mut self, key: &T::Key, value: &T::Value) -> Result<(), Fault> {
        let family = self.db.family::<T>()?;
        self.raw.put_cf(family, key.encode(), value.encode()?);
        Ok(())
    }

    fn delete<T: Table>(&mut self, key: &T::Key) -> Result<(), Fault> {
        self.raw.delete_cf(self.db.family::<T>()?, key.encode());
        Ok(())
    }

    /// All or nothing, and durable with the next batch that is.
    fn write_unsynced(self) -> Result<(), Fault> {
        self.db.raw.write(self.raw).map_err(database::fault)
    }

    /// All or nothing, and durable when this returns.
    fn write(self) -> Result<(), Fault> {
        let mut options = WriteOptions::default();
        options.set_sync(true);
        self.db
            .raw
            .write_opt(self.raw, &options)
            .map_err(database::fault)
    }
}
