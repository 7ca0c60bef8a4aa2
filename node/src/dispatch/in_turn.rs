//! What waits of several organisations: they have their turns one after another, so that what one sends in numbers
//! doesn't stand before what others send.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// What waits, by organisation.
#[derive(Debug)]
pub struct InTurn<T> {
    organisations: BTreeMap<String, VecDeque<T>>,
    /// Whose turn it was last.
    last: String,
}

impl<T> Default for InTurn<T> {
    fn default() -> Self {
        InTurn {
            organisations: BTreeMap::new(),
            last: String::new(),
        }
    }
}

impl<T> InTurn<T> {
    /// One more waits.
    pub fn push(&mut self, organisation: String, waiting: T) {
        let line = self.organisations.entry(organisation).or_default();
        line.push_back(waiting);
    }

    /// The next one: of the organisation after that whose turn it was.
    pub fn take(&mut self) -> Option<T> {
        let after = (Bound::Excluded(self.last.as_str()), Bound::Unbounded);
        let mut later = self.organisations.range::<str, _>(after);
        let found = later.next().or_else(|| self.organisations.iter().next());
        let organisation = found?.0.clone();
        let line = self.organisations.get_mut(&organisation)?;
        let next = line.pop_front();
        if line.is_empty() {
            self.organisations.remove(&organisation);
        }
        self.last = organisation;
        next
    }

    /// How many of an organisation wait.
    #[cfg(test)]
    pub fn of(&self, organisation: &str) -> usize {
        self.organisations
            .get(organisation)
            .map_or(0, VecDeque::len)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.organisations.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_sends_in_numbers_stands_before_nobody_elses() {
        let mut waiting = InTurn::default();
        for number in 0..1000 {
            waiting.push("flooder".into(), ("flooder", number));
        }
        waiting.push("zoo".into(), ("zoo", 1));
        waiting.push("ant".into(), ("ant", 1));
        let order: Vec<(&str, u64)> = std::iter::from_fn(|| waiting.take()).collect();
        assert_eq!(order.len(), 1002);
        let first = ["ant", "flooder", "zoo", "flooder", "flooder"];
        assert!(first.iter().zip(&order).all(|(name, (of, _))| name == of));
        let flood = order.iter().filter(|(name, _)| *name == "flooder");
        assert!(flood.map(|(_, number)| *number).eq(0..1000), "in its order");
        assert!(waiting.is_empty());
    }
}
