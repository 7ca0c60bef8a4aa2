//! The rules of the three routes of a dispute that read a block's time; deadlines are judged in `dispute.rs`.

/// As in the table of all rooms.
pub(super) const READS: &[(&str, &str, &[u32])] = &[
    (
        "designs/contest_refusal.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/contest_refusal.rs",
        "let record = dispute::open(state, &id, &[DisputePhase::Refused], now_ms)?;",
        &[],
    ),
    (
        "designs/contest_refusal.rs",
        "referral::ask(state, &id, record, question, now_ms)",
        &[],
    ),
    (
        "designs/dispute.rs",
        "close_question(dispute, now_ms);",
        &[],
    ),
    ("designs/dispute.rs", "open.closed_ms = now_ms;", &[]),
    (
        "designs/dispute_deadlines.rs",
        "return referral::pass(state, id, dispute, now_ms);",
        &[],
    ),
    (
        "designs/give_notice.rs",
        "referral::await_answer(state, &id, &mut record, now_ms)?;",
        &[],
    ),
    (
        "designs/give_opinion.rs",
        "CentreOpinion::Infringes => referral::await_answer(state, &id, &mut record, now_ms)?,",
        &[],
    ),
    (
        "designs/give_opinion.rs",
        "_ => referral::refuse(state, &id, &mut record, now_ms)?,",
        &[],
    ),
    ("designs/give_opinion.rs", "asked.closed_ms = now_ms;", &[]),
    (
        "designs/give_opinion.rs",
        "let mut record = dispute::open(state, &id, &[DisputePhase::Referred], now_ms)?;",
        &[],
    ),
    (
        "designs/give_opinion.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/refer_notice.rs",
        "let now_ms = context.block.time_ms;",
        &[],
    ),
    (
        "designs/refer_notice.rs",
        "let record = dispute::open(state, &id, &[DisputePhase::Noticed], now_ms)?;",
        &[],
    ),
    (
        "designs/refer_notice.rs",
        "referral::ask(state, &id, record, question, now_ms)",
        &[],
    ),
    (
        "designs/referral.rs",
        "PlatformMeasure::Refused => refuse(state, id, &mut dispute, now_ms),",
        &[],
    ),
    (
        "designs/referral.rs",
        "_ => await_answer(state, id, &mut dispute, now_ms),",
        &[],
    ),
    (
        "designs/referral.rs",
        "dispute.deadline_ms = deadline::set(state, id, days, now_ms)?;",
        &[],
    ),
    (
        "designs/referral.rs",
        "dispute::close_question(&mut dispute, now_ms);",
        &[],
    ),
    (
        "designs/referral.rs",
        "dispute::lead_on(state, id, dispute, DisputePhase::Noticed, days, now_ms)",
        &[],
    ),
    (
        "designs/referral.rs",
        "dispute::lead_on(state, id, dispute, DisputePhase::Refused, days, now_ms)",
        &[],
    ),
    ("designs/referral.rs", "question.referred_ms = now_ms;", &[]),
];
