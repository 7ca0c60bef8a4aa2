//! Look-alikes: a design's pictures are compared with all that were published before, and the state keeps what was
//! found, so that more than 2/3 of the validators attest the comparison.
//!
//! A fingerprint leaks the picture, so it is published with the disclosure or after it, never with a bare commitment.
//! Pixels are not on the chain: a fingerprint is its owner's signed word, until somebody computes it again from the
//! disclosed file. A small distance says "look here", not "copied".
//!
//! Fingerprints are numbered in the order of their publication and never change. So what a search among the first
//! `n` gives is a function of the state, whatever memory it is read from.
//!
//! Consensus-critical: yes

use touchstone_pictures::{Fingerprint, Hit, SPECIFICATION};
use touchstone_proto::ledger::{
    ComparedPicture, Design, FingerprintCount, Fingerprints, LookAlike, LookAlikes,
    PictureFingerprint, PublishedFingerprint,
};

use super::DesignRejection;
use super::design::MAX_PICTURES;
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, fingerprint_count, keys, published_fingerprint, stored_fingerprint};

/// Fingerprints that their rules let pass.
pub(super) struct Checked {
    pictures: Vec<(PictureFingerprint, Fingerprint)>,
}

/// Rule: fingerprints follow the specification that the validators know, are of files of the design, and name each
/// file once.
pub(super) fn check(fingerprints: &Fingerprints, files: &[Hash]) -> Result<Checked, RuleError> {
    let specification: Hash = encoding::exact("specification", &fingerprints.specification)?;
    if specification != SPECIFICATION {
        return Err(DesignRejection::UnknownSpecification(specification).into());
    }
    let pictures = &fingerprints.pictures;
    let ascend = pictures.is_sorted_by(|a, b| a.file_hash < b.file_hash);
    if pictures.is_empty() || pictures.len() > MAX_PICTURES || !ascend {
        return Err(DesignRejection::FingerprintShape.into());
    }
    let mut checked = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let file: Hash = encoding::exact("file_hash", &picture.file_hash)?;
        if !files.contains(&file) {
            return Err(DesignRejection::FingerprintOfOtherFile(file).into());
        }
        let read = stored_fingerprint(picture)?;
        if read.whole_quality.max(read.trimmed_quality) > 100 {
            return Err(DesignRejection::FingerprintShape.into());
        }
        checked.push((picture.clone(), read));
    }
    Ok(Checked { pictures: checked })
}

/// Compares each picture with all that were published before the design's, then adds them. Writes the design's record
/// too, which says that there is a comparison: who leaves it out of a proof can't hide that.
pub(super) fn publish<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    id: &Hash,
    design: &Design,
    checked: Checked,
) -> Result<(), RuleError> {
    let design = Design {
        compared: u32::try_from(checked.pictures.len()).unwrap_or(u32::MAX),
        ..design.clone()
    };
    state.write(keys::design(id), &design);
    let searched = fingerprint_count(state)?;
    let mut pictures = Vec::with_capacity(checked.pictures.len());
    for (number, (picture, fingerprint)) in (searched.pictures..).zip(checked.pictures) {
        let compared = state.compare(&fingerprint, searched.pictures)?;
        state.count_comparisons(compared.searched);
        let named = compared.named();
        let candidates = named.iter().map(|hit| candidate(state, hit));
        pictures.push(ComparedPicture {
            fingerprint: Some(picture.clone()),
            found: compared.found,
            candidates: candidates.collect::<Result<_, Fault>>()?,
        });
        state.write(
            keys::fingerprint(number),
            &PublishedFingerprint {
                design_id: id.to_vec(),
                picture: Some(picture),
            },
        );
    }
    let after = FingerprintCount {
        pictures: searched.pictures.saturating_add(pictures.len() as u64),
        designs: searched.designs.saturating_add(1),
    };
    state.write(keys::FINGERPRINTS.to_vec(), &after);
    state.write(
        keys::look_alikes(id),
        &LookAlikes {
            specification: SPECIFICATION.to_vec(),
            position: Some(context.position(0)),
            time_ms: context.block.time_ms,
            searched: Some(searched),
            pictures,
        },
    );
    Ok(())
}

/// A look-alike with what is known of its deposit.
fn candidate<S: StateRead>(state: &S, hit: &Hit) -> Result<LookAlike, Fault> {
    let (record, _) = published_fingerprint(state, hit.number)?;
    let damaged = |why: &str| Fault::Damaged(format!("fingerprint {}: {why}", hit.number));
    let id: Hash =
        encoding::exact("design_id", &record.design_id).map_err(|e| damaged(&e.to_string()))?;
    let key = keys::design(&id);
    let design = state.get(&key)?.ok_or_else(|| damaged("of no design"))?;
    let design: Design = decode_stored(&key, &design)?;
    Ok(LookAlike {
        number: hit.number,
        design_id: record.design_id,
        file_hash: record.picture.unwrap_or_default().file_hash,
        distance: hit.distance,
        variant: hit.variant.number(),
        part: u32::from(hit.is_trimmed),
        organisation: design.organisation,
        deposited: design.position,
        deposited_ms: design.time_ms,
    })
}

#[cfg(test)]
mod tests;
