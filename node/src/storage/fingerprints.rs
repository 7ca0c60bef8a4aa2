//! The published fingerprints in memory, so that a search doesn't read each from the disk. They are numbered in the
//! state and never change, so what is kept stays right; later ones are read when they are asked for.

use std::sync::{PoisonError, RwLock};

use touchstone_core::Fault;
use touchstone_core::state;
use touchstone_core::state::StateRead;
use touchstone_pictures::{Compared, Fingerprint, Index};

/// Published fingerprints from number 0 on, as many as were asked for.
#[derive(Default)]
pub struct Fingerprints {
    index: RwLock<Index>,
}

impl Fingerprints {
    /// Compares a picture with the first `count` fingerprints of a state, which must be there.
    pub fn compare(
        &self,
        state: &impl StateRead,
        fingerprint: &Fingerprint,
        count: u64,
    ) -> Result<Compared, Fault> {
        self.read_up_to(state, count)?;
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        Ok(index.search(fingerprint, count))
    }

    /// Reads those of the first `count` that aren't in memory yet.
    pub fn read_up_to(&self, state: &impl StateRead, count: u64) -> Result<(), Fault> {
        let known = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if known.count() >= count {
            return Ok(());
        }
        drop(known);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        for number in index.count()..count {
            index.push(&state::published_fingerprint(state, number)?.1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
