//! Publishing the features of a disclosed design's pictures: what any node needs to find crops, captions and
//! screenshots of them, beside the ledger.
//!
//! The state keeps what the owner signed and numbers it, so that an index is built from the state, and a client proves
//! the features of each picture that a node names. Execution compares nothing here: a search for regions is inexact,
//! and its answer is the word of the node that gives it. Pixels are not on the chain; whoever has the disclosed file
//! computes the features again, and finds the same bytes.
//!
//! Consensus-critical: yes

mod rejection;

use touchstone_pictures::{Features, REGIONS_SPECIFICATION};
use touchstone_proto::ledger::{
    Design, FeatureCount, PictureFeatures, PublishFeatures, PublishedFeatures,
};

pub use self::rejection::FeatureRejection;
use super::DesignRejection;
use super::design::MAX_PICTURES;
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
    action: &PublishFeatures,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("design_id", &action.design_id)?;
    let files = check(state, context, &id, action)?;
    let before: FeatureCount = state.read(keys::FEATURES)?.unwrap_or_default();
    let mut number = before.pictures;
    for (file, picture) in files.iter().zip(&action.pictures) {
        let record = PublishedFeatures {
            design_id: id.to_vec(),
            specification: action.specification.clone(),
            picture: Some(picture.clone()),
            position: Some(context.position(0)),
            time_ms: context.block.time_ms,
        };
        state.write(keys::features(number), &record);
        state.put(keys::features_of(&id, file), number.to_be_bytes().to_vec());
        number = number.saturating_add(1);
    }
    state.write(keys::FEATURES.to_vec(), &FeatureCount { pictures: number });
    Ok(())
}

/// The files that the features are of.
fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    id: &Hash,
    action: &PublishFeatures,
) -> Result<Vec<Hash>, RuleError> {
    let specification: Hash = encoding::exact("specification", &action.specification)?;
    // Rule: features follow the specification that the validators know.
    if specification != REGIONS_SPECIFICATION {
        return Err(FeatureRejection::OtherFeatures(specification).into());
    }
    check_shape(&action.pictures)?;
    let record: Option<Design> = state.read(&keys::design(id))?;
    let record = record.ok_or(DesignRejection::UnknownDesign(*id))?;
    // Rule: only the owner's word counts.
    right::check_discloser(state, id, &record, &context.organisation.id)?;
    // Rule: features leak the picture, so they are never published with a bare commitment.
    let disclosure = record.disclosure.as_ref();
    let disclosure = disclosure.ok_or(FeatureRejection::FeaturesUndisclosed(*id))?;
    let own = disclosure.file_hashes.iter();
    let own: Vec<Hash> = own
        .map(|file| encoding::exact("file_hash", file))
        .collect::<Result<_, _>>()
        .map_err(|e| Fault::Damaged(format!("design: {e}")))?;
    let mut files = Vec::with_capacity(action.pictures.len());
    for picture in &action.pictures {
        let file: Hash = encoding::exact("file_hash", &picture.file_hash)?;
        // Rule: features are of a file of the design.
        if !own.contains(&file) {
            return Err(FeatureRejection::FeaturesOfOtherFile(file).into());
        }
        // Rule: the first word counts; else an owner could choose what is found once it is looked for.
        if state.get(&keys::features_of(id, &file))?.is_some() {
            return Err(FeatureRejection::FeaturesPublished(file).into());
        }
        files.push(file);
    }
    Ok(files)
}

/// Rule: each file is named once, and its features are bytes of the specification's form.
fn check_shape(pictures: &[PictureFeatures]) -> Result<(), FeatureRejection> {
    let ascend = pictures.is_sorted_by(|a, b| a.file_hash < b.file_hash);
    let form = |picture: &PictureFeatures| {
        Features::published(&picture.features).is_some_and(|found| !found.list.is_empty())
    };
    let fits = (1..=MAX_PICTURES).contains(&pictures.len()) && ascend && pictures.iter().all(form);
    match fits {
        true => Ok(()),
        false => Err(FeatureRejection::FeatureShape),
    }
}

#[cfg(test)]
mod tests;
