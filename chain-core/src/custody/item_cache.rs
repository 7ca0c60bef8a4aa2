//! The items that a capture or an answer is about, over the state: each is read once, changed in
//! memory, and written once.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;
use std::sync::Arc;

use touchstone_proto::ledger::{
    Basis, Custody, Emptying, Item, Offer, OpenOffer, Outcome, Position,
};

use super::limits::MAX_CONTAINERS;
use crate::Fault;
use crate::governance::company_prefix;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Items over a state.
pub(super) struct ItemCache<'s, 'd, S: StateRead> {
    pub(super) state: &'s mut Delta<'d, S>,
    /// Places of entries by identifiers.
    places: BTreeMap<String, usize>,
    entries: Vec<Entry>,
    /// The place that was asked for last.
    last: usize,
    /// Who owns the company prefix that some digits begin with, where that was asked.
    prefixes: BTreeMap<String, Option<String>>,
    /// Offers by id, those that nobody answered. A record names all that it offers, and each of these asks for it.
    offers: BTreeMap<Vec<u8>, Option<OpenOffer>>,
}

struct Entry {
    id: String,
    item: Item,
    changed: bool,
}

impl<'s, 'd, S: StateRead> ItemCache<'s, 'd, S> {
    pub(super) fn new(state: &'s mut Delta<'d, S>) -> Self {
        ItemCache {
            state,
            places: BTreeMap::new(),
            entries: Vec::new(),
            last: 0,
            prefixes: BTreeMap::new(),
            offers: BTreeMap::new(),
        }
    }

    /// The item as it is recorded; one that isn't is empty.
    pub(super) fn item(&mut self, id: &str) -> Result<&Item, Fault> {
        let place = self.settled(id)?;
        Ok(&self.entry(place)?.item)
    }

    /// The item, to be changed.
    pub(super) fn change(&mut self, id: &str) -> Result<&mut Item, Fault> {
        let place = self.settled(id)?;
        let entry = self.entry(place)?;
        entry.changed = true;
        Ok(&mut entry.item)
    }

    /// Stages the changed items.
    pub(super) fn write(self) {
        for entry in self.entries.iter().filter(|entry| entry.changed) {
            self.state.write(keys::item(&entry.id), &entry.item);
        }
    }

    /// Forgets what was read; nothing may have been changed.
    pub(super) fn forget(&mut self) {
        self.places.clear();
        self.entries.clear();
        self.offers.clear();
    }

    /// The container that the item is in now.
    pub(super) fn container_of(&mut self, id: &str) -> Result<Option<String>, Fault> {
        let packed = self.item(id)?.packed.as_ref();
        Ok(packed.map(|packing| packing.container.clone()))
    }

    /// The containers around an item, from the inner to the outer.
    pub(super) fn containers(&mut self, id: &str) -> Result<Vec<String>, Fault> {
        let mut around: Vec<String> = Vec::new();
        let mut inner = id.to_owned();
        while let Some(outer) = self.container_of(&inner)? {
            // Rule `packing-depth` lets no more come about.
            if around.len() >= MAX_CONTAINERS || outer == id {
                return Err(Fault::Damaged(format!(
                    "{id} is packed too deep or in itself"
                )));
            }
            around.push(outer.clone());
            inner = outer;
        }
        Ok(around)
    }

    /// The offer with this id, if it wasn't answered; none where the id is empty. Whether its deadline is over isn't
    /// looked at.
    pub(super) fn unanswered_offer(&mut self, id: &[u8]) -> Result<Option<OpenOffer>, Fault> {
        if id.is_empty() {
            return Ok(None);
        }
        if let Some(known) = self.offers.get(id) {
            return Ok(known.clone());
        }
        let offer: Option<Arc<Offer>> = self.state.read_shared(&keys::offer(id))?;
        let unanswered = offer.filter(|offer| offer.outcome == Outcome::Unspecified as i32);
        let unanswered = unanswered.map(|offer| OpenOffer {
            id: id.to_vec(),
            to: offer.to.clone(),
            deadline_ms: offer.deadline_ms,
        });
        self.offers.insert(id.to_vec(), unanswered.clone());
        Ok(unanswered)
    }

    /// Stages an offer.
    pub(super) fn write_offer(&mut self, id: &[u8], offer: &Offer) {
        self.offers.remove(id);
        self.state.write(keys::offer(id), offer);
    }

    /// The organisation that the company prefix of an identifier is registered with.
    pub(super) fn prefix_owner(&mut self, id: &str) -> Result<Option<String>, Fault> {
        let Some(digits) = company_prefix::digits(id) else {
            return Ok(None);
        };
        if let Some(known) = self.prefixes.get(digits) {
            return Ok(known.clone());
        }
        let owner = company_prefix::owner(self.state, id)?;
        self.prefixes.insert(digits.to_owned(), owner.clone());
        Ok(owner)
    }

    /// The place of an item, taken out of a container that was emptied as a whole since it was packed, which
    /// nothing was written to the item for.
    fn settled(&mut self, id: &str) -> Result<usize, Fault> {
        let place = self.place(id)?;
        let Some(packing) = self.entry(place)?.item.packed.clone() else {
            return Ok(place);
        };
        let container = self.place(&packing.container)?;
        if self.entry(container)?.item.generation == packing.generation {
            return Ok(place);
        }
        let key = keys::emptying(&packing.container, packing.generation);
        let emptying: Emptying = self.state.read(&key)?.ok_or_else(|| {
            Fault::Damaged(format!(
                "no emptying {} of {}",
                packing.generation, packing.container
            ))
        })?;
        let item = &mut self.entry(place)?.item;
        item.packed = None;
        item.custody = inherited(item.custody.take(), packing.since, emptying.custody);
        Ok(place)
    }

    /// The place of an item, which is read where it wasn't yet. A capture's rules ask for the same items many times,
    /// and an event's for the same one many times on end.
    fn place(&mut self, id: &str) -> Result<usize, Fault> {
        let last = self.entries.get(self.last);
        if last.is_some_and(|last| last.id == id) {
            return Ok(self.last);
        }
        self.last = self.find(id)?;
        Ok(self.last)
    }

    fn find(&mut self, id: &str) -> Result<usize, Fault> {
        if let Some(place) = self.places.get(id) {
            return Ok(*place);
        }
        let item = self.state.read(&keys::item(id))?.unwrap_or_default();
        let place = self.entries.len();
        self.entries.push(Entry {
            id: id.to_owned(),
            item,
            changed: false,
        });
        self.places.insert(id.to_owned(), place);
        Ok(place)
    }

    fn entry(&mut self, place: usize) -> Result<&mut Entry, Fault> {
        let entry = self.entries.get_mut(place);
        entry.ok_or_else(|| Fault::Invariant(format!("item {place} of a capture isn't there")))
    }
}

/// The custody of an item whose container is in this one.
pub(super) fn custody_in(item: &Item, container: Option<Custody>) -> Option<Custody> {
    let since = item.packed.as_ref().and_then(|packing| packing.since);
    inherited(item.custody.clone(), since, container)
}

/// The custody of an item that is in a container since a position: the container's, if that changed
/// hands since; else what it was.
pub(super) fn inherited(
    own: Option<Custody>,
    packed: Option<Position>,
    container: Option<Custody>,
) -> Option<Custody> {
    let began = container.as_ref().and_then(|custody| custody.since);
    match own.is_none() || began.map(order) > packed.map(order) {
        true => container,
        false => own,
    }
}

/// Whether a custody rests on more than its holder's own word: on its prefix, or on a handover.
pub(super) fn is_confirmed(custody: &Custody) -> bool {
    custody.basis != Basis::OwnWord as i32
}

/// What positions are compared by.
pub(super) fn order(position: Position) -> (u64, u32, u32) {
    (position.height, position.transaction, position.event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::Chain;

    /// An offer's record is as long as what it offers, and each of these asks for it.
    #[test]
    fn an_offer_is_read_once() {
        let chain = Chain::start();
        let mut state = Delta::new(&chain.state);
        let id = [7; 32];
        let offered = Offer {
            to: "carrier".into(),
            deadline_ms: 5,
            ..Offer::default()
        };
        state.write(keys::offer(&id), &offered);
        let answered = Offer {
            outcome: Outcome::Rejected.into(),
            ..offered
        };
        let mut items = ItemCache::new(&mut state);
        let open = items.unanswered_offer(&id).unwrap().unwrap();
        assert_eq!((open.to.as_str(), open.deadline_ms), ("carrier", 5));
        items.state.write(keys::offer(&id), &answered);
        assert_eq!(items.unanswered_offer(&id).unwrap(), Some(open));
        items.write_offer(&id, &answered);
        assert_eq!(items.unanswered_offer(&id).unwrap(), None);
        assert_eq!(items.unanswered_offer(&[]).unwrap(), None);
    }
}
