//! The rules of certificates, each broken alone.

use super::{IMPRINT, STAMPED_MS};
use crate::test_support::tsa::{
    Draft, RSA_SHA_256, TIME_STAMPING, TestAuthority, TestKey, der, extension, key_usage, purposes,
    sequence,
};
use crate::timestamp::{MAX_CERTIFICATE_BYTES, MAX_CHAIN, Stamped, TokenError, X509Error, verify};

/// One key for each place of a chain: root, intermediate, signer.
const KEYS: [TestKey; 3] = [
    TestKey::Ed25519(1),
    TestKey::Ed25519(2),
    TestKey::Ed25519(3),
];

fn drafts() -> [Draft; 3] {
    let [root, between, signer] = KEYS;
    [
        Draft::authority("Root", root, "Root", root),
        Draft::authority("Between", between, "Root", root),
        Draft::signer("Stamps", signer, "Between", between),
    ]
}

fn stamped(drafts: &[Draft]) -> Result<Stamped, TokenError> {
    let key = drafts.last().unwrap().key;
    let authority = TestAuthority::of(key, drafts);
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    verify(&token, &authority.beyond(), &IMPRINT)
}

fn constraints(content: &[u8]) -> Vec<u8> {
    extension("2.5.29.19", true, &sequence(&[content]))
}

type Bend = fn(&mut [Draft; 3]);

const SERVERS: &str = "1.3.6.1.5.5.7.3.1";

#[test]
fn each_rule_of_a_chain_is_kept() {
    assert_eq!(stamped(&drafts()).map(|s| s.chain.len()), Ok(3));
    let rules: &[(&str, &str, X509Error, Bend)] = &[
        (
            "signer without purpose",
            "Stamps",
            X509Error::Purpose,
            |d| {
                d[2].extensions.remove(1);
            },
        ),
        ("purpose not critical", "Stamps", X509Error::Purpose, |d| {
            d[2].extensions[1] = purposes(false, &[TIME_STAMPING]);
        }),
        ("two purposes", "Stamps", X509Error::Purpose, |d| {
            d[2].extensions[1] = purposes(true, &[TIME_STAMPING, SERVERS]);
        }),
        ("another purpose", "Stamps", X509Error::Purpose, |d| {
            d[2].extensions[1] = purposes(true, &[SERVERS]);
        }),
        ("signer may encipher", "Stamps", X509Error::KeyUsage, |d| {
            d[2].extensions[0] = key_usage(&[5, 0xa0]);
        }),
        ("signer may not sign", "Stamps", X509Error::KeyUsage, |d| {
            d[2].extensions[0] = key_usage(&[5, 0x20]);
        }),
        ("signer expired", "Stamps", X509Error::Validity, |d| {
            d[2].not_after_ms = STAMPED_MS / 1000 * 1000;
        }),
        ("signer not valid yet", "Stamps", X509Error::Validity, |d| {
            d[2].not_before_ms = STAMPED_MS / 1000 * 1000 + 1000;
        }),
        ("root expired", "Root", X509Error::Validity, |d| {
            d[0].not_after_ms = STAMPED_MS - 86_400_000;
        }),
        (
            "no authority between",
            "Between",
            X509Error::NotAnAuthority,
            |d| {
                d[1].extensions.remove(0);
            },
        ),
        (
            "explicitly none",
            "Between",
            X509Error::NotAnAuthority,
            |d| {
                d[1].extensions[0] = constraints(&[]);
            },
        ),
        (
            "an authority for servers",
            "Between",
            X509Error::NotAnAuthority,
            |d| {
                d[1].extensions.push(purposes(false, &[SERVERS]));
            },
        ),
        (
            "may not sign certificates",
            "Between",
            X509Error::KeyUsage,
            |d| {
                d[1].extensions[1] = key_usage(&[0, 0x83]);
            },
        ),
        ("root may not either", "Root", X509Error::KeyUsage, |d| {
            d[0].extensions[1] = key_usage(&[1, 0x02]);
        }),
        ("path too long", "Root", X509Error::PathLength, |d| {
            d[0].extensions[0] = constraints(&[1, 1, 0xff, 2, 1, 0]);
        }),
        ("signed by another", "Between", X509Error::Signature, |d| {
            d[2].issuer_key = TestKey::Ed25519(9);
        }),
        (
            "root signed by another",
            "Root",
            X509Error::Signature,
            |d| {
                d[0].issuer_key = TestKey::Ed25519(9);
            },
        ),
    ];
    for (name, whose, reason, bend) in rules {
        let mut drafts = drafts();
        bend(&mut drafts);
        let expected = TokenError::Certificate {
            subject: format!("CN={whose}"),
            reason: reason.clone(),
        };
        assert_eq!(stamped(&drafts), Err(expected), "{name}");
    }
}

#[test]
fn certificates_that_cannot_be_read_are_refused() {
    let rules: &[(X509Error, Bend)] = &[
        (X509Error::Version, |d| d[2].version = 1),
        (X509Error::Critical("2.5.29.54".into()), |d| {
            d[1].extensions
                .push(extension("2.5.29.54", true, &[2, 1, 0]));
        }),
        (X509Error::Twice("2.5.29.15".into()), |d| {
            let twice = d[1].extensions[1].clone();
            d[1].extensions.push(twice);
        }),
        (X509Error::Algorithm("1.3.101.112".into()), |d| {
            d[1].inner_scheme = RSA_SHA_256;
        }),
    ];
    for (reason, bend) in rules {
        let mut drafts = drafts();
        bend(&mut drafts);
        let found = match stamped(&drafts) {
            Err(TokenError::Certificate { reason, .. }) => reason,
            other => panic!("{reason}: {other:?}"),
        };
        assert_eq!(found, *reason);
    }
    // Bits that aren't in their shortest form.
    for bits in [&[0, 0xc0][..], &[7, 0xc0], &[7, 0], &[8, 0x80]] {
        let mut loose = drafts();
        loose[2].extensions[0] = key_usage(bits);
        let found = stamped(&loose);
        let is_malformed = matches!(
            found,
            Err(TokenError::Certificate {
                reason: X509Error::Malformed(_),
                ..
            })
        );
        assert!(is_malformed, "{bits:?}: {found:?}");
    }
    let mut large = drafts();
    let padding = vec![0; MAX_CERTIFICATE_BYTES];
    large[0]
        .extensions
        .push(extension("2.5.29.54", false, &padding));
    assert!(matches!(
        stamped(&large),
        Err(TokenError::Certificate {
            reason: X509Error::TooLarge(_),
            ..
        })
    ));
}

#[test]
fn what_is_allowed_is_taken() {
    let allowed: &[Bend] = &[
        // An extension that isn't critical says nothing here.
        |d| {
            d[1].extensions
                .push(extension("2.5.29.54", false, &[2, 1, 0]))
        },
        |d| d[0].extensions[0] = constraints(&[1, 1, 0xff, 2, 1, 1]),
        |d| d[1].extensions[0] = constraints(&[1, 1, 0xff, 2, 1, 0]),
        |d| d[1].extensions.push(purposes(false, &[TIME_STAMPING])),
        |d| d[1].extensions.push(purposes(true, &["2.5.29.37.0"])),
        |d| {
            d[1].extensions.remove(1);
        },
        |d| {
            d[2].extensions.remove(0);
        },
        |d| d[2].extensions[0] = key_usage(&[6, 0xc0]),
        |d| d[2].extensions[0] = key_usage(&[6, 0x40]),
        // To the second of the token, and from it.
        |d| d[2].not_after_ms = STAMPED_MS + 750,
        |d| d[2].not_before_ms = STAMPED_MS,
        |d| d[0].not_after_ms = 3_000_000_000_000,
    ];
    for (place, bend) in allowed.iter().enumerate() {
        let mut drafts = drafts();
        bend(&mut drafts);
        assert_eq!(stamped(&drafts).map(|s| s.chain.len()), Ok(3), "{place}");
    }
}

#[test]
fn a_signer_may_be_its_own_root() {
    let key = TestKey::Ed25519(1);
    let mut authority = TestAuthority::of(key, &[Draft::signer("Alone", key, "Alone", key)]);
    authority.embedded = 1;
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let stamped = verify(&token, &[], &IMPRINT).unwrap();
    assert_eq!(stamped.chain, authority.chain);
    assert_eq!(stamped.beyond, Vec::<Vec<u8>>::new());
}

#[test]
fn a_chain_reaches_its_root_and_holds_all_that_the_token_has() {
    let mut authority = TestAuthority::of(KEYS[2], &drafts());
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let missing = Err(TokenError::NoIssuer("CN=Root".into()));
    assert_eq!(verify(&token, &[], &IMPRINT), missing);
    authority.embedded = 1;
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let missing = Err(TokenError::NoIssuer("CN=Between".into()));
    assert_eq!(verify(&token, &authority.chain[2..], &IMPRINT), missing);
    assert!(verify(&token, &authority.chain[1..], &IMPRINT).is_ok());
    authority.embedded = 0;
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let missing = Err(TokenError::NoSigner);
    assert_eq!(verify(&token, &authority.chain[1..], &IMPRINT), missing);
    let stranger = Draft::authority("Stranger", KEYS[0], "Stranger", KEYS[0]).sign();
    let mut draft = authority.draft(&IMPRINT, STAMPED_MS);
    draft.embedded.push(stranger);
    let refused = Err(TokenError::Stranger("CN=Stranger".into()));
    assert_eq!(verify(&draft.sign(), &authority.chain, &IMPRINT), refused);
}

/// Of two certificates of one authority, the token's own is taken, else the lesser bytes; and one that
/// may not sign is passed over.
#[test]
fn there_is_one_way_up() {
    let [root, between, signer] = drafts();
    let unfit = Draft {
        not_after_ms: STAMPED_MS - 86_400_000,
        serial: 1,
        ..between.clone()
    };
    let twins: Vec<Vec<u8>> = (4..8)
        .map(|serial| {
            Draft {
                serial,
                ..between.clone()
            }
            .sign()
        })
        .collect();
    let mut authority = TestAuthority::of(KEYS[2], &[root, between, signer]);
    authority.embedded = 1;
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let root = authority.chain[2].clone();
    let all = [vec![root.clone(), unfit.sign()], twins.clone()].concat();
    let found = verify(&token, &all, &IMPRINT).unwrap();
    assert_eq!(Some(&found.chain[1]), twins.iter().min());
    let mut draft = authority.draft(&IMPRINT, STAMPED_MS);
    draft.embedded.push(twins[3].clone());
    let found = verify(&draft.sign(), &all, &IMPRINT).unwrap();
    assert_eq!(found.chain[1], twins[3]);
}

#[test]
fn a_chain_has_an_end() {
    let name = |n: usize| format!("Authority {n}");
    let key = |n: usize| TestKey::Ed25519(n as u8 + 1);
    let long = |length: usize| {
        let mut drafts = vec![Draft::authority(&name(0), key(0), &name(0), key(0))];
        for n in 1..length - 1 {
            drafts.push(Draft::authority(&name(n), key(n), &name(n - 1), key(n - 1)));
        }
        let last = length - 2;
        drafts.push(Draft::signer("Stamps", key(length), &name(last), key(last)));
        let mut authority = TestAuthority::of(key(length), &drafts);
        authority.embedded = 1;
        let token = authority.stamp(&IMPRINT, STAMPED_MS);
        verify(&token, &authority.beyond(), &IMPRINT)
    };
    assert_eq!(long(MAX_CHAIN).map(|s| s.chain.len()), Ok(MAX_CHAIN));
    assert_eq!(long(MAX_CHAIN + 1), Err(TokenError::ChainLength));
    // Two authorities that sign each other lead nowhere.
    let [a, b, signer] = KEYS;
    let drafts = [
        Draft::authority("A", a, "B", b),
        Draft::authority("B", b, "A", a),
        Draft::signer("Stamps", signer, "A", a),
    ];
    let circle = TestAuthority::of(signer, &drafts);
    let token = circle.stamp(&IMPRINT, STAMPED_MS);
    let found = verify(&token, &circle.chain, &IMPRINT);
    assert_eq!(found, Err(TokenError::NoIssuer("CN=A".into())));
}

#[test]
fn too_many_certificates_are_not_read() {
    let mut authority = TestAuthority::of(KEYS[2], &drafts());
    authority.embedded = 3;
    let token = authority.stamp(&IMPRINT, STAMPED_MS);
    let many = vec![authority.chain[2].clone(); 33];
    assert_eq!(verify(&token, &many, &IMPRINT), Err(TokenError::TooMany));
    assert!(verify(&token, &many[..32], &IMPRINT).is_ok());
    let mut draft = authority.draft(&IMPRINT, STAMPED_MS);
    let numbered = |serial: u8| {
        let [_, _, mut signer] = drafts();
        signer.serial = serial;
        signer.sign()
    };
    draft.embedded = (0..=MAX_CHAIN as u8).map(numbered).collect();
    assert_eq!(
        verify(&draft.sign(), &[], &IMPRINT),
        Err(TokenError::TooMany)
    );
}

#[test]
fn names_are_shown_as_text() {
    let certificate = Draft::authority("A\n界", KEYS[0], "A", KEYS[0]).sign();
    let read = crate::timestamp::Certificate::read(&certificate).unwrap();
    assert_eq!(read.name(), "CN=A\u{fffd}界");
    let odd = sequence(&[&der(0x31, &[&[4, 1, 0]])]);
    assert_eq!(crate::timestamp::x509::name(&odd), hex::encode(&odd));
}
