//! Transactions of the last blocks as execution has read them, for the index of events: it reads no envelope and no
//! event again while it keeps up. What it hasn't taken by the time that there are too many gives way; those blocks are
//! read from the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use touchstone_core::transaction::VerifiedTransaction;

/// Bytes of envelopes that wait here.
const BYTES: usize = 16 << 20;

/// Blocks whose events wait for the index.
#[derive(Debug, Default)]
pub struct RecentEvents {
    inner: Mutex<Recent>,
}

#[derive(Debug, Default)]
struct Recent {
    blocks: BTreeMap<u64, Vec<Arc<VerifiedTransaction>>>,
    bytes: usize,
}

impl RecentEvents {
    /// Keeps a committed block's transactions.
    pub fn keep(&self, height: u64, transactions: &[Arc<VerifiedTransaction>]) {
        let mut recent = self.lock();
        recent.bytes += bytes_of(transactions);
        recent.blocks.insert(height, transactions.to_vec());
        while recent.bytes > BYTES {
            match recent.blocks.pop_first() {
                Some((_, oldest)) => recent.bytes -= bytes_of(&oldest),
                None => break,
            }
        }
    }

    /// A block's transactions, if they are still here. Those of earlier blocks are no longer wanted.
    pub fn take(&self, height: u64) -> Option<Vec<Arc<VerifiedTransaction>>> {
        let mut recent = self.lock();
        let later = recent.blocks.split_off(&height);
        let earlier = std::mem::replace(&mut recent.blocks, later);
        let found = recent.blocks.remove(&height);
        let gone = earlier.values().chain(&found);
        recent.bytes -= gone.map(|block| bytes_of(block)).sum::<usize>();
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recent> {
        // Between two statements blocks may only be missing, and then they are read from the disk.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes_of(transactions: &[Arc<VerifiedTransaction>]) -> usize {
    transactions.iter().map(|t| t.envelope().len()).sum()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::transaction;
    use touchstone_proto::ledger::transaction::Action;
    use touchstone_proto::ledger::{CaptureEvents, Transaction};

    use super::*;

    fn block(bytes: usize) -> Vec<Arc<VerifiedTransaction>> {
        let capture = CaptureEvents {
            events: vec![vec![b' '; bytes]],
            handover: None,
        };
        let body = Transaction {
            organisation: "someone".into(),
            created_ms: 1,
            action: Some(Action::CaptureEvents(capture)),
        };
        let envelope = transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body);
        vec![Arc::new(transaction::verify(&[7; 32], &envelope).unwrap())]
    }

    #[test]
    fn a_block_is_taken_once_and_what_is_earlier_goes() {
        let recent = RecentEvents::default();
        for height in 1..=3 {
            recent.keep(height, &block(10));
        }
        assert!(recent.take(2).is_some());
        assert!(recent.take(2).is_none());
        assert!(recent.take(1).is_none());
        assert!(recent.take(3).is_some());
        assert_eq!(recent.lock().bytes, 0);
    }

    #[test]
    fn what_is_not_taken_is_bounded() {
        let recent = RecentEvents::default();
        for height in 1..=20 {
            recent.keep(height, &block(1 << 20));
        }
        assert!(recent.lock().bytes <= BYTES);
        assert!(recent.take(1).is_none());
        assert!(recent.take(20).is_some());
        assert_eq!(recent.lock().bytes, 0);
    }
}
