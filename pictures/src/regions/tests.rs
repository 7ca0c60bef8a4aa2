use super::*;
use crate::features::tests::picture;
use crate::{Pixels, features, mirrored_features};

/// The part of a square picture from (left, top) on.
fn cropped(rgb: &[u8], side: u32, left: u32, top: u32, part: u32) -> Vec<u8> {
    (top..top + part)
        .flat_map(|y| {
            let at = ((y * side + left) * 3) as usize;
            rgb[at..at + (part * 3) as usize].to_vec()
        })
        .collect()
}

fn common(a: (&[u8], u32), b: (&[u8], u32)) -> Option<Region> {
    let pixels = |(rgb, side): (&'static [u8], u32)| Pixels::new(side, side, rgb).unwrap();
    let leak = |(rgb, side): (&[u8], u32)| (&*rgb.to_vec().leak(), side);
    let (a, b) = (pixels(leak(a)), pixels(leak(b)));
    common_region(
        &features(&a, 400),
        &mirrored_features(&a, 400),
        &features(&b, 400),
    )
}

#[test]
fn a_crop_is_the_region_it_was_cut_from() {
    let whole = picture(400, 7);
    let part = cropped(&whole, 400, 120, 80, 240);
    let region = common((&part, 240), (&whole, 400)).unwrap();
    assert!(!region.is_mirrored);
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
    assert!(common((&mirrored, 300), (&whole, 300)).unwrap().is_mirrored);
}

#[test]
fn unrelated_pictures_have_nothing_in_common() {
    for seed in 0..2 {
        let (one, other) = (picture(300, 20 + seed), picture(300, 40 + seed));
        assert_eq!(common((&one, 300), (&other, 300)), None);
    }
}
