//! Links that were answered whole, with their events. A link's head stands for all of its entries, and they for their
//! events: what was verified under a head is right wherever a record that is proven names that head.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::Link;
use touchstone_proto::node::LinkedEvent;

/// Bytes that are kept, at most, and those of one link.
const BYTES: usize = 32 << 20;
const LINK_BYTES: usize = 64 << 10;
/// What a link and each of its events take beside their bytes.
const FRAME_BYTES: usize = 128;

/// Links that were asked for lately.
#[derive(Debug, Default)]
pub struct LinkCache(Mutex<Kept>);

/// Once the young ones have half of the bytes, they are the old ones, and those that were are forgotten.
#[derive(Debug, Default)]
struct Kept {
    young: Links,
    young_bytes: usize,
    old: Links,
}

type Links = HashMap<Hash, Arc<Vec<LinkedEvent>>, RandomState>;

impl LinkCache {
    /// The events of a link that a record names which is proven.
    pub fn find(&self, link: &Link) -> Option<Arc<Vec<LinkedEvent>>> {
        let head = Hash::try_from(link.head.as_slice()).ok()?;
        let mut kept = self.lock();
        let events = match kept.young.get(&head) {
            Some(events) => events.clone(),
            None => {
                let events = kept.old.get(&head)?.clone();
                kept.keep(head, events.clone());
                events
            }
        };
        (events.len() as u64 == link.count).then_some(events)
    }

    /// Keeps the events of a link, of which each was verified. A large one isn't kept.
    pub fn keep(&self, link: &Link, events: &[LinkedEvent]) {
        let Ok(head) = Hash::try_from(link.head.as_slice()) else {
            return;
        };
        if bytes_of(events) <= LINK_BYTES {
            let events = Arc::new(events.to_vec());
            self.lock().keep(head, events);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        // A link that is forgotten, or counted and not kept, is read again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many links are kept, and bytes of the young ones.
    #[cfg(test)]
    fn kept(&self) -> (usize, usize) {
        let kept = self.lock();
        (kept.young.len() + kept.old.len(), kept.young_bytes)
    }
}

impl Kept {
    fn keep(&mut self, head: Hash, events: Arc<Vec<LinkedEvent>>) {
        let bytes = bytes_of(&events);
        if self.young_bytes + bytes > BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(head, events).is_none() {
            self.young_bytes += bytes;
        }
    }
}

fn bytes_of(events: &[LinkedEvent]) -> usize {
    let each = events.iter();
    let each = each.map(|e| e.entry.len() + e.event.len() + FRAME_BYTES);
    FRAME_BYTES + each.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: u32, count: u64) -> Link {
        let mut head = [0; 32];
        head[..4].copy_from_slice(&number.to_be_bytes());
        Link {
            count,
            head: head.to_vec(),
        }
    }

    fn events(bytes: usize) -> Vec<LinkedEvent> {
        vec![LinkedEvent {
            entry: vec![1; 8],
            event: vec![2; bytes],
        }]
    }

    #[test]
    fn a_link_is_found_by_its_head_and_count() {
        let cache = LinkCache::default();
        cache.keep(&link(1, 1), &events(10));
        assert_eq!(cache.find(&link(1, 1)).as_deref(), Some(&events(10)));
        assert_eq!(cache.find(&link(1, 2)), None);
        assert_eq!(cache.find(&link(2, 1)), None);
        let short = Link {
            count: 1,
            head: vec![0; 4],
        };
        cache.keep(&short, &events(10));
        assert_eq!((cache.find(&short), cache.kept().0), (None, 1));
    }

    #[test]
    fn what_is_asked_for_stays_and_what_is_kept_is_bounded() {
        let cache = LinkCache::default();
        cache.keep(&link(0, 1), &events(LINK_BYTES));
        assert_eq!(cache.kept(), (0, 0));
        let large = LINK_BYTES - 1000;
        for number in 0..2000 {
            cache.keep(&link(number, 1), &events(large));
            assert!(cache.find(&link(0, 1)).is_some(), "{number}");
            let (links, young) = cache.kept();
            assert!(young <= BYTES / 2);
            assert!(links * large <= BYTES);
        }
        assert_eq!(cache.find(&link(1, 1)), None);
        assert!(cache.find(&link(1999, 1)).is_some());
    }
}
