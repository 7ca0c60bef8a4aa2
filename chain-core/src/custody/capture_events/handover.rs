//! Two-sided handover: the holder offers, whom it is offered to answers. And the one-sided claim.
//!
//! Consensus-critical: yes

use std::collections::{BTreeMap, BTreeSet};

use touchstone_proto::ledger::{
    AnswerOffer, Basis, ClaimCustody, Custody, CustodyClaim, Offer, OfferCustody, OpenOffer,
    OpenOffers, Organisation, Outcome, Portion,
};

use super::authority::CUSTODIANS;
use super::goods::{self, Goods, is_open};
use super::{life, quantities};
use crate::Fault;
use crate::governance::company_prefix::is_holdable;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};
use touchstone_epcis::{Event, Quantity, QuantityRole};

/// Offers of one organisation that are open at once.
pub const MAX_OPEN_OFFERS: usize = 1_000;
/// Organisations that claim one item, beside its holder.
pub const MAX_CLAIMS: usize = 16;
/// Bytes of a discrepancy or a reason.
pub const MAX_STATEMENT_BYTES: usize = 512;
/// How long after its block an offer's deadline may be, milliseconds: 366 days.
pub const MAX_OFFER_MS: u64 = 366 * 24 * 3_600_000;

/// What a capture's events name.
#[derive(Default)]
pub(super) struct Named<'a> {
    /// Things that somebody can have.
    pub(super) things: BTreeSet<String>,
    /// Quantities of classes that they are about (`quantityList`).
    pub(super) quantities: Vec<&'a Quantity>,
}

impl<'a> Named<'a> {
    pub(super) fn by(events: impl Iterator<Item = &'a Event>) -> Named<'a> {
        let mut named = Named::default();
        for event in events {
            let things = event.things().into_iter().map(|id| id.as_str());
            let holdable = things.filter(|id| is_holdable(id)).map(str::to_owned);
            named.things.extend(holdable);
            let of_event = event.classes.iter();
            named
                .quantities
                .extend(of_event.filter(|q| q.role == QuantityRole::Object));
        }
        named
    }

    fn names_class(&self, product: &str) -> bool {
        self.quantities.iter().any(|q| q.class.as_str() == product)
    }

    /// Amounts by class, of those that the ledger keeps account of.
    fn portions<S: StateRead>(
        &self,
        goods: &mut Goods<'_, '_, S>,
    ) -> Result<BTreeMap<String, u64>, RuleError> {
        let mut portions: BTreeMap<String, u64> = BTreeMap::new();
        for quantity in &self.quantities {
            let product = quantity.class.as_str();
            if goods.item(product)?.stock.is_none() {
                continue;
            }
            let amount = quantities::stated(goods, 0, quantity)?;
            let sum = portions.entry(product.to_owned()).or_default();
            *sum = sum.saturating_add(amount.millionths);
        }
        Ok(portions)
    }
}

/// Rules of an offer that don't depend on its events.
pub(super) fn check_offer<S: StateRead>(
    goods: &Goods<'_, '_, S>,
    context: &Context<'_>,
    offer: &OfferCustody,
) -> Result<(), RuleError> {
    // Rule: an offer is to another organisation that may hold goods.
    let receiver: Option<Organisation> = goods.state.read(&keys::organisation(&offer.to))?;
    let may_hold = receiver.is_some_and(|to| organisation::has_role(&to, CUSTODIANS));
    if !may_hold || offer.to == context.organisation.id {
        return Err(Rejection::InvalidReceiver(offer.to.clone()).into());
    }
    // Rule: there is a time to answer, and it ends.
    let left_ms = offer.deadline_ms.checked_sub(context.block.time_ms);
    if !left_ms.is_some_and(|left| (1..=MAX_OFFER_MS).contains(&left)) {
        return Err(Rejection::OfferDeadline.into());
    }
    Ok(())
}

/// Offers the loose things and outermost containers among those that the capture's events named.
pub(super) fn offer<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    offer: &OfferCustody,
    named: &Named<'_>,
) -> Result<(), RuleError> {
    let id = context.transaction.id().to_vec();
    // The whole capture is to blame, not one of its events.
    let index = 0;
    let mut items = Vec::new();
    for item in &named.things {
        let standing = goods.standing(item)?;
        if let Some(ended) = &standing.ended {
            return Err(Rejection::LifeEnded {
                index,
                item: item.clone(),
                how: life::word(ended),
            }
            .into());
        }
        // Rule: only the holder offers.
        if standing.holder() != Some(context.organisation.id.as_str()) {
            return Err(Rejection::NotHolder {
                index,
                item: item.clone(),
                holder: standing.holder().unwrap_or("nobody").to_owned(),
            }
            .into());
        }
        // Rule: an item is in one open offer at a time.
        if let Some(open) = standing.offer {
            return Err(Rejection::Offered {
                index,
                item: item.clone(),
                to: open.to,
            }
            .into());
        }
        // Rule: what is packed goes with its container.
        match standing.containers.first() {
            None => items.push(item.clone()),
            Some(container) if !standing.containers.iter().any(|c| named.things.contains(c)) => {
                return Err(Rejection::PackedItem {
                    index,
                    item: item.clone(),
                    container: container.clone(),
                }
                .into());
            }
            Some(_) => {}
        }
    }
    let portions = named.portions(goods)?;
    for (product, millionths) in &portions {
        // Rule: nobody offers more of a lot than it has. (It may have less when it is accepted.)
        let mut stock = goods.item(product)?.stock.clone().unwrap_or_default();
        let me = &context.organisation.id;
        quantities::debit(&mut stock, index, product, me, *millionths)?;
    }
    if items.is_empty() && portions.is_empty() {
        return Err(Rejection::NothingOffered.into());
    }
    for item in &items {
        goods.change(item)?.offer.clone_from(&id);
    }
    let record = Offer {
        from: context.organisation.id.clone(),
        to: offer.to.clone(),
        deadline_ms: offer.deadline_ms,
        items,
        position: Some(context.position(0)),
        portions: portions.into_iter().map(portion).collect(),
        ..Offer::default()
    };
    let mut open = open_offers(goods, &record.from, context.block.time_ms)?;
    // Rule: the list of open offers stays short.
    if open.offers.len() >= MAX_OPEN_OFFERS {
        return Err(Rejection::TooManyOffers(open.offers.len()).into());
    }
    open.offers.push(OpenOffer {
        id: id.clone(),
        to: offer.to.clone(),
        deadline_ms: offer.deadline_ms,
    });
    goods.state.write(keys::open_offers(&record.from), &open);
    goods.state.write(keys::offer(&id), &record);
    Ok(())
}

/// Rules of an answer, before its events are judged; an acceptance moves custody, so that the
/// receiver's events are the holder's.
pub(super) fn answer<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    answer: &AnswerOffer,
    named: &Named<'_>,
) -> Result<(), RuleError> {
    let key = keys::offer(&answer.offer);
    let Some(mut offer) = goods.state.read::<Offer>(&key)? else {
        return Err(Rejection::UnknownOffer(answer.offer.clone()).into());
    };
    let outcome = answer.outcome();
    // Rule: a discrepancy is stated where there is one.
    let stated = is_statement(&answer.discrepancy);
    let shape_fits = match outcome {
        Outcome::Unspecified => false,
        Outcome::AcceptedWithDiscrepancy => stated,
        _ => answer.discrepancy.is_empty(),
    };
    if !shape_fits {
        return Err(Rejection::AnswerShape.into());
    }
    // Rule: whom the offer is to answers; who made it may withdraw it.
    let by = match outcome {
        Outcome::Withdrawn => &offer.from,
        _ => &offer.to,
    };
    if *by != context.organisation.id {
        return Err(Rejection::WrongAnswerParty(by.clone()).into());
    }
    // Rule: an offer is answered once, and not after its deadline.
    if !is_open(&offer, context.block.time_ms) {
        return Err(Rejection::OfferClosed(state_of(&offer)).into());
    }
    // Rule: the answer stands in the history of all that it is about.
    let partial = outcome == Outcome::AcceptedWithDiscrepancy;
    let classes = offer.portions.iter().map(|portion| &portion.product);
    let (named_items, other_items): (Vec<&String>, Vec<&String>) =
        offer.items.iter().partition(|i| named.things.contains(*i));
    let (named_classes, other_classes): (Vec<&String>, Vec<&String>) =
        classes.partition(|class| named.names_class(class));
    let names_none = named_items.is_empty() && named_classes.is_empty();
    let left_out = other_items.first().or(other_classes.first());
    if let Some(left_out) = left_out.filter(|_| !partial || names_none) {
        return Err(Rejection::AnswerLeavesOut((*left_out).clone()).into());
    }
    if matches!(
        outcome,
        Outcome::Accepted | Outcome::AcceptedWithDiscrepancy
    ) {
        move_portions(goods, context, &offer, partial, named)?;
        for item in named_items {
            let standing = goods.standing(item)?;
            // A claim may have displaced a shipper that had only its own word.
            if standing.holder() != Some(offer.from.as_str()) {
                return Err(Rejection::NotHolder {
                    index: 0,
                    item: item.clone(),
                    holder: standing.holder().unwrap_or("nobody").to_owned(),
                }
                .into());
            }
            let item = goods.change(item)?;
            item.custody = Some(Custody {
                offer: answer.offer.clone(),
                discrepancy: answer.discrepancy.clone(),
                ..goods::custody(context, Basis::Handover, context.position(0))
            });
            item.offer.clear();
            let receiver = &context.organisation.id;
            item.claims.retain(|claim| claim.organisation != *receiver);
        }
    }
    offer.outcome = answer.outcome;
    offer.answered = Some(context.position(0));
    offer.discrepancy.clone_from(&answer.discrepancy);
    let mut open = open_offers(goods, &offer.from, context.block.time_ms)?;
    open.offers.retain(|open| open.id != answer.offer);
    goods.state.write(keys::open_offers(&offer.from), &open);
    goods.state.write(key, &offer);
    Ok(())
}

/// Moves the offered amounts of classes; where a discrepancy is stated, as much as was received.
fn move_portions<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    offer: &Offer,
    partial: bool,
    named: &Named<'_>,
) -> Result<(), RuleError> {
    let received = named.portions(goods)?;
    for Portion {
        product,
        millionths,
    } in &offer.portions
    {
        let arrived = received.get(product).copied().unwrap_or_default();
        // Rule: not more is taken over than was offered, and less only with a discrepancy.
        let fits = match partial {
            true => arrived <= *millionths,
            false => arrived == *millionths,
        };
        if !fits {
            return Err(Rejection::AnswerLeavesOut(product.clone()).into());
        }
        let Some(stock) = goods.change(product)?.stock.as_mut() else {
            let problem = format!("an offer of {product} without stock");
            return Err(Fault::Damaged(problem).into());
        };
        let to = &context.organisation.id;
        quantities::debit(stock, 0, product, &offer.from, arrived)
            .and_then(|()| quantities::credit(stock, 0, product, to, arrived))?;
    }
    Ok(())
}

fn portion((product, millionths): (String, u64)) -> Portion {
    Portion {
        product,
        millionths,
    }
}

/// Records a claim on each thing among `named` that somebody else holds.
pub(super) fn claim<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    claim: &ClaimCustody,
    named: &Named<'_>,
) -> Result<(), RuleError> {
    // Rule: a claim has a reason.
    if !is_statement(&claim.reason) {
        return Err(Rejection::ClaimReason.into());
    }
    let claimant = &context.organisation.id;
    let mut claimed = false;
    for id in &named.things {
        let standing = goods.standing(id)?;
        let Some(custody) = standing.custody.filter(|c| c.holder != *claimant) else {
            continue;
        };
        claimed = true;
        let is_loose = standing.containers.is_empty();
        let item = goods.change(id)?;
        let own = CustodyClaim {
            organisation: claimant.clone(),
            since: Some(context.position(0)),
            reason: claim.reason.clone(),
        };
        // Rule: word stands against word. The last one says where a loose item is; whoever
        // confirmed a handover, or owns the prefix, isn't displaced by it.
        let contradiction = if is_loose && custody.basis == Basis::OwnWord as i32 {
            item.claims.retain(|other| other.organisation != *claimant);
            // What it offered isn't its to offer any more.
            item.offer.clear();
            let since = context.position(0);
            item.custody = Some(goods::custody(context, Basis::OwnWord, since));
            CustodyClaim {
                organisation: custody.holder,
                since: custody.since,
                reason: String::new(),
            }
        } else {
            own
        };
        let known = item
            .claims
            .iter()
            .any(|other| other.organisation == contradiction.organisation);
        if known {
            continue;
        }
        // Rule: the list of claims stays short.
        if item.claims.len() >= MAX_CLAIMS {
            let limit = MAX_CLAIMS;
            let item = id.clone();
            return Err(Rejection::TooManyClaims { item, limit }.into());
        }
        item.claims.push(contradiction);
    }
    // Rule: a claim contradicts somebody.
    if !claimed {
        return Err(Rejection::NothingClaimed.into());
    }
    Ok(())
}

fn open_offers<S: StateRead>(
    goods: &Goods<'_, '_, S>,
    organisation: &str,
    now_ms: u64,
) -> Result<OpenOffers, Fault> {
    let key = keys::open_offers(organisation);
    let mut open: OpenOffers = goods.state.read(&key)?.unwrap_or_default();
    open.offers.retain(|offer| now_ms <= offer.deadline_ms);
    Ok(open)
}

fn state_of(offer: &Offer) -> &'static str {
    match offer.outcome() {
        Outcome::Unspecified => "void since its deadline",
        Outcome::Accepted | Outcome::AcceptedWithDiscrepancy => "accepted already",
        Outcome::Rejected => "rejected already",
        Outcome::Withdrawn => "withdrawn",
    }
}

fn is_statement(text: &str) -> bool {
    (1..=MAX_STATEMENT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}
