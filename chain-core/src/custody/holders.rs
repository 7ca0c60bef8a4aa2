//! Who has many things at one moment, for those who answer about a trace.
//!
//! Consensus-critical: no

use std::collections::BTreeMap;

use touchstone_proto::ledger::{Custody, Item};

use super::item_cache::{ItemCache, custody_in};
use crate::Fault;
use crate::state::StateRead;
use crate::state::delta::Delta;

/// Containers that are remembered.
const REMEMBERED: usize = 8192;

/// Who has things at one moment, one after the other, by their records. The containers that they
/// share are looked at once.
pub struct Holders<'s, 'd, S: StateRead> {
    items: ItemCache<'s, 'd, S>,
    containers: BTreeMap<String, Around>,
}

/// What things in a container take from it.
#[derive(Clone)]
struct Around {
    generation: u64,
    custody: Option<Custody>,
}

impl<'s, 'd, S: StateRead> Holders<'s, 'd, S> {
    /// By what the state holds.
    pub fn new(state: &'s mut Delta<'d, S>) -> Self {
        Holders {
            items: ItemCache::new(state),
            containers: BTreeMap::new(),
        }
    }

    /// Id of the organisation that has the thing with this record, as [`status`](super::status)
    /// says; none: nobody said so yet.
    pub fn of(&mut self, id: &str, record: &Item) -> Result<Option<String>, Fault> {
        let custody = match &record.packed {
            None => record.custody.clone(),
            Some(packing) => {
                let around = self.around(&packing.container)?;
                if around.generation == packing.generation {
                    custody_in(record, around.custody)
                } else {
                    // Its container was emptied since.
                    self.items.status_without_offer(id)?.custody
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
            self.items.forget();
        }
        let around = Around {
            custody: self.items.status_without_offer(container)?.custody,
            generation: self.items.item(container)?.generation,
        };
        let name = container.to_owned();
        self.containers.insert(name, around.clone());
        Ok(around)
    }
}
