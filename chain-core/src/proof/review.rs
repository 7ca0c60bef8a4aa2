//! A review for somebody without a node: the dispute with its panels and the draws that they come from, each proven
//! under one state root. Who examines it finds draw and verdict again.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::evidence::ReviewFile;
use touchstone_proto::ledger::{Dispute, Draw, Panel};
use touchstone_proto::node::ProvenValue;

use crate::block::Header;
use crate::designs::review::recount::{self, BadReview};
use crate::encoding::{self, Malformed};
use crate::genesis::Genesis;
use crate::hash::Hash;
use crate::proof::header::{self, HeaderError};
use crate::proof::sealed_file;
use crate::proof::state::{self, StateError};
use crate::state::keys;

/// The first bytes of such a file.
pub const MAGIC: &[u8] = b"touchstone/review/v1\n";
/// No such file is larger; bytes. A panel of 199 jurors and as many alternates has 70 KB.
const MAX_FILE_BYTES: usize = 4 << 20;

/// Why bytes aren't a file that proves a review.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadReviewFile {
    /// It doesn't begin as one, or is too large.
    #[error("this is no Touchstone review file, or one of a later version")]
    Magic,
    /// Damaged on the way.
    #[error("the file's checksum doesn't fit: some byte was changed, lost or added")]
    Checksum,
    /// Not the canonical encoding of the message, or a field of another length.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The header or its validators.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A record's path fails.
    #[error(transparent)]
    State(#[from] StateError),
    /// A record that the review tells of is missing, or one that it doesn't.
    #[error("the file's records are not those that the review tells of")]
    Records,
    /// Draw or verdict.
    #[error(transparent)]
    Review(#[from] BadReview),
}

/// What a file proves.
#[derive(Clone, Debug, PartialEq)]
pub struct ExaminedReview {
    /// As of which block.
    pub header: Header,
    /// The dispute.
    pub dispute: Dispute,
    /// Its panels in order, each with its draw.
    pub panels: Vec<(Panel, Draw)>,
}

/// A review's records as far as they are read: the dispute; for each instance its panel, and the draw of one that has
/// seats. Each says which comes next.
#[derive(Debug, Default)]
pub struct ReviewRecords {
    dispute: Option<Dispute>,
    panels: Vec<(Panel, Option<Draw>)>,
}

impl ReviewRecords {
    /// The key of the next record; none where no more belongs to the review of this dispute.
    pub fn next_key(&self, id: &Hash) -> Option<Vec<u8>> {
        let Some(dispute) = &self.dispute else {
            return Some(keys::dispute(id));
        };
        if let Some((panel, None)) = self.panels.last()
            && !panel.seats.is_empty()
        {
            return Some(keys::draw(panel.draw));
        }
        let last = dispute.review.as_ref()?.instance.min(1);
        let number = u32::try_from(self.panels.len()).ok()?;
        (number <= last).then(|| keys::panel(id, number))
    }

    /// Reads the next record.
    pub fn read(&mut self, value: &[u8]) -> Result<(), Malformed> {
        if self.dispute.is_none() {
            self.dispute = Some(encoding::decode_exact(value)?);
            return Ok(());
        }
        match self.panels.last_mut() {
            Some((panel, draw @ None)) if !panel.seats.is_empty() => {
                *draw = Some(encoding::decode_exact(value)?);
            }
            _ => self.panels.push((encoding::decode_exact(value)?, None)),
        }
        Ok(())
    }

    /// Whether no record is read.
    pub fn is_empty(&self) -> bool {
        self.dispute.is_none()
    }

    /// The dispute, and its panels in order, each with its draw; one that isn't drawn has no seats, and an empty draw.
    /// None where there is no review.
    pub fn review(self) -> Option<(Dispute, Vec<(Panel, Draw)>)> {
        self.dispute()
            .filter(|(dispute, _)| dispute.review.is_some())
    }

    /// The same for a dispute that may have no review, and then has no panels. None where no record is read.
    pub fn dispute(self) -> Option<(Dispute, Vec<(Panel, Draw)>)> {
        let panels = self.panels.into_iter();
        let panels = panels.map(|(panel, draw)| (panel, draw.unwrap_or_default()));
        Some((self.dispute?, panels.collect()))
    }
}

/// The file: magic, canonical message, and the SHA-256 of both.
pub fn seal(file: &ReviewFile) -> Vec<u8> {
    sealed_file::seal(MAGIC, file)
}

/// Examines a file under the genesis document that is trusted.
pub fn examine(bytes: &[u8], genesis: &Genesis) -> Result<ExaminedReview, BadReviewFile> {
    if bytes.len() > MAX_FILE_BYTES || !bytes.starts_with(MAGIC) {
        return Err(BadReviewFile::Magic);
    }
    let message = sealed_file::content(bytes, MAGIC.len());
    let message = message.ok_or(BadReviewFile::Checksum)?;
    let file: ReviewFile = encoding::decode_exact(message)?;
    let header = header::verify_from(
        &genesis.chain_id,
        &genesis.validators,
        &file.validator_set_changes,
        file.header.as_ref(),
    )?;
    let id: Hash = encoding::exact("dispute", &file.dispute)?;
    let (dispute, panels) = records(&header.state_root, &id, &file.values)?;
    recount::check(&dispute, &panels)?;
    Ok(ExaminedReview {
        header,
        dispute,
        panels,
    })
}

fn records(
    root: &Hash,
    id: &Hash,
    values: &[ProvenValue],
) -> Result<(Dispute, Vec<(Panel, Draw)>), BadReviewFile> {
    let mut records = ReviewRecords::default();
    let mut values = values.iter();
    while let Some(key) = records.next_key(id) {
        let proven = values.next().ok_or(BadReviewFile::Records)?;
        let value = proven.value.as_deref().ok_or(BadReviewFile::Records)?;
        let proof = proven.proof.as_ref().ok_or(BadReviewFile::Records)?;
        state::verify(root, &key, Some(value), proof)?;
        records.read(value)?;
    }
    if values.next().is_some() {
        return Err(BadReviewFile::Records);
    }
    records.review().ok_or(BadReviewFile::Records)
}

#[cfg(test)]
mod tests;
