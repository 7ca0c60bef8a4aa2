use super::*;
use crate::test_support::bit_flips;

fn transactions(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| format!("transaction {n}").into_bytes())
        .collect()
}

/// The root by its definition, sharing no code with the crate: an array of 2n-1 nodes.
fn root_by_definition(transactions: &[Vec<u8>]) -> Hash {
    let count = transactions.len();
    if count == 0 {
        return hash::sha256(b"touchstone/transaction-empty/v1\0");
    }
    let node = |parts: &[&[u8]]| {
        hash::sha256(
            &[&[b"touchstone/transaction-node/v1\0".as_slice()], parts]
                .concat()
                .concat(),
        )
    };
    let mut array = vec![[0; 32]; 2 * count - 1];
    for (i, transaction) in transactions.iter().enumerate() {
        let tagged = [b"touchstone/transaction-leaf/v1\0".as_slice(), transaction].concat();
        array[count - 1 + i] = hash::sha256(&tagged);
    }
    for i in (0..count - 1).rev() {
        array[i] = node(&[&array[2 * i + 1], &array[2 * i + 2]]);
    }
    node(&[&(count as u64).to_be_bytes(), &array[0]])
}

#[test]
fn every_size_has_the_root_of_the_definition() {
    for count in 0..=70 {
        let transactions = transactions(count);
        assert_eq!(
            root(&transactions),
            root_by_definition(&transactions),
            "{count}"
        );
    }
}

/// Golden: a change here changes the format.
#[test]
fn golden_roots() {
    let golden = include_str!("../../../tests/golden/transaction_roots.txt");
    let mut rows = 0;
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let (count, expected) = line.split_once(' ').unwrap();
        let count: usize = count.parse().unwrap();
        assert_eq!(
            hex::encode(root(&transactions(count))),
            expected,
            "{count} transactions"
        );
        rows += 1;
    }
    assert_eq!(rows, 9);
}

#[test]
fn every_transaction_of_every_size_is_proven() {
    for count in 0..=70usize {
        let transactions = transactions(count);
        let root = root(&transactions);
        for index in 0..count as u32 {
            let siblings = prove(&transactions, index).unwrap();
            let envelope = &transactions[index as usize];
            let verify =
                |index, envelope: &[u8]| verify(&root, count as u64, index, envelope, &siblings);
            assert_eq!(verify(index, envelope), Ok(()), "{index} of {count}");
            // It is at no other place, and nothing else is at its place.
            for other in (0..=count as u32 + 2).filter(|other| *other != index) {
                assert!(
                    verify(other, envelope).is_err(),
                    "{index} as {other} of {count}"
                );
            }
            assert_eq!(verify(index, b"another"), Err(InclusionError::Root));
        }
        for outside in [count as u32, count as u32 + 1, u32::MAX] {
            assert_eq!(prove(&transactions, outside), None);
        }
    }
}

#[test]
fn every_tamper_is_refused() {
    for count in [1, 2, 3, 5, 8, 13] {
        let transactions = transactions(count);
        let root = root(&transactions);
        for index in 0..count {
            let siblings = prove(&transactions, index as u32).unwrap();
            let envelope = &transactions[index];
            let check = |root: &Hash, count: usize, envelope: &[u8], siblings: &[Hash]| {
                verify(root, count as u64, index as u32, envelope, siblings)
            };
            for flipped in bit_flips(&root) {
                let root = flipped.try_into().unwrap();
                assert_eq!(
                    check(&root, count, envelope, &siblings),
                    Err(InclusionError::Root)
                );
            }
            for flipped in bit_flips(envelope) {
                assert_eq!(
                    check(&root, count, &flipped, &siblings),
                    Err(InclusionError::Root)
                );
            }
            for i in 0..siblings.len() {
                for flipped in bit_flips(&siblings[i]) {
                    let mut tampered = siblings.clone();
                    tampered[i] = flipped.try_into().unwrap();
                    assert_eq!(
                        check(&root, count, envelope, &tampered),
                        Err(InclusionError::Root)
                    );
                }
                let mut fewer = siblings.clone();
                fewer.remove(i);
                let refused = check(&root, count, envelope, &fewer);
                assert!(matches!(refused, Err(InclusionError::PathLength { .. })));
                let mut swapped = siblings.clone();
                swapped.swap(0, i);
                assert!(i == 0 || check(&root, count, envelope, &swapped).is_err());
            }
            let more = [siblings.as_slice(), &[[0; 32]]].concat();
            let refused = check(&root, count, envelope, &more);
            assert!(matches!(refused, Err(InclusionError::PathLength { .. })));
            for other in (0..=2 * count + 1).filter(|other| *other != count) {
                assert!(
                    check(&root, other, envelope, &siblings).is_err(),
                    "count {other}"
                );
            }
        }
    }
}

/// The crate alone takes an inner node for a leaf. Here a leaf is tagged, and the place of an
/// inner node is that of no leaf.
#[test]
fn an_inner_node_is_no_leaf() {
    let transactions = transactions(4);
    let root = root(&transactions);
    let leaves: Vec<Hash> = transactions.iter().map(|t| leaf(t)).collect();
    // Leaves 0 and 1 stand at 3 and 4; their parent at 1, whose sibling is 2.
    let uncle = hash::tagged(tag::TRANSACTION_NODE, &[&leaves[2], &leaves[3]]);
    let pair = [leaves[0], leaves[1]].concat();
    let parent = hash::tagged(tag::TRANSACTION_NODE, &[&leaves[0], &leaves[1]]);
    for fake in [pair.as_slice(), &parent] {
        for count in 1..=8u64 {
            for index in 0..count as u32 {
                for siblings in [&[uncle][..], &[leaves[1], uncle], &[uncle, uncle], &[]] {
                    assert!(verify(&root, count, index, fake, siblings).is_err());
                }
            }
        }
    }
    let real = verify(&root, 4, 0, &transactions[0], &[leaves[1], uncle]);
    assert_eq!(real, Ok(()), "the same path from the leaf holds");
}

/// The root binds the count: a block can't be passed off as a shorter or longer one.
#[test]
fn roots_of_all_sizes_differ() {
    let same = vec![b"same".to_vec(); 70];
    let mut roots: Vec<Hash> = (0..=70).map(|count| root(&same[..count])).collect();
    roots.sort_unstable();
    roots.dedup();
    assert_eq!(roots.len(), 71);
}

#[test]
fn an_empty_block_proves_nothing() {
    let root = root(&transactions(0));
    for index in [0, 1, u32::MAX] {
        let refused = verify(&root, 0, index, b"", &[]);
        assert_eq!(refused, Err(InclusionError::Index { index, count: 0 }));
    }
}

/// A count comes from a header, which may claim anything.
#[test]
fn huge_counts_do_not_overflow() {
    for count in [
        u64::MAX,
        u64::MAX - 1,
        1 << 63,
        (1 << 63) + 1,
        u64::from(u32::MAX) + 1,
    ] {
        for index in [0, 1, u32::MAX] {
            for length in [0, 31, 63, 64, 65] {
                assert!(verify(&[0; 32], count, index, b"", &vec![[0; 32]; length]).is_err());
            }
        }
    }
}
