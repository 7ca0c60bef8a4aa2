use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::*;
use crate::features::tests::picture;
use crate::fingerprint::tests::sample;
use crate::{Pixels, REGIONS_SPECIFICATION, features};

#[test]
fn the_specification_is_the_document() {
    let document = include_bytes!("../../../../docs/regions.md");
    assert_eq!(
        hex::encode(REGIONS_SPECIFICATION),
        hex::encode(Sha256::digest(document))
    );
}

/// The vectors of the document, computed again.
#[test]
fn golden_vectors() {
    let mut lines = String::new();
    for (width, height, seed) in [
        (64, 64, 1),
        (100, 80, 2),
        (33, 47, 3),
        (200, 31, 5),
        (129, 300, 6),
        (640, 480, 9),
        (1, 1, 8),
    ] {
        let rgb = sample(width, height, seed);
        let pixels = Pixels::new(width, height, &rgb).expect("a picture");
        let found = features(&pixels, MAX_FEATURES);
        let hash = hex::encode(Sha256::digest(found.to_bytes()));
        let count = found.list.len();
        writeln!(lines, "{width} {height} {seed} = {count} {hash}").expect("text");
    }
    let document = include_str!("../../../../docs/regions.md");
    assert!(
        document.contains(&format!("```text\n{lines}```\n")),
        "{lines}"
    );
}

#[test]
fn bytes_are_read_as_they_were_written() {
    let rgb = picture(400, 5);
    let found = features(&Pixels::new(400, 400, &rgb).unwrap(), MAX_FEATURES);
    let bytes = found.to_bytes();
    assert!(bytes.len() <= MAX_FEATURE_BYTES && found.list.len() > 50);
    assert_eq!(Features::published(&bytes), Some(found));
}

#[test]
fn other_bytes_are_no_features() {
    let rgb = picture(400, 5);
    let mut found = features(&Pixels::new(400, 400, &rgb).unwrap(), MAX_FEATURES);
    let first = found.list[0];
    found.list.resize(MAX_FEATURES, first);
    let good = found.to_bytes();
    assert!(Features::published(&good).is_some());
    let mut bad: Vec<Vec<u8>> = vec![vec![], good[..3].to_vec(), good[..good.len() - 1].to_vec()];
    let mut bend = |at: usize, value: [u8; 2]| {
        let mut bytes = good.clone();
        bytes[at..at + 2].copy_from_slice(&value);
        bad.push(bytes);
    };
    // Sides of a frame, and places outside of it.
    for side in [0u16, 401] {
        bend(0, side.to_be_bytes());
        bend(2, side.to_be_bytes());
    }
    bend(4, 6400u16.to_be_bytes());
    bend(6, 6400u16.to_be_bytes());
    bad.push([&good[..], &good[4..41]].concat());
    for bytes in bad {
        assert_eq!(Features::published(&bytes), None);
    }
}
