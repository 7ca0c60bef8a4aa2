//! The pixels that a fingerprint is computed from.
//!
//! Consensus-critical: no

use thiserror::Error;

/// Pixels of a side, at most.
pub const MAX_SIDE: u32 = 1 << 15;
/// Pixels of a picture, at most: 192 MiB in RGB.
pub const MAX_PIXELS: u64 = 1 << 26;

/// A picture of 8-bit RGB, row by row from the top left.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    width: u32,
    height: u32,
    rgb: &'a [u8],
}

/// Why bytes are no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadPixels {
    /// No pixels, or more than [`MAX_SIDE`] or [`MAX_PIXELS`] allow.
    #[error(
        "the picture is {width} x {height}; each side has 1 to 32768 pixels, both together make at most 67108864"
    )]
    Size {
        /// Pixels of a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Not three bytes for each pixel.
    #[error("the picture has {found} bytes; its size takes {expected}")]
    Bytes {
        /// Bytes given.
        found: u64,
        /// Three for each pixel.
        expected: u64,
    },
}

impl<'a> Pixels<'a> {
    /// Pixels of this size; `rgb` has three bytes for each.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Result<Pixels<'a>, BadPixels> {
        check_size(width, height)?;
        let expected = u64::from(width) * u64::from(height) * 3;
        let found = rgb.len() as u64;
        match found == expected {
            true => Ok(Pixels { width, height, rgb }),
            false => Err(BadPixels::Bytes { found, expected }),
        }
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes of a row, from column `left` up to `right`, exclusive.
    pub(crate) fn row(&self, y: u32, left: u32, right: u32) -> &'a [u8] {
        let start = (y as usize * self.width as usize + left as usize) * 3;
        let length = (right - left) as usize * 3;
        self.rgb.get(start..start + length).unwrap_or_default()
    }
}

/// Whether a picture of this size is taken; asked before anything is decoded.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), BadPixels> {
    let sides = [width, height];
    let fits = sides.iter().all(|side| (1..=MAX_SIDE).contains(side))
        && u64::from(width) * u64::from(height) <= MAX_PIXELS;
    match fits {
        true => Ok(()),
        false => Err(BadPixels::Size { width, height }),
    }
}
