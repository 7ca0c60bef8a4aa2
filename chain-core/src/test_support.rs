//! What the tests share: a state in memory, keys made from a number, a genesis of four
//! organisations, and a chain that runs one transaction or one block.
//!
//! Consensus-critical: no

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may, and say by their names what they make"
)]

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::SigningKey;
use prost::Message;
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{self, change::Kind};
use touchstone_proto::node::CertifiedHeader;

use crate::block::{Block, Header};
use crate::commit_certificate;
use crate::evidence::Stamps;
use crate::execution::{self, BlockContext, Executed, InvalidBlock};
use crate::genesis::{Document, FORMAT, Genesis, NodeKeys, Organisation, Parameters};
use crate::governance::proposer_turns::ProposerTurns;
use crate::governance::validators::ValidatorSet;
use crate::rejection::Rejection;
use crate::signing::{self, Purpose};
use crate::state::StateRead;
use crate::state::commitment::{NodeKey, TreeNode, TreeRead, TreeUpdate};
use crate::state::delta::{LinkRow, Writes};
use crate::transaction::{self, VerifiedTransaction};
use crate::{Fault, Hash};

mod archive;
pub mod beacons;
pub mod cases;
pub mod disputes;
pub mod reviews;
pub mod rights;
pub mod tsa;
#[cfg(test)]
mod vectors;
pub mod vouched;

pub use archive::voter;
pub use touchstone_epcis::test_support::{
    aggregation, container, declared_wrong, event_of, item, lot, object, step,
};

/// A state in memory. Nodes of older versions stay, so old roots can be proven too.
#[derive(Clone, Default)]
pub struct Memory {
    pub values: BTreeMap<Vec<u8>, Vec<u8>>,
    pub transactions: BTreeSet<Hash>,
    pub links: Vec<LinkRow>,
    pub nodes: BTreeMap<NodeKey, TreeNode>,
}

impl Memory {
    pub fn absorb(&mut self, writes: &Writes, tree: &TreeUpdate) {
        self.values.extend(writes.values.clone());
        self.links.extend(writes.links.iter().cloned());
        self.transactions.extend(&writes.transactions);
        self.nodes.extend(tree.nodes.clone());
    }

    pub fn message<M: Message + Default>(&self, key: &[u8]) -> Option<M> {
        self.values
            .get(key)
            .map(|bytes| crate::encoding::decode_exact(bytes).unwrap())
    }
}

impl StateRead for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.values.get(key).cloned())
    }
    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        Ok(self.transactions.contains(id))
    }
}

impl TreeRead for Memory {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(self.nodes.get(key).cloned())
    }
}

/// The key whose secret is 32 times `seed`.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub fn public(seed: u8) -> [u8; 32] {
    key(seed).verifying_key().to_bytes()
}

/// A tree of `count` keys with values, and its root.
pub fn tree(count: usize) -> (Memory, Vec<(Hash, Hash)>, Hash) {
    let pairs: Vec<(Hash, Hash)> = stream(1).zip(stream(2)).take(count).collect();
    let values = pairs
        .iter()
        .map(|(k, v)| (k.to_vec(), v.to_vec()))
        .collect();
    let update = crate::state::commitment::update(&Memory::default(), 0, &values).unwrap();
    let memory = Memory {
        nodes: update.nodes,
        ..Memory::default()
    };
    (memory, pairs, update.root)
}

/// A founder: its id, its roles, and the seeds of its keys; the validator's key has the seed 10
/// higher, its network key 20 higher.
pub const FOUNDERS: [(&str, &[&str], u8); 4] = [
    ("market", &["platform"], 1),
    ("carrier", &["logistics"], 2),
    ("maker", &["manufacturer", "designer"], 3),
    ("office", &["ip-office", "court"], 4),
];

/// Signs for the founders.
pub const MARKET: (&str, u8) = ("market", 1);
pub const CARRIER: (&str, u8) = ("carrier", 2);
pub const MAKER: (&str, u8) = ("maker", 3);
pub const OFFICE: (&str, u8) = ("office", 4);

pub const GENESIS_TIME_MS: u64 = 1_772_000_000_000;

pub fn genesis_document() -> Document {
    let organisations = FOUNDERS
        .iter()
        .map(|(id, roles, seed)| Organisation {
            id: (*id).into(),
            name: format!("The {id}"),
            roles: roles.iter().map(|r| (*r).into()).collect(),
            keys: vec![hex::encode(public(*seed))],
            gs1_prefixes: if *id == "maker" {
                vec!["9521321".into()]
            } else {
                vec![]
            },
            nodes: vec![NodeKeys {
                network_key: hex::encode(public(seed + 20)),
                addresses: vec![format!("/ip4/127.0.0.1/tcp/270{seed:02}")],
                validator_key: Some(hex::encode(public(seed + 10))),
                power: None,
            }],
        })
        .collect();
    Document {
        format: FORMAT.into(),
        chain: "test".into(),
        time_ms: GENESIS_TIME_MS,
        parameters: Parameters::default(),
        organisations,
    }
}

/// A chain in memory, and what its next block is built on.
#[derive(Clone)]
pub struct Chain {
    pub id: Hash,
    /// Exact bytes of the genesis document.
    pub genesis: Vec<u8>,
    pub state: Memory,
    pub height: u64,
    pub time_ms: u64,
    pub parent: Hash,
    pub validators: ValidatorSet,
    pub blocks: Vec<Block>,
    /// The set that votes on each block.
    pub sets: Vec<ValidatorSet>,
    /// What time-stamp authorities gave.
    pub stamps: Stamps,
}

impl Chain {
    pub fn start() -> Chain {
        Chain::from(&genesis_document())
    }

    pub fn from(document: &Document) -> Chain {
        let bytes = document.to_bytes();
        let genesis = Genesis::read(&bytes).unwrap();
        let mut state = Memory::default();
        state.absorb(&genesis.writes, &genesis.tree);
        Chain {
            id: genesis.chain_id,
            genesis: bytes,
            state,
            height: 0,
            time_ms: genesis.document.time_ms,
            parent: genesis.chain_id,
            validators: genesis.validators,
            blocks: Vec::new(),
            sets: Vec::new(),
            stamps: Stamps::default(),
        }
    }

    /// The context of the next block.
    pub fn context(&self) -> BlockContext {
        let turns = ProposerTurns::current(&self.state).unwrap();
        let proposer = turns.proposer(&self.validators, self.height + 1, 0);
        BlockContext {
            chain_id: self.id,
            height: self.height + 1,
            time_ms: self.time_ms + 1000,
            parent: self.parent,
            proposer: proposer.public_key,
        }
    }

    /// Signs `action` for an organisation, created so many milliseconds after the last block.
    pub fn sign_at(&self, who: (&str, u8), after_ms: u64, action: Action) -> Vec<u8> {
        let created_ms = self.time_ms + after_ms;
        transaction::sign(&key(who.1), &self.id, &body(who.0, created_ms, action))
    }

    pub fn sign(&self, who: (&str, u8), action: Action) -> Vec<u8> {
        self.sign_at(who, 0, action)
    }

    pub fn verified(&self, envelope: &[u8]) -> Result<VerifiedTransaction, Rejection> {
        transaction::verify(&self.id, envelope)
    }

    pub fn execute(&self, envelopes: &[Vec<u8>]) -> Executed {
        let transactions: Vec<_> = envelopes
            .iter()
            .map(|e| self.verified(e).expect("an envelope that verifies"))
            .collect();
        let refs: Vec<_> = transactions.iter().collect();
        execution::execute(&self.state, &self.context(), &refs).unwrap()
    }

    pub fn verify(&self, block: &Block) -> Result<Executed, InvalidBlock> {
        let transactions: Vec<_> = block
            .transactions
            .iter()
            .map(|e| self.verified(e).unwrap())
            .collect();
        let refs: Vec<_> = transactions.iter().collect();
        execution::verify(&self.state, &block.header, &refs).unwrap()
    }

    /// What an envelope would meet in the next block; nothing is kept.
    pub fn check(&self, envelope: &[u8]) -> Result<(), Rejection> {
        let transaction = self.verified(envelope)?;
        let executed = execution::execute(&self.state, &self.context(), &[&transaction]).unwrap();
        match executed.rejected.into_iter().next() {
            Some((_, rejection)) => Err(rejection),
            None => Ok(()),
        }
    }

    /// Runs one transaction in a block of its own.
    pub fn run(&mut self, who: (&str, u8), action: Action) -> Result<(), Rejection> {
        let envelope = self.sign(who, action);
        self.check(&envelope)?;
        self.commit(&[envelope]);
        Ok(())
    }

    /// Commits a block of those envelopes that apply.
    pub fn commit(&mut self, envelopes: &[Vec<u8>]) -> Executed {
        let executed = self.execute(envelopes);
        self.adopt(&executed, envelopes);
        executed
    }

    /// Appends a block that was made of those of the envelopes that were applied.
    pub fn adopt(&mut self, executed: &Executed, envelopes: &[Vec<u8>]) {
        self.state.absorb(&executed.writes, &executed.tree);
        self.height = executed.header.height;
        self.time_ms = executed.header.time_ms;
        self.parent = executed.header.id();
        self.sets.push(self.validators.clone());
        self.validators = executed.next_validators.clone();
        self.blocks.push(Block {
            header: executed.header.clone(),
            transactions: executed
                .applied
                .iter()
                .map(|i| envelopes[*i].clone())
                .collect(),
        });
    }

    /// Runs one transaction in a block of its own, and gives its id.
    pub fn run_for_id(&mut self, who: (&str, u8), action: Action) -> Result<Hash, Rejection> {
        let envelope = self.sign(who, action);
        self.check(&envelope)?;
        self.commit(std::slice::from_ref(&envelope));
        Ok(*self.verified(&envelope)?.id())
    }

    /// Hands over what an event about `items` names, in two blocks.
    pub fn hand_over(&mut self, from: (&str, u8), to: (&str, u8), items: &[String]) {
        let deadline_ms = self.time_ms + 1_000_000;
        let shipped = offer(to.0, deadline_ms, &[step("OBSERVE", "shipping", items)]);
        let id = self.run_for_id(from, shipped).unwrap();
        let received = [step("OBSERVE", "receiving", items)];
        let accepted = ledger::Outcome::Accepted;
        self.run(to, answer(&id, accepted, "", &received)).unwrap();
    }

    pub fn capture(&mut self, events: &[Vec<u8>]) -> Result<(), Rejection> {
        self.run(MARKET, capture(events))
    }

    /// Approves a change by each of these, one block each.
    pub fn approve(&mut self, who: &[(&str, u8)], change: &ledger::Change) {
        for approver in who {
            self.run(*approver, approve(change))
                .expect("an approval that applies");
        }
    }
}

pub fn body(organisation: &str, created_ms: u64, action: Action) -> ledger::Transaction {
    ledger::Transaction {
        organisation: organisation.into(),
        created_ms,
        action: Some(action),
    }
}

pub fn capture(events: &[Vec<u8>]) -> Action {
    Action::CaptureEvents(ledger::CaptureEvents {
        handover: None,
        events: events.to_vec(),
    })
}

/// A capture that offers what its events name to an organisation.
pub fn offer(to: &str, deadline_ms: u64, events: &[Vec<u8>]) -> Action {
    handing(
        events,
        Handover::Offer(ledger::OfferCustody {
            to: to.into(),
            deadline_ms,
        }),
    )
}

/// A capture that answers the offer in the transaction with this id.
pub fn answer(
    offer: &Hash,
    outcome: ledger::Outcome,
    discrepancy: &str,
    events: &[Vec<u8>],
) -> Action {
    handing(
        events,
        Handover::Answer(ledger::AnswerOffer {
            offer: offer.to_vec(),
            outcome: outcome as i32,
            discrepancy: discrepancy.into(),
        }),
    )
}

/// A capture that claims what its events name.
pub fn claim(reason: &str, events: &[Vec<u8>]) -> Action {
    let reason = reason.into();
    handing(events, Handover::Claim(ledger::ClaimCustody { reason }))
}

fn handing(events: &[Vec<u8>], handover: Handover) -> Action {
    Action::CaptureEvents(ledger::CaptureEvents {
        events: events.to_vec(),
        handover: Some(handover),
    })
}

pub fn change_keys(add: &[u8], retire: &[u8]) -> Action {
    let bytes = |seeds: &[u8]| seeds.iter().map(|s| public(*s).to_vec()).collect();
    Action::ChangeKeys(ledger::ChangeKeys {
        add: bytes(add),
        retire: bytes(retire),
        compromised: vec![],
    })
}

pub fn approve(change: &ledger::Change) -> Action {
    Action::ApproveChange(ledger::ApproveChange {
        change: Some(change.clone()),
    })
}

pub fn change(sequence: u64, kind: Kind) -> ledger::Change {
    ledger::Change {
        sequence,
        kind: Some(kind),
    }
}

pub fn put_validator(sequence: u64, seed: u8, power: u64, organisation: &str) -> ledger::Change {
    change(
        sequence,
        Kind::PutValidator(ledger::Validator {
            public_key: public(seed).to_vec(),
            power,
            organisation: organisation.into(),
        }),
    )
}

pub fn remove_validator(sequence: u64, seed: u8) -> ledger::Change {
    change(sequence, Kind::RemoveValidator(public(seed).to_vec()))
}

pub fn replace_validator(sequence: u64, old: u8, new: u8) -> ledger::Change {
    change(
        sequence,
        Kind::ReplaceValidator(ledger::ReplaceValidator {
            old_key: public(old).to_vec(),
            new_key: public(new).to_vec(),
        }),
    )
}

/// A well-formed record of an organisation that isn't a founder.
pub fn newcomer(id: &str, seed: u8) -> ledger::Organisation {
    ledger::Organisation {
        id: id.into(),
        name: format!("The {id}"),
        roles: vec![ledger::Role::Customs as i32],
        keys: vec![ledger::Key {
            public_key: public(seed).to_vec(),
            valid_from_height: 0,
            valid_until_height: 0,
            compromised_since_ms: 0,
            added_ms: 0,
            dispute: 0,
        }],
        peers: vec![],
        gs1_prefixes: vec![],
        standing: 0,
        standing_height: 0,
    }
}

/// Precommits of the validators with these seeds, in the canonical order.
pub fn certify(
    chain_id: &Hash,
    header: &Header,
    round: u32,
    seeds: &[u8],
) -> ledger::CommitCertificate {
    let id = header.id();
    let vote = commit_certificate::vote_bytes(
        ledger::VoteKind::Precommit,
        header.height,
        round,
        Some(&id),
    );
    let mut signatures: Vec<_> = seeds
        .iter()
        .map(|seed| ledger::Signature {
            public_key: public(*seed).to_vec(),
            signature: signing::sign(&key(*seed), Purpose::Vote, chain_id, &vote).to_vec(),
        })
        .collect();
    signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
    ledger::CommitCertificate {
        height: header.height,
        round,
        block_id: id.to_vec(),
        signatures,
    }
}

pub fn certified(chain_id: &Hash, header: &Header, seeds: &[u8]) -> CertifiedHeader {
    CertifiedHeader {
        header: header.encode(),
        certificate: Some(certify(chain_id, header, 0, seeds)),
    }
}

/// A stream of pseudo-random hashes that is the same in every run.
pub fn stream(seed: u64) -> impl Iterator<Item = Hash> {
    (0u64..).map(move |i| crate::hash::sha256(&[seed.to_be_bytes(), i.to_be_bytes()].concat()))
}

/// Every way to flip one bit of `bytes`.
pub fn bit_flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}
