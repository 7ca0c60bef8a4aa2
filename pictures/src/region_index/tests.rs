use super::*;
use crate::features::tests::picture;
use crate::{MAX_FEATURES, Pixels, common_region, features};

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

/// What has most in common with the picture stands first, though it was published later.
#[test]
fn those_with_most_places_come_first() {
    let whole = picture(300, 51);
    let part = cropped(&whole, 300, 160);
    let mut index = RegionIndex::default();
    for (side, rgb) in [(160, &part), (300, &whole)] {
        index.push(&features(
            &Pixels::new(side, side, rgb).unwrap(),
            MAX_FEATURES,
        ));
    }
    let hits = index.search(&query(300, &whole), || true);
    let told: Vec<u64> = hits.iter().map(|hit| hit.number).collect();
    assert_eq!(told, [1, 0]);
    assert!(hits[0].region.agreeing > hits[1].region.agreeing);
}

/// Whoever publishes a picture again and again hides nothing: the earliest are found first.
#[test]
fn copies_published_later_hide_no_original() {
    let mut index = index(50..52);
    let rgb = picture(300, 51);
    let copy = features(&Pixels::new(300, 300, &rgb).unwrap(), MAX_FEATURES);
    for _ in 0..MAX_REGIONS {
        index.push(&copy);
    }
    let hits = index.search(&query(300, &rgb), || true);
    assert!(hits.len() > 3 * MAX_VOTED, "{}", hits.len());
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
    // The last step is the only picture's comparison.
    let one = self::index(51..52);
    let mut left = 0;
    let all = one.search(&whole, || {
        left += 1;
        true
    });
    let none = one.search(&whole, || {
        left -= 1;
        left > 0
    });
    assert_eq!((all.len(), none.len()), (1, 0));
    let mut asked = 0;
    index.votes(&whole.plain, &mut || {
        asked += 1;
        asked < 3
    });
    assert!(whole.plain.list.len() > 3 * STEP);
    assert_eq!(asked, 3);
}

/// Numbers by a seed, below one each.
struct Seeded(u32);

impl Seeded {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % most
    }

    /// Bits of which so many in a thousand are 1.
    fn bits(&mut self, thousandth: u32) -> [u64; 4] {
        let mut bit = || u64::from(self.below(1000) < thousandth);
        [(); 4].map(|()| (0..64).fold(0, |word, _| word << 1 | bit()))
    }
}

fn differing(one: [u64; 4], other: [u64; 4]) -> [u64; 4] {
    let [a, b, c, d] = other;
    let mut with = [a, b, c, d].into_iter();
    one.map(|word| word ^ with.next().unwrap_or_default())
}

/// Features as drawings have them: everywhere the same 64 things, each somewhat otherwise.
fn drawing(seed: u32) -> Features {
    let mut things = Seeded(1);
    let things: Vec<[u64; 4]> = (0..64).map(|_| things.bits(300)).collect();
    let mut next = Seeded(seed);
    let list = (0..150).map(|_| {
        let thing = things[next.below(64) as usize];
        Feature {
            x: next.below(6000) as i32,
            y: next.below(6000) as i32,
            level: next.below(4) as u8,
            direction: next.below(32) as u8,
            bits: differing(thing, next.bits(80)),
        }
    });
    Features {
        width: 400,
        height: 400,
        list: list.collect(),
    }
}

/// A part of a drawing, moved, each bit wrong with so many in a thousand, among as many features of another one.
fn edited(drawing: &Features, seed: u32, thousandth: u32) -> Features {
    let mut next = Seeded(seed);
    let part = drawing.list.iter().take(75).map(|feature| Feature {
        x: feature.x + 160,
        y: feature.y + 96,
        bits: differing(feature.bits, next.bits(thousandth)),
        ..*feature
    });
    let others = self::drawing(seed).list.into_iter().take(75);
    Features {
        width: 400,
        height: 400,
        list: part.chain(others).collect(),
    }
}

/// Each picture, held against the one that is looked for.
fn one_by_one(index: &RegionIndex, query: &RegionQuery) -> Vec<RegionHit> {
    let regions = (0..index.count()).filter_map(|number| {
        let region = common_region(query, &index.picture(number as usize))?;
        Some(RegionHit { number, region })
    });
    let mut hits: Vec<RegionHit> = regions.collect();
    hits.sort_by_key(|hit| (std::cmp::Reverse(hit.region.agreeing), hit.number));
    hits
}

/// What drawings have in common fills the places of the tables, and keeps no picture from being found.
#[test]
fn a_search_finds_what_a_comparison_with_each_finds() {
    let mut index = RegionIndex::default();
    for seed in 0..200 {
        index.push(&drawing(1000 + seed));
    }
    let mut found = 0;
    for (at, wrong) in [
        (0, 60),
        (56, 60),
        (120, 60),
        (199, 60),
        (3, 100),
        (88, 100),
        (149, 100),
        (198, 100),
    ] {
        let (view, mut query) = (
            edited(&drawing(1000 + at), 5000 + at, wrong),
            RegionQuery::default(),
        );
        match at % 3 {
            0 => query.plain = view,
            1 => query.mirrored = view,
            _ => query.fine = view,
        }
        let all = one_by_one(&index, &query);
        assert!(all.iter().any(|hit| hit.number == u64::from(at)), "{at}");
        let hits = index.search(&query, || true);
        assert!(hits.iter().all(|hit| all.contains(hit)));
        found += usize::from(hits == all);
    }
    assert_eq!(found, 8);
}

/// A window names its own: what others see keeps nothing of it out, and a picture that several see is named once, as it
/// is seen best.
#[test]
fn each_window_is_searched_for_itself() {
    let mut index = RegionIndex::default();
    for seed in 0..100 {
        index.push(&drawing(1000 + seed));
    }
    let view = |at: u32| edited(&drawing(1000 + at), 5000 + at, 60);
    let query = RegionQuery {
        plain: view(3),
        windows: vec![view(56), drawing(1003), view(88)],
        ..RegionQuery::default()
    };
    let hits = index.search(&query, || true);
    let mut seen: Vec<(u64, RegionView)> = hits
        .iter()
        .map(|hit| (hit.number, hit.region.seen))
        .collect();
    seen.sort_by_key(|(number, _)| *number);
    let windows = [1, 0, 2].map(RegionView::Window);
    assert_eq!(
        seen,
        [3, 56, 88].into_iter().zip(windows).collect::<Vec<_>>()
    );
    assert!(hits.is_sorted_by_key(|hit| std::cmp::Reverse(hit.region.agreeing)));
    let mut steps = 0;
    let cut = index.search(&query, || {
        steps += 1;
        steps < 60
    });
    assert!(cut.len() < 3, "{cut:?}");
}

fn feature(bits: [u64; 4]) -> Feature {
    Feature {
        x: 160,
        y: 160,
        level: 0,
        direction: 0,
        bits,
    }
}

fn picture_of(list: Vec<Feature>) -> Features {
    Features {
        width: 400,
        height: 400,
        list,
    }
}

/// Of like features those that were published first are met, and no more than the bound of a place.
#[test]
fn the_earliest_features_of_a_place_are_met() {
    let one = feature([7, 8, 9, 10]);
    let mut index = RegionIndex::default();
    for count in 1..=MAX_OF_A_PLACE + 6 {
        index.push(&picture_of(vec![one]));
        let mut met = Vec::new();
        let looked_at = index.meet(&one, |corner, bits| met.push((corner.picture, bits)));
        let most = count.min(MAX_OF_A_PLACE);
        assert_eq!(looked_at, most * TABLES);
        let each: Vec<(u32, u32)> = (0..most).map(|picture| (picture as u32, 0)).collect();
        assert_eq!(met, each.repeat(TABLES));
    }
}

/// Whoever fills all places around a feature makes no search longer than its bound.
#[test]
fn a_search_for_a_feature_has_a_bound() {
    let one = feature([1, 2, 3, 4]);
    let mut index = RegionIndex::default();
    for _ in 0..2 {
        let flipped = (0..256).map(|bit| {
            let mut bits = one.bits;
            bits[bit / 64] ^= 1 << (bit % 64);
            feature(bits)
        });
        for variant in flipped {
            index.push(&picture_of(vec![variant; MAX_OF_A_PLACE / 2]));
        }
    }
    let mut met = 0;
    let looked_at = index.meet(&one, |_, _| met += 1);
    assert_eq!((looked_at, met), (MAX_OF_A_FEATURE, MAX_OF_A_FEATURE));
}

/// One bit of each word may differ, and so many of the feature.
#[test]
fn like_features_are_met_and_unlike_ones_are_not() {
    let one = feature([0x0123_4567_89ab_cdef; 4]);
    let met = |flipped: [u64; 4]| {
        let mut index = RegionIndex::default();
        index.push(&picture_of(vec![feature(differing(one.bits, flipped))]));
        let mut met = Vec::new();
        index.meet(&one, |_, bits| met.push(bits));
        met
    };
    assert_eq!(met([0; 4]), [0; 8]);
    assert_eq!(met([1, 0, 0, 0]), [1; 8]);
    // Two bits of one word: the other seven tables.
    assert_eq!(met([3, 0, 0, 0]), [2; 7]);
    // Two of each: none.
    assert_eq!(met([0x3_0000_0003; 4]), [0; 0]);
    // The last table alone, with the most bits that may differ and with one more.
    let but_one = |last: u64| [0xff_0000_00ff, 0xff_0000_00ff, 0xff_0000_00ff, last];
    assert_eq!(met(but_one(0xff)), [56]);
    assert_eq!(met(but_one(0x1ff)), [0; 0]);
}

#[test]
fn a_feature_votes_once_for_each_picture_that_has_one_like_it() {
    let (one, other) = (feature([1, 2, 3, 4]), feature([u64::MAX; 4]));
    let near = feature(differing(one.bits, [1, 0, 0, 0]));
    let index = |pictures: &[&[Feature]]| {
        let mut index = RegionIndex::default();
        for list in pictures {
            index.push(&picture_of(list.to_vec()));
        }
        index
    };
    let votes = |index: &RegionIndex, list: &[Feature]| {
        index.votes(&picture_of(list.to_vec()), &mut || true)
    };
    let three = index(&[&[one; 5], &[one, other], &[other]]);
    let vote = weight(0, 2);
    assert_eq!(votes(&three, &[one]), [vote, vote, 0]);
    assert_eq!(votes(&three, &[one, other]), [vote, 2 * vote, vote]);
    // Votes that are turned otherwise don't add up.
    let turned = Feature {
        direction: 8,
        ..other
    };
    assert_eq!(votes(&three, &[one, turned]), [vote, vote, vote]);
    // The nearest counts, wherever it stands.
    assert_eq!(votes(&index(&[&[near, one]]), &[one]), [weight(0, 1)]);
    assert_eq!(votes(&index(&[&[one, near]]), &[one]), [weight(0, 1)]);
    assert_eq!(votes(&index(&[&[near]]), &[one]), [weight(1, 1)]);
}

#[test]
fn a_near_and_rare_feature_counts_most() {
    assert!(weight(10, 1) > weight(11, 1) && weight(10, 1) > weight(10, 2));
    assert!(weight(MAX_VOTE_BITS, 1) > 0);
    assert_eq!(weight(u32::MAX, u32::MAX), 0);
}

#[test]
fn votes_of_like_turns_come_together() {
    let mut votes = [0; DIRECTIONS];
    for turn in [29, 31, 0, 3] {
        votes[turn] = 5;
    }
    // 29 to 3 are seven neighbours; one more is too far.
    assert_eq!(most_turned_alike(&votes), 20);
    votes[4] = 1;
    assert_eq!(most_turned_alike(&votes), 20);
    assert_eq!((turn(30, 2), turn(2, 30), turn(7, 7)), (4, 28, 0));
}

/// However many later pictures have more votes, the earliest with enough of them are held against the one looked for.
#[test]
fn later_pictures_keep_no_earlier_one_out() {
    let mut votes = vec![0; 10];
    votes[3] = 10;
    votes[4] = 9;
    votes.extend([160; 100]);
    let chosen = candidates(&[votes]);
    assert_eq!(chosen.len(), MAX_VOTED + MAX_EARLIEST);
    assert_eq!(
        chosen[..MAX_VOTED],
        (10..10 + MAX_VOTED).collect::<Vec<_>>()
    );
    assert!(chosen.contains(&3) && !chosen.contains(&4));
    assert_eq!(candidates(&[vec![0, 2, 0, 3, 2]]), [3, 1, 4]);
    assert_eq!(candidates(&[vec![]]), [0; 0]);
}

/// A view of many features gives many votes to pictures that have little in common with it, and keeps none of
/// another view's out.
#[test]
fn each_view_names_its_own() {
    let few = (0..100).map(|at| if at == 70 { 30 } else { 10 }).collect();
    let many = (0..100)
        .map(|at| if at == 70 { 0 } else { 500 + at })
        .collect();
    for views in [[few, many], [vec![500; 100], vec![10; 100]]] {
        let chosen = candidates(&views);
        assert_eq!(chosen.len(), 2 * MAX_VOTED + MAX_EARLIEST);
        let each: BTreeSet<usize> = chosen.iter().copied().collect();
        assert_eq!(each.len(), chosen.len(), "each once");
        if views[1][70] == 0 {
            assert_eq!(chosen[0], 70);
            assert_eq!(chosen[MAX_VOTED], 99);
        }
    }
}

/// What a node counts is what the lists take.
#[test]
fn memory_is_counted() {
    assert_eq!(
        (size_of::<IndexedFeature>(), size_of::<IndexedCorner>()),
        (64, 16)
    );
    let mut index = RegionIndex::default();
    let empty = index.bytes();
    assert!(((32 << 20)..(33 << 20)).contains(&empty));
    for seed in 0..40 {
        index.push(&drawing(seed));
    }
    assert_eq!(index.bytes(), empty + 40 * RegionIndex::bytes_of(150));
    let tables = index.last.capacity() * size_of::<[FeatureNumber; TABLES]>();
    let features = index.features.allocated() * 64 + index.corners.allocated() * 16;
    let pictures = index.pictures.capacity() * size_of::<IndexedPicture>();
    assert!((tables + features + pictures) as u64 <= index.bytes());
    assert_eq!(index.picture(39), drawing(39));
}
