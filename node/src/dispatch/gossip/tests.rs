use ed25519_dalek::SigningKey;
use futures::FutureExt;
use touchstone_core::genesis::Genesis;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, Transaction};

use super::again::{AGAIN, AGAIN_BYTES, Newcomers, Turn, part_of_floods};
use super::*;
use crate::consensus::Input;
use crate::consensus::tests::{deposit, genesis};
use crate::mempool::PoolLimits;
use crate::storage::Store;
use crate::storage::memory_store::MemoryStore;

struct Node {
    genesis: Genesis,
    store: MemoryStore,
    pool: SharedMempool,
}

impl Node {
    fn new() -> Node {
        let genesis = genesis(1);
        Node {
            store: MemoryStore::new(&genesis),
            pool: SharedMempool::new(PoolLimits::default()),
            genesis,
        }
    }

    fn deposit(&self, number: u64) -> Vec<u8> {
        deposit(&self.genesis.chain_id, number)
    }

    fn judge(&self, envelopes: &[Vec<u8>]) -> Acceptance {
        let chain_id = &self.genesis.chain_id;
        let admission = Admission::new(chain_id, &self.store, self.store.tip(), 0, &self.pool);
        judge(&admission, &encoded(envelopes), &mut |_| {}).unwrap()
    }
}

fn encoded(envelopes: &[Vec<u8>]) -> Vec<u8> {
    let envelopes = envelopes.to_vec();
    let attempt = 0;
    peer::Transactions { envelopes, attempt }.encode_to_vec()
}

fn spoilt(mut envelope: Vec<u8>) -> Vec<u8> {
    *envelope.last_mut().unwrap() ^= 1;
    envelope
}

#[test]
fn valid_transactions_are_passed_on_and_so_are_equal_bytes() {
    let node = Node::new();
    let batch = [node.deposit(1), node.deposit(2)];
    assert_eq!(node.judge(&batch), Acceptance::Accept);
    assert_eq!(node.pool.size().0, 2);
    assert_eq!(node.judge(&batch), Acceptance::Accept);
    assert_eq!(node.pool.size().0, 2);
}

/// Gossip drops what it has seen within a minute, at its sender and where it comes.
#[test]
fn what_is_gossiped_again_is_another_message() {
    let node = Node::new();
    let messages = [0, 1, 2, u32::MAX].map(|attempt| {
        let mut batch = Batch::default();
        batch.push(node.deposit(1));
        batch.take(attempt).unwrap()
    });
    assert_eq!(messages[0], encoded(&[node.deposit(1)]));
    let distinct: std::collections::BTreeSet<_> = messages.iter().collect();
    assert_eq!(distinct.len(), messages.len());
    let chain_id = &node.genesis.chain_id;
    let admission = Admission::new(chain_id, &node.store, node.store.tip(), 0, &node.pool);
    for message in &messages {
        let judged = judge(&admission, message, &mut |_| {}).unwrap();
        assert_eq!(judged, Acceptance::Accept);
        // A number twice, or before an envelope, is no message.
        for more in [&[0x10, 1][..], &encoded(&[node.deposit(1)])[..]] {
            let bad = [message.as_slice(), more].concat();
            let judged = judge(&admission, &bad, &mut |_| {}).unwrap();
            let is_message = message == &messages[0];
            assert_eq!(judged == Acceptance::Accept, is_message);
        }
    }
    assert!(!fits(&[0x10, 1]), "no envelope");
    assert_eq!(Batch::default().take(1), None);
}

/// Passed on, it would be held against this node by neighbours that lack the true one.
#[test]
fn a_known_body_under_a_false_signature_is_not_passed_on() {
    let node = Node::new();
    node.judge(&[node.deposit(1)]);
    let message = [spoilt(node.deposit(1))];
    assert_eq!(node.judge(&message), Acceptance::Reject);
}

#[test]
fn what_is_committed_is_neither_passed_on_nor_held_against_its_sender() {
    let node = Node::new();
    let id = transaction::id_of_envelope(&node.genesis.chain_id, &node.deposit(1)).unwrap();
    node.judge(&[node.deposit(1)]);
    node.pool.committed(&[id], 1, 0);
    for envelope in [node.deposit(1), node.deposit(2)] {
        let message = [node.deposit(1), envelope];
        assert_eq!(node.judge(&message), Acceptance::Ignore);
    }
    assert_eq!(node.pool.size().0, 1, "what is new is taken in");
}

/// Another node may have a block that this one lacks, or the other way round.
#[test]
fn what_only_this_state_refuses_is_not_held_against_its_sender() {
    let node = Node::new();
    let stranger = ed25519_dalek::SigningKey::from_bytes(&[77; 32]);
    let transaction = touchstone_proto::ledger::Transaction {
        organisation: "newcomer".into(),
        created_ms: node.store.tip().time_ms,
        action: Some(
            touchstone_proto::ledger::transaction::Action::CaptureEvents(
                touchstone_proto::ledger::CaptureEvents {
                    events: Vec::new(),
                    handover: None,
                },
            ),
        ),
    };
    let envelope = transaction::sign(&stranger, &node.genesis.chain_id, &transaction);
    assert_eq!(node.judge(&[envelope]), Acceptance::Ignore);
    assert_eq!(node.judge(&[vec![1, 2, 3]]), Acceptance::Reject);
}

#[test]
fn a_message_is_counted_before_it_is_decoded() {
    let sizes = |sizes: &[usize]| -> Vec<u8> {
        let envelopes: Vec<Vec<u8>> = sizes.iter().map(|s| vec![0; *s]).collect();
        encoded(&envelopes)
    };
    assert!(fits(&sizes(&[0; ENVELOPES])));
    assert!(!fits(&sizes(&[0; ENVELOPES + 1])));
    assert!(fits(&sizes(&[1, MAX_ENVELOPE_BYTES])));
    assert!(!fits(&sizes(&[1, MAX_ENVELOPE_BYTES + 1])));
    assert!(!fits(&[]));
    let message = sizes(&[300, 5]);
    for length in 1..message.len() {
        let is_whole = length == sizes(&[300]).len();
        assert_eq!(fits(&message[..length]), is_whole, "{length}");
    }
    for first in 0..=u8::MAX {
        let mut other = message.clone();
        other[0] = first;
        assert_eq!(fits(&other), first == message[0], "{first}");
    }
    let node = Node::new();
    let many = vec![node.deposit(1); ENVELOPES + 1];
    assert_eq!(node.judge(&many), Acceptance::Reject);
    assert_eq!(node.pool.size().0, 0);
}

#[test]
fn a_full_batch_fits_one_message() {
    let node = Node::new();
    let mut batch = Batch::default();
    while !batch.is_full() {
        batch.push(node.deposit(1));
    }
    assert!(fits(&batch.message.encode_to_vec()));
    let mut batch = Batch::default();
    batch.push(vec![0; FULL_BYTES - 1]);
    assert!(!batch.is_full());
    batch.push(vec![0; MAX_ENVELOPE_BYTES]);
    assert!(batch.is_full());
    assert!(batch.message.encode_to_vec().len() <= MESSAGE_BYTES);
    let mut batch = Batch::default();
    (0..ENVELOPES).for_each(|_| batch.push(Vec::new()));
    assert!(batch.is_full());
}

#[test]
fn all_that_waits_has_its_turn_some_bytes_at_a_time() {
    let node = Node::new();
    let large = |number: u64| {
        let mut events = vec![vec![b'x'; AGAIN_BYTES as usize / 2]];
        events.push(number.to_be_bytes().to_vec());
        let action = touchstone_proto::ledger::CaptureEvents {
            events,
            handover: None,
        };
        let action = touchstone_proto::ledger::transaction::Action::CaptureEvents(action);
        crate::consensus::tests::act(&node.genesis.chain_id, action)
    };
    let add = |envelope: &[u8]| {
        let verified = transaction::verify(&node.genesis.chain_id, envelope).unwrap();
        node.pool.insert(verified, None).unwrap();
    };
    let envelopes: Vec<Vec<u8>> = (0..5).map(large).collect();
    let mut turn = Turn::default();
    envelopes[..4].iter().for_each(|envelope| add(envelope));
    assert!(
        turn.next(&node.pool, 0).is_empty(),
        "they have only just come"
    );
    add(&envelopes[4]);
    assert_eq!(turn.next(&node.pool, 0), envelopes[0..2]);
    assert_eq!(turn.next(&node.pool, 0), envelopes[2..4]);
    assert_eq!(turn.next(&node.pool, 0), envelopes[4..5]);
    assert_eq!(turn.next(&node.pool, 0), envelopes[0..2], "round again");
}

#[test]
fn who_comes_again_and_again_makes_nobody_gossip_each_time() {
    let mut newcomers = Newcomers::default();
    let (one, other) = (PeerId::random(), PeerId::random());
    let now = Instant::now();
    let mut come = |peers: &[PeerId], at| newcomers.have_come(peers.iter().copied().collect(), at);
    assert!(!come(&[], now));
    assert!(come(&[one], now));
    assert!(!come(&[one], now), "it is there");
    assert!(come(&[one, other], now));
    assert!(!come(&[other], now));
    assert!(!come(&[one, other], now), "it was just there");
    assert!(!come(&[other], now + AGAIN));
    assert!(come(&[one, other], now + AGAIN));
}

#[test]
fn messages_are_few_while_many_transactions_wait_or_come_together() {
    let node = Node::new();
    assert_eq!(pause(&node.pool, false), PAUSE);
    assert_eq!(
        pause(&node.pool, true),
        LONG_PAUSE,
        "others would have come, too"
    );
    let envelopes: Vec<Vec<u8>> = (1..=MANY.0 as u64).map(|n| node.deposit(n)).collect();
    assert_eq!(node.judge(&envelopes[1..]), Acceptance::Accept);
    assert_eq!(pause(&node.pool, false), PAUSE);
    assert_eq!(node.judge(&envelopes), Acceptance::Accept);
    assert_eq!(pause(&node.pool, false), LONG_PAUSE);
}

#[tokio::test]
async fn what_comes_during_the_pause_is_told_to_consensus_at_once() {
    let node = Node::new();
    let (inbox, inputs) = consensus_thread::inbox();
    let (sender, mut submitted) = mpsc::channel(1);
    let verified = transaction::verify(&node.genesis.chain_id, &node.deposit(1)).unwrap();
    sender.try_send(Arc::new(verified)).unwrap();
    let mut outgoing = Outgoing::default();
    let later = Instant::now() + Duration::from_secs(3600);
    let gathering = gather(&inbox, &mut outgoing, &mut submitted, later);
    assert!(gathering.now_or_never().is_none(), "others may come");
    assert!(!outgoing.is_empty());
    let told = inputs.next(Some(Duration::ZERO));
    assert!(matches!(told, Ok(Input::Transactions)));
}

#[test]
fn what_was_committed_meanwhile_is_not_gossiped() {
    let node = Node::new();
    let mut outgoing = Outgoing::default();
    let mut ids = Vec::new();
    for number in 1..=2 {
        let verified = transaction::verify(&node.genesis.chain_id, &node.deposit(number)).unwrap();
        ids.push(*verified.id());
        outgoing.push(node.pool.insert(verified, None).unwrap().unwrap());
    }
    node.pool.committed(&ids[..1], 1, 0);
    let (batch, of_flood) = fill(&mut outgoing, &node.pool);
    assert_eq!(batch.message.envelopes, [node.deposit(2)]);
    assert!(!of_flood && outgoing.is_empty());
}

#[test]
fn a_message_names_an_organisation_before_it_is_verified() {
    let node = Node::new();
    let message = encoded(&[node.deposit(1), node.deposit(2)]);
    assert_eq!(claimed_organisation(&message), "maker");
    for end in 0..message.len() {
        let named = claimed_organisation(&message[..end]);
        assert!(named.is_empty() || named == "maker");
    }
    for wrong in [&[][..], &[0x0a, 0xff], &[0x12, 1, 0], &[0xff; 12]] {
        assert_eq!(claimed_organisation(wrong), "");
    }
}

/// Under another's flood many transactions always wait.
#[test]
fn what_waits_of_a_flood_does_not_make_others_messages_wait() {
    let node = Node::new();
    node.pool.allow(Some(1000));
    let key = SigningKey::from_bytes(&[9; 32]);
    let mut outgoing = Outgoing::default();
    for number in 0..MANY.0 as u64 {
        let flood = Transaction {
            organisation: "flooder".into(),
            created_ms: number,
            action: Some(Action::DepositDesign(DepositDesign {
                commitment: vec![7; 32],
            })),
        };
        let envelope = transaction::sign(&key, &node.genesis.chain_id, &flood);
        let verified = transaction::verify(&node.genesis.chain_id, &envelope).unwrap();
        outgoing.push(node.pool.insert(verified, None).unwrap().unwrap());
    }
    assert_eq!(pause(&node.pool, false), LONG_PAUSE, "others don't come");
    let other = node.deposit(1);
    assert_eq!(node.judge(std::slice::from_ref(&other)), Acceptance::Accept);
    let id = transaction::id_of_envelope(&node.genesis.chain_id, &other).unwrap();
    node.pool.committed(&[id], 1, 0);
    assert_eq!(pause(&node.pool, false), PAUSE);
    // The flood's own messages are few.
    assert!(fill(&mut outgoing, &node.pool).1);
    // Where what waits is gossiped again, there is a part of it beside all that is others'.
    let another = node.deposit(2);
    let judged = node.judge(std::slice::from_ref(&another));
    assert_eq!(judged, Acceptance::Accept);
    let mut turn = Turn::default();
    assert!(turn.next(&node.pool, 1).is_empty(), "it has only just come");
    let again = turn.next(&node.pool, 1);
    assert_eq!((again.len(), again.last()), (2, Some(&another)));
    assert_eq!(part_of_floods(4), AGAIN_BYTES / 4);
}
