use super::*;
use crate::test_support::public;

fn validator(seed: u8, power: u64) -> Validator {
    Validator {
        public_key: public(seed),
        power,
        organisation: format!("org-{seed}"),
    }
}

fn set(count: u8) -> ValidatorSet {
    ValidatorSet::new((1..=count).map(|seed| validator(seed, 1)).collect(), 1).unwrap()
}

#[test]
fn a_set_keeps_its_rules() {
    let weak = Validator {
        public_key: [0; 32],
        ..validator(1, 1)
    };
    let rows: [(&str, Vec<Validator>, Option<BadValidatorSet>); 9] = [
        ("none", vec![], Some(BadValidatorSet::Empty)),
        ("one", vec![validator(1, 1)], None),
        (
            "a hundred",
            (1..=100).map(|s| validator(s, 1)).collect(),
            None,
        ),
        (
            "too many",
            (1..=101).map(|s| validator(s, 1)).collect(),
            Some(BadValidatorSet::TooMany(101)),
        ),
        (
            "one twice",
            vec![validator(1, 1), validator(1, 2)],
            Some(BadValidatorSet::Order),
        ),
        (
            "no power",
            vec![validator(1, 1), validator(2, 0)],
            Some(BadValidatorSet::NoPower(public(2))),
        ),
        (
            "most power",
            vec![validator(1, MAX_TOTAL_POWER - 1), validator(2, 1)],
            None,
        ),
        (
            "too much power",
            vec![validator(1, u64::MAX), validator(2, u64::MAX)],
            Some(BadValidatorSet::TooMuchPower),
        ),
        (
            "weak key",
            vec![weak],
            Some(BadValidatorSet::Key {
                key: [0; 32],
                error: BadKey::Weak,
            }),
        ),
    ];
    for (name, validators, expected) in rows {
        assert_eq!(ValidatorSet::new(validators, 1).err(), expected, "{name}");
    }
    let one_over = vec![validator(1, MAX_TOTAL_POWER), validator(2, 1)];
    assert_eq!(
        ValidatorSet::new(one_over, 1),
        Err(BadValidatorSet::TooMuchPower)
    );
    let never = ValidatorSet::new(vec![validator(1, 1)], 0);
    assert_eq!(never, Err(BadValidatorSet::NoHeight));
}

/// One set has one encoding, so one hash.
#[test]
fn a_set_has_one_form() {
    let set = set(5);
    assert_eq!(ValidatorSet::decode(&set.encode()), Ok(set.clone()));
    let reversed = ValidatorSet::new(set.as_slice().iter().rev().cloned().collect(), 1).unwrap();
    assert_eq!(reversed.hash(), set.hash());
    let mut message = set.message();
    message.validators.swap(0, 1);
    assert_eq!(
        ValidatorSet::from_message(&message),
        Err(BadValidatorSet::Order)
    );
    let garbled = [set.encode().as_slice(), &[0]].concat();
    assert!(matches!(
        ValidatorSet::decode(&garbled),
        Err(BadValidatorSet::Malformed(_))
    ));
    let mut message = set.message();
    message.validators[0].public_key.pop();
    assert!(matches!(
        ValidatorSet::from_message(&message),
        Err(BadValidatorSet::Malformed(_))
    ));
}

#[test]
fn the_hash_covers_key_power_and_organisation() {
    let hash = |edit: fn(&mut Validator)| {
        let mut one = validator(1, 1);
        edit(&mut one);
        ValidatorSet::new(vec![one, validator(2, 1)], 1)
            .unwrap()
            .hash()
    };
    let same = hash(|_| ());
    assert_ne!(same, hash(|v| v.power = 2));
    assert_ne!(same, hash(|v| v.organisation.push('x')));
    assert_ne!(same, hash(|v| v.public_key = public(3)));
    assert_eq!(same, hash(|_| ()));
}

#[test]
fn power_and_members_are_found() {
    let mut list: Vec<Validator> = (1..=4).map(|s| validator(s, u64::from(s))).collect();
    list[3].organisation = "org-1".into();
    let set = ValidatorSet::new(list, 1).unwrap();
    assert_eq!((set.total_power(), set.count()), (10, 4));
    assert_eq!(set.power_of_organisation("org-1"), 5);
    assert_eq!(set.power_of_organisation("org-9"), 0);
    for seed in 1..=4 {
        assert_eq!(
            set.get(&public(seed)).map(|v| v.power),
            Some(u64::from(seed))
        );
    }
    assert_eq!(set.get(&public(9)), None);
    assert!(set.as_slice().is_sorted_by_key(|v| v.public_key));
}

/// Everyone proposes in turn, over heights and over rounds, and never overflows.
#[test]
fn proposers_take_turns() {
    for count in 1..=7u8 {
        let set = set(count);
        let distinct = |keys: Vec<[u8; 32]>| {
            let mut keys = keys;
            keys.sort_unstable();
            keys.dedup();
            keys.len()
        };
        let by_height = (10..10 + u64::from(count)).map(|h| set.in_rotation(h, 0).public_key);
        assert_eq!(distinct(by_height.collect()), usize::from(count));
        let by_round = (0..u32::from(count)).map(|r| set.in_rotation(10, r).public_key);
        assert_eq!(distinct(by_round.collect()), usize::from(count));
        set.in_rotation(u64::MAX, u32::MAX);
    }
    let set = set(4);
    for (height, round, place) in [(1, 0, 1), (1, 1, 2), (4, 0, 0), (3, 2, 1)] {
        assert_eq!(set.in_rotation(height, round), &set.as_slice()[place]);
    }
}
