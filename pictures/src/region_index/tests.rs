use super::*;
use crate::features::tests::picture;
use crate::{MAX_FEATURES, Pixels, features};

fn query(side: u32, rgb: &[u8]) -> RegionQuery {
    RegionQuery::of(&Pixels::new(side, side, rgb).unwrap())
}

/// An index of pictures by their seeds.
fn index(seeds: std::ops::Range<u32>) -> RegionIndex {
    let mut index = RegionIndex::default();
    for seed in seeds {
        let rgb = picture(300, seed);
        index.push(&features(
            &Pixels::new(300, 300, &rgb).unwrap(),
            MAX_FEATURES,
        ));
    }
    index
}

/// The lower right part of a square picture.
fn cropped(rgb: &[u8], side: usize, part: usize) -> Vec<u8> {
    let rows = rgb.chunks(side * 3).skip(side - part);
    rows.flat_map(|row| row[(side - part) * 3..].to_vec())
        .collect()
}

#[test]
fn a_crop_is_found_among_others() {
    let index = index(50..62);
    assert_eq!(index.count(), 12);
    let crop = query(200, &cropped(&picture(300, 57), 300, 200));
    let hits = index.search(&crop, || true);
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0].number, 7);
    assert!(hits[0].region.theirs.left >= 90 && hits[0].region.theirs.top >= 90);
}

#[test]
fn what_a_search_names_a_comparison_of_both_names() {
    let index = index(50..54);
    let crop = query(200, &cropped(&picture(300, 51), 300, 200));
    let hit = index.search(&crop, || true)[0];
    assert_eq!(common_region(&crop, &index.picture(1)), Some(hit.region));
}

#[test]
fn an_unrelated_picture_finds_nothing() {
    assert_eq!(
        index(50..56).search(&query(300, &picture(300, 90)), || true),
        []
    );
    let none = RegionIndex::default();
    assert_eq!(none.search(&query(300, &picture(300, 90)), || true), []);
}

/// Whoever publishes a picture again and again hides nothing: the earliest are found first.
#[test]
fn copies_published_later_hide_no_original() {
    let mut index = index(50..52);
    let rgb = picture(300, 51);
    let copy = features(&Pixels::new(300, 300, &rgb).unwrap(), MAX_FEATURES);
    for _ in 0..MAX_EXAMINED {
        index.push(&copy);
    }
    let hits = index.search(&query(300, &rgb), || true);
    assert_eq!(hits.len(), MAX_REGIONS);
    assert_eq!(hits[0].number, 1);
}

#[test]
fn a_search_ends_when_it_is_told() {
    let index = index(50..54);
    let whole = query(300, &picture(300, 51));
    assert_eq!(index.search(&whole, || false), []);
    let mut steps = 0;
    let all = index.search(&whole, || {
        steps += 1;
        true
    });
    assert_eq!((all.len(), steps >= 4), (1, true));
}
