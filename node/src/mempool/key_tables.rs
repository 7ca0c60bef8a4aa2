//! Tables of the keys that sign most: a signature is verified with one in half the time. A table is made once a key has
//! signed more than once, and the oldest gives way; a key without one is verified as ever.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use touchstone_core::Rejection;
use touchstone_core::signing::KeyTable;
use touchstone_core::transaction::{UnverifiedTransaction, VerifiedTransaction};

/// Tables kept: 8 MB.
const TABLES: usize = 256;

/// Keys remembered that have signed once.
const SEEN: usize = 4096;

/// The tables, shared by all that verify.
#[derive(Debug, Default)]
pub struct KeyTables {
    inner: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    tables: HashMap<[u8; 32], Arc<KeyTable>>,
    /// In the order of their making.
    order: VecDeque<[u8; 32]>,
    seen: HashSet<[u8; 32]>,
}

impl KeyTables {
    /// Verifies a transaction's signature.
    pub fn verify(
        &self,
        transaction: UnverifiedTransaction,
    ) -> Result<VerifiedTransaction, Rejection> {
        let signer = *transaction.claim().signer;
        let table = self.lock().tables.get(&signer).cloned();
        if let Some(table) = table {
            return transaction.verify_by(&table);
        }
        let verified = transaction.verify()?;
        if self.lock().has_signed(signer)
            && let Some(table) = KeyTable::new(&signer)
        {
            self.lock().keep(signer, table);
        }
        Ok(verified)
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Each table is whole or absent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    /// A signature by this key holds. Whether one did before.
    fn has_signed(&mut self, signer: [u8; 32]) -> bool {
        if self.seen.remove(&signer) {
            return true;
        }
        if self.seen.len() >= SEEN {
            self.seen.clear();
        }
        self.seen.insert(signer);
        false
    }

    fn keep(&mut self, signer: [u8; 32], table: KeyTable) {
        // Another thread may have been as fast.
        if self.tables.insert(signer, Arc::new(table)).is_none() {
            self.order.push_back(signer);
        }
        while self.order.len() > TABLES {
            if let Some(oldest) = self.order.pop_front() {
                self.tables.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::transaction;
    use touchstone_proto::ledger::transaction::Action;
    use touchstone_proto::ledger::{DepositDesign, Transaction};

    use super::*;

    fn signed(seed: u64, number: u64) -> UnverifiedTransaction {
        let body = Transaction {
            organisation: "someone".into(),
            created_ms: number,
            action: Some(Action::DepositDesign(DepositDesign {
                commitment: vec![7; 32],
            })),
        };
        let mut bytes = [1; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let envelope = transaction::sign(&SigningKey::from_bytes(&bytes), &[7; 32], &body);
        transaction::read(&[7; 32], &envelope).unwrap()
    }

    /// The same envelope with another signature's bytes.
    fn forged(seed: u64, number: u64) -> UnverifiedTransaction {
        let mut envelope = signed(seed, number).envelope().to_vec();
        *envelope.last_mut().unwrap() ^= 1;
        transaction::read(&[7; 32], &envelope).unwrap()
    }

    #[test]
    fn a_key_has_a_table_once_it_has_signed_twice_and_the_answers_stay() {
        let tables = KeyTables::default();
        for number in 0..4 {
            assert!(tables.verify(forged(1, number)).is_err());
            assert!(tables.verify(signed(1, number)).is_ok());
            assert_eq!(tables.lock().tables.len(), usize::from(number > 0));
        }
    }

    #[test]
    fn tables_are_bounded_and_the_oldest_gives_way() {
        let tables = KeyTables::default();
        let signers = TABLES as u64 + 2;
        for seed in 0..signers {
            for number in 0..2 {
                assert!(tables.verify(signed(seed, number)).is_ok());
            }
        }
        let kept = tables.lock().tables.len();
        assert_eq!((kept, tables.lock().order.len()), (TABLES, TABLES));
        for seed in [0, signers - 1] {
            assert!(tables.verify(signed(seed, 3)).is_ok());
            assert!(tables.verify(forged(seed, 3)).is_err());
        }
    }
}
