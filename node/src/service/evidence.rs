//! Evidence files: collected from one snapshot, examined, and sent in pieces.

use std::collections::BTreeSet;
use std::pin::Pin;

use tokio_stream::Stream;
use touchstone_core::Fault;
use touchstone_core::encoding;
use touchstone_core::evidence::{
    self, Additions, Archive, CollectError, Stamps, Subject, Trusted, WholeBlock,
};
use touchstone_core::hash::Hash;
use touchstone_core::proof::checkpoint::{self, BlockLeaf, CheckpointError, Tree};
use touchstone_epcis::Identifier;
use touchstone_proto::evidence::{Checkpoint, Stamp};
use touchstone_proto::node as wire;
use touchstone_proto::node::get_evidence_request::Subject as Wanted;
use touchstone_proto::node::{CertifiedHeader, StateProof, ValidatorSetChange};

use super::error::{ServiceError, unproven, untold};
use super::limits::Cancelled;
use super::proven_state::ProvenState;
use super::state_query::check_seller;
use crate::storage::rocks::{Snapshot, StampedRange};

/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 20;
/// Entries read at once.
const PAGE: u32 = 1000;

/// The pieces of a file.
pub type Pieces = Pin<Box<dyn Stream<Item = wire::EvidencePiece> + Send + 'static>>;

/// The file about a subject, examined as its reader will.
pub fn file(
    view: &ProvenState<'_>,
    genesis: &[u8],
    request: &wire::GetEvidenceRequest,
) -> Result<Vec<u8>, ServiceError> {
    let subject = subject(request)?;
    let chain_id = view.chain_id;
    let archive = SnapshotArchive {
        snapshot: &view.snapshot,
        chain_id,
        genesis,
        cancelled: view.cancelled,
    };
    let additions = additions(request)?;
    let collected = evidence::collect_with(&archive, &subject, &additions);
    let collected = collected.map_err(|error| match error {
        _ if view.cancelled.is_set() => ServiceError::Cancelled,
        CollectError::Fault(fault) => ServiceError::Fault(fault),
        CollectError::NoBlock => ServiceError::NoBlock,
        CollectError::TooLarge(_) | CollectError::TooManyBytes => {
            ServiceError::TooLarge(error.to_string())
        }
        CollectError::OtherDispute(_) => ServiceError::NotFound(error.to_string()),
        CollectError::Question | CollectError::TooMany => {
            ServiceError::Malformed(error.to_string())
        }
        CollectError::ItemHistory(error) => untold(&error),
    })?;
    view.cancelled.check()?;
    let bytes = evidence::seal(&collected);
    let trusted = Trusted {
        chain_id: Some(chain_id),
        ..Trusted::default()
    };
    let report = evidence::examine(&bytes, &trusted);
    match report.failure() {
        Some((element, reason)) => Err(unproven(format!("{}: {reason}", element.name()))),
        None => Ok(bytes),
    }
}

/// A file in pieces, in order, each made when it is asked for.
pub fn pieces(bytes: Vec<u8>) -> Pieces {
    let starts = (0..bytes.len()).step_by(PIECE_BYTES);
    let pieces = starts.map(move |start| {
        let end = bytes.len().min(start + PIECE_BYTES);
        let piece = bytes.get(start..end).unwrap_or_default();
        wire::EvidencePiece {
            bytes: piece.to_vec(),
        }
    });
    Box::pin(tokio_stream::iter(pieces))
}

fn subject(request: &wire::GetEvidenceRequest) -> Result<Subject, ServiceError> {
    match &request.subject {
        None => Err(ServiceError::Malformed("name an item or a design".into())),
        Some(Wanted::Item(id)) => Identifier::read(id)
            .map(|id| Subject::Item(id.as_str().to_owned()))
            .map_err(|e| ServiceError::Malformed(format!("{id:?}: {e}"))),
        Some(Wanted::Design(id)) => encoding::exact("id", id)
            .map(Subject::Design)
            .map_err(|e| ServiceError::Malformed(e.to_string())),
    }
}

/// What a file about a design shows beside its deposit.
fn additions(request: &wire::GetEvidenceRequest) -> Result<Additions, ServiceError> {
    let disputes = request.disputes.iter();
    let disputes: Result<Vec<Hash>, _> =
        disputes.map(|id| encoding::exact("dispute", id)).collect();
    for question in &request.questions {
        check_seller(&question.seller)?;
    }
    Ok(Additions {
        disputes: disputes.map_err(|e| ServiceError::Malformed(e.to_string()))?,
        questions: request.questions.clone(),
    })
}

/// A snapshot, with the document that the chain began with.
struct SnapshotArchive<'a> {
    snapshot: &'a Snapshot<'a>,
    chain_id: Hash,
    genesis: &'a [u8],
    /// Asked at each reading: a file may take long.
    cancelled: &'a Cancelled,
}

impl Archive for SnapshotArchive<'_> {
    fn genesis(&self) -> Result<Vec<u8>, Fault> {
        Ok(self.genesis.to_vec())
    }

    fn anchor(&self) -> Result<Option<CertifiedHeader>, Fault> {
        match self.snapshot.tip().height {
            0 => Ok(None),
            height => self.snapshot.certified_header(height),
        }
    }

    fn validator_set_changes(&self) -> Result<Vec<ValidatorSetChange>, Fault> {
        let mut changes = Vec::new();
        for (height, set) in self.snapshot.validator_set_changes(1)? {
            changes.push(ValidatorSetChange {
                header: self.snapshot.certified_header(height)?,
                next_validators: Some(set.message()),
            });
        }
        Ok(changes)
    }

    fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        self.cancelled.check_as_fault()?;
        self.snapshot.prove_value(key)
    }

    fn entries(&self, owner_key: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
        let mut entries = Vec::new();
        loop {
            self.cancelled.check_as_fault()?;
            let page = self
                .snapshot
                .link_entries(owner_key, entries.len() as u64, PAGE)?;
            let is_last = page.len() < PAGE as usize;
            entries.extend(page);
            if is_last {
                return Ok(entries);
            }
        }
    }

    fn envelope(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, Fault> {
        self.cancelled.check_as_fault()?;
        self.snapshot.envelope(height, index)
    }

    fn block(&self, height: u64) -> Result<Option<WholeBlock>, Fault> {
        self.cancelled.check_as_fault()?;
        let Some(header) = self.snapshot.certified_header(height)? else {
            return Ok(None);
        };
        Ok(Some((header, self.snapshot.envelopes(height)?)))
    }

    fn stamps(&self, heights: &BTreeSet<u64>) -> Result<Stamps, Fault> {
        let mut stamps = Stamps::default();
        for authority in self.snapshot.authorities()? {
            self.add_stamps(&authority, heights, &mut stamps)?;
        }
        Ok(stamps)
    }
}

impl SnapshotArchive<'_> {
    /// Adds one authority's stamps of these blocks. Its checkpoints don't overlap, so that each is read
    /// once.
    fn add_stamps(
        &self,
        authority: &str,
        heights: &BTreeSet<u64>,
        stamps: &mut Stamps,
    ) -> Result<(), Fault> {
        let mut open: Option<Tree> = None;
        for height in heights {
            let covers = |tree: &Tree| height <= &tree.range().last();
            let tree = match open.take().filter(covers) {
                Some(tree) => tree,
                None => {
                    let Some(stamped) = self.snapshot.checkpoint_of(authority, *height)? else {
                        continue;
                    };
                    let tree = self.tree(&stamped)?;
                    stamps.checkpoints.push(Checkpoint {
                        first: stamped.first,
                        last: stamped.last,
                        authority: stamped.authority,
                        token: stamped.token,
                        certificates: stamped.certificates,
                    });
                    tree
                }
            };
            let path = tree.path(*height).map_err(|e| unstamped(&e))?;
            stamps.stamps.push(Stamp {
                checkpoint: stamps.checkpoints.len().saturating_sub(1) as u32,
                height: *height,
                siblings: path.iter().map(|sibling| sibling.to_vec()).collect(),
            });
            open = Some(tree);
        }
        Ok(())
    }

    /// The tree over a stamped range, from the headers that are stored.
    fn tree(&self, stamped: &StampedRange) -> Result<Tree, Fault> {
        let headers = self.snapshot.headers(stamped.first..=stamped.last)?;
        let leaves: Vec<BlockLeaf> = headers.iter().map(BlockLeaf::from).collect();
        let tree = checkpoint::tree(&self.chain_id, stamped.first, &leaves);
        tree.map_err(|e| unstamped(&e))
    }
}

fn unstamped(error: &CheckpointError) -> Fault {
    Fault::Damaged(format!("a kept time stamp: {error}"))
}

#[cfg(test)]
mod tests;
