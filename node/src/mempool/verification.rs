//! Signatures of what comes in and of what blocks bring.

use std::sync::Arc;

use touchstone_core::Rejection;
use touchstone_core::hash::Hash;
use touchstone_core::proof::transaction_tree;
use touchstone_core::transaction::{self, UnverifiedTransaction, VerifiedTransaction};

use super::SharedMempool;

impl SharedMempool {
    /// Verifies signatures, quickly where their keys have signed before, and more quickly together.
    pub fn verify_each(
        &self,
        read: Vec<UnverifiedTransaction>,
    ) -> Vec<Result<VerifiedTransaction, Rejection>> {
        self.tables.verify_each(read)
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
        let verify = |share: &[(usize, &Vec<u8>)]| {
            let together = share.chunks(TOGETHER);
            let answers = together.map(|share| self.read_and_verify(chain_id, share));
            answers.collect::<Result<Vec<_>, _>>()
        };
        let mut places = unknown.iter().map(|(index, _)| *index);
        for share in on_all_cores(&unknown, verify) {
            for transaction in share?.into_iter().flatten() {
                if let Some(place) = places.next().and_then(|index| verified.get_mut(index)) {
                    *place = Some(transaction);
                }
            }
        }
        Ok(verified.into_iter().flatten().collect())
    }

    /// Some envelopes, verified in their order, or the first that is wrong, by its index.
    fn read_and_verify(
        &self,
        chain_id: &Hash,
        envelopes: &[(usize, &Vec<u8>)],
    ) -> Result<Vec<Arc<VerifiedTransaction>>, (usize, Rejection)> {
        let mut read = Vec::with_capacity(envelopes.len());
        // Of those before one that can't be read, a signature may be wrong.
        let mut unread = None;
        for (index, envelope) in envelopes {
            match transaction::read(chain_id, envelope) {
                Ok(one) => read.push(one),
                Err(rejection) => {
                    unread = Some((*index, rejection));
                    break;
                }
            }
        }
        let indices = envelopes.iter().map(|(index, _)| *index);
        let answers = indices.zip(self.verify_each(read));
        let verified = answers.map(|(index, answer)| {
            let answer = answer.map(Arc::new);
            answer.map_err(|rejection| (index, rejection))
        });
        let verified = verified.collect::<Result<Vec<_>, _>>()?;
        match unread {
            Some(unread) => Err(unread),
            None => Ok(verified),
        }
    }
}

/// Signatures that are verified together. A wrong one is found after so many at most; more of them gain nothing.
pub const TOGETHER: usize = 16;

/// Fewer signatures than this aren't worth a thread.
const SIGNATURES_PER_THREAD: usize = 8;

/// The results of a function for shares of the items, in order; on as many threads as there are cores, if it pays.
fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let worth = items.len() / SIGNATURES_PER_THREAD;
    // How many cores there are is read from files: not for nothing.
    let threads = match worth {
        0 | 1 => 1,
        worth => std::thread::available_parallelism().map_or(1, |cores| worth.min(cores.get())),
    };
    if threads < 2 {
        return vec![work(items)];
    }
    let work = &work;
    std::thread::scope(|scope| {
        let shares: Vec<_> = items
            .chunks(items.len().div_ceil(threads))
            .map(|share| scope.spawn(move || work(share)))
            .collect();
        let joined = shares.into_iter().map(|share| match share.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.collect()
    })
}
