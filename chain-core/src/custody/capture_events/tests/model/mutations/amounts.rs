//! Quantities, yields and their declarations: rules 350 to 353; and corrections: 340, 342.

use prost::Message;
use serde_json::{Value, json};
use touchstone_proto::ledger::{Holding, Stock};

use super::super::deed::{Amounts, Deed, Recipe, seen};
use super::super::*;
use super::place::{Act, Answered, Broken, CUSTODIANS, FRESH, Place, Step};
use super::{declaration, item_class};
use crate::custody::limits::MAX_HOLDINGS;
use crate::state::keys;
use crate::test_support::item;

/// The lot of a deed that adds some, where an account of it is kept.
fn grown(p: &Place<'_>) -> Option<u64> {
    match p.deed {
        Deed::Grow(lot, Some(_)) if p.model.stock(*lot).is_some() => Some(*lot),
        _ => None,
    }
}

/// The event with a unit alone in one of its quantities.
fn unstated(p: &Place<'_>, list: &str, at: usize) -> Broken {
    Broken::new(p.edited(|event| {
        let quantity = event[list][at].as_object_mut().unwrap();
        quantity.remove("quantity");
    }))
}

pub(super) fn grown_unstated(p: &Place<'_>) -> Option<Broken> {
    grown(p).map(|_| unstated(p, "quantityList", 0))
}

pub(super) fn grown_in_litres(p: &Place<'_>) -> Option<Broken> {
    grown(p)?;
    let litres = |event: &mut Value| event["quantityList"][0]["uom"] = json!("LTR");
    Some(Broken::new(p.edited(litres)))
}

/// The number of the event's first quantity.
fn number(p: &Place<'_>, text: &str) -> Act {
    let number: Value = serde_json::from_str(text).unwrap();
    p.edited(|event| event["quantityList"][0]["quantity"] = number)
}

pub(super) fn grown_inexactly(p: &Place<'_>) -> Option<Broken> {
    grown(p)?;
    let exact = number(p, "1.000001");
    Some(Broken::new(number(p, "1.0000001")).unlike(exact))
}

/// With what there is, more than can be counted.
pub(super) fn grown_beyond_counting(p: &Place<'_>) -> Option<Broken> {
    let stock = p.model.stock(grown(p)?)?;
    let broken = || Broken::new(number(p, "18446744073709"));
    (stock.values().sum::<u64>() > 0).then(broken)
}

/// One organisation more has some of the lot than may.
pub(super) fn grown_for_too_many(p: &Place<'_>) -> Option<Broken> {
    let of = grown(p)?;
    let held = |count: usize| {
        let holdings = (0..count).map(|n| Holding {
            organisation: format!("a-{n:05}"),
            millionths: 1,
        });
        let mut item = record(p.chain, &lot(of));
        item.stock = Some(Stock {
            unit: "KGM".to_owned(),
            holdings: holdings.collect(),
        });
        vec![Step::Put(keys::item(&lot(of)), item.encode_to_vec())]
    };
    let broken = Broken::new(p.act()).after(held(MAX_HOLDINGS));
    Some(broken.unlike_after(held(MAX_HOLDINGS - 1), p.act()))
}

/// Kilograms of a lot that an organisation has, where an account of it is kept.
fn has(p: &Place<'_>, who: usize, lot: u64) -> Option<u64> {
    let stock = p.model.stock(lot)?;
    Some(stock.get(&who).copied().unwrap_or_default())
}

/// The lots with an account among those that a deed takes from, and what the organisation has.
fn accounted(p: &Place<'_>, lots: &Amounts) -> Option<(usize, u64)> {
    let lots = lots.iter().enumerate();
    let known = lots.filter_map(|(at, (lot, _))| Some((at, has(p, p.who, *lot)?)));
    p.choose(known.collect())
}

/// The amounts with another one at a place.
fn with(amounts: &Amounts, at: usize, kg: Option<u64>) -> Amounts {
    let mut amounts = amounts.clone();
    amounts[at].1 = kg;
    amounts
}

pub(super) fn destroyed_unstated(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Destroy(lot, _) if p.model.stock(*lot).is_some() => {
            Some(unstated(p, "quantityList", 0))
        }
        _ => None,
    }
}

pub(super) fn destroyed_too_much(p: &Place<'_>) -> Option<Broken> {
    let Deed::Destroy(lot, _) = p.deed else {
        return None;
    };
    let has = has(p, p.who, *lot)?;
    Some(p.instead(&Deed::Destroy(*lot, Some(has + 1))))
}

/// There is enough of the lot, but it is another's.
pub(super) fn destroyed_anothers(p: &Place<'_>) -> Option<Broken> {
    let Deed::Destroy(lot, Some(kg)) = p.deed else {
        return None;
    };
    let others = CUSTODIANS.into_iter();
    let poor = others.filter(|who| has(p, *who, *lot).is_some_and(|has| has < *kg));
    Some(p.by(p.choose(poor.collect())?))
}

fn making(p: &Place<'_>, change: impl FnOnce(&Recipe) -> Option<Recipe>) -> Option<Broken> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let changed = change(recipe)?;
    Some(p.instead(&Deed::Make(changed)))
}

/// Whether a recipe makes some of the lot with a declared yield.
fn is_declared(recipe: &Recipe) -> bool {
    recipe.to.iter().any(|(lot, _)| *lot == YIELDS.0)
}

pub(super) fn used_unstated(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Make(recipe) if !is_declared(recipe) => {
            let (at, _) = accounted(p, &recipe.from)?;
            Some(unstated(p, "inputQuantityList", at))
        }
        _ => None,
    }
}

pub(super) fn used_too_much(p: &Place<'_>) -> Option<Broken> {
    making(p, |recipe| {
        let (at, has) = accounted(p, &recipe.from)?;
        let from = with(&recipe.from, at, Some(has + 1));
        let recipe = recipe.clone();
        Some(Recipe { from, ..recipe })
    })
}

pub(super) fn made_unstated(p: &Place<'_>) -> Option<Broken> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let (at, _) = accounted(p, &recipe.to)?;
    (recipe.to[at].0 != YIELDS.0).then(|| unstated(p, "outputQuantityList", at))
}

pub(super) fn offered_unstated(p: &Place<'_>) -> Option<Broken> {
    match p.deed {
        Deed::Offer(_, _, lots) => Some(unstated(p, "quantityList", accounted(p, lots)?.0)),
        _ => None,
    }
}

pub(super) fn offered_too_much(p: &Place<'_>) -> Option<Broken> {
    let Deed::Offer(to, things, lots) = p.deed else {
        return None;
    };
    let (at, has) = accounted(p, lots)?;
    let lots = with(lots, at, Some(has + 1));
    Some(p.instead(&Deed::Offer(*to, things.clone(), lots)))
}

pub(super) fn accepted_unstated(p: &Place<'_>) -> Option<Broken> {
    let answered = p.answered().filter(Answered::accepts)?;
    let at = p.choose((0..answered.lots.len()).collect())?;
    Some(unstated(p, "quantityList", at))
}

/// What was offered isn't there any more.
pub(super) fn accepted_after_use(p: &Place<'_>) -> Option<Broken> {
    let answered = p
        .answered()
        .filter(|answered| answered.accepts() && answered.stays_open())?;
    let from = answered.offer.from;
    let (of, _) = *answered.lots.iter().find(|(_, kg)| *kg > 0)?;
    let gone = (of, Some(has(p, from, of)?));
    let destroyed = Act {
        who: WHO[from],
        action: capture(&[seen("OBSERVE", "destroying", &[], &[gone])]),
    };
    Some(Broken::new(p.act()).after(vec![Step::Act(destroyed)]))
}

/// The lot with a declared yield: its place among the outputs, how many millionths of it the inputs
/// allow, and the millionths of these.
fn yielding(p: &Place<'_>) -> Option<(usize, u64, u64)> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let at = recipe.to.iter().position(|(lot, _)| *lot == YIELDS.0)?;
    let given: u64 = recipe.from.iter().filter_map(|(_, kg)| *kg).sum();
    let given = given * 1_000_000;
    Some((at, given * YIELDS.1 / YIELDS.2, given))
}

/// The transformation with so many millionths of that lot.
fn yielded(p: &Place<'_>, at: usize, millionths: u64) -> Act {
    let text = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
    let number: Value = serde_json::from_str(&text).unwrap();
    p.edited(|event| event["outputQuantityList"][at]["quantity"] = number)
}

pub(super) fn yielded_too_much(p: &Place<'_>) -> Option<Broken> {
    let (at, most, _) = yielding(p)?;
    Some(Broken::new(yielded(p, at, most + 1)).unlike(yielded(p, at, most)))
}

/// The inputs lack less than a millionth.
pub(super) fn yielded_almost(p: &Place<'_>) -> Option<Broken> {
    let (_, most, given) = yielding(p)?;
    let rounded_down = (most + 1) * YIELDS.2 / YIELDS.1;
    yielded_too_much(p).filter(|_| rounded_down <= given)
}

/// The transformation without one of its inputs.
pub(super) fn yielded_from_less(p: &Place<'_>) -> Option<Broken> {
    yielding(p)?;
    making(p, |recipe| {
        let made = recipe.to.iter().find(|(lot, _)| *lot == YIELDS.0)?.1?;
        let mut recipe = recipe.clone();
        recipe.from.pop()?;
        let given: u64 = recipe.from.iter().filter_map(|(_, kg)| *kg).sum();
        let names_some = recipe.inputs.len() + recipe.from.len() > 0;
        (names_some && made * YIELDS.2 > given * YIELDS.1).then_some(recipe)
    })
}

pub(super) fn yielded_unstated(p: &Place<'_>) -> Option<Broken> {
    let (at, ..) = yielding(p)?;
    let broken = || unstated(p, "outputQuantityList", at);
    p.model.stock(YIELDS.0).is_none().then(broken)
}

pub(super) fn yielded_in_litres(p: &Place<'_>) -> Option<Broken> {
    let (at, ..) = yielding(p)?;
    let litres = || p.edited(|event| event["outputQuantityList"][at]["uom"] = json!("LTR"));
    p.model
        .stock(YIELDS.0)
        .is_none()
        .then(|| Broken::new(litres()))
}

/// The transformation with so many single items more, and so many of one of their lots.
fn pieces(p: &Place<'_>, items: u64, of_lot: u64) -> Act {
    p.edited(|event| {
        let mut outputs = event["outputEPCList"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        outputs.extend((0..items).map(|n| json!(item(FRESH + n))));
        event["outputEPCList"] = json!(outputs);
        if of_lot > 0 {
            let list = event["outputQuantityList"].as_array().cloned();
            let mut list = list.unwrap_or_default();
            list.push(json!({"epcClass": format!("{}/10/7", item_class()), "quantity": of_lot}));
            event["outputQuantityList"] = json!(list);
        }
    })
}

/// As many pieces come out as go in, and one more: of single things, whose class is declared; of a
/// lot of that class; or of both together.
fn more_pieces(p: &Place<'_>, of_lot: fn(u64) -> u64) -> Option<Broken> {
    let Deed::Make(recipe) = p.deed else {
        return None;
    };
    let given = recipe.inputs.len() as u64;
    let lot = of_lot(given);
    let broken = Broken::new(pieces(p, given + 1 - lot, lot));
    let lot = lot.min(given);
    Some(broken.unlike(pieces(p, given - lot, lot)))
}

pub(super) fn more_items_than_inputs(p: &Place<'_>) -> Option<Broken> {
    more_pieces(p, |_| 0)
}

pub(super) fn more_of_a_lot_than_inputs(p: &Place<'_>) -> Option<Broken> {
    more_pieces(p, |given| given + 1)
}

pub(super) fn more_together_than_inputs(p: &Place<'_>) -> Option<Broken> {
    more_pieces(p, |_| 1)
        .filter(|_| matches!(p.deed, Deed::Make(recipe) if !recipe.inputs.is_empty()))
}

/// The product declared again, with something wrong.
fn declaring(p: &Place<'_>, who: usize, edit: impl FnOnce(&mut DeclareProduct)) -> Option<Broken> {
    let mut wrong = declaration();
    edit(&mut wrong);
    let act = |who: usize, product| Act {
        who: WHO[who],
        action: Action::DeclareProduct(product),
    };
    let unbroken = act(super::OWNER, declaration());
    let broken = Broken::new(act(who, wrong)).unlike(unbroken);
    matches!(p.deed, Deed::Make(_)).then_some(broken)
}

pub(super) fn declared_no_class(p: &Place<'_>) -> Option<Broken> {
    declaring(p, super::OWNER, |product| product.product = item(1))
}

pub(super) fn declared_in_another_spelling(p: &Place<'_>) -> Option<Broken> {
    declaring(p, super::OWNER, |product| {
        product.product = format!("urn:epc:class:lgtin:9521321.000002.{}", YIELDS.0);
    })
}

pub(super) fn declared_no_output(p: &Place<'_>) -> Option<Broken> {
    declaring(p, super::OWNER, |product| product.output = 0)
}

pub(super) fn declared_no_input(p: &Place<'_>) -> Option<Broken> {
    declaring(p, super::OWNER, |product| product.input = 0)
}

pub(super) fn declared_in_grams(p: &Place<'_>) -> Option<Broken> {
    declaring(p, super::OWNER, |product| product.unit = "GRM".to_owned())
}

pub(super) fn declared_by_another(p: &Place<'_>) -> Option<Broken> {
    // Of those that may declare products, one owns the prefix.
    declaring(p, 1, |_| {})
}

/// The organisation corrects an event of its own.
fn correcting<'a>(p: &Place<'a>) -> Option<&'a Deed> {
    let Deed::Correct(back) = p.deed else {
        return None;
    };
    let at = p.model.events.len().checked_sub(back + 1)?;
    let (owner, deed) = &p.model.events[at];
    (*owner == p.who).then_some(deed)
}

/// The list of things in an event.
fn list(event: &mut Value) -> &mut Value {
    let name = match event["type"].as_str() {
        Some("AggregationEvent") => "childEPCs",
        Some("TransformationEvent") => "inputEPCList",
        _ => "epcList",
    };
    &mut event[name]
}

pub(super) fn corrected_with_more(p: &Place<'_>) -> Option<Broken> {
    correcting(p)?;
    Some(Broken::new(p.edited(|event| {
        let list = list(event);
        let mut things = list.as_array().cloned().unwrap_or_default();
        things.push(json!(container(FRESH)));
        *list = json!(things);
    })))
}

/// Another event of the organisation has the event's id already.
pub(super) fn recorded_under_anothers_id(p: &Place<'_>) -> Option<Broken> {
    let Action::CaptureEvents(capture) = p.action else {
        return None;
    };
    let event: Value = serde_json::from_slice(capture.events.first()?).unwrap();
    let id = event.get("eventID")?.clone();
    let is_correction = event.get("errorDeclaration").is_some();
    if capture.handover.is_some() || is_correction || !CUSTODIANS.contains(&p.who) {
        return None;
    }
    let mut other: Value =
        serde_json::from_slice(&seen("OBSERVE", "storing", &[FRESH], &[])).unwrap();
    other["eventID"] = id;
    let other = p.telling(vec![other.to_string().into_bytes()]);
    Some(Broken::new(p.act()).after(vec![Step::Act(other)]))
}

pub(super) fn corrected_with_less(p: &Place<'_>) -> Option<Broken> {
    let named = super::place::listed(correcting(p)?)?.len();
    let less = || {
        p.edited(|event| {
            list(event).as_array_mut().unwrap().pop();
        })
    };
    (named > 1).then(|| Broken::new(less()))
}

pub(super) fn corrected_of_another_lot(p: &Place<'_>) -> Option<Broken> {
    let is_of_lot = matches!(correcting(p)?, Deed::Grow(..) | Deed::Destroy(..));
    let other = || p.edited(|event| event["quantityList"][0]["epcClass"] = json!(lot(FRESH)));
    is_of_lot.then(|| Broken::new(other()))
}

/// The correction once more.
pub(super) fn corrected_again(p: &Place<'_>) -> Option<Broken> {
    correcting(p).map(|_| p.again())
}
