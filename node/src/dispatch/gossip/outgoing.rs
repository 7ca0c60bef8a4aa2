//! What waits to be gossiped: organisations have their turns one after another, so that what one sends in numbers
//! doesn't stand before what others send.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use touchstone_core::transaction::VerifiedTransaction;

/// Bytes of envelopes that may wait; then their senders wait.
const MOST_BYTES: usize = 8 << 20;

/// What waits, by organisation.
#[derive(Default)]
pub struct Outgoing {
    organisations: BTreeMap<String, VecDeque<Arc<VerifiedTransaction>>>,
    /// Whose turn it was last.
    last: String,
    bytes: usize,
}

impl Outgoing {
    /// One more waits.
    pub fn push(&mut self, transaction: Arc<VerifiedTransaction>) {
        self.bytes += transaction.envelope().len();
        let organisation = transaction.organisation().to_owned();
        let waiting = self.organisations.entry(organisation).or_default();
        waiting.push_back(transaction);
    }

    /// The next one: of the organisation after that whose turn it was.
    pub fn take(&mut self) -> Option<Arc<VerifiedTransaction>> {
        let after = (Bound::Excluded(self.last.as_str()), Bound::Unbounded);
        let mut later = self.organisations.range::<str, _>(after);
        let found = later.next().or_else(|| self.organisations.iter().next());
        let organisation = found?.0.clone();
        let waiting = self.organisations.get_mut(&organisation)?;
        let next = waiting.pop_front();
        if waiting.is_empty() {
            self.organisations.remove(&organisation);
        }
        self.last = organisation;
        self.bytes -= next.as_ref().map_or(0, |next| next.envelope().len());
        next
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.organisations.is_empty()
    }

    /// Whether no more should wait.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// Bytes of what waits.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;
    use touchstone_core::transaction;
    use touchstone_proto::ledger::transaction::Action;
    use touchstone_proto::ledger::{DepositDesign, Transaction};

    use super::*;

    fn of(organisation: &str, number: u64) -> Arc<VerifiedTransaction> {
        let body = Transaction {
            organisation: organisation.into(),
            created_ms: number,
            action: Some(Action::DepositDesign(DepositDesign {
                commitment: vec![7; 32],
            })),
        };
        let envelope = transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body);
        Arc::new(transaction::verify(&[7; 32], &envelope).unwrap())
    }

    fn all(outgoing: &mut Outgoing) -> Vec<(String, u64)> {
        let next = std::iter::from_fn(|| outgoing.take());
        next.map(|t| (t.organisation().to_owned(), t.claim().created_ms))
            .collect()
    }

    #[test]
    fn what_one_sends_in_numbers_stands_before_nobody_elses() {
        let mut outgoing = Outgoing::default();
        for number in 0..1000 {
            outgoing.push(of("flooder", number));
        }
        outgoing.push(of("zoo", 1));
        outgoing.push(of("ant", 1));
        assert!(outgoing.bytes() > 1000 * 100);
        let order = all(&mut outgoing);
        assert_eq!(order.len(), 1002);
        let first = ["ant", "flooder", "zoo", "flooder", "flooder"];
        assert!(first.iter().zip(&order).all(|(name, (of, _))| name == of));
        let flood = order.iter().filter(|(name, _)| name == "flooder");
        assert!(flood.map(|(_, number)| *number).eq(0..1000), "in its order");
        assert!(outgoing.is_empty() && outgoing.bytes() == 0);
    }
}
