//! Bits flipped in every kind of file of a real node's folder: named, and repaired from what is sound.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    CaptureEvents, CommitCertificate, Signature, Transaction, VoteKind,
};

use super::*;
use crate::config;
use crate::storage::salvage::tests::remove_block;
use crate::storage::test_blocks;

const BLOCKS: u64 = 6;

/// A stopped node's folder, with a configuration beside it.
struct Stopped {
    folder: tempfile::TempDir,
    config: Config,
    genesis: Genesis,
}

fn event(number: u64) -> Vec<u8> {
    format!(
        r#"{{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:0{number}Z",
        "eventTimeZoneOffset": "+00:00", "epcList": ["https://id.gs1.org/01/09521234500018/21/{number}"]}}"#
    )
    .into_bytes()
}

/// Records a capture in a block of its own.
fn record(chain: &mut Chain<RocksStore>, number: u64) {
    let body = Transaction {
        organisation: "platform".into(),
        created_ms: number,
        action: Some(Action::CaptureEvents(CaptureEvents {
            events: vec![event(number)],
            handover: None,
        })),
    };
    let chain_id = *chain.chain_id();
    let envelope = transaction::sign(&SigningKey::from_bytes(&[1; 32]), &chain_id, &body);
    let verified = transaction::verify(&chain_id, &envelope).unwrap();
    chain.mempool().insert(verified, None).unwrap().unwrap();
    let key = SigningKey::from_bytes(&[3; 32]);
    let now = chain.tip().time_ms + 1000;
    let block = chain.build(now, key.verifying_key().to_bytes()).unwrap();
    assert_eq!(block.transactions.len(), 1);
    let id = block.id();
    let vote = vote_bytes(VoteKind::Precommit, number, 1, Some(&id));
    let signature = signing::sign(&key, Purpose::Vote, &chain_id, &vote);
    let certificate = CommitCertificate {
        height: number,
        round: 1,
        block_id: id.to_vec(),
        signatures: vec![Signature {
            public_key: key.verifying_key().to_bytes().to_vec(),
            signature: signature.to_vec(),
        }],
    };
    chain.commit(&id, &certificate, now).unwrap();
}

fn stopped() -> Stopped {
    let folder = tempfile::tempdir().unwrap();
    let genesis = test_blocks::genesis("fsck");
    std::fs::write(folder.path().join("genesis.json"), &genesis.bytes).unwrap();
    let path = folder.path().join("node.toml");
    let text = "genesis = \"genesis.json\"\ndata = \"data\"\nnetwork_key = \"none\"\nvalidator_key = \"none\"\n\
                rpc = \"127.0.0.1:1\"\n";
    std::fs::write(&path, text).unwrap();
    let config = config::read_file(&path).unwrap();
    let data = DataFolder::open(&config.data).unwrap();
    let live = folder.path().join("live");
    let store = RocksStore::create(&live, &genesis, &StoreSettings::default()).unwrap();
    let (reader, catalogue) = (store.reader(), store.catalogue());
    let pool = SharedMempool::new(PoolLimits::default());
    let mut chain = Chain::open(genesis.chain_id, store, pool).unwrap();
    for number in 1..=BLOCKS {
        record(&mut chain, number);
    }
    assert!(catalogue.catch_up(BLOCKS).unwrap());
    catalogue.define("mine", b"{}", 10).unwrap();
    // A copy has all in tables; of the rest, the log is not written yet.
    reader.back_up(&data.path().join(CHAIN)).unwrap();
    let disk = FileDisk::new(data);
    drop(Guard::reset(disk.clone(), BLOCKS).unwrap());
    let (mut wal, _) = Wal::open(disk).unwrap();
    wal.start_height(BLOCKS + 1).unwrap();
    wal.append(b"an entry of the log").unwrap();
    wal.sync().unwrap();
    Stopped {
        folder,
        config,
        genesis,
    }
}

impl Stopped {
    fn examine(&self, repair: bool) -> FsckReport {
        let (report, ended) = self.ended(&self.genesis, repair);
        ended.unwrap();
        report
    }

    /// What was found and done, and how it ended.
    fn ended(&self, genesis: &Genesis, repair: bool) -> (FsckReport, Result<(), NodeError>) {
        let mut report = FsckReport::default();
        let ended = examine(&self.config, genesis, repair, |_, _| {}, &mut report);
        (report, ended)
    }

    /// Every file of the data folder with its bytes.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let data = &self.config.data;
        let folders = [data.clone(), data.join(CHAIN)];
        let entries = folders.iter().flat_map(|f| std::fs::read_dir(f).unwrap());
        let paths = entries.map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.is_file());
        files
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    }

    /// Puts the folder back as it was.
    fn restore(&self, files: &BTreeMap<PathBuf, Vec<u8>>) {
        let data = &self.config.data;
        for entry in std::fs::read_dir(data).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => std::fs::remove_dir_all(path).unwrap(),
                // The guard knows its file: it is written anew in place.
                false if files.contains_key(&path) => {}
                false => std::fs::remove_file(path).unwrap(),
            }
        }
        std::fs::create_dir(data.join(CHAIN)).unwrap();
        for (path, bytes) in files {
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn a_sound_folder_is_sound_and_stays_as_it_is() {
    let stopped = stopped();
    let before = stopped.files();
    let report = stopped.examine(true);
    assert_eq!(report.damages, []);
    assert_eq!((report.height, report.sound_to), (BLOCKS, BLOCKS));
    assert!(stopped.files() == before, "not a byte was changed");
    assert!(stopped.folder.path().join("data").join(CHAIN).is_dir());
}

#[test]
fn flipped_bits_in_every_kind_of_file_are_named_and_repaired() {
    let stopped = stopped();
    let before = stopped.files();
    let mut noticed = BTreeMap::<String, u32>::new();
    for (path, bytes) in &before {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = match path.extension() {
            Some(extension) => extension.to_string_lossy().into_owned(),
            None => name.split('-').next().unwrap().to_owned(),
        };
        if matches!(kind.as_str(), "LOCK" | "IDENTITY" | "OPTIONS" | "lock") {
            continue;
        }
        for place in (0..4).filter_map(|i| Some(bytes.len().checked_sub(1)? * i / 3)) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 4;
            std::fs::write(path, &flipped).unwrap();
            let found = stopped.examine(false);
            if found.damages.is_empty() {
                // Bytes that say nothing: what the blocks say is there, row by row.
                assert_eq!(found.sound_to, BLOCKS, "{name} at {place}");
                stopped.restore(&before);
                continue;
            }
            *noticed.entry(kind.clone()).or_default() += 1;
            assert_eq!(found.left(), found.damages.len());
            let repaired = stopped.examine(true);
            assert_eq!(
                repaired.damages.len(),
                found.damages.len(),
                "{name} at {place}"
            );
            let is_guard = kind == "guard";
            assert_eq!(
                repaired.left() > 0,
                is_guard,
                "{name} at {place}: {repaired:?}"
            );
            if !is_guard {
                let after = stopped.examine(false);
                assert_eq!(after.damages, [], "{name} at {place}");
            }
            stopped.restore(&before);
        }
    }
    for kind in ["sst", "MANIFEST", "CURRENT", "guard", "wal"] {
        assert!(noticed.contains_key(kind), "{kind}: {noticed:?}");
    }
}

#[test]
fn a_lost_block_leaves_those_before_it() {
    let stopped = stopped();
    let path = stopped.config.data.join(CHAIN);
    let settings = StoreSettings::default();
    // Another history of the same chain, with fewer blocks, is no damage; a hole in one is.
    let salvage = Salvage::open(&path).unwrap();
    let (block, certificate) = salvage.block(3).unwrap().unwrap();
    drop(salvage);
    assert_eq!(block.header.height, certificate.height);
    remove_block(&path, &stopped.genesis.chain_id, &settings, 4);
    let report = stopped.examine(false);
    assert_eq!((report.height, report.sound_to), (BLOCKS, 3));
    assert!(report.damages[0].part == "block 4", "{report:?}");
    let repaired = stopped.examine(true);
    assert_eq!(repaired.left(), 0, "{repaired:?}");
    let after = stopped.examine(false);
    assert_eq!(
        (after.height, after.sound_to, after.damages.len()),
        (3, 3, 0)
    );
    // What was damaged is kept, and a second repair doesn't overwrite it. What it did before is told.
    remove_block(&path, &stopped.genesis.chain_id, &settings, 2);
    for name in ["wal-0", "wal-1"] {
        std::fs::write(stopped.config.data.join(name), "no log").unwrap();
    }
    let (report, ended) = stopped.ended(&stopped.genesis, true);
    assert!(
        matches!(ended, Err(NodeError::DamagedKept { .. })),
        "{ended:?}"
    );
    assert_eq!(report.repaired, ["the write-ahead log was set aside"]);
    let parts = report.damages.iter().take(2);
    let parts: Vec<_> = parts.map(|d| (d.part.as_str(), d.is_repaired)).collect();
    assert_eq!(
        parts,
        [("the write-ahead log", true), ("block 2", false)],
        "{report:?}"
    );
    assert!(!report.is_complete);
}

/// What a repair set aside of the log is what was signed: another repair doesn't overwrite it.
#[test]
fn a_log_that_was_set_aside_is_kept() {
    let stopped = stopped();
    let data = &stopped.config.data;
    let write = |text: &str| {
        for name in ["wal-0", "wal-1"] {
            std::fs::write(data.join(name), text).unwrap();
        }
    };
    write("no log");
    let repaired = stopped.examine(true);
    assert_eq!((repaired.damages.len(), repaired.left()), (1, 0));
    let aside = |name: &str| data.join(format!("{name}.damaged"));
    std::fs::copy(aside("wal-mark"), data.join("wal-mark")).unwrap();
    write("nor this");
    let (_, refused) = stopped.ended(&stopped.genesis, true);
    assert!(
        matches!(refused, Err(NodeError::DamagedKept { .. })),
        "{refused:?}"
    );
    for name in ["wal-0", "wal-1"] {
        assert_eq!(std::fs::read(aside(name)).unwrap(), b"no log");
        assert_eq!(std::fs::read(data.join(name)).unwrap(), b"nor this");
    }
}

/// Between its two renames the damaged database has gone aside, and the whole one hasn't its name yet.
#[test]
fn a_repair_that_was_killed_between_its_renames_is_finished() {
    let stopped = stopped();
    let before = stopped.files();
    let data = &stopped.config.data;
    std::fs::rename(data.join(CHAIN), data.join(ANEW)).unwrap();
    std::fs::create_dir(data.join(DAMAGED)).unwrap();
    let report = stopped.examine(false);
    assert_eq!((report.height, report.damages), (BLOCKS, Vec::new()));
    assert!(stopped.files() == before);
    assert!(!data.join(ANEW).exists());
}

#[test]
fn another_chains_folder_is_refused_and_kept() {
    let stopped = stopped();
    let before = stopped.files();
    let other = test_blocks::genesis("other");
    let refused = stopped.ended(&other, true).1.unwrap_err();
    assert!(refused.to_string().contains("holds chain"), "{refused}");
    assert!(stopped.files() == before);
}
