//! A design's look-alikes, held against its record. A light client and an evidence file are checked by this one
//! function. What was compared, and that no candidate is left out, more than 2/3 of the validators attest; here it is
//! made sure that record and comparison belong together.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_pictures::{MAX_DISTANCE, MAX_HITS, Variant};
use touchstone_proto::ledger::{ComparedPicture, Design, LookAlike, LookAlikes};

use crate::encoding::{self, Malformed};
use crate::hash::Hash;

/// Why a comparison isn't that of the design.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LookAlikesError {
    /// A field has another length.
    #[error(transparent)]
    Record(#[from] Malformed),
    /// The design's record says that there is one.
    #[error("{0} of the design's pictures were compared, and the comparison is missing")]
    Missing(u32),
    /// The design's record says that there is none, or another one.
    #[error("the comparison is of {found} pictures, and the design's record says {expected}")]
    Count {
        /// By the design's record.
        expected: u32,
        /// Compared pictures.
        found: usize,
    },
    /// A compared file isn't one that the design discloses, or stands twice.
    #[error("the comparison is of other files than the design's")]
    Files,
    /// Look-alikes that no search gives.
    #[error("the look-alikes of a picture are not a search's outcome")]
    Candidates,
}

/// Checks what the state holds at a design's `look-alikes/` against the design's record.
pub fn check(
    id: &Hash,
    design: &Design,
    found: Option<&LookAlikes>,
) -> Result<(), LookAlikesError> {
    let Some(found) = found else {
        return match design.compared {
            0 => Ok(()),
            compared => Err(LookAlikesError::Missing(compared)),
        };
    };
    let count = found.pictures.len();
    if count == 0 || u32::try_from(count).ok() != Some(design.compared) {
        return Err(LookAlikesError::Count {
            expected: design.compared,
            found: count,
        });
    }
    let _: Hash = encoding::exact("specification", &found.specification)?;
    let disclosed = design.disclosure.iter().flat_map(|d| &d.file_hashes);
    let disclosed: Vec<&[u8]> = disclosed.map(Vec::as_slice).collect();
    let hash = |picture: &ComparedPicture| {
        let fingerprint = picture.fingerprint.clone().unwrap_or_default();
        fingerprint.file_hash
    };
    let files: Vec<Vec<u8>> = found.pictures.iter().map(hash).collect();
    let are_its = files
        .iter()
        .all(|file| disclosed.contains(&file.as_slice()));
    if !are_its || !files.is_sorted_by(|a, b| a < b) {
        return Err(LookAlikesError::Files);
    }
    let searched = found.searched.as_ref().map_or(0, |s| s.pictures);
    let mut pictures = found.pictures.iter();
    match pictures.all(|picture| is_outcome(id, searched, picture)) {
        true => Ok(()),
        false => Err(LookAlikesError::Candidates),
    }
}

/// Whether a search among so many earlier pictures can give this.
fn is_outcome(id: &Hash, searched: u64, picture: &ComparedPicture) -> bool {
    let candidates = &picture.candidates;
    let named = candidates.len() as u64;
    let ascend = candidates.is_sorted_by(|a, b| (a.distance, a.number) < (b.distance, b.number));
    let each = |candidate: &LookAlike| {
        candidate.number < searched
            && candidate.distance <= MAX_DISTANCE
            && Variant::from_number(candidate.variant).is_some()
            && candidate.part <= 1
            && candidate.design_id.len() == 32
            && candidate.design_id != id
            && candidate.file_hash.len() == 32
            && candidate.deposited.is_some()
    };
    named == picture.found.min(MAX_HITS as u64)
        && picture.found <= searched
        && ascend
        && candidates.iter().all(each)
}

#[cfg(test)]
mod tests;
