//! The pulse of the public beacon that the draw waits for; any organisation passes it on. It can be one pulse alone, so
//! who sends it chooses nothing.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::ShowPulse;

use super::{ReviewRejection, draws};
use crate::governance::beacon;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ShowPulse,
) -> Result<(), RuleError> {
    let pulse = action.pulse.as_deref().cloned().unwrap_or_default();
    let under_way = draws::last(state)?;
    let (number, mut draw) = under_way.ok_or(ReviewRejection::NoPulseAwaited)?;
    let taken = draw.beacon.as_mut();
    let taken = taken
        .filter(|taken| draw.closed_height == 0 && taken.revealed_ms > 0 && taken.pulse.is_none());
    let taken = taken.ok_or(ReviewRejection::NoPulseAwaited)?;
    // Rule: after the deadline the draw goes on without the pulse, even if no block has recorded that yet.
    let named = beacon::awaited(taken, context.block.time_ms).ok_or_else(|| {
        let named = taken.beacon.as_ref();
        let last_ms = named.map(|named| beacon::deadline_ms(named, taken.revealed_ms));
        let last = last_ms.and_then(beacon::time_stamp);
        ReviewRejection::PulseLate(last.unwrap_or_default())
    })?;
    beacon::check_pulse(named, taken.revealed_ms, &pulse).map_err(ReviewRejection::from)?;
    taken.pulse = Some(pulse);
    state.write(keys::draw(number), &draw);
    Ok(())
}

#[cfg(test)]
mod tests;
