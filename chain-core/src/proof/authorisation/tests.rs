use prost::Message;
use touchstone_proto::evidence::AuthorisationFile;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DisputeOutcome, LicenceTerms, SanctionKind};
use touchstone_proto::node::{AuthorisationReply, GetAuthorisationRequest};

use super::*;
use crate::evidence::Archive;
use crate::test_support::cases::{ruled, sanction, staffed};
use crate::test_support::rights::{designed, end_licence, grant, sale, terms};
use crate::test_support::vouched::{LIN, vouch};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, bit_flips, stream};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/evidence");

fn proven(chain: &Chain, asked: &SaleQuestion) -> (Hash, Vec<ProvenValue>) {
    let root = chain.blocks.last().unwrap().header.state_root;
    let keys = keys(&chain.state, asked).unwrap();
    let values = keys.iter().map(|key| match key {
        None => ProvenValue::default(),
        Some(key) => {
            let (value, proof) = chain.prove(key).unwrap();
            let proof = Some(proof);
            ProvenValue { value, proof }
        }
    });
    (root, values.collect())
}

fn deep(until_ms: u64, depth: u32) -> LicenceTerms {
    LicenceTerms {
        depth,
        ..terms(until_ms)
    }
}

/// Maker → market → carrier → office → all that the market vouches for, Lin among them.
fn chained() -> (Chain, Hash, [Hash; 4]) {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 90_000;
    let mut ids: Vec<Hash> = Vec::new();
    let steps = [
        (MAKER, MARKET.0, 3),
        (MARKET, CARRIER.0, 2),
        (CARRIER, OFFICE.0, 1),
        (OFFICE, "market.*", 0),
    ];
    for (who, licensee, depth) in steps {
        let action = grant(&subject, ids.last(), licensee, deep(until_ms, depth));
        ids.push(chain.run_for_id(who, action).unwrap());
    }
    let action = Action::VouchForDesigner(vouch(&chain.id, LIN, until_ms));
    chain.run(MARKET, action).unwrap();
    (chain, subject, ids.try_into().unwrap())
}

#[test]
fn yes_and_no_are_proven() {
    let (mut chain, subject, ids) = chained();
    let asked = sale(&subject, LIN.0, chain.time_ms);
    let (root, values) = proven(&chain, &asked);
    // The right, Lin's list (withheld), the class's, three above, Lin's vouchings, and when the voucher rested.
    let told: Vec<bool> = values.iter().map(|value| value.proof.is_some()).collect();
    assert_eq!(told, [true, false, true, true, true, true, true, true]);
    let yes = verify(&root, &asked, &values).unwrap();
    assert!(matches!(&yes, SaleAnswer::Licensed(held) if held.licence.licence == ids[3]));
    assert_eq!(yes, authorised::answer(&chain.state, &asked).unwrap());
    chain.run(MARKET, end_licence(&ids[1])).unwrap();
    let later = sale(&subject, LIN.0, chain.time_ms);
    for asked in [
        later,
        sale(&subject, "nobody", chain.time_ms),
        sale(&[9; 32], LIN.0, 1),
    ] {
        let (root, values) = proven(&chain, &asked);
        let no = verify(&root, &asked, &values).unwrap();
        assert!(matches!(no, SaleAnswer::No(_)), "{no:?}");
        assert_eq!(no, authorised::answer(&chain.state, &asked).unwrap());
    }
    // Of those above, the one that had ended is enough.
    let asked = sale(&subject, LIN.0, chain.time_ms);
    let (_, values) = proven(&chain, &asked);
    let told: Vec<bool> = values.iter().map(|value| value.proof.is_some()).collect();
    assert_eq!(told, [true, true, true, false, true]);
}

/// What is withheld makes no answer of the other kind.
#[test]
fn nothing_that_matters_can_be_withheld() {
    let (mut chain, subject, ids) = chained();
    let yes = sale(&subject, LIN.0, chain.time_ms);
    let mut cases = vec![(chain.clone(), yes)];
    chain.run(MAKER, end_licence(&ids[0])).unwrap();
    let no = sale(&subject, LIN.0, chain.time_ms);
    cases.push((chain, no));
    for (chain, asked) in cases {
        let (root, values) = proven(&chain, &asked);
        for at in 0..values.len() {
            if values[at].proof.is_some() {
                let mut bent = values.clone();
                bent[at] = ProvenValue::default();
                // Some records are then read no more, so those behind are too many, or for other keys.
                assert!(verify(&root, &asked, &bent).is_err(), "{at}");
                bent.truncate(at + 1);
                assert!(verify(&root, &asked, &bent).is_err(), "{at}, cut");
            }
        }
    }
}

/// Where a right says that somebody is sanctioned, no answer does without the seller's sanctions.
#[test]
fn a_sanction_is_proven_and_cannot_be_withheld() {
    let (mut chain, subject) = staffed();
    let until_ms = chain.time_ms + 9_000_000;
    for licensee in [CARRIER.0, MARKET.0] {
        let licence = grant(&subject, None, licensee, terms(until_ms));
        chain.run(MAKER, licence).unwrap();
    }
    let dispute = ruled(&mut chain, &subject, "x", DisputeOutcome::Upheld);
    let before = sale(&subject, CARRIER.0, chain.time_ms);
    let bar = sanction(CARRIER.0, SanctionKind::NoSales, &[dispute], until_ms);
    chain.run(OFFICE, Action::ImposeSanction(bar)).unwrap();
    let now = |seller: &str| sale(&subject, seller, chain.time_ms);
    for (asked, is_yes, told) in [
        (before, true, vec![true, true, true]),
        (now(CARRIER.0), false, vec![true, true]),
        (now(MARKET.0), true, vec![true, true, true]),
        (now("nobody"), false, vec![true, true, true]),
    ] {
        let (root, values) = proven(&chain, &asked);
        let found: Vec<bool> = values.iter().map(|value| value.proof.is_some()).collect();
        assert_eq!(found, told, "{asked:?}");
        let answer = verify(&root, &asked, &values).unwrap();
        assert_eq!(matches!(answer, SaleAnswer::Licensed(_)), is_yes);
        for at in 0..values.len() {
            let mut bent = values.clone();
            bent[at] = ProvenValue::default();
            assert!(verify(&root, &asked, &bent).is_err(), "{at} withheld");
            bent.remove(at);
            assert!(verify(&root, &asked, &bent).is_err(), "{at} left out");
        }
    }
}

/// Each part of each record's proof, each value, and the order.
#[test]
fn what_is_bent_is_refused() {
    let (mut chain, subject, ids) = chained();
    let yes = sale(&subject, LIN.0, chain.time_ms);
    let mut cases = vec![(chain.clone(), yes)];
    chain.run(CARRIER, end_licence(&ids[2])).unwrap();
    let no = sale(&subject, LIN.0, chain.time_ms);
    cases.push((chain, no));
    for (chain, asked) in cases {
        let (root, values) = proven(&chain, &asked);
        assert!(verify(&root, &asked, &values).is_ok());
        assert!(verify(&[1; 32], &asked, &values).is_err(), "another root");
        for at in 0..values.len() {
            let mut left_out = values.clone();
            left_out.remove(at);
            assert!(verify(&root, &asked, &left_out).is_err(), "{at} left out");
            let mut twice = values.clone();
            twice.insert(at, values[at].clone());
            assert!(verify(&root, &asked, &twice).is_err(), "{at} twice");
            if at > 0 && values[at] != values[at - 1] {
                let mut swapped = values.clone();
                swapped.swap(at - 1, at);
                assert!(verify(&root, &asked, &swapped).is_err(), "{at} swapped");
            }
            if values[at].proof.is_none() {
                continue;
            }
            type Bend = fn(&mut ProvenValue);
            let bends: [Bend; 6] = [
                |v| v.value = v.value.take().xor(Some(vec![1])),
                |v| {
                    let value = v.value.get_or_insert_default();
                    value.push(0);
                },
                |v| v.proof = None,
                |v| {
                    v.proof.as_mut().unwrap().siblings.pop();
                },
                |v| v.proof.as_mut().unwrap().siblings.push(vec![0; 32]),
                |v| v.proof.as_mut().unwrap().siblings[0][0] ^= 1,
            ];
            for (n, bend) in bends.iter().enumerate() {
                let mut bent = values.clone();
                bend(&mut bent[at]);
                assert!(verify(&root, &asked, &bent).is_err(), "{at}: bend {n}");
            }
            let bits = values[at].value.as_ref().map_or(0, |value| value.len() * 8);
            for bit in 0..bits {
                let mut bent = values.clone();
                bent[at].value.as_mut().unwrap()[bit / 8] ^= 1 << (bit % 8);
                assert!(verify(&root, &asked, &bent).is_err(), "{at}: bit {bit}");
            }
        }
        // The same records for another question.
        for bend in [(|q| q.subject = [9; 32]) as fn(&mut SaleQuestion), |q| {
            q.seller = "market.lim".into()
        }] {
            let mut other = asked.clone();
            bend(&mut other);
            assert!(verify(&root, &other, &values).is_err());
        }
    }
}

/// At most 8 KB, however long the lists are and however deep a licence stands, in a state of a million records with
/// seven validators.
#[test]
fn an_answer_takes_at_most_8_kb() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 900_000;
    // Licences whose lists are as full as they may be, with the longest ids and the most countries.
    let codes: Vec<String> = ('A'..='Z')
        .map(|c| format!("{c}A"))
        .chain(["BB", "CC", "DD", "EE", "FF", "GG"].map(String::from))
        .collect();
    let mut codes = codes;
    codes.sort();
    let named = |mut t: LicenceTerms, n: i32| {
        t.territories.clone_from(&codes);
        t.acts = vec![n];
        t
    };
    let mut parents = Vec::new();
    for n in 1..=4 {
        let first = grant(&subject, None, MARKET.0, named(deep(until_ms, 3), n));
        let first = chain.run_for_id(MAKER, first).unwrap();
        let second = grant(
            &subject,
            Some(&first),
            CARRIER.0,
            named(deep(until_ms, 2), n),
        );
        let second = chain.run_for_id(MARKET, second).unwrap();
        let third = grant(
            &subject,
            Some(&second),
            OFFICE.0,
            named(deep(until_ms, 1), n),
        );
        parents.push((n, chain.run_for_id(CARRIER, third).unwrap(), first));
    }
    let long = format!("market.{}", "x".repeat(64));
    let designer = (long.as_str(), 61);
    let action = vouch(&chain.id, designer, until_ms);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    for (n, third, _) in &parents {
        for licensee in [long.as_str(), "market.*"] {
            let action = grant(&subject, Some(third), licensee, named(terms(until_ms), *n));
            chain.run(OFFICE, action).unwrap();
        }
    }
    // The path of a record in a tree of 2^20 is some 21 siblings long; this tree is smaller.
    let deepen = |values: &mut [ProvenValue]| {
        let mut filler = stream(3);
        for value in values.iter_mut().filter(|value| value.proof.is_some()) {
            let siblings = &mut value.proof.as_mut().unwrap().siblings;
            while siblings.len() < 22 {
                siblings.push(filler.next().unwrap().to_vec());
            }
        }
    };
    let mut sizes = Vec::new();
    let mut ask = |chain: &Chain, seller: &str, territory: &str| {
        let mut asked = sale(&subject, seller, chain.time_ms);
        asked.territory = territory.into();
        let (root, mut values) = proven(chain, &asked);
        let answer = verify(&root, &asked, &values).unwrap();
        deepen(&mut values);
        let mut header = chain.certified_header(chain.height);
        let certificate = header.certificate.as_mut().unwrap();
        let signature = certificate.signatures[0].clone();
        certificate.signatures.resize(7, signature);
        let header = Some(header);
        let reply = AuthorisationReply { header, values };
        sizes.push(reply.encoded_len());
        answer
    };
    assert!(matches!(ask(&chain, &long, "AA"), SaleAnswer::Licensed(_)));
    assert!(matches!(ask(&chain, &long, "ZZ"), SaleAnswer::No(_)));
    let (_, _, first) = parents[2];
    chain.run(MAKER, end_licence(&first)).unwrap();
    assert!(matches!(ask(&chain, &long, "AA"), SaleAnswer::No(_)));
    assert!(matches!(ask(&chain, "nobody", "AA"), SaleAnswer::No(_)));
    let longest = sizes.into_iter().max().unwrap();
    assert!((6_000..=8_192).contains(&longest), "{longest} bytes");
}

/// The files that other verifiers are tested with; `TOUCHSTONE_WRITE_VECTORS=1` writes them.
#[test]
fn files_are_pinned_and_refuse_what_is_bent() {
    let (mut chain, subject, ids) = chained();
    chain.approve(
        &[MARKET, CARRIER, MAKER],
        &crate::test_support::put_validator(1, 30, 1, "office"),
    );
    let file_of = |chain: &Chain, asked: &SaleQuestion| {
        let (_, values) = proven(chain, asked);
        let header = Some(chain.certified_header(chain.height));
        seal(&AuthorisationFile {
            validator_set_changes: chain.validator_set_changes().unwrap(),
            question: Some(GetAuthorisationRequest {
                subject: asked.subject.to_vec(),
                seller: asked.seller.clone(),
                act: asked.act.into(),
                territory: asked.territory.clone(),
                time_ms: asked.at_ms,
            }),
            answer: Some(AuthorisationReply { header, values }),
        })
    };
    chain.commit(&[]);
    let asked = sale(&subject, LIN.0, chain.time_ms);
    let yes = file_of(&chain, &asked);
    chain.run(CARRIER, end_licence(&ids[2])).unwrap();
    let asked = sale(&subject, LIN.0, chain.time_ms);
    let no = file_of(&chain, &asked);
    let nobody = file_of(&chain, &sale(&subject, "nobody", chain.time_ms));
    let genesis = crate::genesis::Genesis::read(&chain.genesis).unwrap();
    let examined = examine(&yes, &genesis).unwrap();
    assert!(matches!(examined.answer, SaleAnswer::Licensed(_)));
    for file in [&no, &nobody] {
        let examined = examine(file, &genesis).unwrap();
        assert!(matches!(examined.answer, SaleAnswer::No(_)));
        assert_eq!(examined.header.height, chain.height);
    }
    for (name, bytes) in [("yes", &yes), ("no", &no), ("nobody", &nobody)] {
        let path = format!("{FOLDER}/{name}.authorisation");
        if std::env::var_os("TOUCHSTONE_WRITE_VECTORS").is_some() {
            std::fs::write(&path, bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == **bytes, "{name}");
    }
    // Each bit of the content, with the old checksum and with a new one.
    let content = &yes[..yes.len() - 32];
    for bent in bit_flips(content).step_by(5) {
        let sealed = [&bent[..], &crate::hash::sha256(&bent)].concat();
        let same = examine(&sealed, &genesis).is_ok_and(|found| found == examined);
        assert!(!same);
        assert!(examine(&[&bent[..], &yes[yes.len() - 32..]].concat(), &genesis).is_err());
    }
    for cut in [0, MAGIC.len(), yes.len() - 1] {
        assert!(examine(&yes[..cut], &genesis).is_err());
    }
    let mut early: AuthorisationFile =
        crate::encoding::decode_exact(&content[MAGIC.len()..]).unwrap();
    early.validator_set_changes.pop();
    assert!(
        examine(&seal(&early), &genesis).is_err(),
        "a change left out"
    );
}
