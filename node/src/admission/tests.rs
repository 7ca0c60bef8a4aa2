use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;
use touchstone_core::genesis::Genesis;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, DepositDesign, Transaction};

use super::*;
use crate::consensus::tests::{act, deposit, genesis};
use crate::mempool::{PoolLimits, PoolOutcome};
use crate::storage::Store;
use crate::storage::memory_store::MemoryStore;

struct Node {
    genesis: Genesis,
    store: MemoryStore,
    pool: SharedMempool,
}

impl Node {
    fn new(limits: PoolLimits) -> Node {
        let genesis = genesis(1);
        Node {
            store: MemoryStore::new(&genesis),
            pool: SharedMempool::new(limits),
            genesis,
        }
    }

    fn admit(&self, envelope: &[u8], source: Source) -> Result<bool, Rejection> {
        let chain_id = &self.genesis.chain_id;
        let admission = Admission::new(chain_id, &self.store, self.store.tip(), 0, &self.pool);
        let admitted = admission.admit(envelope, source).unwrap();
        admitted.map(|transaction| transaction.is_some())
    }

    fn deposit(&self, number: u64) -> Vec<u8> {
        deposit(&self.genesis.chain_id, number)
    }

    /// Well-formed, and refused by a rule of its action.
    fn broken(&self) -> Vec<u8> {
        let action = CaptureEvents {
            events: Vec::new(),
            handover: None,
        };
        act(&self.genesis.chain_id, Action::CaptureEvents(action))
    }

    fn signed_by(&self, seed: u8, organisation: &str) -> Vec<u8> {
        let transaction = Transaction {
            organisation: organisation.into(),
            created_ms: 4_000_000_000_000,
            action: Some(Action::DepositDesign(DepositDesign {
                commitment: {
                    let mut commitment = vec![0; 32];
                    commitment[7] = 1;
                    commitment
                },
            })),
        };
        let key = SigningKey::from_bytes(&[seed; 32]);
        transaction::sign(&key, &self.genesis.chain_id, &transaction)
    }
}

fn spoilt(mut envelope: Vec<u8>) -> Vec<u8> {
    *envelope.last_mut().unwrap() ^= 1;
    envelope
}

fn sources() -> [Source; 2] {
    [Source::Client(None), Source::Peer]
}

/// Good ones beside forged and unreadable ones, and one that comes twice.
#[test]
fn envelopes_that_come_together_get_the_answers_that_they_get_alone() {
    let (together, alone) = (
        Node::new(PoolLimits::default()),
        Node::new(PoolLimits::default()),
    );
    let envelopes = [
        alone.deposit(1),
        spoilt(alone.deposit(2)),
        vec![1, 2, 3],
        alone.deposit(3),
        alone.deposit(1),
        alone.signed_by(77, "nobody"),
        alone.deposit(4),
    ];
    let chain_id = &together.genesis.chain_id;
    let (store, pool) = (&together.store, &together.pool);
    let admission = Admission::new(chain_id, store, store.tip(), 0, pool);
    let answers = admission.admit_all(&envelopes).into_iter();
    let answers = answers.map(|answer| answer.unwrap().map(|transaction| transaction.is_some()));
    let answers: Vec<_> = answers.collect();
    let one_by_one = envelopes.iter();
    let one_by_one = one_by_one.map(|envelope| alone.admit(envelope, Source::Peer));
    assert_eq!(answers, one_by_one.collect::<Vec<_>>());
    let taken = |answer: &Result<bool, Rejection>| *answer == Ok(true);
    assert_eq!(answers.iter().filter(|answer| taken(answer)).count(), 3);
    assert_eq!(pool.size(), alone.pool.size());
}

#[test]
fn a_signature_is_verified_unless_the_same_bytes_wait() {
    for source in sources() {
        let node = Node::new(PoolLimits::default());
        let refused = node.admit(&spoilt(node.deposit(1)), source.clone());
        assert_eq!(refused.unwrap_err().rule(), "signature");
        assert_eq!(node.admit(&node.deposit(1), source.clone()), Ok(true));
        assert_eq!(node.admit(&node.deposit(1), source.clone()), Ok(false));
        // The same body under another signature is not taken for the one that waits.
        let refused = node.admit(&spoilt(node.deposit(1)), source);
        assert_eq!(refused.unwrap_err().rule(), "signature");
        assert_eq!(node.pool.size().0, 1);
    }
}

/// A stranger signs the body of a member's transaction: the same id, and a signature that holds.
#[test]
fn a_strangers_copy_neither_displaces_nor_joins_the_true_one() {
    let node = Node::new(PoolLimits::default());
    let id = |envelope: &[u8]| transaction::id_of_envelope(&node.genesis.chain_id, envelope);
    let (truth, copy) = (node.deposit(1), node.signed_by(77, "maker"));
    assert_eq!(id(&truth), id(&copy));
    for source in sources() {
        let refused = node.admit(&copy, source.clone()).unwrap_err();
        assert_eq!(refused.rule(), "own-key");
        node.admit(&truth, source.clone()).unwrap();
        let refused = node.admit(&copy, source).unwrap_err();
        assert_eq!(refused.rule(), "own-key");
    }
    assert_eq!(node.pool.size().0, 1);
}

/// What costs little is asked before the signature: these have one that doesn't hold.
#[test]
fn the_state_and_the_pools_room_are_asked_before_the_signature() {
    let node = Node::new(PoolLimits::default());
    for (seed, organisation, rule) in [
        (77, "maker", "own-key"),
        (77, "nobody", "enrolled-organisation"),
    ] {
        let envelope = spoilt(node.signed_by(seed, organisation));
        let refused = node.admit(&envelope, Source::Peer).unwrap_err();
        assert_eq!(refused.rule(), rule);
    }
    let full = Node::new(PoolLimits {
        transactions: 0,
        ..PoolLimits::default()
    });
    let refused = full.admit(&spoilt(full.deposit(1)), Source::Peer);
    assert_eq!(refused, Err(Rejection::PoolFull));
}

#[test]
fn what_exceeds_the_chains_limit_is_refused_with_its_code() {
    let node = Node::new(PoolLimits::default());
    let limit = node.genesis.document.parameters.max_transaction_bytes;
    let large = act(
        &node.genesis.chain_id,
        Action::CaptureEvents(CaptureEvents {
            handover: None,
            events: vec![vec![b'x'; limit as usize]],
        }),
    );
    for source in sources() {
        let refused = node.admit(&large, source).unwrap_err();
        assert_eq!(refused.code(), 101);
    }
}

#[test]
fn with_nothing_pending_a_clients_transaction_that_breaks_a_rule_never_waits() {
    let node = Node::new(PoolLimits::default());
    let (listener, mut hears) = mpsc::unbounded_channel();
    let refused = node.admit(&node.broken(), Source::Client(Some(listener)));
    assert_eq!(refused.unwrap_err().rule(), "event-count");
    assert!(hears.try_recv().is_err(), "the answer says it already");
    assert_eq!(node.pool.size().0, 0);
    // A peer may have seen a block that makes it valid.
    assert_eq!(node.admit(&node.broken(), Source::Peer), Ok(true));
}

#[test]
fn what_may_build_on_pending_transactions_or_a_newer_block_is_left_to_its_block() {
    let node = Node::new(PoolLimits::default());
    node.admit(&node.deposit(1), Source::Peer).unwrap();
    let admitted = node.admit(&node.broken(), Source::Client(None));
    assert_eq!(admitted, Ok(true));

    let node = Node::new(PoolLimits::default());
    node.pool.committed(&[], 1, 0);
    assert_eq!(node.store.tip().height, 0, "an older snapshot");
    let (listener, mut hears) = mpsc::unbounded_channel();
    let admitted = node.admit(&node.broken(), Source::Client(Some(listener)));
    assert_eq!(admitted, Ok(true));
    let id: Hash = transaction::id_of_envelope(&node.genesis.chain_id, &node.broken()).unwrap();
    node.pool.reject(&id, Rejection::NoAction);
    let told = hears.try_recv().unwrap();
    assert_eq!(told, (id, PoolOutcome::Rejected(Rejection::NoAction)));
}

/// A block that takes a capture needn't read its events; while much waits they aren't kept.
#[test]
fn events_are_read_as_they_come_in_while_little_waits() {
    let are_read = |waiting: usize| {
        let node = Node::new(PoolLimits::default());
        for number in 0..waiting {
            let action = CaptureEvents {
                events: vec![format!("{number}").into_bytes(), vec![b' '; 1 << 20]],
                handover: None,
            };
            let large = act(&node.genesis.chain_id, Action::CaptureEvents(action));
            assert_eq!(node.admit(&large, Source::Peer), Ok(true));
        }
        let capture = node.broken();
        assert_eq!(node.admit(&capture, Source::Peer), Ok(true));
        let next = node.pool.waiting(0..u64::MAX, usize::MAX, u64::MAX);
        let last = next.last().unwrap();
        // What hasn't been read says so.
        !format!("{:?}", last.transaction).contains("events: OnceLock(<uninit>)")
    };
    assert!(are_read(0));
    assert!(are_read(3));
    assert!(!are_read(4));
}
