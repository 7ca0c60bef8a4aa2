//! Look-alikes in evidence files: they come with the design, and can't be hidden.

use touchstone_pictures::{Bits, SPECIFICATION, Variant};
use touchstone_proto::ledger::{Fingerprints, PictureFingerprint};

use super::*;
use crate::state::keys;

/// A design with two pictures, and another owner's that copies one of them, mirrored: the chain and both ids.
pub(super) fn similar() -> (Chain, Hash, Hash) {
    let mut chain = Chain::start();
    let bits = |byte: u8, variant: usize| {
        let bits = Bits::from_bytes(&hash::sha256(&[byte]));
        bits.variant(Variant::ALL[variant]).to_bytes().to_vec()
    };
    let picture = |file: u8, look: u8, variant| PictureFingerprint {
        file_hash: hash::sha256(&[file]).to_vec(),
        whole: bits(look, variant),
        trimmed: bits(look + 1, variant),
        whole_quality: 60,
        trimmed_quality: 70,
    };
    let mut ids = Vec::new();
    for (who, pictures) in [
        (MAKER, vec![picture(1, 10, 0), picture(2, 20, 0)]),
        (MARKET, vec![picture(3, 10, 1)]),
    ] {
        let mut pictures = pictures;
        pictures.sort_by(|a, b| a.file_hash.cmp(&b.file_hash));
        let files: Vec<Hash> = pictures
            .iter()
            .map(|p| p.file_hash.as_slice().try_into().unwrap())
            .collect();
        let root = design::file_root(&files);
        let commitment = design::commitment(&chain.id, &public(who.1), &SALT, &root);
        let deposit = DepositDesign {
            commitment: commitment.to_vec(),
        };
        chain.run(who, Action::DepositDesign(deposit)).unwrap();
        let id = design::id(&public(who.1), &commitment);
        let disclose = DiscloseDesign {
            design_id: id.to_vec(),
            salt: SALT.to_vec(),
            file_hashes: files.iter().map(|f| f.to_vec()).collect(),
            title: "A lamp".into(),
            fingerprints: Some(Fingerprints {
                specification: SPECIFICATION.to_vec(),
                pictures,
            }),
            content: None,
        };
        chain.run(who, Action::DiscloseDesign(disclose)).unwrap();
        ids.push(id);
    }
    (chain, ids[0], ids[1])
}

#[test]
fn look_alikes_come_with_the_design_and_cannot_be_hidden() {
    let (chain, original, copy) = similar();
    let subject = Subject::Design(copy);
    let report = examine(&seal(&collected(&chain, &subject)), &trusting(&chain));
    assert_verified(&report);
    let found = report.facts.deposit.unwrap().look_alikes.unwrap();
    assert_eq!(found.searched.unwrap().pictures, 2);
    let candidate = &found.pictures[0].candidates[0];
    assert_eq!(candidate.design_id, original);
    assert_eq!((candidate.distance, candidate.variant), (0, 1));
    let mut hidden = collected(&chain, &subject);
    let key = keys::look_alikes(&copy);
    hidden.states.retain(|state| state.key != key);
    let report = examine(&seal(&hidden), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::Completeness));
    // The comparison of another design, and one that is bent.
    let mut bent = collected(&chain, &subject);
    let state = bent
        .states
        .iter_mut()
        .find(|state| state.key == key)
        .unwrap();
    let value = state.value.as_mut().unwrap();
    let last = value.len() - 1;
    value[last] ^= 1;
    let report = examine(&seal(&bent), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::State));
}
