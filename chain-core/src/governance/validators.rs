//! Validator sets.
//!
//! Consensus-critical: yes

use prost::Message;
use thiserror::Error;
use touchstone_proto::ledger;

use crate::Fault;
use crate::encoding;
use crate::hash::{self, Hash, tag};
use crate::signing::{self, BadKey};
use crate::state::{StateRead, keys};

/// Total voting power may not exceed this, so that sums never overflow.
pub const MAX_TOTAL_POWER: u64 = 1 << 48;

/// At most this many validators: a certificate must stay small and the mesh full.
pub const MAX_VALIDATORS: usize = 100;

/// A validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Ed25519 key that signs votes and proposals.
    pub public_key: [u8; 32],
    /// Voting power, at least 1.
    pub power: u64,
    /// Id of the organisation that runs it.
    pub organisation: String,
}

/// A non-empty set of validators, ascending by public key, and the first block that it votes on.
///
/// With the height, validators who come back are another set than before: a change that is left
/// out shows, whatever followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    first_height: u64,
}

/// Why validators don't form a set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadValidatorSet {
    /// Not canonical.
    #[error(transparent)]
    Malformed(#[from] encoding::Malformed),
    /// No validator.
    #[error("a validator set needs at least one validator")]
    Empty,
    /// Too many.
    #[error("at most {MAX_VALIDATORS} validators, not {0}")]
    TooMany(usize),
    /// Not ascending by public key, or one twice.
    #[error("validators must ascend by public key, each once")]
    Order,
    /// Power 0.
    #[error("the power of validator {} is 0", hex::encode(.0))]
    NoPower([u8; 32]),
    /// A first height of 0.
    #[error("a validator set votes from height 1 on, or from a later one")]
    NoHeight,
    /// Power over [`MAX_TOTAL_POWER`] in total.
    #[error("total voting power exceeds {MAX_TOTAL_POWER}")]
    TooMuchPower,
    /// Unusable key.
    #[error("key of validator {}: {error}", hex::encode(.key))]
    Key {
        /// The key.
        key: [u8; 32],
        /// What is wrong with it.
        error: BadKey,
    },
}

impl ValidatorSet {
    /// Sorts the validators, who vote from `first_height` on, and checks the rules of a set.
    pub fn new(
        validators: Vec<Validator>,
        first_height: u64,
    ) -> Result<ValidatorSet, BadValidatorSet> {
        let set = ValidatorSet::of_known_keys(validators, first_height)?;
        for validator in &set.validators {
            signing::check_public_key(&validator.public_key).map_err(|error| {
                BadValidatorSet::Key {
                    key: validator.public_key,
                    error,
                }
            })?;
        }
        Ok(set)
    }

    /// The same for keys that were looked at before.
    fn of_known_keys(
        mut validators: Vec<Validator>,
        first_height: u64,
    ) -> Result<ValidatorSet, BadValidatorSet> {
        if first_height == 0 {
            return Err(BadValidatorSet::NoHeight);
        }
        validators.sort_by_key(|v| v.public_key);
        if validators.is_empty() {
            return Err(BadValidatorSet::Empty);
        }
        if validators.len() > MAX_VALIDATORS {
            return Err(BadValidatorSet::TooMany(validators.len()));
        }
        if validators
            .iter()
            .zip(validators.iter().skip(1))
            .any(|(a, b)| a.public_key >= b.public_key)
        {
            return Err(BadValidatorSet::Order);
        }
        let mut total: u64 = 0;
        for validator in &validators {
            if validator.power == 0 {
                return Err(BadValidatorSet::NoPower(validator.public_key));
            }
            total = total.saturating_add(validator.power);
        }
        if total > MAX_TOTAL_POWER {
            return Err(BadValidatorSet::TooMuchPower);
        }
        Ok(ValidatorSet {
            validators,
            first_height,
        })
    }

    /// From a message whose order must already be canonical.
    pub fn from_message(message: &ledger::ValidatorSet) -> Result<ValidatorSet, BadValidatorSet> {
        ValidatorSet::read(message, ValidatorSet::new)
    }

    fn read(
        message: &ledger::ValidatorSet,
        make: fn(Vec<Validator>, u64) -> Result<ValidatorSet, BadValidatorSet>,
    ) -> Result<ValidatorSet, BadValidatorSet> {
        let mut validators = Vec::with_capacity(message.validators.len());
        for v in &message.validators {
            validators.push(Validator {
                public_key: encoding::exact("public_key", &v.public_key)?,
                power: v.power,
                organisation: v.organisation.clone(),
            });
        }
        let set = make(validators, message.first_height)?;
        if set.message() != *message {
            return Err(BadValidatorSet::Order);
        }
        Ok(set)
    }

    /// From exact bytes.
    pub fn decode(bytes: &[u8]) -> Result<ValidatorSet, BadValidatorSet> {
        ValidatorSet::from_message(&encoding::decode_exact(bytes)?)
    }

    /// The message form.
    pub fn message(&self) -> ledger::ValidatorSet {
        ledger::ValidatorSet {
            validators: self
                .validators
                .iter()
                .map(|v| ledger::Validator {
                    public_key: v.public_key.to_vec(),
                    power: v.power,
                    organisation: v.organisation.clone(),
                })
                .collect(),
            first_height: self.first_height,
        }
    }

    /// The first block that the set votes on.
    pub fn first_height(&self) -> u64 {
        self.first_height
    }

    /// The exact bytes.
    pub fn encode(&self) -> Vec<u8> {
        self.message().encode_to_vec()
    }

    /// The hash that headers commit to.
    pub fn hash(&self) -> Hash {
        hash::tagged(tag::VALIDATORS, &[&self.encode()])
    }

    /// The validators, ascending by public key.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Validator> {
        self.validators.iter()
    }

    /// The validators as a slice, ascending by public key; never empty.
    pub fn as_slice(&self) -> &[Validator] {
        &self.validators
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.validators.len()
    }

    /// The validator with this key.
    pub fn get(&self, public_key: &[u8; 32]) -> Option<&Validator> {
        self.validators
            .binary_search_by_key(public_key, |v| v.public_key)
            .ok()
            .and_then(|i| self.validators.get(i))
    }

    /// Voting power of all.
    pub fn total_power(&self) -> u64 {
        self.validators.iter().map(|v| v.power).sum()
    }

    /// Voting power of one organisation's validators.
    pub fn power_of_organisation(&self, organisation: &str) -> u64 {
        self.validators
            .iter()
            .filter(|v| v.organisation == organisation)
            .map(|v| v.power)
            .sum()
    }

    /// The proposer of a round where nobody has missed its turn
    /// ([`ProposerTurns`](super::proposer_turns::ProposerTurns)): validators take turns in the order of their keys,
    /// starting from one that moves with the height. Each proposes equally often whatever its power, which is what a
    /// consortium of named organisations expects.
    pub fn in_rotation(&self, height: u64, round: u32) -> &Validator {
        let count = self.validators.len() as u64;
        let turn = height.wrapping_add(u64::from(round));
        let index = turn.checked_rem(count).unwrap_or_default();
        self.validators
            .get(index as usize)
            .expect("a validator set is not empty, and the index is reduced by its length")
    }
}

/// The validators that vote on the next block.
pub fn current(state: &impl StateRead) -> Result<ValidatorSet, Fault> {
    let bytes = state
        .get(keys::VALIDATORS)?
        .ok_or_else(|| Fault::Damaged("the state has no validators".into()))?;
    stored(&bytes)
}

/// A set as the state has it.
pub(crate) fn stored(bytes: &[u8]) -> Result<ValidatorSet, Fault> {
    // Its keys were looked at when it was written. Each is a point to decompress, and a block reads this several times.
    let message = encoding::decode_exact(bytes);
    let set = message
        .map_err(BadValidatorSet::from)
        .and_then(|message| ValidatorSet::read(&message, ValidatorSet::of_known_keys));
    set.map_err(|e| Fault::Damaged(format!("validators: {e}")))
}

#[cfg(test)]
mod tests;
