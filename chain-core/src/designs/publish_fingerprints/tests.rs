use touchstone_pictures::SPECIFICATION;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    DepositDesign, DiscloseDesign, Fingerprints, LookAlikes, PictureFingerprint,
};

use super::*;
use crate::designs::design;
use crate::test_support::{Chain, MAKER, MARKET, public};

fn publish(id: Hash, file: u8) -> Action {
    let picture = PictureFingerprint {
        file_hash: vec![file; 32],
        whole: vec![5; 32],
        trimmed: vec![6; 32],
        whole_quality: 50,
        trimmed_quality: 60,
    };
    Action::PublishFingerprints(PublishFingerprints {
        design_id: id.to_vec(),
        fingerprints: Some(Fingerprints {
            specification: SPECIFICATION.to_vec(),
            pictures: vec![picture],
        }),
    })
}

#[test]
fn fingerprints_follow_a_disclosure_once_by_its_owner() {
    let mut chain = Chain::start();
    let root = design::file_root(&[[1; 32]]);
    let commitment = design::commitment(&chain.id, &public(MAKER.1), &[7; 32], &root);
    let id = design::id(&public(MAKER.1), &commitment);
    let unknown = Err(DesignRejection::UnknownDesign(id).into());
    assert_eq!(chain.run(MAKER, publish(id, 1)), unknown);
    let deposit = DepositDesign {
        commitment: commitment.to_vec(),
    };
    chain.run(MAKER, Action::DepositDesign(deposit)).unwrap();
    // Never with a bare commitment.
    let bare = Err(DesignRejection::NotDisclosed(id).into());
    assert_eq!(chain.run(MAKER, publish(id, 1)), bare);
    let disclose = DiscloseDesign {
        design_id: id.to_vec(),
        salt: vec![7; 32],
        file_hashes: vec![vec![1; 32]],
        title: String::new(),
        fingerprints: None,
        content: None,
    };
    chain.run(MAKER, Action::DiscloseDesign(disclose)).unwrap();
    let foreign = Err(DesignRejection::NotTheOwner("maker".into()).into());
    assert_eq!(chain.run(MARKET, publish(id, 1)), foreign);
    let other = Err(DesignRejection::FingerprintOfOtherFile([2; 32]).into());
    assert_eq!(chain.run(MAKER, publish(id, 2)), other);
    let nothing = Action::PublishFingerprints(PublishFingerprints {
        design_id: id.to_vec(),
        fingerprints: None,
    });
    assert_eq!(chain.run(MAKER, nothing).unwrap_err().code(), 100);
    chain.run(MAKER, publish(id, 1)).unwrap();
    let record: LookAlikes = chain.state.message(&keys::look_alikes(&id)).unwrap();
    assert_eq!(record.pictures.len(), 1);
    assert_eq!(record.time_ms, chain.time_ms);
    let again = Err(DesignRejection::AlreadyPublished(id).into());
    assert_eq!(chain.run(MAKER, publish(id, 1)), again);
}
