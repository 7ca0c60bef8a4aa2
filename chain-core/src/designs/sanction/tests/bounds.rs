//! What a sanction doesn't do: who decides no appeal, what is no ground yet, which kind bars no sales or takes no
//! place, and whom a platform's doesn't bar.

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

/// A voucher tells whatever number it likes of its own shop: what a platform bars that for bars no other.
#[test]
fn a_platforms_bar_is_against_its_party_alone() {
    for (issuer, number) in [(MARKET, ""), (OFFICE, "91310000")] {
        let (mut chain, subject) = staffed();
        let until_ms = chain.time_ms + YEAR_MS;
        for shop in [LIN, ("market.other", 63)] {
            let mut action = vouch(&chain.id, shop, until_ms);
            action.check = IdentityCheck::BusinessRegister.into();
            action.registered_as = "91310000".into();
            chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
        }
        let id = barred_designer(&mut chain, issuer, &subject, until_ms);
        assert_eq!(record(&chain, &id).registered_as, number);
        let is_barred = |seller: &str| {
            let found = answer(&chain, &subject, seller, chain.time_ms);
            matches!(found, SaleAnswer::No(Denial::Sanctioned { .. }))
        };
        assert!(is_barred(LIN.0));
        assert_eq!(is_barred("market.other"), issuer == OFFICE);
    }
}

/// Who is warned as often as may be can be barred still.
#[test]
fn warnings_leave_room_for_bars() {
    let (mut chain, subject) = staffed();
    let rule = |chain: &mut Chain, number: usize| {
        let listing = format!("listing {number}");
        ruled(chain, &subject, &listing, DisputeOutcome::Upheld)
    };
    let until_ms = chain.time_ms + YEAR_MS;
    let warning = |dispute: Hash| wanted(CARRIER.0, SanctionKind::Warning, &[dispute], until_ms);
    for number in 0..MAX_WARNINGS {
        let dispute = rule(&mut chain, number);
        impose(&mut chain, OFFICE, warning(dispute));
    }
    let dispute = rule(&mut chain, MAX_WARNINGS);
    let more = Action::ImposeSanction(warning(dispute));
    let full = CaseRejection::Full("warnings in force", MAX_WARNINGS);
    assert_eq!(refused(&chain, OFFICE, more), full.into());
    let bar = no_sales(&chain, &dispute);
    impose(&mut chain, OFFICE, bar);
    // One that is over leaves its place.
    chain.time_ms = until_ms + 1;
    wait_for_the_blocks(&mut chain);
    let until_ms = chain.time_ms + YEAR_MS;
    let later = wanted(CARRIER.0, SanctionKind::Warning, &[dispute], until_ms);
    impose(&mut chain, OFFICE, later);
}
