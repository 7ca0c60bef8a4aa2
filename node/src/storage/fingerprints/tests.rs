use std::collections::BTreeMap;

use prost::Message;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{PictureFingerprint, PublishedFingerprint};

use super::*;

#[derive(Default)]
struct State(BTreeMap<Vec<u8>, Vec<u8>>);

impl StateRead for State {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.0.get(key).cloned())
    }
    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Ok(false)
    }
}

impl State {
    fn publish(&mut self, number: u64, byte: u8) {
        let record = PublishedFingerprint {
            design_id: vec![1; 32],
            picture: Some(PictureFingerprint {
                file_hash: vec![2; 32],
                whole: vec![byte; 32],
                trimmed: vec![!byte; 32],
                whole_quality: 50,
                trimmed_quality: 40,
            }),
        };
        self.0
            .insert(keys::fingerprint(number), record.encode_to_vec());
    }
}

/// What is in memory gives what reading the state gives, for each earlier state too.
#[test]
fn memory_and_state_agree() {
    let mut state = State::default();
    let kept = Fingerprints::default();
    for number in 0..150u64 {
        state.publish(number, (number * 37 % 251) as u8);
        if number % 40 == 7 {
            kept.read_up_to(&state, number + 1).unwrap();
        }
    }
    let wanted = state::published_fingerprint(&state, 77).unwrap().1;
    for count in [0, 1, 8, 77, 78, 100, 150] {
        let read = state::compare_from(&state, &wanted, 0, count).unwrap();
        assert_eq!(kept.compare(&state, &wanted, count).unwrap(), read);
        assert_eq!(read.searched, count);
    }
}

#[test]
fn a_missing_fingerprint_is_a_fault() {
    let mut state = State::default();
    state.publish(0, 1);
    state.publish(2, 1);
    let kept = Fingerprints::default();
    let wanted = state::published_fingerprint(&state, 0).unwrap().1;
    assert!(matches!(
        kept.compare(&state, &wanted, 3),
        Err(Fault::Damaged(_))
    ));
    assert_eq!(kept.compare(&state, &wanted, 1).unwrap().searched, 1);
}
