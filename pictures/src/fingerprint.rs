//! The fingerprint of a picture: 256 bits of the whole of it and 256 of what its border surrounds.
//!
//! Consensus-critical: no

use crate::bits::Bits;
use crate::pixels::Pixels;
use crate::transform::{quality, reduce, transform};
use crate::trim::{Rectangle, trimmed};

/// SHA-256 of `docs/fingerprint.md`.
pub const SPECIFICATION: [u8; 32] = [
    0xd2, 0xb0, 0x18, 0x2f, 0x97, 0x87, 0x39, 0x6d, 0x93, 0x24, 0xfd, 0xf5, 0x89, 0x3f, 0x10, 0xda,
    0x08, 0x9c, 0xb0, 0xb5, 0x74, 0xa9, 0x4c, 0xc6, 0x5b, 0x44, 0xcf, 0x30, 0x5b, 0xf1, 0x49, 0xf4,
];

/// With less quality, from 0 to 100, bits say nothing about a picture.
pub const MIN_QUALITY: u8 = 10;

/// What is compared of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// Of the whole picture.
    pub whole: Bits,
    /// Of the picture without its border.
    pub trimmed: Bits,
    /// How much there is to see in the whole picture: 0 to 100.
    pub whole_quality: u8,
    /// The same without the border.
    pub trimmed_quality: u8,
}

impl Fingerprint {
    /// Whether the whole picture, and the picture without its border, can be compared.
    pub(crate) fn comparable_parts(&self) -> [bool; 2] {
        [
            self.whole_quality >= MIN_QUALITY && self.whole.is_balanced(),
            self.trimmed_quality >= MIN_QUALITY && self.trimmed.is_balanced(),
        ]
    }

    /// Whether there is enough to see for a comparison.
    pub fn is_comparable(&self) -> bool {
        let [whole, trimmed] = self.comparable_parts();
        whole || trimmed
    }
}

/// Computes the fingerprint of a picture.
pub fn fingerprint(pixels: &Pixels<'_>) -> Fingerprint {
    let (whole, whole_quality) = part(pixels, Rectangle::whole(pixels));
    let (trimmed, trimmed_quality) = part(pixels, trimmed(pixels));
    Fingerprint {
        whole,
        trimmed,
        whole_quality,
        trimmed_quality,
    }
}

fn part(pixels: &Pixels<'_>, part: Rectangle) -> (Bits, u8) {
    let cells = reduce(pixels, part);
    (Bits::of(&transform(&cells)), quality(&cells))
}

#[cfg(test)]
pub(crate) mod tests;
