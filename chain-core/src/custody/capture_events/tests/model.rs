//! Random histories agree with a model that does everything at once and by hand: who holds each
//! thing and how much of each lot, what it is in, and whether it lives. What the model refuses, the
//! ledger refuses by the same rule.

use std::collections::BTreeMap;

use proptest::prelude::*;
use touchstone_proto::ledger::{DeclareProduct, Outcome};

use self::deed::{Deed, deed, event, seen};
use self::world::Model;
use super::authority::{CUSTOMS, with_customs};
use super::*;
use crate::Hash;
use crate::test_support::{answer, claim, declared_wrong, lot, offer};

mod deed;
mod mutations;
mod world;

const THINGS: u64 = 6;
const LOTS: u64 = 3;
/// A lot with a declared yield, which gives so many kilograms of so many.
const YIELDS: (u64, u64, u64) = (1, 2, 3);
const WHO: [(&str, u8); 4] = [MAKER, MARKET, CARRIER, CUSTOMS];
/// How long offers stay open, in blocks.
const OPEN_BLOCKS: u64 = 6;

/// The deed as an action on the ledger; none where it is about nothing.
fn action(chain: &Chain, model: &Model, ids: &[Hash], deed: &Deed) -> Option<Action> {
    let number = model.events.len();
    Some(match deed {
        Deed::Wait => return None,
        Deed::Offer(to, ..) => {
            // The block of this deed is a second later; the offer is open in as many after it.
            let deadline_ms = chain.time_ms + OPEN_BLOCKS * 1000;
            offer(WHO[*to].0, deadline_ms, &[event(number, deed)])
        }
        Deed::Answer(back, outcome, arrived) => {
            let at = model.offers.len().checked_sub(back + 1)?;
            let offered = &model.offers[at];
            let (items, lots) = arrived.of(&offered.items, &offered.portions);
            let lots: Vec<_> = lots.into_iter().map(|(lot, kg)| (lot, Some(kg))).collect();
            let discrepancy = match outcome {
                Outcome::AcceptedWithDiscrepancy => "not as it was offered",
                _ => "",
            };
            let event = seen("OBSERVE", "receiving", &items, &lots);
            answer(&ids[at], *outcome, discrepancy, &[event])
        }
        Deed::Claim(_) => claim("ours", &[event(number, deed)]),
        Deed::Correct(back) => {
            let at = number.checked_sub(back + 1)?;
            capture(&[declared_wrong(&event(at, &model.events[at].1))])
        }
        _ => capture(&[event(number, deed)]),
    })
}

/// A thing as the state shows it to a client: docs/format.md, "Custody".
fn shown(chain: &Chain, id: u64) -> (Option<String>, Option<u64>, bool) {
    let mut delta = crate::state::delta::Delta::new(&chain.state);
    let mut items = ItemCache::new(&mut delta);
    let name = container(id);
    let status = items.status(&name, chain.time_ms).unwrap();
    let inside = status.containers.first();
    let inside = inside.map(|c| (0..THINGS).find(|n| container(*n) == *c).unwrap());
    (
        status.holder().map(str::to_owned),
        inside,
        status.ended.is_some(),
    )
}

/// Kilograms of a lot by organisation, as the state has them.
fn stock(chain: &Chain, of: u64) -> Option<BTreeMap<usize, u64>> {
    let stock = record(chain, &lot(of)).stock?;
    let holdings = stock.holdings.into_iter();
    let place = |id: &str| WHO.iter().position(|(who, _)| *who == id).unwrap();
    Some(
        holdings
            .map(|h| (place(&h.organisation), h.millionths / 1_000_000))
            .collect(),
    )
}

/// Who does a deed: anybody, or as often whom it becomes. Only the maker commissions; an offer is
/// for one to answer.
fn who_does(model: &Model, number: usize, deed: &Deed) -> usize {
    let of = |back: &usize| model.offers.len().checked_sub(back + 1);
    match deed {
        _ if number < WHO.len() => number,
        Deed::Answer(back, Outcome::Withdrawn, _) => of(back).map_or(0, |at| model.offers[at].from),
        Deed::Answer(back, ..) => of(back).map_or(0, |at| model.offers[at].to),
        _ => 0,
    }
}

/// The product whose yield the model knows.
fn declaration() -> DeclareProduct {
    let (yielding, output, input) = YIELDS;
    DeclareProduct {
        product: lot(yielding),
        output,
        input,
        unit: "KGM".to_owned(),
    }
}

/// Commits a deed that the model has judged, and notes what later deeds refer to.
fn commit(
    chain: &mut Chain,
    envelope: Vec<u8>,
    model: &mut Model,
    ids: &mut Vec<Hash>,
    (who, deed): (usize, &Deed),
) {
    match deed {
        Deed::Offer(..) => ids.push(*chain.verified(&envelope).unwrap().id()),
        Deed::Answer(..) | Deed::Claim(_) | Deed::Correct(_) => {}
        _ => model.events.push((who, deed.clone())),
    }
    chain.commit(&[envelope]);
    model.height = chain.height;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_random_history_agrees_with_the_model(
        deeds in proptest::collection::vec((0..2 * WHO.len(), deed()), 1..60),
    ) {
        let mut chain = with_customs();
        chain.run(MAKER, Action::DeclareProduct(declaration())).unwrap();
        let mut model = Model::at(chain.height);
        let mut ids = Vec::new();
        for (who, deed) in deeds {
            let who = who_does(&model, who, &deed);
            let Some(action) = action(&chain, &model, &ids, &deed) else {
                chain.commit(&[]);
                model.height = chain.height;
                continue;
            };
            let mut next = model.clone();
            let expected = next.judge(who, &deed).err().unwrap_or(0);
            let envelope = chain.sign(WHO[who], action);
            let found = chain.check(&envelope).err();
            let code = found.as_ref().map_or(0, Rejection::code);
            prop_assert_eq!(code, expected, "{:?} {:?}: {:?}", WHO[who], deed, found);
            if expected == 0 {
                commit(&mut chain, envelope, &mut next, &mut ids, (who, &deed));
                model = next;
            }
            for id in 0..THINGS {
                let thing = model.get(id);
                let holder = thing.holder.map(|who| WHO[who].0.to_owned());
                let expected = (holder, thing.inside, model.is_dead(id));
                prop_assert_eq!(shown(&chain, id), expected, "{} after {:?}", id, deed);
            }
            let mut state = crate::state::delta::Delta::new(&chain.state);
            let mut holders = crate::custody::Holders::new(&mut state);
            for id in (0..THINGS).rev() {
                let name = container(id);
                let found = holders.of(&name, &record(&chain, &name)).unwrap();
                let expected = model.get(id).holder.map(|who| WHO[who].0.to_owned());
                prop_assert_eq!(found, expected, "{} after {:?}", id, deed);
            }
            for lot in 0..LOTS {
                prop_assert_eq!(stock(&chain, lot), model.stock(lot), "lot {} after {:?}", lot, deed);
            }
        }
    }
}
