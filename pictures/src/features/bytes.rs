//! Features as the bytes that are published: docs/regions.md, "Bytes".
//!
//! Consensus-critical: yes

use super::{DIRECTIONS, FRAME, Feature, Features, LEVELS, MAX_FEATURES};

/// Bytes before the features: the frame's width and height.
const HEAD: usize = 4;
/// Bytes of one feature.
const EACH: usize = 37;
/// Bytes of a picture's features, at most.
pub const MAX_FEATURE_BYTES: usize = HEAD + EACH * MAX_FEATURES;

impl Features {
    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + EACH * self.list.len());
        for side in [self.width, self.height] {
            bytes.extend(u16::try_from(side).unwrap_or(u16::MAX).to_be_bytes());
        }
        for feature in &self.list {
            for place in [feature.x, feature.y] {
                bytes.extend(u16::try_from(place).unwrap_or(u16::MAX).to_be_bytes());
            }
            bytes.push(feature.level << 5 | feature.direction);
            bytes.extend(feature.bits.iter().flat_map(|word| word.to_be_bytes()));
        }
        bytes
    }

    /// Features that may be published: those of a frame of [`FRAME`], at most [`MAX_FEATURES`].
    pub fn published(bytes: &[u8]) -> Option<Features> {
        Features::from_bytes(bytes, FRAME, MAX_FEATURES)
    }

    /// Features of a frame whose longer side is at most `side`, at most `most`; `None` for anything else.
    pub fn from_bytes(bytes: &[u8], side: u32, most: usize) -> Option<Features> {
        let (head, rest) = bytes.split_at_checked(HEAD)?;
        let (width, height) = head.split_at_checked(2)?;
        let (width, height) = (number(width)?, number(height)?);
        let is_frame = |own: u32| (1..=side).contains(&own);
        let (each, more) = rest.as_chunks::<EACH>();
        if !is_frame(width) || !is_frame(height) || !more.is_empty() || each.len() > most {
            return None;
        }
        let list = each.iter().map(|bytes| feature(bytes, width, height));
        let list = list.collect::<Option<_>>()?;
        Some(Features {
            width,
            height,
            list,
        })
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.try_into().ok()?)))
}

fn feature(bytes: &[u8; EACH], width: u32, height: u32) -> Option<Feature> {
    let (x, rest) = bytes.split_at_checked(2)?;
    let (y, rest) = rest.split_at_checked(2)?;
    let (look, rest) = rest.split_first()?;
    let (x, y) = (number(x)?, number(y)?);
    let mut bits = [0u64; 4];
    for (word, bytes) in bits.iter_mut().zip(rest.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    let found = Feature {
        x: i32::try_from(x).ok()?,
        y: i32::try_from(y).ok()?,
        level: look >> 5,
        direction: look & 31,
        bits,
    };
    (x < width * 16 && y < height * 16).then_some(found)
}

/// SHA-256 of `docs/regions.md`.
pub const REGIONS_SPECIFICATION: [u8; 32] = [
    0x17, 0xd0, 0x15, 0xd8, 0x74, 0x96, 0xb2, 0x81, 0x8f, 0x9b, 0xe8, 0x5e, 0x8d, 0x85, 0x02, 0xcb,
    0x04, 0x3f, 0x91, 0x2f, 0x48, 0x61, 0x14, 0x6a, 0x72, 0x4d, 0x41, 0xb3, 0x84, 0x89, 0xc6, 0x70,
];

const _: () = assert!(
    LEVELS == 8 && DIRECTIONS == 32,
    "level and direction fill a byte"
);

#[cfg(test)]
mod tests;
