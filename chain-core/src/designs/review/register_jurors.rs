//! A platform registers its list of jurors anew.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{JurorList, RegisterJurors, Role};

use super::ReviewRejection;
use super::jurors::{self, MAX_JURORS, MAX_LISTS};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &RegisterJurors,
) -> Result<(), RuleError> {
    let root: Hash = encoding::exact("root", &action.root)?;
    context.check_role(&[Role::Platform])?;
    if !(1..=MAX_JURORS).contains(&action.count) {
        return Err(ReviewRejection::JurorCount.into());
    }
    let platform = &context.organisation.id;
    let mut record = jurors::lists(state, platform)?;
    if record.lists.len() >= MAX_LISTS {
        // Who was noticed before the later lists is judged by jurors of this one still: however many lists come.
        let first = record.lists.remove(0);
        state.write(keys::earlier_jurors(platform, record.earlier), &first);
        record.earlier = record.earlier.saturating_add(1);
    }
    record.lists.push(JurorList {
        root: root.to_vec(),
        count: action.count,
        height: context.block.height,
        time_ms: context.block.time_ms,
    });
    state.write(keys::juror_lists(platform), &record);
    Ok(())
}
