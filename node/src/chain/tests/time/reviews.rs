//! The lines of public reviews that read a block's time. Each judges by `dispute::open`, whose line and cases stand
//! with the other designs.

/// As in the table of all rooms.
pub(super) const READS: &[(&str, &str, &[u32])] = &[
    (
        "designs/dispute_deadlines.rs",
        "review::pass(state, id, dispute, now_ms)?;",
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
