//! Where a mutation is tried: a deed that the ledger accepts, and what stands before it.

use serde_json::Value;
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{CaptureEvents, Outcome};

use super::super::deed::{Arrived, Deed, named, seen};
use super::super::world::{Model, Offered, Thing};
use super::super::*;

/// Things that no history names.
pub(super) const FRESH: u64 = 50;
/// Places in `WHO` of those that have goods in their hands, and of the one that only observes.
pub(super) const CUSTODIANS: [usize; 3] = [0, 1, 2];
pub(super) const OBSERVER: usize = 3;
/// Who owns the company prefix.
pub(super) const OWNER: usize = 0;

#[derive(Clone)]
pub(super) struct Act {
    pub(super) who: (&'static str, u8),
    pub(super) action: Action,
}

/// What comes between the valid history and an act.
#[derive(Clone)]
pub(super) enum Step {
    Act(Act),
    /// So many empty blocks.
    Wait(u64),
    /// A record of the state that would take too many acts to come about.
    Put(Vec<u8>, Vec<u8>),
}

/// An act that one rule refuses.
pub(super) struct Broken {
    /// What is done before it, and is accepted.
    pub(super) before: Vec<Step>,
    pub(super) act: Act,
    /// An act that differs in what breaks the rule alone, and is accepted; none: the place's own.
    pub(super) unbroken: Option<(Vec<Step>, Act)>,
}

impl Broken {
    pub(super) fn new(act: Act) -> Broken {
        Broken {
            before: Vec::new(),
            act,
            unbroken: None,
        }
    }

    pub(super) fn after(self, before: Vec<Step>) -> Broken {
        Broken { before, ..self }
    }

    pub(super) fn unlike(self, unbroken: Act) -> Broken {
        self.unlike_after(Vec::new(), unbroken)
    }

    pub(super) fn unlike_after(self, before: Vec<Step>, unbroken: Act) -> Broken {
        Broken {
            unbroken: Some((before, unbroken)),
            ..self
        }
    }
}

pub(super) struct Place<'a> {
    pub(super) chain: &'a Chain,
    pub(super) model: &'a Model,
    pub(super) ids: &'a [Hash],
    pub(super) who: usize,
    pub(super) deed: &'a Deed,
    pub(super) action: &'a Action,
    /// Chooses where there are several ways to break the rule.
    pub(super) chance: usize,
}

impl Place<'_> {
    /// The accepted act itself.
    pub(super) fn act(&self) -> Act {
        self.made(self.action.clone())
    }

    /// Another act of the same organisation.
    pub(super) fn made(&self, action: Action) -> Act {
        let who = WHO[self.who];
        Act { who, action }
    }

    /// The same act by another organisation.
    pub(super) fn by(&self, who: usize) -> Broken {
        Broken::new(Act {
            who: WHO[who],
            action: self.action.clone(),
        })
    }

    /// Another deed of the same organisation.
    pub(super) fn doing(&self, deed: &Deed) -> Act {
        self.made(action(self.chain, self.model, self.ids, deed).unwrap())
    }

    pub(super) fn instead(&self, deed: &Deed) -> Broken {
        Broken::new(self.doing(deed))
    }

    /// The accepted act once more.
    pub(super) fn again(&self) -> Broken {
        Broken::new(self.act()).after(vec![Step::Act(self.act())])
    }

    pub(super) fn capture(&self) -> CaptureEvents {
        match self.action {
            Action::CaptureEvents(capture) => capture.clone(),
            other => panic!("no capture: {other:?}"),
        }
    }

    /// The act with other events.
    pub(super) fn telling(&self, events: Vec<Vec<u8>>) -> Act {
        let capture = CaptureEvents {
            events,
            ..self.capture()
        };
        self.made(Action::CaptureEvents(capture))
    }

    /// The act with something else in its event.
    pub(super) fn edited(&self, edit: impl FnOnce(&mut Value)) -> Act {
        let mut events = self.capture().events;
        let mut event: Value = serde_json::from_slice(&events[0]).unwrap();
        edit(&mut event);
        events[0] = event.to_string().into_bytes();
        self.telling(events)
    }

    /// The act with something else in its offer, answer or claim.
    pub(super) fn handing(&self, edit: impl FnOnce(&mut Handover)) -> Act {
        let mut capture = self.capture();
        edit(capture.handover.as_mut().unwrap());
        self.made(Action::CaptureEvents(capture))
    }

    pub(super) fn choose<T>(&self, mut of: Vec<T>) -> Option<T> {
        match of.len() {
            0 => None,
            len => Some(of.swap_remove(self.chance % len)),
        }
    }

    /// A thing that the deed doesn't name.
    pub(super) fn other_thing(&self, fits: impl Fn(u64, &Thing) -> bool) -> Option<u64> {
        let known = names(self.deed);
        let others = (0..THINGS).filter(|id| !known.contains(id));
        self.choose(
            others
                .filter(|id| fits(*id, &self.model.get(*id)))
                .collect(),
        )
    }

    /// An organisation with goods in its hands, other than these.
    pub(super) fn custodian_beside(&self, not: &[usize]) -> Option<usize> {
        let others = CUSTODIANS.into_iter().filter(|who| !not.contains(who));
        self.choose(others.collect())
    }

    /// The things that the deed lists, and one more.
    pub(super) fn adding(&self, id: u64) -> Option<Broken> {
        let mut things = listed(self.deed)?.to_vec();
        // Neither first nor last should matter.
        things.insert(self.chance % (things.len() + 1), id);
        Some(self.instead(&listing(self.deed, things)?))
    }

    /// Alive, in the organisation's hands, and not offered.
    pub(super) fn is_at_hand(&self, id: u64) -> bool {
        let is_own = self.model.get(id).holder == Some(self.who);
        is_own && !self.model.is_dead(id) && !self.model.is_offered(id)
    }

    /// Of which the deed names no container: where that changes hands, so does its content.
    pub(super) fn is_apart(&self, id: u64) -> bool {
        let known = names(self.deed);
        !self
            .model
            .around(id)
            .iter()
            .any(|outer| known.contains(outer))
    }

    pub(super) fn is_held_by_another(&self, id: u64) -> bool {
        let holder = self.model.get(id).holder;
        holder.is_some_and(|holder| holder != self.who)
    }

    pub(super) fn is_new(&self, id: u64) -> bool {
        self.model.get(id).holder.is_none()
    }

    /// The offer that the deed answers.
    pub(super) fn answered(&self) -> Option<Answered<'_>> {
        let Deed::Answer(back, outcome, arrived) = self.deed else {
            return None;
        };
        let at = self.model.offers.len().checked_sub(back + 1)?;
        let offer = &self.model.offers[at];
        let (items, lots) = arrived.of(&offer.items, &offer.portions);
        let id = self.ids[at];
        let blocks_left = offer.until - self.model.height;
        Some(Answered {
            blocks_left,
            at,
            id,
            offer,
            outcome: *outcome,
            items,
            lots,
        })
    }

    /// The answer with an event that names these.
    pub(super) fn receiving(&self, items: &[u64], lots: &[(u64, u64)]) -> Act {
        let lots: Vec<_> = lots.iter().map(|(lot, kg)| (*lot, Some(*kg))).collect();
        self.telling(vec![seen("OBSERVE", "receiving", items, &lots)])
    }
}

/// What an answer is about.
pub(super) struct Answered<'a> {
    pub(super) at: usize,
    pub(super) id: Hash,
    pub(super) offer: &'a Offered,
    /// How many blocks may hold the answer.
    pub(super) blocks_left: u64,
    pub(super) outcome: Outcome,
    pub(super) items: Vec<u64>,
    pub(super) lots: Vec<(u64, u64)>,
}

impl Answered<'_> {
    pub(super) fn accepts(&self) -> bool {
        self.outcome == Outcome::Accepted || self.is_partial()
    }

    /// Whether something else may come first.
    pub(super) fn stays_open(&self) -> bool {
        self.blocks_left > 1
    }

    pub(super) fn is_partial(&self) -> bool {
        self.outcome == Outcome::AcceptedWithDiscrepancy
    }

    /// Who gives such an answer.
    pub(super) fn by(&self) -> usize {
        match self.outcome {
            Outcome::Withdrawn => self.offer.from,
            _ => self.offer.to,
        }
    }
}

/// All of an offer, as an answer names it.
pub(super) fn all_arrived() -> Arrived {
    Arrived { lost: 0, more: 0 }
}

/// The things that a deed lists.
pub(super) fn listed(deed: &Deed) -> Option<&[u64]> {
    match deed {
        Deed::Begin(things) | Deed::See(things) | Deed::Ship(things) => Some(things),
        Deed::End(_, things) | Deed::Claim(things) | Deed::Offer(_, things, _) => Some(things),
        Deed::Pack(_, items) | Deed::Unpack(_, items) => Some(items),
        Deed::Make(recipe) => Some(&recipe.inputs),
        _ => None,
    }
}

/// The deed with another list of things.
pub(super) fn listing(deed: &Deed, things: Vec<u64>) -> Option<Deed> {
    Some(match deed.clone() {
        Deed::Begin(_) => Deed::Begin(things),
        Deed::See(_) => Deed::See(things),
        Deed::Ship(_) => Deed::Ship(things),
        Deed::End(how, _) => Deed::End(how, things),
        Deed::Claim(_) => Deed::Claim(things),
        Deed::Offer(to, _, lots) => Deed::Offer(to, things, lots),
        Deed::Pack(container, _) => Deed::Pack(container, things),
        Deed::Unpack(container, _) => Deed::Unpack(container, things),
        Deed::Make(mut recipe) => {
            recipe.inputs = things;
            Deed::Make(recipe)
        }
        _ => return None,
    })
}

/// The things that a deed names; answers and corrections name those of others.
pub(super) fn names(deed: &Deed) -> Vec<u64> {
    match deed {
        Deed::Offer(_, things, _) | Deed::Claim(things) => things.clone(),
        Deed::Answer(..) | Deed::Correct(_) | Deed::Wait => Vec::new(),
        _ => named(deed),
    }
}

/// Whether a deed changes what it names, rather than tell of it.
pub(super) fn changes(deed: &Deed) -> bool {
    let lives = matches!(deed, Deed::Begin(_) | Deed::End(..) | Deed::Make(_));
    let packs = matches!(deed, Deed::Pack(..) | Deed::Unpack(..) | Deed::Empty(_));
    lives || packs
}
