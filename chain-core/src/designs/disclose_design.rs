//! Disclosing a design: the owner opens the commitment, and the files' hashes become findable.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Design, DesignFile, DiscloseDesign, Disclosure};

use super::{content, design, look_alikes, right};
use crate::Fault;
use crate::designs::DesignRejection;
use crate::encoding::{self, Malformed};
use crate::hash::Hash;
use crate::rules::{Context, RuleError, link};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

struct Opening {
    id: Hash,
    salt: [u8; 32],
    files: Vec<Hash>,
}

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DiscloseDesign,
) -> Result<(), RuleError> {
    let opening = opening(action)?;
    let mut record = check(state, context, &opening, action)?;
    let published = match &action.fingerprints {
        Some(fingerprints) => Some(look_alikes::check(fingerprints, &opening.files)?),
        None => None,
    };
    record.disclosure = Some(Disclosure {
        salt: action.salt.clone(),
        file_hashes: action.file_hashes.clone(),
        title: action.title.clone(),
        time_ms: context.block.time_ms,
        height: context.block.height,
        content: action.content.clone(),
    });
    state.write(keys::design(&opening.id), &record);
    let disclosed = record;
    let distinct: BTreeSet<Hash> = opening.files.iter().copied().collect();
    for (index, file) in (0u32..).zip(distinct) {
        let key = keys::design_file(&file);
        let mut record: DesignFile = state.read(&key)?.unwrap_or_default();
        let mut chain = record.link.take().unwrap_or_else(crate::proof::link::empty);
        link::append(state, context, &key, &mut chain, index, &opening.id)?;
        record.link = Some(chain);
        state.write(key, &record);
    }
    if let Some(pictures) = published {
        look_alikes::publish(state, context, &opening.id, &disclosed, pictures)?;
    }
    Ok(())
}

/// The design that an opening discloses.
fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    opening: &Opening,
    action: &DiscloseDesign,
) -> Result<Design, RuleError> {
    let title = &action.title;
    let title_fits = title.len() <= design::MAX_TITLE_BYTES && !title.chars().any(char::is_control);
    let opened = content::open(&opening.files, action.content.as_ref())?;
    if !title_fits {
        return Err(DesignRejection::DesignShape.into());
    }
    let record: Option<Design> = state.read(&keys::design(&opening.id))?;
    let record = record.ok_or(DesignRejection::UnknownDesign(opening.id))?;
    // Rule: only the owner discloses, once, and the opening must fit the commitment.
    right::check_discloser(state, &opening.id, &record, &context.organisation.id)?;
    if record.disclosure.is_some() {
        return Err(DesignRejection::AlreadyDisclosed(opening.id).into());
    }
    let owner_key: [u8; 32] = encoding::exact("owner_key", &record.owner_key)
        .map_err(|e| Fault::Damaged(format!("design: {e}")))?;
    // Rule: a title that a deposit covers can't be replaced by another.
    opened.check_title(title)?;
    let (chain_id, salt) = (&context.block.chain_id, &opening.salt);
    let expected = design::commitment(chain_id, &owner_key, salt, &opened.root);
    if record.commitment != expected {
        return Err(DesignRejection::WrongOpening(opening.id).into());
    }
    Ok(record)
}

fn opening(action: &DiscloseDesign) -> Result<Opening, Malformed> {
    let files = action
        .file_hashes
        .iter()
        .map(|hash| encoding::exact("file_hash", hash))
        .collect::<Result<_, _>>()?;
    Ok(Opening {
        id: encoding::exact("design_id", &action.design_id)?,
        salt: encoding::exact("salt", &action.salt)?,
        files,
    })
}

#[cfg(test)]
mod tests;
