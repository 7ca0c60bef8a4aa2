//! All orders of acts and clocks, drawn at random, beside a model that keeps every licence, end and transfer in plain
//! lists and answers by looking at all of them.

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{LicenceTerms, Outcome};

use super::super::*;
use crate::test_support::rights::{
    answer_right, designed, end_licence, end_right, grant, offer_right,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, stream};

const PARTIES: [(&str, u8); 4] = [MARKET, CARRIER, MAKER, OFFICE];
const PLACES: [&str; 3] = ["CN", "JP", licence::WORLD];

struct Granted {
    id: Hash,
    grantor: usize,
    parent: Option<usize>,
    licensee: usize,
    terms: LicenceTerms,
    ended_ms: Option<u64>,
}

struct Model {
    chain: Chain,
    subject: Hash,
    owners: Vec<(usize, u64)>,
    offer: Option<(Hash, usize)>,
    ended_ms: Option<u64>,
    licences: Vec<Granted>,
    applied: usize,
}

/// Numbers below a bound, one after the other.
struct Draws(Box<dyn Iterator<Item = Hash>>);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.0.next().unwrap()[0]) % bound
    }

    /// Mostly the party that may act, and often enough any: the rules refuse it.
    fn mostly(&mut self, able: usize) -> usize {
        match self.below(5) {
            0 => self.below(4),
            _ => able,
        }
    }
}

impl Model {
    fn start() -> Model {
        let (chain, subject) = designed();
        Model {
            owners: vec![(2, chain.time_ms)],
            chain,
            subject,
            offer: None,
            ended_ms: None,
            licences: Vec::new(),
            applied: 0,
        }
    }

    fn act(&mut self, draws: &mut Draws) {
        let other = draws.below(4);
        let now_ms = self.chain.context().time_ms;
        let owner = self.owner(now_ms).unwrap_or_default();
        let who = draws.mostly(owner);
        match draws.below(12) {
            0..=4 => self.grant(draws, other, now_ms),
            5 | 6 => {
                let n = draws.below(self.licences.len().max(1));
                if let Some((id, grantor)) = self.licences.get(n).map(|l| (l.id, l.grantor)) {
                    let ended = self.run(draws.mostly(grantor), end_licence(&id));
                    if ended.is_some() {
                        self.licences[n].ended_ms = Some(now_ms);
                    }
                }
            }
            7 | 8 => {
                let deadline_ms = now_ms + 1 + draws.below(4) as u64 * 1000;
                let action = offer_right(&self.subject, PARTIES[other].0, deadline_ms);
                if let Some(id) = self.run(who, action) {
                    self.offer = Some((id, other));
                }
            }
            9 | 10 => {
                let outcomes = [Outcome::Accepted, Outcome::Rejected, Outcome::Withdrawn];
                let outcome = outcomes[draws.below(3)];
                if let Some((id, to)) = self.offer {
                    let able = match outcome {
                        Outcome::Withdrawn => owner,
                        _ => to,
                    };
                    let answer = answer_right(&self.subject, &id, outcome);
                    if self.run(draws.mostly(able), answer).is_some() {
                        self.offer = None;
                        if outcome == Outcome::Accepted {
                            self.owners.push((to, now_ms));
                        }
                    }
                }
            }
            _ if draws.below(10) == 0 => {
                if self.run(who, end_right(&self.subject)).is_some() {
                    self.ended_ms = Some(now_ms);
                }
            }
            _ => {
                self.chain.commit(&[]);
            }
        }
    }

    fn grant(&mut self, draws: &mut Draws, licensee: usize, now_ms: u64) {
        // The last ones: what is long over has no licence beneath it.
        let last = self.licences.len().checked_sub(1 + draws.below(4));
        let parent = last.filter(|_| draws.below(2) == 0);
        let from_ms = now_ms + draws.below(3) as u64 * 1000;
        let mut terms = LicenceTerms {
            acts: vec![LicensedAct::Sell.into()],
            territories: vec![PLACES[draws.below(3)].into()],
            from_ms,
            until_ms: from_ms + draws.below(9) as u64 * 1000,
            depth: draws.below(4) as u32,
            sublicensees: Vec::new(),
        };
        // Mostly within the licence that it stands on.
        if let Some(parent) = parent.map(|n| &self.licences[n].terms)
            && draws.below(4) > 0
        {
            terms.territories.clone_from(&parent.territories);
            terms.from_ms = from_ms.max(parent.from_ms);
            terms.until_ms = parent.until_ms;
            terms.depth = parent.depth.saturating_sub(1);
        }
        let owner = self.owner(now_ms).unwrap_or_default();
        let who = draws.mostly(parent.map_or(owner, |n| self.licences[n].licensee));
        let above = parent.map(|n| self.licences[n].id);
        let name = PARTIES[licensee].0;
        let action = grant(&self.subject, above.as_ref(), name, terms.clone());
        if let Some(id) = self.run(who, action) {
            let ended_ms = None;
            self.licences.push(Granted {
                id,
                grantor: who,
                parent,
                licensee,
                terms,
                ended_ms,
            });
        }
    }

    fn run(&mut self, who: usize, action: Action) -> Option<Hash> {
        let id = self.chain.run_for_id(PARTIES[who], action).ok()?;
        self.applied += 1;
        Some(id)
    }

    fn owner(&self, at_ms: u64) -> Option<usize> {
        let mut owners = self.owners.iter().rev();
        owners
            .find(|(_, since)| *since <= at_ms)
            .map(|(who, _)| *who)
    }

    fn stands(&self, n: usize, at_ms: u64) -> bool {
        let licence = &self.licences[n];
        let own = licence.ended_ms.is_none_or(|end| at_ms < end);
        own && licence
            .parent
            .is_none_or(|parent| self.stands(parent, at_ms))
    }

    /// Each licence is within the one that it stands on, and no two owners are there at once.
    fn check_shape(&self) {
        for licence in &self.licences {
            let Some(parent) = licence.parent.map(|n| &self.licences[n]) else {
                continue;
            };
            let (child, parent) = (&licence.terms, &parent.terms);
            assert!(parent.from_ms <= child.from_ms && child.until_ms <= parent.until_ms);
            assert!(child.depth < parent.depth);
            let within = |place: &String| licence::covers(&parent.territories, place);
            assert!(child.territories.iter().all(within));
        }
        assert!(
            self.owners.is_sorted_by(|a, b| a.1 < b.1),
            "one owner after the other"
        );
    }

    /// The answer by looking at everything.
    fn may(&self, seller: usize, place: &str, at_ms: u64) -> bool {
        let Some(owner) = self.owner(at_ms) else {
            return false;
        };
        let has_right = self.ended_ms.is_none_or(|end| at_ms < end);
        let mut licences = 0..self.licences.len();
        let licensed = licences.any(|n| {
            let Granted {
                licensee, terms, ..
            } = &self.licences[n];
            *licensee == seller
                && licence::covers(&terms.territories, place)
                && (terms.from_ms..=terms.until_ms).contains(&at_ms)
                && self.stands(n, at_ms)
        });
        has_right && (owner == seller || licensed)
    }

    fn asked(&self, seller: usize, place: &str, at_ms: u64) -> Option<bool> {
        let question = SaleQuestion {
            subject: self.subject,
            seller: PARTIES[seller].0.into(),
            act: LicensedAct::Sell,
            territory: place.into(),
            at_ms,
        };
        match answer(&self.chain.state, &question).unwrap() {
            SaleAnswer::Owner | SaleAnswer::Licensed(_) => Some(true),
            SaleAnswer::No(_) => Some(false),
            SaleAnswer::Untold { .. } => None,
        }
    }
}

#[test]
fn answers_are_those_of_a_model_that_looks_at_everything() {
    let (mut applied, mut yes, mut no, mut untold) = (0, 0, 0, 0);
    for seed in 0..60 {
        let mut model = Model::start();
        let mut draws = Draws(Box::new(stream(seed)));
        let mut past: Vec<(usize, &str, u64, bool)> = Vec::new();
        for _ in 0..60 {
            model.act(&mut draws);
            model.check_shape();
            for _ in 0..4 {
                let (seller, place) = (draws.below(4), PLACES[draws.below(2)]);
                let ago_ms = draws.below(20) as u64 * 500;
                let at_ms = model.chain.time_ms + 4_000 - ago_ms;
                let found = model.asked(seller, place, at_ms);
                match found {
                    Some(found) => assert_eq!(
                        found,
                        model.may(seller, place, at_ms),
                        "seed {seed}: {seller} {place} {at_ms}"
                    ),
                    None => untold += 1,
                }
                let is_past = at_ms <= model.chain.time_ms;
                if let Some(found) = found {
                    yes += usize::from(found);
                    no += usize::from(!found);
                    if is_past {
                        past.push((seller, place, at_ms, found));
                    }
                }
            }
        }
        // What was said of the past is still so, or untold.
        for (seller, place, at_ms, found) in past {
            let again = model.asked(seller, place, at_ms);
            assert!(again.is_none_or(|again| again == found), "seed {seed}");
        }
        applied += model.applied;
    }
    assert!(
        applied > 600 && yes > 1000 && no > 1000,
        "{applied} acts, {yes} yes, {no} no"
    );
    assert!(untold < yes, "{untold} untold");
}
