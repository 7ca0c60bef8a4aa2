//! A chain for tests of the store: real state, tree and headers over made-up transactions.

use std::collections::BTreeMap;

use ed25519_dalek::SigningKey;
use touchstone_core::block::{Block, Header};
use touchstone_core::execution::{self, Executed};
use touchstone_core::genesis::{self, Document, Genesis, NodeKeys, Organisation};
use touchstone_core::governance::validators::{Validator, ValidatorSet};
use touchstone_core::hash::{self, Hash};
use touchstone_core::proof::transaction_tree;
use touchstone_core::state::delta::{LinkRow, Writes};
use touchstone_core::state::{commitment, keys};
use touchstone_proto::ledger::{CommitCertificate, Signature};

use super::{Commit, Store};

/// A public key made from one byte.
pub fn key(seed: u8) -> [u8; 32] {
    SigningKey::from_bytes(&[seed; 32])
        .verifying_key()
        .to_bytes()
}

/// A genesis of one organisation; `name` makes chains differ.
pub fn genesis(name: &str) -> Genesis {
    let document = Document {
        format: genesis::FORMAT.into(),
        chain: name.into(),
        time_ms: 1000,
        parameters: genesis::Parameters::default(),
        organisations: vec![Organisation {
            id: "platform".into(),
            name: "A platform".into(),
            roles: vec!["platform".into()],
            keys: vec![hex::encode(key(1))],
            gs1_prefixes: Vec::new(),
            nodes: vec![NodeKeys {
                network_key: hex::encode(key(2)),
                addresses: vec!["/ip4/127.0.0.1/tcp/1".into()],
                validator_key: Some(hex::encode(key(3))),
                power: None,
            }],
        }],
    };
    Genesis::read(&document.to_bytes()).expect("the document is right")
}

/// What a made-up block holds.
#[derive(Clone, Debug, Default)]
pub struct BlockContent {
    /// Written to the state, besides the parent's id.
    pub values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Link entries.
    pub links: Vec<LinkRow>,
    /// Transactions.
    pub envelopes: Vec<Vec<u8>>,
    /// A new validator set: keys made from these bytes.
    pub validators: Option<Vec<u8>>,
}

/// A made-up block with its effects.
#[derive(Clone, Debug)]
pub struct Made {
    pub block: Block,
    pub ids: Vec<Hash>,
    pub certificate: CommitCertificate,
    pub executed: Executed,
}

impl Made {
    pub fn commit(&self) -> Commit<'_> {
        Commit {
            block: &self.block,
            transaction_ids: &self.ids,
            transactions: &[],
            certificate: &self.certificate,
            executed: &self.executed,
        }
    }
}

/// The next block over a store.
pub fn next(store: &impl Store, content: &BlockContent) -> Made {
    let tip = store.tip();
    let height = tip.height + 1;
    let validators = execution::validators(store).expect("stored");
    let next_validators = match &content.validators {
        None => validators.clone(),
        Some(seeds) => set(seeds),
    };
    let mut writes = Writes {
        values: content.values.clone(),
        links: content.links.clone(),
        transactions: Default::default(),
    };
    if content.validators.is_some() {
        let bytes = next_validators.encode();
        writes.values.insert(keys::VALIDATORS.to_vec(), bytes);
    }
    let parent = tip.block_id;
    writes
        .values
        .insert(keys::block(tip.height), parent.to_vec());
    let tree = commitment::update(store, height, &writes.values).expect("updates");
    let ids: Vec<Hash> = content.envelopes.iter().map(|e| hash::sha256(e)).collect();
    writes.transactions.extend(&ids);
    let header = Header {
        version: touchstone_core::block::VERSION,
        chain_id: [7; 32],
        height,
        time_ms: tip.time_ms + 10,
        parent,
        proposer: key(3),
        transaction_root: transaction_tree::root(&content.envelopes),
        transaction_count: ids.len() as u64,
        state_root: tree.root,
        validators_hash: validators.hash(),
        next_validators_hash: next_validators.hash(),
    };
    let certificate = CommitCertificate {
        height,
        round: 1,
        block_id: header.id().to_vec(),
        signatures: vec![Signature {
            public_key: key(3).to_vec(),
            signature: vec![height as u8; 64],
        }],
    };
    Made {
        block: Block {
            header: header.clone(),
            transactions: content.envelopes.clone(),
        },
        ids,
        certificate,
        executed: Executed {
            applied: (0..content.envelopes.len()).collect(),
            rejected: Vec::new(),
            header,
            writes,
            tree,
            next_validators,
        },
    }
}

/// Validators whose keys are made from these bytes.
pub fn set(seeds: &[u8]) -> ValidatorSet {
    let mut validators: Vec<Validator> = seeds
        .iter()
        .map(|seed| Validator {
            public_key: key(*seed),
            power: 1,
            organisation: "platform".into(),
        })
        .collect();
    validators.sort_by_key(|v| v.public_key);
    ValidatorSet::new(validators, 1).expect("keys differ")
}

/// Content that differs from block to block.
pub fn content(number: u64) -> BlockContent {
    let text = |what: &str| format!("{what} {number}").into_bytes();
    BlockContent {
        values: (0..20)
            .map(|i| (text(&format!("key {i}")), text("value")))
            .chain([(b"counter".to_vec(), text("count"))])
            .collect(),
        links: vec![LinkRow {
            owner: b"item/a".to_vec(),
            sequence: number - 1,
            entry: text("entry"),
        }],
        envelopes: (0..3).map(|i| text(&format!("envelope {i}"))).collect(),
        validators: None,
    }
}

/// Commits so many blocks of [`content`].
pub fn grow(store: &mut impl Store, blocks: u64) -> Vec<Made> {
    (0..blocks)
        .map(|_| {
            let made = next(store, &content(store.tip().height + 1));
            store.commit(made.commit()).expect("commits");
            made
        })
        .collect()
}
