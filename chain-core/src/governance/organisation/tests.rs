use super::*;
use crate::encoding::Malformed;
use crate::test_support::{newcomer, public};
use touchstone_proto::ledger::Peer;

fn key(public_key: Vec<u8>) -> Key {
    Key {
        public_key,
        ..Key::default()
    }
}

fn peer(seed: u8, addresses: Vec<String>) -> Peer {
    Peer {
        public_key: public(seed).to_vec(),
        addresses,
    }
}

fn weak() -> Vec<u8> {
    [[1].as_slice(), &[0; 31]].concat()
}

#[test]
fn each_field_is_checked() {
    type Edit = fn(&mut Organisation);
    use BadOrganisation as Bad;
    let bad_key = || Bad::Key {
        key: weak(),
        error: BadKey::Weak,
    };
    let length = |field, found| {
        Bad::Malformed(Malformed::Length {
            field,
            expected: 32,
            found,
        })
    };
    let prefix = |text: &str| Some(Bad::Prefix(text.into()));
    let rows: [(&str, Edit, Option<BadOrganisation>); 41] = [
        ("as it is", |_| (), None),
        ("no id", |o| o.id.clear(), Some(Bad::Id("".into()))),
        (
            "id of one",
            |o| o.id = "a".into(),
            Some(Bad::Id("a".into())),
        ),
        ("id of two", |o| o.id = "a1".into(), None),
        ("id of 64", |o| o.id = "a".repeat(64), None),
        (
            "id of 65",
            |o| o.id = "a".repeat(65),
            Some(Bad::Id("a".repeat(65))),
        ),
        (
            "upper case",
            |o| o.id = "aB".into(),
            Some(Bad::Id("aB".into())),
        ),
        (
            "digit first",
            |o| o.id = "1a".into(),
            Some(Bad::Id("1a".into())),
        ),
        (
            "hyphen first",
            |o| o.id = "-a".into(),
            Some(Bad::Id("-a".into())),
        ),
        ("hyphen", |o| o.id = "a-1".into(), None),
        (
            "zero byte",
            |o| o.id = "a\0".into(),
            Some(Bad::Id("a\0".into())),
        ),
        (
            "slash",
            |o| o.id = "a/b".into(),
            Some(Bad::Id("a/b".into())),
        ),
        (
            "not ASCII",
            |o| o.id = "aé".into(),
            Some(Bad::Id("aé".into())),
        ),
        ("no name", |o| o.name.clear(), Some(Bad::Name)),
        ("name of 128", |o| o.name = "n".repeat(128), None),
        ("name of 129", |o| o.name = "n".repeat(129), Some(Bad::Name)),
        (
            "name with a tab",
            |o| o.name = "a\tb".into(),
            Some(Bad::Name),
        ),
        ("no role", |o| o.roles.clear(), Some(Bad::Roles)),
        ("role 0", |o| o.roles = vec![0], Some(Bad::Roles)),
        ("role 12", |o| o.roles = vec![12], Some(Bad::Roles)),
        ("role -1", |o| o.roles = vec![-1], Some(Bad::Roles)),
        ("all roles", |o| o.roles = (1..=11).collect(), None),
        (
            "roles descending",
            |o| o.roles = vec![2, 1],
            Some(Bad::Roles),
        ),
        ("a role twice", |o| o.roles = vec![1, 1], Some(Bad::Roles)),
        ("no key", |o| o.keys.clear(), Some(Bad::Keys)),
        (
            "a key twice",
            |o| o.keys.push(o.keys[0].clone()),
            Some(Bad::Keys),
        ),
        (
            "257 keys",
            |o| {
                o.keys = (0..257u16)
                    .map(|n| key(n.to_be_bytes().repeat(16)))
                    .collect()
            },
            Some(Bad::Keys),
        ),
        (
            "short key",
            |o| o.keys = vec![key(vec![1; 31])],
            Some(length("public_key", 31)),
        ),
        ("weak key", |o| o.keys = vec![key(weak())], Some(bad_key())),
        (
            "two peers",
            |o| o.peers = vec![peer(61, vec![]), peer(62, vec![])],
            None,
        ),
        (
            "a peer twice",
            |o| o.peers = vec![peer(61, vec![]), peer(61, vec![])],
            Some(Bad::Peers),
        ),
        (
            "17 peers",
            |o| o.peers = (61..78).map(|n| peer(n, vec![])).collect(),
            Some(Bad::Peers),
        ),
        (
            "8 addresses",
            |o| o.peers = vec![peer(61, vec!["a".into(); 8])],
            None,
        ),
        (
            "9 addresses",
            |o| o.peers = vec![peer(61, vec!["a".into(); 9])],
            Some(Bad::Peers),
        ),
        (
            "address of 257",
            |o| o.peers = vec![peer(61, vec!["a".repeat(257)])],
            Some(Bad::Peers),
        ),
        (
            "weak peer key",
            |o| {
                o.peers = vec![Peer {
                    public_key: weak(),
                    addresses: vec![],
                }]
            },
            Some(bad_key()),
        ),
        (
            "short peer key",
            |o| {
                o.peers = vec![Peer {
                    public_key: vec![1],
                    addresses: vec![],
                }]
            },
            Some(length("peer public_key", 1)),
        ),
        (
            "prefixes",
            |o| o.gs1_prefixes = vec!["4012".into(), "401234567890".into()],
            None,
        ),
        (
            "prefix of 3",
            |o| o.gs1_prefixes = vec!["401".into()],
            prefix("401"),
        ),
        (
            "prefix with a letter",
            |o| o.gs1_prefixes = vec!["40a2".into()],
            prefix("40a2"),
        ),
        (
            "prefix twice",
            |o| o.gs1_prefixes = vec!["4012".into(); 2],
            prefix("4012, 4012"),
        ),
    ];
    for (name, edit, expected) in rows {
        let mut organisation = newcomer("customs", 60);
        edit(&mut organisation);
        assert_eq!(check(&organisation).err(), expected, "{name}");
    }
    let mut descending = newcomer("customs", 60);
    descending.gs1_prefixes = vec!["5012".into(), "4012".into()];
    assert_eq!(check(&descending).err(), prefix("5012, 4012"));
    let mut long = newcomer("customs", 60);
    long.gs1_prefixes = vec!["4012345678901".into()];
    assert_eq!(check(&long).err(), prefix("4012345678901"));
}

#[test]
fn a_key_signs_between_its_heights_inclusive() {
    let rows = [
        (5, 0, 4, false),
        (5, 0, 5, true),
        (5, 0, u64::MAX, true),
        (5, 9, 9, true),
        (5, 9, 10, false),
        // Retired before it was ever valid.
        (5, 4, 4, false),
        (5, 4, 5, false),
    ];
    for (valid_from_height, valid_until_height, height, expected) in rows {
        let key = Key {
            public_key: vec![1; 32],
            valid_from_height,
            valid_until_height,
            ..Key::default()
        };
        assert_eq!(valid_at(&key, height), expected, "{key:?} at {height}");
        let mut organisation = newcomer("customs", 60);
        organisation.keys = vec![key];
        let found = key_valid_at(&organisation, &[1; 32], height);
        assert_eq!(found.is_some(), expected);
        assert_eq!(key_valid_at(&organisation, &[2; 32], height), None);
    }
}

#[test]
fn any_of_the_roles_is_enough() {
    let mut organisation = newcomer("customs", 60);
    organisation.roles = vec![Role::Court as i32, Role::Retail as i32];
    assert!(has_role(&organisation, &[Role::Platform, Role::Retail]));
    assert!(!has_role(&organisation, &[Role::Platform, Role::Customs]));
    assert!(!has_role(&organisation, &[]));
}
