//! How lives begin and end: rules 309 to 312.

use serde_json::{Value, json};
use touchstone_proto::ledger::Ending;

use super::super::deed::{Deed, event, seen};
use super::super::*;
use super::place::{Broken, OBSERVER, OWNER, Place, Step, listed, names};

/// Commissioning under somebody else's company prefix.
pub(super) fn begun_by_another(p: &Place<'_>) -> Option<Broken> {
    let begins = match p.deed {
        Deed::Begin(_) => true,
        Deed::Make(recipe) => !recipe.outputs.is_empty(),
        _ => false,
    };
    let is_new = names(p.deed).into_iter().all(|id| p.is_new(id));
    let another = p.custodian_beside(&[OWNER])?;
    (begins && is_new).then(|| p.by(another))
}

pub(super) fn grown_by_another(p: &Place<'_>) -> Option<Broken> {
    let another = p.custodian_beside(&[OWNER])?;
    matches!(p.deed, Deed::Grow(..)).then(|| p.by(another))
}

pub(super) fn lot_made_by_another(p: &Place<'_>) -> Option<Broken> {
    let another = p.custodian_beside(&[OWNER])?;
    let is_new = names(p.deed).into_iter().all(|id| p.is_new(id));
    match p.deed {
        Deed::Make(recipe) if recipe.outputs.is_empty() && is_new => Some(p.by(another)),
        _ => None,
    }
}

pub(super) fn begun_before(p: &Place<'_>) -> Option<Broken> {
    let other = p.other_thing(|id, thing| thing.begun_by.is_some() && p.is_at_hand(id));
    p.adding(other?)
        .filter(|_| matches!(p.deed, Deed::Begin(_)))
}

pub(super) fn begun_twice(p: &Place<'_>) -> Option<Broken> {
    matches!(p.deed, Deed::Begin(_)).then(|| p.again())
}

fn making_too(p: &Place<'_>, output: u64) -> Option<Broken> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let mut recipe = recipe.clone();
    recipe.outputs.push(output);
    Some(p.instead(&Deed::Make(recipe)))
}

pub(super) fn made_before(p: &Place<'_>) -> Option<Broken> {
    let other = p.other_thing(|id, thing| thing.begun_by.is_some() && p.is_at_hand(id));
    making_too(p, other?)
}

pub(super) fn made_of_itself(p: &Place<'_>) -> Option<Broken> {
    let inputs = listed(p.deed)?.iter().copied();
    let new = inputs.filter(|id| p.model.get(*id).begun_by.is_none());
    making_too(p, p.choose(new.collect())?)
}

/// Something more, which has ended itself; but not what its maker may commission whatever others said of it.
pub(super) fn after_its_end(p: &Place<'_>) -> Option<Broken> {
    let begins = matches!(p.deed, Deed::Begin(_));
    let other = p.other_thing(|_, thing| {
        let may_begin = !thing.sure && thing.begun_by.is_none() && thing.inside.is_none();
        thing.ended.is_some() && !(begins && may_begin)
    });
    p.adding(other?)
}

/// Something more, in a container that has ended.
pub(super) fn after_its_containers_end(p: &Place<'_>) -> Option<Broken> {
    let other = p.other_thing(|id, thing| thing.ended.is_none() && p.model.is_dead(id));
    p.adding(other?)
}

pub(super) fn ended_twice(p: &Place<'_>) -> Option<Broken> {
    matches!(p.deed, Deed::End(..)).then(|| p.again())
}

/// An offer whose event ends what it offers.
pub(super) fn sold_and_offered(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Offer(_, things, _) if !things.is_empty() => {
            let sold = p.edited(|event| event["bizStep"] = json!("retail_selling"));
            Some(Broken::new(sold))
        }
        _ => None,
    }
}

/// What a transformation used up stays so when it is declared wrong: what could be seen before
/// can't be seen then.
pub(super) fn revived_by_correction(p: &Place<'_>) -> Option<Broken> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let input = p.choose(recipe.inputs.clone())?;
    let made = event(p.model.events.len(), p.deed);
    let corrected = p.made(capture(&[declared_wrong(&made)]));
    let look = p.made(capture(&[seen("OBSERVE", "storing", &[input], &[])]));
    let before = vec![Step::Act(p.act()), Step::Act(corrected)];
    Some(Broken::new(look.clone()).after(before).unlike(look))
}

/// The return of what was sold.
fn returned(p: &Place<'_>) -> Option<u64> {
    match p.deed {
        Deed::Return(id) if p.model.is_dead(*id) => Some(*id),
        _ => None,
    }
}

pub(super) fn returned_to_another(p: &Place<'_>) -> Option<Broken> {
    returned(p)?;
    let others = [1, 2, OBSERVER];
    Some(p.by(p.choose(others.to_vec())?))
}

/// The return with something else in its event.
fn returned_so(p: &Place<'_>, edit: impl FnOnce(&mut Value)) -> Option<Broken> {
    returned(p)?;
    Some(Broken::new(p.edited(edit)))
}

pub(super) fn seen_after_sale(p: &Place<'_>) -> Option<Broken> {
    returned_so(p, |event| event["disposition"] = json!("in_transit"))
}

pub(super) fn returned_and_sold(p: &Place<'_>) -> Option<Broken> {
    returned_so(p, |event| event["bizStep"] = json!("retail_selling"))
}

pub(super) fn returned_by_adding(p: &Place<'_>) -> Option<Broken> {
    returned_so(p, |event| event["action"] = json!("ADD"))
}

pub(super) fn returned_on_an_order(p: &Place<'_>) -> Option<Broken> {
    returned_so(p, on_an_order)
}

pub(super) fn returned_in_error(p: &Place<'_>) -> Option<Broken> {
    returned_so(p, |event| {
        let wrong = declared_wrong(event.to_string().as_bytes());
        *event = serde_json::from_slice(&wrong).unwrap();
        event["eventID"] = json!("urn:x:elsewhere");
    })
}

/// An object event as one about a business transaction.
fn on_an_order(event: &mut Value) {
    event["type"] = json!("TransactionEvent");
    event["bizTransactionList"] = json!([{"bizTransaction": "urn:x:order"}]);
}

/// Another thing is returned instead, which is dead too.
fn returned_other(p: &Place<'_>, fits: impl Fn(u64, &super::Thing) -> bool) -> Option<Broken> {
    returned(p)?;
    let other = p.other_thing(|id, thing| p.model.is_dead(id) && fits(id, thing))?;
    Some(p.instead(&Deed::Return(other)))
}

/// Whether a container around a thing has ended.
fn is_in_ended(p: &Place<'_>, id: u64) -> bool {
    let mut around = p.model.around(id).into_iter().skip(1);
    around.any(|outer| p.model.get(outer).ended.is_some())
}

pub(super) fn returned_unsold(p: &Place<'_>) -> Option<Broken> {
    returned_other(p, |id, thing| {
        let is_other_end = thing.ended.is_some_and(|how| how != Ending::Sold);
        is_other_end && thing.inside.is_none() && !is_in_ended(p, id)
    })
}

pub(super) fn returned_in_a_sold_container(p: &Place<'_>) -> Option<Broken> {
    returned_other(p, |id, thing| {
        let is_own = thing.holder == Some(p.who);
        thing.ended == Some(Ending::Sold) && is_own && is_in_ended(p, id)
    })
}

pub(super) fn returned_in_anothers_container(p: &Place<'_>) -> Option<Broken> {
    returned_other(p, |id, thing| {
        let is_packed = thing.inside.is_some() && !is_in_ended(p, id);
        thing.ended == Some(Ending::Sold) && is_packed && thing.holder != Some(p.who)
    })
}

/// Something packed, without a container around it among what acts.
fn packed_alone(p: &Place<'_>) -> Option<u64> {
    let things = listed(p.deed)?;
    p.other_thing(|id, thing| {
        let around = p.model.around(id);
        let is_alone = !around.iter().any(|outer| things.contains(outer));
        let may_see = p.who == OBSERVER && !p.model.is_dead(id);
        thing.inside.is_some() && is_alone && (p.is_at_hand(id) || may_see)
    })
}

pub(super) fn shipped_alone(p: &Place<'_>) -> Option<Broken> {
    let adding = p.adding(packed_alone(p)?);
    adding.filter(|_| matches!(p.deed, Deed::Ship(_)))
}

pub(super) fn shipped_alone_on_an_order(p: &Place<'_>) -> Option<Broken> {
    let Deed::Ship(_) = p.deed else {
        return None;
    };
    let packed = container(packed_alone(p)?);
    let ordered = p.edited(on_an_order);
    let broken = p.edited(|event| {
        on_an_order(event);
        event["parentID"] = json!(packed);
    });
    Some(Broken::new(broken).unlike(ordered))
}

pub(super) fn ended_alone(p: &Place<'_>) -> Option<Broken> {
    let adding = p.adding(packed_alone(p)?);
    adding.filter(|_| matches!(p.deed, Deed::End(..)))
}

pub(super) fn used_up_alone(p: &Place<'_>) -> Option<Broken> {
    let adding = p.adding(packed_alone(p)?);
    adding.filter(|_| matches!(p.deed, Deed::Make(_)))
}

pub(super) fn offered_alone(p: &Place<'_>) -> Option<Broken> {
    let adding = p.adding(packed_alone(p)?);
    adding.filter(|_| matches!(p.deed, Deed::Offer(..)))
}

/// Not even where the event tells of no shipping.
pub(super) fn offered_alone_unshipped(p: &Place<'_>) -> Option<Broken> {
    let Deed::Offer(_, things, lots) = p.deed else {
        return None;
    };
    let things = [things.as_slice(), &[packed_alone(p)?]].concat();
    let storing = |things: &[u64]| p.telling(vec![seen("OBSERVE", "storing", things, lots)]);
    let Deed::Offer(_, all, _) = p.deed else {
        return None;
    };
    Some(Broken::new(storing(&things)).unlike(storing(all)))
}
