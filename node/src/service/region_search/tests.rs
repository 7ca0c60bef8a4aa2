use prost::Message;
use touchstone_pictures::{Feature, MAX_FEATURES};
use touchstone_proto::ledger::{PictureFeatures, PublishedFeatures};

use super::*;
use crate::service::tests::{Served, served};
use crate::storage::Store;
use crate::storage::test_blocks::{self, BlockContent};

/// Features scattered by a seed over a frame, as many as are published.
fn scattered(seed: u32) -> Features {
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let list = (0..MAX_FEATURES).map(|_| {
        let mut word = || (0..4).fold(0u64, |word, _| word << 16 | u64::from(next(1 << 16)));
        let bits = [word(), word(), word(), word()];
        Feature {
            x: i32::try_from(next(6400)).unwrap(),
            y: i32::try_from(next(4800)).unwrap(),
            level: 2,
            direction: 5,
            bits,
        }
    });
    Features {
        width: 400,
        height: 300,
        list: list.collect(),
    }
}

/// A node whose state holds the features of these seeds.
fn published(seeds: &[u32]) -> Served {
    let mut served = served();
    let mut content = test_blocks::content(1);
    put(&mut content, seeds);
    served.commit(&content);
    assert_eq!(served.store.tip().height, 1);
    served
}

fn put(content: &mut BlockContent, seeds: &[u32]) {
    for (number, seed) in (0u64..).zip(seeds) {
        let record = PublishedFeatures {
            design_id: vec![1; 32],
            specification: REGIONS_SPECIFICATION.to_vec(),
            picture: Some(PictureFeatures {
                file_hash: vec![2; 32],
                features: scattered(*seed).to_bytes(),
            }),
            ..PublishedFeatures::default()
        };
        let value = (keys::features(number), record.encode_to_vec());
        content.values.extend([value]);
    }
    let pictures = seeds.len() as u64;
    let count = FeatureCount { pictures }.encode_to_vec();
    content.values.extend([(keys::FEATURES.to_vec(), count)]);
}

fn request(plain: &Features) -> wire::FindRegionsRequest {
    let none = Features {
        width: 400,
        height: 300,
        list: Vec::new(),
    };
    wire::FindRegionsRequest {
        specification: REGIONS_SPECIFICATION.to_vec(),
        plain: plain.to_bytes(),
        mirrored: none.to_bytes(),
        fine: none.to_bytes(),
        windows: Vec::new(),
    }
}

#[test]
fn a_published_picture_is_found_among_others() {
    let served = published(&[7, 8, 9]);
    let view = served.view();
    let search = &served.service.regions;
    let found = search.find(&view, &request(&scattered(8))).unwrap();
    assert_eq!((found.searched, found.is_cut_short), (3, false));
    assert_eq!(found.pictures, [1]);
    let count = found.published.unwrap().value.unwrap();
    assert_eq!(FeatureCount::decode(&*count).unwrap().pictures, 3);
    let mut page = request(&scattered(30));
    page.windows = vec![scattered(31).to_bytes(), scattered(9).to_bytes()];
    assert_eq!(search.find(&view, &page).unwrap().pictures, [2]);
    let none = search.find(&view, &request(&scattered(30))).unwrap();
    assert_eq!((none.searched, none.pictures), (3, vec![]));
}

#[test]
fn a_search_reads_what_was_published_since() {
    let mut served = published(&[7]);
    let ask = |served: &Served| {
        let search = &served.service.regions;
        search
            .find(&served.view(), &request(&scattered(9)))
            .unwrap()
    };
    assert_eq!((ask(&served).searched, ask(&served).pictures), (1, vec![]));
    let mut content = test_blocks::content(2);
    put(&mut content, &[7, 9]);
    served.commit(&content);
    assert_eq!((ask(&served).searched, ask(&served).pictures), (2, vec![1]));
}

#[test]
fn where_nothing_was_published_nothing_is_found() {
    let mut served = served();
    served.grow(1);
    let found = served
        .service
        .regions
        .find(&served.view(), &request(&scattered(1)));
    let found = found.unwrap();
    assert_eq!((found.searched, found.pictures), (0, vec![]));
}

#[test]
fn reading_ends_when_its_time_is_over() {
    let served = published(&[7, 8, 9]);
    let search = RegionSearch::default();
    let view = served.view();
    assert_eq!(search.read_up_to(&view.snapshot, 3, || false), Ok(false));
    assert_eq!(search.kept.read().unwrap().count(), 0);
    assert_eq!(search.read_up_to(&view.snapshot, 3, || true), Ok(true));
    assert!(search.read_up_to(&view.snapshot, 4, || true).is_err());
}

#[test]
fn what_is_no_picture_is_refused_before_anything_is_read() {
    let mut served = served();
    served.grow(1);
    let good = request(&scattered(1));
    let mut more = scattered(1);
    more.list.resize(QUERY_FEATURES + 1, more.list[0]);
    let bends: [&dyn Fn(&mut wire::FindRegionsRequest); 7] = [
        &|r| r.specification = vec![0; 32],
        &|r| r.plain.clear(),
        &|r| r.mirrored.push(0),
        &|r| r.plain = more.to_bytes(),
        &|r| r.windows = vec![more.to_bytes()],
        &|r| r.windows = vec![r.plain.clone(); MAX_WINDOWS + 1],
        // A finer frame is no frame.
        &|r| {
            let mut side = r.plain.clone();
            side[..2].copy_from_slice(&800u16.to_be_bytes());
            r.plain = side;
        },
    ];
    for bend in bends {
        let mut bent = good.clone();
        bend(&mut bent);
        let refused = served.service.regions.find(&served.view(), &bent);
        assert!(matches!(refused, Err(ServiceError::Malformed(_))));
    }
    let mut fine = good;
    fine.fine = more.to_bytes();
    fine.windows = vec![fine.plain.clone(); MAX_WINDOWS];
    assert!(served.service.regions.find(&served.view(), &fine).is_ok());
}

/// What doesn't fit is published and not searched, which the answer says.
#[test]
fn no_more_is_kept_than_its_memory_holds() {
    let served = published(&[7, 8, 9]);
    let (none, one) = (
        RegionIndex::default().bytes(),
        RegionIndex::bytes_of(MAX_FEATURES),
    );
    let most = none + 2 * one;
    for (memory, searched) in [(0, 0), (none, 0), (most - 1, 1), (most, 2), (MEMORY, 3)] {
        let search = RegionSearch::within(memory);
        for seed in [8, 9] {
            let found = search.find(&served.view(), &request(&scattered(seed)));
            let found = found.unwrap();
            assert_eq!(found.searched, searched);
            assert_eq!(
                found.pictures.len(),
                usize::from(u64::from(seed - 7) < searched)
            );
            let count = found.published.unwrap().value.unwrap();
            assert_eq!(FeatureCount::decode(&*count).unwrap().pictures, 3);
        }
    }
}
