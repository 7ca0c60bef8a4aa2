//! The lines of public reviews that read a block's time. Each judges by `dispute::open`, whose line and cases stand
//! with the other designs, but for that of a beacon's pulse.

use touchstone_core::governance::beacon;
use touchstone_core::governance::hash_chain;
use touchstone_core::test_support::beacons;
use touchstone_core::test_support::disputes::{counter, measure};
use touchstone_core::test_support::reviews::{
    FEW, Jury, VALIDATORS, VALUES, open_review, put_chain, secret,
};
use touchstone_core::test_support::{CARRIER, MARKET, OFFICE, change, public};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{
    Beacon, PlatformMeasure, RevealPreimage, ReviewGround, ReviewTerms,
};

use super::{BETWEEN_MS, Case, Ledger};
use crate::chain::tests::*;

/// As in the table of all rooms.
pub(super) const READS: &[(&str, &str, &[u32])] = &[
    (
        "designs/dispute_deadlines.rs",
        "return review::pass(state, id, dispute, now_ms);",
        &[],
    ),
    (
        "designs/review.rs",
        "ReviewPhase::Decided => end(state, id, dispute, review, now_ms),",
        &[],
    ),
    (
        "designs/review.rs",
        "_ => end(state, id, dispute, review, now_ms),",
        &[],
    ),
    (
        "designs/review.rs",
        "conclude(state, id, dispute, review, none, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "conclude(state, id, dispute, review, result, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "dispute::end(state, id, &mut dispute, outcome, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "dispute::lead_on(state, id, &mut dispute, phase, days, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "dispute::lead_on(state, id, dispute, DisputePhase::Review, days, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "end_committing(state, id, dispute, review, panel, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "lead_on(state, id, &mut dispute, review, phase, days, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "lead_on(state, id, &mut dispute, review, phase, days, now_ms)",
        &[],
    ),
    (
        "designs/review.rs",
        "let dispute = dispute::open(state, id, &[DisputePhase::Review], now_ms)?;",
        &[],
    ),
    ("designs/review.rs", "result.time_ms = now_ms;", &[]),
    (
        "designs/review.rs",
        "return conclude(state, id, dispute, review, none, now_ms);",
        &[],
    ),
    (
        "designs/review.rs",
        "return conclude(state, id, dispute, review, result, now_ms);",
        &[],
    ),
    (
        "designs/review.rs",
        "true => end_committing(state, id, dispute, review, panel, now_ms),",
        &[],
    ),
    (
        "designs/review/accept_verdict.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/review/accept_verdict.rs",
        "let (dispute, review) = under_review(state, &id, ReviewPhase::Decided, now_ms)?;",
        &[],
    ),
    (
        "designs/review/accept_verdict.rs",
        "end(state, &id, dispute, review, now_ms)?;",
        &[],
    ),
    (
        "designs/review/appeal_review.rs",
        "let (dispute, mut review) = under_review(state, &id, ReviewPhase::Decided, now_ms)?;",
        &[],
    ),
    (
        "designs/review/appeal_review.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/review/cast_ballot.rs",
        "keep_cast(state, &id, dispute, review, panel, now_ms)?;",
        &[],
    ),
    (
        "designs/review/cast_ballot.rs",
        "let (dispute, review) = under_review(state, &id, ReviewPhase::Committing, now_ms)?;",
        &[],
    ),
    (
        "designs/review/cast_ballot.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "if !waits || dispute.deadline_ms < now_ms {",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "lead_on(state, id, &mut dispute, review, phase, days, block.time_ms)?;",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "lead_on(state, id, &mut dispute, review, phase, days, now_ms)",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "return conclude(state, id, dispute, review, none, now_ms);",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "seat(state, &id, number, &draw, block.time_ms)?;",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "if is_random && beacon::awaited(taken, block.time_ms).is_some() {",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "taken.closed_ms = block.time_ms;",
        &[],
    ),
    (
        "designs/review/draws.rs",
        "taken.revealed_ms = block.time_ms;",
        &[],
    ),
    (
        "designs/review/show_pulse.rs",
        "let named = beacon::awaited(taken, context.block.time_ms).ok_or_else(|| {",
        &[860],
    ),
    (
        "governance/beacon.rs",
        "(waits && now_ms <= deadline_ms(beacon, draw.revealed_ms)).then_some(beacon)",
        &[860],
    ),
    (
        "designs/review/open_ballot.rs",
        "keep_opened(state, &id, dispute, review, &panel, now_ms)?;",
        &[],
    ),
    (
        "designs/review/open_ballot.rs",
        "let (dispute, review) = under_review(state, &id, ReviewPhase::Opening, now_ms)?;",
        &[],
    ),
    (
        "designs/review/open_ballot.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/review/open_review.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/review/open_review.rs",
        "let record = dispute::open(state, &id, &[DisputePhase::Countered], now_ms)?;",
        &[],
    ),
    ("designs/review/open_review.rs", "opened_ms: now_ms,", &[]),
    (
        "designs/review/register_jurors.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/review/void_ballot.rs",
        "keep_cast(state, &id, dispute, review, panel, now_ms)?;",
        &[],
    ),
    (
        "designs/review/void_ballot.rs",
        "let (dispute, review) = under_review(state, &id, ReviewPhase::Committing, now_ms)?;",
        &[],
    ),
    (
        "designs/review/void_ballot.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
];

pub(super) const CASES: &[Case] = &[Case {
    name: "a beacon's pulse after the deadline",
    fresh: 0,
    idle: 860,
    submit: |ledger| {
        let named = Beacon {
            wait_ms: BETWEEN_MS as u32,
            ..beacons::named()
        };
        ledger.reveal_all(&named);
        let time_ms = beacon::pulse_ms(&named, ledger.chain.tip.time_ms);
        ledger.sign(OFFICE, beacons::show(beacons::pulse(time_ms)))
    },
}];

impl Ledger {
    /// Commits a review and the values of all validators, under terms that name a beacon.
    fn reveal_all(&mut self, named: &Beacon) {
        for seed in VALIDATORS {
            self.vote(&put_chain(1, seed));
        }
        let terms = ReviewTerms {
            beacon: Some(named.clone()),
            ..FEW
        };
        self.vote(&change(1, Kind::PutReviewTerms(terms)));
        let jurors = self.sign(MARKET, Jury::of(20).register());
        self.commit(&[jurors]);
        let id = self.notice();
        let steps = [
            (MARKET, measure(&id, PlatformMeasure::Removed)),
            (CARRIER, counter(&id)),
            (CARRIER, open_review(&id, ReviewGround::Similarity)),
        ];
        for (who, action) in steps {
            let envelope = self.sign(who, action);
            self.commit(&[envelope]);
        }
        for seed in VALIDATORS {
            let tip = hash_chain::tip(&secret(seed), VALUES);
            let value = hash_chain::value_below(&secret(seed), VALUES, &tip);
            let reveal = RevealPreimage {
                validator: public(seed).to_vec(),
                preimage: value.unwrap().to_vec(),
            };
            let envelope = self.sign(OFFICE, Action::RevealPreimage(reveal));
            self.commit(&[envelope]);
        }
    }
}
