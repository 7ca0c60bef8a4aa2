use std::cell::Cell;

use touchstone_proto::ledger::{LinkEntry, Parameters};

use super::*;
use crate::test_support::Memory;

fn base() -> Memory {
    Memory {
        values: [(b"a".to_vec(), b"base".to_vec())].into(),
        transactions: [[1; 32]].into(),
        ..Memory::default()
    }
}

fn row(n: u8) -> LinkRow {
    LinkRow {
        owner: vec![n],
        sequence: 0,
        entry: vec![n],
    }
}

#[test]
fn later_layers_cover_earlier_ones() {
    let base = base();
    let mut delta = Delta::new(&base);
    assert_eq!(delta.get(b"a"), Ok(Some(b"base".to_vec())));
    delta.put(b"a".to_vec(), b"block".to_vec());
    delta.accept([2; 32]);
    delta.put(b"a".to_vec(), b"transaction".to_vec());
    assert_eq!(delta.get(b"a"), Ok(Some(b"transaction".to_vec())));
    delta.discard();
    assert_eq!(delta.get(b"a"), Ok(Some(b"block".to_vec())));
    assert_eq!(delta.get(b"b"), Ok(None));
}

#[test]
fn what_was_foreseen_is_read_once() {
    let mut base = base();
    base.values.insert(b"b".to_vec(), b"more".to_vec());
    let counted = Counted {
        base,
        reads: Cell::new(0),
    };
    let delta = Delta::new(&counted);
    assert_eq!(delta.get(b"a"), Ok(Some(b"base".to_vec())));
    let keys = [&b"a"[..], b"b", b"c"].map(<[u8]>::to_vec);
    delta.foresee(keys.to_vec()).unwrap();
    assert_eq!(counted.reads.get(), 3, "one of them was known");
    assert_eq!(delta.get(b"b"), Ok(Some(b"more".to_vec())));
    assert_eq!(delta.get(b"c"), Ok(None));
    assert_eq!(counted.reads.get(), 3);
    assert_eq!(delta.get(b"d"), Ok(None));
    assert_eq!(counted.reads.get(), 4);
}

#[test]
fn a_message_is_decoded_once_until_it_is_written() {
    let parameters = |limit| Parameters {
        max_events_per_transaction: limit,
        ..Parameters::default()
    };
    let counted = Counted {
        base: Memory {
            values: [(b"p".to_vec(), parameters(1).encode_to_vec())].into(),
            ..Memory::default()
        },
        reads: Cell::new(0),
    };
    let mut delta = Delta::new(&counted);
    let limit = |delta: &Delta<'_, Counted>| {
        let read: Option<Arc<Parameters>> = delta.read_shared(b"p").unwrap();
        read.map(|parameters| parameters.max_events_per_transaction)
    };
    for _ in 0..3 {
        assert_eq!(limit(&delta), Some(1));
        assert_eq!(counted.reads.get(), 1);
    }
    delta.write(b"p".to_vec(), &parameters(2));
    assert_eq!(limit(&delta), Some(2), "the transaction's own");
    delta.discard();
    assert_eq!(limit(&delta), Some(1));
    delta.write(b"p".to_vec(), &parameters(3));
    delta.accept([1; 32]);
    for _ in 0..2 {
        assert_eq!(limit(&delta), Some(3), "the block's");
    }
    assert_eq!(delta.read_shared::<Parameters>(b"q"), Ok(None));
    // Another message's bytes don't become this one.
    assert!(delta.read_shared::<LinkEntry>(b"p").is_err());
    let written = delta.into_writes().values;
    assert_eq!(
        written,
        [(b"p".to_vec(), parameters(3).encode_to_vec())].into()
    );
}

/// Counts reads.
struct Counted {
    base: Memory,
    reads: Cell<usize>,
}

impl StateRead for Counted {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.reads.set(self.reads.get() + 1);
        self.base.get(key)
    }
    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        self.base.is_committed(id)
    }
}

#[test]
fn only_what_is_accepted_is_written() {
    let base = base();
    let mut delta = Delta::new(&base);
    for (n, accepted) in [(1, true), (2, false), (3, true)] {
        delta.put(vec![n], vec![n]);
        delta.append(row(n));
        if accepted {
            delta.accept([n + 10; 32]);
        } else {
            delta.discard();
        }
    }
    delta.put(vec![4], vec![4]);
    delta.append(row(4));
    delta.accept_block_writes();
    delta.put(vec![5], vec![5]);
    let writes = delta.into_writes();
    assert!(writes.values.keys().eq([&vec![1], &vec![3], &vec![4]]));
    assert_eq!(writes.links, [1, 3, 4].map(row));
    assert!(writes.transactions.iter().eq([&[11; 32], &[13; 32]]));
}

#[test]
fn a_transaction_is_committed_in_the_base_or_in_the_block() {
    let base = base();
    let mut delta = Delta::new(&base);
    delta.accept([2; 32]);
    let found = [1, 2, 3].map(|n| delta.is_committed(&[n; 32]).unwrap());
    assert_eq!(found, [true, true, false]);
}

#[test]
fn a_stored_value_that_does_not_decode_is_damage() {
    let mut base = base();
    base.values.insert(b"a".to_vec(), vec![0xff]);
    let delta = Delta::new(&base);
    let read = delta.read::<touchstone_proto::ledger::Item>(b"a");
    assert!(matches!(read, Err(Fault::Damaged(_))), "{read:?}");
    // Canonical form is required of our own disk too.
    let unknown = decode_stored::<touchstone_proto::ledger::Item>(b"a", &[0x78, 1]);
    assert!(matches!(unknown, Err(Fault::Damaged(_))));
}
