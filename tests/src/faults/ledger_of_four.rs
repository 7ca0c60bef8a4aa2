//! Four organisations in one thread: the first one's node keeps its data in files as a real one does, the others in
//! memory.

use std::fs;
use std::io;
use std::path::Path;

use ed25519_dalek::SigningKey;
use touchstone_core::genesis::Genesis;
use touchstone_core::{Fault, hash};
use touchstone_node::chain::Chain;
use touchstone_node::config::{self, Loaded};
use touchstone_node::consensus::{ConsensusSettings, Machine, MachineParts, Output, PeerTag};
use touchstone_node::lifecycle::{self, NodeError, OpenedChain};
use touchstone_node::storage::double_sign_guard::Guard;
use touchstone_node::storage::wal::Wal;

use super::folder;
use super::seats::{Seats, tag_of};
use crate::cluster::{Cluster, Plan, organisation_id};
use crate::load;
use crate::random::Random;
use crate::simulation::verification;
use crate::testkit::memory_disk::{Loss, MemoryDisk};
use crate::testkit::memory_store::MemoryStore;

/// Time at which a run begins, milliseconds: some days after genesis.
const BEGINNING_MS: u64 = 1_700_500_000_000;
/// How long a block may take; virtual time, milliseconds.
const PATIENCE_MS: u64 = 60_000;

/// Bytes of a slot of the guard, and of those that its check covers; where it names its file.
const SLOT: usize = 512;
const CHECKED: usize = SLOT - 32;
const IDENTITY: std::ops::Range<usize> = 65..73;

/// Lets a slot of a guard name no file, as those did of before.
fn unbind(slot: &mut [u8]) {
    slot[IDENTITY].fill(0);
    let check = hash::tagged("touchstone/guard/v1", &[&slot[..CHECKED]]);
    slot[CHECKED..].copy_from_slice(&check);
}

/// The consortium, and the first node's folder.
pub struct LedgerOfFour {
    /// The genesis of all.
    pub genesis: Genesis,
    /// The nodes' network keys, by which they are known to each other.
    pub tags: Vec<PeerTag>,
    organisation: SigningKey,
    validators: Vec<SigningKey>,
    /// Its folders; no process of it runs.
    cluster: Cluster,
}

/// A node in memory.
#[derive(Clone)]
pub struct Peer {
    /// Its place.
    pub index: usize,
    /// Its chain.
    pub store: MemoryStore,
    /// Its log and guard.
    pub disk: MemoryDisk,
}

/// The machines under way.
pub struct Run {
    /// All four.
    pub seats: Seats,
    /// The chains of those in memory.
    pub stores: Vec<MemoryStore>,
    disks: Vec<MemoryDisk>,
    submitted: u64,
}

impl Run {
    /// Copies of those in memory as they are now.
    pub fn peers(&self) -> Vec<Peer> {
        let both = self.stores.iter().zip(&self.disks);
        (1..)
            .zip(both)
            .map(|(index, (store, disk))| Peer {
                index,
                store: store.copy(),
                disk: disk.twin(),
            })
            .collect()
    }
}

/// A node over files, open.
pub struct Opened {
    /// What it has on disk.
    pub chain: OpenedChain,
    settings: ConsensusSettings,
}

impl LedgerOfFour {
    /// Holds the ceremony and creates the folders.
    pub fn new() -> LedgerOfFour {
        let cluster = Cluster::prepare(&Plan::default());
        let loaded = |index| {
            let path = cluster.node_folder(index).join("node.toml");
            config::load(&path).expect("the configuration was just written")
        };
        let all: Vec<Loaded> = (0..cluster.size()).map(loaded).collect();
        let network = all.iter().map(|l| l.network_key.verifying_key().to_bytes());
        LedgerOfFour {
            genesis: cluster.genesis.clone(),
            tags: network.map(|key| key.to_vec()).collect(),
            organisation: cluster.keys[0].clone(),
            validators: all.into_iter().filter_map(|l| l.validator_key).collect(),
            cluster,
        }
    }

    /// Copies the first node's folder, and the genesis document that its configuration names, into another folder. The
    /// copy of its guard is one that doesn't say so.
    pub fn copy_node(&self, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        fs::copy(self.cluster.genesis_file(), to.join("genesis.json"))?;
        folder::copy(self.cluster.node_folder(0), &to.join("node-0"))?;
        let guard = to.join("node-0/data/guard");
        let mut bytes = fs::read(&guard)?;
        bytes.chunks_exact_mut(SLOT).for_each(unbind);
        fs::write(guard, bytes)
    }

    /// Reads the first node's configuration in a copy of the folder.
    pub fn load(folder: &Path) -> Result<Loaded, NodeError> {
        Ok(config::load(&folder.join("node-0").join("node.toml"))?)
    }

    /// Opens what it names, as the node's process does.
    pub fn open(loaded: Loaded) -> Result<Opened, NodeError> {
        let chain_id = loaded.genesis.chain_id;
        Ok(Opened {
            chain: lifecycle::open_chain(
                &loaded.config,
                &chain_id,
                loaded.validator_key.map(Into::into),
            )?,
            settings: loaded.config.consensus.settings(),
        })
    }

    /// A time after all that a run has done.
    pub fn now_ms(&self) -> u64 {
        BEGINNING_MS + 3_600_000
    }

    /// Starts all four at genesis.
    pub fn start(&self) -> Run {
        let mut run = Run {
            seats: Seats::new(BEGINNING_MS, self.tags.clone()),
            stores: Vec::new(),
            disks: Vec::new(),
            submitted: 0,
        };
        for index in 1..self.tags.len() {
            let peer = Peer::new(self, index);
            run.stores.push(peer.store.clone());
            run.disks.push(peer.disk.clone());
            peer.sit_down(self, &mut run.seats)
                .expect("a new node starts");
        }
        self.open_node(&mut run).expect("a new node starts");
        run
    }

    /// Starts the first node.
    pub fn open_node(&self, run: &mut Run) -> Result<(), NodeError> {
        let opened = LedgerOfFour::open(LedgerOfFour::load(self.cluster.folder())?)?;
        Ok(opened.sit_down(0, &mut run.seats)?)
    }

    /// Ends the first node.
    pub fn close_node(&self, run: &mut Run) {
        run.seats.stand_up(0);
    }

    /// Lets those that run make so many blocks.
    pub fn grow(&self, run: &mut Run, blocks: u64) {
        for _ in 0..blocks {
            let height = run.seats.height(1);
            run.submitted += 1;
            let capture = self.capture(run.submitted, run.seats.now_ms);
            assert!(run.seats.submit(1, &capture), "a valid capture is taken");
            let is_level = |seats: &Seats| {
                let running = (0..4).filter(|i| seats.seat(*i).is_some());
                running.map(|i| seats.height(i)).min() > Some(height)
            };
            assert!(
                run.seats.run_until(PATIENCE_MS, is_level),
                "no block is made"
            );
        }
    }

    /// A capture of a unit's next event; units come again after some.
    pub fn capture(&self, number: u64, created_ms: u64) -> Vec<u8> {
        let id = organisation_id(0);
        let events = vec![load::event(number % 5), load::event(100 + number)];
        load::capture(
            &self.organisation,
            &self.genesis.chain_id,
            &id,
            created_ms,
            events,
        )
    }
}

impl Default for LedgerOfFour {
    fn default() -> Self {
        LedgerOfFour::new()
    }
}

impl Peer {
    /// A new one with an empty disk.
    pub fn new(ledger: &LedgerOfFour, index: usize) -> Peer {
        let disk = MemoryDisk::new();
        Guard::create(disk.clone()).expect("an empty disk takes a new guard");
        Peer {
            index,
            store: MemoryStore::new(&ledger.genesis),
            disk,
        }
    }

    /// One whose disk was replaced, so that it doesn't know what it has signed.
    pub fn replaced(ledger: &LedgerOfFour, index: usize) -> Peer {
        let disk = MemoryDisk::new();
        Guard::create_unknown(disk.clone()).expect("an empty disk takes a new guard");
        Peer {
            index,
            store: MemoryStore::new(&ledger.genesis),
            disk,
        }
    }

    /// Its power is cut, or its process killed.
    pub fn crash(&self, loss: Loss, random: &mut Random) {
        self.disk.crash(loss, |below| random.index(below));
        self.store
            .crash(|commits| loss.kept(commits, |below| random.index(below)));
    }

    /// The same once more, which from now on goes its own way.
    pub fn twin(&self) -> Peer {
        Peer {
            index: self.index,
            store: self.store.copy(),
            disk: self.disk.twin(),
        }
    }

    /// One with copies of its files, as a backup has them.
    pub fn copied(&self) -> Peer {
        Peer {
            disk: MemoryDisk::with(self.disk.files()),
            ..self.twin()
        }
    }

    /// Starts it at its place.
    pub fn sit_down(&self, ledger: &LedgerOfFour, seats: &mut Seats) -> Result<(), String> {
        self.sit_down_at(self.index, ledger, seats)
    }

    /// Starts it at another place.
    pub fn sit_down_at(
        &self,
        place: usize,
        ledger: &LedgerOfFour,
        seats: &mut Seats,
    ) -> Result<(), String> {
        let (machine, first) = self.open(ledger, seats.now_ms)?;
        seats.sit_down(place, Box::new(machine), first);
        Ok(())
    }

    fn open(
        &self,
        ledger: &LedgerOfFour,
        now_ms: u64,
    ) -> Result<(Machine<MemoryStore, MemoryDisk>, Vec<Output>), String> {
        let pool = verification::pool();
        let chain = Chain::open(ledger.genesis.chain_id, self.store.clone(), pool);
        let guard = Guard::open(self.disk.clone()).map_err(|e| e.to_string())?;
        let (wal, recovered) = Wal::open(self.disk.clone()).map_err(|e| e.to_string())?;
        let parts = MachineParts {
            settings: ConsensusSettings::default(),
            chain: chain.map_err(|fault| fault.to_string())?,
            wal,
            recovered,
            signer: Some((ledger.validators[self.index].clone().into(), guard)),
            tag_of,
            verify: verification::verify,
        };
        Machine::open(parts, now_ms).map_err(|fault| fault.to_string())
    }
}

impl Opened {
    /// Starts it at a place.
    pub fn sit_down(self, place: usize, seats: &mut Seats) -> Result<(), Fault> {
        let OpenedChain {
            chain,
            signer,
            wal,
            recovered,
            ..
        } = self.chain;
        let parts = MachineParts {
            settings: self.settings,
            chain,
            wal,
            recovered,
            signer,
            tag_of,
            verify: verification::verify,
        };
        let (machine, first) = Machine::open(parts, seats.now_ms)?;
        seats.sit_down(place, Box::new(machine), first);
        Ok(())
    }
}
