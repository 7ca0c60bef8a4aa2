use crate::custody::CustodyRejection;
use crate::designs::DesignRejection;
use crate::governance::GovernanceRejection;
use crate::master_data::MasterDataRejection;
use crate::signing::BadKey;
use std::collections::BTreeSet;

use super::*;
use touchstone_epcis::Event;

/// One of each variant that carries nothing but plain values.
fn all() -> Vec<(u32, Rejection)> {
    let key = [1; 32];
    let text = || "x".to_owned();
    let malformed = Malformed::NotCanonical { message: "M" };
    vec![
        (100, malformed.into()),
        (101, Rejection::TransactionTooLarge { bytes: 2, limit: 1 }),
        (102, Rejection::SignatureCount { found: 2 }),
        (103, Rejection::NoAction),
        (104, Rejection::BadSignature { key }),
        (105, Rejection::AlreadyCommitted),
        (106, Rejection::PoolFull),
        (
            107,
            Rejection::Expired {
                created_ms: 1,
                lifetime_ms: 2,
                time_ms: 4,
            },
        ),
        (
            108,
            Rejection::FromTheFuture {
                created_ms: 2,
                time_ms: 1,
            },
        ),
        (200, Rejection::UnknownOrganisation(text())),
        (
            201,
            Rejection::ForeignKey {
                key,
                organisation: text(),
            },
        ),
        (
            202,
            Rejection::KeyNotValid {
                key,
                from: 1,
                until: 2,
                height: 3,
            },
        ),
        (
            203,
            Rejection::Role {
                organisation: text(),
                allowed: &[],
            },
        ),
        (
            300,
            Rejection::Custody(CustodyRejection::EventCount { found: 0, limit: 1 }),
        ),
        (
            301,
            Rejection::Custody(CustodyRejection::Event {
                index: 0,
                error: Event::parse(b"{").unwrap_err(),
            }),
        ),
        (
            302,
            Rejection::Custody(CustodyRejection::AlreadyPacked {
                index: 1,
                item: text(),
                container: text(),
            }),
        ),
        (
            303,
            Rejection::Custody(CustodyRejection::NotPacked {
                index: 2,
                item: text(),
                container: text(),
            }),
        ),
        (
            304,
            Rejection::Custody(CustodyRejection::PackingCycle {
                index: 3,
                item: text(),
                container: text(),
            }),
        ),
        (
            305,
            Rejection::Custody(CustodyRejection::PackingTooDeep {
                index: 4,
                container: text(),
            }),
        ),
        (
            306,
            Rejection::Custody(CustodyRejection::TooManyItems { limit: 65_536 }),
        ),
        (
            307,
            Rejection::Custody(CustodyRejection::NotHolder {
                index: 5,
                item: text(),
                holder: text(),
            }),
        ),
        (
            308,
            Rejection::Custody(CustodyRejection::OnlyFindings {
                index: 6,
                item: text(),
            }),
        ),
        (
            309,
            Rejection::Custody(CustodyRejection::ForeignPrefix {
                index: 7,
                item: text(),
                holder: text(),
            }),
        ),
        (
            310,
            Rejection::Custody(CustodyRejection::AlreadyCommissioned {
                index: 8,
                item: text(),
            }),
        ),
        (
            311,
            Rejection::Custody(CustodyRejection::LifeEnded {
                index: 9,
                item: text(),
                how: "sold",
            }),
        ),
        (
            312,
            Rejection::Custody(CustodyRejection::PackedItem {
                index: 10,
                item: text(),
                container: text(),
            }),
        ),
        (
            313,
            Rejection::Custody(CustodyRejection::Offered {
                index: 11,
                item: text(),
                to: text(),
            }),
        ),
        (
            314,
            Rejection::Custody(CustodyRejection::NotAContainer {
                index: 12,
                container: text(),
            }),
        ),
        (
            320,
            Rejection::Custody(CustodyRejection::InvalidReceiver(text())),
        ),
        (321, Rejection::Custody(CustodyRejection::OfferDeadline)),
        (322, Rejection::Custody(CustodyRejection::NothingOffered)),
        (
            323,
            Rejection::Custody(CustodyRejection::UnknownOffer(key.to_vec())),
        ),
        (
            324,
            Rejection::Custody(CustodyRejection::OfferClosed("withdrawn")),
        ),
        (
            325,
            Rejection::Custody(CustodyRejection::WrongAnswerParty(text())),
        ),
        (
            326,
            Rejection::Custody(CustodyRejection::AnswerLeavesOut(text())),
        ),
        (327, Rejection::Custody(CustodyRejection::AnswerShape)),
        (
            328,
            Rejection::Custody(CustodyRejection::TooManyOffers(1000)),
        ),
        (329, Rejection::Custody(CustodyRejection::NothingClaimed)),
        (330, Rejection::Custody(CustodyRejection::ClaimReason)),
        (
            331,
            Rejection::Custody(CustodyRejection::TooManyClaims {
                item: text(),
                limit: 16,
            }),
        ),
        (
            332,
            Rejection::Custody(CustodyRejection::ClaimStands(text())),
        ),
        (
            340,
            Rejection::Custody(CustodyRejection::CorrectsOtherItems {
                index: 13,
                event_id: text(),
            }),
        ),
        (
            341,
            Rejection::Custody(CustodyRejection::EventIdUsed {
                index: 14,
                event_id: text(),
                height: 7,
            }),
        ),
        (
            342,
            Rejection::Custody(CustodyRejection::DeclaredWrongBefore {
                index: 15,
                event_id: text(),
            }),
        ),
        (
            350,
            Rejection::Custody(CustodyRejection::QuantityUnusable {
                index: 16,
                product: text(),
                problem: text(),
            }),
        ),
        (
            351,
            Rejection::Custody(CustodyRejection::NotEnough {
                index: 17,
                product: text(),
                has: text(),
            }),
        ),
        (
            352,
            Rejection::Custody(CustodyRejection::MassBalance {
                index: 18,
                needed: text(),
                given: text(),
            }),
        ),
        (353, Rejection::Custody(CustodyRejection::ProductShape)),
        (
            400,
            Rejection::Design(DesignRejection::AlreadyDeposited(key)),
        ),
        (401, Rejection::Design(DesignRejection::UnknownDesign(key))),
        (
            402,
            Rejection::Design(DesignRejection::AlreadyDisclosed(key)),
        ),
        (403, Rejection::Design(DesignRejection::WrongOpening(key))),
        (404, Rejection::Design(DesignRejection::NotTheOwner(text()))),
        (405, Rejection::Design(DesignRejection::DesignShape)),
        (459, Rejection::Design(DesignRejection::ContentShape)),
        (463, Rejection::Design(DesignRejection::FieldForm)),
        (464, Rejection::Design(DesignRejection::FieldName)),
        (
            465,
            Rejection::Design(DesignRejection::FieldValue {
                name: "title",
                limit: 256,
            }),
        ),
        (466, Rejection::Design(DesignRejection::LocarnoClass)),
        (467, Rejection::Design(DesignRejection::FieldPlace("title"))),
        (468, Rejection::Design(DesignRejection::TitleCovered)),
        (469, Rejection::Design(DesignRejection::DraftsHead)),
        (
            500,
            Rejection::Governance(GovernanceRejection::BadKey {
                key,
                error: BadKey::Weak,
            }),
        ),
        (
            501,
            Rejection::Governance(GovernanceRejection::KeyTaken(key)),
        ),
        (
            502,
            Rejection::Governance(GovernanceRejection::KeyNotInUse(key)),
        ),
        (
            503,
            Rejection::Governance(GovernanceRejection::WouldLeaveNoKey),
        ),
        (504, Rejection::Governance(GovernanceRejection::EmptyChange)),
        (
            505,
            Rejection::Governance(GovernanceRejection::NotAGovernor(text())),
        ),
        (
            506,
            Rejection::Governance(GovernanceRejection::AlreadyApproved(text())),
        ),
        (
            507,
            Rejection::Governance(GovernanceRejection::AlreadyEffective(5)),
        ),
        (508, BadOrganisation::Name.into()),
        (509, BadValidatorSet::Empty.into()),
        (
            510,
            Rejection::Governance(GovernanceRejection::UnknownValidator(key)),
        ),
        (
            511,
            Rejection::Governance(GovernanceRejection::BadCompromise(key)),
        ),
        (
            513,
            Rejection::Governance(GovernanceRejection::Suspended {
                organisation: text(),
                height: 1,
            }),
        ),
        (
            514,
            Rejection::Governance(GovernanceRejection::Removed(text())),
        ),
        (
            515,
            Rejection::Governance(GovernanceRejection::KeysAreItsOwn {
                organisation: text(),
                key: key.to_vec(),
            }),
        ),
        (
            516,
            Rejection::Governance(GovernanceRejection::RunsValidator(text())),
        ),
        (
            517,
            Rejection::Governance(GovernanceRejection::WouldEndGovernance),
        ),
        (
            518,
            Rejection::Governance(GovernanceRejection::ParameterRange("x")),
        ),
        (
            519,
            Rejection::Governance(GovernanceRejection::ParameterFixed("x")),
        ),
        (
            520,
            Rejection::Governance(GovernanceRejection::BadProtocol {
                version: 3,
                now: 1,
                from_height: 1,
                least: 2,
            }),
        ),
        (
            512,
            Rejection::Governance(GovernanceRejection::PrefixTaken {
                prefix: text(),
                organisation: text(),
            }),
        ),
    ]
    .into_iter()
    .chain(of_master_data())
    .collect()
}

fn of_master_data() -> Vec<(u32, Rejection)> {
    let text = || "x".to_owned();
    let (id, name) = (text, text);
    let all = [
        (800, MasterDataRejection::ElementCount { found: 0 }),
        (801, MasterDataRejection::ElementOrder),
        (802, MasterDataRejection::ElementId(text())),
        (
            803,
            MasterDataRejection::NotPrefixOwner {
                id: id(),
                holder: text(),
            },
        ),
        (
            804,
            MasterDataRejection::ElementVersion {
                id: id(),
                expected: 2,
                found: 1,
            },
        ),
        (805, MasterDataRejection::NothingNew(text())),
        (806, MasterDataRejection::ElementTypes(text())),
        (
            807,
            MasterDataRejection::AttributeName {
                id: id(),
                name: name(),
            },
        ),
        (
            808,
            MasterDataRejection::AttributeValue {
                id: id(),
                name: name(),
            },
        ),
        (809, MasterDataRejection::AttributeOrder(text())),
        (810, MasterDataRejection::AttributeDepth(text())),
        (811, MasterDataRejection::AttributeCount(text())),
        (812, MasterDataRejection::ElementChildren(text())),
        (
            813,
            MasterDataRejection::ElementTooLarge {
                id: id(),
                bytes: 9000,
            },
        ),
    ];
    all.map(|(code, rejection)| (code, rejection.into())).into()
}

/// Codes are public and stable: a change here breaks clients.
#[test]
fn codes() {
    for (code, rejection) in all() {
        assert_eq!(rejection.code(), code, "{rejection:?}");
    }
}

#[test]
fn codes_and_rules_are_distinct_and_explained() {
    let codes: BTreeSet<u32> = all().iter().map(|(_, r)| r.code()).collect();
    let rules: BTreeSet<&str> = all().iter().map(|(_, r)| r.rule()).collect();
    assert_eq!((codes.len(), rules.len()), (all().len(), all().len()));
    assert!(all().iter().all(|(_, r)| r.to_string().len() > 15));
}

#[test]
fn the_offending_event_is_named() {
    let named: Vec<_> = all()
        .into_iter()
        .filter_map(|(code, r)| r.event_index().map(|index| (code, index)))
        .collect();
    let codes = (301..=305)
        .chain(307..=314)
        .chain(340..=342)
        .chain(350..=352);
    assert_eq!(named, codes.zip(0..).collect::<Vec<_>>());
}
