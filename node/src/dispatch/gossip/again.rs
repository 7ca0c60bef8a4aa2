//! What still waits in the pool is gossiped again: in turn, and to peers that gossip begins to reach.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::Batch;
use crate::dispatch::Routes;
use crate::mempool::{SharedMempool, Waiting};
use crate::network::PeerId;

/// How often what still waits is gossiped again.
pub(super) const AGAIN: Duration = Duration::from_secs(5);
/// Bytes of envelopes that are gossiped again at once.
pub(super) const AGAIN_BYTES: u64 = 1 << 20;

/// Gossips again what has waited for long: its first gossip may have been lost, and a node that
/// never proposes would keep it for ever. All that waits has its turn, some at a time. Where gossip begins to reach a
/// peer, as after a start, what has waited longest is gossiped at once: the peer may have missed it.
pub async fn gossip_again(routes: Routes) {
    gossip_again_every(routes, AGAIN).await;
}

pub(in crate::dispatch) async fn gossip_again_every(routes: Routes, pause: Duration) {
    let mut ticks = tokio::time::interval(pause);
    let mut turn = Turn::default();
    let mut reached = routes.network.reached_by_gossip();
    let mut newcomers = Newcomers::default();
    for attempt in (1..=u32::MAX).cycle() {
        let is_tick = tokio::select! {
            _ = ticks.tick() => true,
            Ok(()) = reached.changed() => false,
        };
        let of_floods = part_of_floods(routes.network.connected().borrow().len());
        let due = match is_tick {
            true => turn.next(&routes.mempool, of_floods),
            false => {
                let peers = reached.borrow_and_update().clone();
                match newcomers.have_come(peers, Instant::now()) {
                    true => longest_waiting(&routes.mempool, of_floods),
                    false => continue,
                }
            }
        };
        let mut batch = Batch::default();
        for envelope in due {
            batch.push(envelope);
            if batch.is_full() {
                batch.send(&routes, attempt).await;
            }
        }
        batch.send(&routes, attempt).await;
    }
}

/// Bytes of floods that this node gossips again at once: so many others do as well, and send it to all.
pub(super) fn part_of_floods(peers: usize) -> u64 {
    let peers = u64::try_from(peers).unwrap_or(u64::MAX);
    AGAIN_BYTES / peers.max(1)
}

/// Peers for which all is gossiped again as gossip begins to reach them. Each costs the others what it costs this node,
/// so that one that comes again and again gets no more by it than by waiting.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    reached: BTreeSet<PeerId>,
    /// When that was done last for each, if not long ago.
    done: BTreeMap<PeerId, Instant>,
}

impl Newcomers {
    /// Gossip reaches these peers now. Whether it hasn't reached one of them before, nor just a while ago.
    pub fn have_come(&mut self, peers: BTreeSet<PeerId>, now: Instant) -> bool {
        self.done
            .retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
        let mut is_due = false;
        for peer in peers.difference(&self.reached) {
            if let Entry::Vacant(place) = self.done.entry(*peer) {
                place.insert(now);
                is_due = true;
            }
        }
        self.reached = peers;
        is_due
    }
}

/// What has waited longest, as much as is gossiped again at once.
fn longest_waiting(pool: &SharedMempool, of_floods: u64) -> Vec<Vec<u8>> {
    let found = pool.waiting(0..u64::MAX, usize::MAX, AGAIN_BYTES);
    beside_floods(&found, pool, of_floods)
}

/// All of these, but of those who flood beside others so many bytes.
fn beside_floods(found: &[Waiting], pool: &SharedMempool, of_floods: u64) -> Vec<Vec<u8>> {
    let mut flooding: u64 = 0;
    let due = found.iter().map(|waiting| &waiting.transaction);
    let due = due.filter(|transaction| {
        let has_room = flooding < of_floods;
        let is_flood = pool.floods(transaction.organisation());
        if is_flood {
            flooding = flooding.saturating_add(transaction.envelope().len() as u64);
        }
        has_room || !is_flood
    });
    due.map(|transaction| transaction.envelope().to_vec())
        .collect()
}

/// Whose turn it is to be gossiped again, by places in the pool.
#[derive(Debug, Default)]
pub(super) struct Turn {
    from: u64,
    /// What has lower places was there at the last tick.
    until: u64,
}

impl Turn {
    /// What is gossiped again now; of those who flood beside others so many bytes.
    pub fn next(&mut self, pool: &SharedMempool, of_floods: u64) -> Vec<Vec<u8>> {
        let until = std::mem::replace(&mut self.until, pool.next_place());
        let after = pool.waiting(self.from..until, usize::MAX, AGAIN_BYTES);
        let found = match after.is_empty() {
            true => pool.waiting(0..self.from.min(until), usize::MAX, AGAIN_BYTES),
            false => after,
        };
        self.from = found.last().map_or(0, |waiting| waiting.place + 1);
        beside_floods(&found, pool, of_floods)
    }
}
