use super::*;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, certified, certify, public, put_validator, remove_validator,
};

const ALL: [u8; 4] = [11, 12, 13, 14];

/// A chain of three blocks, and the certified header of the last.
fn chain() -> (Chain, CertifiedHeader) {
    let mut chain = Chain::start();
    for _ in 0..3 {
        chain.commit(&[]);
    }
    let certified = certified(&chain.id, &chain.blocks[2].header, &ALL[..3]);
    (chain, certified)
}

#[test]
fn a_certified_header_is_proven() {
    let (chain, certified) = chain();
    let header = verify(&chain.id, &chain.validators, &certified).unwrap();
    assert_eq!(header, chain.blocks[2].header);
}

/// The certificate is over the untampered header: each field is covered by the block id.
#[test]
fn every_tampered_field_of_the_header_is_refused() {
    type Edit = fn(&mut Header);
    let rows: [(&str, Edit); 9] = [
        ("height", |h| h.height += 1),
        ("time_ms", |h| h.time_ms += 1),
        ("parent", |h| h.parent[0] ^= 1),
        ("proposer", |h| h.proposer[31] ^= 1),
        ("transaction_root", |h| h.transaction_root[0] ^= 1),
        ("transaction_count", |h| h.transaction_count += 1),
        ("state_root", |h| h.state_root[0] ^= 1),
        ("next_validators_hash", |h| h.next_validators_hash[0] ^= 1),
        ("height of the certificate too", |h| h.height += 1),
    ];
    let (chain, certified) = chain();
    for (name, edit) in rows {
        let mut header = chain.blocks[2].header.clone();
        edit(&mut header);
        let mut tampered = certified.clone();
        tampered.header = header.encode();
        if name.ends_with("too") {
            tampered.certificate.as_mut().unwrap().height += 1;
        }
        let refused = verify(&chain.id, &chain.validators, &tampered);
        assert!(
            matches!(refused, Err(HeaderError::Certificate(_))),
            "{name}: {refused:?}"
        );
        // Naming the tampered block in the certificate doesn't help: the votes are for the other.
        let certificate = tampered.certificate.as_mut().unwrap();
        certificate.block_id = header.id().to_vec();
        let refused = verify(&chain.id, &chain.validators, &tampered);
        assert!(
            matches!(refused, Err(HeaderError::Certificate(_))),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn what_the_verifier_trusts_is_checked_first() {
    let (chain, certified) = chain();
    let header = &chain.blocks[2].header;
    let other_chain = verify(&[1; 32], &chain.validators, &certified);
    assert_eq!(other_chain, Err(HeaderError::Chain(chain.id)));

    // A set that signs its own header, but isn't the trusted one.
    let mut stranger = Chain::start();
    stranger.approve(&[MARKET, CARRIER, MAKER], &put_validator(1, 60, 9, "maker"));
    let mut claimed = header.clone();
    claimed.validators_hash = stranger.validators.hash();
    let own = crate::test_support::certified(&chain.id, &claimed, &[60]);
    assert_eq!(verify(&chain.id, &stranger.validators, &own), Ok(claimed));
    assert_eq!(
        verify(&chain.id, &chain.validators, &own),
        Err(HeaderError::Validators)
    );

    let missing = CertifiedHeader {
        certificate: None,
        ..certified.clone()
    };
    assert_eq!(
        verify(&chain.id, &chain.validators, &missing),
        Err(HeaderError::Missing)
    );
    for bytes in [
        vec![],
        certified.header[1..].to_vec(),
        [certified.header.as_slice(), &[0]].concat(),
    ] {
        let garbled = CertifiedHeader {
            header: bytes,
            ..certified.clone()
        };
        let refused = verify(&chain.id, &chain.validators, &garbled);
        assert!(
            matches!(refused, Err(HeaderError::Header(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn a_certificate_of_another_header_is_refused() {
    let (chain, _) = chain();
    let header = &chain.blocks[2].header;
    for other in [0, 1] {
        let stolen = CertifiedHeader {
            header: header.encode(),
            certificate: Some(certify(&chain.id, &chain.blocks[other].header, 0, &ALL)),
        };
        assert!(verify(&chain.id, &chain.validators, &stolen).is_err());
    }
    let later_round = CertifiedHeader {
        header: header.encode(),
        certificate: Some(certify(&chain.id, header, 7, &ALL)),
    };
    assert!(
        verify(&chain.id, &chain.validators, &later_round).is_ok(),
        "any round decides"
    );
}

/// A chain whose validators changed three times, the set changes, and the sets.
fn changed() -> (Chain, Vec<ValidatorSetChange>, Vec<ValidatorSet>) {
    let mut chain = Chain::start();
    let mut sets = vec![chain.validators.clone()];
    let mut changes = Vec::new();
    let three = [MARKET, CARRIER, MAKER];
    let voted = [
        (put_validator(1, 60, 1, "maker"), vec![11, 12, 13, 14]),
        (remove_validator(2, 14), vec![11, 12, 13, 60]),
        (put_validator(3, 61, 1, "market"), vec![11, 12, 13]),
    ];
    for (change, voters) in voted {
        let mut approvers = three.to_vec();
        while chain.validators == *sets.last().unwrap() {
            let next = approvers.remove(0);
            chain.approve(&[next], &change);
        }
        let header = &chain.blocks.last().unwrap().header;
        changes.push(ValidatorSetChange {
            header: Some(certified(&chain.id, header, &voters)),
            next_validators: Some(chain.validators.message()),
        });
        sets.push(chain.validators.clone());
        chain.commit(&[]);
    }
    (chain, changes, sets)
}

/// All sets in order, the genesis set first.
fn follow(
    chain_id: &Hash,
    genesis: ValidatorSet,
    changes: &[ValidatorSetChange],
) -> Result<Vec<ValidatorSet>, HeaderError> {
    let mut ranges = vec![TrustingRange::genesis(genesis)];
    super::follow(chain_id, &mut ranges, changes)?;
    Ok(ranges.into_iter().map(|range| range.set).collect())
}

#[test]
fn trust_follows_the_set_changes_from_genesis() {
    let (chain, changes, sets) = changed();
    assert_eq!(
        follow(&chain.id, sets[0].clone(), &changes),
        Ok(sets.clone())
    );
    for length in 0..=3 {
        let answer = follow(&chain.id, sets[0].clone(), &changes[..length]);
        assert_eq!(answer, Ok(sets[..=length].to_vec()));
    }
}

#[test]
fn set_changes_cannot_be_left_out_reordered_or_repeated() {
    let (chain, changes, sets) = changed();
    let pick = |indices: &[usize]| {
        let picked: Vec<ValidatorSetChange> = indices.iter().map(|i| changes[*i].clone()).collect();
        follow(&chain.id, sets[0].clone(), &picked)
    };
    for indices in [
        &[1][..],
        &[2],
        &[1, 2],
        &[0, 2],
        &[1, 0, 2],
        &[0, 2, 1],
        &[2, 1, 0],
        &[0, 0],
        &[0, 1, 1],
    ] {
        assert_eq!(pick(indices), Err(HeaderError::Validators), "{indices:?}");
    }
}

/// A set change that the second set signs at a height, to a set that votes from `first` on.
fn by_the_second_set(height: u64, first: u64) -> Result<Vec<ValidatorSet>, HeaderError> {
    let (chain, changes, sets) = changed();
    let next = ValidatorSet::new(sets[2].iter().cloned().collect(), first).unwrap();
    let certified_header = changes[1].header.as_ref().unwrap();
    let mut header = Header::decode(&certified_header.header).unwrap();
    header.height = height;
    header.next_validators_hash = next.hash();
    let change = ValidatorSetChange {
        header: Some(certified(&chain.id, &header, &[11, 12, 13, 60])),
        next_validators: Some(next.message()),
    };
    let list = [changes[0].clone(), change];
    follow(&chain.id, sets[0].clone(), &list)
}

/// A set can't lead the verifier back in time.
#[test]
fn set_changes_ascend_by_height() {
    let (_, _, sets) = changed();
    let first = sets[1].first_height();
    assert_eq!(by_the_second_set(first, first + 1).unwrap().len(), 3);
    for height in [0, 1, first - 1] {
        let refused = by_the_second_set(height, height + 1).unwrap_err();
        let expected = match height {
            0 => matches!(
                refused,
                HeaderError::Header(_) | HeaderError::SetChangeOrder(0)
            ),
            _ => refused == HeaderError::SetChangeOrder(height),
        };
        assert!(expected, "{height}: {refused:?}");
    }
}

#[test]
fn a_set_votes_from_the_next_height_on() {
    let (_, _, sets) = changed();
    let height = sets[1].first_height() + 5;
    assert!(by_the_second_set(height, height + 1).is_ok());
    for first in [1, height, height + 2] {
        let refused = by_the_second_set(height, first);
        assert_eq!(refused, Err(HeaderError::SetChange(height)), "{first}");
    }
}

/// Though the same validators vote as before, what lies between can't be left out.
#[test]
fn validators_who_come_back_are_another_set() {
    let mut chain = Chain::start();
    let first = chain.validators.clone();
    let mut changes = Vec::new();
    let approvers = [MARKET, CARRIER, MAKER];
    for (change, voters) in [
        (put_validator(1, 60, 1, "maker"), vec![11, 12, 13]),
        (remove_validator(2, 60), vec![11, 12, 13, 60]),
        (put_validator(3, 61, 1, "maker"), vec![11, 12, 13]),
    ] {
        let before = chain.validators.clone();
        for approver in approvers {
            if chain.validators == before {
                chain.approve(&[approver], &change);
            }
        }
        let header = &chain.blocks.last().unwrap().header;
        changes.push(ValidatorSetChange {
            header: Some(certified(&chain.id, header, &voters)),
            next_validators: Some(chain.validators.message()),
        });
    }
    let sets = follow(&chain.id, first.clone(), &changes).unwrap();
    assert_eq!(sets[2].as_slice(), first.as_slice());
    let last_alone = follow(&chain.id, first, &changes[2..]);
    assert_eq!(last_alone, Err(HeaderError::Validators));
}

#[test]
fn every_part_of_a_set_change_is_checked() {
    let (chain, changes, sets) = changed();
    type Edit = fn(&mut ValidatorSetChange);
    type Expected = fn(&HeaderError) -> bool;
    let rows: [(&str, Edit, Expected); 11] = [
        (
            "no header",
            |h| h.header = None,
            |e| *e == HeaderError::Missing,
        ),
        (
            "no certificate",
            |h| h.header.as_mut().unwrap().certificate = None,
            |e| *e == HeaderError::Missing,
        ),
        (
            "a vote left out",
            |h| {
                h.header
                    .as_mut()
                    .unwrap()
                    .certificate
                    .as_mut()
                    .unwrap()
                    .signatures
                    .truncate(2)
            },
            |e| matches!(e, HeaderError::Certificate(_)),
        ),
        (
            "header",
            |h| *h.header.as_mut().unwrap().header.last_mut().unwrap() ^= 1,
            |e| matches!(e, HeaderError::Certificate(_)),
        ),
        (
            "no set",
            |h| h.next_validators = None,
            |e| matches!(e, HeaderError::SetChange(_)),
        ),
        (
            "a power",
            |h| h.next_validators.as_mut().unwrap().validators[0].power += 1,
            |e| matches!(e, HeaderError::SetChange(_)),
        ),
        (
            "an organisation",
            |h| {
                h.next_validators.as_mut().unwrap().validators[0]
                    .organisation
                    .push('x')
            },
            |e| matches!(e, HeaderError::SetChange(_)),
        ),
        (
            "a validator left out",
            |h| drop(h.next_validators.as_mut().unwrap().validators.pop()),
            |e| matches!(e, HeaderError::SetChange(_)),
        ),
        (
            "the order",
            |h| h.next_validators.as_mut().unwrap().validators.swap(0, 1),
            |e| matches!(e, HeaderError::ValidatorSet(_)),
        ),
        (
            "the first height",
            |h| h.next_validators.as_mut().unwrap().first_height += 1,
            |e| matches!(e, HeaderError::SetChange(_)),
        ),
        (
            "an empty set",
            |h| h.next_validators.as_mut().unwrap().validators.clear(),
            |e| matches!(e, HeaderError::ValidatorSet(_)),
        ),
    ];
    for place in 0..3 {
        for (name, edit, expected) in &rows {
            let mut tampered = changes.clone();
            edit(&mut tampered[place]);
            let refused = follow(&chain.id, sets[0].clone(), &tampered).unwrap_err();
            assert!(expected(&refused), "{name} at {place}: {refused:?}");
        }
    }
    let elsewhere = follow(&[1; 32], sets[0].clone(), &changes);
    assert_eq!(elsewhere, Err(HeaderError::Chain(chain.id)));
    let from_later = follow(&chain.id, sets[1].clone(), &changes);
    assert_eq!(from_later, Err(HeaderError::Validators));
    assert!(sets[1].get(&public(60)).is_some());
}
