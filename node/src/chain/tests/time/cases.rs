//! The rules of checks, hand-overs and sanctions that read a block's time.

use touchstone_core::governance::dispute_terms;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::cases::{appeal_sanction, sanction, spot_check};
use touchstone_core::test_support::disputes::{filing, measure, notice, ruling};
use touchstone_core::test_support::{CARRIER, MAKER, MARKET, OFFICE, change, public};
use touchstone_core::{designs::design, transaction};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DisputeOutcome, DisputeTerms, PlatformMeasure, SanctionKind};

use super::{BETWEEN_MS, Case, DAY_MS, Ledger};

/// As in the table of all rooms.
pub(super) const READS: &[(&str, &str, &[u32])] = &[
    (
        "designs/accept_case.rs",
        "if offered.deadline_ms < now_ms {",
        &[837],
    ),
    (
        "designs/accept_case.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;",
        &[],
    ),
    (
        "designs/accept_case.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/accept_case.rs", "offered.closed_ms = now_ms;", &[]),
    ("designs/answer_check.rs", "check.closed_ms = now_ms;", &[]),
    (
        "designs/answer_check.rs",
        "let mut check = case_check::open(state, &id, now_ms)?;",
        &[],
    ),
    (
        "designs/answer_check.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/appeal_sanction.rs",
        "let mut record = sanction::open(state, &id, false, now_ms)?;",
        &[],
    ),
    (
        "designs/appeal_sanction.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/appeal_sanction.rs",
        "record.appealed_ms = now_ms;",
        &[],
    ),
    (
        "designs/appeal_sanction.rs",
        "sanction::wait(state, &id, &mut record, days, now_ms)?;",
        &[],
    ),
    ("designs/case_check.rs", "check.closed_ms = now_ms;", &[]),
    (
        "designs/case_check.rs",
        "match check.deadline_ms < now_ms {",
        &[837],
    ),
    ("designs/deadline.rs", "let first = now_ms / HOUR_MS;", &[]),
    (
        "designs/deadline.rs",
        "let hour = now_ms.saturating_add(after_ms) / HOUR_MS;",
        &[],
    ),
    (
        "designs/decide_appeal.rs",
        "let mut record = sanction::open(state, &id, true, now_ms)?;",
        &[],
    ),
    (
        "designs/decide_appeal.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/decide_appeal.rs",
        "sanction::close(state, &id, &mut record, outcome, now_ms)?;",
        &[],
    ),
    (
        "designs/dispute.rs",
        "dispute.deadline_ms = deadline::set(state, id, days, now_ms)?;",
        &[],
    ),
    ("designs/dispute.rs", "lapse(dispute, now_ms);", &[]),
    ("designs/dispute.rs", "offered.closed_ms = now_ms;", &[]),
    (
        "designs/dispute_deadlines.rs",
        "dispute::lapse(&mut dispute, now_ms);",
        &[],
    ),
    (
        "designs/dispute_deadlines.rs",
        "return pass_other(state, id, hour, now_ms);",
        &[],
    ),
    (
        "designs/dispute_deadlines.rs",
        "case_check::pass(state, id, check, hour, now_ms);",
        &[],
    ),
    (
        "designs/dispute_deadlines.rs",
        "sanction::pass(state, id, sanction, hour, now_ms)",
        &[],
    ),
    (
        "designs/give_notice.rs",
        "sanction::check_may_notify(state, complainant, context.block.time_ms)?;",
        &[],
    ),
    (
        "designs/hand_over_case.rs",
        "deadline_ms: deadline::set(state, &id, days, now_ms)?,",
        &[],
    ),
    (
        "designs/hand_over_case.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;",
        &[],
    ),
    (
        "designs/hand_over_case.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/hand_over_case.rs", "offered_ms: now_ms,", &[]),
    (
        "designs/impose_sanction.rs",
        "check_term(action, &terms, now_ms)?;",
        &[],
    ),
    ("designs/impose_sanction.rs", "from_ms: now_ms,", &[]),
    ("designs/impose_sanction.rs", "from_ms: now_ms,", &[]),
    (
        "designs/impose_sanction.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/impose_sanction.rs",
        "let term_ms = action.until_ms.checked_sub(now_ms);",
        &[844],
    ),
    (
        "designs/impose_sanction.rs",
        "sanction::wait(state, &id, &mut record, terms.appeal_days, now_ms)?;",
        &[],
    ),
    ("designs/record_check.rs", "check.closed_ms = now_ms;", &[]),
    (
        "designs/record_check.rs",
        "check_shape(action, now_ms)?;",
        &[],
    ),
    (
        "designs/record_check.rs",
        "let is_known = action.kind() != CaseCheckKind::Unspecified && action.at_ms <= now_ms;",
        &[831],
    ),
    (
        "designs/record_check.rs",
        "let mut record = dispute::open(state, &id, &dispute::OPEN, now_ms)?;",
        &[],
    ),
    (
        "designs/record_check.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    ("designs/record_check.rs", "recorded_ms: now_ms,", &[]),
    (
        "designs/record_check.rs",
        "true => check.deadline_ms = deadline::set(state, &check_id, u64::from(days), now_ms)?,",
        &[],
    ),
    (
        "designs/sanction.rs",
        "close(state, id, &mut sanction, outcome, now_ms)",
        &[],
    ),
    (
        "designs/sanction.rs",
        "match sanction.deadline_ms < now_ms {",
        &[837],
    ),
    ("designs/sanction.rs", "sanction.closed_ms = now_ms;", &[]),
    (
        "designs/sanction.rs",
        "sanction.deadline_ms = deadline::set(state, id, u64::from(days), now_ms)?;",
        &[],
    ),
    (
        "designs/sanction.rs",
        "sanction.until_ms = sanction.until_ms.min(now_ms.saturating_sub(1));",
        &[],
    ),
    (
        "designs/sanction.rs",
        "|held: &&HeldSanction| held.kind() == SanctionKind::NoNotices && holds_at(held, now_ms);",
        &[830],
    ),
];

pub(super) const CASES: &[Case] = &[
    Case {
        name: "a notice of who is barred from giving any, for a time",
        fresh: 830,
        idle: 0,
        submit: |ledger| {
            let dispute = ledger.ruled(DisputeOutcome::FalseNotice);
            let until_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            let bar = sanction(MAKER.0, SanctionKind::NoNotices, &[dispute], until_ms);
            let bar = ledger.sign(OFFICE, Action::ImposeSanction(bar));
            ledger.commit(&[bar]);
            let subject = design::id(&public(MAKER.1), &[1; 32]);
            ledger.sign(MAKER, Action::GiveNotice(notice(&subject, "y")))
        },
    },
    Case {
        name: "a check that is to come",
        fresh: 831,
        idle: 0,
        submit: |ledger| {
            let mut check = spot_check(&ledger.notice());
            check.at_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            ledger.sign(OFFICE, Action::RecordCheck(check))
        },
    },
    Case {
        name: "a sanction whose term is over",
        fresh: 0,
        idle: 844,
        submit: |ledger| {
            let dispute = ledger.ruled(DisputeOutcome::Upheld);
            let until_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            let bar = sanction(CARRIER.0, SanctionKind::NoSales, &[dispute], until_ms);
            ledger.sign(OFFICE, Action::ImposeSanction(bar))
        },
    },
    Case {
        name: "an appeal after its deadline, which no block has come to yet",
        fresh: 0,
        idle: 837,
        submit: |ledger| {
            let terms = DisputeTerms {
                appeal_days: dispute_terms::DEFAULT.declaration_days,
                ..dispute_terms::DEFAULT
            };
            ledger.vote(&change(1, Kind::PutDisputeTerms(terms)));
            let dispute = ledger.ruled(DisputeOutcome::Upheld);
            let until_ms = ledger.chain.tip.time_ms + 200 * DAY_MS;
            let bar = sanction(CARRIER.0, SanctionKind::NoSales, &[dispute], until_ms);
            let bar = ledger.sign(MARKET, Action::ImposeSanction(bar));
            ledger.commit(std::slice::from_ref(&bar));
            let id = transaction::id_of_envelope(&ledger.id, &bar).unwrap();
            ledger.pass_to_deadline(dispute_terms::DEFAULT.declaration_days.into());
            ledger.sign(CARRIER, appeal_sanction(&id, OFFICE.0))
        },
    },
];

impl Ledger {
    /// Commits a dispute that the office rules; its id.
    fn ruled(&mut self, outcome: DisputeOutcome) -> Hash {
        let id = self.notice();
        let steps = [
            (MARKET, measure(&id, PlatformMeasure::Removed)),
            (MAKER, filing(&id, OFFICE.0)),
            (OFFICE, ruling(&id, outcome)),
        ];
        for (who, action) in steps {
            let envelope = self.sign(who, action);
            self.commit(&[envelope]);
        }
        id
    }
}
