//! Signatures of what comes in and of what blocks bring.

use std::sync::Arc;

use touchstone_core::Rejection;
use touchstone_core::hash::Hash;
use touchstone_core::proof::transaction_tree;
use touchstone_core::transaction::{self, UnverifiedTransaction, VerifiedTransaction};

use super::SharedMempool;

impl SharedMempool {
    /// Verifies a signature, quickly where its key has signed before.
    pub fn verify(&self, read: UnverifiedTransaction) -> Result<VerifiedTransaction, Rejection> {
        self.tables.verify(read)
    }

    /// The verified forms of a block's envelopes: from the pool where the same bytes are there, so that no signature is
    /// verified twice; the others on all cores. Or the first that is wrong, by its index.
    pub fn verify_all(
        &self,
        chain_id: &Hash,
        envelopes: &[Vec<u8>],
    ) -> Result<Vec<Arc<VerifiedTransaction>>, (usize, Rejection)> {
        let mut verified = Vec::with_capacity(envelopes.len());
        let mut unknown = Vec::new();
        for (index, envelope) in envelopes.iter().enumerate() {
            let leaf = transaction_tree::leaf(envelope);
            let known = self.lock().with_leaf(&leaf);
            if known.is_none() {
                unknown.push((index, envelope));
            }
            verified.push(known);
        }
        let verify = |(index, envelope): &(usize, &Vec<u8>)| {
            let read = transaction::read(chain_id, envelope);
            let verified = read.and_then(|read| self.verify(read));
            (*index, verified.map(Arc::new))
        };
        for (index, result) in on_all_cores(&unknown, verify) {
            let transaction = result.map_err(|rejection| (index, rejection))?;
            if let Some(place) = verified.get_mut(index) {
                *place = Some(transaction);
            }
        }
        Ok(verified.into_iter().flatten().collect())
    }
}

/// Fewer signatures than this aren't worth a thread.
const SIGNATURES_PER_THREAD: usize = 8;

/// The results of a function for each item, in order; on as many threads as there are cores if the items are many.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let worth = items.len() / SIGNATURES_PER_THREAD;
    // How many cores there are is read from files: not for nothing.
    let threads = match worth {
        0 | 1 => 1,
        worth => std::thread::available_parallelism().map_or(1, |cores| worth.min(cores.get())),
    };
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let work = &work;
    std::thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|share| scope.spawn(move || share.iter().map(work).collect::<Vec<_>>()))
            .collect();
        let mut results = Vec::with_capacity(items.len());
        for share in shares {
            match share.join() {
                Ok(share) => results.extend(share),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}
