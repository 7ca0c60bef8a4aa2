//! As of which blocks a client's answers are. The connection keeps account of it for every answer, and
//! whoever tells the answers reads it there: no question can forget it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::attested_header::AttestedHeader;

/// The account of one client; clones share it.
#[derive(Clone, Debug, Default)]
pub struct AsOf(Arc<Mutex<Option<BlockRange>>>);

/// Attempts at an answer of several parts as of one block, while the chain grows.
#[derive(Debug, Default)]
pub struct Attempts(u32);

impl Attempts {
    const MOST: u32 = 3;

    /// Whether the answer is as of one block, or was tried often enough. Else what was asked is forgotten, to
    /// be asked anew.
    pub fn are_over(&mut self, as_of: &AsOf) -> bool {
        self.0 += 1;
        let over = as_of.is_one_block() || self.0 >= Self::MOST;
        if !over {
            as_of.forget();
        }
        over
    }
}

/// The blocks whose state the answers tell.
#[derive(Clone, Debug)]
pub struct BlockRange {
    /// The oldest: the answers together are as old as it.
    pub oldest: AttestedHeader,
    /// The newest; the same one where all answers are of one block.
    pub newest: AttestedHeader,
}

impl BlockRange {
    /// Whether all answers are of one block.
    pub fn is_one(&self) -> bool {
        self.oldest.header.height == self.newest.header.height
    }
}

impl AsOf {
    /// The blocks of the answers so far; none where no answer was about the state.
    pub fn blocks(&self) -> Option<BlockRange> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether all answers so far are of one block.
    pub fn is_one_block(&self) -> bool {
        self.blocks().is_none_or(|blocks| blocks.is_one())
    }

    /// Takes in an answer's header.
    pub(crate) fn note(&self, attested: &AttestedHeader) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let height = attested.header.height;
        match known.as_mut() {
            None => {
                *known = Some(BlockRange {
                    oldest: attested.clone(),
                    newest: attested.clone(),
                });
            }
            Some(blocks) if height < blocks.oldest.header.height => {
                blocks.oldest = attested.clone();
            }
            Some(blocks) if height > blocks.newest.header.height => {
                blocks.newest = attested.clone();
            }
            Some(_) => {}
        }
    }

    /// Takes the account back to what it was: what was asked since says itself as of which block it is.
    pub(crate) fn put_back(&self, blocks: Option<BlockRange>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = blocks;
    }

    /// Forgets the answers so far: what is asked next stands by itself.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
