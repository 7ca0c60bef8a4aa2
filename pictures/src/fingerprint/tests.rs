use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::Variant;

#[test]
fn the_specification_is_the_document() {
    let document = include_bytes!("../../../docs/fingerprint.md");
    assert_eq!(
        hex::encode(SPECIFICATION),
        hex::encode(Sha256::digest(document))
    );
}

/// Pixels that every implementation can make: see the specification, "Test vectors".
pub(crate) fn sample(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut waves = Vec::new();
    for _ in 0..12 {
        let mut next = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        waves.push([
            next(width),
            next(height),
            next(width) / 2 + 1,
            next(height) / 2 + 1,
            next(256),
            next(256),
            next(256),
        ]);
    }
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let mut colour = [255u8; 3];
            for [left, top, w, h, r, g, b] in &waves {
                if x >= *left && x < left + w && y >= *top && y < top + h {
                    colour = [*r as u8, *g as u8, *b as u8];
                }
            }
            rgb.extend(colour);
        }
    }
    rgb
}

/// The vectors of the document, computed again.
#[test]
fn golden_vectors() {
    let document = include_str!("../../../docs/fingerprint.md");
    let mut checked = 0;
    let inside = document
        .split("<!-- vectors: begin -->")
        .nth(1)
        .expect("the document has vectors");
    let inside = inside
        .split("<!-- vectors: end -->")
        .next()
        .expect("they end");
    for line in inside.lines().filter(|line| line.contains(" = ")) {
        let (input, output) = line.split_once(" = ").expect("an equation");
        let numbers: Vec<u32> = input
            .split_whitespace()
            .map(|n| n.parse().expect("a number"))
            .collect();
        let [width, height, seed] = numbers[..] else {
            panic!("{line}: three numbers")
        };
        let rgb = sample(width, height, seed);
        let found = fingerprint(&Pixels::new(width, height, &rgb).expect("a picture"));
        let text = format!(
            "{} {} {} {}",
            hex::encode(found.whole.to_bytes()),
            hex::encode(found.trimmed.to_bytes()),
            found.whole_quality,
            found.trimmed_quality
        );
        assert_eq!(text, output, "{input}");
        checked += 1;
    }
    assert!(checked >= 6, "{checked} vectors");
}

/// The picture turned and mirrored, pixel by pixel.
fn turned(width: u32, height: u32, rgb: &[u8], variant: Variant) -> (u32, u32, Vec<u8>) {
    let n = variant.number();
    let (w, h) = if n & 4 != 0 {
        (height, width)
    } else {
        (width, height)
    };
    let mut out = Vec::new();
    for y in 0..h {
        for x in 0..w {
            let x = if n & 1 != 0 { w - 1 - x } else { x };
            let y = if n & 2 != 0 { h - 1 - y } else { y };
            let (x, y) = if n & 4 != 0 { (y, x) } else { (x, y) };
            let at = ((y * width + x) * 3) as usize;
            out.extend(&rgb[at..at + 3]);
        }
    }
    (w, h, out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A picture turned is its bits turned, but for coefficients that are exactly 0.
    #[test]
    fn a_turned_picture_has_turned_bits(
        width in 17u32..150,
        height in 17u32..150,
        noise in prop::collection::vec(any::<u8>(), 150 * 150 * 3)
    ) {
        let rgb = &noise[..(width * height * 3) as usize];
        let ours = fingerprint(&Pixels::new(width, height, rgb).expect("a picture"));
        for variant in Variant::ALL {
            let (w, h, other) = turned(width, height, rgb, variant);
            let theirs = fingerprint(&Pixels::new(w, h, &other).expect("a picture"));
            prop_assert!(ours.whole.variant(variant).distance(&theirs.whole) <= 2);
            prop_assert!(ours.trimmed.variant(variant).distance(&theirs.trimmed) <= 2);
            prop_assert_eq!(ours.whole_quality, theirs.whole_quality);
        }
    }
}

#[test]
fn a_plain_picture_has_no_quality() {
    let rgb = vec![130; 50 * 50 * 3];
    let found = fingerprint(&Pixels::new(50, 50, &rgb).expect("a picture"));
    assert_eq!((found.whole_quality, found.trimmed_quality), (0, 0));
    assert!(!found.is_comparable());
}
