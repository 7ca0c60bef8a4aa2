use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::rejection::Rejection;
use crate::test_support::disputes::{notice, withdrawal};
use crate::test_support::rights::{designed, end_right};
use crate::test_support::{CARRIER, Chain, MAKER};

fn refused(chain: &Chain, who: (&str, u8), action: GiveNotice) -> DesignRejection {
    match chain.check(&chain.sign(who, Action::GiveNotice(action))) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

#[test]
fn the_owner_gives_notice_to_a_platform_about_another_party() {
    let (mut chain, subject) = designed();
    let good = notice(&subject, "x");
    let owner = DesignRejection::NotTheRightsOwner(MAKER.0.into());
    assert_eq!(refused(&chain, CARRIER, good.clone()), owner);
    let shape = DesignRejection::NoticeShape;
    assert_eq!(shape.code(), 473);
    type Bend = fn(&mut GiveNotice);
    let bends: [Bend; 5] = [
        |n| n.respondent = MAKER.0.into(),
        |n| n.respondent.clear(),
        |n| n.respondent = "x".repeat(MAX_RESPONDENT_BYTES + 1),
        |n| n.listing.clear(),
        |n| n.listing = "\u{7}".into(),
    ];
    for bend in bends {
        let mut bent = good.clone();
        bend(&mut bent);
        assert_eq!(refused(&chain, MAKER, bent), shape);
    }
    for platform in [CARRIER.0, "nobody"] {
        let mut bent = good.clone();
        bent.platform = platform.into();
        let none = DesignRejection::NoPlatform(platform.into());
        assert_eq!((none.code(), refused(&chain, MAKER, bent)), (474, none));
    }
    let mut outside = good.clone();
    outside.respondent = "shop number 7".into();
    assert_eq!(
        chain.check(&chain.sign(MAKER, Action::GiveNotice(outside))),
        Ok(())
    );
    chain.run(MAKER, end_right(&subject)).unwrap();
    assert_eq!(refused(&chain, MAKER, good), DesignRejection::RightEnded);
}

#[test]
fn there_is_one_dispute_about_a_listing_at_a_time() {
    let (mut chain, subject) = designed();
    let action = Action::GiveNotice(notice(&subject, "x"));
    let id = chain.run_for_id(MAKER, action.clone()).unwrap();
    let open = DesignRejection::DisputeOpen(id);
    let again = refused(&chain, MAKER, notice(&subject, "x"));
    assert_eq!((open.code(), again), (475, open));
    let other = Action::GiveNotice(notice(&subject, "y"));
    assert_eq!(chain.check(&chain.sign(MAKER, other)), Ok(()));
    chain.run(MAKER, withdrawal(&id)).unwrap();
    assert_eq!(chain.check(&chain.sign(MAKER, action)), Ok(()));
    let tally: DisputeTally = chain.state.message(&keys::party_tally(MAKER.0)).unwrap();
    assert_eq!((tally.notices, tally.open, tally.withdrawn), (1, 0, 1));
}

#[test]
fn a_right_has_so_many_open_disputes_at_most() {
    let (mut chain, subject) = designed();
    let many = DisputeTally {
        open: MAX_OPEN_DISPUTES,
        ..DisputeTally::default()
    };
    let value = prost::Message::encode_to_vec(&many);
    // Somebody else gave so many notices that name the maker as respondent.
    let named = keys::party_tally(MAKER.0);
    chain.state.values.insert(named, value.clone());
    let own = Action::GiveNotice(notice(&subject, "x"));
    assert_eq!(chain.check(&chain.sign(MAKER, own)), Ok(()));
    let of_right = keys::subject_tally(&subject);
    chain.state.values.insert(of_right, value);
    let limit = DesignRejection::TooManyDisputes(MAX_OPEN_DISPUTES);
    let refused = refused(&chain, MAKER, notice(&subject, "x"));
    assert_eq!((limit.code(), refused), (476, limit));
}
