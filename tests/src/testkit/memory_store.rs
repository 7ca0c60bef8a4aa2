//! The chain in memory, executed for real: what RocksDB is to a node.
//!
//! The simulation uses it, and the node's own tests, which compile this file as a part of the node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use touchstone_core::Fault;
use touchstone_core::block::Block;
use touchstone_core::execution::Executed;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_core::state::commitment::{self, NodeKey, TreeNode, TreeRead};
use touchstone_core::state::{StateRead, keys};
use touchstone_node::storage::{Commit, Store, Tip};
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

/// A store whose commit is atomic; a power cut takes the last ones away until they are settled. Clones share the
/// content.
#[derive(Clone)]
pub struct MemoryStore(Arc<Mutex<Ledger>>);

#[derive(Clone)]
struct Ledger {
    tip: Tip,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    transactions: BTreeSet<Hash>,
    nodes: BTreeMap<NodeKey, TreeNode>,
    blocks: Vec<(Block, CommitCertificate)>,
    misbehaviour: Vec<Misbehaviour>,
    ignores_misbehaviour: bool,
    failure: Option<Failure>,
    has_failed: bool,
    is_broken: bool,
    flaw: Option<Flaw>,
    executions: u64,
    /// What each commit since the last settling has changed, in order.
    unsettled: Vec<Undo>,
}

/// What a commit changed, as it was before.
#[derive(Clone)]
struct Undo {
    tip: Tip,
    values: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    nodes: Vec<(NodeKey, Option<TreeNode>)>,
    /// Those that weren't there.
    transactions: Vec<Hash>,
}

impl Undo {
    fn of(ledger: &Ledger, executed: &Executed) -> Undo {
        let values = executed.writes.values.keys();
        let nodes = executed.tree.nodes.keys().chain(&executed.tree.stale);
        let transactions = executed.writes.transactions.iter();
        Undo {
            tip: ledger.tip.clone(),
            values: values
                .map(|key| (key.clone(), ledger.values.get(key).cloned()))
                .collect(),
            nodes: nodes
                .map(|key| (*key, ledger.nodes.get(key).cloned()))
                .collect(),
            transactions: transactions
                .filter(|id| !ledger.transactions.contains(*id))
                .copied()
                .collect(),
        }
    }

    fn apply(self, ledger: &mut Ledger) {
        ledger.tip = self.tip;
        ledger.blocks.pop();
        for (key, value) in self.values {
            match value {
                Some(value) => drop(ledger.values.insert(key, value)),
                None => drop(ledger.values.remove(&key)),
            }
        }
        for (key, node) in self.nodes {
            match node {
                Some(node) => drop(ledger.nodes.insert(key, node)),
                None => drop(ledger.nodes.remove(&key)),
            }
        }
        for id in self.transactions {
            ledger.transactions.remove(&id);
        }
    }
}

/// How the next commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nothing was written.
    Before,
    /// Everything was written, but the answer is an error.
    After,
    /// It succeeds, and its settling fails.
    Settling,
}

/// What a store does wrong without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A commit leaves a value out.
    LosesValue,
    /// A commit leaves out who missed its turn.
    LosesTurns,
    /// A commit leaves a node of the tree out.
    LosesNode,
    /// No transaction is known to be committed.
    ForgetsTransactions,
    /// Certificates are kept with their first signatures alone.
    CutsCertificates,
    /// Blocks are kept without their last transaction.
    CutsBlocks,
    /// Nothing that is committed is ever settled.
    NeverSettles,
}

impl MemoryStore {
    /// A store at genesis.
    pub fn new(genesis: &Genesis) -> MemoryStore {
        MemoryStore(Arc::new(Mutex::new(Ledger {
            tip: Tip {
                height: 0,
                block_id: genesis.chain_id,
                time_ms: genesis.document.time_ms,
                header: None,
            },
            values: genesis.writes.values.clone(),
            transactions: genesis.writes.transactions.clone(),
            nodes: genesis.tree.nodes.clone(),
            blocks: Vec::new(),
            misbehaviour: Vec::new(),
            ignores_misbehaviour: false,
            failure: None,
            has_failed: false,
            is_broken: false,
            flaw: None,
            executions: 0,
            unsettled: Vec::new(),
        })))
    }

    /// The same content, which from now on goes its own way.
    pub fn copy(&self) -> MemoryStore {
        MemoryStore(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// The state: every key with its value.
    pub fn values(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.lock().values.clone()
    }

    /// From now on every write fails.
    pub fn break_down(&self) {
        self.lock().is_broken = true;
    }

    fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it does this wrong.
    pub fn spoil(&self, flaw: Flaw) {
        self.lock().flaw = Some(flaw);
    }

    /// The next commit fails.
    pub fn fail_next(&self, failure: Failure) {
        self.lock().failure = Some(failure);
    }

    /// It doesn't fail after all.
    pub fn mend(&self) {
        self.lock().failure = None;
    }

    /// Whether a failure that was asked for has shown since the last crash.
    pub fn has_failed(&self) -> bool {
        self.lock().has_failed
    }

    /// How many transactions were executed, in vain or not: each is asked for among those committed, once.
    pub fn executions(&self) -> u64 {
        self.lock().executions
    }

    /// The process has ended. Of the commits that weren't settled, `kept` of their number says how many are there.
    pub fn crash(&self, kept: impl FnOnce(usize) -> usize) {
        let mut ledger = self.lock();
        ledger.failure = None;
        ledger.has_failed = false;
        let kept = kept(ledger.unsettled.len()).min(ledger.unsettled.len());
        let lost = ledger.unsettled.split_off(kept);
        for undo in lost.into_iter().rev() {
            undo.apply(&mut ledger);
        }
        ledger.unsettled.clear();
    }

    /// The last height that no power cut takes away.
    pub fn settled_height(&self) -> u64 {
        let ledger = self.lock();
        ledger.tip.height - ledger.unsettled.len() as u64
    }

    /// From now on evidence is thrown away.
    pub fn ignore_misbehaviour(&self) {
        self.lock().ignores_misbehaviour = true;
    }

    /// The evidence kept.
    pub fn misbehaviour(&self) -> Vec<Misbehaviour> {
        self.lock().misbehaviour.clone()
    }

    /// The state's root, computed from its values alone as if they had been written at once: the
    /// tree's shape doesn't depend on history.
    pub fn recomputed_root(&self) -> Result<Hash, Fault> {
        Ok(commitment::update(&Nothing, 0, &self.lock().values)?.root)
    }
}

impl StateRead for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.lock().values.get(key).cloned())
    }

    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault> {
        let mut ledger = self.lock();
        ledger.executions += 1;
        let is_known = ledger.flaw != Some(Flaw::ForgetsTransactions);
        Ok(is_known && ledger.transactions.contains(transaction_id))
    }
}

impl TreeRead for MemoryStore {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(self.lock().nodes.get(key).cloned())
    }
}

impl Store for MemoryStore {
    fn tip(&self) -> Tip {
        self.lock().tip.clone()
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<(), Fault> {
        let mut ledger = self.lock();
        let failure = ledger.failure;
        let failure = failure.filter(|failure| *failure != Failure::Settling);
        if failure.is_some() {
            ledger.failure = None;
            ledger.has_failed = true;
        }
        if failure == Some(Failure::Before) || ledger.is_broken {
            return Err(Fault::Storage("the store in memory fails".into()));
        }
        let header = &commit.block.header;
        if header.height != ledger.tip.height + 1 || header.parent != ledger.tip.block_id {
            return Err(Fault::Invariant(
                "a commit that doesn't follow the tip".into(),
            ));
        }
        let executed = commit.executed;
        let undo = Undo::of(&ledger, executed);
        ledger.unsettled.push(undo);
        let mut written = executed.writes.values.keys();
        let lost = match ledger.flaw {
            Some(Flaw::LosesValue) => written.next().cloned(),
            Some(Flaw::LosesTurns) => written.find(|key| *key == keys::MISSED_TURNS).cloned(),
            _ => None,
        };
        let before = lost
            .as_ref()
            .and_then(|key| ledger.values.get(key).cloned());
        ledger.values.extend(executed.writes.values.clone());
        if let Some(key) = lost {
            match before {
                Some(value) => drop(ledger.values.insert(key, value)),
                None => drop(ledger.values.remove(&key)),
            }
        }
        ledger.transactions.extend(&executed.writes.transactions);
        ledger.nodes.extend(executed.tree.nodes.clone());
        for key in &executed.tree.stale {
            ledger.nodes.remove(key);
        }
        ledger.tip = Tip {
            height: header.height,
            block_id: header.id(),
            time_ms: header.time_ms,
            header: Some(header.clone()),
        };
        if ledger.flaw == Some(Flaw::LosesNode)
            && let Some(key) = executed.tree.nodes.keys().next()
        {
            ledger.nodes.remove(key);
        }
        let mut kept = (commit.block.clone(), commit.certificate.clone());
        match ledger.flaw {
            Some(Flaw::CutsCertificates) => kept.1.signatures.truncate(2),
            Some(Flaw::CutsBlocks) => drop(kept.0.transactions.pop()),
            _ => {}
        }
        ledger.blocks.push(kept);
        match failure {
            Some(_) => Err(Fault::Storage("the store in memory fails".into())),
            None => Ok(()),
        }
    }

    fn settle(&mut self) -> Result<(), Fault> {
        let mut ledger = self.lock();
        if ledger.unsettled.is_empty() || ledger.flaw == Some(Flaw::NeverSettles) {
            return Ok(());
        }
        if ledger.failure == Some(Failure::Settling) || ledger.is_broken {
            ledger.failure = None;
            ledger.has_failed = true;
            return Err(Fault::Storage("the store in memory fails".into()));
        }
        ledger.unsettled.clear();
        Ok(())
    }

    fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault> {
        let index = height.checked_sub(1).and_then(|i| usize::try_from(i).ok());
        let ledger = self.lock();
        Ok(index.and_then(|i| ledger.blocks.get(i)).cloned())
    }

    fn keep_misbehaviour(&mut self, evidence: &[Misbehaviour]) -> Result<(), Fault> {
        let mut ledger = self.lock();
        if ledger.is_broken {
            return Err(Fault::Storage("the store in memory fails".into()));
        }
        if !ledger.ignores_misbehaviour {
            ledger.misbehaviour.extend_from_slice(evidence);
        }
        Ok(())
    }
}

/// A tree without nodes.
struct Nothing;

impl TreeRead for Nothing {
    fn node(&self, _: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(None)
    }
}
