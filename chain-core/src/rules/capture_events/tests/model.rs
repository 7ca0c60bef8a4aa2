//! Random histories agree with a model that does everything at once and by hand: who holds each
//! thing, what it is in, and whether it lives. What the model refuses, the ledger refuses by the
//! same rule.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use touchstone_proto::ledger::{Ending, Outcome};

use super::authority::{CUSTOMS, with_customs};
use super::*;
use crate::Hash;
use crate::test_support::{answer, claim, declared_wrong, event_of, offer, step as event_step};

const THINGS: u64 = 6;
const WHO: [(&str, u8); 4] = [MAKER, MARKET, CARRIER, CUSTOMS];
/// How long offers stay open, in blocks.
const OPEN_BLOCKS: u64 = 6;

#[derive(Clone, Debug)]
enum Deed {
    Begin(Vec<u64>),
    See(Vec<u64>),
    Ship(Vec<u64>),
    End(Ending, Vec<u64>),
    Return(u64),
    Pack(u64, Vec<u64>),
    Unpack(u64, Vec<u64>),
    Empty(u64),
    Make(u64, u64),
    Offer(usize, Vec<u64>),
    /// One of the offers so far, counted from the last.
    Answer(usize, Outcome),
    Claim(Vec<u64>),
    /// One of the events so far, counted from the last.
    Correct(usize),
    Wait,
}

fn deed() -> impl Strategy<Value = Deed> {
    let thing = 0..THINGS;
    let things = || {
        let sets = proptest::collection::btree_set(0..THINGS, 1..3);
        sets.prop_map(|set| set.into_iter().collect::<Vec<u64>>())
    };
    let ending = prop_oneof![
        Just(Ending::Sold),
        Just(Ending::Destroyed),
        Just(Ending::Decommissioned)
    ];
    let outcome = prop_oneof![
        4 => Just(Outcome::Accepted),
        1 => Just(Outcome::Rejected),
        1 => Just(Outcome::Withdrawn),
    ];
    prop_oneof![
        2 => things().prop_map(Deed::Begin),
        2 => things().prop_map(Deed::See),
        1 => things().prop_map(Deed::Ship),
        1 => (ending, things()).prop_map(|(how, things)| Deed::End(how, things)),
        1 => thing.clone().prop_map(Deed::Return),
        6 => (thing.clone(), things()).prop_map(|(c, i)| Deed::Pack(c, i)),
        2 => (thing.clone(), things()).prop_map(|(c, i)| Deed::Unpack(c, i)),
        1 => thing.clone().prop_map(Deed::Empty),
        1 => (thing.clone(), thing).prop_map(|(i, o)| Deed::Make(i, o)),
        5 => (0..WHO.len(), things()).prop_map(|(to, things)| Deed::Offer(to, things)),
        5 => (0..2usize, outcome).prop_map(|(n, outcome)| Deed::Answer(n, outcome)),
        2 => things().prop_map(Deed::Claim),
        2 => (0..4usize).prop_map(Deed::Correct),
        1 => Just(Deed::Wait),
    ]
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Thing {
    holder: Option<usize>,
    /// It isn't only the holder's own word.
    sure: bool,
    inside: Option<u64>,
    ended: Option<Ending>,
    /// By which event each of these came about.
    begun_by: Option<usize>,
    packed_by: Option<usize>,
    ended_by: Option<usize>,
}

#[derive(Clone, Debug)]
struct Offered {
    from: usize,
    to: usize,
    items: Vec<u64>,
    /// Those that no claim displaced the shipper from.
    frozen: Vec<u64>,
    /// It may be answered in blocks up to this height.
    until: u64,
    answered: bool,
}

/// Everything by hand. A deed's writes count only if all of it is allowed.
#[derive(Clone, Default)]
struct Model {
    things: BTreeMap<u64, Thing>,
    offers: Vec<Offered>,
    /// Who recorded each event, and what it was.
    events: Vec<(usize, Deed)>,
    height: u64,
}

type Judged = Result<(), u32>;

impl Model {
    fn thing(&mut self, id: u64) -> &mut Thing {
        self.things.entry(id).or_default()
    }

    fn get(&self, id: u64) -> Thing {
        self.things.get(&id).cloned().unwrap_or_default()
    }

    /// The thing and the containers around it.
    fn around(&self, id: u64) -> Vec<u64> {
        std::iter::successors(Some(id), |inner| self.get(*inner).inside).collect()
    }

    /// The thing and everything in it, at any depth.
    fn whole(&self, id: u64) -> Vec<u64> {
        (0..THINGS)
            .filter(|other| self.around(*other).contains(&id))
            .collect()
    }

    fn is_dead(&self, id: u64) -> bool {
        self.around(id)
            .iter()
            .any(|id| self.get(*id).ended.is_some())
    }

    fn is_offered(&self, id: u64) -> bool {
        let around = self.around(id);
        let outermost = around.last().unwrap();
        let open = self
            .offers
            .iter()
            .filter(|o| !o.answered && self.height < o.until);
        open.into_iter()
            .any(|offer| offer.frozen.contains(outermost))
    }

    fn give(&mut self, id: u64, to: usize, sure: bool) {
        for part in self.whole(id) {
            let thing = self.thing(part);
            thing.holder = Some(to);
            thing.sure = sure;
        }
    }

    /// Who may append.
    fn admit(&mut self, who: usize, things: &[u64], finding: bool, mode: Mode) -> Judged {
        self.admit_beginning(who, things, finding, mode, &[])
    }

    fn admit_beginning(
        &mut self,
        who: usize,
        things: &[u64],
        finding: bool,
        mode: Mode,
        begins: &[u64],
    ) -> Judged {
        let may_find = WHO[who] == CUSTOMS || mode != Mode::Record;
        for id in things {
            if self.is_dead(*id) {
                return Err(311);
            }
            if self.is_offered(*id) && !finding {
                return Err(313);
            }
            let thing = self.get(*id);
            match thing.holder {
                Some(holder) if holder == who => {}
                Some(_) if finding && may_find => {}
                Some(_) => {
                    let is_new = thing.begun_by.is_none() && thing.inside.is_none();
                    if !(begins.contains(id) && is_new && !thing.sure && WHO[who] == MAKER) {
                        return Err(307);
                    }
                    self.give(*id, who, true);
                }
                None if WHO[who] == CUSTOMS && finding => {}
                None if WHO[who] == CUSTOMS => return Err(308),
                // The maker's company prefix is in all identifiers.
                None => {
                    let sure = WHO[who] == MAKER;
                    self.give(*id, who, sure);
                }
            }
        }
        Ok(())
    }

    fn alone(&self, things: &[u64]) -> Judged {
        for id in things {
            let around = self.around(*id);
            let outside = &around[1..];
            if !outside.is_empty() && !outside.iter().any(|outer| things.contains(outer)) {
                return Err(312);
            }
        }
        Ok(())
    }

    /// The code that a deed meets, or what is then.
    fn judge(&mut self, who: usize, deed: &Deed) -> Judged {
        let number = self.events.len();
        match deed {
            Deed::Begin(things) => {
                self.admit_beginning(who, things, false, Mode::Record, things)?;
                if WHO[who] != MAKER {
                    return Err(309);
                }
                for id in things {
                    if self.get(*id).begun_by.is_some() {
                        return Err(310);
                    }
                    self.thing(*id).begun_by = Some(number);
                }
            }
            Deed::See(things) => self.admit(who, things, true, Mode::Record)?,
            Deed::Ship(things) => {
                self.admit(who, things, true, Mode::Record)?;
                self.alone(things)?;
            }
            Deed::End(how, things) => {
                self.admit(who, things, false, Mode::Record)?;
                self.alone(things)?;
                for id in things {
                    let thing = self.thing(*id);
                    (thing.ended, thing.ended_by) = (Some(*how), Some(number));
                }
            }
            Deed::Return(id) => self.take_back_sold(who, *id)?,
            Deed::Pack(container, items) => {
                self.admit(who, &merged(*container, items), false, Mode::Record)?;
                let around = self.around(*container);
                for id in items {
                    if self.get(*id).inside.is_some() {
                        return Err(302);
                    }
                    if around.contains(id) {
                        return Err(304);
                    }
                    let thing = self.thing(*id);
                    (thing.inside, thing.packed_by) = (Some(*container), Some(number));
                }
            }
            Deed::Unpack(container, items) => {
                self.admit(who, &merged(*container, items), false, Mode::Record)?;
                for id in items {
                    if self.get(*id).inside != Some(*container) {
                        return Err(303);
                    }
                    self.thing(*id).inside = None;
                }
            }
            Deed::Empty(container) => {
                self.admit(who, &[*container], false, Mode::Record)?;
                for thing in self.things.values_mut() {
                    if thing.inside == Some(*container) {
                        thing.inside = None;
                    }
                }
            }
            Deed::Make(input, output) => {
                let both = merged(*input, &[*output]);
                self.admit_beginning(who, &both, false, Mode::Record, &[*output])?;
                if WHO[who] != MAKER {
                    return Err(309);
                }
                if self.get(*output).begun_by.is_some() || input == output {
                    return Err(310);
                }
                self.thing(*output).begun_by = Some(number);
                self.alone(&[*input])?;
                let thing = self.thing(*input);
                (thing.ended, thing.ended_by) = (Some(Ending::Consumed), Some(number));
            }
            Deed::Offer(to, things) => self.offer(who, *to, things)?,
            Deed::Answer(back, outcome) => self.answer(who, *back, *outcome)?,
            Deed::Claim(things) => self.claim(who, things)?,
            Deed::Correct(back) => self.correct(who, *back)?,
            Deed::Wait => {}
        }
        Ok(())
    }

    fn take_back_sold(&mut self, who: usize, id: u64) -> Judged {
        let outside_is_dead = self.around(id)[1..]
            .iter()
            .any(|o| self.get(*o).ended.is_some());
        let thing = self.get(id);
        if !self.is_dead(id) {
            return self.admit(who, &[id], true, Mode::Record);
        }
        let at_hand = thing.inside.is_none() || thing.holder == Some(who);
        let sold = thing.ended == Some(Ending::Sold);
        if !sold || outside_is_dead || !at_hand || WHO[who] != MAKER {
            return Err(311);
        }
        let thing = self.thing(id);
        (thing.ended, thing.ended_by) = (None, None);
        if thing.holder != Some(who) {
            self.give(id, who, false);
        }
        Ok(())
    }

    fn offer(&mut self, who: usize, to: usize, things: &[u64]) -> Judged {
        if WHO[who] == CUSTOMS {
            return Err(203);
        }
        if to == who || WHO[to] == CUSTOMS {
            return Err(320);
        }
        self.admit(who, things, true, Mode::Record)?;
        self.alone(things)?;
        let mut items = Vec::new();
        for id in things {
            if self.is_offered(*id) {
                return Err(313);
            }
            if self.get(*id).inside.is_none() {
                items.push(*id);
            }
        }
        self.offers.push(Offered {
            from: who,
            to,
            frozen: items.clone(),
            items,
            until: self.height + OPEN_BLOCKS,
            answered: false,
        });
        Ok(())
    }

    fn answer(&mut self, who: usize, back: usize, outcome: Outcome) -> Judged {
        if WHO[who] == CUSTOMS {
            return Err(203);
        }
        let Some(at) = self.offers.len().checked_sub(back + 1) else {
            return Err(323);
        };
        let offer = self.offers[at].clone();
        let by = if outcome == Outcome::Withdrawn {
            offer.from
        } else {
            offer.to
        };
        if by != who {
            return Err(325);
        }
        if offer.answered || self.height >= offer.until {
            return Err(324);
        }
        for id in offer.items.iter().filter(|_| outcome == Outcome::Accepted) {
            if self.get(*id).holder != Some(offer.from) {
                return Err(307);
            }
            self.give(*id, who, true);
        }
        self.offers[at].answered = true;
        let mode = match outcome {
            Outcome::Accepted => Mode::Record,
            _ => Mode::Answer,
        };
        self.admit(who, &offer.items, true, mode)
    }

    fn claim(&mut self, who: usize, things: &[u64]) -> Judged {
        if WHO[who] == CUSTOMS {
            return Err(203);
        }
        let new: Vec<u64> = things
            .iter()
            .copied()
            .filter(|id| self.get(*id).holder.is_none())
            .collect();
        self.admit(who, things, true, Mode::Claim)?;
        for id in new {
            self.thing(id).sure = false;
        }
        let mut claimed = false;
        for id in things {
            let thing = self.get(*id);
            if thing.holder == Some(who) {
                continue;
            }
            claimed = true;
            if thing.inside.is_none() && !thing.sure {
                self.give(*id, who, false);
                for offer in &mut self.offers {
                    offer.frozen.retain(|frozen| frozen != id);
                }
            }
        }
        if claimed { Ok(()) } else { Err(329) }
    }

    fn correct(&mut self, who: usize, back: usize) -> Judged {
        let Some(at) = self.events.len().checked_sub(back + 1) else {
            return Ok(());
        };
        let (owner, deed) = self.events[at].clone();
        if owner != who {
            return self.admit(who, &named(&deed), is_finding(&deed), Mode::Record);
        }
        for id in named(&deed) {
            let thing = self.thing(id);
            if thing.ended_by == Some(at) && thing.ended != Some(Ending::Consumed) {
                (thing.ended, thing.ended_by) = (None, None);
            }
            let thing = self.get(id);
            if thing.holder != Some(who) || self.is_dead(id) || self.is_offered(id) {
                continue;
            }
            if thing.inside.is_some() && thing.packed_by == Some(at) {
                self.thing(id).inside = None;
            } else if thing.inside.is_none()
                && thing.begun_by == Some(at)
                && matches!(deed, Deed::Begin(_))
            {
                self.thing(id).begun_by = None;
            }
        }
        Ok(())
    }
}

fn merged(one: u64, others: &[u64]) -> Vec<u64> {
    let mut all = others.to_vec();
    all.push(one);
    all.sort_unstable();
    all.dedup();
    all
}

/// What an event of a deed names; of deeds that are recorded as they stand.
fn named(deed: &Deed) -> Vec<u64> {
    match deed {
        Deed::Begin(things) | Deed::See(things) | Deed::Ship(things) | Deed::End(_, things) => {
            merged(things[0], things)
        }
        Deed::Return(id) | Deed::Empty(id) => vec![*id],
        Deed::Pack(container, items) | Deed::Unpack(container, items) => merged(*container, items),
        Deed::Make(input, output) => merged(*input, &[*output]),
        _ => panic!("not an event that is corrected: {deed:?}"),
    }
}

fn is_finding(deed: &Deed) -> bool {
    matches!(deed, Deed::See(_) | Deed::Ship(_) | Deed::Return(_))
}

fn event(number: usize, deed: &Deed) -> Vec<u8> {
    let ids = |things: &[u64]| things.iter().map(|n| container(*n)).collect::<Vec<_>>();
    let bytes = match deed {
        Deed::Begin(things) => event_step("ADD", "commissioning", &ids(things)),
        Deed::See(things) | Deed::Claim(things) => event_step("OBSERVE", "storing", &ids(things)),
        Deed::Ship(things) | Deed::Offer(_, things) => {
            event_step("OBSERVE", "shipping", &ids(things))
        }
        Deed::End(Ending::Sold, things) => event_step("OBSERVE", "retail_selling", &ids(things)),
        Deed::End(Ending::Destroyed, things) => event_step("DELETE", "destroying", &ids(things)),
        Deed::End(_, things) => event_step("DELETE", "decommissioning", &ids(things)),
        Deed::Return(id) => {
            let fields = json!({"epcList": [container(*id)], "disposition": "returned"});
            event_of("ObjectEvent", "OBSERVE", fields)
        }
        Deed::Pack(into, items) => add(&container(*into), &ids(items)),
        Deed::Unpack(from, items) => delete(&container(*from), &ids(items)),
        Deed::Empty(whole) => delete(&container(*whole), &[]),
        Deed::Make(input, output) => {
            let fields = json!({
                "inputEPCList": [container(*input)], "outputEPCList": [container(*output)]
            });
            event_of("TransformationEvent", "", fields)
        }
        Deed::Answer(..) | Deed::Correct(_) | Deed::Wait => panic!("not an event: {deed:?}"),
    };
    if matches!(deed, Deed::Offer(..) | Deed::Claim(_)) {
        return bytes;
    }
    let mut event: Value = serde_json::from_slice(&bytes).unwrap();
    event["eventID"] = json!(format!("urn:x:{number}"));
    event.to_string().into_bytes()
}

/// The deed as an action on the ledger; none where it is about nothing.
fn action(chain: &Chain, model: &Model, ids: &[Hash], deed: &Deed) -> Option<Action> {
    let number = model.events.len();
    Some(match deed {
        Deed::Wait => return None,
        Deed::Offer(to, _) => {
            // The block of this deed is a second later; the offer is open in as many after it.
            let deadline_ms = chain.time_ms + OPEN_BLOCKS * 1000;
            offer(WHO[*to].0, deadline_ms, &[event(number, deed)])
        }
        Deed::Answer(back, outcome) => {
            let at = model.offers.len().checked_sub(back + 1)?;
            let items = &model.offers[at].items;
            let items: Vec<String> = items.iter().map(|n| container(*n)).collect();
            answer(
                &ids[at],
                *outcome,
                "",
                &[event_step("OBSERVE", "receiving", &items)],
            )
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
    let mut goods = Goods::new(&mut delta, chain.time_ms);
    let name = container(id);
    let standing = goods.standing(&name).unwrap();
    let inside = standing.containers.first();
    let inside = inside.map(|c| (0..THINGS).find(|n| container(*n) == *c).unwrap());
    (
        standing.holder().map(str::to_owned),
        inside,
        standing.ended.is_some(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_random_history_agrees_with_the_model(
        deeds in proptest::collection::vec((0..WHO.len(), deed()), 1..60),
    ) {
        let mut chain = with_customs();
        let mut model = Model { height: chain.height, ..Model::default() };
        let mut ids = Vec::new();
        for (who, deed) in deeds {
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
                match &deed {
                    Deed::Offer(..) => ids.push(*chain.verified(&envelope).unwrap().id()),
                    Deed::Answer(..) | Deed::Claim(_) | Deed::Correct(_) => {}
                    _ => next.events.push((who, deed.clone())),
                }
                chain.commit(&[envelope]);
                model = next;
            }
            model.height = chain.height;
            for id in 0..THINGS {
                let thing = model.get(id);
                let holder = thing.holder.map(|who| WHO[who].0.to_owned());
                let expected = (holder, thing.inside, model.is_dead(id));
                prop_assert_eq!(shown(&chain, id), expected, "{} after {:?}", id, deed);
            }
        }
    }
}
