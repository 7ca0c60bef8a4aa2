//! The simulator's store and disk. Cloned handles share one content, so that a machine can be
//! dropped in a crash and opened again over what was durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_core::state::StateRead;
use touchstone_core::state::commitment::{Node, NodeKey, TreeRead};
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

use super::{Commit, Disk, Store, Tip};

/// A store in memory. A commit is durable at once.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Mutex<Ledger>>,
}

struct Ledger {
    tip: Tip,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    transactions: BTreeSet<Hash>,
    nodes: BTreeMap<NodeKey, Node>,
    blocks: BTreeMap<u64, (Block, CommitCertificate)>,
    misbehaviour: Vec<Misbehaviour>,
    broken: bool,
}

impl MemoryStore {
    /// A store at genesis.
    pub fn new(genesis: &Genesis) -> MemoryStore {
        MemoryStore {
            inner: Arc::new(Mutex::new(Ledger {
                tip: Tip {
                    height: 0,
                    block_id: genesis.chain_id,
                    time_ms: genesis.document.time_ms,
                    header: None,
                },
                values: genesis.writes.values.clone(),
                transactions: genesis.writes.transactions.clone(),
                nodes: genesis.tree.nodes.clone(),
                blocks: BTreeMap::new(),
                misbehaviour: Vec::new(),
                broken: false,
            })),
        }
    }

    /// From now on every write fails, or no longer does.
    pub fn set_broken(&self, broken: bool) {
        self.lock().broken = broken;
    }

    /// The evidence kept so far.
    pub fn misbehaviour(&self) -> Vec<Misbehaviour> {
        self.lock().misbehaviour.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateRead for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.lock().values.get(key).cloned())
    }

    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault> {
        Ok(self.lock().transactions.contains(transaction_id))
    }
}

impl TreeRead for MemoryStore {
    fn node(&self, key: &NodeKey) -> Result<Option<Node>, Fault> {
        Ok(self.lock().nodes.get(key).cloned())
    }
}

impl Store for MemoryStore {
    fn tip(&self) -> Tip {
        self.lock().tip.clone()
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<(), Fault> {
        let mut ledger = self.lock();
        if ledger.broken {
            return Err(Fault::Storage("the store is broken".into()));
        }
        let header = &commit.block.header;
        if header.height != ledger.tip.height + 1 || header.parent != ledger.tip.block_id {
            return Err(Fault::Invariant(
                "a commit that doesn't follow the tip".into(),
            ));
        }
        let writes = &commit.executed.writes;
        ledger.values.extend(writes.values.clone());
        ledger.transactions.extend(&writes.transactions);
        ledger.nodes.extend(commit.executed.tree.nodes.clone());
        for key in &commit.executed.tree.stale {
            ledger.nodes.remove(key);
        }
        ledger.tip = Tip {
            height: header.height,
            block_id: header.id(),
            time_ms: header.time_ms,
            header: Some(header.clone()),
        };
        let kept = (commit.block.clone(), commit.certificate.clone());
        ledger.blocks.insert(header.height, kept);
        Ok(())
    }

    fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault> {
        Ok(self.lock().blocks.get(&height).cloned())
    }

    fn keep_misbehaviour(&mut self, evidence: &[Misbehaviour]) -> Result<(), Fault> {
        let mut ledger = self.lock();
        if ledger.broken {
            return Err(Fault::Storage("the store is broken".into()));
        }
        ledger.misbehaviour.extend_from_slice(evidence);
        Ok(())
    }
}

/// Files in memory. What was not synced is lost in a [`MemoryDisk::crash`].
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    inner: Arc<Mutex<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    files: BTreeMap<String, File>,
    syncs: u64,
    /// Operations left until every one fails; none: it never fails.
    until_broken: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Option<Vec<u8>>,
    /// Writes since the last sync, in order.
    pending: Vec<Write>,
}

#[derive(Clone, Debug)]
enum Write {
    At(u64, Vec<u8>),
    Truncate(u64),
}

impl File {
    /// The content with the first `count` pending writes applied.
    fn content(&self, count: usize) -> Option<Vec<u8>> {
        let mut content = self.durable.clone();
        for write in self.pending.iter().take(count) {
            let bytes = content.get_or_insert_default();
            match write {
                Write::Truncate(length) => bytes.resize(*length as usize, 0),
                Write::At(offset, new) => {
                    let start = *offset as usize;
                    let end = start + new.len();
                    if bytes.len() < end {
                        bytes.resize(end, 0);
                    }
                    if let Some(place) = bytes.get_mut(start..end) {
                        place.copy_from_slice(new);
                    }
                }
            }
        }
        content
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// A power cut. Of each file's unsynced writes, the first `kept(name, count)` of `count`
    /// reached the disk, each as a whole.
    pub fn crash(&self, mut kept: impl FnMut(&str, usize) -> usize) {
        let mut disk = self.lock();
        for (name, file) in &mut disk.files {
            let count = file.pending.len();
            file.durable = file.content(kept(name, count).min(count));
            file.pending.clear();
        }
        disk.files.retain(|_, file| file.durable.is_some());
        disk.until_broken = None;
    }

    /// After this many more writes and syncs every one fails; `None` repairs the disk.
    pub fn break_after(&self, operations: Option<u64>) {
        self.lock().until_broken = operations;
    }

    /// Loses a file, as a bad disk or a careless operator does.
    pub fn remove(&self, name: &str) {
        self.lock().files.remove(name);
    }

    /// Changes a durable byte.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) {
        if let Some(file) = self.lock().files.get_mut(name)
            && let Some(byte) = file.durable.as_mut().and_then(|b| b.get_mut(offset))
        {
            *byte ^= mask;
        }
    }

    /// Syncs done so far.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// Names of the files.
    pub fn names(&self) -> Vec<String> {
        self.lock().files.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, name: &str, write: Write) -> Result<(), Fault> {
        let mut disk = self.lock();
        disk.operate()?;
        disk.files
            .entry(name.into())
            .or_default()
            .pending
            .push(write);
        Ok(())
    }
}

impl Files {
    fn operate(&mut self) -> Result<(), Fault> {
        match &mut self.until_broken {
            None => Ok(()),
            Some(0) => Err(Fault::Storage("the disk is broken".into())),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let disk = self.lock();
        Ok(disk
            .files
            .get(name)
            .and_then(|f| f.content(f.pending.len())))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.write(name, Write::At(offset, bytes.to_vec()))
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault> {
        self.write(name, Write::Truncate(length))
    }

    fn sync(&mut self, name: &str) -> Result<(), Fault> {
        let mut disk = self.lock();
        disk.operate()?;
        disk.syncs += 1;
        let file = disk.files.entry(name.into()).or_default();
        file.durable = Some(file.content(file.pending.len()).unwrap_or_default());
        file.pending.clear();
        Ok(())
    }
}
