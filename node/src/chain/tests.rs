//! What becomes of pending transactions when blocks are built and committed.

use touchstone_core::genesis::Genesis;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, ChangeKeys};

use super::*;
use crate::consensus::tests::{act, deposit, genesis, keys};
use crate::mempool::{PoolLimits, PoolOutcome};
use crate::storage::memory_store::MemoryStore;

mod time;

struct Node {
    genesis: Genesis,
    chain: Chain<MemoryStore>,
}

impl Node {
    fn new() -> Node {
        let genesis = genesis(1);
        let pool = SharedMempool::new(PoolLimits::default());
        let store = MemoryStore::new(&genesis);
        let chain = Chain::open(genesis.chain_id, store, pool).unwrap();
        Node { genesis, chain }
    }

    /// Puts an envelope in the pool whatever the rules say of it.
    fn add(&self, envelope: &[u8]) -> Hash {
        let verified = transaction::verify(&self.genesis.chain_id, envelope).unwrap();
        let id = *verified.id();
        self.chain.mempool.insert(verified, None).unwrap().unwrap();
        id
    }

    fn build(&mut self) -> Block {
        let key = keys(1)[0].verifying_key().to_bytes();
        self.chain.build(0, key).unwrap()
    }

    fn commit(&mut self, block: &Block) {
        let certificate = CommitCertificate::default();
        self.chain.commit(&block.id(), &certificate, 0).unwrap();
    }

    fn outcome(&self, id: &Hash) -> PoolOutcome {
        self.chain.mempool.outcome(id).unwrap()
    }

    fn rule(&self, id: &Hash) -> &'static str {
        match self.outcome(id) {
            PoolOutcome::Rejected(rejection) => rejection.rule(),
            PoolOutcome::Pending => "pending",
            PoolOutcome::Committed { .. } => "committed",
        }
    }

    /// Breaks a rule by itself; distinct by the number.
    fn broken(&self, number: u32) -> Vec<u8> {
        let events = vec![number.to_be_bytes().to_vec()];
        act(
            &self.genesis.chain_id,
            Action::CaptureEvents(CaptureEvents {
                events,
                handover: None,
            }),
        )
    }

    /// Retires the organisation's only key and adds another; a second one of them contradicts the
    /// first.
    fn change_keys(&self, seed: u8) -> Vec<u8> {
        let public = |seed| {
            let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
            key.verifying_key().to_bytes().to_vec()
        };
        act(
            &self.genesis.chain_id,
            Action::ChangeKeys(ChangeKeys {
                add: vec![public(seed)],
                retire: vec![public(200)],
                compromised: vec![],
            }),
        )
    }
}

#[test]
fn a_window_of_candidates_that_all_break_rules_is_drawn_again() {
    let mut node = Node::new();
    let window = 4;
    node.chain.parameters.max_block_transactions = window;
    let broken: Vec<Hash> = (0..2 * window as u32 + 1)
        .map(|n| node.add(&node.broken(n)))
        .collect();
    let good = node.add(&deposit(&node.genesis.chain_id, 1));
    let block = node.build();
    assert_eq!(block.transactions.len(), 1);
    assert!(broken.iter().all(|id| node.rule(id) != "pending"));
    assert_eq!(node.rule(&good), "pending");
}

#[test]
fn a_proposer_draws_a_bounded_number_of_times() {
    let mut node = Node::new();
    let draws = u32::try_from(MAX_DRAWS).unwrap();
    // Large enough that one window is not all of them.
    node.chain.parameters.max_block_transactions = 1;
    let ids: Vec<Hash> = (0..draws + 1).map(|n| node.add(&node.broken(n))).collect();
    assert!(node.build().transactions.is_empty());
    let pending = ids.iter().filter(|id| node.rule(id) == "pending").count();
    assert_eq!(pending, 1);
}

#[test]
fn a_proposer_draws_no_more_for_large_ones_that_break_rules() {
    let mut node = Node::new();
    node.chain.parameters.max_block_transactions = 1;
    let large = |number: u8| {
        let events = vec![vec![number; MAX_REFUSED_BYTES as usize / 2 + 1]];
        let handover = None;
        let action = Action::CaptureEvents(CaptureEvents { events, handover });
        act(&node.genesis.chain_id, action)
    };
    let ids: Vec<Hash> = (0..3).map(|number| node.add(&large(number))).collect();
    let before = node.chain.store().executions();
    assert!(node.build().transactions.is_empty());
    let pending = ids.iter().filter(|id| node.rule(id) == "pending").count();
    assert_eq!(pending, 1);
    let executed = node.chain.store().executions() - before;
    assert_eq!(executed, 2, "each once");
}

/// The block that would make it break a rule may never be committed.
#[test]
fn what_breaks_a_rule_only_with_others_is_told_once_those_are_committed() {
    let mut node = Node::new();
    let first = node.add(&node.change_keys(60));
    let second = node.add(&node.change_keys(61));
    let block = node.build();
    assert_eq!(block.transactions.len(), 1);
    assert_eq!(node.rule(&second), "pending");
    // Another proposal of the same height comes to the same.
    assert_eq!(node.build().transactions, block.transactions);
    assert_eq!(node.rule(&second), "pending");
    node.commit(&block);
    assert_eq!(node.rule(&first), "committed");
    assert!(node.build().transactions.is_empty());
    assert_eq!(node.rule(&second), "key-validity");
}

#[test]
fn what_a_whole_block_passed_over_is_examined_at_every_node() {
    let mut node = Node::new();
    let early = node.add(&node.broken(1));
    let empty = |node: &mut Node| {
        let pool = std::mem::replace(
            &mut node.chain.mempool,
            SharedMempool::new(PoolLimits::default()),
        );
        let block = node.build();
        node.chain.mempool = pool;
        block
    };
    let block = empty(&mut node);
    node.commit(&block);
    assert_eq!(
        node.rule(&early),
        "pending",
        "the block may have been cut before it came"
    );
    let late = node.add(&node.broken(2));
    let block = empty(&mut node);
    node.commit(&block);
    assert_ne!(node.rule(&early), "pending");
    assert_eq!(node.rule(&late), "pending");
}

/// A block that another node made without this node's pool.
fn foreign_block(node: &mut Node) {
    let empty = SharedMempool::new(PoolLimits::default());
    let pool = std::mem::replace(&mut node.chain.mempool, empty);
    let block = node.build();
    node.chain.mempool = pool;
    node.commit(&block);
}

/// Examination after one block is bounded, and the next blocks go on with the rest.
#[test]
fn what_blocks_pass_over_is_examined_in_turns() {
    let mut node = Node::new();
    let size = deposit(&node.genesis.chain_id, 0).len() as u64;
    let bound = MIN_EXAMINED_BYTES / size;
    let waiting: Vec<Hash> = (0..bound)
        .map(|n| node.add(&deposit(&node.genesis.chain_id, n)))
        .collect();
    let last = node.add(&node.broken(1));
    foreign_block(&mut node);
    foreign_block(&mut node);
    assert_eq!(node.rule(&last), "pending");
    foreign_block(&mut node);
    assert_ne!(node.rule(&last), "pending");
    assert!(waiting.iter().all(|id| node.rule(id) == "pending"));
    let later = node.add(&node.broken(2));
    foreign_block(&mut node);
    foreign_block(&mut node);
    assert_ne!(node.rule(&later), "pending");
}

/// Under load most wait for no other reason than that blocks are full. Each is executed once, in its block.
#[test]
fn what_stands_in_line_is_not_executed_again() {
    let mut node = Node::new();
    let (count, each) = (200, 10);
    for number in 0..count {
        node.add(&deposit(&node.genesis.chain_id, number));
    }
    node.chain.parameters.max_block_transactions = each;
    let before = node.chain.store().executions();
    for _ in 0..count / each {
        let block = node.build();
        assert_eq!(block.transactions.len() as u64, each);
        node.commit(&block);
    }
    assert_eq!(node.chain.store().executions() - before, count);
    assert_eq!(node.chain.mempool().size().0, 0);
}

/// What others' blocks pass over for long is executed once in many blocks.
#[test]
fn what_was_examined_in_vain_rests() {
    let mut node = Node::new();
    for number in 0..10 {
        node.add(&deposit(&node.genesis.chain_id, number));
    }
    foreign_block(&mut node);
    let before = node.chain.store().executions();
    for _ in 0..16 {
        foreign_block(&mut node);
    }
    assert_eq!(node.chain.store().executions() - before, 10);
    foreign_block(&mut node);
    assert_eq!(node.chain.store().executions() - before, 20);
}

#[test]
fn what_no_block_could_hold_does_not_stand_in_the_way() {
    let mut node = Node::new();
    let size = deposit(&node.genesis.chain_id, 1).len() as u64;
    let large: Vec<u8> = vec![0; 2 * size as usize];
    let large = act(
        &node.genesis.chain_id,
        Action::CaptureEvents(CaptureEvents {
            handover: None,
            events: vec![large],
        }),
    );
    let large = node.add(&large);
    let good = node.add(&deposit(&node.genesis.chain_id, 1));
    node.chain.parameters.max_block_bytes = size;
    let block = node.build();
    assert_eq!(block.transactions.len(), 1);
    assert_ne!(node.rule(&large), "pending");
    node.commit(&block);
    assert_eq!(node.rule(&good), "committed");
}
