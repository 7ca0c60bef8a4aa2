use ledger::{CommitCertificate, Signature, VoteKind};

use super::*;
use crate::governance::validators::Validator;
use crate::test_support::{bit_flips, key, public};

const CHAIN: Hash = [7; 32];
const BLOCK: Hash = [9; 32];
const HEIGHT: u64 = 5;
const ROUND: u32 = 2;

/// Validators with the seeds 11, 12, … and these powers.
fn set(powers: &[u64]) -> ValidatorSet {
    let validators = (11u8..).zip(powers).map(|(seed, power)| Validator {
        public_key: public(seed),
        power: *power,
        organisation: "market".into(),
    });
    ValidatorSet::new(validators.collect(), 1).unwrap()
}

fn vote(seed: u8, purpose: Purpose, chain: &Hash, bytes: &[u8]) -> Signature {
    Signature {
        public_key: public(seed).to_vec(),
        signature: signing::sign(&key(seed), purpose, chain, bytes).to_vec(),
    }
}

fn precommit(seed: u8) -> Signature {
    let bytes = vote_bytes(VoteKind::Precommit, HEIGHT, ROUND, Some(&BLOCK));
    vote(seed, Purpose::Vote, &CHAIN, &bytes)
}

fn with(mut signatures: Vec<Signature>) -> CommitCertificate {
    signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
    CommitCertificate {
        height: HEIGHT,
        round: ROUND,
        block_id: BLOCK.to_vec(),
        signatures,
    }
}

fn by(seeds: &[u8]) -> CommitCertificate {
    with(seeds.iter().map(|seed| precommit(*seed)).collect())
}

fn check(certificate: &CommitCertificate, powers: &[u64]) -> Result<(), CertificateError> {
    verify(certificate, &CHAIN, HEIGHT, &BLOCK, &set(powers))
}

#[test]
fn more_than_two_thirds_of_the_power_are_needed() {
    let rows: [(&[u64], &[u8], bool); 10] = [
        (&[1], &[11], true),
        (&[1], &[], false),
        (&[1, 1, 1], &[11, 12], false),
        (&[1, 1, 1], &[11, 12, 13], true),
        (&[1, 1, 1, 1], &[11, 12], false),
        (&[1, 1, 1, 1], &[11, 12, 13], true),
        (&[1, 1, 1, 97], &[11, 12, 13], false),
        (&[1, 1, 1, 97], &[14], true),
        (&[2, 1], &[11], false),
        (&[1 << 47, 1 << 46], &[11, 12], true),
    ];
    for (powers, seeds, enough) in rows {
        let answer = check(&by(seeds), powers);
        if enough {
            assert_eq!(answer, Ok(()), "{powers:?} {seeds:?}");
        } else {
            let power = |seed: &u8| powers[usize::from(seed - 11)];
            let expected = CertificateError::TooFewVotes {
                signed: seeds.iter().map(power).sum(),
                total: powers.iter().sum(),
            };
            assert_eq!(answer, Err(expected), "{powers:?} {seeds:?}");
        }
    }
}

#[test]
fn exceeding_two_thirds_never_overflows() {
    for (part, total, expected) in [
        (2, 3, false),
        (3, 3, true),
        (0, 0, false),
        (66, 99, false),
        (67, 99, true),
        (67, 100, true),
        (u64::MAX, u64::MAX, true),
        (u64::MAX / 3 * 2, u64::MAX, false),
        (u64::MAX / 3 * 2 + 1, u64::MAX, true),
    ] {
        assert_eq!(
            exceeds_two_thirds(part, total),
            expected,
            "{part} of {total}"
        );
    }
}

#[test]
fn each_signature_is_a_precommit_for_this_chain_height_round_and_block() {
    let bytes = |kind, height, round, block: Option<&Hash>| vote_bytes(kind, height, round, block);
    let good = bytes(VoteKind::Precommit, HEIGHT, ROUND, Some(&BLOCK));
    let of = |bytes: &[u8]| vote(13, Purpose::Vote, &CHAIN, bytes);
    let rows = [
        (
            "prevote",
            of(&bytes(VoteKind::Prevote, HEIGHT, ROUND, Some(&BLOCK))),
        ),
        (
            "another height",
            of(&bytes(VoteKind::Precommit, HEIGHT + 1, ROUND, Some(&BLOCK))),
        ),
        (
            "another round",
            of(&bytes(VoteKind::Precommit, HEIGHT, ROUND + 1, Some(&BLOCK))),
        ),
        (
            "another block",
            of(&bytes(VoteKind::Precommit, HEIGHT, ROUND, Some(&[8; 32]))),
        ),
        ("nil", of(&bytes(VoteKind::Precommit, HEIGHT, ROUND, None))),
        ("another chain", vote(13, Purpose::Vote, &[8; 32], &good)),
        ("proposal", vote(13, Purpose::Proposal, &CHAIN, &good)),
        ("transaction", vote(13, Purpose::Transaction, &CHAIN, &good)),
        (
            "another's signature",
            Signature {
                signature: precommit(12).signature,
                ..precommit(13)
            },
        ),
    ];
    for (name, third) in rows {
        let certificate = with(vec![precommit(11), precommit(12), third]);
        let refused = check(&certificate, &[1, 1, 1, 1]);
        assert_eq!(
            refused,
            Err(CertificateError::Signature(public(13))),
            "{name}"
        );
    }
}

#[test]
fn each_field_is_checked() {
    type Edit = fn(&mut CommitCertificate);
    let rows: [(&str, Edit, CertificateError); 4] = [
        (
            "height",
            |c| c.height += 1,
            CertificateError::Height {
                expected: HEIGHT,
                found: HEIGHT + 1,
            },
        ),
        ("block id", |c| c.block_id[0] ^= 1, CertificateError::Block),
        (
            "short block id",
            |c| {
                c.block_id.pop();
            },
            CertificateError::Block,
        ),
        (
            "no block id",
            |c| c.block_id.clear(),
            CertificateError::Block,
        ),
    ];
    for (name, edit, expected) in rows {
        let mut certificate = by(&[11, 12, 13]);
        edit(&mut certificate);
        assert_eq!(check(&certificate, &[1; 4]), Err(expected), "{name}");
    }
    let mut certificate = by(&[11, 12, 13]);
    certificate.round += 1;
    let refused = check(&certificate, &[1; 4]);
    assert!(
        matches!(refused, Err(CertificateError::Signature(_))),
        "round: {refused:?}"
    );
    for (i, length) in [(0, 31), (1, 33), (2, 0)] {
        let mut certificate = by(&[11, 12, 13]);
        certificate.signatures[i].public_key.resize(length, 0);
        let refused = check(&certificate, &[1; 4]);
        assert!(
            matches!(refused, Err(CertificateError::Malformed(_))),
            "{refused:?}"
        );
        let mut certificate = by(&[11, 12, 13]);
        certificate.signatures[i].signature.resize(length, 0);
        let refused = check(&certificate, &[1; 4]);
        assert!(
            matches!(refused, Err(CertificateError::Malformed(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn every_flipped_bit_of_a_signature_is_refused() {
    let certificate = by(&[11, 12, 13]);
    for i in 0..3 {
        for flipped in bit_flips(&certificate.signatures[i].signature) {
            let mut tampered = certificate.clone();
            tampered.signatures[i].signature = flipped;
            assert!(check(&tampered, &[1; 4]).is_err());
        }
        for flipped in bit_flips(&certificate.signatures[i].public_key) {
            let mut tampered = certificate.clone();
            tampered.signatures[i].public_key = flipped;
            assert!(check(&tampered, &[1; 4]).is_err());
        }
    }
}

#[test]
fn a_validator_counts_once() {
    let mut certificate = by(&[11, 12]);
    let first = certificate.signatures[0].clone();
    let twice = CertificateError::Duplicate(first.public_key.as_slice().try_into().unwrap());
    for place in 0..=2 {
        let mut tampered = certificate.clone();
        tampered.signatures.insert(place, first.clone());
        assert_eq!(check(&tampered, &[1; 4]), Err(twice.clone()), "at {place}");
    }
    // A pure repetition of one vote doesn't reach two thirds either.
    certificate.signatures = vec![first; 4];
    assert_eq!(check(&certificate, &[1; 4]), Err(twice));
}

/// One set of votes has one certificate.
#[test]
fn signatures_ascend_by_public_key() {
    let certificate = by(&[11, 12, 13]);
    assert_eq!(check(&certificate, &[1; 4]), Ok(()));
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        let mut swapped = certificate.clone();
        swapped.signatures.swap(a, b);
        assert_eq!(check(&swapped, &[1; 4]), Err(CertificateError::Order));
    }
}

/// Votes of strangers are refused, not ignored: a certificate has one meaning.
#[test]
fn only_validators_sign() {
    let certificate = by(&[11, 12, 13, 60]);
    assert_eq!(
        check(&certificate, &[1; 4]),
        Err(CertificateError::NotAValidator(public(60)))
    );
    // A member of another height's set is a stranger too.
    assert_eq!(
        check(&by(&[11, 12, 13, 14]), &[1; 3]),
        Err(CertificateError::NotAValidator(public(14)))
    );
}

#[test]
fn the_callers_expectations_are_checked() {
    let certificate = by(&[11, 12, 13]);
    let set = set(&[1; 4]);
    let verify = |chain: Hash, height, block: Hash| {
        super::verify(&certificate, &chain, height, &block, &set)
    };
    assert_eq!(verify(CHAIN, HEIGHT, BLOCK), Ok(()));
    assert!(matches!(
        verify([8; 32], HEIGHT, BLOCK),
        Err(CertificateError::Signature(_))
    ));
    assert!(matches!(
        verify(CHAIN, HEIGHT - 1, BLOCK),
        Err(CertificateError::Height { .. })
    ));
    assert_eq!(verify(CHAIN, HEIGHT, [8; 32]), Err(CertificateError::Block));
}

#[test]
fn vote_bytes_are_the_canonical_message() {
    let nil = vote_bytes(VoteKind::Prevote, 1, 0, None);
    assert_eq!(nil, [0x08, 1, 0x10, 1]);
    let vote = vote_bytes(VoteKind::Precommit, 300, 1, Some(&BLOCK));
    let expected = [&[0x08, 2, 0x10, 0xac, 0x02, 0x18, 1, 0x22, 32][..], &BLOCK].concat();
    assert_eq!(vote, expected);
}
