use touchstone_proto::node::{KeyEnd, OtherLeaf, StateProof};

use super::*;
use crate::state::commitment;
use crate::test_support::{bit_flips, stream, tree};

type Asked = Vec<(Hash, Option<Hash>)>;

fn slices(asked: &Asked) -> Vec<KeyValue<'_>> {
    let asked = asked.iter();
    asked
        .map(|(key, value)| (key.as_slice(), value.as_ref().map(<[u8; 32]>::as_slice)))
        .collect()
}

/// Eight keys that are there and sixteen that aren't, of both kinds of absence, with their proof.
fn case() -> (Hash, Asked, StateMultiproof) {
    let (memory, pairs, root) = tree(150);
    let present = pairs.into_iter().take(8).map(|(k, v)| (k, Some(v)));
    let asked: Asked = present
        .chain(stream(3).take(16).map(|k| (k, None)))
        .collect();
    let proof = commitment::prove_all(&memory, 0, &slices(&asked)).unwrap();
    assert_eq!(verify(&root, &slices(&asked), &proof), Ok(()));
    let absent_by_leaf = proof.ends.iter().filter(|e| e.other_leaf.is_some()).count();
    assert!((2..15).contains(&absent_by_leaf), "both kinds of absence");
    (root, asked, proof)
}

#[test]
fn the_order_of_the_question_is_nothing() {
    let (root, mut asked, proof) = case();
    asked.reverse();
    assert_eq!(verify(&root, &slices(&asked), &proof), Ok(()));
}

#[test]
fn siblings_stand_once() {
    let (memory, pairs, root) = tree(150);
    let asked: Asked = pairs.iter().map(|(k, v)| (*k, Some(*v))).collect();
    let proof = commitment::prove_all(&memory, 0, &slices(&asked)).unwrap();
    assert_eq!(verify(&root, &slices(&asked), &proof), Ok(()));
    // All leaves are there: what is left are the empty halves beside them.
    let placeholder = state::placeholder();
    assert!(proof.siblings.iter().all(|s| s.as_slice() == placeholder));
}

#[test]
fn every_flipped_bit_is_refused() {
    let (root, asked, proof) = case();
    let refused = |root: &Hash, asked: &Asked, proof: &StateMultiproof, what: &str| {
        assert!(verify(root, &slices(asked), proof).is_err(), "{what}");
    };
    for flipped in bit_flips(&root) {
        refused(&flipped.try_into().unwrap(), &asked, &proof, "root");
    }
    for (number, (key, value)) in asked.iter().enumerate() {
        if let Some(value) = value {
            for flipped in bit_flips(key) {
                let mut bent = asked.clone();
                bent[number].0 = flipped.try_into().unwrap();
                refused(&root, &bent, &proof, "key");
            }
            for flipped in bit_flips(value) {
                let mut bent = asked.clone();
                bent[number].1 = Some(flipped.try_into().unwrap());
                refused(&root, &bent, &proof, "value");
            }
        }
    }
    for (number, sibling) in proof.siblings.iter().enumerate() {
        for flipped in bit_flips(sibling) {
            let mut bent = proof.clone();
            bent.siblings[number] = flipped;
            refused(&root, &asked, &bent, "sibling");
        }
    }
    for (number, end) in proof.ends.iter().enumerate() {
        for bit in 0..32 {
            let mut bent = proof.clone();
            bent.ends[number].depth ^= 1 << bit;
            refused(&root, &asked, &bent, "depth");
        }
        let Some(other) = &end.other_leaf else {
            continue;
        };
        for flipped in bit_flips(&other.key_hash) {
            let mut bent = proof.clone();
            bent.ends[number].other_leaf.as_mut().unwrap().key_hash = flipped;
            refused(&root, &asked, &bent, "key hash of another leaf");
        }
        for flipped in bit_flips(&other.value_hash) {
            let mut bent = proof.clone();
            bent.ends[number].other_leaf.as_mut().unwrap().value_hash = flipped;
            refused(&root, &asked, &bent, "value hash of another leaf");
        }
    }
}

#[test]
fn siblings_and_ends_cannot_be_dropped_added_or_swapped() {
    let (root, asked, proof) = case();
    let with = |bend: &dyn Fn(&mut StateMultiproof)| {
        let mut bent = proof.clone();
        bend(&mut bent);
        verify(&root, &slices(&asked), &bent)
    };
    for number in 0..proof.siblings.len() {
        assert!(with(&|p| drop(p.siblings.remove(number))).is_err());
        for added in [state::placeholder(), root, [0; 32]] {
            assert!(with(&|p| p.siblings.insert(number, added.to_vec())).is_err());
        }
        for other in number + 1..proof.siblings.len() {
            let same = proof.siblings[number] == proof.siblings[other];
            assert!(same || with(&|p| p.siblings.swap(number, other)).is_err());
        }
    }
    let last = proof.siblings.len();
    assert_eq!(
        with(&|p| p.siblings.push(vec![0; 32])),
        Err(MultiproofError::TooMany(1))
    );
    assert_eq!(
        with(&|p| p.siblings.truncate(last - 1)),
        Err(MultiproofError::TooFew)
    );
    for length in [0, 31, 33] {
        let malformed = with(&|p| p.siblings[0].resize(length, 0));
        assert!(matches!(
            malformed,
            Err(MultiproofError::State(StateError::Malformed(_)))
        ));
    }
    for number in 0..proof.ends.len() {
        let (expected, found) = (asked.len(), asked.len() - 1);
        assert_eq!(
            with(&|p| drop(p.ends.remove(number))),
            Err(MultiproofError::Ends { expected, found })
        );
        let found = asked.len() + 1;
        assert_eq!(
            with(&|p| p.ends.insert(number, KeyEnd::default())),
            Err(MultiproofError::Ends { expected, found })
        );
        for other in number + 1..proof.ends.len() {
            let same = proof.ends[number] == proof.ends[other];
            assert!(same || with(&|p| p.ends.swap(number, other)).is_err());
        }
    }
    assert_eq!(
        with(&|p| p.ends[0].depth = 257),
        Err(StateError::TooLong(257).into())
    );
}

#[test]
fn presence_is_never_absence_nor_absence_presence() {
    let (root, asked, proof) = case();
    for number in 0..asked.len() {
        let mut bent = asked.clone();
        bent[number].1 = match asked[number].1 {
            Some(_) => None,
            None => Some([7; 32]),
        };
        assert!(verify(&root, &slices(&bent), &proof).is_err());
    }
    // The key's own leaf as the other one.
    let mut by_hash: Vec<_> = asked
        .iter()
        .map(|(key, value)| (hash::sha256(key), *key, *value))
        .collect();
    by_hash.sort_unstable();
    for (number, (key_hash, key, value)) in by_hash.iter().enumerate() {
        let Some(value) = value else {
            continue;
        };
        let mut bent = proof.clone();
        bent.ends[number].other_leaf = Some(OtherLeaf {
            key_hash: key_hash.to_vec(),
            value_hash: hash::sha256(value).to_vec(),
        });
        let both = verify(&root, &slices(&asked), &bent);
        assert_eq!(both, Err(StateError::Ambiguous.into()));
        let mut denied = asked.clone();
        denied.iter_mut().find(|(k, _)| k == key).unwrap().1 = None;
        let denied = verify(&root, &slices(&denied), &bent);
        assert_eq!(denied, Err(StateError::Present.into()));
    }
}

/// A key that is asked for twice could be told in two ways.
#[test]
fn a_key_stands_once() {
    let (root, mut asked, mut proof) = case();
    asked.push(asked[0]);
    proof.ends.push(KeyEnd::default());
    let twice = verify(&root, &slices(&asked), &proof);
    assert_eq!(twice, Err(MultiproofError::Twice));
}

/// Where one path ends, no other goes on: else a leaf could be taken for an inner node.
#[test]
fn paths_that_part_at_an_end_are_refused() {
    let (memory, pairs, root) = tree(150);
    let [a, b] = [pairs[0], pairs[1]];
    let single = commitment::prove(&memory, 0, &a.0, Some(&a.1)).unwrap();
    let asked = vec![(a.0, Some(a.1)), (b.0, Some(b.1))];
    // Both at the root, as if it were each one's leaf; then one at the root, one below it.
    for depths in [[0, 0], [0, 3], [3, 0]] {
        let ends = depths.map(|depth| KeyEnd {
            depth,
            other_leaf: None,
        });
        let forged = StateMultiproof {
            ends: ends.to_vec(),
            siblings: single.siblings.clone(),
        };
        let refused = verify(&root, &slices(&asked), &forged);
        assert_eq!(refused, Err(MultiproofError::Divided), "{depths:?}");
    }
}

/// Paths that end together say the same of how deep that is: each proof has one form.
#[test]
fn ends_of_one_node_that_differ_in_depth_are_refused() {
    let (memory, pairs, root) = tree(1);
    let leaf = hash::sha256(&pairs[0].0);
    // They could end a step further down, for all that they say of themselves.
    let could = |key: &Hash| state::bit(&hash::sha256(key), 0) == state::bit(&leaf, 0);
    let absent = stream(3).filter(could).take(2);
    let asked: Asked = absent.map(|key| (key, None)).collect();
    let proof = commitment::prove_all(&memory, 0, &slices(&asked)).unwrap();
    assert_eq!(verify(&root, &slices(&asked), &proof), Ok(()));
    for end in 0..2 {
        let mut bent = proof.clone();
        bent.ends[end].depth += 1;
        let refused = verify(&root, &slices(&asked), &bent);
        assert_eq!(refused, Err(MultiproofError::Divided));
    }
}

/// One key's multiproof is its single proof from the root down.
#[test]
fn one_keys_multiproof_is_its_proof_turned_round() {
    let (memory, pairs, root) = tree(150);
    for (key, value) in &pairs[..20] {
        let StateProof { mut siblings, .. } =
            commitment::prove(&memory, 0, key, Some(value)).unwrap();
        siblings.reverse();
        let depth = siblings.len() as u32;
        let ends = vec![KeyEnd {
            depth,
            other_leaf: None,
        }];
        let proof = StateMultiproof { ends, siblings };
        let asked = vec![(*key, Some(*value))];
        assert_eq!(verify(&root, &slices(&asked), &proof), Ok(()));
        let made = commitment::prove_all(&memory, 0, &slices(&asked)).unwrap();
        assert_eq!(made, proof);
    }
}

#[test]
fn no_key_takes_no_proof() {
    let (_, _, root) = tree(5);
    assert_eq!(verify(&root, &[], &StateMultiproof::default()), Ok(()));
    let more = StateMultiproof {
        ends: vec![],
        siblings: vec![vec![0; 32]],
    };
    assert_eq!(verify(&root, &[], &more), Err(MultiproofError::TooMany(1)));
}
