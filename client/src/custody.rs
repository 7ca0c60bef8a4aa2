//! Who has an item, as the proven state says it: its own record, and those of what is around it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use touchstone_core::Fault;
use touchstone_core::custody::{self, CustodyStatus, Holders};
use touchstone_core::hash::Hash;
use touchstone_core::proof::items::ProvenItem;
use touchstone_core::state::delta::Delta;
use touchstone_core::state::{StateRead, keys};
use touchstone_epcis as epcis;
use touchstone_proto::ledger::Item;
use touchstone_proto::node::ItemEvents;

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// How often a reading begins anew because the chain grew meanwhile.
const ATTEMPTS: usize = 20;

/// Values that are kept for the next items.
const KEPT_VALUES: usize = 65_536;

/// Values of one state, each proven; what isn't there yet is asked for.
#[derive(Default)]
struct Known {
    values: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    wanted: RefCell<Option<Vec<u8>>>,
}

impl StateRead for Known {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.values.get(key).cloned().ok_or_else(|| {
            *self.wanted.borrow_mut() = Some(key.to_vec());
            Fault::Invariant("the value isn't known yet".to_owned())
        })
    }

    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Err(Fault::Invariant("no transactions are known".to_owned()))
    }
}

/// Who has things, as far as their records and those of the containers around them tell, which one answer proves. What
/// takes another record, as where a container was emptied, isn't here.
pub fn holders<'a>(
    answered: impl Iterator<Item = (&'a ItemEvents, &'a ProvenItem)>,
) -> BTreeMap<String, Option<String>> {
    let answered: Vec<_> = answered.collect();
    let mut known = Known::default();
    for (item, _) in &answered {
        known
            .values
            .insert(keys::item(&item.id), item.record.clone());
    }
    let mut state = Delta::new(&known);
    let mut holders = Holders::new(&mut state);
    let nothing = Item::default();
    let told = answered.iter().filter_map(|(_, item)| {
        let record = item.record.as_ref().unwrap_or(&nothing);
        Some((item.id.clone(), holders.of(&item.id, record).ok()?))
    });
    told.collect()
}

/// Reads how items stand, one after the other; what is proven for one serves the next, as long as the
/// chain doesn't grow.
pub struct CustodyReader {
    /// The clock of whoever asks, milliseconds: by it deadlines have passed.
    now_ms: u64,
    known: Known,
    /// What proves all that is known.
    seen: Option<AttestedHeader>,
}

impl CustodyReader {
    /// Nothing is known yet.
    pub fn new(now_ms: u64) -> CustodyReader {
        CustodyReader {
            now_ms,
            known: Known::default(),
            seen: None,
        }
    }

    /// Whether what was known before is known still.
    fn keep(&mut self, attested: AttestedHeader, key: Vec<u8>, value: Option<Vec<u8>>) -> bool {
        let height = attested.header.height;
        let same = self.seen.as_ref().map(|seen| seen.header.height) == Some(height);
        // Values of two states don't belong together.
        if !same || self.known.values.len() >= KEPT_VALUES {
            self.known = Known::default();
        }
        self.known.values.insert(key, value);
        self.seen = Some(attested);
        same
    }

    /// How the item with this canonical identifier stands, and under which header all of it is proven.
    pub async fn status(
        &mut self,
        client: &mut Client,
        id: &str,
    ) -> Result<(AttestedHeader, CustodyStatus), ClientError> {
        let mut attempts = 0;
        loop {
            let seen = self.seen.as_ref();
            // On an idle chain the last block may be older than a deadline that has passed.
            let block_ms = seen.map_or(0, |attested| attested.header.time_ms);
            let now_ms = self.now_ms.max(block_ms);
            match custody::status(&self.known, id, now_ms) {
                Ok(status) => {
                    let seen = self
                        .seen
                        .clone()
                        .ok_or(NotVerified::Missing("state reply"))?;
                    return Ok((seen, status));
                }
                Err(fault) => {
                    let Some(key) = self.known.wanted.take() else {
                        return Err(NotVerified::Contradiction(fault.to_string()).into());
                    };
                    let is_first = self.seen.is_none();
                    let (attested, value) = client.state_value(&key).await?;
                    if !self.keep(attested, key, value) && !is_first {
                        attempts += 1;
                    }
                    if attempts >= ATTEMPTS {
                        return Err(ClientError::GrowsTooFast);
                    }
                }
            }
        }
    }
}

/// How the item with this canonical identifier stands, and under which header all of it is proven.
pub async fn status(
    client: &mut Client,
    id: &str,
    now_ms: u64,
) -> Result<(AttestedHeader, CustodyStatus), ClientError> {
    CustodyReader::new(now_ms).status(client, id).await
}

/// Whether an identifier names something that somebody can have: no class, place or party.
pub fn is_holdable(id: &epcis::Identifier) -> bool {
    !id.is_class() && touchstone_core::custody::is_holdable(id.as_str())
}
