use touchstone_pictures::{Feature, MAX_FEATURES};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, DiscloseDesign};

use super::*;
use crate::designs::design;
use crate::state::published_features;
use crate::test_support::{Chain, MAKER, MARKET, public};

/// So many features, in a small frame.
fn some(count: usize) -> Features {
    let feature = Feature {
        x: 5,
        y: 7,
        level: 1,
        direction: 9,
        bits: [1, 2, 3, 4],
    };
    Features {
        width: 300,
        height: 200,
        list: vec![feature; count],
    }
}

fn publish(id: Hash, files: &[u8]) -> PublishFeatures {
    let picture = |file: &u8| PictureFeatures {
        file_hash: vec![*file; 32],
        features: some(3).to_bytes(),
    };
    PublishFeatures {
        design_id: id.to_vec(),
        specification: REGIONS_SPECIFICATION.to_vec(),
        pictures: files.iter().map(picture).collect(),
    }
}

/// A design of the files 1 to 3, deposited.
fn deposited(chain: &mut Chain) -> Hash {
    let root = design::file_root(&[[1; 32], [2; 32], [3; 32]]);
    let commitment = design::commitment(&chain.id, &public(MAKER.1), &[7; 32], &root);
    let deposit = DepositDesign {
        commitment: commitment.to_vec(),
    };
    chain.run(MAKER, Action::DepositDesign(deposit)).unwrap();
    design::id(&public(MAKER.1), &commitment)
}

fn disclose(chain: &mut Chain, id: &Hash) {
    let disclosure = DiscloseDesign {
        design_id: id.to_vec(),
        salt: vec![7; 32],
        file_hashes: [1, 2, 3].map(|file| vec![file; 32]).to_vec(),
        title: String::new(),
        fingerprints: None,
        content: None,
    };
    chain
        .run(MAKER, Action::DiscloseDesign(disclosure))
        .unwrap();
}

#[test]
fn features_follow_a_disclosure_once_for_each_file_by_its_owner() {
    let mut chain = Chain::start();
    let unknown = Err(DesignRejection::UnknownDesign([9; 32]).into());
    let action = |id, files: &[u8]| Action::PublishFeatures(publish(id, files));
    assert_eq!(chain.run(MAKER, action([9; 32], &[1])), unknown);
    let id = deposited(&mut chain);
    // Never with a bare commitment.
    let bare = Err(FeatureRejection::FeaturesUndisclosed(id).into());
    assert_eq!(chain.run(MAKER, action(id, &[1])), bare);
    disclose(&mut chain, &id);
    let foreign = Err(DesignRejection::NotTheOwner("maker".into()).into());
    assert_eq!(chain.run(MARKET, action(id, &[1])), foreign);
    let other = Err(FeatureRejection::FeaturesOfOtherFile([4; 32]).into());
    assert_eq!(chain.run(MAKER, action(id, &[1, 4])), other);
    chain.run(MAKER, action(id, &[1, 3])).unwrap();
    let again = Err(FeatureRejection::FeaturesPublished([3; 32]).into());
    assert_eq!(chain.run(MAKER, action(id, &[2, 3])), again);
    chain.run(MAKER, action(id, &[2])).unwrap();
    let count: FeatureCount = chain.state.message(keys::FEATURES).unwrap();
    assert_eq!(count.pictures, 3);
    for (number, file) in [(0u64, 1u8), (1, 3), (2, 2)] {
        let (record, features) = published_features(&chain.state, number).unwrap();
        assert_eq!(record.design_id, id);
        assert_eq!(record.picture.unwrap().file_hash, [file; 32]);
        assert_eq!(features, some(3));
        let of = keys::features_of(&id, &[file; 32]);
        assert_eq!(chain.state.get(&of).unwrap().unwrap(), number.to_be_bytes());
    }
    assert!(published_features(&chain.state, 3).is_err());
}

#[test]
fn only_bytes_of_the_specification_are_published() {
    let mut chain = Chain::start();
    let id = deposited(&mut chain);
    disclose(&mut chain, &id);
    let mut other = publish(id, &[1]);
    other.specification = vec![8; 32];
    let refused = Err(FeatureRejection::OtherFeatures([8; 32]).into());
    assert_eq!(chain.run(MAKER, Action::PublishFeatures(other)), refused);
    let bends: [fn(&mut PublishFeatures); 6] = [
        |a| a.pictures.clear(),
        |a| a.pictures.reverse(),
        |a| a.pictures[1] = a.pictures[0].clone(),
        |a| a.pictures[0].features = some(0).to_bytes(),
        |a| a.pictures[0].features = some(MAX_FEATURES + 1).to_bytes(),
        |a| a.pictures[1].features.push(0),
    ];
    for bend in bends {
        let mut action = publish(id, &[1, 2]);
        bend(&mut action);
        let refused = Err(FeatureRejection::FeatureShape.into());
        assert_eq!(chain.run(MAKER, Action::PublishFeatures(action)), refused);
    }
    let files: Vec<u8> = (10..=42).collect();
    let many = Action::PublishFeatures(publish(id, &files));
    assert_eq!(chain.run(MAKER, many).unwrap_err().code(), 851);
}
