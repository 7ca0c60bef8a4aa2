//! Checks, hand-overs and sanctions, and the organisations that take part in them beside the founders.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AcceptCase, AnswerCheck, AppealSanction, CaseCheckKind, DecideAppeal, DisputeOutcome,
    DisputePhase, HandOverCase, ImposeSanction, PlatformMeasure, RecordCheck, Role, SampleVerdict,
    SanctionKind, SanctionOutcome,
};

use super::disputes::{counter, filing, measure, notice, ruling};
use super::rights::designed;
use super::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, newcomer};
use crate::Hash;

pub const LABORATORY: (&str, u8) = ("laboratory", 41);
pub const TRIBUNAL: (&str, u8) = ("tribunal", 42);
pub const INSPECTION: (&str, u8) = ("inspection", 43);

/// A chain with a deposited design, and these organisations.
pub fn staffed() -> (Chain, Hash) {
    let (mut chain, subject) = designed();
    let others = [
        (LABORATORY, Role::Laboratory),
        (TRIBUNAL, Role::Court),
        (INSPECTION, Role::Inspection),
    ];
    for (sequence, ((id, seed), role)) in (100..).zip(others) {
        let mut record = newcomer(id, seed);
        record.roles = vec![role.into()];
        let wanted = change(sequence, Kind::PutOrganisation(record));
        chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    }
    (chain, subject)
}

/// A dispute about a listing, up to a phase, by the acts of those who lead there.
pub fn dispute_in(chain: &mut Chain, subject: &Hash, listing: &str, phase: DisputePhase) -> Hash {
    let action = Action::GiveNotice(notice(subject, listing));
    let id = chain.run_for_id(MAKER, action).unwrap();
    lead_to(chain, &id, phase);
    id
}

/// Leads a dispute that was just noticed on into a phase, by the acts of those who lead there.
pub fn lead_to(chain: &mut Chain, id: &Hash, phase: DisputePhase) {
    let steps = [
        (MARKET, measure(id, PlatformMeasure::Removed)),
        (CARRIER, counter(id)),
        (MAKER, filing(id, OFFICE.0)),
    ];
    let many = match phase {
        DisputePhase::Noticed => 0,
        DisputePhase::Measures => 1,
        DisputePhase::Countered => 2,
        _ => 3,
    };
    for (who, action) in steps.into_iter().take(many) {
        chain.run(who, action).unwrap();
    }
}

/// A dispute that the office has ruled.
pub fn ruled(chain: &mut Chain, subject: &Hash, listing: &str, outcome: DisputeOutcome) -> Hash {
    let id = dispute_in(chain, subject, listing, DisputePhase::Filed);
    chain.run(OFFICE, ruling(&id, outcome)).unwrap();
    id
}

pub fn purchase(dispute: &Hash) -> RecordCheck {
    RecordCheck {
        dispute: dispute.to_vec(),
        kind: CaseCheckKind::TestPurchase.into(),
        at_ms: 1,
        place: "the listing, parcel 7".into(),
        report: vec![5; 32],
        rule_book: vec![6; 32],
        seal: vec![7; 32],
        custody: vec![8; 32],
        to: LABORATORY.0.into(),
        ..RecordCheck::default()
    }
}

pub fn spot_check(dispute: &Hash) -> RecordCheck {
    RecordCheck {
        kind: CaseCheckKind::SpotCheck.into(),
        seal: Vec::new(),
        custody: Vec::new(),
        verdict: SampleVerdict::NotAuthentic.into(),
        to: String::new(),
        ..purchase(dispute)
    }
}

pub fn mend_notice(dispute: &Hash, to: &str) -> RecordCheck {
    RecordCheck {
        kind: CaseCheckKind::SupervisorNotice.into(),
        verdict: SampleVerdict::Unspecified.into(),
        to: to.into(),
        ..spot_check(dispute)
    }
}

/// A laboratory's verdict on a sample under the purchase's seal.
pub fn sample(check: &Hash, verdict: SampleVerdict) -> AnswerCheck {
    AnswerCheck {
        check: check.to_vec(),
        report: vec![9; 32],
        rule_book: vec![10; 32],
        verdict: verdict.into(),
        seal: vec![7; 32],
    }
}

pub fn mended(check: &Hash) -> AnswerCheck {
    AnswerCheck {
        seal: Vec::new(),
        ..sample(check, SampleVerdict::Unspecified)
    }
}

pub fn hand_over(dispute: &Hash, to: &str) -> Action {
    Action::HandOverCase(HandOverCase {
        dispute: dispute.to_vec(),
        to: to.into(),
        reasons: vec![11; 32],
        rule_book: vec![12; 32],
    })
}

pub fn accept_case(dispute: &Hash) -> Action {
    Action::AcceptCase(AcceptCase {
        dispute: dispute.to_vec(),
        reference: "(2026) 8".into(),
    })
}

pub fn sanction(
    party: &str,
    kind: SanctionKind,
    grounds: &[Hash],
    until_ms: u64,
) -> ImposeSanction {
    let mut grounds: Vec<Vec<u8>> = grounds.iter().map(|id| id.to_vec()).collect();
    grounds.sort_unstable();
    ImposeSanction {
        party: party.into(),
        kind: kind.into(),
        grounds,
        reasons: vec![13; 32],
        rule_book: vec![14; 32],
        until_ms,
    }
}

pub fn appeal_sanction(sanction: &Hash, authority: &str) -> Action {
    Action::AppealSanction(AppealSanction {
        sanction: sanction.to_vec(),
        authority: authority.into(),
        reasons: vec![15; 32],
    })
}

pub fn decide_appeal(sanction: &Hash, outcome: SanctionOutcome) -> Action {
    Action::DecideAppeal(DecideAppeal {
        sanction: sanction.to_vec(),
        outcome: outcome.into(),
        reasons: vec![16; 32],
        rule_book: vec![17; 32],
    })
}
