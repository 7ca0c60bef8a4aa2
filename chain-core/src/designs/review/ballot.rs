//! Ballots: sealed by a salt that the juror's key gives, so any device that has the key can open them, and nobody else.
//!
//! Consensus-critical: yes

use ed25519_dalek::SigningKey;
use prost::Message;
use touchstone_proto::ledger::{Ballot, BallotOpening, ReviewChoice};

use crate::hash::{self, Hash, tag};
use crate::signing::{self, Purpose};

/// Which ballot: of a juror on a panel, and of those that he cast there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BallotPlace {
    /// The dispute.
    pub dispute: Hash,
    /// 0: the first panel; 1: that of the appeal.
    pub instance: u32,
    /// The juror's place in the list, from 0.
    pub juror: u32,
    /// 1 for the first; greater for one that replaces it.
    pub revision: u32,
}

/// The salt of a ballot: SHA-256 of the juror's signature over its place. Ed25519 signs alike whenever it signs (RFC
/// 8032), so nothing has to be kept.
pub fn salt(key: &SigningKey, chain_id: &Hash, place: &BallotPlace) -> Hash {
    let BallotPlace {
        dispute,
        instance,
        juror,
        revision,
    } = place;
    let numbers = [*instance, *juror, *revision].map(u32::to_be_bytes);
    let message = [&dispute[..], numbers.as_flattened()].concat();
    let signature = signing::sign(key, Purpose::BallotSalt, chain_id, &message);
    hash::sha256(&signature)
}

/// What seals a choice.
pub fn commitment(
    chain_id: &Hash,
    dispute: &Hash,
    public_key: &[u8; 32],
    salt: &Hash,
    choice: ReviewChoice,
) -> Hash {
    let choice = (choice as i32).to_be_bytes();
    let parts: [&[u8]; 5] = [chain_id, dispute, public_key, salt, &choice];
    hash::tagged(tag::BALLOT_COMMITMENT, &parts)
}

/// The choice that a device finds in a commitment of its key; `None` where the commitment is none of this key's.
pub fn choice_in(
    key: &SigningKey,
    chain_id: &Hash,
    place: &BallotPlace,
    sealed: &[u8],
) -> Option<(ReviewChoice, Hash)> {
    let salt = salt(key, chain_id, place);
    let public_key = key.verifying_key().to_bytes();
    let choices = [ReviewChoice::Uphold, ReviewChoice::Dismiss];
    let found = choices
        .into_iter()
        .find(|choice| commitment(chain_id, &place.dispute, &public_key, &salt, *choice) == sealed);
    found.map(|choice| (choice, salt))
}

/// The juror's signature over a ballot.
pub fn sign_ballot(key: &SigningKey, chain_id: &Hash, ballot: &Ballot) -> [u8; 64] {
    signing::sign(key, Purpose::Ballot, chain_id, &ballot.encode_to_vec())
}

/// The juror's signature over an opening.
pub fn sign_opening(key: &SigningKey, chain_id: &Hash, opening: &BallotOpening) -> [u8; 64] {
    let message = opening.encode_to_vec();
    signing::sign(key, Purpose::BallotOpening, chain_id, &message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{key, public};

    const PLACE: BallotPlace = BallotPlace {
        dispute: [1; 32],
        instance: 0,
        juror: 5,
        revision: 1,
    };

    /// No vote is lost with a device: another one with the key finds choice and salt again, from the ledger alone.
    #[test]
    fn any_device_with_the_key_opens_a_ballot() {
        let chain_id = [9; 32];
        for choice in [ReviewChoice::Uphold, ReviewChoice::Dismiss] {
            let sealed = {
                let first_device = key(7);
                let salt = salt(&first_device, &chain_id, &PLACE);
                commitment(&chain_id, &PLACE.dispute, &public(7), &salt, choice)
            };
            let found = choice_in(&key(7), &chain_id, &PLACE, &sealed);
            assert_eq!(found.map(|(choice, _)| choice), Some(choice));
            assert_eq!(choice_in(&key(8), &chain_id, &PLACE, &sealed), None);
            let later = BallotPlace {
                revision: 2,
                ..PLACE
            };
            assert_eq!(choice_in(&key(7), &chain_id, &later, &sealed), None);
        }
    }

    #[test]
    fn each_ballot_has_a_salt_of_its_own() {
        let chain_id = [9; 32];
        let others = [
            BallotPlace {
                dispute: [2; 32],
                ..PLACE
            },
            BallotPlace {
                instance: 1,
                ..PLACE
            },
            BallotPlace { juror: 6, ..PLACE },
            BallotPlace {
                revision: 2,
                ..PLACE
            },
        ];
        let known = salt(&key(7), &chain_id, &PLACE);
        for other in others {
            assert_ne!(salt(&key(7), &chain_id, &other), known);
        }
        assert_ne!(salt(&key(8), &chain_id, &PLACE), known);
        assert_ne!(salt(&key(7), &[8; 32], &PLACE), known);
    }
}
