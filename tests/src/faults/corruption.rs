//! A file of a node's folder is changed, cut, exchanged or lost while the node is down; then it starts again among
//! three others. It refuses with a name, repairs itself, or answers rightly: whatever it answers is as it was, and it
//! signs nothing that contradicts what it has signed.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use touchstone_core::Fault as NodeFault;
use touchstone_core::block::Block;
use touchstone_core::hash::Hash;
use touchstone_core::proof::state;
use touchstone_core::transaction;
use touchstone_node::lifecycle::{NodeError, OpenedChain};
use touchstone_node::storage::rocks::{Snapshot, StoreReader};

use super::campaign::{Fault, Figures, Goal, words_of};
use super::folder;
use super::ledger_of_four::{LedgerOfFour, Opened, Peer};
use super::mutation::flip;
use super::seats::{Seats, Signed};
use crate::random::Random;

/// The kinds of files that a node has.
const KINDS: [&str; 14] = [
    "table",
    "database log",
    "manifest",
    "current",
    "options",
    "identity",
    "guard",
    "wal",
    "wal mark",
    "lock",
    "configuration",
    "network key",
    "validator key",
    "genesis",
];

/// How long a node that starts may take to be where the others are; virtual time, milliseconds.
const REPAIR_MS: u64 = 60_000;

/// Corrupted files.
#[derive(Default)]
pub struct Corruption {
    truth: OnceLock<Truth>,
}

impl Fault for Corruption {
    fn name(&self) -> &'static str {
        "corruption"
    }

    fn claim(&self) -> &'static str {
        "a file of a node is changed, cut, exchanged or lost: it refuses with a name, repairs itself or answers \
         rightly; no wrong answer, no conflicting signature"
    }

    fn goal(&self) -> Goal {
        Goal {
            trials: 5_000,
            short: 40,
            batch: 50,
            threads: 2,
            share: 12,
        }
    }

    fn run(&self, seed: u64, from: u64, count: u64) -> Figures {
        let truth = self.truth.get_or_init(Truth::new);
        let mut figures = Figures::default();
        for number in from..from + count {
            let mut random = Random::new(seed ^ number.rotate_left(24));
            let mut what = String::new();
            let trial = AssertUnwindSafe(|| truth.trial(&mut random, &mut what));
            let ended = catch_unwind(trial);
            figures.trials += 1;
            match ended.unwrap_or_else(|panic| Err(words_of(panic.as_ref()))) {
                Ok(outcome) => figures.count(&outcome),
                Err(wrong) => figures.break_with(format!("trial {number}: {what}: {wrong}")),
            }
        }
        figures
    }
}

/// A ledger, one node's folder, and all that it may answer.
struct Truth {
    ledger: LedgerOfFour,
    /// The same folder some blocks earlier.
    earlier: tempfile::TempDir,
    peers: Vec<Peer>,
    signed: Signed,
    blocks: Vec<Block>,
    values: BTreeMap<Vec<u8>, Vec<u8>>,
    files: Vec<PathBuf>,
}

impl Truth {
    fn new() -> Truth {
        let ledger = LedgerOfFour::new();
        let mut run = ledger.start();
        // Opened anew, the database writes its log into tables.
        for _ in 0..2 {
            ledger.grow(&mut run, 4);
            ledger.close_node(&mut run);
            ledger
                .open_node(&mut run)
                .expect("nothing is wrong with it");
        }
        let earlier = folder::scratch();
        ledger.close_node(&mut run);
        ledger
            .copy_node(earlier.path())
            .expect("a folder is copied");
        ledger
            .open_node(&mut run)
            .expect("nothing is wrong with it");
        ledger.grow(&mut run, 4);
        ledger.close_node(&mut run);
        let values = run.stores[0].values();
        let signed = run.seats.signed.clone();
        let peer = run.seats.seat(1).expect("it runs");
        let heights = 1..=peer.tip().height;
        let blocks = heights
            .map(|height| peer.block(height).expect("it is there").0)
            .collect();
        // The others go on without it.
        ledger.grow(&mut run, 2);
        let listed = folder::scratch();
        ledger.copy_node(listed.path()).expect("a folder is copied");
        let files = folder::files(listed.path()).expect("its files are listed");
        Truth {
            peers: run.peers(),
            earlier,
            signed,
            blocks,
            values,
            files: files
                .into_iter()
                .filter(|file| kind(file).is_some())
                .collect(),
            ledger,
        }
    }

    fn trial(&self, random: &mut Random, what: &mut String) -> Result<String, String> {
        let at = folder::scratch();
        self.ledger
            .copy_node(at.path())
            .map_err(|e| e.to_string())?;
        *what = self.harm(at.path(), random);
        let loaded = match LedgerOfFour::load(at.path()) {
            Ok(loaded) => loaded,
            Err(error) => return Ok(refusal(&error)),
        };
        let network_key = loaded.network_key.verifying_key().to_bytes();
        let is_listed = self.ledger.tags.contains(&network_key.to_vec());
        let opened = match LedgerOfFour::open(loaded) {
            Ok(opened) => opened,
            Err(error) => return Ok(refusal(&error)),
        };
        let mut outcome = match self.read(&opened.chain)? {
            None => "answers rightly",
            Some(outcome) => return Ok(outcome),
        };
        if opened.chain.chain.tip().height < self.blocks.len() as u64 {
            outcome = "repairs itself";
        }
        if !is_listed {
            return Ok("no peer admits it".into());
        }
        self.rejoin(opened)
            .map(|found| found.unwrap_or_else(|| outcome.into()))
    }

    /// Reads all there is. None if everything is as it was; else how it was refused.
    fn read(&self, opened: &OpenedChain) -> Result<Option<String>, String> {
        match self.compare(&opened.reader) {
            Ok(()) => Ok(None),
            Err(Unlike::Refused(fault)) => Ok(Some(format!("refuses a read: {}", name_of(&fault)))),
            Err(Unlike::Wrong(what)) => Err(format!("WRONG ANSWER: {what}")),
        }
    }

    fn compare(&self, reader: &StoreReader) -> Result<(), Unlike> {
        let snapshot = reader.snapshot();
        let tip = snapshot.tip();
        let blocks = self.blocks.get(..tip.height as usize);
        let blocks = blocks.ok_or_else(|| Unlike::wrong("a block that never was"))?;
        for block in blocks {
            self.compare_block(&snapshot, block)?;
        }
        let Some(last) = blocks.last() else {
            return Ok(());
        };
        let is_last = blocks.len() == self.blocks.len();
        for (key, value) in &self.values {
            let found = snapshot.state_value(key)?;
            if is_last && found.as_ref() != Some(value) {
                return Err(Unlike::wrong(&format!("state {}", hex::encode(key))));
            }
            let proof = snapshot.prove(key)?;
            let root = &last.header.state_root;
            state::verify(root, key, found.as_deref(), &proof)
                .map_err(|e| Unlike::wrong(&format!("state {}: {e}", hex::encode(key))))?;
        }
        snapshot.validator_set_changes(0)?;
        snapshot.misbehaviour()?;
        Ok(())
    }

    fn compare_block(&self, snapshot: &Snapshot<'_>, block: &Block) -> Result<(), Unlike> {
        let (height, id) = (block.header.height, block.id());
        let at = |what: &str| Unlike::wrong(&format!("{what} of height {height}"));
        let (found, _) = snapshot.block(height)?.ok_or_else(|| at("no block"))?;
        if found != *block {
            return Err(at("another block"));
        }
        if snapshot.height_of_block(&id)? != Some(height) {
            return Err(at("another place of the block"));
        }
        let header = snapshot
            .certified_header(height)?
            .ok_or_else(|| at("no header"))?;
        if header.header != block.header.encode() {
            return Err(at("another header"));
        }
        for (index, envelope) in (0..).zip(&block.transactions) {
            let id = self.transaction(envelope);
            let place = snapshot.transaction(&id)?;
            if place.map(|p| (p.height, p.index)) != Some((height, index)) {
                return Err(at("another place of a transaction"));
            }
            if snapshot.envelope(height, index)?.as_ref() != Some(envelope) {
                return Err(at("another transaction"));
            }
        }
        Ok(())
    }

    fn transaction(&self, envelope: &[u8]) -> Hash {
        let id = transaction::id_of_envelope(&self.ledger.genesis.chain_id, envelope);
        id.expect("what was committed is canonical")
    }

    /// The node starts among the others, which have gone on without it. None if it is where they are at last; else how
    /// it ended.
    fn rejoin(&self, opened: Opened) -> Result<Option<String>, String> {
        let mut seats = Seats::new(self.ledger.now_ms(), self.ledger.tags.clone());
        seats.signed = self.signed.clone();
        for peer in &self.peers {
            peer.twin().sit_down(&self.ledger, &mut seats)?;
        }
        if let Err(fault) = opened.sit_down(0, &mut seats) {
            return Ok(Some(format!("refuses: {}", name_of(&fault))));
        }
        let before = seats.height(1);
        for number in 0..2 {
            seats.submit(1, &self.ledger.capture(900 + number, seats.now_ms));
        }
        let is_level = |seats: &Seats| {
            let height = seats.height(0);
            height > before && height == seats.height(1)
        };
        let has_caught_up = seats.run_until(REPAIR_MS, |seats| {
            is_level(seats) || seats.fault(0).is_some()
        }) && seats.fault(0).is_none();
        // And on, as it may vote by now.
        for number in 2..4 {
            seats.submit(1, &self.ledger.capture(900 + number, seats.now_ms));
            seats.run_until(500, |_| false);
        }
        if let Some(conflict) = seats.signed.conflict() {
            return Err(format!("CONFLICTING SIGNATURES: {conflict}"));
        }
        if let Some(fault) = seats.fault(0) {
            let name: String = fault.split(':').next().unwrap_or(fault).into();
            return Ok(Some(format!("stops: {name}")));
        }
        for height in 1..=seats.height(0) {
            let [own, others] = [0, 1].map(|i| seats.seat(i).and_then(|s| s.block(height)));
            if own.map(|(block, _)| block) != others.map(|(block, _)| block) {
                return Err(format!("WRONG ANSWER: another block of height {height}"));
            }
        }
        match has_caught_up {
            true => Ok(None),
            false => Err(format!("it stands at height {} for ever", seats.height(0))),
        }
    }

    /// Harms one file; says how.
    fn harm(&self, at: &Path, random: &mut Random) -> String {
        let kinds: Vec<&str> = KINDS
            .into_iter()
            .filter(|known| self.files.iter().any(|file| kind(file) == Some(*known)))
            .collect();
        let chosen = kinds[random.index(kinds.len())];
        let alike: Vec<&PathBuf> = self
            .files
            .iter()
            .filter(|f| kind(f) == Some(chosen))
            .collect();
        let file = alike[random.index(alike.len())];
        let other = alike[random.index(alike.len())];
        let path = at.join(file);
        let mut bytes = fs::read(&path).unwrap_or_default();
        let how = match random.below(10) {
            0..3 => {
                flip(&mut bytes, random);
                "one bit is flipped"
            }
            3 => {
                for _ in 0..random.between(2, 40) {
                    flip(&mut bytes, random);
                }
                "bits are flipped"
            }
            4 => {
                bytes.truncate(random.index(bytes.len()));
                "the end is missing"
            }
            5 => {
                let start = random.index(bytes.len().div_ceil(512)) * 512;
                let end = bytes.len().min(start + 512);
                for byte in &mut bytes[start..end] {
                    *byte = 0;
                }
                "a sector is empty"
            }
            6 => {
                let start = random.index(bytes.len().div_ceil(512)) * 512;
                let end = bytes.len().min(start + 512);
                for byte in &mut bytes[start..end] {
                    *byte = random.word() as u8;
                }
                "a sector is noise"
            }
            7 if file != other => {
                bytes = fs::read(at.join(other)).unwrap_or_default();
                "another file of its kind is in its place"
            }
            8 => {
                bytes = fs::read(self.earlier.path().join(file)).unwrap_or(bytes);
                "an earlier copy is in its place"
            }
            _ => {
                // Gone altogether.
                let removed = fs::remove_file(&path);
                return format!("{chosen} {}: lost ({removed:?})", file.display());
            }
        };
        fs::write(&path, bytes).expect("the copy is writable");
        format!("{chosen} {}: {how}", file.display())
    }
}

/// Why an answer isn't the one of before.
enum Unlike {
    /// The node says so itself.
    Refused(NodeFault),
    /// It doesn't.
    Wrong(String),
}

impl Unlike {
    fn wrong(what: &str) -> Unlike {
        Unlike::Wrong(what.to_owned())
    }
}

impl From<NodeFault> for Unlike {
    fn from(fault: NodeFault) -> Unlike {
        Unlike::Refused(fault)
    }
}

/// The kind of a file, by its path in the folder of a consortium; none for what no node reads.
fn kind(file: &Path) -> Option<&'static str> {
    let name = file.file_name()?.to_str()?;
    let found = match name {
        "guard" => "guard",
        "wal-0" | "wal-1" => "wal",
        "wal-mark" => "wal mark",
        "lock" => "lock",
        "node.toml" => "configuration",
        "network.pem" => "network key",
        "validator.pem" => "validator key",
        "genesis.json" => "genesis",
        "CURRENT" => "current",
        "IDENTITY" => "identity",
        _ if name.starts_with("MANIFEST") => "manifest",
        _ if name.starts_with("OPTIONS") => "options",
        _ if name.ends_with(".sst") || name.ends_with(".blob") => "table",
        _ if name.ends_with(".log") => "database log",
        _ => return None,
    };
    Some(found)
}

/// The name under which a node doesn't start.
fn refusal(error: &NodeError) -> String {
    let name = match error {
        NodeError::Config(_) => "configuration, key or genesis",
        NodeError::Store { .. } => "the database",
        NodeError::Folder(_) => "the data folder",
        NodeError::Wal(_) => "the write-ahead log",
        NodeError::Guard(_) | NodeError::NoGuard { .. } => "the guard",
        NodeError::NotAValidator { .. } => "no validator's key",
        NodeError::Fault(fault) => name_of(fault),
        _ => "another reason",
    };
    format!("refuses: {name}")
}

fn name_of(fault: &NodeFault) -> &'static str {
    match fault {
        NodeFault::Storage(_) => "storage failed",
        NodeFault::Damaged(_) => "damaged data",
        NodeFault::Tree(_) => "the state tree",
        NodeFault::Signing(_) => "signing",
        NodeFault::Invariant(_) => "an internal error",
        NodeFault::UnknownProtocol { .. } => "newer rules",
    }
}
