//! Disclosing a design: the owner opens the commitment, and the files' hashes become findable.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Design, DesignFile, DiscloseDesign, Disclosure};

use crate::Fault;
use crate::designs::design;
use crate::encoding::{self, Malformed};
use crate::hash::Hash;
use crate::rejection::Rejection;
use crate::rules::{Context, link};
use crate::state::delta::{Delta, decode_stored};
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
) -> Result<Result<(), Rejection>, Fault> {
    let opening = match opening(action) {
        Ok(opening) => opening,
        Err(malformed) => return Ok(Err(malformed.into())),
    };
    let title_fits = action.title.len() <= design::MAX_TITLE_BYTES
        && !action.title.chars().any(char::is_control);
    if opening.files.is_empty() || opening.files.len() > design::MAX_FILES || !title_fits {
        return Ok(Err(Rejection::DesignShape));
    }
    let key = keys::design(&opening.id);
    let Some(bytes) = state.get(&key)? else {
        return Ok(Err(Rejection::UnknownDesign(opening.id)));
    };
    let mut record: Design = decode_stored(&key, &bytes)?;
    // Rule: only the owner discloses, once, and the opening must fit the commitment.
    if record.organisation != context.organisation.id {
        return Ok(Err(Rejection::NotTheOwner(record.organisation)));
    }
    if record.disclosure.is_some() {
        return Ok(Err(Rejection::AlreadyDisclosed(opening.id)));
    }
    let owner_key: [u8; 32] = encoding::exact("owner_key", &record.owner_key)
        .map_err(|e| Fault::Damaged(format!("design: {e}")))?;
    let root = design::file_root(&opening.files);
    let expected = design::commitment(&context.block.chain_id, &owner_key, &opening.salt, &root);
    if record.commitment != expected {
        return Ok(Err(Rejection::WrongOpening(opening.id)));
    }
    record.disclosure = Some(Disclosure {
        salt: action.salt.clone(),
        file_hashes: action.file_hashes.clone(),
        title: action.title.clone(),
        time_ms: context.block.time_ms,
        height: context.block.height,
    });
    state.write(key, &record);
    let distinct: BTreeSet<Hash> = opening.files.iter().copied().collect();
    for (index, file) in (0u32..).zip(distinct) {
        let key = keys::design_file(&file);
        let mut record: DesignFile = state.read(&key)?.unwrap_or_default();
        let mut chain = record.link.take().unwrap_or_else(crate::proof::link::empty);
        link::append(state, context, &key, &mut chain, index, &opening.id)?;
        record.link = Some(chain);
        state.write(key, &record);
    }
    Ok(Ok(()))
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
