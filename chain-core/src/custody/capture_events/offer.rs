//! Offering custody: the holder says to whom, and until when the offer may be answered.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use touchstone_proto::ledger::{Offer, OfferCustody, OpenOffer, OpenOffers, Organisation, Portion};

use super::authority::CUSTODIANS;
use super::named_items::NamedItems;
use super::{holder_word, life, quantities};
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::item_cache::ItemCache;
use crate::custody::limits::{MAX_OFFER_MS, MAX_OFFERED, MAX_OPEN_OFFERS};
use crate::governance::organisation;
use crate::rules::{Context, RuleError};
use crate::state::{StateRead, keys};

/// The whole capture is to blame for what is offered, not one of its events.
const INDEX: u32 = 0;

/// Rules of an offer that don't depend on its events.
pub(super) fn check_terms<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    context: &Context<'_>,
    offer: &OfferCustody,
) -> Result<(), RuleError> {
    // Rule: an offer is to another organisation that may hold goods.
    let receiver: Option<Organisation> = items.state.read(&keys::organisation(&offer.to))?;
    let may_hold = receiver.is_some_and(|to| organisation::has_role(&to, CUSTODIANS));
    if !may_hold || offer.to == context.organisation.id {
        return Err(CustodyRejection::InvalidReceiver(offer.to.clone()).into());
    }
    // Rule: there is a time to answer, and it ends.
    let left_ms = offer.deadline_ms.checked_sub(context.block.time_ms);
    if !left_ms.is_some_and(|left| (1..=MAX_OFFER_MS).contains(&left)) {
        return Err(CustodyRejection::OfferDeadline.into());
    }
    Ok(())
}

/// Offers the loose things and outermost containers among those that the capture's events named.
pub(super) fn apply<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    offer: &OfferCustody,
    named: &NamedItems<'_>,
) -> Result<(), RuleError> {
    let offered = check_items(items, context, named)?;
    let portions = named.portions(items)?;
    check_portions(items, context, &portions)?;
    if offered.is_empty() && portions.is_empty() {
        return Err(CustodyRejection::NothingOffered.into());
    }
    // Rule: an offer's record stays short.
    if offered.len().saturating_add(portions.len()) > MAX_OFFERED {
        let limit = MAX_OFFERED;
        return Err(CustodyRejection::TooManyItems { limit }.into());
    }
    let from = context.organisation.id.clone();
    let mut open = open_offers(items, &from, context.block.time_ms)?;
    // Rule: the list of open offers stays short.
    if open.offers.len() >= MAX_OPEN_OFFERS {
        return Err(CustodyRejection::TooManyOffers(open.offers.len()).into());
    }
    // All rules are kept: from here on it is written.
    let id = context.transaction.id().to_vec();
    for item in &offered {
        items.change(item)?.offer.clone_from(&id);
    }
    open.offers.push(OpenOffer {
        id: id.clone(),
        to: offer.to.clone(),
        deadline_ms: offer.deadline_ms,
    });
    let record = Offer {
        from,
        to: offer.to.clone(),
        deadline_ms: offer.deadline_ms,
        items: offered,
        position: Some(context.position(INDEX)),
        portions: portions.into_iter().map(portion).collect(),
        ..Offer::default()
    };
    let list = keys::open_offers(&record.from);
    items.state.write(list, &open);
    items.write_offer(&id, &record);
    Ok(())
}

/// Those of the named items that are offered: what is packed goes with its container.
fn check_items<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    named: &NamedItems<'_>,
) -> Result<Vec<String>, RuleError> {
    let mut offered = Vec::new();
    for item in &named.items {
        let status = items.status(item, context.block.time_ms)?;
        if let Some(ended) = &status.ended {
            return Err(CustodyRejection::LifeEnded {
                index: INDEX,
                item: item.clone(),
                how: life::word(ended),
            }
            .into());
        }
        // Rule: only the holder offers.
        if status.holder() != Some(context.organisation.id.as_str()) {
            return Err(CustodyRejection::NotHolder {
                index: INDEX,
                item: item.clone(),
                holder: holder_word(status.holder()),
            }
            .into());
        }
        // Rule: an item is in one open offer at a time.
        if let Some(open) = status.offer {
            return Err(CustodyRejection::Offered {
                index: INDEX,
                item: item.clone(),
                to: open.to,
            }
            .into());
        }
        // Rule: what is packed goes with its container.
        match status.containers.first() {
            None => offered.push(item.clone()),
            Some(container) if !status.containers.iter().any(|c| named.items.contains(c)) => {
                return Err(CustodyRejection::PackedItem {
                    index: INDEX,
                    item: item.clone(),
                    container: container.clone(),
                }
                .into());
            }
            Some(_) => {}
        }
    }
    Ok(offered)
}

/// Rule: nobody offers more of a lot than it has. (It may have less when it is accepted.)
fn check_portions<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    portions: &BTreeMap<String, u64>,
) -> Result<(), RuleError> {
    for (product, millionths) in portions {
        let mut stock = items.item(product)?.stock.clone().unwrap_or_default();
        let from = &context.organisation.id;
        quantities::debit(&mut stock, INDEX, product, from, *millionths)?;
    }
    Ok(())
}

fn portion((product, millionths): (String, u64)) -> Portion {
    Portion {
        product,
        millionths,
    }
}

/// The offers of an organisation that may still be answered in a block of this time.
pub(super) fn open_offers<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    organisation: &str,
    now_ms: u64,
) -> Result<OpenOffers, Fault> {
    let key = keys::open_offers(organisation);
    let mut open: OpenOffers = items.state.read(&key)?.unwrap_or_default();
    open.offers.retain(|offer| now_ms <= offer.deadline_ms);
    Ok(open)
}
