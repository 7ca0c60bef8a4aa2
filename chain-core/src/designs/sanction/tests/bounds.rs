//! What a sanction doesn't do: who decides no appeal, what is no ground yet, and which kind bars no sales.

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{Organisation, Role};

use super::*;
use crate::test_support::change;

/// Who has lost the role since the appeal decides nothing; silence then lifts the sanction.
#[test]
fn an_authority_without_its_role_decides_no_appeal() {
    let (mut chain, _, dispute) = upheld();
    let action = no_sales(&chain, &dispute);
    let id = impose(&mut chain, OFFICE, action);
    chain
        .run(CARRIER, appeal_sanction(&id, TRIBUNAL.0))
        .unwrap();
    let decided = decide_appeal(&id, SanctionOutcome::Confirmed);
    assert_eq!(chain.check(&chain.sign(TRIBUNAL, decided.clone())), Ok(()));
    let key = keys::organisation(TRIBUNAL.0);
    let mut tribunal: Organisation = chain.state.message(&key).unwrap();
    tribunal.roles = vec![Role::Customs.into()];
    let wanted = change(300, Kind::PutOrganisation(tribunal));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    let lost = refused(&chain, TRIBUNAL, decided);
    assert!(matches!(lost, Rejection::Role { .. }), "{lost:?}");
}

/// What a dispute has found it has found as it ended.
#[test]
fn nothing_is_found_before_the_end() {
    let mut dispute = Dispute {
        phase: DisputePhase::Ended.into(),
        outcome: DisputeOutcome::Upheld.into(),
        respondent: "shop".into(),
        ..Dispute::default()
    };
    let found_against = crate::designs::impose_sanction::found_against;
    assert_eq!(found_against(&dispute), Some("shop"));
    dispute.phase = DisputePhase::Filed.into();
    assert_eq!(found_against(&dispute), None);
}

/// A warning keeps nobody from selling, also under a right whose sales another sanction bars or barred.
#[test]
fn no_other_kind_bars_sales() {
    let (mut chain, subject, dispute) = upheld();
    let bar = no_sales(&chain, &dispute);
    let after_ms = bar.until_ms + 1;
    impose(&mut chain, OFFICE, bar);
    let longer = after_ms + DAY_MS;
    let warning = wanted(CARRIER.0, SanctionKind::Warning, &[dispute], longer);
    impose(&mut chain, OFFICE, warning);
    let answer = answer(&chain, &subject, CARRIER.0, after_ms);
    assert!(matches!(answer, SaleAnswer::Licensed(_)), "{answer:?}");
}
