//! Pending transactions whose lifetime is over: no block takes them any more, so they leave at once.

use touchstone_core::governance::parameters;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_proto::ledger::Parameters;

use super::{PoolOutcome, SharedMempool};

impl SharedMempool {
    /// Settles as expired what no block after one of this time (milliseconds) takes; how many they are.
    pub fn expire(&self, parameters: &Parameters, time_ms: u64) -> usize {
        let next_ms = time_ms.saturating_add(1);
        let lifetime_ms = parameters::lifetime_ms(parameters);
        let mut pool = self.lock();
        let mut expired: Vec<(Hash, u64)> = Vec::new();
        for (created_ms, place) in &pool.by_creation {
            if parameters::expires_ms(parameters, *created_ms) >= next_ms {
                break;
            }
            let pending = pool.queue.get(place);
            expired.extend(pending.map(|p| (*p.transaction.id(), *created_ms)));
        }
        for (id, created_ms) in &expired {
            let rejection = Rejection::Expired {
                created_ms: *created_ms,
                lifetime_ms,
                time_ms: next_ms,
            };
            pool.settle(id, PoolOutcome::Rejected(rejection));
        }
        expired.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{add, id, pool};
    use super::*;

    /// The pool's tests number transactions by when they were created.
    #[test]
    fn what_no_later_block_takes_leaves_the_pool() {
        let pool = pool();
        for created_ms in [30, 10, 20] {
            add(&pool, created_ms);
        }
        let parameters = Parameters {
            transaction_lifetime_ms: 100,
            ..Parameters::default()
        };
        // The next block is at 110 or later, and takes what was created at 10.
        assert_eq!(pool.expire(&parameters, 109), 0);
        assert_eq!(pool.expire(&parameters, 110), 1);
        let expired = Rejection::Expired {
            created_ms: 10,
            lifetime_ms: 100,
            time_ms: 111,
        };
        assert_eq!(pool.outcome(&id(10)), Some(PoolOutcome::Rejected(expired)));
        assert_eq!(pool.outcome(&id(20)), Some(PoolOutcome::Pending));
        assert_eq!(pool.expire(&parameters, 500), 2);
        assert_eq!(pool.size(), (0, 0));
        assert_eq!(pool.expire(&parameters, u64::MAX), 0);
    }
}
