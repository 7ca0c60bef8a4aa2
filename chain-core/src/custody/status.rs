//! How an item stands, containment included: for the rules, and for those who answer about it.
//! docs/format.md, "Custody".
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Custody, End, Offer, OpenOffer, Outcome};

use super::item_cache::{ItemCache, custody_in};
use crate::Fault;
use crate::state::StateRead;
use crate::state::delta::Delta;

/// How an item stands at a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustodyStatus {
    /// The containers around it, from the inner to the outer.
    pub containers: Vec<String>,
    /// Who has it: the holder of the outermost container. None: nobody said so yet.
    pub custody: Option<Custody>,
    /// How its life ended, or that of a container around it.
    pub ended: Option<End>,
    /// The open offer of it, or of the outermost container.
    pub offer: Option<OpenOffer>,
}

impl CustodyStatus {
    /// Id of the organisation that has it.
    pub fn holder(&self) -> Option<&str> {
        self.custody.as_ref().map(|custody| custody.holder.as_str())
    }
}

/// How the item with this canonical identifier stands at a time, milliseconds, by what the state
/// holds.
pub fn status(state: &impl StateRead, id: &str, now_ms: u64) -> Result<CustodyStatus, Fault> {
    ItemCache::new(&mut Delta::new(state)).status(id, now_ms)
}

impl<S: StateRead> ItemCache<'_, '_, S> {
    /// How an item stands at a time, milliseconds.
    pub(super) fn status(&mut self, id: &str, now_ms: u64) -> Result<CustodyStatus, Fault> {
        let mut status = self.status_without_offer(id)?;
        let outermost = status.containers.last().map_or(id, String::as_str);
        let offer_id = self.item(outermost)?.offer.clone();
        let offer = self.unanswered_offer(&offer_id)?;
        status.offer = offer.filter(|offer| now_ms <= offer.deadline_ms);
        Ok(status)
    }

    /// How an item stands whatever is offered, which is all that a time decides.
    pub(super) fn status_without_offer(&mut self, id: &str) -> Result<CustodyStatus, Fault> {
        let containers = self.containers(id)?;
        let outermost = containers.last().map_or(id, String::as_str);
        let item = self.item(outermost)?;
        let (mut custody, mut ended) = (item.custody.clone(), item.ended);
        // From the outermost container inwards, to the item itself.
        let inner = containers.iter().rev().skip(1).map(String::as_str);
        let inner = inner.chain((!containers.is_empty()).then_some(id));
        for inner in inner {
            let item = self.item(inner)?;
            custody = custody_in(item, custody);
            ended = item.ended.or(ended);
        }
        Ok(CustodyStatus {
            containers,
            custody,
            ended,
            offer: None,
        })
    }
}

/// Whether an offer may still be answered in a block of this time.
pub(super) fn is_open(offer: &Offer, now_ms: u64) -> bool {
    offer.outcome == Outcome::Unspecified as i32 && now_ms <= offer.deadline_ms
}
