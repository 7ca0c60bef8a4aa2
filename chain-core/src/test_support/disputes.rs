//! Disputes about a listing on the market: the maker complains about the carrier's.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AnswerNotice, CentreOpinion, ContestRefusal, CounterNotice, DisputeOutcome, GiveNotice,
    GiveOpinion, PlatformMeasure, ReferNotice, Role, RuleDispute, ShowFiling, WithdrawNotice,
};

use super::rights::designed;
use super::{CARRIER, Chain, MAKER, MARKET, change, newcomer};
use crate::Hash;

/// An assistance centre, and another.
pub const AID: (&str, u8) = ("aid", 44);
pub const OTHER_AID: (&str, u8) = ("other-aid", 45);

/// A chain with a deposited design, and two assistance centres.
pub fn assisted() -> (Chain, Hash) {
    let (mut chain, subject) = designed();
    for (sequence, (id, seed)) in (200..).zip([AID, OTHER_AID]) {
        let mut record = newcomer(id, seed);
        record.roles = vec![Role::Assistance.into()];
        let wanted = change(sequence, Kind::PutOrganisation(record));
        chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    }
    (chain, subject)
}

pub fn refer(dispute: &Hash, centre: &str) -> Action {
    Action::ReferNotice(ReferNotice {
        dispute: dispute.to_vec(),
        centre: centre.into(),
        reasons: vec![21; 32],
        rule_book: vec![22; 32],
    })
}

pub fn contest(dispute: &Hash, centre: &str) -> Action {
    Action::ContestRefusal(ContestRefusal {
        dispute: dispute.to_vec(),
        centre: centre.into(),
        reasons: vec![23; 32],
    })
}

pub fn opinion(dispute: &Hash, opinion: CentreOpinion) -> Action {
    Action::GiveOpinion(GiveOpinion {
        dispute: dispute.to_vec(),
        opinion: opinion.into(),
        reasons: vec![24; 32],
        rule_book: vec![25; 32],
    })
}

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
