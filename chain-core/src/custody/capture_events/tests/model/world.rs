//! What is then: a model that does everything at once and by hand.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_proto::ledger::{Ending, Outcome};

use super::super::Mode;
use super::super::authority::CUSTOMS;
use super::deed::{Amounts, Arrived, Deed, Recipe, is_finding, merged, named};
use super::{OPEN_BLOCKS, THINGS, WHO, YIELDS};
use crate::test_support::MAKER;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Thing {
    pub(super) holder: Option<usize>,
    /// It isn't only the holder's own word.
    pub(super) sure: bool,
    pub(super) inside: Option<u64>,
    pub(super) ended: Option<Ending>,
    /// By which event each of these came about.
    pub(super) begun_by: Option<usize>,
    packed_by: Option<usize>,
    /// Something was packed in it since it was last emptied.
    filled: bool,
    /// Something of which the holder was sure, while it was of this one by its own word alone.
    pub(super) keeps_sure: bool,
    ended_by: Option<usize>,
    /// Who says to have it, beside its holder, and why.
    claims: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Offered {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) items: Vec<u64>,
    /// Kilograms of lots.
    pub(super) portions: Vec<(u64, u64)>,
    /// Those that no claim displaced the shipper from.
    frozen: Vec<u64>,
    /// It may be answered in blocks up to this height.
    pub(super) until: u64,
    pub(super) answered: bool,
}

/// A lot, and how many kilograms of it each organisation has if an account is kept.
#[derive(Clone, Debug, Default)]
struct Lot {
    begun: bool,
    stock: Option<BTreeMap<usize, u64>>,
}

/// Everything by hand. A deed's writes count only if all of it is allowed.
#[derive(Clone, Default)]
pub(super) struct Model {
    things: BTreeMap<u64, Thing>,
    lots: BTreeMap<u64, Lot>,
    pub(super) offers: Vec<Offered>,
    /// Who recorded each event, and what it was.
    pub(super) events: Vec<(usize, Deed)>,
    /// Those that were declared wrong.
    wrong: BTreeSet<usize>,
    pub(super) height: u64,
}

pub(super) type Judged = Result<(), u32>;

impl Model {
    pub(super) fn at(height: u64) -> Model {
        Model {
            height,
            ..Model::default()
        }
    }

    fn thing(&mut self, id: u64) -> &mut Thing {
        self.things.entry(id).or_default()
    }

    pub(super) fn get(&self, id: u64) -> Thing {
        self.things.get(&id).cloned().unwrap_or_default()
    }

    /// The thing and the containers around it.
    pub(super) fn around(&self, id: u64) -> Vec<u64> {
        std::iter::successors(Some(id), |inner| self.get(*inner).inside).collect()
    }

    /// The thing and everything in it, at any depth.
    pub(super) fn whole(&self, id: u64) -> Vec<u64> {
        (0..THINGS)
            .filter(|other| self.around(*other).contains(&id))
            .collect()
    }

    pub(super) fn is_dead(&self, id: u64) -> bool {
        self.around(id)
            .iter()
            .any(|id| self.get(*id).ended.is_some())
    }

    pub(super) fn is_offered(&self, id: u64) -> bool {
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

    /// It isn't its shipper's to offer any more.
    fn thaw(&mut self, id: u64) {
        for offer in &mut self.offers {
            offer.frozen.retain(|frozen| *frozen != id);
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
            let thing = self.get(*id);
            let is_new = thing.begun_by.is_none() && thing.inside.is_none() && !thing.filled;
            let is_anothers = thing.holder.is_some_and(|holder| holder != who) && !thing.sure;
            if begins.contains(id) && is_new && is_anothers && WHO[who] == MAKER {
                self.give(*id, who, true);
                let thing = self.thing(*id);
                (thing.ended, thing.ended_by) = (None, None);
                self.thaw(*id);
                continue;
            }
            if self.is_dead(*id) {
                return Err(311);
            }
            if self.is_offered(*id) && !finding {
                return Err(313);
            }
            match thing.holder {
                Some(holder) if holder == who => {}
                Some(_) if finding && may_find => {}
                Some(_) => return Err(307),
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
    pub(super) fn judge(&mut self, who: usize, deed: &Deed) -> Judged {
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
                let mut sure = false;
                for id in items {
                    let packed = self.get(*id);
                    if packed.inside.is_some() {
                        return Err(302);
                    }
                    if around.contains(id) {
                        return Err(304);
                    }
                    let thing = self.thing(*id);
                    (thing.inside, thing.packed_by) = (Some(*container), Some(number));
                    self.thing(*container).filled = true;
                    sure |= packed.sure || packed.keeps_sure;
                }
                for outer in around.into_iter().filter(|_| sure) {
                    let outer = self.thing(outer);
                    outer.keeps_sure |= !outer.sure;
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
                let emptied = self.thing(*container);
                (emptied.filled, emptied.keeps_sure) = (false, false);
                for thing in self.things.values_mut() {
                    if thing.inside == Some(*container) {
                        thing.inside = None;
                    }
                }
            }
            Deed::Make(recipe) => self.make(who, recipe)?,
            Deed::Grow(..) if WHO[who] != MAKER => return Err(309),
            Deed::Grow(lot, kg) => self.add(who, *lot, *kg)?,
            Deed::Destroy(lot, kg) => self.take(who, *lot, *kg)?,
            Deed::Offer(to, things, lots) => self.offer(who, *to, things, lots)?,
            Deed::Answer(back, outcome, arrived) => self.answer(who, *back, *outcome, arrived)?,
            Deed::Claim(things) => self.claim(who, things)?,
            Deed::Correct(back) => self.correct(who, *back)?,
            Deed::Wait => {}
        }
        Ok(())
    }

    fn make(&mut self, who: usize, recipe: &Recipe) -> Judged {
        let number = self.events.len();
        let (inputs, outputs) = (&recipe.inputs, &recipe.outputs);
        self.admit_beginning(who, &recipe.things(), false, Mode::Record, outputs)?;
        if WHO[who] != MAKER {
            return Err(309);
        }
        for id in outputs {
            if self.get(*id).begun_by.is_some() || inputs.contains(id) {
                return Err(310);
            }
            self.thing(*id).begun_by = Some(number);
        }
        self.alone(inputs)?;
        for id in inputs {
            let thing = self.thing(*id);
            (thing.ended, thing.ended_by) = (Some(Ending::Consumed), Some(number));
        }
        let given: u64 = recipe.from.iter().filter_map(|(_, kg)| *kg).sum();
        for (_, made) in recipe.to.iter().filter(|(lot, _)| *lot == YIELDS.0) {
            let made = made.ok_or(350u32)?;
            if made * YIELDS.2 > given * YIELDS.1 {
                return Err(352);
            }
        }
        for (lot, kg) in &recipe.from {
            self.take(who, *lot, *kg)?;
        }
        for (lot, kg) in &recipe.to {
            self.add(who, *lot, *kg)?;
        }
        Ok(())
    }

    /// An account is kept of a lot that began with a stated amount.
    fn add(&mut self, who: usize, lot: u64, kg: Option<u64>) -> Judged {
        let lot = self.lots.entry(lot).or_default();
        if lot.stock.is_none() && !lot.begun && kg.is_some() {
            lot.stock = Some(BTreeMap::new());
        }
        lot.begun = true;
        if let Some(stock) = &mut lot.stock {
            *stock.entry(who).or_default() += kg.ok_or(350u32)?;
        }
        Ok(())
    }

    fn take(&mut self, who: usize, lot: u64, kg: Option<u64>) -> Judged {
        let Some(stock) = &mut self.lots.entry(lot).or_default().stock else {
            return Ok(());
        };
        let kg = kg.ok_or(350u32)?;
        let has = stock.remove(&who).unwrap_or_default();
        let rest = has.checked_sub(kg).ok_or(351u32)?;
        if rest > 0 {
            stock.insert(who, rest);
        }
        Ok(())
    }

    pub(super) fn stock(&self, lot: u64) -> Option<BTreeMap<usize, u64>> {
        self.lots.get(&lot).and_then(|lot| lot.stock.clone())
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

    fn offer(&mut self, who: usize, to: usize, things: &[u64], lots: &Amounts) -> Judged {
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
        let mut portions = Vec::new();
        for (lot, kg) in lots.iter().filter(|(lot, _)| self.stock(*lot).is_some()) {
            portions.push((*lot, kg.ok_or(350u32)?));
        }
        for (lot, kg) in &portions {
            self.clone().take(who, *lot, Some(*kg))?;
        }
        if items.is_empty() && portions.is_empty() {
            return Err(322);
        }
        self.offers.push(Offered {
            from: who,
            to,
            frozen: items.clone(),
            items,
            portions,
            until: self.height + OPEN_BLOCKS,
            answered: false,
        });
        Ok(())
    }

    fn answer(&mut self, who: usize, back: usize, outcome: Outcome, arrived: &Arrived) -> Judged {
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
        let (items, lots) = arrived.of(&offer.items, &offer.portions);
        let is_all = items.len() == offer.items.len() && lots.len() == offer.portions.len();
        let partial = outcome == Outcome::AcceptedWithDiscrepancy;
        if !is_all && !partial {
            return Err(326);
        }
        let accepts = partial || outcome == Outcome::Accepted;
        for (lot, kg) in offer.portions.iter().filter(|_| accepts) {
            let came = lots.iter().find(|(other, _)| other == lot);
            let came = came.map_or(0, |(_, kg)| *kg);
            if came > *kg || (came < *kg && !partial) {
                return Err(326);
            }
            self.take(offer.from, *lot, Some(came))?;
            if came > 0 {
                self.add(who, *lot, Some(came))?;
            }
        }
        for id in items.iter().filter(|_| accepts) {
            let thing = self.get(*id);
            if thing.holder != Some(offer.from) {
                return Err(307);
            }
            if thing.inside.is_some() {
                return Err(312);
            }
        }
        for id in items.iter().filter(|_| accepts) {
            self.give(*id, who, true);
            self.thing(*id).claims.remove(&who);
        }
        self.offers[at].answered = true;
        let mode = match outcome {
            Outcome::Rejected | Outcome::Withdrawn => Mode::Answer,
            _ => Mode::Record,
        };
        self.admit(who, &items, true, mode)
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
            let claims = &mut self.thing(*id).claims;
            if thing.inside.is_none() && !thing.sure && !thing.keeps_sure {
                claims.remove(&who);
                self.give(*id, who, false);
                self.thaw(*id);
            } else if !claims.insert(who) {
                return Err(332);
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
        if !self.wrong.insert(at) {
            return Err(342);
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
