//! What the chain answers at one moment: every read of a [`Snapshot`] sees the state after the same
//! block, whatever is committed meanwhile.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use touchstone_core::Fault;
use touchstone_core::block::{Block, Header};
use touchstone_core::encoding;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::Hash;
use touchstone_core::proof::multiproof::KeyValue;
use touchstone_core::state::StateRead;
use touchstone_core::state::commitment::{self, NodeKey, TreeNode, TreeRead};
use touchstone_pictures::{Compared, Fingerprint};
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::{CertifiedHeader, Misbehaviour, StateMultiproof, StateProof};

use super::Tip;
use super::block_values::BlockValues;
use super::database::{Cursor, Database, DatabaseSnapshot, Pinned, Rows};
use super::fingerprints::Fingerprints;
use super::schema::{
    BlockIndex, EvidenceKey, HeaderRow, Headers, HeightKey, LinkKey, Links, Meta, MetaKey, MetaRow,
    Misbehaviours, PlaceKey, PlaceRow, State, Table, TransactionIndex, Transactions, Tree,
    ValidatorSets,
};
use super::tree_cache::TreeCache;

/// The reading side of a store, for other threads than the one that commits.
#[derive(Clone)]
pub struct StoreReader {
    pub(super) db: Arc<Database>,
    /// The upper levels of the newest tree. A node's key names the version that made it, so what is found there is
    /// right for any snapshot.
    pub(super) cache: Arc<TreeCache>,
    /// What each block reads, of the newest state.
    pub(super) values: Arc<BlockValues>,
    pub(super) fingerprints: Arc<Fingerprints>,
    /// The tip at height 0.
    pub(super) genesis: Tip,
    /// The tip that was read last: many snapshots are of one block.
    pub(super) last_tip: Arc<Mutex<Tip>>,
}

/// The chain after one block.
pub struct Snapshot<'a> {
    pub(super) rows: DatabaseSnapshot<'a>,
    cache: &'a TreeCache,
    values: &'a BlockValues,
    fingerprints: &'a Fingerprints,
    tip: Tip,
    /// The tip could not be read: every question is answered with this.
    pub(super) fault: Option<Fault>,
}

impl StoreReader {
    /// Copies the chain into a new folder; a height that it has reached there at least.
    pub fn back_up(&self, folder: &Path) -> Result<u64, Fault> {
        let height = self.snapshot().tip.height;
        self.db.copy_to(folder)?;
        Ok(height)
    }

    /// Bytes that each table has on disk when nothing waits in memory and nothing replaced is kept. Takes long.
    pub fn compacted_bytes(&self) -> Result<Vec<(&'static str, u64)>, Fault> {
        self.db.compacted_bytes()
    }

    /// The chain as it is now.
    pub fn snapshot(&self) -> Snapshot<'_> {
        self.over(self.db.snapshot())
    }

    /// The same of what is in memory: whatever else is asked for is answered with a fault, and no disk is waited for.
    pub fn snapshot_in_memory(&self) -> Snapshot<'_> {
        self.over(self.db.snapshot_in_memory())
    }

    fn over<'a>(&'a self, rows: DatabaseSnapshot<'a>) -> Snapshot<'a> {
        let (tip, fault) = match self.tip_of(&rows) {
            Ok(tip) => (tip, None),
            Err(fault) => (self.genesis.clone(), Some(fault)),
        };
        Snapshot {
            rows,
            cache: &self.cache,
            values: &self.values,
            fingerprints: &self.fingerprints,
            tip,
            fault,
        }
    }

    fn tip_of(&self, rows: &impl Rows) -> Result<Tip, Fault> {
        // What is kept is whole after every statement.
        let last = || self.last_tip.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last().clone();
        let tip = tip_beside(rows, &self.genesis, &known)?;
        if tip != known {
            *last() = tip.clone();
        }
        Ok(tip)
    }
}

impl Snapshot<'_> {
    /// The block after which this is. Genesis, if the stored tip can't be read; every other
    /// question is then answered with the fault.
    pub fn tip(&self) -> Tip {
        self.tip.clone()
    }

    /// The header at a height with its certificate.
    pub fn certified_header(&self, height: u64) -> Result<Option<CertifiedHeader>, Fault> {
        let Some((row, _)) = header(self, height)? else {
            return Ok(None);
        };
        Ok(Some(CertifiedHeader {
            certificate: Some(certificate(height, &row)?),
            header: row.header,
        }))
    }

    /// The block at a height with its certificate.
    pub fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault> {
        block(self, height)
    }

    /// The height of the block with this id.
    pub fn height_of_block(&self, id: &Hash) -> Result<Option<u64>, Fault> {
        self.row::<BlockIndex>(id)
    }

    /// Where a transaction is, and the time of its block.
    pub fn transaction(&self, id: &Hash) -> Result<Option<PlaceRow>, Fault> {
        self.row::<TransactionIndex>(id)
    }

    /// An envelope, by its place.
    pub fn envelope(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, Fault> {
        self.row::<Transactions>(&PlaceKey { height, index })
    }

    /// The same for a moment: it isn't copied, and its block stays in memory meanwhile.
    pub fn pinned_envelope(&self, height: u64, index: u32) -> Result<Option<Pinned<'_>>, Fault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self
                .rows
                .pinned::<Transactions>(&PlaceKey { height, index }),
        }
    }

    /// All envelopes of a block, in order; none if there is no such block.
    pub fn envelopes(&self, height: u64) -> Result<Vec<Vec<u8>>, Fault> {
        match self.row::<Headers>(&HeightKey(height))? {
            Some(row) => envelopes(self, height, row.transactions),
            None => Ok(Vec::new()),
        }
    }

    /// At most `limit` entries of a link from number `from` on, by its owner's state key.
    pub fn link_entries(
        &self,
        owner_key: &[u8],
        from: u64,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, Fault> {
        // A cursor copies no keys.
        self.links()?.entries(owner_key, from, limit)
    }

    /// The links, for whoever reads many of them.
    pub fn links(&self) -> Result<LinkCursor<'_>, Fault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(LinkCursor(self.rows.cursor()?)),
        }
    }

    /// The value of a state key.
    pub fn state_value(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.get(key)
    }

    /// The values of several state keys.
    pub fn state_values(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self.rows.rows_at::<State>(keys),
        }
    }

    /// Proves what [`Snapshot::state_value`] answers under the tip's state root.
    pub fn prove(&self, key: &[u8]) -> Result<StateProof, Fault> {
        Ok(self.prove_value(key)?.1)
    }

    /// The value of a state key and the proof of it.
    pub fn prove_value(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        let value = self.get(key)?;
        let proof = commitment::prove(self, self.tip.height, key, value.as_deref())?;
        Ok((value, proof))
    }

    /// Proves together what [`Snapshot::state_values`] answers of keys, each of which is there once.
    pub fn prove_values(&self, values: &[KeyValue<'_>]) -> Result<StateMultiproof, Fault> {
        commitment::prove_all(self, self.tip.height, values)
    }

    /// The validator sets from a height on, each with the height of the block that made it
    /// (0: genesis). A set votes from the height after that on.
    pub fn validator_set_changes(
        &self,
        from_height: u64,
    ) -> Result<Vec<(u64, ValidatorSet)>, Fault> {
        self.rows_from::<ValidatorSets>(&HeightKey(from_height))
            .map(|row| {
                let (HeightKey(height), bytes) = row?;
                let set = ValidatorSet::decode(&bytes)
                    .map_err(|e| Fault::Damaged(format!("validator set of {height}: {e}")))?;
                Ok((height, set))
            })
            .collect()
    }

    /// All evidence of double signing, by height.
    pub fn misbehaviour(&self) -> Result<Vec<Misbehaviour>, Fault> {
        misbehaviour(&self.rows)
    }
}

/// Reads links, one after the other.
pub struct LinkCursor<'a>(Cursor<'a, Links>);

impl LinkCursor<'_> {
    /// As [`Snapshot::link_entries`].
    pub fn entries(
        &mut self,
        owner_key: &[u8],
        from: u64,
        limit: u32,
    ) -> Result<Vec<Vec<u8>>, Fault> {
        let first = LinkKey::new(owner_key, from);
        entries_of(owner_key, &first, limit, self.0.rows_from(&first))
    }
}

/// The entries of one link in the rows that begin with `first`.
fn entries_of(
    owner_key: &[u8],
    first: &LinkKey,
    limit: u32,
    rows: impl Iterator<Item = Result<(LinkKey, Vec<u8>), Fault>>,
) -> Result<Vec<Vec<u8>>, Fault> {
    let mut entries = Vec::new();
    for (number, row) in (0u64..).zip(rows.take(limit as usize)) {
        let (key, entry) = row?;
        if key.owner != first.owner {
            break;
        }
        let expected = first.sequence.saturating_add(number);
        if key.sequence != expected {
            return Err(Fault::Damaged(format!(
                "entry {expected} of the link of {} is missing",
                owner_key.escape_ascii()
            )));
        }
        entries.push(entry);
    }
    Ok(entries)
}

impl Rows for Snapshot<'_> {
    fn row<T: Table>(&self, key: &T::Key) -> Result<Option<T::Value>, Fault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self.rows.row::<T>(key),
        }
    }

    fn rows_from<T: Table>(
        &self,
        from: &T::Key,
    ) -> impl Iterator<Item = Result<(T::Key, T::Value), Fault>> {
        let fault = self.fault.clone().map(Err);
        fault.into_iter().chain(self.rows.rows_from::<T>(from))
    }

    fn row_at_or_before<T: Table>(
        &self,
        key: &T::Key,
    ) -> Result<Option<(T::Key, T::Value)>, Fault> {
        match &self.fault {
            Some(fault) => Err(fault.clone()),
            None => self.rows.row_at_or_before::<T>(key),
        }
    }
}

impl StateRead for Snapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        let read = || self.rows.row::<State>(&key.to_vec());
        self.values.get(key, self.tip.height, read)
    }

    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault> {
        Ok(self.transaction(transaction_id)?.is_some())
    }

    fn compare(&self, fingerprint: &Fingerprint, count: u64) -> Result<Compared, Fault> {
        self.fingerprints.compare(self, fingerprint, count)
    }
}

impl TreeRead for Snapshot<'_> {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        match (&self.fault, self.cache.known(key)) {
            (None, Some(node)) => Ok(Some(node)),
            _ => node(self, key),
        }
    }
}

/// The stored tip; its header must be the one that its id names.
pub(super) fn tip(rows: &impl Rows, genesis: &Tip) -> Result<Tip, Fault> {
    tip_beside(rows, genesis, genesis)
}

/// The same, where this one was read before: its id names its header, which needn't be decoded again.
fn tip_beside(rows: &impl Rows, genesis: &Tip, known: &Tip) -> Result<Tip, Fault> {
    let Some(MetaRow::Tip {
        height,
        block_id,
        header,
    }) = rows.row::<Meta>(&MetaKey::Tip)?
    else {
        return Err(Fault::Damaged("the tip is missing".into()));
    };
    if height == 0 && header.is_empty() && block_id == genesis.block_id {
        return Ok(genesis.clone());
    }
    if known.header.is_some() && (height, &block_id) == (known.height, &known.block_id) {
        return Ok(known.clone());
    }
    let header = Header::decode(&header).map_err(|e| Fault::Damaged(format!("tip: {e}")))?;
    if header.id() != block_id || header.height != height || height == 0 {
        return Err(Fault::Damaged("the tip contradicts its header".into()));
    }
    Ok(Tip {
        height,
        block_id,
        time_ms: header.time_ms,
        header: Some(header),
    })
}

/// A stored block, its envelopes as many as its header counts.
pub(super) fn block(
    rows: &impl Rows,
    height: u64,
) -> Result<Option<(Block, CommitCertificate)>, Fault> {
    let Some((row, header)) = header(rows, height)? else {
        return Ok(None);
    };
    if u64::from(row.transactions) != header.transaction_count {
        return Err(Fault::Damaged(format!("count of block {height}")));
    }
    let transactions = envelopes(rows, height, row.transactions)?;
    let certificate = certificate(height, &row)?;
    let block = Block {
        header,
        transactions,
    };
    Ok(Some((block, certificate)))
}

/// All evidence of double signing, by height.
pub(super) fn misbehaviour(rows: &impl Rows) -> Result<Vec<Misbehaviour>, Fault> {
    let first = EvidenceKey {
        height: 0,
        hash: [0; 32],
    };
    rows.rows_from::<Misbehaviours>(&first)
        .map(|row| {
            encoding::decode_exact(&row?.1).map_err(|e| Fault::Damaged(format!("evidence: {e}")))
        })
        .collect()
}

/// A node of the tree.
pub(super) fn node(rows: &impl Rows, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
    let row = rows.row::<Tree>(&key.place())?;
    // One of another version at its place is another node.
    let row = row.filter(|row| row.version == key.version());
    Ok(row.map(|row| row.node))
}

/// A header that decodes and whose id is indexed with this height.
fn header(rows: &impl Rows, height: u64) -> Result<Option<(HeaderRow, Header)>, Fault> {
    let Some(row) = rows.row::<Headers>(&HeightKey(height))? else {
        return Ok(None);
    };
    let damaged = |why: String| Fault::Damaged(format!("header {height}: {why}"));
    let header = Header::decode(&row.header).map_err(|e| damaged(e.to_string()))?;
    if rows.row::<BlockIndex>(&header.id())? != Some(height) {
        return Err(damaged("its id is not the one that was decided".into()));
    }
    Ok(Some((row, header)))
}

fn certificate(height: u64, row: &HeaderRow) -> Result<CommitCertificate, Fault> {
    encoding::decode_exact(&row.certificate)
        .map_err(|e| Fault::Damaged(format!("certificate {height}: {e}")))
}

pub(super) fn envelopes(rows: &impl Rows, height: u64, count: u32) -> Result<Vec<Vec<u8>>, Fault> {
    let mut envelopes = Vec::new();
    let first = PlaceKey { height, index: 0 };
    for (index, row) in (0..count).zip(rows.rows_from::<Transactions>(&first)) {
        let (place, envelope) = row?;
        if place != (PlaceKey { height, index }) {
            break;
        }
        envelopes.push(envelope);
    }
    if envelopes.len() != count as usize {
        return Err(Fault::Damaged(format!(
            "envelope {} of block {height} is missing",
            envelopes.len()
        )));
    }
    Ok(envelopes)
}
