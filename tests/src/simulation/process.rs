//! One simulated process: a real machine over a simulated disk, or an attacker.

use std::collections::BTreeSet;

use ed25519_dalek::SigningKey;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_node::admission::Admission;
use touchstone_node::chain::Chain;
use touchstone_node::consensus::{Machine, MachineParts, Output, PeerTag};
use touchstone_node::mempool::SharedMempool;
use touchstone_node::storage::Store;
use touchstone_node::storage::double_sign_guard::Guard;
use touchstone_node::storage::wal::Wal;

use super::attacker::Attacker;
use super::plan::{Byzantine, NewGuard, Sabotage};
use super::setup::tag_of;
use super::verification;
use crate::random::Random;
use crate::testkit::memory_disk::{Loss, MemoryDisk};
use crate::testkit::memory_store::MemoryStore;

/// How machines know a process.
pub fn tag(process: usize) -> PeerTag {
    (process as u64).to_be_bytes().to_vec()
}

/// The process with this tag; one that there never is for a tag that isn't one.
pub fn of_tag(tag: &[u8]) -> usize {
    let number = tag.try_into().map(u64::from_be_bytes);
    number.map_or(usize::MAX, |n| n as usize)
}

/// What runs in a process.
pub enum Actor {
    /// Nothing: it has crashed and is not up again.
    Down,
    /// The real thing.
    Machine(Box<Machine<MemoryStore, MemoryDisk>>),
    /// A dishonest validator.
    Attacker(Box<Attacker>),
}

/// A process with its disk.
pub struct Process {
    /// What runs.
    pub actor: Actor,
    /// The validator's key; none on a node that only follows.
    pub key: Option<SigningKey>,
    /// Whether all that must hold must hold for it.
    pub is_honest: bool,
    /// How it is dishonest.
    pub byzantine: Option<Byzantine>,
    /// What it has said in this life, where that is looked at.
    pub said: BTreeSet<Vec<u8>>,
    /// How often it has started; what was meant for an earlier life is void.
    pub life: u64,
    /// How much its clock is ahead, milliseconds.
    pub clock_shift_ms: i64,
    /// The log and the guard.
    pub disk: MemoryDisk,
    /// The chain.
    pub store: MemoryStore,
    /// Pending transactions.
    pub pool: SharedMempool,
    /// The last height whose commit was observed.
    pub seen_height: u64,
    /// Whether its disk was replaced: what it held counts for nothing.
    pub is_replaced: bool,
}

impl Process {
    /// A process that has never run.
    pub fn new(genesis: &Genesis, key: Option<SigningKey>, is_honest: bool) -> Process {
        let disk = MemoryDisk::new();
        if key.is_some() {
            Guard::create(disk.clone()).expect("an empty disk takes a new guard");
        }
        Process {
            actor: Actor::Down,
            key,
            is_honest,
            byzantine: None,
            said: BTreeSet::new(),
            life: 0,
            clock_shift_ms: 0,
            disk,
            store: MemoryStore::new(genesis),
            pool: verification::pool(),
            seen_height: 0,
            is_replaced: false,
        }
    }

    /// Its disk, chain, log and guard are gone; a new one is in their place.
    pub fn replace_disk(&mut self, genesis: &Genesis, guard: NewGuard) {
        self.disk = MemoryDisk::new();
        self.store = MemoryStore::new(genesis);
        self.seen_height = 0;
        self.is_replaced = true;
        let made = match guard {
            NewGuard::Unknown => Guard::create_unknown(self.disk.clone()),
            NewGuard::Blank => Guard::create(self.disk.clone()),
        };
        made.expect("an empty disk takes a new guard");
    }

    /// The way into the pool, as the node's service and gossip have it.
    pub fn admission<'a>(&'a self, chain_id: &'a Hash, now_ms: u64) -> Admission<'a, MemoryStore> {
        Admission::new(chain_id, &self.store, self.store.tip(), now_ms, &self.pool)
    }

    /// Starts the machine over what the disk holds, as the node's process does.
    pub fn start(
        &mut self,
        genesis: &Genesis,
        sabotage: Option<Sabotage>,
        now_ms: u64,
    ) -> Result<Vec<Output>, String> {
        self.life += 1;
        self.said.clear();
        self.pool = verification::pool();
        let signer = match &self.key {
            Some(key) => {
                let guard = Guard::open(self.disk.clone()).map_err(|e| e.to_string())?;
                Some((key.clone().into(), guard))
            }
            None => None,
        };
        let chain = Chain::open(genesis.chain_id, self.store.clone(), self.pool.clone())
            .map_err(|e| e.to_string())?;
        let (wal, recovered) = Wal::open(self.disk.clone()).map_err(|e| e.to_string())?;
        let parts = MachineParts {
            settings: Sabotage::settings(sabotage),
            chain,
            wal,
            recovered,
            signer,
            tag_of,
            verify: Sabotage::verify(sabotage),
        };
        let (machine, outputs) = Machine::open(parts, now_ms).map_err(|e| e.to_string())?;
        self.actor = Actor::Machine(Box::new(machine));
        Ok(outputs)
    }

    /// The process ends, and its disk loses what was not synced.
    pub fn crash(&mut self, loss: Loss, sabotage: Option<Sabotage>, random: &mut Random) {
        self.actor = Actor::Down;
        self.life += 1;
        self.disk.crash(loss, |below| random.index(below));
        self.store
            .crash(|commits| loss.kept(commits, |below| random.index(below)));
        self.seen_height = self.seen_height.min(self.store.tip().height);
        if sabotage == Some(Sabotage::LostLog) {
            self.disk.remove("wal");
        }
        if sabotage == Some(Sabotage::IgnoredGuard) || self.byzantine == Some(Byzantine::Amnesiac) {
            self.disk.remove("");
            if self.key.is_some() {
                Guard::create(self.disk.clone()).expect("an empty disk takes a new guard");
            }
        }
    }

    /// Whether a failure of its disk that was asked for has shown.
    pub fn disk_has_failed(&self) -> bool {
        self.disk.has_failed() || self.store.has_failed()
    }

    /// The machine, if it is up.
    pub fn machine(&self) -> Option<&Machine<MemoryStore, MemoryDisk>> {
        match &self.actor {
            Actor::Machine(machine) => Some(machine),
            _ => None,
        }
    }
}
