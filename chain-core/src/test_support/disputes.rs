//! Disputes about a listing on the market: the maker complains about the carrier's.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AnswerNotice, CounterNotice, DisputeOutcome, GiveNotice, PlatformMeasure, RuleDispute,
    ShowFiling, WithdrawNotice,
};

use crate::Hash;

pub fn notice(subject: &Hash, listing: &str) -> GiveNotice {
    GiveNotice {
        subject: subject.to_vec(),
        platform: "market".into(),
        respondent: "carrier".into(),
        listing: listing.into(),
        evidence: vec![1; 32],
    }
}

pub fn measure(dispute: &Hash, measure: PlatformMeasure) -> Action {
    Action::AnswerNotice(AnswerNotice {
        dispute: dispute.to_vec(),
        measure: measure.into(),
        reason: "the pictures agree".into(),
    })
}

pub fn counter(dispute: &Hash) -> Action {
    Action::CounterNotice(CounterNotice {
        dispute: dispute.to_vec(),
        declaration: vec![2; 32],
    })
}

pub fn filing(dispute: &Hash, authority: &str) -> Action {
    Action::ShowFiling(ShowFiling {
        dispute: dispute.to_vec(),
        authority: authority.into(),
        reference: "(2026) 7".into(),
    })
}

pub fn withdrawal(dispute: &Hash) -> Action {
    Action::WithdrawNotice(WithdrawNotice {
        dispute: dispute.to_vec(),
        reason: "a mistake".into(),
    })
}

pub fn ruling(dispute: &Hash, outcome: DisputeOutcome) -> Action {
    Action::RuleDispute(RuleDispute {
        dispute: dispute.to_vec(),
        outcome: outcome.into(),
        reasons: vec![3; 32],
        rule_book: vec![4; 32],
    })
}
