//! What the rules of custody know of the items that a capture names: each is read once, changed in
//! memory, and written once when the capture is through.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use touchstone_proto::ledger::{
    Basis, Custody, Emptying, End, Item, Offer, OpenOffer, Outcome, Position,
};

use crate::Fault;
use crate::governance::company_prefix;
use crate::rules::Context;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// A container takes something in while at most this many containers stand around it.
pub const MAX_PACKING_DEPTH: usize = 16;

/// At most this many containers stand around an item.
pub(super) const MAX_CONTAINERS: usize = MAX_PACKING_DEPTH + 1;

/// The items of a capture, over the state.
pub(super) struct Goods<'s, 'd, S: StateRead> {
    pub(super) state: &'s mut Delta<'d, S>,
    /// Time of the block, milliseconds.
    now_ms: u64,
    items: BTreeMap<String, Entry>,
    /// Who owns the company prefix that some digits begin with, where that was asked.
    prefixes: BTreeMap<String, Option<String>>,
}

struct Entry {
    item: Item,
    changed: bool,
}

/// How an item stands, containment included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The containers around it, from the inner to the outer.
    pub containers: Vec<String>,
    /// Who has it: whoever has the outermost container. None: nobody said so yet.
    pub custody: Option<Custody>,
    /// How its life ended, or that of a container around it.
    pub ended: Option<End>,
    /// The open offer of it, or of the outermost container.
    pub offer: Option<OpenOffer>,
}

/// How the item with this canonical identifier stands at a time, milliseconds, by what the state
/// holds: for those who answer about it. docs/format.md, "Custody".
pub fn standing(state: &impl StateRead, id: &str, now_ms: u64) -> Result<Standing, Fault> {
    Goods::new(&mut Delta::new(state), now_ms).standing(id)
}

/// Who has things at one moment, one after the other, by their records. The containers that they
/// share are looked at once.
pub struct Holders<'s, 'd, S: StateRead> {
    goods: Goods<'s, 'd, S>,
    containers: BTreeMap<String, Around>,
}

/// What things in a container take from it.
#[derive(Clone)]
struct Around {
    generation: u64,
    custody: Option<Custody>,
}

/// Containers that are remembered.
const REMEMBERED: usize = 8192;

impl<'s, 'd, S: StateRead> Holders<'s, 'd, S> {
    /// By what the state holds, at a time in milliseconds.
    pub fn new(state: &'s mut Delta<'d, S>, now_ms: u64) -> Self {
        Holders {
            goods: Goods::new(state, now_ms),
            containers: BTreeMap::new(),
        }
    }

    /// Id of the organisation that has the thing with this record, as [`standing`] says; none:
    /// nobody said so yet.
    pub fn of(&mut self, id: &str, record: &Item) -> Result<Option<String>, Fault> {
        let custody = match &record.packed {
            None => record.custody.clone(),
            Some(packing) => {
                let around = self.around(&packing.container)?;
                if around.generation == packing.generation {
                    custody_in(record, around.custody)
                } else {
                    // Its container was emptied since.
                    self.goods.standing(id)?.custody
                }
            }
        };
        Ok(custody.map(|custody| custody.holder))
    }

    fn around(&mut self, container: &str) -> Result<Around, Fault> {
        if let Some(known) = self.containers.get(container) {
            return Ok(known.clone());
        }
        if self.containers.len() >= REMEMBERED {
            self.containers.clear();
            self.goods.items.clear();
        }
        let around = Around {
            custody: self.goods.standing(container)?.custody,
            generation: self.goods.item(container)?.generation,
        };
        let name = container.to_owned();
        self.containers.insert(name, around.clone());
        Ok(around)
    }
}

impl Standing {
    /// Id of the organisation that has it.
    pub fn holder(&self) -> Option<&str> {
        self.custody.as_ref().map(|custody| custody.holder.as_str())
    }
}

impl<'s, 'd, S: StateRead> Goods<'s, 'd, S> {
    pub(super) fn new(state: &'s mut Delta<'d, S>, now_ms: u64) -> Self {
        Goods {
            state,
            now_ms,
            items: BTreeMap::new(),
            prefixes: BTreeMap::new(),
        }
    }

    /// The item as it is recorded; one that isn't is empty.
    pub(super) fn item(&mut self, id: &str) -> Result<&Item, Fault> {
        self.settle(id)?;
        Ok(&self.entry(id)?.item)
    }

    /// The item, to be changed.
    pub(super) fn change(&mut self, id: &str) -> Result<&mut Item, Fault> {
        self.settle(id)?;
        let entry = self.entry(id)?;
        entry.changed = true;
        Ok(&mut entry.item)
    }

    /// Stages the changed items.
    pub(super) fn write(self) {
        for (id, entry) in self.items {
            if entry.changed {
                self.state.write(keys::item(&id), &entry.item);
            }
        }
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

    /// How an item stands now.
    pub(super) fn standing(&mut self, id: &str) -> Result<Standing, Fault> {
        let containers = self.containers(id)?;
        let outermost = containers.last().map_or(id, String::as_str).to_owned();
        let mut custody = self.item(&outermost)?.custody.clone();
        let mut ended = self.item(&outermost)?.ended;
        // From the outermost container inwards, to the item itself.
        let inner = containers.iter().rev().skip(1).map(String::as_str);
        let inner = inner.chain((!containers.is_empty()).then_some(id));
        for inner in inner {
            let item = self.item(inner)?;
            custody = custody_in(item, custody);
            ended = item.ended.or(ended);
        }
        let offer = self.item(&outermost)?.offer.clone();
        Ok(Standing {
            offer: self.open_offer(&offer)?.map(|open| OpenOffer {
                id: offer,
                to: open.to,
                deadline_ms: open.deadline_ms,
            }),
            containers,
            custody,
            ended,
        })
    }

    /// The offer with this id, if it is open.
    pub(super) fn open_offer(&self, id: &[u8]) -> Result<Option<Offer>, Fault> {
        if id.is_empty() {
            return Ok(None);
        }
        let offer = self.state.read::<Offer>(&keys::offer(id))?;
        Ok(offer.filter(|offer| is_open(offer, self.now_ms)))
    }

    /// The organisation that the company prefix of an identifier is registered with.
    pub(super) fn prefix_holder(&mut self, id: &str) -> Result<Option<String>, Fault> {
        let Some(digits) = company_prefix::digits(id) else {
            return Ok(None);
        };
        if let Some(known) = self.prefixes.get(digits) {
            return Ok(known.clone());
        }
        let holder = company_prefix::owner(self.state, id)?;
        self.prefixes.insert(digits.to_owned(), holder.clone());
        Ok(holder)
    }

    /// Takes an item out of a container that was emptied as a whole since it was packed, which
    /// nothing was written to the item for.
    fn settle(&mut self, id: &str) -> Result<(), Fault> {
        let Some(packing) = self.entry(id)?.item.packed.clone() else {
            return Ok(());
        };
        if self.entry(&packing.container)?.item.generation == packing.generation {
            return Ok(());
        }
        let key = keys::emptying(&packing.container, packing.generation);
        let emptying: Emptying = self.state.read(&key)?.ok_or_else(|| {
            Fault::Damaged(format!(
                "no emptying {} of {}",
                packing.generation, packing.container
            ))
        })?;
        let item = &mut self.entry(id)?.item;
        item.packed = None;
        item.custody = inherited(item.custody.take(), packing.since, emptying.custody);
        Ok(())
    }

    fn entry(&mut self, id: &str) -> Result<&mut Entry, Fault> {
        if !self.items.contains_key(id) {
            let item = self.state.read(&keys::item(id))?.unwrap_or_default();
            let changed = false;
            self.items.insert(id.to_owned(), Entry { item, changed });
        }
        self.items
            .get_mut(id)
            .ok_or_else(|| Fault::Invariant(format!("{id} was read and isn't there")))
    }
}

/// The custody of an item whose container is in this one.
fn custody_in(item: &Item, container: Option<Custody>) -> Option<Custody> {
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

/// The acting organisation's custody since a position.
pub(super) fn custody(context: &Context<'_>, basis: Basis, since: Position) -> Custody {
    Custody {
        holder: context.organisation.id.clone(),
        basis: basis as i32,
        since: Some(since),
        ..Custody::default()
    }
}

/// What positions are compared by.
pub(super) fn order(position: Position) -> (u64, u32, u32) {
    (position.height, position.transaction, position.event)
}

/// Whether an offer may still be answered in a block of this time.
pub(super) fn is_open(offer: &Offer, now_ms: u64) -> bool {
    offer.outcome == Outcome::Unspecified as i32 && now_ms <= offer.deadline_ms
}
