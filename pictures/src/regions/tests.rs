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

/// A feature that two of ours resemble is matched with the nearer one alone.
#[test]
fn each_feature_is_matched_once() {
    let rgb = picture(300, 11);
    let own = features(&Pixels::new(300, 300, &rgb).unwrap(), 300);
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
