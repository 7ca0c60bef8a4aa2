use touchstone_proto::ledger::{
    DisputeOutcome, PanelVerdict, ReviewChoice, ReviewGround, ReviewTerms,
};

use super::*;
use crate::evidence::Archive;
use crate::hash;
use crate::test_support::beacons;
use crate::test_support::reviews::{
    FEW, Jury, appeal, countered, draw_panel, open_review, panel_of, reveal_all, vote,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, bit_flips, put_validator};

fn file_of(chain: &Chain, id: &Hash) -> ReviewFile {
    let mut records = ReviewRecords::default();
    let mut values = Vec::new();
    while let Some(key) = records.next_key(id) {
        let (value, proof) = chain.prove(&key).unwrap();
        records.read(value.as_deref().unwrap()).unwrap();
        let proof = Some(proof);
        values.push(ProvenValue { value, proof });
    }
    ReviewFile {
        validator_set_changes: chain.validator_set_changes().unwrap(),
        dispute: id.to_vec(),
        header: Some(chain.certified_header(chain.height)),
        values,
    }
}

/// A review whose first verdict an appeal turned round, one that waits for its panel, and one whose draw took a pulse.
fn chains() -> [(&'static str, Chain, Hash); 3] {
    let jury = Jury::of(20);
    let (mut chain, _, id) = countered(&jury, FEW);
    chain.approve(
        &[MARKET, CARRIER, MAKER],
        &put_validator(1, 30, 1, "office"),
    );
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    let waiting = chain.clone();
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &id, 0, &[ReviewChoice::Uphold; 3]);
    chain.run(CARRIER, appeal(&id)).unwrap();
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &id, 1, &[ReviewChoice::Dismiss; 5]);
    let named = ReviewTerms {
        beacon: Some(beacons::named()),
        ..FEW
    };
    let (mut pulsed, _, other) = countered(&jury, named);
    pulsed.approve(
        &[MARKET, CARRIER, MAKER],
        &put_validator(2, 30, 1, "office"),
    );
    let opened = open_review(&other, ReviewGround::Similarity);
    pulsed.run(CARRIER, opened).unwrap();
    reveal_all(&mut pulsed);
    let good = beacons::awaited(&pulsed);
    pulsed.run(CARRIER, beacons::show(good)).unwrap();
    [
        ("appealed", chain, id),
        ("waiting", waiting, id),
        ("pulsed", pulsed, other),
    ]
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/evidence");

/// The files that other verifiers are tested with; `TOUCHSTONE_WRITE_VECTORS=1` writes them.
#[test]
fn files_are_pinned() {
    for (name, chain, id) in chains() {
        let bytes = seal(&file_of(&chain, &id));
        let path = format!("{FOLDER}/{name}.review");
        if std::env::var_os("TOUCHSTONE_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == bytes, "{name}");
    }
}

/// Each bit of a file counts, and each record of it.
#[test]
fn files_prove_a_review_and_refuse_what_is_bent() {
    for (name, chain, id) in chains() {
        let genesis = Genesis::read(&chain.genesis).unwrap();
        let file = file_of(&chain, &id);
        let bytes = seal(&file);
        let examined = examine(&bytes, &genesis).unwrap();
        assert_eq!(examined.header.height, chain.height);
        let review = examined.dispute.review.clone().unwrap();
        let verdicts: Vec<PanelVerdict> = review.results.iter().map(|r| r.verdict()).collect();
        if name == "appealed" {
            assert_eq!(verdicts, [PanelVerdict::Upheld, PanelVerdict::Dismissed]);
            assert_eq!(examined.dispute.outcome(), DisputeOutcome::PanelDismissed);
            assert_eq!((file.values.len(), examined.panels.len()), (5, 2));
            assert_eq!(examined.panels[1].0, panel_of(&chain, &id, 1));
        } else {
            let records = if name == "pulsed" { 3 } else { 2 };
            assert_eq!((verdicts.len(), file.values.len()), (0, records));
        }
        let content = &bytes[..bytes.len() - 32];
        for bent in bit_flips(content).step_by(11) {
            let sealed = [&bent[..], &hash::sha256(&bent)].concat();
            assert!(examine(&sealed, &genesis).is_err());
        }
        let checksum = &bytes[bytes.len() - 32..];
        for bent in bit_flips(content).step_by(101) {
            assert!(examine(&[&bent[..], checksum].concat(), &genesis).is_err());
        }
        for cut in [0, MAGIC.len(), bytes.len() - 1] {
            assert!(examine(&bytes[..cut], &genesis).is_err());
        }
        for place in 0..file.values.len() {
            type Bend = fn(&mut Vec<ProvenValue>, usize);
            let bends: [Bend; 4] = [
                |values, place| drop(values.remove(place)),
                |values, place| values.insert(place, values[place].clone()),
                |values, place| values[place].proof = None,
                |values, place| values[place].value = None,
            ];
            for bend in bends {
                let mut bent = file.clone();
                bend(&mut bent.values, place);
                assert!(examine(&seal(&bent), &genesis).is_err(), "{name} {place}");
            }
        }
        let mut early = file.clone();
        early.validator_set_changes.pop();
        assert!(
            examine(&seal(&early), &genesis).is_err(),
            "a change left out"
        );
    }
}
