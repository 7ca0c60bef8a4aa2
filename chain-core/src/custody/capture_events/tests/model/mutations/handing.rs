//! Offers, answers and claims: rules 320 to 331, and 332.

use prost::Message;
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{OpenOffer, OpenOffers, Outcome};

use super::super::deed::{Deed, seen};
use super::super::*;
use super::place::{
    Act, Answered, Broken, FRESH, OBSERVER, Place, Step, all_arrived, listed, listing,
};
use super::{CONTESTED, OPEN_TO_A_CLAIM, OWNER};
use crate::custody::limits::{MAX_OFFER_MS, MAX_OPEN_OFFERS};
use crate::state::keys;

/// The offer to another or with another deadline.
fn offering(p: &Place<'_>, to: Option<&str>, deadline_ms: Option<u64>) -> Option<Act> {
    if !matches!(p.deed, Deed::Offer(..)) {
        return None;
    }
    Some(p.handing(|handover| {
        if let Handover::Offer(offer) = handover {
            offer.to = to.unwrap_or(&offer.to).to_owned();
            offer.deadline_ms = deadline_ms.unwrap_or(offer.deadline_ms);
        }
    }))
}

pub(super) fn offered_to_itself(p: &Place<'_>) -> Option<Broken> {
    offering(p, Some(WHO[p.who].0), None).map(Broken::new)
}

pub(super) fn offered_to_nobody(p: &Place<'_>) -> Option<Broken> {
    offering(p, Some("nobody"), None).map(Broken::new)
}

pub(super) fn offered_to_who_holds_nothing(p: &Place<'_>) -> Option<Broken> {
    let to = p.choose(vec![WHO[OBSERVER].0, OFFICE.0]);
    offering(p, to, None).map(Broken::new)
}

/// Time of the next block, milliseconds.
fn now_ms(p: &Place<'_>) -> u64 {
    p.chain.context().time_ms
}

pub(super) fn offered_until_now(p: &Place<'_>) -> Option<Broken> {
    let broken = offering(p, None, Some(now_ms(p)))?;
    Some(Broken::new(broken).unlike(offering(p, None, Some(now_ms(p) + 1))?))
}

pub(super) fn offered_for_too_long(p: &Place<'_>) -> Option<Broken> {
    let last_ms = now_ms(p) + MAX_OFFER_MS;
    let broken = offering(p, None, Some(last_ms + 1))?;
    Some(Broken::new(broken).unlike(offering(p, None, Some(last_ms))?))
}

/// A lot that the ledger keeps no account of isn't handed over.
pub(super) fn offered_nothing(p: &Place<'_>) -> Option<Broken> {
    let lots = [(FRESH, Some(1))];
    let nothing = || p.telling(vec![seen("OBSERVE", "shipping", &[], &lots)]);
    matches!(p.deed, Deed::Offer(..)).then(|| Broken::new(nothing()))
}

pub(super) fn too_many_offers(p: &Place<'_>) -> Option<Broken> {
    let open = |count: usize| {
        let offers = (0..count as u64).map(|n| OpenOffer {
            id: n.to_be_bytes().repeat(4),
            to: "nobody".to_owned(),
            deadline_ms: now_ms(p) + 60_000,
        });
        let offers = offers.collect();
        let key = keys::open_offers(WHO[p.who].0);
        vec![Step::Put(key, OpenOffers { offers }.encode_to_vec())]
    };
    let full = Broken::new(p.act()).after(open(MAX_OPEN_OFFERS));
    let broken = full.unlike_after(open(MAX_OPEN_OFFERS - 1), p.act());
    matches!(p.deed, Deed::Offer(..)).then_some(broken)
}

/// The answer with something else in it.
fn answering(
    p: &Place<'_>,
    edit: impl FnOnce(&mut touchstone_proto::ledger::AnswerOffer),
) -> Option<Broken> {
    p.answered()?;
    let act = p.handing(|handover| {
        if let Handover::Answer(answer) = handover {
            edit(answer);
        }
    });
    Some(Broken::new(act))
}

pub(super) fn answered_no_offer(p: &Place<'_>) -> Option<Broken> {
    answering(p, |answer| answer.offer[0] ^= 1)
}

pub(super) fn answered_twice(p: &Place<'_>) -> Option<Broken> {
    p.answered().filter(Answered::stays_open).map(|_| p.again())
}

pub(super) fn answered_after_withdrawal(p: &Place<'_>) -> Option<Broken> {
    let answered = p.answered().filter(Answered::stays_open)?;
    let offer = answered.offer;
    let (items, lots) = all_arrived().of(&offer.items, &offer.portions);
    let lots: Vec<_> = lots.into_iter().map(|(lot, kg)| (lot, Some(kg))).collect();
    let told = seen("OBSERVE", "storing", &items, &lots);
    let withdrawn = Act {
        who: WHO[offer.from],
        action: answer(&answered.id, Outcome::Withdrawn, "", &[told]),
    };
    let broken = Broken::new(p.act()).after(vec![Step::Act(withdrawn)]);
    (answered.outcome != Outcome::Withdrawn).then_some(broken)
}

/// In the last block that it may be answered in, and in the next one.
pub(super) fn answered_too_late(p: &Place<'_>) -> Option<Broken> {
    let left = p.answered()?.blocks_left;
    let broken = Broken::new(p.act()).after(vec![Step::Wait(left)]);
    Some(broken.unlike_after(vec![Step::Wait(left - 1)], p.act()))
}

pub(super) fn answered_by_another(p: &Place<'_>) -> Option<Broken> {
    let by = p.answered()?.by();
    Some(p.by(p.custodian_beside(&[by])?))
}

/// Less is named than was offered, without saying so.
pub(super) fn left_out(p: &Place<'_>) -> Option<Broken> {
    let mut answered = p.answered().filter(|answered| !answered.is_partial())?;
    let (items, lots) = (&mut answered.items, &mut answered.lots);
    match p.chance % 2 {
        0 if !lots.is_empty() => lots.truncate(lots.len() - 1),
        _ if !items.is_empty() => items.truncate(items.len() - 1),
        _ => lots.truncate(lots.len() - 1),
    }
    if items.is_empty() && lots.is_empty() {
        items.push(FRESH);
    }
    Some(Broken::new(p.receiving(items, lots)))
}

/// Something else is named than all that was offered.
pub(super) fn nothing_arrived(p: &Place<'_>) -> Option<Broken> {
    let answered = p.answered().filter(Answered::is_partial)?;
    let none = answered.items.is_empty() && answered.lots.is_empty();
    (!none).then(|| Broken::new(p.receiving(&[FRESH], &[])))
}

/// The answer with another amount of one lot than was offered.
fn arrived_as(p: &Place<'_>, answered: &Answered<'_>, kg: fn(u64) -> u64) -> Option<Broken> {
    let mut lots = answered.lots.clone();
    let at = p.choose((0..lots.len()).collect())?;
    let offered = answered.offer.portions.iter();
    let offered = offered.clone().find(|(lot, _)| *lot == lots[at].0)?;
    lots[at].1 = kg(offered.1);
    Some(Broken::new(p.receiving(&answered.items, &lots)))
}

fn is_plain(answered: &Answered<'_>) -> bool {
    answered.outcome == Outcome::Accepted
}

pub(super) fn less_arrived(p: &Place<'_>) -> Option<Broken> {
    arrived_as(p, &p.answered().filter(is_plain)?, |kg| kg - 1)
}

pub(super) fn more_arrived(p: &Place<'_>) -> Option<Broken> {
    arrived_as(p, &p.answered().filter(is_plain)?, |kg| kg + 1)
}

/// A discrepancy explains less than was offered, never more.
pub(super) fn more_arrived_by_discrepancy(p: &Place<'_>) -> Option<Broken> {
    arrived_as(p, &p.answered().filter(Answered::is_partial)?, |kg| kg + 1)
}

/// The answer with this statement.
fn stating(p: &Place<'_>, partial: bool, text: &str) -> Option<Broken> {
    let is_fit = p.answered()?.is_partial() == partial;
    answering(p, |answer| text.clone_into(&mut answer.discrepancy)).filter(|_| is_fit)
}

pub(super) fn discrepancy_unstated(p: &Place<'_>) -> Option<Broken> {
    stating(p, true, "")
}

pub(super) fn discrepancy_in_two_lines(p: &Place<'_>) -> Option<Broken> {
    stating(p, true, "one is\nmissing")
}

pub(super) fn discrepancy_too_long(p: &Place<'_>) -> Option<Broken> {
    let longest = stating(p, true, &"x".repeat(512))?.act;
    Some(stating(p, true, &"x".repeat(513))?.unlike(longest))
}

pub(super) fn discrepancy_of_nothing(p: &Place<'_>) -> Option<Broken> {
    stating(p, false, "one is missing")
}

pub(super) fn answered_without_outcome(p: &Place<'_>) -> Option<Broken> {
    answering(p, |answer| {
        answer.outcome = Outcome::Unspecified as i32;
        answer.discrepancy.clear();
    })
}

/// The claim of other things.
fn claiming(p: &Place<'_>, things: Vec<u64>) -> Option<Broken> {
    let claim = matches!(p.deed, Deed::Claim(_)).then(|| Deed::Claim(things))?;
    Some(p.instead(&claim))
}

pub(super) fn claimed_what_nobody_holds(p: &Place<'_>) -> Option<Broken> {
    claiming(p, vec![FRESH])
}

pub(super) fn claimed_its_own(p: &Place<'_>) -> Option<Broken> {
    let own = p.other_thing(|id, thing| thing.holder == Some(p.who) && !p.model.is_dead(id));
    claiming(p, vec![own?])
}

/// The claim with this reason.
fn reasoning(p: &Place<'_>, text: &str) -> Option<Broken> {
    matches!(p.deed, Deed::Claim(_)).then(|| {
        Broken::new(p.handing(|handover| {
            if let Handover::Claim(claim) = handover {
                text.clone_into(&mut claim.reason);
            }
        }))
    })
}

pub(super) fn claimed_for_no_reason(p: &Place<'_>) -> Option<Broken> {
    reasoning(p, "")
}

pub(super) fn claimed_in_two_lines(p: &Place<'_>) -> Option<Broken> {
    reasoning(p, "ours\n")
}

pub(super) fn claimed_at_length(p: &Place<'_>) -> Option<Broken> {
    let longest = reasoning(p, &"x".repeat(512))?.act;
    Some(reasoning(p, &"x".repeat(513))?.unlike(longest))
}

/// One more claim of what as many claim as may, and of what one less does.
pub(super) fn claimed_by_too_many(p: &Place<'_>) -> Option<Broken> {
    let things = |more: u64| [listed(p.deed).unwrap_or_default(), &[more]].concat();
    let still = listing(p.deed, things(OPEN_TO_A_CLAIM))?;
    let is_fit = matches!(p.deed, Deed::Claim(_)) && p.who != OWNER;
    let broken = claiming(p, things(CONTESTED))?;
    is_fit.then(|| broken.unlike(p.doing(&still)))
}

/// A claim that stands is made once more, beside what can be claimed.
pub(super) fn claimed_again(p: &Place<'_>) -> Option<Broken> {
    let is_fit = matches!(p.deed, Deed::Claim(_)) && p.who != OWNER;
    let stored = [seen("OBSERVE", "storing", &[OPEN_TO_A_CLAIM], &[])];
    let again = p.made(claim("ours", &stored));
    let first = vec![Step::Act(again.clone())];
    is_fit.then(|| Broken::new(again.clone()).after(first).unlike(again))
}
