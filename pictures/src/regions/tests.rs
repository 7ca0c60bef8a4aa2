use proptest::prelude::*;

use super::*;
use crate::features::tests::picture;
use crate::{Pixels, features};

/// The part of a square picture from (left, top) on.
fn cropped(rgb: &[u8], side: u32, left: u32, top: u32, part: u32) -> Vec<u8> {
    (top..top + part)
        .flat_map(|y| {
            let at = ((y * side + left) * 3) as usize;
            rgb[at..at + (part * 3) as usize].to_vec()
        })
        .collect()
}

fn common((a, side): (&[u8], u32), (b, other): (&[u8], u32)) -> Option<Region> {
    let a = Pixels::new(side, side, a).unwrap();
    let b = Pixels::new(other, other, b).unwrap();
    common_region(&RegionQuery::of(&a), &features(&b, 400))
}

#[test]
fn a_crop_is_the_region_it_was_cut_from() {
    let whole = picture(400, 7);
    let part = cropped(&whole, 400, 120, 80, 240);
    let region = common((&part, 240), (&whole, 400)).unwrap();
    assert_ne!(region.seen, RegionView::Mirrored);
    let Rectangle {
        left,
        top,
        right,
        bottom,
    } = region.theirs;
    assert!(
        left >= 110 && top >= 70 && right <= 370 && bottom <= 330,
        "{region:?}"
    );
    assert!(region.agreeing >= MIN_AGREEING);
}

#[test]
fn a_mirrored_picture_is_told() {
    let whole = picture(300, 9);
    let mirrored: Vec<u8> = whole
        .chunks(900)
        .flat_map(|row| row.chunks(3).rev().flatten().copied().collect::<Vec<u8>>())
        .collect();
    let region = common((&mirrored, 300), (&whole, 300)).unwrap();
    assert_eq!(region.seen, RegionView::Mirrored);
}

#[test]
fn unrelated_pictures_have_nothing_in_common() {
    for seed in 0..2 {
        let (one, other) = (picture(300, 20 + seed), picture(300, 40 + seed));
        assert_eq!(common((&one, 300), (&other, 300)), None);
    }
}

/// A picture's features, changed one by one.
fn changed(of: &Features, change: impl Fn(Feature) -> Feature) -> Features {
    Features {
        list: of.list.iter().copied().map(change).collect(),
        ..*of
    }
}

/// Features that lie alike count only where they are turned and scaled as the picture is.
#[test]
fn features_are_turned_and_scaled_as_the_picture_is() {
    let rgb = picture(300, 11);
    let own = features(&Pixels::new(300, 300, &rgb).unwrap(), 300);
    let query = RegionQuery {
        plain: own.clone(),
        ..RegionQuery::default()
    };
    let found = |theirs: &Features| common_region(&query, theirs).map_or(0, |r| r.agreeing);
    assert!(found(&own) > 40, "{}", found(&own));
    let turned = changed(&own, |f| Feature {
        direction: (f.direction + 8) % 32,
        ..f
    });
    assert_eq!(found(&turned), 0);
    let scaled = changed(&own, |f| Feature {
        level: (f.level + 4) % 8,
        ..f
    });
    assert_eq!(found(&scaled), 0);
}

/// A small region takes more: letters and stars are alike in pictures that have nothing else in common.
#[test]
fn a_small_region_takes_more_places() {
    let side = |side: u32| Features {
        width: side,
        height: side,
        list: vec![],
    };
    let part = |right: u32| Rectangle {
        left: 10,
        top: 20,
        right,
        bottom: 70,
    };
    // 50 x 25 is an eighth of 100 x 100, 50 x 24 is less; of the larger pictures both are less.
    for (ours, theirs, is_large) in [
        ((35, 100), (35, 100), true),
        ((35, 100), (34, 100), true),
        ((34, 100), (35, 100), true),
        ((34, 100), (34, 100), false),
        ((35, 101), (34, 100), false),
    ] {
        for agreeing in 0..30 {
            let region = Region {
                agreeing,
                seen: RegionView::Plain,
                ours: part(ours.0),
                theirs: part(theirs.0),
            };
            let least = if is_large { 18 } else { 24 };
            let do_agree = |seen| {
                let region = Region { seen, ..region };
                do_enough_agree(&region, &side(ours.1), &side(theirs.1))
            };
            for seen in [RegionView::Plain, RegionView::Mirrored, RegionView::Fine] {
                assert_eq!(do_agree(seen), agreeing >= least, "{region:?}");
            }
            // A window may be a bow of its picture, as other pictures have one.
            assert_eq!(
                do_agree(RegionView::Window(0)),
                agreeing >= 24,
                "{region:?}"
            );
        }
    }
}

/// So many features in rows of five, so many pixels apart: found again in the same picture or not.
#[test]
fn a_region_is_told_by_its_places_and_its_size() {
    let found = |count: u32, apart: i32| {
        let mut state = 1u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let list = (0..count as i32).map(|n| Feature {
            x: (20 + n % 5 * apart) * 16,
            y: (20 + n / 5 * apart) * 16,
            level: 0,
            direction: 0,
            bits: [next(), next(), next(), next()],
        });
        let plain = Features {
            width: 400,
            height: 400,
            list: list.collect(),
        };
        let query = RegionQuery {
            plain: plain.clone(),
            ..RegionQuery::default()
        };
        common_region(&query, &plain).map(|region| region.agreeing)
    };
    assert_eq!((found(17, 60), found(18, 60)), (None, Some(18)));
    assert_eq!((found(23, 12), found(24, 12)), (None, Some(24)));
}

/// A window may be a letter of its picture: how much of it or of theirs a region is says nothing.
#[test]
fn a_region_of_a_window_takes_more_places() {
    let found = |count: i32| {
        let rows = (0..count).map(|n| Feature {
            x: (20 + n % 5 * 12) * 16,
            y: (20 + n / 5 * 12) * 16,
            level: 0,
            direction: 0,
            bits: [1, 2, 3, 4].map(|k: u64| (n as u64 * 8 + k).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        });
        let theirs = Features {
            width: 90,
            height: 90,
            list: rows.collect(),
        };
        let window = theirs.clone();
        let query = RegionQuery {
            windows: vec![Features::default(), window.clone()],
            ..RegionQuery::default()
        };
        let seen = common_region(&query, &theirs).map(|region| region.seen);
        let query = RegionQuery {
            plain: window,
            ..RegionQuery::default()
        };
        (seen, common_region(&query, &theirs).is_some())
    };
    assert_eq!(found(23), (None, true));
    assert_eq!(found(24), (Some(RegionView::Window(1)), true));
}

/// A feature that two of ours resemble is matched with the nearer one alone.
#[test]
fn each_feature_is_matched_once() {
    let rgb = picture(300, 11);
    let own = features(&Pixels::new(300, 300, &rgb).unwrap(), MAX_MATCHES / 2);
    let twice = changed(&own, |f| Feature {
        x: f.x / 2,
        bits: [f.bits[0] ^ 1, f.bits[1], f.bits[2], f.bits[3]],
        ..f
    });
    let mut both = own.clone();
    both.list.extend(twice.list);
    let found = matches(&both, &own);
    assert!(!found.is_empty() && found.iter().all(|m| m.bits == 0));
}

/// Features that are each other's best, by far, with no distance left out.
fn matches_of_all<'a>(ours: &'a Features, theirs: &'a Features) -> Vec<Match<'a>> {
    let bits = |one: &Feature, other: &Feature| distance(&one.bits, &other.bits);
    let mut found = Vec::new();
    for own in &ours.list {
        let (mut best, mut second) = (u32::MAX, u32::MAX);
        let mut nearest: Option<&Feature> = None;
        for other in &theirs.list {
            let bits = bits(own, other);
            let is_same = nearest.is_some_and(|nearest| is_near(nearest, other));
            if bits < best {
                second = if is_same { second } else { best };
                (best, nearest) = (bits, Some(other));
            } else if !is_same {
                second = second.min(bits);
            }
        }
        let is_clear = best <= MAX_BITS && u64::from(best) * 10 < u64::from(second) * 9;
        let Some(theirs) = nearest.filter(|_| is_clear) else {
            continue;
        };
        if ours.list.iter().all(|own| bits(own, theirs) >= best) {
            found.push(Match {
                ours: own,
                theirs,
                bits: best,
            });
        }
    }
    found.sort_by_key(|m| (m.bits, m.ours.y, m.ours.x));
    found.truncate(MAX_MATCHES);
    found
}

/// Features of a few things, each somewhat otherwise: many have rivals on both sides of each bound, some of them the
/// same corner at another size.
fn crowd() -> impl Strategy<Value = Features> {
    let one = (0..12u64, 0..600i32, any::<[[u64; 4]; 3]>(), any::<bool>());
    let one = one.prop_map(|(thing, x, [one, two, three], is_near)| {
        let mut bits = [thing.wrapping_mul(0x9E37_79B9_7F4A_7C15); 4];
        let noise = one.iter().zip(two).zip(three);
        for (word, ((one, two), three)) in bits.iter_mut().zip(noise) {
            // An eighth or a quarter of the bits are others: two of one thing differ in 56 to 96.
            *word ^= one & two & if is_near { three } else { u64::MAX };
        }
        Feature {
            x,
            y: 0,
            level: 0,
            direction: 0,
            bits,
        }
    });
    proptest::collection::vec(one, 0..30).prop_map(|list| Features {
        width: 400,
        height: 400,
        list,
    })
}

proptest! {
    /// Leaving out what is no rival changes nothing.
    #[test]
    fn matches_are_those_of_all_distances(ours in crowd(), theirs in crowd()) {
        let told = |found: Vec<Match<'_>>| -> Vec<(Feature, Feature, u32)> {
            found.iter().map(|m| (*m.ours, *m.theirs, m.bits)).collect()
        };
        prop_assert_eq!(told(matches(&ours, &theirs)), told(matches_of_all(&ours, &theirs)));
    }
}
