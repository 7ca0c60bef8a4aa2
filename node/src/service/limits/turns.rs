//! Whose turn it is: start-time fair queueing (Goyal, Vin and Cheng, 1996). Each address has had so much time, and each
//! of its connections; the next turn is that of the address that has had least, and there of the connection that
//! has. Who comes anew begins where the others are: it is owed nothing for having been away.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use touchstone_edge::Caller;

/// What work is taken to cost until it is done, microseconds.
const EXPECTED_US: u64 = 100;
/// Callers whose time is remembered while they want nothing. Beyond, it is forgotten.
const REMEMBERED: usize = 4096;

/// What waits, in the order of its turns.
pub struct Turns<T> {
    addresses: Lines<IpAddr, Lines<u64, VecDeque<T>>>,
    len: usize,
}

/// Lines that share turns.
struct Lines<K, V> {
    /// What whoever comes anew is taken to have had.
    now_us: u64,
    /// Turns are numbered, so that equals go in their order.
    next: u64,
    lines: BTreeMap<K, Line<V>>,
}

/// One that waits, is worked for, or has had more than others.
#[derive(Default)]
struct Line<V> {
    had_us: u64,
    order: u64,
    waiting: usize,
    running: usize,
    queue: V,
}

impl<V> Line<V> {
    fn is_idle(&self) -> bool {
        self.waiting == 0 && self.running == 0
    }
}

impl<K, V> Default for Lines<K, V> {
    fn default() -> Self {
        Lines {
            now_us: 0,
            next: 0,
            lines: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord, V: Default> Lines<K, V> {
    fn line(&mut self, key: K) -> &mut Line<V> {
        if self.lines.len() >= REMEMBERED && !self.lines.contains_key(&key) {
            self.lines.retain(|_, line| !line.is_idle());
        }
        self.next += 1;
        let line = self.lines.entry(key).or_default();
        if line.is_idle() {
            line.had_us = line.had_us.max(self.now_us);
            line.order = self.next;
        }
        line
    }

    /// One more waits.
    fn wait(&mut self, key: K) -> &mut V {
        let line = self.line(key);
        line.waiting += 1;
        &mut line.queue
    }

    /// One is worked for, that waited or not.
    fn begin(&mut self, key: K, has_waited: bool) -> &mut V {
        let line = self.line(key);
        let start_us = line.had_us;
        line.waiting -= usize::from(has_waited);
        line.running += 1;
        line.had_us = start_us.saturating_add(EXPECTED_US);
        self.now_us = self.now_us.max(start_us);
        let order = self.next;
        let line = self.line(key);
        line.order = order;
        &mut line.queue
    }

    /// Whose turn it is.
    fn first(&self) -> Option<K> {
        let waiting = self.lines.iter().filter(|(_, line)| line.waiting > 0);
        let first = waiting.min_by_key(|(_, line)| (line.had_us, line.order));
        first.map(|(key, _)| *key)
    }

    /// What one was worked for is done, and took so long.
    fn end(&mut self, key: K, took_us: u64, inner: impl FnOnce(&mut V)) {
        let Some(line) = self.lines.get_mut(&key) else {
            return;
        };
        inner(&mut line.queue);
        line.running = line.running.saturating_sub(1);
        let had_us = line.had_us.saturating_sub(EXPECTED_US);
        line.had_us = had_us.saturating_add(took_us);
        if line.is_idle() && line.had_us <= self.now_us {
            self.lines.remove(&key);
        }
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Turns {
            addresses: Lines::default(),
            len: 0,
        }
    }
}

impl<T> Turns<T> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many wait of a connection.
    pub fn of(&self, client: Caller) -> usize {
        let address = self.addresses.lines.get(&client.address);
        let line = address.and_then(|line| line.queue.lines.get(&client.connection));
        line.map_or(0, |line| line.waiting)
    }

    /// A client's work waits.
    pub fn push(&mut self, client: Caller, waiting: T) {
        let connections = self.addresses.wait(client.address);
        connections.wait(client.connection).push_back(waiting);
        self.len += 1;
    }

    /// A client's work begins without having waited.
    pub fn begin(&mut self, client: Caller) {
        let connections = self.addresses.begin(client.address, false);
        connections.begin(client.connection, false);
    }

    /// What comes next, and whose it is. It has begun.
    pub fn pop(&mut self) -> Option<(Caller, T)> {
        let address = self.addresses.first()?;
        let connections = self.addresses.begin(address, true);
        let connection = connections.first()?;
        let next = connections.begin(connection, true).pop_front()?;
        self.len -= 1;
        let client = Caller {
            address,
            connection,
        };
        Some((client, next))
    }

    /// What was begun for a client is done, and took so long.
    pub fn end(&mut self, client: Caller, took_us: u64) {
        self.addresses.end(client.address, took_us, |connections| {
            connections.end(client.connection, took_us, |_| {});
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(address: u8, connection: u64) -> Caller {
        Caller {
            address: IpAddr::from([192, 0, 2, address]),
            connection,
        }
    }

    /// All that waits in its order, each done before the next: it takes as long as it says.
    fn run(turns: &mut Turns<(&'static str, u64)>) -> Vec<&'static str> {
        let mut order = Vec::new();
        while let Some((client, (name, took_us))) = turns.pop() {
            order.push(name);
            turns.end(client, took_us);
        }
        order
    }

    #[test]
    fn turns_go_round_the_addresses_and_then_round_their_connections() {
        let mut turns = Turns::default();
        for name in ["a0", "a1", "a2"] {
            turns.push(client(1, 1), (name, EXPECTED_US));
        }
        for name in ["b0", "b1"] {
            turns.push(client(1, 2), (name, EXPECTED_US));
        }
        turns.push(client(2, 3), ("c0", EXPECTED_US));
        assert_eq!((turns.of(client(1, 1)), turns.len()), (3, 6));
        assert_eq!(run(&mut turns), ["a0", "c0", "b0", "a1", "b1", "a2"]);
        assert_eq!(turns.len(), 0);
        assert!(turns.pop().is_none());
    }

    /// Large pages cost time, and who asks for them has fewer turns for it.
    #[test]
    fn who_asks_what_takes_long_waits_for_those_who_do_not() {
        let mut turns = Turns::default();
        for name in ["page 1", "page 2", "page 3"] {
            turns.push(client(1, 1), (name, 3000));
        }
        for name in ["a", "b", "c", "d"] {
            turns.push(client(2, 2), (name, 1000));
        }
        let order = run(&mut turns);
        assert_eq!(order, ["page 1", "a", "b", "c", "page 2", "d", "page 3"]);
        // The same between connections of one address.
        let mut turns = Turns::default();
        for name in ["page 1", "page 2"] {
            turns.push(client(1, 1), (name, 3000));
        }
        for name in ["a", "b", "c"] {
            turns.push(client(1, 2), (name, 1000));
        }
        assert_eq!(run(&mut turns), ["page 1", "a", "b", "c", "page 2"]);
    }

    #[test]
    fn who_was_away_is_owed_nothing_and_what_was_had_is_remembered() {
        let mut turns = Turns::default();
        for name in ["a0", "a1", "a2"] {
            turns.push(client(1, 1), (name, 1000));
        }
        turns.push(client(2, 2), ("b0", 5000));
        assert_eq!(run(&mut turns), ["a0", "b0", "a1", "a2"]);
        // The second has had more, and one that comes only now begins where the first is.
        turns.push(client(2, 2), ("b1", 0));
        turns.push(client(3, 3), ("c0", 0));
        turns.push(client(1, 1), ("a3", 0));
        assert_eq!(run(&mut turns), ["c0", "a3", "b1"]);
    }

    #[test]
    fn what_begins_at_once_counts_too() {
        let mut turns = Turns::default();
        turns.begin(client(1, 1));
        turns.push(client(1, 1), ("a", 0));
        turns.push(client(2, 2), ("b", 0));
        turns.end(client(1, 1), 7000);
        assert_eq!(run(&mut turns), ["b", "a"]);
    }

    #[test]
    fn callers_that_want_nothing_are_forgotten() {
        let mut turns: Turns<()> = Turns::default();
        for connection in 0..3 * REMEMBERED as u64 {
            turns.begin(client(1, connection));
            turns.end(client(1, connection), 9000);
        }
        let connections = turns.addresses.lines.values();
        let most = connections.map(|line| line.queue.lines.len()).max();
        assert!(most <= Some(REMEMBERED), "{most:?}");
    }
}
