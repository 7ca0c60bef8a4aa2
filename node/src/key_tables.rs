//! Tables of the keys that sign most: a signature is verified with one in a third of the time. A table is made once a
//! key has signed several times, and the oldest gives way; a key without one is verified as ever.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use touchstone_core::Rejection;
use touchstone_core::hash::Hash;
use touchstone_core::proof::transaction_tree;
use touchstone_core::signing::{self, KeyTable, Purpose};
use touchstone_core::transaction::{UnverifiedTransaction, VerifiedTransaction};

use crate::in_order::in_order;

/// Tables kept: 48 MB.
const TABLES: usize = 128;

/// Signatures after which a key has a table, which costs what some ten of them do.
const OFTEN: u8 = 32;

/// Keys remembered that have signed less often.
const SEEN: usize = 4096;

/// An envelope: its transaction's id, which depends on the chain, and the hash of all its bytes.
type Envelope = (Hash, Hash);

/// The tables, shared by all that verify.
#[derive(Debug, Default)]
pub struct KeyTables {
    inner: Mutex<Tables>,
    /// Answers that are given again for the same envelope. A node has none, as each envelope comes once: the simulation
    /// has them, whose nodes are one process (ADR 62). They stand here, since the pool verifies by these tables and by
    /// nothing else; a choice of verifiers for the pool would be more than they are.
    answers: Option<Answers>,
}

/// Answers to the last envelopes; at so many all are forgotten.
#[derive(Debug)]
struct Answers {
    limit: usize,
    known: Mutex<HashMap<Envelope, Result<VerifiedTransaction, Rejection>>>,
}

#[derive(Debug, Default)]
struct Tables {
    tables: HashMap<[u8; 32], Arc<KeyTable>>,
    /// In the order of their making.
    order: VecDeque<[u8; 32]>,
    /// How often others have signed.
    seen: HashMap<[u8; 32], u8>,
}

impl KeyTables {
    /// Tables that verify an envelope once for several nodes of one process, and remember so many.
    pub fn remembering(limit: usize) -> KeyTables {
        let known = Mutex::default();
        KeyTables {
            answers: Some(Answers { limit, known }),
            ..KeyTables::default()
        }
    }

    /// Verifies a transaction's signature.
    pub fn verify(
        &self,
        transaction: UnverifiedTransaction,
    ) -> Result<VerifiedTransaction, Rejection> {
        let signer = *transaction.claim().signer;
        if let Some(table) = self.table(&signer) {
            return transaction.verify_by(&table);
        }
        let verified = transaction.verify()?;
        self.note(signer);
        Ok(verified)
    }

    /// Verifies several in less time, each with the answer of [`KeyTables::verify`].
    pub fn verify_each(
        &self,
        transactions: Vec<UnverifiedTransaction>,
    ) -> Vec<Result<VerifiedTransaction, Rejection>> {
        let Some(remembered) = &self.answers else {
            return self.verify_anew(transactions);
        };
        let transactions = transactions.into_iter();
        let answer = |one| remembered.answer(one, |one| self.verify(one));
        transactions.map(answer).collect()
    }

    fn verify_anew(
        &self,
        transactions: Vec<UnverifiedTransaction>,
    ) -> Vec<Result<VerifiedTransaction, Rejection>> {
        let mut answers = Vec::with_capacity(transactions.len());
        let mut with_tables = Vec::new();
        for transaction in transactions {
            // One after the other, since a key's first signatures bring its table about.
            match self.table(transaction.claim().signer) {
                Some(table) => {
                    with_tables.push((transaction, table));
                    answers.push(None);
                }
                None => answers.push(Some(self.verify(transaction))),
            }
        }
        in_order(answers, UnverifiedTransaction::verify_each(with_tables)).collect()
    }

    fn table(&self, signer: &[u8; 32]) -> Option<Arc<KeyTable>> {
        self.lock().tables.get(signer).cloned()
    }

    /// A signature by this key holds.
    fn note(&self, signer: [u8; 32]) {
        if self.lock().has_signed_often(signer)
            && let Some(table) = KeyTable::new(&signer)
        {
            self.lock().keep(signer, table);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        // Each table is whole or absent.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Answers {
    fn answer(
        &self,
        transaction: UnverifiedTransaction,
        verify: impl FnOnce(UnverifiedTransaction) -> Result<VerifiedTransaction, Rejection>,
    ) -> Result<VerifiedTransaction, Rejection> {
        let envelope = (
            *transaction.claim().id,
            transaction_tree::leaf(transaction.envelope()),
        );
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known().get(&envelope) {
            return answer.clone();
        }
        let answer = verify(transaction);
        let mut known = known();
        if known.len() >= self.limit {
            known.clear();
        }
        known.insert(envelope, answer.clone());
        answer
    }
}

/// As [`signing::verify`], for the few keys that validators vote with: they have tables of their own, which nobody's
/// transactions take the place of.
pub fn verify_vote(
    key: &[u8; 32],
    purpose: Purpose,
    chain_id: &Hash,
    message: &[u8],
    signature: &[u8; 64],
) -> bool {
    static VOTERS: LazyLock<KeyTables> = LazyLock::new(KeyTables::default);
    if let Some(table) = VOTERS.table(key) {
        return table.verify(purpose, chain_id, message, signature);
    }
    let holds = signing::verify(key, purpose, chain_id, message, signature);
    if holds {
        VOTERS.note(*key);
    }
    holds
}

impl Tables {
    /// A signature by this key holds. Whether so many have that it is to have a table.
    fn has_signed_often(&mut self, signer: [u8; 32]) -> bool {
        if self.seen.len() >= SEEN && !self.seen.contains_key(&signer) {
            self.seen.clear();
        }
        let count = self.seen.entry(signer).or_default();
        *count = count.saturating_add(1);
        let is_often = *count >= OFTEN;
        if is_often {
            self.seen.remove(&signer);
        }
        is_often
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
    fn a_key_has_a_table_once_it_has_signed_often_and_the_answers_stay() {
        let tables = KeyTables::default();
        for number in 1..=2 * u64::from(OFTEN) {
            assert!(tables.verify(forged(1, number)).is_err());
            assert!(tables.verify(signed(1, number)).is_ok());
            let is_often = number >= u64::from(OFTEN);
            assert_eq!(tables.lock().tables.len(), usize::from(is_often));
        }
        assert!(tables.lock().seen.is_empty());
    }

    #[test]
    fn keys_that_sign_seldom_are_remembered_within_bounds() {
        let mut tables = Tables::default();
        for number in 0..SEEN as u64 + 2 {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            assert!(!tables.has_signed_often(key));
            assert!(tables.seen.len() <= SEEN);
        }
    }

    /// With a table and without, good and forged, in any order.
    #[test]
    fn several_get_the_answers_that_they_get_alone() {
        let (together, alone) = (KeyTables::default(), KeyTables::default());
        for number in 0..2 * u64::from(OFTEN) {
            assert!(together.verify(signed(1, number)).is_ok());
            let mixed = || {
                vec![
                    signed(1, 100 + number),
                    forged(2, number),
                    forged(1, number),
                    signed(2, number),
                    signed(1, 200 + number),
                    signed(2, 100 + number),
                ]
            };
            let ids = |answers: Vec<Result<VerifiedTransaction, Rejection>>| {
                let ids = answers.into_iter();
                let ids = ids.map(|answer| answer.map(|transaction| *transaction.id()));
                ids.collect::<Vec<_>>()
            };
            let answers = ids(together.verify_each(mixed()));
            let expected = mixed().into_iter().map(|one| alone.verify(one)).collect();
            assert_eq!(answers, ids(expected));
            assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 4);
        }
        assert!(together.verify_each(Vec::new()).is_empty());
        assert_eq!(together.lock().tables.len(), 2);
    }

    /// The same body with another signature, or on another chain, is another envelope.
    #[test]
    fn what_is_remembered_of_an_envelope_is_said_of_no_other() {
        let tables = KeyTables::remembering(3);
        let elsewhere = |number| {
            let envelope = signed(1, number).envelope().to_vec();
            transaction::read(&[8; 32], &envelope).unwrap()
        };
        for _ in 0..3 {
            for number in 0..4 {
                let asked = vec![
                    signed(1, number),
                    forged(1, number),
                    elsewhere(number),
                    signed(1, number),
                ];
                let answers = tables.verify_each(asked);
                let hold: Vec<bool> = answers.iter().map(Result::is_ok).collect();
                assert_eq!(hold, [true, false, false, true]);
                let known = &tables.answers.as_ref().unwrap().known;
                assert!((1..=3).contains(&known.lock().unwrap().len()));
            }
        }
    }

    #[test]
    fn votes_are_verified_alike_before_and_after_their_key_has_a_table() {
        let key = SigningKey::from_bytes(&[9; 32]);
        let public = key.verifying_key().to_bytes();
        for vote in 0..=OFTEN {
            let vote: &[u8] = &[vote];
            let signature = signing::sign(&key, Purpose::Vote, &[7; 32], vote);
            let holds =
                |purpose, chain, vote| verify_vote(&public, purpose, chain, vote, &signature);
            assert!(holds(Purpose::Vote, &[7; 32], vote));
            assert!(!holds(Purpose::Vote, &[7; 32], b"e"));
            assert!(!holds(Purpose::Vote, &[8; 32], vote));
            assert!(!holds(Purpose::Transaction, &[7; 32], vote));
            assert!(!verify_vote(
                &[9; 32],
                Purpose::Vote,
                &[7; 32],
                vote,
                &signature
            ));
        }
    }

    #[test]
    fn tables_are_bounded_and_the_oldest_gives_way() {
        let tables = KeyTables::default();
        let signers = TABLES as u64 + 2;
        for seed in 0..signers {
            for number in 0..u64::from(OFTEN) {
                assert!(tables.verify(signed(seed, number)).is_ok());
            }
        }
        let kept = tables.lock().tables.len();
        assert_eq!((kept, tables.lock().order.len()), (TABLES, TABLES));
        for seed in [0, signers - 1] {
            assert!(tables.verify(signed(seed, 100)).is_ok());
            assert!(tables.verify(forged(seed, 100)).is_err());
        }
    }
}
