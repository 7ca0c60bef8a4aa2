use std::collections::BTreeSet;

use super::*;
use crate::epcis::Event;

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
                allowed: "none",
            },
        ),
        (300, Rejection::EventCount { found: 0, limit: 1 }),
        (
            301,
            Rejection::Event {
                index: 0,
                error: Event::parse(b"{").unwrap_err(),
            },
        ),
        (
            302,
            Rejection::AlreadyPacked {
                index: 1,
                item: text(),
                container: text(),
            },
        ),
        (
            303,
            Rejection::NotPacked {
                index: 2,
                item: text(),
                container: text(),
            },
        ),
        (
            304,
            Rejection::PackingCycle {
                index: 3,
                item: text(),
                container: text(),
            },
        ),
        (
            305,
            Rejection::PackingTooDeep {
                index: 4,
                container: text(),
            },
        ),
        (306, Rejection::TooManyItems { limit: 65_536 }),
        (400, Rejection::AlreadyDeposited(key)),
        (401, Rejection::UnknownDesign(key)),
        (402, Rejection::AlreadyDisclosed(key)),
        (403, Rejection::WrongOpening(key)),
        (404, Rejection::NotTheOwner(text())),
        (405, Rejection::DesignShape),
        (
            500,
            Rejection::BadKey {
                key,
                error: BadKey::Weak,
            },
        ),
        (501, Rejection::KeyTaken(key)),
        (502, Rejection::KeyNotInUse(key)),
        (503, Rejection::LastKey),
        (504, Rejection::EmptyChange),
        (505, Rejection::NotAGovernor(text())),
        (506, Rejection::AlreadyApproved(text())),
        (507, Rejection::AlreadyEffective(5)),
        (508, BadOrganisation::Name.into()),
        (509, BadValidatorSet::Empty.into()),
        (510, Rejection::UnknownValidator(key)),
    ]
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
    assert_eq!(named, [(301, 0), (302, 1), (303, 2), (304, 3), (305, 4)]);
}
