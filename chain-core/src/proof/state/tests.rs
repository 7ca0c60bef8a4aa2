use touchstone_proto::node::OtherLeaf;

use super::*;
use crate::state::commitment;
use crate::test_support::{Memory, bit_flips, stream, tree};

fn absent_keys() -> impl Iterator<Item = Hash> {
    stream(3)
}

struct Case {
    key: Hash,
    value: Option<Hash>,
    proof: StateProof,
}

/// Proofs of inclusion, of absence by another leaf, and of absence by an empty subtree.
fn cases() -> (Hash, Vec<Case>) {
    let (memory, pairs, root) = tree(150);
    let present = pairs.into_iter().take(6).map(|(k, v)| (k, Some(v)));
    let absent = absent_keys().take(40).map(|k| (k, None));
    let cases: Vec<Case> = present
        .chain(absent)
        .map(|(key, value)| {
            let bytes = value.as_ref().map(<[u8; 32]>::as_slice);
            let proof = commitment::prove(&memory, 0, &key, bytes).unwrap();
            assert_eq!(verify(&root, &key, bytes, &proof), Ok(()));
            Case { key, value, proof }
        })
        .collect();
    let kinds = |by_leaf: bool| {
        cases
            .iter()
            .filter(|c| c.value.is_none() && c.proof.other_leaf.is_some() == by_leaf)
            .count()
    };
    assert!(kinds(true) > 3 && kinds(false) > 3, "both kinds of absence");
    (root, cases)
}

impl Case {
    fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(<[u8; 32]>::as_slice)
    }
    fn verify(&self, root: &Hash, proof: &StateProof) -> Result<(), StateError> {
        verify(root, &self.key, self.value(), proof)
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let (root, cases) = cases();
    for case in &cases {
        for flipped in bit_flips(&root) {
            let root: Hash = flipped.try_into().unwrap();
            assert_eq!(case.verify(&root, &case.proof), Err(StateError::Root));
        }
        if let Some(value) = &case.value {
            for key in bit_flips(&case.key) {
                assert!(verify(&root, &key, Some(value), &case.proof).is_err());
            }
            for value in bit_flips(value) {
                assert!(verify(&root, &case.key, Some(&value), &case.proof).is_err());
            }
        }
        for (i, sibling) in case.proof.siblings.iter().enumerate() {
            for flipped in bit_flips(sibling) {
                let mut proof = case.proof.clone();
                proof.siblings[i] = flipped;
                assert_eq!(case.verify(&root, &proof), Err(StateError::Root));
            }
        }
        if let Some(other) = &case.proof.other_leaf {
            for key_hash in bit_flips(&other.key_hash) {
                let mut proof = case.proof.clone();
                proof.other_leaf.as_mut().unwrap().key_hash = key_hash;
                assert!(case.verify(&root, &proof).is_err());
            }
            for value_hash in bit_flips(&other.value_hash) {
                let mut proof = case.proof.clone();
                proof.other_leaf.as_mut().unwrap().value_hash = value_hash;
                assert_eq!(case.verify(&root, &proof), Err(StateError::Root));
            }
        }
    }
}

#[test]
fn siblings_cannot_be_dropped_added_or_swapped() {
    let (root, cases) = cases();
    for case in &cases {
        let siblings = &case.proof.siblings;
        let with = |siblings: Vec<Vec<u8>>| {
            let proof = StateProof {
                siblings,
                ..case.proof.clone()
            };
            case.verify(&root, &proof)
        };
        for i in 0..siblings.len() {
            let mut fewer = siblings.clone();
            fewer.remove(i);
            assert!(with(fewer).is_err(), "without {i}");
        }
        for i in 0..=siblings.len() {
            for added in [placeholder().to_vec(), root.to_vec(), vec![0; 32]] {
                let mut more = siblings.clone();
                more.insert(i, added);
                assert!(with(more).is_err(), "one more at {i}");
            }
        }
        for a in 0..siblings.len() {
            for b in a + 1..siblings.len() {
                let mut swapped = siblings.clone();
                swapped.swap(a, b);
                assert!(
                    swapped == *siblings || with(swapped).is_err(),
                    "{a} and {b}"
                );
            }
        }
        for length in [0, 31, 33] {
            let mut short = siblings.clone();
            short[0].resize(length, 0);
            assert!(matches!(with(short), Err(StateError::Malformed(_))));
        }
        assert_eq!(with(vec![vec![0; 32]; 257]), Err(StateError::TooLong(257)));
        assert!(with(vec![vec![0; 32]; 256]).is_err());
    }
}

#[test]
fn inclusion_is_never_absence_nor_absence_inclusion() {
    let (root, cases) = cases();
    for case in &cases {
        let own_leaf = OtherLeaf {
            key_hash: hash::sha256(&case.key).to_vec(),
            value_hash: hash::sha256(case.value().unwrap_or_default()).to_vec(),
        };
        let by_own_leaf = StateProof {
            other_leaf: Some(own_leaf),
            siblings: case.proof.siblings.clone(),
        };
        let bare = StateProof {
            other_leaf: None,
            siblings: case.proof.siblings.clone(),
        };
        // The key's own leaf as the "other" one.
        assert_eq!(
            verify(&root, &case.key, None, &by_own_leaf),
            Err(StateError::Present)
        );
        match case.value() {
            Some(value) => {
                assert_eq!(verify(&root, &case.key, None, &bare), Err(StateError::Root));
                let both = verify(&root, &case.key, Some(value), &by_own_leaf);
                assert_eq!(both, Err(StateError::Ambiguous));
            }
            None => {
                for value in [&b""[..], b"value"] {
                    assert!(verify(&root, &case.key, Some(value), &case.proof).is_err());
                    assert!(verify(&root, &case.key, Some(value), &bare).is_err());
                }
            }
        }
    }
}

/// A leaf that is really in the tree, but not where the key would be.
#[test]
fn a_leaf_of_another_subtree_proves_nothing() {
    let (memory, pairs, root) = tree(150);
    let victim = pairs[0].0;
    let mut refused = 0;
    for (key, value) in &pairs[1..] {
        let proof = commitment::prove(&memory, 0, key, Some(value)).unwrap();
        let forged = StateProof {
            other_leaf: Some(OtherLeaf {
                key_hash: hash::sha256(key).to_vec(),
                value_hash: hash::sha256(value).to_vec(),
            }),
            siblings: proof.siblings,
        };
        let answer = verify(&root, &victim, None, &forged);
        assert!(
            matches!(answer, Err(StateError::OtherSubtree | StateError::Root)),
            "{answer:?}"
        );
        refused += usize::from(answer == Err(StateError::OtherSubtree));
    }
    assert!(refused > 100);
}

/// The path to a leaf, walked as if the leaf were of the victim's subtree: the bits of the
/// victim's key decide the sides, so only the prefix rule stands between this and a forgery.
#[test]
fn a_neighbour_one_level_off_proves_nothing() {
    // Two leaves: each is the other's sibling at the first bit in which they differ.
    for seed in 0..40u8 {
        let pairs = [(vec![seed], vec![1]), (vec![seed, 1], vec![2])];
        let update = commitment::update(&Memory::default(), 0, &pairs.clone().into()).unwrap();
        let memory = Memory {
            nodes: update.nodes,
            ..Memory::default()
        };
        let [(victim, _), (neighbour, value)] = &pairs;
        let proof = commitment::prove(&memory, 0, neighbour, Some(value)).unwrap();
        let forged = StateProof {
            other_leaf: Some(OtherLeaf {
                key_hash: hash::sha256(neighbour).to_vec(),
                value_hash: hash::sha256(value).to_vec(),
            }),
            siblings: proof.siblings,
        };
        let answer = verify(&update.root, victim, None, &forged);
        assert_eq!(answer, Err(StateError::OtherSubtree));
    }
}

/// An inner node's children can't be sold as a leaf's key and value, nor a leaf as an inner node.
#[test]
fn inner_nodes_are_no_leaves() {
    let (a, b) = (stream(4).next().unwrap(), stream(5).next().unwrap());
    assert_ne!(leaf(&a, &b), inner(&a, &b));
    assert_eq!(
        leaf(&a, &b),
        hash::sha256(&[b"JMT::LeafNode".as_slice(), &a, &b].concat())
    );
    assert_eq!(
        inner(&a, &b),
        hash::sha256(&[b"JMT::IntrnalNode".as_slice(), &a, &b].concat())
    );
    // A shortened path that ends in an inner node: its two halves as another leaf.
    let (memory, pairs, root) = tree(150);
    for (key, value) in &pairs[..20] {
        let proof = commitment::prove(&memory, 0, key, Some(value)).unwrap();
        let below = leaf(&hash::sha256(key), &hash::sha256(value));
        let depth = proof.siblings.len() - 1;
        let sibling: Hash = proof.siblings[0].as_slice().try_into().unwrap();
        let halves = match bit(&hash::sha256(key), depth) {
            true => [sibling, below],
            false => [below, sibling],
        };
        let forged = StateProof {
            other_leaf: Some(OtherLeaf {
                key_hash: halves[0].to_vec(),
                value_hash: halves[1].to_vec(),
            }),
            siblings: proof.siblings[1..].to_vec(),
        };
        assert!(verify(&root, key, None, &forged).is_err());
    }
}

#[test]
fn an_empty_tree_proves_absence_and_nothing_else() {
    let nothing = StateProof::default();
    assert_eq!(verify(&placeholder(), b"key", None, &nothing), Ok(()));
    assert_eq!(
        verify(&placeholder(), b"key", Some(b""), &nothing),
        Err(StateError::Root)
    );
    assert_eq!(
        verify(&[0; 32], b"key", None, &nothing),
        Err(StateError::Root)
    );
}

#[test]
fn an_answer_is_about_the_key_asked_for() {
    let (memory, pairs, root) = tree(20);
    let (key, value) = pairs[0];
    let reply = StateReply {
        header: None,
        key: key.to_vec(),
        value: Some(value.to_vec()),
        proof: Some(commitment::prove(&memory, 0, &key, Some(&value)).unwrap()),
    };
    assert_eq!(
        verify_reply(&root, &key, &reply),
        Ok(Some(value.as_slice()))
    );
    assert_eq!(
        verify_reply(&root, &pairs[1].0, &reply),
        Err(StateError::Key)
    );
    type Edit = fn(&mut StateReply);
    let edits: [(Edit, StateError); 3] = [
        (|r| r.proof = None, StateError::Missing),
        (|r| r.value = None, StateError::Root),
        (|r| r.value.as_mut().unwrap().push(0), StateError::Root),
    ];
    for (edit, expected) in edits {
        let mut tampered = reply.clone();
        edit(&mut tampered);
        assert_eq!(verify_reply(&root, &key, &tampered), Err(expected));
    }
    // The key in the answer isn't believed: another key with this answer's proof fails.
    let mut renamed = reply;
    renamed.key = pairs[1].0.to_vec();
    assert_eq!(
        verify_reply(&root, &pairs[1].0, &renamed),
        Err(StateError::Root)
    );
}
