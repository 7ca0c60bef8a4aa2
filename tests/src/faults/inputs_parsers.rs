//! The parsers of what others wrote, each with inputs that it accepts.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use prost::Message;
use touchstone_cli::capture::table::{self, Mapping};
use touchstone_core::block::{Block, Header};
use touchstone_core::evidence::{self, CheckResult, Trusted};
use touchstone_core::genesis::Genesis;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::state;
use touchstone_core::state::{commitment, keys};
use touchstone_core::transaction::{self, UnverifiedTransaction};
use touchstone_core::{commit_certificate, encoding, timestamp};
use touchstone_epcis::{Event, Identifier, convert_xml, event_hash, split_document};
use touchstone_node::consensus::message;
use touchstone_node::storage::Store;
use touchstone_node::storage::double_sign_guard::{Guard, GuardError};
use touchstone_node::storage::wal::Wal;
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::StateProof;

use super::ledger_of_four::LedgerOfFour;
use crate::testkit::memory_disk::MemoryDisk;

/// Files above this are no inputs: they would be cut.
const MAX_BYTES: u64 = 48 << 10;

/// Reads an input: accepted, or refused as this kind.
type Parse = dyn Fn(&[u8]) -> Result<(), String> + Send + Sync;

/// A parser.
pub struct Parser {
    /// Its name in the table.
    pub name: &'static str,
    /// How often it is chosen, in parts of all weights: slow ones are chosen seldom.
    pub weight: u64,
    /// What is mutated.
    pub inputs: Vec<Vec<u8>>,
    /// Reads an input: accepted, or refused as this kind.
    pub parse: Box<Parse>,
}

impl Parser {
    fn new(
        name: &'static str,
        weight: u64,
        inputs: Vec<Vec<u8>>,
        parse: impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static,
    ) -> Parser {
        Parser {
            name,
            weight,
            inputs,
            parse: Box::new(parse),
        }
    }
}

/// All of them.
pub fn parsers() -> Vec<Parser> {
    let mut all = of_the_ledger();
    all.extend(of_documents());
    all.extend(of_evidence());
    for parser in &mut all {
        parser
            .inputs
            .extend(read_folder(&corpus(parser.name), |_| true));
    }
    all
}

/// Where inputs to a parser are kept that came further than others, or were once read wrongly.
pub fn corpus(name: &str) -> PathBuf {
    root()
        .join("tests/data/corpora")
        .join(name.replace(' ', "-"))
}

/// What nodes read from clients, peers and their own disk, with inputs from a ledger under way.
fn of_the_ledger() -> Vec<Parser> {
    let ledger = LedgerOfFour::new();
    let chain_id = ledger.genesis.chain_id;
    let mut run = ledger.start();
    run.seats.messages = Some(Vec::new());
    ledger.grow(&mut run, 4);
    let messages = run.seats.messages.take().unwrap_or_default();
    // In the middle of a height the log holds entries.
    let capture = ledger.capture(50, run.seats.now_ms);
    run.seats.submit(1, &capture);
    run.seats.run_until(8, |_| false);
    let peer = &run.peers()[0];
    let heights = 1..=run.seats.height(1);
    let decided: Vec<_> = heights
        .filter_map(|height| peer.store.block(height).ok().flatten())
        .collect();
    let blocks: Vec<Vec<u8>> = decided.iter().map(|(block, _)| block.encode()).collect();
    let headers = decided.iter().map(|(b, _)| b.header.encode()).collect();
    let certificates = decided.iter().map(|(_, c)| c.encode_to_vec()).collect();
    let transactions: Vec<Vec<u8>> = decided
        .iter()
        .flat_map(|(block, _)| block.transactions.clone())
        .collect();
    let last = decided.last().map(|(block, _)| block.header.clone());
    let last = last.expect("there are blocks");
    let (last_id, set) = (last.id(), ledger.genesis.validators.clone());
    let proofs: Vec<Vec<u8>> = [keys::VALIDATORS, b"nothing"]
        .iter()
        .filter_map(|key| {
            let value = peer.store.values().get(*key).cloned();
            let height = peer.store.tip().height;
            let proof = commitment::prove(&peer.store, height, key, value.as_deref());
            Some(proof.ok()?.encode_to_vec())
        })
        .collect();
    let (root, value) = (
        last.state_root,
        peer.store.values().get(keys::VALIDATORS).cloned(),
    );
    let sets = vec![set.encode()];
    let files = peer.disk.files();
    let of = |name: &str| -> Vec<Vec<u8>> { files.get(name).cloned().into_iter().collect() };
    let wal: Vec<Vec<u8>> = [of("wal-0"), of("wal-1")].concat();
    let guard = of("guard");
    let genesis = vec![ledger.genesis.bytes.clone()];
    let height = last.height;
    vec![
        Parser::new("transactions", 170, transactions, move |bytes| {
            let verified =
                transaction::read(&chain_id, bytes).and_then(UnverifiedTransaction::verify);
            let verified = verified.map_err(kind)?;
            verified
                .events()
                .map(drop)
                .map_err(|(_, error)| kind(error))
        }),
        Parser::new("blocks", 80, blocks, |bytes| {
            Block::decode(bytes).map(drop).map_err(kind)
        }),
        Parser::new("headers", 60, headers, |bytes| {
            Header::decode(bytes).map(drop).map_err(kind)
        }),
        Parser::new("certificates", 60, certificates, move |bytes| {
            let certificate: CommitCertificate = encoding::decode_exact(bytes).map_err(kind)?;
            commit_certificate::verify(&certificate, &chain_id, height, &last_id, &set)
                .map_err(kind)
        }),
        Parser::new("proofs", 80, proofs, move |bytes| {
            let proof: StateProof = encoding::decode_exact(bytes).map_err(kind)?;
            state::verify(&root, keys::VALIDATORS, value.as_deref(), &proof).map_err(kind)
        }),
        Parser::new("validator sets", 30, sets, |bytes| {
            ValidatorSet::decode(bytes).map(drop).map_err(kind)
        }),
        Parser::new("peer messages", 170, messages, |bytes| {
            message::decode(bytes).map(drop).map_err(kind)
        }),
        Parser::new("write-ahead log", 40, wal, |bytes| {
            let files = BTreeMap::from([("wal-0".to_owned(), bytes.to_vec())]);
            let (_, recovered) = Wal::open(MemoryDisk::with(files)).map_err(kind)?;
            match recovered.entries.is_empty() {
                true => Err("no entries".into()),
                false => Ok(()),
            }
        }),
        Parser::new("guard", 20, guard, |bytes| {
            let files = BTreeMap::from([("guard".to_owned(), bytes.to_vec())]);
            match Guard::open(MemoryDisk::with(files)) {
                // Here it is a copy; one that is sound says so.
                Ok(_) | Err(GuardError::Copied) => Ok(()),
                Err(error) => Err(kind(error)),
            }
        }),
        Parser::new("genesis", 20, genesis, |bytes| {
            Genesis::read(bytes).map(drop).map_err(kind)
        }),
    ]
}

/// What companies bring along.
fn of_documents() -> Vec<Parser> {
    let json = [
        read_all("tests/data/epcis", "jsonld"),
        read_all("tests/data/epcis", "json"),
        read_all("tests/data/epcis-hash", "jsonld"),
        read_all("tests/data/epcis-cases", "json"),
        read_all("tests/data/import-story", "json"),
    ]
    .concat();
    let events: Vec<Vec<u8>> = json
        .iter()
        .filter_map(|document| split_document(document).ok())
        .flatten()
        .take(60)
        .collect();
    let xml = [
        read_all("tests/data/epcis", "xml"),
        read_all("tests/data/epcis-hash", "xml"),
        read_all("tests/data/epcis-cases", "xml"),
    ]
    .concat();
    let pairs = read(&root().join("tests/data/digital-link/urn_digitallink_pairs.tsv"));
    let identifiers = pairs
        .split(|byte| [b'\n', b'\t'].contains(byte))
        .filter(|text| !text.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    let tables = read_all("tests/data/csv", "csv");
    let mapping = Mapping::read(&root().join("tests/data/csv/deliveries.toml"));
    let mapping = mapping.unwrap_or_else(|error| panic!("the mapping is valid: {error}"));
    let pictures = read_all("tests/data/images", "jpg");
    vec![
        Parser::new("EPCIS documents", 40, json, |bytes| {
            split_document(bytes).map(drop).map_err(kind)
        }),
        Parser::new("EPCIS events", 80, events, |bytes| {
            Event::parse(bytes).map_err(kind)?;
            event_hash(bytes).map(drop).map_err(kind)
        }),
        Parser::new("EPCIS XML", 20, xml, |bytes| {
            convert_xml(bytes).map(drop).map_err(kind)
        }),
        Parser::new("identifiers", 130, identifiers, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let read = Identifier::read(&text).map(drop).map_err(kind);
            match Identifier::parse(&text) {
                Ok(identifier) => identifier.to_urn(None).map(drop).map_err(kind),
                Err(_) => read,
            }
        }),
        Parser::new("tables", 10, tables, move |bytes| {
            let events = table::of_bytes(Path::new("table.csv"), bytes, &mapping, None);
            events.map(drop).map_err(kind)
        }),
        Parser::new("pictures", 3, pictures, |bytes| {
            touchstone_pictures::decode(bytes).map(drop).map_err(kind)
        }),
    ]
}

/// What courts and their adversaries bring along.
fn of_evidence() -> Vec<Parser> {
    let files = read_all("chain-core/tests/data/evidence", "evidence");
    let responses = read_all("chain-core/tests/data/tsa", "tsr");
    let tokens = responses
        .iter()
        .filter_map(|response| timestamp::response(response).ok())
        .collect();
    let document = read(&root().join("chain-core/tests/data/tsa/document.txt"));
    let imprint = hash::sha256(&document);
    // A token needn't hold its chain up to the root.
    let certificates = read_all("chain-core/tests/data/tsa", "der");
    vec![
        Parser::new("evidence", 6, files, |bytes| {
            // With a checksum that fits, as a forger makes one.
            let content = bytes
                .get(..bytes.len().saturating_sub(32))
                .unwrap_or_default();
            let sum: Hash = hash::sha256(content);
            let file = [content, &sum].concat();
            evidence::open(&file).map_err(kind)?;
            let report = evidence::examine(&file, &Trusted::default());
            // How far it came.
            match report.checks.last() {
                Some(last) if last.result == CheckResult::Failed => Err(kind(last.element)),
                _ => Ok(()),
            }
        }),
        Parser::new("stamp responses", 20, responses, |bytes| {
            timestamp::response(bytes).map(drop).map_err(kind)
        }),
        Parser::new("stamp tokens", 20, tokens, move |bytes| {
            timestamp::verify(bytes, &certificates, &imprint)
                .map(drop)
                .map_err(kind)
        }),
    ]
}

/// The kind of a refusal: its variants' names, without what they say about this input.
fn kind(error: impl Debug) -> String {
    let text = format!("{error:?}");
    let said = text.split('"').next().unwrap_or_default();
    let words = said.split(|c: char| !c.is_ascii_alphanumeric());
    let variants = words.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()));
    variants.take(4).collect::<Vec<_>>().join("-")
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a folder of the repository whose names end like this.
fn read_all(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    read_folder(&root().join(folder), |path| {
        path.extension().is_some_and(|found| found == ending)
    })
}

/// The files below a folder, if it is there, that are wanted and no larger than an input may be.
fn read_folder(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<Vec<u8>> {
    let files = super::folder::files(folder).unwrap_or_default();
    let fits = |path: &PathBuf| {
        let size = std::fs::metadata(path).map_or(0, |data| data.len());
        is_wanted(path) && size <= MAX_BYTES
    };
    let paths = files.into_iter().map(|file| folder.join(file));
    paths.filter(fits).map(|path| read(&path)).collect()
}
