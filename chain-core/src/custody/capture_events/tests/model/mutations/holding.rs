//! Who may append: rules 307, 308 and 313; and what an event is at all: 300 and 301.

use serde_json::json;
use touchstone_proto::ledger::Ending;

use super::super::deed::{Deed, is_finding, named, seen};
use super::super::*;
use super::place::{
    Act, Broken, CUSTODIANS, FRESH, OBSERVER, OWNER, Place, Step, changes, listed, names,
};
use super::{MAX_EVENTS, PORT};
use crate::test_support::offer;

/// The same deed by an organisation that doesn't hold what it names.
fn by_another(p: &Place<'_>) -> Option<Broken> {
    let things = names(p.deed);
    let is_alive = things.iter().all(|id| !p.model.is_dead(*id));
    let is_held = things
        .iter()
        .any(|id| p.model.get(*id).holder == Some(p.who));
    if p.who == OBSERVER || !is_alive || !is_held {
        return None;
    }
    let taken = match p.deed {
        // Nobody offers to itself.
        Deed::Offer(to, ..) => *to,
        _ => p.who,
    };
    Some(p.by(p.custodian_beside(&[p.who, taken])?))
}

pub(super) fn seen_by_another(p: &Place<'_>) -> Option<Broken> {
    by_another(p).filter(|_| is_finding(p.deed))
}

pub(super) fn changed_by_another(p: &Place<'_>) -> Option<Broken> {
    by_another(p).filter(|_| changes(p.deed))
}

pub(super) fn offered_by_another(p: &Place<'_>) -> Option<Broken> {
    by_another(p).filter(|_| matches!(p.deed, Deed::Offer(..)))
}

/// Something more, which another holds.
pub(super) fn anothers_too(p: &Place<'_>) -> Option<Broken> {
    let is_fit = !matches!(p.deed, Deed::Begin(_) | Deed::Claim(_)) && p.who != OBSERVER;
    let may = |id| p.is_apart(id) && (!changes(p.deed) || !p.model.is_offered(id));
    let other = p.other_thing(|id, _| p.is_held_by_another(id) && !p.model.is_dead(id) && may(id));
    p.adding(other?).filter(|_| is_fit)
}

/// The owner of the company prefix commissions what others have: only where that is their own
/// word, and the thing is loose and new.
fn commissioned_of_anothers(p: &Place<'_>, fits: fn(&super::Thing) -> bool) -> Option<Broken> {
    let Deed::Begin(_) = p.deed else {
        return None;
    };
    let free = |id| !p.model.is_dead(id) && !p.model.is_offered(id);
    let is_fit = |id, thing: &_| p.is_apart(id) && fits(thing);
    let other =
        p.other_thing(|id, thing| p.is_held_by_another(id) && free(id) && is_fit(id, thing));
    p.adding(other?)
}

pub(super) fn commissioned_after_handover(p: &Place<'_>) -> Option<Broken> {
    commissioned_of_anothers(p, |t| t.sure && t.begun_by.is_none() && t.inside.is_none())
}

pub(super) fn commissioned_in_a_container(p: &Place<'_>) -> Option<Broken> {
    commissioned_of_anothers(p, |t| !t.sure && t.begun_by.is_none() && t.inside.is_some())
}

pub(super) fn commissioned_before(p: &Place<'_>) -> Option<Broken> {
    commissioned_of_anothers(p, |t| !t.sure && t.begun_by.is_some() && t.inside.is_none())
}

/// What the owner of the prefix may commission so, a third organisation may not.
pub(super) fn commissioned_by_a_third(p: &Place<'_>) -> Option<Broken> {
    let Deed::Begin(things) = p.deed else {
        return None;
    };
    // What others offered or ended is its maker's to commission, and nobody else's to say anything of.
    if !things.iter().all(|id| is_free(p, *id)) {
        return None;
    }
    let of_another = things.iter().find(|id| p.is_held_by_another(**id))?;
    let holder = p.model.get(*of_another).holder?;
    Some(p.by(p.custodian_beside(&[p.who, holder])?))
}

/// What the owner of the prefix might commission so, it may not act on otherwise.
pub(super) fn used_before_commissioned(p: &Place<'_>) -> Option<Broken> {
    let is_fit = matches!(p.deed, Deed::See(_) | Deed::Pack(..) | Deed::End(..));
    let is_word = |t: &super::Thing| !t.sure && t.begun_by.is_none() && t.inside.is_none();
    let other = p.other_thing(|id, t| p.is_held_by_another(id) && is_free(p, id) && is_word(t));
    p.adding(other?).filter(|_| is_fit && p.who == OWNER)
}

/// Neither ended nor offered.
fn is_free(p: &Place<'_>, id: u64) -> bool {
    !p.model.is_dead(id) && !p.model.is_offered(id)
}

/// Who only observes changes what others hold, or what nobody recorded yet.
fn by_the_observer(p: &Place<'_>, sells: bool, fits: impl Fn(u64) -> bool) -> Option<Broken> {
    let things = names(p.deed);
    let is_sale = matches!(p.deed, Deed::End(Ending::Sold, _));
    let is_fit = changes(p.deed) && is_sale == sells && things.iter().all(|id| fits(*id));
    (is_fit && !things.is_empty()).then(|| p.by(OBSERVER))
}

pub(super) fn changed_by_the_observer(p: &Place<'_>) -> Option<Broken> {
    by_the_observer(p, false, |id| !p.is_new(id) && is_free(p, id))
}

pub(super) fn sold_by_the_observer(p: &Place<'_>) -> Option<Broken> {
    by_the_observer(p, true, |id| !p.is_new(id))
}

pub(super) fn begun_by_the_observer(p: &Place<'_>) -> Option<Broken> {
    by_the_observer(p, false, |id| p.is_new(id))
}

pub(super) fn sold_new_by_the_observer(p: &Place<'_>) -> Option<Broken> {
    by_the_observer(p, true, |id| p.is_new(id))
}

fn destroying(p: &Place<'_>) -> Broken {
    Broken::new(p.edited(|event| event["bizStep"] = json!("destroying")))
}

/// A claim that ends what it claims.
pub(super) fn claimed_and_destroyed(p: &Place<'_>) -> Option<Broken> {
    let Deed::Claim(things) = p.deed else {
        return None;
    };
    let is_free = things.iter().all(|id| !p.model.is_offered(*id));
    is_free.then(|| destroying(p))
}

/// A refusal or withdrawal that ends what was offered, by one who doesn't hold it.
pub(super) fn rejected_and_destroyed(p: &Place<'_>) -> Option<Broken> {
    let answered = p.answered()?;
    let mut then = p.model.clone();
    then.offers[answered.at].answered = true;
    let is_free = |id: &u64| !then.is_offered(*id) && p.is_held_by_another(*id);
    let is_fit = !answered.items.is_empty() && answered.items.iter().all(is_free);
    (is_fit && !answered.accepts()).then(|| destroying(p))
}

/// An acceptance that also tells of what was never offered.
pub(super) fn accepted_with_anothers(p: &Place<'_>) -> Option<Broken> {
    let answered = p.answered().filter(super::place::Answered::accepts)?;
    let moves = |id| {
        answered
            .items
            .iter()
            .any(|item| p.model.whole(*item).contains(&id))
    };
    let is_anothers = |id| p.is_held_by_another(id) && !p.model.is_dead(id) && !moves(id);
    let is_offered = |id| answered.offer.items.contains(&id);
    let other = p.other_thing(|id, _| is_anothers(id) && !is_offered(id))?;
    let named = [answered.items.as_slice(), &[other]].concat();
    Some(Broken::new(p.receiving(&named, &answered.lots)))
}

/// A claim displaced the shipper, which had only its own word.
pub(super) fn accepted_after_a_claim(p: &Place<'_>) -> Option<Broken> {
    let answered = p
        .answered()
        .filter(|answered| answered.accepts() && answered.stays_open())?;
    let is_loose = |id: &u64| {
        let thing = p.model.get(*id);
        !thing.sure && !thing.keeps_sure && thing.inside.is_none()
    };
    let item = answered.items.iter().find(|id| is_loose(id))?;
    let claimant = p.custodian_beside(&[answered.offer.from])?;
    let claimed = claim("ours", &[seen("OBSERVE", "storing", &[*item], &[])]);
    let claimed = Act {
        who: WHO[claimant],
        action: claimed,
    };
    Some(Broken::new(p.act()).after(vec![Step::Act(claimed)]))
}

/// One that may see the goods of others, and have its own, offers what isn't its.
pub(super) fn offered_by_an_observer(p: &Place<'_>) -> Option<Broken> {
    let Deed::Offer(_, things, lots) = p.deed else {
        return None;
    };
    let no_portions = lots.iter().all(|(lot, _)| p.model.stock(*lot).is_none());
    let is_held = things.iter().any(|id| !p.is_new(*id));
    let act = Act {
        who: PORT,
        action: p.action.clone(),
    };
    (no_portions && is_held).then(|| Broken::new(act))
}

/// A correction by another than who recorded the event.
pub(super) fn corrected_by_another(p: &Place<'_>) -> Option<Broken> {
    let Deed::Correct(back) = p.deed else {
        return None;
    };
    let at = p.model.events.len().checked_sub(back + 1)?;
    let (owner, deed) = &p.model.events[at];
    let things = named(deed);
    let is_fit = |who: usize| {
        let mut things = things.iter();
        things.all(|id| p.model.get(*id).holder.is_some_and(|holder| holder != who))
    };
    let is_free = |id: &u64| !p.model.is_dead(*id) && !p.model.is_offered(*id);
    if *owner != p.who || things.is_empty() || !things.iter().all(is_free) {
        return None;
    }
    let others = CUSTODIANS
        .into_iter()
        .filter(|who| who != owner && is_fit(*who));
    Some(p.by(p.choose(others.collect())?))
}

/// Something more, which is offered.
pub(super) fn changed_on_offer(p: &Place<'_>) -> Option<Broken> {
    let is_own = |id| p.model.get(id).holder == Some(p.who) && !p.model.is_dead(id);
    let other = p.other_thing(|id, _| is_own(id) && p.model.is_offered(id));
    p.adding(other?).filter(|_| changes(p.deed))
}

/// What the deed changes was offered just before.
pub(super) fn changed_after_offering(p: &Place<'_>) -> Option<Broken> {
    let is_loose = |id: &u64| p.model.get(*id).inside.is_none() && !p.is_held_by_another(*id);
    let things = names(p.deed).into_iter().filter(is_loose);
    let thing = p.choose(things.collect()).filter(|_| changes(p.deed))?;
    let to = WHO[p.custodian_beside(&[p.who])?].0;
    let shipped = seen("OBSERVE", "shipping", &[thing], &[]);
    let offered = p.made(offer(to, p.chain.time_ms + 60_000, &[shipped]));
    Some(Broken::new(p.act()).after(vec![Step::Act(offered)]))
}

pub(super) fn offered_on_offer(p: &Place<'_>) -> Option<Broken> {
    let is_own = |id| p.model.get(id).holder == Some(p.who) && !p.model.is_dead(id);
    let is_offered = |id| is_own(id) && p.model.is_offered(id);
    let other = p.other_thing(|id, thing| thing.inside.is_none() && is_offered(id));
    p.adding(other?)
        .filter(|_| matches!(p.deed, Deed::Offer(..)))
}

pub(super) fn offered_twice(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Offer(_, things, _) if !things.is_empty() => Some(p.again()),
        _ => None,
    }
}

pub(super) fn no_events(p: &Place<'_>) -> Option<Broken> {
    listed(p.deed)?;
    Some(Broken::new(p.telling(Vec::new())))
}

pub(super) fn too_many_events(p: &Place<'_>) -> Option<Broken> {
    listed(p.deed)?;
    let more = |count: usize| {
        let mut events = p.capture().events;
        events.resize(count, seen("OBSERVE", "storing", &[FRESH], &[]));
        events
    };
    let broken = Broken::new(p.telling(more(MAX_EVENTS + 1)));
    match p.deed {
        // With those of an offer, more would be offered.
        Deed::Offer(..) => Some(broken),
        _ => Some(broken.unlike(p.telling(more(MAX_EVENTS)))),
    }
}

pub(super) fn event_without_time(p: &Place<'_>) -> Option<Broken> {
    let untimed = p.edited(|event| {
        event.as_object_mut().unwrap().remove("eventTime");
    });
    Some(Broken::new(untimed))
}
