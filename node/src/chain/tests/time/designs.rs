//! The rules of designs that read a block's time.

use touchstone_core::designs::limits::HOUR_MS;
use touchstone_core::designs::{design, mark};
use touchstone_core::governance::dispute_terms;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::disputes::{counter, measure, notice};
use touchstone_core::test_support::rights::{
    answer_right, end_licence, end_right, grant, offer_right, terms,
};
use touchstone_core::test_support::vouched::{LIN, deposit, vouch};
use touchstone_core::test_support::{CARRIER, MAKER, MARKET, OFFICE, public};
use touchstone_core::transaction;
use touchstone_proto::ledger;
use touchstone_proto::ledger::PlatformMeasure;
use touchstone_proto::ledger::transaction::Action;

use super::{BETWEEN_MS, Case, DAY_MS, Ledger};

/// As in the table of all rooms.
pub(super) const READS: &[(&str, &str, &[u32])] = &[
    (
        "designs/answer_notice.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/answer_notice.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Noticed], now_ms)?;",
        &[],
    ),
    (
        "designs/answer_notice.rs",
        "record.answered_ms = now_ms;",
        &[],
    ),
    (
        "designs/answer_notice.rs",
        "PlatformMeasure::Refused => referral::refuse(state, &id, &mut record, now_ms)?,",
        &[],
    ),
    (
        "designs/answer_notice.rs",
        "dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;",
        &[],
    ),
    (
        "designs/answer_transfer.rs",
        "right::pass_on(&mut record, &offer.to, context.block.time_ms);",
        &[],
    ),
    (
        "designs/answer_transfer.rs",
        "let open = right::open_offer(record, context.block.time_ms);",
        &[445],
    ),
    (
        "designs/attest_mark.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/attest_mark.rs",
        "let has_lapsed = record.ended.is_some() || record.until_ms < now_ms;",
        &[],
    ),
    (
        "designs/attest_mark.rs",
        "right::pass_on(&mut record, &action.owner, now_ms);",
        &[],
    ),
    ("designs/attest_mark.rs", "time_ms: now_ms,", &[]),
    (
        "designs/attest_mark.rs",
        "let term_ms = action.until_ms.checked_sub(context.block.time_ms);",
        &[461],
    ),
    (
        "designs/counter_notice.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/counter_notice.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Measures], now_ms)?;",
        &[],
    ),
    (
        "designs/counter_notice.rs",
        "record.countered_ms = now_ms;",
        &[],
    ),
    (
        "designs/counter_notice.rs",
        "dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;",
        &[],
    ),
    (
        "designs/deposit_design.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/disclose_design.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/dispute.rs",
        "match dispute.deadline_ms < now_ms {",
        &[472],
    ),
    ("designs/dispute.rs", "dispute.ended_ms = now_ms;", &[]),
    (
        "designs/dispute_deadlines.rs",
        "let before = (block.time_ms / HOUR_MS).min(first.saturating_add(MAX_HOURS));",
        &[471],
    ),
    (
        "designs/dispute_deadlines.rs",
        "pass_one(state, &id, hour, block.time_ms)?;",
        &[],
    ),
    (
        "designs/dispute_deadlines.rs",
        "Some(outcome) => end(state, id, &mut dispute, outcome, now_ms),",
        &[],
    ),
    (
        "designs/end_licence.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/end_licence.rs", "known.ended_ms = now_ms;", &[]),
    ("designs/end_licence.rs", "time_ms: now_ms,", &[]),
    (
        "designs/end_licence.rs",
        "match has_ended || until_ms < context.block.time_ms {",
        &[455],
    ),
    (
        "designs/end_right.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/end_right.rs",
        "true => right::check_stands(&record, now_ms)?,",
        &[],
    ),
    (
        "designs/end_right.rs",
        "right::check_owner(&record, by, now_ms)?;",
        &[],
    ),
    (
        "designs/end_right.rs",
        "right::check_not_offered(&record, now_ms)?;",
        &[442],
    ),
    ("designs/end_right.rs", "time_ms: now_ms,", &[]),
    (
        "designs/give_notice.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/give_notice.rs", "noticed_ms: now_ms,", &[]),
    (
        "designs/give_notice.rs",
        "right::check_owner(&record, complainant, context.block.time_ms)?;",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/grant_licence.rs", "terms.from_ms = now_ms;", &[]),
    (
        "designs/grant_licence.rs",
        "licence::check_shape(&terms, now_ms)?;",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "let licences = check_beside(state, before, granted, now_ms)?;",
        &[],
    ),
    ("designs/grant_licence.rs", "time_ms: now_ms,", &[]),
    (
        "designs/grant_licence.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "right::check_owner(record, &context.organisation.id, now_ms)?;",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "right::check_not_offered(record, now_ms)?;",
        &[442],
    ),
    (
        "designs/grant_licence.rs",
        "right::check_stands(record, context.block.time_ms)?;",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "match licence::end_above(state, &above, context.block.time_ms)? {",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "&& let Some(ended_ms) = licence::end_above(state, &known.above, now_ms)?",
        &[],
    ),
    (
        "designs/grant_licence.rs",
        "let over = licences.iter().position(|known| end_of(known) < now_ms);",
        &[458],
    ),
    (
        "designs/licence.rs",
        "let in_time = now_ms <= terms.from_ms && terms.from_ms <= terms.until_ms;",
        &[451],
    ),
    (
        "designs/look_alikes.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/publish_features.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/offer_transfer.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/offer_transfer.rs",
        "right::check_owner(&record, &context.organisation.id, now_ms)?;",
        &[],
    ),
    (
        "designs/offer_transfer.rs",
        "right::check_not_offered(&record, now_ms)?;",
        &[442],
    ),
    (
        "designs/offer_transfer.rs",
        "let left_ms = action.deadline_ms.checked_sub(now_ms);",
        &[444],
    ),
    ("designs/right.rs", "check_stands(right, now_ms)", &[]),
    (
        "designs/right.rs",
        "match ends_ms(right).is_some_and(|end| end <= now_ms) {",
        &[441],
    ),
    (
        "designs/rule_dispute.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/rule_dispute.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;",
        &[],
    ),
    (
        "designs/rule_dispute.rs",
        "dispute::end(state, &id, &mut record, outcome, now_ms)?;",
        &[],
    ),
    (
        "designs/show_filing.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/show_filing.rs",
        "let mut record = dispute::open(state, &id, &phases, now_ms)?;",
        &[],
    ),
    ("designs/show_filing.rs", "record.filed_ms = now_ms;", &[]),
    (
        "designs/show_filing.rs",
        "dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;",
        &[],
    ),
    (
        "designs/vouch_for_designer.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/vouch_for_designer.rs",
        "let is_unbroken = last.record.until_ms.saturating_add(1) >= now_ms;",
        &[],
    ),
    (
        "designs/vouch_for_designer.rs",
        "(last.number.saturating_add(1), known.unwrap_or(now_ms))",
        &[],
    ),
    ("designs/vouch_for_designer.rs", "(0, now_ms)", &[]),
    ("designs/vouch_for_designer.rs", "from_ms: now_ms,", &[]),
    (
        "designs/vouch_for_designer.rs",
        "let term_ms = action.until_ms.checked_sub(context.block.time_ms);",
        &[432],
    ),
    (
        "designs/vouching.rs",
        "if context.block.time_ms > vouching.until_ms {",
        &[438],
    ),
    (
        "designs/withdraw_notice.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/withdraw_notice.rs",
        "let mut record = dispute::open(state, &id, &dispute::OPEN, now_ms)?;",
        &[],
    ),
    (
        "designs/withdraw_notice.rs",
        "dispute::end(state, &id, &mut record, DisputeOutcome::Withdrawn, now_ms)?;",
        &[],
    ),
    (
        "designs/withdraw_vouching.rs",
        "time_ms: context.block.time_ms,",
        &[],
    ),
    (
        "designs/withdraw_vouching.rs",
        "let before_ms = context.block.time_ms.saturating_sub(1);",
        &[],
    ),
];

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a term of a vouching that is over",
        fresh: 0,
        idle: 432,
        submit: |ledger| ledger.vouching(),
    },
    Case {
        name: "a deposit after the end of a vouching",
        fresh: 0,
        idle: 438,
        submit: |ledger| {
            let vouching = ledger.vouching();
            ledger.commit(&[vouching]);
            ledger.sign(LIN, deposit(1))
        },
    },
    Case {
        name: "a transfer whose deadline has passed",
        fresh: 0,
        idle: 444,
        submit: |ledger| {
            let subject = ledger.design();
            ledger.transfer(&subject)
        },
    },
    Case {
        name: "an answer after the deadline of a transfer",
        fresh: 0,
        idle: 445,
        submit: |ledger| {
            let subject = ledger.design();
            let offer = ledger.transfer(&subject);
            ledger.commit(std::slice::from_ref(&offer));
            let id = transaction::id_of_envelope(&ledger.id, &offer).unwrap();
            let accepted = ledger::Outcome::Accepted;
            ledger.sign(MARKET, answer_right(&subject, &id, accepted))
        },
    },
    Case {
        name: "giving up a right that is offered",
        fresh: 442,
        idle: 0,
        submit: |ledger| {
            let subject = ledger.design();
            let offer = ledger.transfer(&subject);
            ledger.commit(&[offer]);
            ledger.sign(MAKER, end_right(&subject))
        },
    },
    Case {
        name: "the term of a mark's registration",
        fresh: 0,
        idle: 461,
        submit: |ledger| ledger.mark(),
    },
    Case {
        name: "a licence under a mark whose term is over",
        fresh: 0,
        idle: 441,
        submit: |ledger| {
            let mark = ledger.mark();
            ledger.commit(&[mark]);
            let later = terms(ledger.chain.tip.time_ms + DAY_MS);
            let subject = mark::id(OFFICE.0, "1");
            ledger.sign(MAKER, grant(&subject, None, MARKET.0, later))
        },
    },
    Case {
        name: "a licence that begins in the past",
        fresh: 0,
        idle: 451,
        submit: |ledger| {
            let subject = ledger.design();
            let begins_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            let mut terms = terms(begins_ms + DAY_MS);
            terms.from_ms = begins_ms;
            ledger.sign(MAKER, grant(&subject, None, MARKET.0, terms))
        },
    },
    Case {
        name: "the end of a licence whose term is over",
        fresh: 0,
        idle: 455,
        submit: |ledger| {
            let subject = ledger.design();
            let licence = ledger.licence(&subject, "CN");
            ledger.commit(std::slice::from_ref(&licence));
            let id = transaction::id_of_envelope(&ledger.id, &licence).unwrap();
            ledger.sign(MAKER, end_licence(&id))
        },
    },
    Case {
        name: "one licence more than stand in a list",
        fresh: 458,
        idle: 0,
        submit: |ledger| {
            let subject = ledger.design();
            let places = ["AA", "BB", "CC", "DD"];
            let licences = places.map(|place| ledger.licence(&subject, place));
            ledger.commit(&licences);
            let later = terms(ledger.chain.tip.time_ms + DAY_MS);
            ledger.sign(MAKER, grant(&subject, None, MARKET.0, later))
        },
    },
    Case {
        name: "an answer to a notice whose deadline has ended the dispute",
        fresh: 0,
        idle: 471,
        submit: |ledger| {
            let id = ledger.notice();
            ledger.pass_to_deadline(dispute_terms::DEFAULT.answer_days.into());
            ledger.sign(MARKET, measure(&id, PlatformMeasure::Removed))
        },
    },
    Case {
        name: "a declaration after its deadline, which no block has come to yet",
        fresh: 0,
        idle: 472,
        submit: |ledger| {
            let id = ledger.notice();
            let taken = ledger.sign(MARKET, measure(&id, PlatformMeasure::Removed));
            ledger.commit(&[taken]);
            ledger.pass_to_deadline(dispute_terms::DEFAULT.declaration_days.into());
            ledger.sign(CARRIER, counter(&id))
        },
    },
];

impl Ledger {
    /// The market's word for Lin, up to a time between the last block and now.
    fn vouching(&self) -> Vec<u8> {
        let until_ms = self.chain.tip.time_ms + BETWEEN_MS;
        let action = vouch(&self.id, LIN, until_ms);
        self.sign(MARKET, Action::VouchForDesigner(action))
    }

    /// Commits a deposit of the maker's.
    fn design(&mut self) -> Hash {
        let envelope = self.sign(MAKER, deposit(1));
        self.commit(&[envelope]);
        design::id(&public(MAKER.1), &[1; 32])
    }

    /// The office's attestation of the maker's mark, up to a time between the last block and now.
    fn mark(&self) -> Vec<u8> {
        let action = ledger::AttestMark {
            number: "1".into(),
            name: "Cloud".into(),
            owner: MAKER.0.into(),
            classes: 1,
            until_ms: self.chain.tip.time_ms + BETWEEN_MS,
        };
        self.sign(OFFICE, Action::AttestMark(action))
    }

    /// The maker's offer of its right to the market, up to a time between the last block and now.
    fn transfer(&self, subject: &Hash) -> Vec<u8> {
        let deadline_ms = self.chain.tip.time_ms + BETWEEN_MS;
        self.sign(MAKER, offer_right(subject, MARKET.0, deadline_ms))
    }

    /// The maker's licence to the market in a country, up to a time between the last block and now.
    fn licence(&self, subject: &Hash, place: &str) -> Vec<u8> {
        let mut terms = terms(self.chain.tip.time_ms + BETWEEN_MS);
        terms.territories = vec![place.into()];
        self.sign(MAKER, grant(subject, None, MARKET.0, terms))
    }

    /// Commits the maker's notice to the market; the dispute's id.
    pub(super) fn notice(&mut self) -> Hash {
        let subject = self.design();
        let action = Action::GiveNotice(notice(&subject, "x"));
        let envelope = self.sign(MAKER, action);
        self.commit(std::slice::from_ref(&envelope));
        transaction::id_of_envelope(&self.id, &envelope).unwrap()
    }

    /// Commits an empty block, half an hour before the deadline that began so many days ago.
    pub(super) fn pass_to_deadline(&mut self, days: u64) {
        let hour = (self.chain.tip.time_ms + days * DAY_MS) / HOUR_MS;
        let now_ms = (hour + 1) * HOUR_MS - 1 - BETWEEN_MS;
        let block = self.build(now_ms);
        self.adopt(&block, now_ms);
    }
}
