//! Publishing the fingerprints of a design that is disclosed already.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Design, PublishFingerprints};

use super::DesignRejection;
use super::look_alikes::{self, Checked};
use super::right;
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &PublishFingerprints,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("design_id", &action.design_id)?;
    let (record, checked) = check(state, context, &id, action)?;
    look_alikes::publish(state, context, &id, &record, checked)
}

fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    id: &Hash,
    action: &PublishFingerprints,
) -> Result<(Design, Checked), RuleError> {
    let record: Option<Design> = state.read(&keys::design(id))?;
    let record = record.ok_or(DesignRejection::UnknownDesign(*id))?;
    // Rule: only the owner's word counts.
    right::check_discloser(state, id, &record, &context.organisation.id)?;
    // Rule: a fingerprint leaks the picture, so it is never published with a bare commitment.
    let disclosure = record.disclosure.as_ref();
    let disclosure = disclosure.ok_or(DesignRejection::NotDisclosed(*id))?;
    // Rule: the first word counts; else an owner could choose what it looks like once it is compared.
    if record.compared > 0 {
        return Err(DesignRejection::AlreadyPublished(*id).into());
    }
    let files = disclosure.file_hashes.iter();
    let files: Vec<Hash> = files
        .map(|file| encoding::exact("file_hash", file))
        .collect::<Result<_, _>>()
        .map_err(|e| Fault::Damaged(format!("design: {e}")))?;
    let fingerprints = action.fingerprints.clone().unwrap_or_default();
    let checked = look_alikes::check(&fingerprints, &files)?;
    Ok((record, checked))
}

#[cfg(test)]
mod tests;
