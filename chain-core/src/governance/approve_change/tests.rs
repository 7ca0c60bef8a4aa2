use prost::Message;
use touchstone_proto::ledger::{Key, Organisation};

use super::*;
use crate::governance::GovernanceRejection;
use crate::governance::organisation::BadOrganisation;
use crate::governance::validators::BadValidatorSet;
use crate::hash::{self, tag};
use crate::proof;
use crate::rejection::Rejection;
use crate::signing::BadKey;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, approve, certified, change, genesis_document, newcomer,
    public, put_validator, remove_validator, replace_validator,
};
use touchstone_proto::ledger::Validator as ValidatorMessage;
use touchstone_proto::ledger::transaction::Action;

fn record(chain: &Chain, change: &Change) -> ChangeRecord {
    let id = hash::tagged(tag::CHANGE, &[&chain.id, &change.encode_to_vec()]);
    chain.state.message(&keys::change(&id)).unwrap_or_default()
}

fn enrol(sequence: u64) -> Change {
    change(sequence, Kind::PutOrganisation(newcomer("customs", 60)))
}

/// A chain whose founders' validators have these powers.
fn with_powers(powers: [u64; 4]) -> Chain {
    let mut document = genesis_document();
    for (organisation, power) in document.organisations.iter_mut().zip(powers) {
        match power {
            0 => organisation.nodes[0].validator_key = None,
            _ => organisation.nodes[0].power = Some(power),
        }
    }
    Chain::from(&document)
}

/// Exactly two thirds are not enough; power counts, not heads.
#[test]
fn more_than_two_thirds_of_the_power_decide() {
    let rows = [
        ([1, 1, 1, 1], vec![MARKET, CARRIER], false),
        ([1, 1, 1, 1], vec![MARKET, CARRIER, MAKER], true),
        ([1, 1, 1, 0], vec![MARKET, CARRIER], false),
        ([1, 1, 1, 0], vec![MARKET, CARRIER, MAKER], true),
        ([4, 1, 1, 0], vec![MARKET], false),
        ([5, 1, 1, 0], vec![MARKET], true),
        ([1, 1, 1, 97], vec![MARKET, CARRIER, MAKER], false),
        ([1, 1, 1, 97], vec![OFFICE], true),
    ];
    for (powers, approvers, decided) in rows {
        let mut chain = with_powers(powers);
        chain.approve(&approvers, &enrol(1));
        let record = record(&chain, &enrol(1));
        let ids: Vec<&str> = approvers.iter().map(|a| a.0).collect();
        assert_eq!(record.change, Some(enrol(1)));
        assert_eq!(record.approvals, ids, "{powers:?}");
        let effective = if decided { chain.height } else { 0 };
        assert_eq!(record.effective_height, effective, "{powers:?} {ids:?}");
        let enrolled = chain
            .state
            .values
            .contains_key(&keys::organisation("customs"));
        assert_eq!(enrolled, decided, "{powers:?} {ids:?}");
    }
}

#[test]
fn only_organisations_with_a_validator_govern() {
    let chain = with_powers([1, 1, 1, 0]);
    let refused = chain.check(&chain.sign(OFFICE, approve(&enrol(1))));
    assert_eq!(
        refused,
        Err(Rejection::Governance(GovernanceRejection::NotAGovernor(
            "office".into()
        )))
    );
}

#[test]
fn an_organisation_approves_a_change_once() {
    let mut chain = Chain::start();
    chain.approve(&[MARKET], &enrol(1));
    let again = chain.check(&chain.sign(MARKET, approve(&enrol(1))));
    assert_eq!(
        again,
        Err(Rejection::Governance(GovernanceRejection::AlreadyApproved(
            "market".into()
        )))
    );
    // Another change, even by its sequence alone, is approved apart.
    assert_eq!(chain.run(MARKET, approve(&enrol(2))), Ok(()));
    assert_eq!(record(&chain, &enrol(1)).approvals, ["market"]);
}

#[test]
fn a_change_takes_effect_once_and_again_with_another_sequence() {
    let mut chain = Chain::start();
    let three = [MARKET, CARRIER, MAKER];
    chain.approve(&three, &put_validator(1, 11, 5, "market"));
    let late = chain.check(&chain.sign(OFFICE, approve(&put_validator(1, 11, 5, "market"))));
    assert_eq!(
        late,
        Err(Rejection::Governance(
            GovernanceRejection::AlreadyEffective(3)
        ))
    );
    // Market now has 5 of 8: its voice and one more decide.
    chain.approve(&[MARKET, CARRIER], &put_validator(2, 11, 1, "market"));
    chain.approve(&three, &put_validator(3, 11, 5, "market"));
    assert_eq!(chain.validators.get(&public(11)).unwrap().power, 5);
}

/// An approver whose validator is gone counts no more.
#[test]
fn approvals_weigh_what_the_approvers_hold_at_the_decision() {
    let mut chain = Chain::start();
    chain.approve(&[OFFICE, MARKET], &enrol(1));
    chain.approve(&[MARKET, CARRIER, MAKER], &remove_validator(1, 14));
    // Office and market hold 1 of 3 now, with carrier 2 of 3: not more than two thirds.
    chain.approve(&[CARRIER], &enrol(1));
    assert_eq!(record(&chain, &enrol(1)).effective_height, 0);
    chain.approve(&[MAKER], &enrol(1));
    assert_eq!(record(&chain, &enrol(1)).effective_height, chain.height);
}

fn organisation(edit: fn(&mut Organisation)) -> Change {
    let mut record = newcomer("customs", 60);
    edit(&mut record);
    change(1, Kind::PutOrganisation(record))
}

/// What no approval can make right is refused at the first one.
#[test]
fn a_misshapen_change_is_refused_at_once() {
    let chain = Chain::start();
    let nothing = Action::ApproveChange(ApproveChange { change: None });
    let no_kind = approve(&Change::default());
    let short_validator = approve(&change(
        1,
        Kind::PutValidator(ValidatorMessage {
            public_key: vec![1; 31],
            power: 1,
            organisation: "market".into(),
        }),
    ));
    let short_removal = approve(&change(1, Kind::RemoveValidator(vec![1; 33])));
    let replacement = |old: usize, new: usize| {
        approve(&change(
            1,
            Kind::ReplaceValidator(ReplaceValidator {
                old_key: vec![1; old],
                new_key: vec![2; new],
            }),
        ))
    };
    let rows = [
        ("no change", nothing, 504),
        ("no kind", no_kind, 504),
        ("short validator key", short_validator, 100),
        ("long key to remove", short_removal, 100),
        ("short key to replace", replacement(31, 32), 100),
        ("long new key", replacement(32, 33), 100),
        (
            "organisation's id",
            approve(&organisation(|o| o.id = "A".into())),
            508,
        ),
        (
            "organisation without keys",
            approve(&organisation(|o| o.keys.clear())),
            508,
        ),
    ];
    for (name, action, code) in rows {
        let refused = chain.check(&chain.sign(MARKET, action));
        assert_eq!(
            refused.as_ref().map_err(Rejection::code),
            Err(code),
            "{name}: {refused:?}"
        );
    }
}

/// The decisive approval is refused where the change can't be made; it stays open for another.
#[test]
fn a_change_that_cannot_be_made_is_not_decided() {
    let weak = [[1].as_slice(), &[0; 31]].concat();
    let validator = |public_key: Vec<u8>, power, organisation: &str| {
        change(
            1,
            Kind::PutValidator(ValidatorMessage {
                public_key,
                power,
                organisation: organisation.into(),
            }),
        )
    };
    let taken = change(1, Kind::PutOrganisation(newcomer("customs", 1)));
    let weak_key: [u8; 32] = weak.as_slice().try_into().unwrap();
    let rows: [(&str, Change, Rejection); 9] = [
        (
            "validator of nobody",
            put_validator(1, 60, 1, "nobody"),
            Rejection::UnknownOrganisation("nobody".into()),
        ),
        (
            "validator without power",
            put_validator(1, 60, 0, "market"),
            BadValidatorSet::NoPower(public(60)).into(),
        ),
        (
            "too much power",
            put_validator(1, 60, 1 << 48, "market"),
            BadValidatorSet::TooMuchPower.into(),
        ),
        (
            "weak validator key",
            validator(weak, 1, "market"),
            BadValidatorSet::Key {
                key: weak_key,
                error: BadKey::Weak,
            }
            .into(),
        ),
        (
            "unknown validator",
            remove_validator(1, 60),
            Rejection::Governance(GovernanceRejection::UnknownValidator(public(60))),
        ),
        (
            "replaced, and no validator",
            replace_validator(1, 60, 61),
            Rejection::Governance(GovernanceRejection::UnknownValidator(public(60))),
        ),
        (
            "replaced by another validator",
            replace_validator(1, 11, 12),
            Rejection::Governance(GovernanceRejection::ReplacementVotes(public(12))),
        ),
        (
            "replaced by itself",
            replace_validator(1, 11, 11),
            Rejection::Governance(GovernanceRejection::ReplacementVotes(public(11))),
        ),
        (
            "key of another",
            taken,
            Rejection::Governance(GovernanceRejection::KeyTaken(public(1))),
        ),
    ];
    for (name, change, expected) in rows {
        let mut chain = Chain::start();
        chain.approve(&[MARKET, CARRIER], &change);
        let refused = chain.check(&chain.sign(MAKER, approve(&change)));
        assert_eq!(refused, Err(expected), "{name}");
        assert_eq!(record(&chain, &change).effective_height, 0, "{name}");
    }
}

#[test]
fn the_last_validator_stays() {
    let mut chain = with_powers([1, 0, 0, 0]);
    let refused = chain.check(&chain.sign(MARKET, approve(&remove_validator(1, 11))));
    assert_eq!(refused, Err(BadValidatorSet::Empty.into()));
    assert_eq!(
        chain.run(MARKET, approve(&enrol(1))),
        Ok(()),
        "one organisation decides alone"
    );
}

#[test]
fn an_organisation_is_enrolled_with_its_keys_and_listed() {
    let mut chain = Chain::start();
    let mut wanted = newcomer("customs", 60);
    wanted.keys[0].valid_from_height = 1;
    wanted.keys[0].valid_until_height = 9;
    chain.approve(
        &[MARKET, CARRIER, MAKER],
        &change(1, Kind::PutOrganisation(wanted)),
    );
    let found: Organisation = chain.state.message(&keys::organisation("customs")).unwrap();
    // The heights of the proposal don't count: the keys hold from the next height.
    assert_eq!(
        found.keys,
        [Key {
            public_key: public(60).to_vec(),
            valid_from_height: 4,
            valid_until_height: 0,
            compromised_since_ms: 0,
            added_ms: 0,
            dispute: 0,
        }]
    );
    assert_eq!(
        chain.state.values[keys::ORGANISATIONS],
        b"carrier\0customs\0maker\0market\0office\0"
    );
    assert_eq!(
        chain.state.values[&keys::key_owner(&public(60))],
        b"customs"
    );
}

/// Governance changes all of a record but the keys, which are the organisation's own.
#[test]
fn an_enrolled_organisation_keeps_its_keys() {
    let mut chain = Chain::start();
    let before: Organisation = chain.state.message(&keys::organisation("carrier")).unwrap();
    let other_keys = change(1, Kind::PutOrganisation(newcomer("carrier", 99)));
    let refused = chain.check(&chain.sign(MARKET, approve(&other_keys)));
    let kept = GovernanceRejection::KeysAreItsOwn {
        organisation: "carrier".into(),
        key: [2, 99].map(public).into_iter().min().unwrap().to_vec(),
    };
    assert_eq!(refused, Err(kept.into()), "it isn't ignored");
    let mut record = newcomer("carrier", 2);
    record.name = "Renamed".into();
    record.gs1_prefixes = vec!["4012345".into()];
    chain.approve(
        &[MARKET, MAKER, OFFICE],
        &change(1, Kind::PutOrganisation(record.clone())),
    );
    let after: Organisation = chain.state.message(&keys::organisation("carrier")).unwrap();
    let expected = Organisation {
        keys: before.keys,
        ..record
    };
    assert_eq!(after, expected);
    assert!(
        !chain
            .state
            .values
            .contains_key(&keys::key_owner(&public(99)))
    );
    assert_eq!(
        chain.state.values[keys::ORGANISATIONS],
        b"carrier\0maker\0market\0office\0"
    );
}

#[test]
fn a_malformed_record_is_refused_for_an_enrolled_organisation_too() {
    let chain = Chain::start();
    let mut record = newcomer("carrier", 99);
    record.roles.clear();
    let refused =
        chain.check(&chain.sign(MARKET, approve(&change(1, Kind::PutOrganisation(record)))));
    assert_eq!(refused, Err(BadOrganisation::Roles.into()));
}

/// The block that decides names the new set for its successor, and is still certified by the old.
#[test]
fn a_change_of_validators_is_handed_over_by_its_block() {
    let rows = [
        (
            "added",
            put_validator(1, 60, 3, "maker"),
            vec![11, 12, 13, 14],
            vec![11, 13, 14, 60],
        ),
        (
            "removed",
            remove_validator(1, 14),
            vec![11, 12, 13, 14],
            vec![11, 12, 13],
        ),
        (
            "new power",
            put_validator(1, 14, 9, "office"),
            vec![11, 12, 13],
            vec![14],
        ),
        (
            "another key",
            replace_validator(1, 14, 60),
            vec![11, 12, 14],
            vec![11, 12, 60],
        ),
        (
            "moved",
            put_validator(1, 14, 1, "maker"),
            vec![11, 12, 13],
            vec![11, 12, 13],
        ),
    ];
    for (name, change, old, new) in rows {
        let mut chain = Chain::start();
        let before = chain.validators.clone();
        chain.approve(&[MARKET, CARRIER, MAKER], &change);
        chain.commit(&[]);
        let [decided, next] = [2, 3].map(|i: usize| chain.blocks[i].header.clone());
        assert_ne!(before.hash(), chain.validators.hash(), "{name}");
        assert_eq!(decided.validators_hash, before.hash(), "{name}");
        assert_eq!(
            decided.next_validators_hash,
            chain.validators.hash(),
            "{name}"
        );
        assert_eq!(next.validators_hash, chain.validators.hash(), "{name}");
        assert_eq!(next.next_validators_hash, chain.validators.hash(), "{name}");

        let verify = |set, header, seeds: &[u8]| {
            proof::header::verify(&chain.id, set, &certified(&chain.id, header, seeds)).map(|_| ())
        };
        assert_eq!(verify(&before, &decided, &old), Ok(()), "{name}");
        assert_eq!(verify(&chain.validators, &next, &new), Ok(()), "{name}");
        assert!(verify(&before, &next, &old).is_err(), "{name}");
        assert!(verify(&chain.validators, &decided, &new).is_err(), "{name}");
        let few = &new[..new.len() - 1];
        assert!(
            verify(&chain.validators, &next, few).is_err() || new.len() == 3,
            "{name}"
        );
    }
}

/// Nobody gains or loses by another key, at no height.
#[test]
fn a_replaced_key_keeps_power_and_organisation() {
    let mut chain = with_powers([3, 1, 2, 1]);
    let before = chain.validators.total_power();
    chain.approve(&[MARKET, MAKER], &replace_validator(1, 13, 60));
    chain.commit(&[]);
    assert_eq!(chain.validators.total_power(), before);
    assert_eq!(chain.validators.get(&public(13)), None);
    let validator = chain.validators.get(&public(60)).unwrap();
    assert_eq!(
        (validator.power, validator.organisation.as_str()),
        (2, "maker")
    );
    assert_eq!(chain.validators.power_of_organisation("maker"), 2);
}

/// Two changes in one block: the second is decided by the set that the first leaves.
#[test]
fn changes_in_one_block_build_on_each_other() {
    let mut chain = Chain::start();
    let changes = [put_validator(1, 60, 1, "maker"), remove_validator(1, 14)];
    for change in &changes {
        chain.approve(&[MARKET, CARRIER], change);
    }
    let last = changes.map(|change| chain.sign(MAKER, approve(&change)));
    let executed = chain.commit(&last);
    assert_eq!(executed.rejected, []);
    let mut expected = [11, 12, 13, 60].map(public);
    expected.sort_unstable();
    let found: Vec<[u8; 32]> = chain.validators.iter().map(|v| v.public_key).collect();
    assert_eq!(found, expected);
}
