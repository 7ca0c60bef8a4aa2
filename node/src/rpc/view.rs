//! What one question sees: the chain after one block, that block's header with its certificate,
//! verified once for all questions, and known heads of long links.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tonic::Status;
use touchstone_core::block::Header;
use touchstone_core::hash::{self, Hash};
use touchstone_core::model::validators::ValidatorSet;
use touchstone_core::proof::{header, link};
use touchstone_proto::node::CertifiedHeader;

use super::refusal;
use crate::storage::rocks::{Reader, Snapshot};

/// A link's head is kept at every so many entries.
const STRIDE: u64 = 1000;
/// Heads that are kept, of all links together: some 10 MB.
const HEADS: usize = 65_536;

/// What outlives a question.
#[derive(Default)]
pub struct Known {
    tip: Mutex<Option<Arc<ProvenTip>>>,
    heads: Mutex<Heads>,
}

impl Known {
    /// How many heads are kept.
    #[cfg(test)]
    pub fn heads_kept(&self) -> usize {
        lock(&self.heads).kept.len()
    }
}

/// The last block as clients check it.
pub struct ProvenTip {
    id: Hash,
    /// The header and who signed it.
    pub certified: CertifiedHeader,
    /// The same, decoded.
    pub header: Header,
    /// Who decided it.
    pub validators: ValidatorSet,
}

/// The chain after one block.
pub struct View<'a> {
    /// Its rows.
    pub snapshot: Snapshot<'a>,
    /// The chain.
    pub chain_id: Hash,
    known: &'a Known,
}

impl<'a> View<'a> {
    /// The chain as it is now.
    pub fn new(reader: &'a Reader, chain_id: Hash, known: &'a Known) -> View<'a> {
        View {
            snapshot: reader.snapshot(),
            chain_id,
            known,
        }
    }

    /// The last block's header, its certificate verified: once for each block.
    pub fn tip(&self) -> Result<Arc<ProvenTip>, Status> {
        let tip = self.snapshot.tip();
        let kept = lock(&self.known.tip).clone();
        if let Some(kept) = kept.filter(|kept| kept.id == tip.block_id) {
            return Ok(kept);
        }
        let certified = self.certified(tip.height)?;
        let validators = self.set_at(tip.height)?;
        let decoded = Header::decode(&certified.header).map_err(refusal::unproven)?;
        let header = header::verify(&decoded.chain_id, &validators, &certified)
            .map_err(refusal::unproven)?;
        let proven = Arc::new(ProvenTip {
            id: tip.block_id,
            certified,
            header,
            validators,
        });
        *lock(&self.known.tip) = Some(proven.clone());
        Ok(proven)
    }

    /// The header at a height with its certificate.
    pub fn certified(&self, height: u64) -> Result<CertifiedHeader, Status> {
        if height == 0 {
            return Err(refusal::no_block());
        }
        self.snapshot
            .certified_header(height)
            .map_err(refusal::fault)?
            .ok_or_else(|| Status::not_found(format!("no block at height {height}")))
    }

    /// The set that decided the block at `height`: the last change below it.
    fn set_at(&self, height: u64) -> Result<ValidatorSet, Status> {
        let changes = self
            .snapshot
            .validator_set_changes(0)
            .map_err(refusal::fault)?;
        changes
            .into_iter()
            .rfind(|(changed, _)| *changed < height)
            .map(|(_, set)| set)
            .ok_or_else(|| refusal::unproven("no validator set is stored"))
    }

    /// Head of a link before its entry number `from`: read on from the nearest head that is kept.
    pub fn head_before(&self, owner_key: &[u8], from: u64) -> Result<Hash, Status> {
        let owner = hash::sha256(owner_key);
        let (mut next, mut head) = lock(&self.known.heads).nearest(&owner, from);
        while next < from {
            let wanted = u32::try_from((from - next).min(STRIDE)).unwrap_or(u32::MAX);
            let rows = self
                .snapshot
                .link_entries(owner_key, next, wanted)
                .map_err(refusal::fault)?;
            if rows.is_empty() {
                return Err(refusal::unproven("entries of a link are missing"));
            }
            for entry in &rows {
                head = link::extend(&head, entry);
                next += 1;
                if next.is_multiple_of(STRIDE) {
                    lock(&self.known.heads).keep(owner, next, head);
                }
            }
        }
        Ok(head)
    }
}

/// Heads of links by owner and number of entries. Links only grow, so a head never changes.
#[derive(Default)]
struct Heads {
    kept: BTreeMap<(Hash, u64), Hash>,
    /// In the order in which they came.
    order: VecDeque<(Hash, u64)>,
}

impl Heads {
    /// The last one kept at or below `from`; the empty link's where there is none.
    fn nearest(&self, owner: &Hash, from: u64) -> (u64, Hash) {
        let below = self.kept.range((*owner, 0)..=(*owner, from)).next_back();
        below.map_or((0, link::EMPTY_HEAD), |((_, count), head)| (*count, *head))
    }

    fn keep(&mut self, owner: Hash, count: u64, head: Hash) {
        if self.kept.insert((owner, count), head).is_none() {
            self.order.push_back((owner, count));
        }
        while self.order.len() > HEADS {
            if let Some(oldest) = self.order.pop_front() {
                self.kept.remove(&oldest);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is kept is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_below_and_bounded_in_number() {
        let mut heads = Heads::default();
        assert_eq!(heads.nearest(&[1; 32], 5), (0, link::EMPTY_HEAD));
        for count in 1..=HEADS as u64 + 10 {
            heads.keep([1; 32], count, [count as u8; 32]);
        }
        assert_eq!((heads.kept.len(), heads.order.len()), (HEADS, HEADS));
        assert_eq!(heads.nearest(&[1; 32], 10), (0, link::EMPTY_HEAD));
        assert_eq!(heads.nearest(&[1; 32], 11), (11, [11; 32]));
        assert_eq!(heads.nearest(&[1; 32], u64::MAX).0, HEADS as u64 + 10);
        assert_eq!(heads.nearest(&[2; 32], u64::MAX), (0, link::EMPTY_HEAD));
    }
}
