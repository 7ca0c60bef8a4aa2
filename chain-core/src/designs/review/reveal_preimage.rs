//! A validator's value for the draw that is under way; any organisation passes it on.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Draw, RevealPreimage};

use super::{ReviewRejection, draws};
use crate::encoding;
use crate::governance::hash_chain;
use crate::hash::{self, Hash};
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &RevealPreimage,
) -> Result<(), RuleError> {
    let validator: [u8; 32] = encoding::exact("validator", &action.validator)?;
    let preimage: Hash = encoding::exact("preimage", &action.preimage)?;
    let under_way = draws::last(state)?;
    let under_way = under_way.filter(|(_, d)| draws::is_under_way(d, context.block.height));
    let (number, mut draw) = under_way.ok_or(ReviewRejection::NoDraw)?;
    let place = check(&draw, &validator, &preimage)?;
    if let Some(value) = draw.values.get_mut(place) {
        value.preimage = preimage.to_vec();
    }
    state.write(keys::draw(number), &draw);
    // A chain that the consortium registered since the draw began is another one, and keeps its tip.
    if let Some(mut chain) = hash_chain::hash_chain(state, &validator)?
        && chain.tip == hash::sha256(&preimage)
    {
        chain.tip = preimage.to_vec();
        chain.revealed = chain.revealed.saturating_add(1);
        state.write(keys::hash_chain(&validator), &chain);
    }
    Ok(())
}

/// The place of the validator's value in the draw. Rule: it is the one that the validator's hash chain binds it to,
/// once.
fn check(draw: &Draw, validator: &[u8; 32], preimage: &Hash) -> Result<usize, ReviewRejection> {
    let mut values = draw.values.iter().enumerate();
    let found = values.find(|(_, value)| value.public_key == validator);
    let has_chain = found.filter(|(_, value)| !value.tip.is_empty());
    let (place, value) = has_chain.ok_or(ReviewRejection::NotInDraw(*validator))?;
    if !value.preimage.is_empty() {
        return Err(ReviewRejection::RevealedBefore(*validator));
    }
    match hash::sha256(preimage) == *value.tip {
        true => Ok(place),
        false => Err(ReviewRejection::WrongValue(*validator)),
    }
}
