//! Answering an offer: its receiver accepts or rejects, whoever made it withdraws.
//!
//! Consensus-critical: yes

use std::collections::BTreeMap;

use touchstone_proto::ledger::{AnswerOffer, Basis, Custody, Offer, Outcome, Portion, Stock};

use super::named_items::NamedItems;
use super::offer::open_offers;
use super::{begun_custody, holder_word, is_statement, quantities};
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::item_cache::ItemCache;
use crate::custody::status::is_open;
use crate::rules::{Context, RuleError};
use crate::state::{StateRead, keys};

/// What an acceptance moves.
#[derive(Default)]
struct Transfer<'a> {
    items: Vec<&'a String>,
    /// The stocks of classes, with the offered amounts moved.
    stocks: BTreeMap<&'a str, Stock>,
}

/// Applies an answer before its events: an acceptance moves custody, so that the receiver's events
/// are the holder's.
pub(super) fn apply<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    answer: &AnswerOffer,
    named: &NamedItems<'_>,
) -> Result<(), RuleError> {
    let key = keys::offer(&answer.offer);
    let offer: Option<Offer> = items.state.read(&key)?;
    let mut offer = offer.ok_or_else(|| CustodyRejection::UnknownOffer(answer.offer.clone()))?;
    check_party(context, answer, &offer)?;
    let answered = check_named(answer, &offer, named)?;
    let transfer = match answer.outcome() {
        Outcome::Accepted | Outcome::AcceptedWithDiscrepancy => {
            check_transfer(items, context, answer, &offer, named, answered)?
        }
        _ => Transfer::default(),
    };
    let mut open = open_offers(items, &offer.from, context.block.time_ms)?;
    // All rules are kept: from here on it is written.
    for (product, stock) in transfer.stocks {
        items.change(product)?.stock = Some(stock);
    }
    for item in transfer.items {
        let item = items.change(item)?;
        item.custody = Some(Custody {
            offer: answer.offer.clone(),
            discrepancy: answer.discrepancy.clone(),
            ..begun_custody(context, Basis::Handover, context.position(0))
        });
        item.offer.clear();
        let receiver = &context.organisation.id;
        item.claims.retain(|claim| claim.organisation != *receiver);
    }
    offer.outcome = answer.outcome;
    offer.answered = Some(context.position(0));
    offer.discrepancy.clone_from(&answer.discrepancy);
    open.offers.retain(|open| open.id != answer.offer);
    items.state.write(keys::open_offers(&offer.from), &open);
    items.write_offer(&answer.offer, &offer);
    Ok(())
}

/// Who may answer what, and when.
fn check_party(
    context: &Context<'_>,
    answer: &AnswerOffer,
    offer: &Offer,
) -> Result<(), CustodyRejection> {
    let outcome = answer.outcome();
    // Rule: a discrepancy is stated where there is one.
    let shape_fits = match outcome {
        Outcome::Unspecified => false,
        Outcome::AcceptedWithDiscrepancy => is_statement(&answer.discrepancy),
        _ => answer.discrepancy.is_empty(),
    };
    if !shape_fits {
        return Err(CustodyRejection::AnswerShape);
    }
    // Rule: whom the offer is to answers; who made it may withdraw it.
    let by = match outcome {
        Outcome::Withdrawn => &offer.from,
        _ => &offer.to,
    };
    if *by != context.organisation.id {
        return Err(CustodyRejection::WrongAnswerParty(by.clone()));
    }
    // Rule: an offer is answered once, and not after its deadline.
    if !is_open(offer, context.block.time_ms) {
        return Err(CustodyRejection::OfferClosed(state_of(offer)));
    }
    Ok(())
}

/// The offered items that the answer's events name. Rule: the answer stands in the history of all
/// that it is about; with a discrepancy, of some of it.
fn check_named<'a>(
    answer: &AnswerOffer,
    offer: &'a Offer,
    named: &NamedItems<'_>,
) -> Result<Vec<&'a String>, CustodyRejection> {
    let classes = offer.portions.iter().map(|portion| &portion.product);
    let (named_items, other_items): (Vec<&String>, Vec<&String>) =
        offer.items.iter().partition(|i| named.items.contains(*i));
    let (named_classes, other_classes): (Vec<&String>, Vec<&String>) =
        classes.partition(|class| named.names_class(class));
    let partial = answer.outcome() == Outcome::AcceptedWithDiscrepancy;
    let names_none = named_items.is_empty() && named_classes.is_empty();
    let left_out = other_items.first().or(other_classes.first());
    match left_out.filter(|_| !partial || names_none) {
        Some(left_out) => Err(CustodyRejection::AnswerLeavesOut((*left_out).clone())),
        None => Ok(named_items),
    }
}

fn check_transfer<'a, S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    answer: &AnswerOffer,
    offer: &'a Offer,
    named: &NamedItems<'_>,
    accepted: Vec<&'a String>,
) -> Result<Transfer<'a>, RuleError> {
    let received = named.portions(items)?;
    let partial = answer.outcome() == Outcome::AcceptedWithDiscrepancy;
    let mut stocks = BTreeMap::new();
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
            return Err(CustodyRejection::AnswerLeavesOut(product.clone()).into());
        }
        let Some(mut stock) = items.item(product)?.stock.clone() else {
            let problem = format!("an offer of {product} without stock");
            return Err(Fault::Damaged(problem).into());
        };
        let to = &context.organisation.id;
        quantities::debit(&mut stock, 0, product, &offer.from, arrived)?;
        quantities::credit(&mut stock, 0, product, to, arrived)?;
        stocks.insert(product.as_str(), stock);
    }
    for item in &accepted {
        let status = items.status_without_offer(item)?;
        // Rule: only the holder hands over. A claim may have displaced a shipper that had only its
        // own word.
        if status.holder() != Some(offer.from.as_str()) {
            return Err(CustodyRejection::NotHolder {
                index: 0,
                item: (*item).clone(),
                holder: holder_word(status.holder()),
            }
            .into());
        }
        // Rule: what is packed goes with its container. It was loose when it was offered; a shipper that was
        // displaced and has it again may have packed it since.
        if let Some(container) = status.containers.into_iter().next() {
            return Err(CustodyRejection::PackedItem {
                index: 0,
                item: (*item).clone(),
                container,
            }
            .into());
        }
    }
    Ok(Transfer {
        items: accepted,
        stocks,
    })
}

fn state_of(offer: &Offer) -> &'static str {
    match offer.outcome() {
        Outcome::Unspecified => "void since its deadline",
        Outcome::Accepted | Outcome::AcceptedWithDiscrepancy => "accepted already",
        Outcome::Rejected => "rejected already",
        Outcome::Withdrawn => "withdrawn",
    }
}
