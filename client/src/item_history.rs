//! Fetching an item's journey: its link, and link by link those of the containers it was in.

use std::collections::BTreeMap;

use touchstone_core::proof::journey::{self, JourneyError};

pub use touchstone_core::proof::journey::Step;

use crate::client::Client;
use crate::error::ClientError;
use crate::event_log::{self, ProvenLink};
use crate::verification::NotVerified;

/// All that is recorded for an item.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The item's own link.
    pub link: ProvenLink,
    /// Own and inherited events, in ledger order.
    pub steps: Vec<Step>,
    /// The containers it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// All links are proven complete up to this height.
    pub height: u64,
}

/// Reads and checks an item's link and, outwards, those of the containers it was in.
pub async fn travel(client: &mut Client, id: &str) -> Result<Journey, ClientError> {
    let link = event_log::fetch(client, id).await?;
    let mut links = BTreeMap::from([(id.to_owned(), link.complete())]);
    loop {
        match journey::travel(id, |id| links.get(id)) {
            Ok(journey) => {
                return Ok(Journey {
                    link,
                    steps: journey.steps,
                    inside: journey.inside,
                    height: journey.height,
                });
            }
            Err(JourneyError::Missing(container)) => {
                let fetched = event_log::fetch(client, &container).await?.complete();
                links.insert(container, fetched);
            }
            Err(error) => return Err(NotVerified::Contradiction(error.to_string()).into()),
        }
    }
}
