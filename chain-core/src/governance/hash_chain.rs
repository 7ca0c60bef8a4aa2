//! Hash chains of validators: draws of jurors take a value from each. The consortium's vote registers the tip; the
//! value that is revealed next is the one whose SHA-256 the tip is, and becomes the tip. So a validator chooses no
//! value: it reveals the one that it bound itself to, or none.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{HashChain, PutHashChain};

use super::validators::ValidatorSet;
use crate::Fault;
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::hash::{self, Hash};
use crate::rules::RuleError;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

/// Values of a chain that a secret gives, at most: a validator finds the one to reveal by computing them all.
pub const MAX_VALUES: u32 = 1 << 20;

/// The hash chain of a validator, as the state has it.
pub fn hash_chain(
    state: &impl StateRead,
    validator: &[u8; 32],
) -> Result<Option<HashChain>, Fault> {
    let key = keys::hash_chain(validator);
    let stored = state.get(&key)?;
    stored.map(|bytes| decode_stored(&key, &bytes)).transpose()
}

/// The tip of a chain of `values` values that ends in a secret: what the consortium registers.
pub fn tip(secret: &Hash, values: u32) -> Hash {
    (0..values).fold(*secret, |value, _| hash::sha256(&value))
}

/// The value below a tip, of a chain of `values` values that ends in a secret; `None` where the tip is another chain's,
/// or the chain is used up. What was revealed is told by the ledger, so a validator has to remember the secret alone.
pub fn value_below(secret: &Hash, values: u32, tip: &Hash) -> Option<Hash> {
    let mut value = *secret;
    for _ in 0..values.min(MAX_VALUES) {
        let above = hash::sha256(&value);
        if above == *tip {
            return Some(value);
        }
        value = above;
    }
    None
}

/// The key and the tip of a vote on a hash chain. Rule: it is a validator's, and another chain than it has.
pub(super) fn check<S: StateRead>(
    state: &Delta<'_, S>,
    validators: &ValidatorSet,
    change: &PutHashChain,
) -> Result<([u8; 32], Hash), RuleError> {
    let validator: [u8; 32] = encoding::exact("validator", &change.validator)?;
    let tip: Hash = encoding::exact("tip", &change.tip)?;
    if validators.get(&validator).is_none() {
        return Err(GovernanceRejection::UnknownValidator(validator).into());
    }
    let known = hash_chain(state, &validator)?;
    match known.is_some_and(|chain| chain.tip == tip) {
        true => Err(GovernanceRejection::EmptyChange.into()),
        false => Ok((validator, tip)),
    }
}

/// Registers the tip. A draw that is under way keeps the one that it began with.
pub(super) fn put<S: StateRead>(
    state: &mut Delta<'_, S>,
    validators: &ValidatorSet,
    change: &PutHashChain,
) -> Result<(), RuleError> {
    let (validator, tip) = check(state, validators, change)?;
    let chain = HashChain {
        tip: tip.to_vec(),
        revealed: 0,
    };
    state.write(keys::hash_chain(&validator), &chain);
    Ok(())
}

#[cfg(test)]
mod tests;
