use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DiscloseDesign, Outcome, RightEnd};

use super::*;
use crate::designs::design;
use crate::designs::limits::MAX_TRANSFER_MS;
use crate::rejection::Rejection;
use crate::test_support::rights::{answer_right, designed, end_right, grant, offer_right, terms};
use crate::test_support::vouched::{LIN, vouch};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, public};

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> DesignRejection {
    match chain.check(&chain.sign(who, action)) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

fn right_of(chain: &Chain, subject: &Hash) -> Right {
    chain.state.message(&keys::right(subject)).unwrap()
}

/// The maker offers its design to the market for ten seconds.
fn offered() -> (Chain, Hash, Hash) {
    let (mut chain, subject) = designed();
    let action = offer_right(&subject, MARKET.0, chain.time_ms + 10_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    (chain, subject, offer)
}

#[test]
fn a_right_passes_on_in_two_steps_and_the_design_says_that_it_did() {
    let (mut chain, subject, offer) = offered();
    assert_eq!(owner(&right_of(&chain, &subject)), MAKER.0);
    let design: Design = chain.state.message(&keys::design(&subject)).unwrap();
    assert_eq!(
        (design.disposed, design.organisation.as_str()),
        (1, MAKER.0)
    );
    chain
        .run(MARKET, answer_right(&subject, &offer, Outcome::Accepted))
        .unwrap();
    let right = right_of(&chain, &subject);
    assert_eq!((owner(&right), &right.offered), (MARKET.0, &None));
    let accepted_ms = chain.time_ms;
    for (at_ms, expected) in [
        (design.time_ms - 1, None),
        (design.time_ms, Some(MAKER.0)),
        (accepted_ms - 1, Some(MAKER.0)),
        (accepted_ms, Some(MARKET.0)),
    ] {
        assert_eq!(owner_at(&right, at_ms), expected);
    }
    let former = refused(&chain, MAKER, end_right(&subject));
    assert_eq!(
        (former.code(), former),
        (440, DesignRejection::NotTheRightsOwner(MARKET.0.into()))
    );
}

/// The present owner discloses, whoever deposited: the commitment opens with the depositor's key.
#[test]
fn the_present_owner_discloses() {
    let mut chain = Chain::start();
    let (salt, file) = ([7; 32], [8; 32]);
    let root = design::file_root(&[file]);
    let commitment = design::commitment(&chain.id, &public(MAKER.1), &salt, &root);
    let deposit = touchstone_proto::ledger::DepositDesign {
        commitment: commitment.to_vec(),
    };
    chain.run(MAKER, Action::DepositDesign(deposit)).unwrap();
    let subject = design::id(&public(MAKER.1), &commitment);
    let action = offer_right(&subject, MARKET.0, chain.time_ms + 10_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    chain
        .run(MARKET, answer_right(&subject, &offer, Outcome::Accepted))
        .unwrap();
    let disclose = Action::DiscloseDesign(DiscloseDesign {
        design_id: subject.to_vec(),
        salt: salt.to_vec(),
        file_hashes: vec![file.to_vec()],
        ..DiscloseDesign::default()
    });
    let other = DesignRejection::NotTheOwner(MARKET.0.into());
    assert_eq!(refused(&chain, MAKER, disclose.clone()), other);
    assert_eq!(chain.run(MARKET, disclose), Ok(()));
}

#[test]
fn who_answers_what() {
    let (chain, subject, offer) = offered();
    for (who, outcome, expected) in [
        (MARKET, Outcome::Accepted, Ok(())),
        (MARKET, Outcome::Rejected, Ok(())),
        (MAKER, Outcome::Withdrawn, Ok(())),
        (
            MARKET,
            Outcome::Withdrawn,
            Err(DesignRejection::NotTheParty(MAKER.0.into())),
        ),
        (
            MAKER,
            Outcome::Accepted,
            Err(DesignRejection::NotTheParty(MARKET.0.into())),
        ),
        (
            MAKER,
            Outcome::Rejected,
            Err(DesignRejection::NotTheParty(MARKET.0.into())),
        ),
        (
            CARRIER,
            Outcome::Accepted,
            Err(DesignRejection::NotTheParty(MARKET.0.into())),
        ),
        (
            MARKET,
            Outcome::Unspecified,
            Err(DesignRejection::TransferAnswer),
        ),
        (
            MARKET,
            Outcome::AcceptedWithDiscrepancy,
            Err(DesignRejection::TransferAnswer),
        ),
    ] {
        let action = answer_right(&subject, &offer, outcome);
        let found = chain.check(&chain.sign(who, action));
        assert_eq!(
            found,
            expected.map_err(Rejection::from),
            "{who:?} {outcome:?}"
        );
    }
    assert_eq!(DesignRejection::TransferAnswer.code(), 446);
    assert_eq!(DesignRejection::NotTheParty(String::new()).code(), 447);
    for other in [[9; 32], subject] {
        let action = answer_right(&subject, &other, Outcome::Accepted);
        let none = DesignRejection::NoSuchTransfer;
        assert_eq!((none.code(), refused(&chain, MARKET, action)), (445, none));
    }
}

#[test]
fn an_answered_offer_is_gone_and_the_owner_stays() {
    for (who, outcome) in [(MARKET, Outcome::Rejected), (MAKER, Outcome::Withdrawn)] {
        let (mut chain, subject, offer) = offered();
        chain
            .run(who, answer_right(&subject, &offer, outcome))
            .unwrap();
        assert_eq!(owner(&right_of(&chain, &subject)), MAKER.0);
        let again = answer_right(&subject, &offer, Outcome::Accepted);
        assert_eq!(
            refused(&chain, MARKET, again),
            DesignRejection::NoSuchTransfer
        );
    }
}

#[test]
fn an_offer_has_a_deadline_and_is_void_after_it() {
    let (mut chain, subject, offer) = offered();
    let accept = answer_right(&subject, &offer, Outcome::Accepted);
    let second = offer_right(&subject, OFFICE.0, chain.time_ms + 30_000);
    let open = DesignRejection::TransferOpen(MARKET.0.into());
    assert_eq!(
        (open.code(), refused(&chain, MAKER, second.clone())),
        (442, open.clone())
    );
    // What was offered stays as it is.
    let licence = grant(&subject, None, CARRIER.0, terms(chain.time_ms + 9_000));
    assert_eq!(refused(&chain, MAKER, licence), open.clone());
    assert_eq!(refused(&chain, MAKER, end_right(&subject)), open);
    let deadline_ms = right_of(&chain, &subject).offered.unwrap().deadline_ms;
    while chain.context().time_ms < deadline_ms {
        chain.commit(&[]);
    }
    assert_eq!(
        chain.check(&chain.sign(MARKET, accept.clone())),
        Ok(()),
        "at the deadline"
    );
    chain.commit(&[]);
    assert_eq!(
        refused(&chain, MARKET, accept.clone()),
        DesignRejection::NoSuchTransfer
    );
    chain.run(MAKER, second).unwrap();
    assert_eq!(
        refused(&chain, MARKET, accept),
        DesignRejection::NoSuchTransfer
    );
}

#[test]
fn who_and_when_is_checked_at_the_offer() {
    let (chain, subject) = designed();
    let now_ms = chain.context().time_ms;
    let deadline = DesignRejection::TransferDeadline;
    let to = |name: &str| DesignRejection::TransferTo(name.into());
    for (receiver, deadline_ms, expected) in [
        (MARKET.0, now_ms + 1, Ok(())),
        (MARKET.0, now_ms + MAX_TRANSFER_MS, Ok(())),
        (MARKET.0, now_ms, Err(deadline.clone())),
        (
            MARKET.0,
            now_ms + MAX_TRANSFER_MS + 1,
            Err(deadline.clone()),
        ),
        (MAKER.0, now_ms + 1, Err(to(MAKER.0))),
        ("nobody", now_ms + 1, Err(to("nobody"))),
    ] {
        let action = offer_right(&subject, receiver, deadline_ms);
        let found = chain.check(&chain.sign(MAKER, action));
        assert_eq!(found, expected.map_err(Rejection::from));
    }
    assert_eq!((deadline.code(), to("x").code()), (444, 443));
    let stranger = refused(&chain, CARRIER, offer_right(&subject, MARKET.0, now_ms + 1));
    assert_eq!(stranger, DesignRejection::NotTheRightsOwner(MAKER.0.into()));
    let unknown = refused(&chain, MAKER, offer_right(&[9; 32], MARKET.0, now_ms + 1));
    assert_eq!(unknown, DesignRejection::UnknownDesign([9; 32]));
}

#[test]
fn a_right_that_was_given_up_is_nobodys_to_pass_on() {
    let (mut chain, subject) = designed();
    let silent = touchstone_proto::ledger::EndRight {
        subject: subject.to_vec(),
        reason: String::new(),
    };
    let reason = refused(&chain, MAKER, Action::EndRight(silent));
    assert_eq!((reason.code(), reason), (448, DesignRejection::ReasonShape));
    chain.run(MAKER, end_right(&subject)).unwrap();
    let ended = right_of(&chain, &subject).ended.unwrap();
    assert_eq!(
        (ended.time_ms, ended.reason.as_str()),
        (chain.time_ms, "no longer made")
    );
    for action in [
        offer_right(&subject, MARKET.0, chain.time_ms + 10_000),
        grant(&subject, None, MARKET.0, terms(chain.time_ms + 10_000)),
        end_right(&subject),
    ] {
        let over = DesignRejection::RightEnded;
        assert_eq!((over.code(), refused(&chain, MAKER, action)), (441, over));
    }
}

/// A vouched designer disposes of what it deposited, and takes over what it is offered.
/// No act leads to an offer of a right that has ended; if one did, nobody would get what is no more.
#[test]
fn an_offer_of_what_has_ended_is_void() {
    let (mut chain, subject, offer) = offered();
    let accept = answer_right(&subject, &offer, Outcome::Accepted);
    assert_eq!(chain.check(&chain.sign(MARKET, accept.clone())), Ok(()));
    let mut right = right_of(&chain, &subject);
    right.ended = Some(RightEnd {
        time_ms: chain.time_ms,
        reason: "given up".into(),
    });
    let value = prost::Message::encode_to_vec(&right);
    chain.state.values.insert(keys::right(&subject), value);
    assert_eq!(
        refused(&chain, MARKET, accept),
        DesignRejection::NoSuchTransfer
    );
}

#[test]
fn vouched_designers_have_rights_like_others() {
    let (mut chain, subject) = designed();
    let action = vouch(&chain.id, LIN, chain.time_ms + 100_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let action = offer_right(&subject, LIN.0, chain.time_ms + 10_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    chain
        .run(LIN, answer_right(&subject, &offer, Outcome::Accepted))
        .unwrap();
    assert_eq!(owner(&right_of(&chain, &subject)), LIN.0);
}

#[test]
fn the_record_names_the_last_owners_and_counts_the_others() {
    let mut right = Right::default();
    for n in 0..MAX_OWNERS + 3 {
        pass_on(&mut right, &format!("owner-{n}"), n as u64);
    }
    assert_eq!((right.owners.len(), right.earlier_owners), (MAX_OWNERS, 3));
    assert_eq!((owner(&right), owner_at(&right, 2)), ("owner-10", None));
    assert_eq!(owner_at(&right, 3), Some("owner-3"));
}
