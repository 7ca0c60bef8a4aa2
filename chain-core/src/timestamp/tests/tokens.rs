//! The rules of tokens, each broken alone, and the encoding beneath.

use super::{IMPRINT, STAMPED_MS};
use crate::test_support::tsa::{
    RSA, RSA_SHA_256, SHA_256, SHA_384, SHA_512, TST_INFO, TestAuthority, TestKey, Unsigned,
    algorithm, attribute, binds, der, extension, generalized, hashed, oid, sequence, tst_info,
};
use crate::timestamp::der::{self, DerFault, Reader, tag};
use crate::timestamp::{MAX_TOKEN_BYTES, Stamped, TokenError, verify};

fn signed(bend: impl FnOnce(&mut Unsigned)) -> Result<Stamped, TokenError> {
    stamped(&TestAuthority::rsa(), bend)
}

fn stamped(
    authority: &TestAuthority,
    bend: impl FnOnce(&mut Unsigned),
) -> Result<Stamped, TokenError> {
    let mut draft = authority.draft(&IMPRINT, STAMPED_MS);
    bend(&mut draft);
    verify(&draft.sign(), &authority.beyond(), &IMPRINT)
}

fn not_taken(what: &'static str, id: &str) -> TokenError {
    TokenError::Algorithm {
        what,
        id: id.into(),
    }
}

fn info(optional: &[u8]) -> Vec<u8> {
    tst_info(&IMPRINT, &generalized(STAMPED_MS), optional)
}

type Bend = fn(&mut Unsigned);

#[test]
fn each_rule_of_a_token_is_kept() {
    assert_eq!(signed(|_| {}).map(|s| s.gen_time_ms), Ok(STAMPED_MS));
    let once = |id: &str| TokenError::Attribute(id.into());
    let rules: Vec<(&str, TokenError, Bend)> = vec![
        (
            "no token",
            TokenError::Content("1.2.840.113549.1.7.1".into()),
            |t| {
                t.content_type = "1.2.840.113549.1.7.1";
            },
        ),
        ("version", TokenError::Version("SignedData"), |t| {
            t.version = 1
        }),
        ("signer's version", TokenError::Version("SignerInfo"), |t| {
            t.signer_version = 3
        }),
        ("content's version", TokenError::Version("TSTInfo"), |t| {
            t.content[4] = 2
        }),
        (
            "revocation",
            TokenError::Unsigned("revocation lists"),
            |t| {
                t.revocation = der(0xa1, &[]);
            },
        ),
        (
            "unsigned",
            TokenError::Unsigned("unsigned attributes"),
            |t| {
                t.unsigned_attributes = der(0xa1, &[]);
            },
        ),
        ("no signer", TokenError::Signers, |t| t.signers = 0),
        ("two signers", TokenError::Signers, |t| t.signers = 2),
        ("another serial", TokenError::NoSigner, |t| {
            t.signer[1] = vec![2, 1, 8]
        }),
        ("another issuer", TokenError::NoSigner, |t| {
            t.signer[0] = crate::test_support::tsa::name("Root R");
        }),
        ("digest not announced", not_taken("digest", SHA_256), |t| {
            t.announced = SHA_384
        }),
        ("SHA-1", not_taken("digest", "1.3.14.3.2.26"), |t| {
            t.digest = "1.3.14.3.2.26";
            t.announced = t.digest;
        }),
        (
            "scheme of another digest",
            not_taken("signature", "1.2.840.113549.1.1.12"),
            |t| {
                t.scheme = "1.2.840.113549.1.1.12";
            },
        ),
        (
            "PSS",
            not_taken("signature", "1.2.840.113549.1.1.10"),
            |t| {
                t.scheme = "1.2.840.113549.1.1.10";
            },
        ),
        ("scheme of another key", TokenError::Signature, |t| {
            t.scheme = "1.2.840.10045.4.3.2";
        }),
        ("another key", TokenError::Signature, |t| {
            t.key = TestKey::RsaRoot
        }),
        ("no content type", once("1.2.840.113549.1.9.3"), |t| {
            t.attributes.remove(0);
        }),
        ("content type twice", once("1.2.840.113549.1.9.3"), |t| {
            let twice = t.attributes[0].clone();
            t.attributes.push(twice);
        }),
        (
            "content type of two values",
            once("1.2.840.113549.1.9.3"),
            |t| {
                t.attributes[0] = attribute("1.2.840.113549.1.9.3", &oid(TST_INFO).repeat(2));
            },
        ),
        (
            "content type without value",
            once("1.2.840.113549.1.9.3"),
            |t| {
                t.attributes[0] = attribute("1.2.840.113549.1.9.3", &[]);
            },
        ),
        ("other content type", TokenError::ContentType, |t| {
            t.attributes[0] = attribute("1.2.840.113549.1.9.3", &oid("1.2.840.113549.1.7.1"));
        }),
        ("digest of something else", TokenError::MessageDigest, |t| {
            t.message_digest = Some(hashed(SHA_256, b"something else"));
        }),
        (
            "certificate not bound",
            TokenError::SigningCertificate,
            |t| {
                t.attributes.remove(1);
            },
        ),
        ("another bound", TokenError::SigningCertificate, |t| {
            t.attributes[1] = binds(&t.embedded[1]);
        }),
        (
            "both forms, the older wrong",
            TokenError::SigningCertificate,
            |t| {
                let id = sequence(&[&der(4, &[&[7; 20]])]);
                let value = sequence(&[&sequence(&[&id])]);
                t.attributes
                    .push(attribute("1.2.840.113549.1.9.16.2.12", &value));
            },
        ),
        (
            "both forms, the newer wrong",
            TokenError::SigningCertificate,
            |t| {
                let id = sequence(&[&der(4, &[&hashed("sha1", &t.embedded[0])])]);
                let value = sequence(&[&sequence(&[&id])]);
                t.attributes
                    .push(attribute("1.2.840.113549.1.9.16.2.12", &value));
                t.attributes[1] = binds(&t.embedded[1]);
            },
        ),
        ("imprint by SHA-512", not_taken("imprint", SHA_512), |t| {
            let stamped = sequence(&[&algorithm(SHA_512), &der(4, &[&IMPRINT])]);
            let time = generalized(STAMPED_MS);
            t.content = sequence(&[&[2, 1, 1], &oid("1.2.3"), &stamped, &[2, 1, 5], &time]);
        }),
        ("another imprint", TokenError::Imprint, |t| {
            t.content = tst_info(&[1; 32], &generalized(STAMPED_MS), &[]);
        }),
        ("a shorter imprint", TokenError::Imprint, |t| {
            t.content = tst_info(&IMPRINT[..31], &generalized(STAMPED_MS), &[]);
        }),
        (
            "critical extension",
            TokenError::Extension("1.2.3".into()),
            |t| {
                t.content = info(&der(0xa1, &[&extension("1.2.3", true, &[])]));
            },
        ),
    ];
    for (name, expected, bend) in rules {
        assert_eq!(signed(bend), Err(expected), "{name}");
    }
    let ed25519 = TestAuthority::simple(TestKey::Ed25519(1), TestKey::Ed25519(2));
    let found = stamped(&ed25519, |t| {
        (t.digest, t.announced) = (SHA_256, SHA_256);
    });
    assert_eq!(found, Err(not_taken("signature", "1.3.101.112")));
}

#[test]
fn malformed_content_is_named() {
    let times: [&[u8]; 10] = [
        b"20260301120000",
        b"20260301120000+0000",
        b"202603011200Z",
        b"20260301120060Z",
        b"20260301120000.50Z",
        b"20260230120000Z",
        b"20260301120000.Z",
        b"20260301120000.1234567890Z",
        b"20260301120000,5Z",
        b"19691231235959Z",
    ];
    let contents = times.map(|time| tst_info(&IMPRINT, &der(0x18, &[time]), &[]));
    for content in contents {
        let found = signed(|t| t.content = content);
        let Err(TokenError::Malformed(bad)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(
            (bad.part, bad.fault),
            ("TSTInfo", DerFault::Value("genTime"))
        );
    }
    let optional: [Vec<u8>; 10] = [
        // No name of an authority, two, and no extension.
        vec![0xa0, 0],
        vec![0xa0, 4, 0x82, 0, 0x82, 0],
        vec![0xa1, 0],
        // Parts of a second from 1 to 999.
        sequence(&[&[0x80, 2, 3, 0xe8]]),
        sequence(&[&[0x80, 1, 0]]),
        sequence(&[&[0x81, 1, 0xff]]),
        // Explicit elements out of order, and something behind.
        [[1u8, 1, 0xff].as_slice(), &sequence(&[&[2, 1, 1]])].concat(),
        vec![1, 1, 0x7f],
        vec![2, 2, 0, 1],
        [&[2u8, 1, 1], [5u8, 0].as_slice()].concat(),
    ];
    for optional in optional {
        let content = info(&optional);
        let found = signed(|t| t.content = content);
        assert!(
            matches!(found, Err(TokenError::Malformed(_))),
            "{optional:?}"
        );
    }
    let large = vec![0; MAX_TOKEN_BYTES + 1];
    let found = verify(&large, &[], &IMPRINT);
    assert_eq!(found, Err(TokenError::TooLarge(large.len())));
}

#[test]
fn what_is_allowed_is_taken() {
    let accuracy = sequence(&[&[2, 1, 2], &[0x80, 1, 5], &[0x81, 1, 1]]);
    let optional = [
        accuracy.as_slice(),
        &[1, 1, 0xff],
        &[2, 9, 0, 0xff, 0, 0, 0, 0, 0, 0, 1],
        &der(
            0xa0,
            &[&der(0xa4, &[&crate::test_support::tsa::name("Anybody")])],
        ),
        &der(0xa1, &[&extension("1.2.3", false, &[])]),
    ]
    .concat();
    let found = signed(|t| t.content = info(&optional)).unwrap();
    assert_eq!(found.accuracy_ms, Some(2006));
    assert_eq!(found.nonce, Some(0xff00_0000_0000_0001));
    assert_eq!(found.serial, "1234");
    assert_eq!(found.beyond.len(), 1);
    let long_nonce = [2, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    let found = signed(|t| t.content = info(&long_nonce)).unwrap();
    assert_eq!((found.nonce, found.accuracy_ms), (None, None));
    // rsaEncryption leaves the digest to the field before it.
    assert!(signed(|t| t.scheme = RSA).is_ok());
    // The certificate is named by another digest, or in both forms.
    let found = signed(|t| {
        let hash = der(4, &[&hashed(SHA_384, &t.embedded[0])]);
        let value = sequence(&[&sequence(&[&sequence(&[&algorithm(SHA_384), &hash])])]);
        t.attributes[1] = attribute("1.2.840.113549.1.9.16.2.47", &value);
        let id = sequence(&[&der(4, &[&hashed("sha1", &t.embedded[0])])]);
        let value = sequence(&[&sequence(&[&id])]);
        t.attributes
            .push(attribute("1.2.840.113549.1.9.16.2.12", &value));
    });
    assert!(found.is_ok());
    // Certificates in any order.
    assert!(signed(|t| t.embedded.reverse()).is_ok());
    assert_ne!(RSA_SHA_256, RSA);
}

#[test]
fn fractions_of_a_second_are_rounded_up() {
    for (text, ms) in [
        ("20260301120000Z", 1_772_366_400_000),
        ("20260301120000.2Z", 1_772_366_400_200),
        ("20260301120000.0001Z", 1_772_366_400_001),
        ("20260301120000.999000001Z", 1_772_366_401_000),
        ("19700101000000Z", 0),
        ("99991231235959Z", 253_402_300_799_000),
        ("20240229000000Z", 1_709_164_800_000),
    ] {
        assert_eq!(der::moment(text.as_bytes()), Some(ms), "{text}");
    }
}

#[test]
fn only_the_shortest_encoding_is_read() {
    let long = [&[0x30, 0x81, 0x80], [0; 128].as_slice()].concat();
    assert!(Reader::new(&long, "").next().is_ok());
    let faults: [(&[u8], DerFault); 10] = [
        (&[], DerFault::Truncated),
        (&[0x30], DerFault::Truncated),
        (&[0x30, 2, 0], DerFault::Truncated),
        (&[0x30, 0x82, 1], DerFault::Truncated),
        (&[0x30, 0x80, 0, 0], DerFault::Form),
        (&[0x30, 0x81, 0x7f], DerFault::Form),
        (&[0x30, 0x82, 0, 0x80], DerFault::Form),
        (&[0x30, 0x85, 1, 0, 0, 0, 0], DerFault::Form),
        (&[0x1f, 0x81, 0], DerFault::Form),
        (&[0x30, 0xff], DerFault::Form),
    ];
    for (bytes, fault) in faults {
        let padded = match fault {
            DerFault::Truncated => bytes.to_vec(),
            _ => [bytes, &[0; 200]].concat(),
        };
        let found = Reader::new(&padded, "x").next().map(|_| ()).unwrap_err();
        assert_eq!((found.part, found.fault), ("x", fault), "{bytes:x?}");
    }
    let integer = |content: &[u8]| {
        let bytes = der(2, &[content]);
        Reader::new(&bytes, "").unsigned().ok()
    };
    for (content, value) in [
        (&[0][..], Some(0)),
        (&[0x7f], Some(127)),
        (&[0, 0x80], Some(128)),
        (&[], None),
        (&[0, 0x7f], None),
        (&[0xff], None),
        (&[0xff, 0x80], None),
        (
            &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            Some(u64::MAX),
        ),
        (&[1, 0, 0, 0, 0, 0, 0, 0, 0], None),
    ] {
        assert_eq!(integer(content), value, "{content:x?}");
    }
    let is_id = |content: &[u8]| Reader::new(&der(6, &[content]), "").object_id().is_ok();
    assert!(is_id(&[0x2a, 0x86, 0x48]) && is_id(&[0x88, 0x37, 3]));
    for bad in [&[][..], &[0x2a, 0x86], &[0x80, 1], &[0x2a, 0x80, 1]] {
        assert!(!is_id(bad), "{bad:x?}");
    }
    assert_eq!(der::dotted(&[0x88, 0x37, 3]), "2.999.3");
    assert_eq!(der::dotted(&[0x55, 0x1d, 0x25, 0]), "2.5.29.37.0");
    let bits = |bytes: &[u8]| Reader::new(&der(3, &[bytes]), "").bit_string().is_ok();
    assert!(bits(&[0, 1]) && bits(&[0]) && !bits(&[1, 2]) && !bits(&[]));
    let mut twice = Reader::new(&[5, 0, 5, 0], "x");
    twice.take(tag::NULL).unwrap();
    assert_eq!(twice.finish().unwrap_err().fault, DerFault::Trailing);
    let null = sequence(&[&oid("1.2.3"), &[5, 1, 0]]);
    assert!(Reader::new(&null, "").algorithm().is_err());
}

/// What no rule reads has one form too.
#[test]
fn every_element_keeps_its_form() {
    let good: [&[u8]; 9] = [
        &[0x30, 0],
        &[0x31, 3, 2, 1, 0],
        &[0x03, 2, 0, 7],
        &[0x05, 0],
        &[0x01, 1, 0xff],
        &[0x06, 2, 0x81, 0x01],
        &[0x04, 2, 0x30, 9],
        &[0xa0, 3, 0x82, 1, 9],
        &[0x30, 5, 0x31, 3, 2, 1, 0x80],
    ];
    for bytes in good {
        assert_eq!(der::check(bytes, "it"), Ok(()), "{bytes:?}");
    }
    let bad: [&[u8]; 12] = [
        &[0x10, 0],
        &[0x11, 0],
        &[0x24, 2, 4, 0],
        &[0x20, 0],
        &[0x00, 0],
        &[0x03, 2, 1, 6],
        &[0x03, 0],
        &[0x05, 1, 0],
        &[0x01, 1, 1],
        &[0x06, 2, 0x80, 1],
        &[0x30, 4, 2, 2, 0, 1],
        &[0xa0, 3, 0xbf, 0x20, 0],
    ];
    for bytes in bad {
        assert!(der::check(bytes, "it").is_err(), "{bytes:?}");
    }
    let embedded_twice = signed(|t| {
        let first = t.embedded[0].clone();
        t.embedded.push(first);
    });
    assert_eq!(
        embedded_twice,
        Err(TokenError::Twice("a certificate".to_owned()))
    );
    let twice = [
        extension("1.2.3", false, &[5, 0]),
        extension("1.2.3", false, &[5, 0]),
    ]
    .concat();
    let content = info(&der(0xa1, &[&twice]));
    assert_eq!(
        signed(|t| t.content = content),
        Err(TokenError::Twice("1.2.3".to_owned()))
    );
}
