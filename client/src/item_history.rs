//! Reading an item's history: its event log, and log by log those of the containers it was in.

use std::collections::BTreeMap;

use touchstone_core::proof::item_history::{self, ItemHistoryError};

pub use touchstone_core::proof::item_history::Step;

use crate::client::Client;
use crate::error::ClientError;
use crate::event_log::{self, EventLog};
use crate::verification::NotVerified;

/// All that is recorded for an item.
#[derive(Clone, Debug)]
pub struct VerifiedHistory {
    /// The item's own event log.
    pub log: EventLog,
    /// Own and inherited events, in ledger order.
    pub steps: Vec<Step>,
    /// The containers it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// All logs are proven complete up to this height.
    pub height: u64,
}

/// Reads and checks an item's event log and, outwards, those of the containers it was in.
pub async fn read(client: &mut Client, id: &str) -> Result<VerifiedHistory, ClientError> {
    let log = event_log::fetch(client, id).await?;
    let mut logs = BTreeMap::from([(id.to_owned(), log.complete())]);
    loop {
        match item_history::resolve(id, |id| logs.get(id)) {
            Ok(found) => {
                return Ok(VerifiedHistory {
                    log,
                    steps: found.steps,
                    inside: found.inside,
                    height: found.height,
                });
            }
            Err(ItemHistoryError::Missing(container)) => {
                let fetched = event_log::fetch(client, &container).await?.complete();
                logs.insert(container, fetched);
            }
            Err(error) => return Err(NotVerified::Contradiction(error.to_string()).into()),
        }
    }
}
