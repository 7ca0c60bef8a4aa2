//! Local features of a picture: corners with 256 bits each that say what is around them, whichever way it is turned and
//! at several sizes. They find crops, captions, logos and screenshots, to which fingerprints are blind.
//!
//! Own code: of the crates that compute such features none is kept up and free of floats. Oriented FAST corners
//! and rotated BRIEF bits (ORB: Rublee and others, 2011), in integers, so that two machines give the same bits.
//!
//! Consensus-critical: no

mod bytes;

pub use self::bytes::{MAX_FEATURE_BYTES, REGIONS_SPECIFICATION};
use crate::grey::Grey;
use crate::pixels::Pixels;

/// The longer side of the frame that every picture is brought to.
pub const FRAME: u32 = 400;
/// Features that are published of a picture, at most.
pub const MAX_FEATURES: usize = 300;
/// Sizes at which corners are looked for: each is 5/6 of the one before.
pub(crate) const LEVELS: u32 = 8;
/// Pixels at the edge of each size that are no corner's place.
const MARGIN: i32 = 17;
/// How much brighter or darker than its centre a corner's arc is.
const CONTRAST: i32 = 10;
/// The radius in which a corner's direction is measured.
const RADIUS: i32 = 13;
/// Directions that are told apart.
pub(crate) const DIRECTIONS: usize = 32;
/// Pixels between two corners of one size, at least.
const APART: usize = 4;

/// A corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Sixteenths of a pixel of the frame, from the left.
    pub x: i32,
    /// The same from the top.
    pub y: i32,
    /// The size at which it was found: how often 5/6 of the frame.
    pub level: u8,
    /// Where its surroundings are brighter: 0 to 31 around the circle.
    pub direction: u8,
    /// What is around it.
    pub bits: [u64; 4],
}

/// The corners of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// Pixels of the frame's rows.
    pub width: u32,
    /// The frame's rows.
    pub height: u32,
    /// At most as many as were asked for.
    pub list: Vec<Feature>,
}

/// The `most` clearest corners of a picture.
pub fn features(pixels: &Pixels<'_>, most: usize) -> Features {
    of_grey(&Grey::framed(pixels, FRAME), most)
}

/// The same in a frame of twice the size, for what is small in a large picture, as in a screenshot of a listing.
pub fn fine_features(pixels: &Pixels<'_>, most: usize) -> Features {
    of_grey(&Grey::framed(pixels, 2 * FRAME), most)
}

/// The same of the mirrored picture, with places in its mirrored frame.
pub fn mirrored_features(pixels: &Pixels<'_>, most: usize) -> Features {
    of_grey(&Grey::framed(pixels, FRAME).mirrored(), most)
}

fn of_grey(frame: &Grey, most: usize) -> Features {
    let tables = Tables::new();
    let mut list = Vec::new();
    let sizes: Vec<(u32, u32)> = (0..LEVELS)
        .map(|level| {
            let shrunk = |side: u32| side * 5u32.pow(level) / 6u32.pow(level);
            (shrunk(frame.width()), shrunk(frame.height()))
        })
        .collect();
    let areas = sizes.iter().map(|(w, h)| u64::from(*w) * u64::from(*h));
    let total = areas.clone().sum::<u64>().max(1);
    for (level, ((width, height), area)) in (0u8..).zip(sizes.iter().zip(areas)) {
        if *width < 2 * MARGIN as u32 + 8 || *height < 2 * MARGIN as u32 + 8 {
            continue;
        }
        let quota = usize::try_from(most as u64 * area / total).unwrap_or(most) + 1;
        let picture = frame.resized(*width, *height);
        let smooth = picture.smoothed();
        for (x, y) in corners(&picture, quota) {
            let direction = tables.direction(&smooth, x, y);
            let place = |at: i32, from: u32, to: u32| {
                (at * 16 + 8) * i32::try_from(to).unwrap_or(1) / i32::try_from(from).unwrap_or(1)
            };
            list.push(Feature {
                x: place(x, *width, frame.width()),
                y: place(y, *height, frame.height()),
                level,
                direction,
                bits: tables.bits(&smooth, x, y, direction),
            });
        }
    }
    list.truncate(most);
    Features {
        width: frame.width(),
        height: frame.height(),
        list,
    }
}

/// The circle around a corner: sixteen pixels at a distance of three.
const CIRCLE: [(i32, i32); 16] = [
    (0, -3),
    (1, -3),
    (2, -2),
    (3, -1),
    (3, 0),
    (3, 1),
    (2, 2),
    (1, 3),
    (0, 3),
    (-1, 3),
    (-2, 2),
    (-3, 1),
    (-3, 0),
    (-3, -1),
    (-2, -2),
    (-1, -3),
];

/// The clearest corners, some pixels apart.
fn corners(picture: &Grey, most: usize) -> Vec<(i32, i32)> {
    let (width, height) = picture.sides();
    let mut found: Vec<(i64, i32, i32)> = Vec::new();
    for y in MARGIN..height - MARGIN {
        for x in MARGIN..width - MARGIN {
            if is_corner(picture, x, y) {
                found.push((-sharpness(picture, x, y), y, x));
            }
        }
    }
    found.sort_unstable();
    let mut taken = Vec::new();
    let columns = usize::try_from(width).unwrap_or_default() / APART + 1;
    let rows = usize::try_from(height).unwrap_or_default() / APART + 1;
    let mut occupied = vec![false; columns * rows];
    for (_, y, x) in found {
        let column = usize::try_from(x).unwrap_or_default() / APART;
        let row = usize::try_from(y).unwrap_or_default() / APART;
        if let Some(cell @ false) = occupied.get_mut(row * columns + column) {
            *cell = true;
            taken.push((x, y));
            if taken.len() == most {
                break;
            }
        }
    }
    taken
}

/// FAST: nine neighbours on the circle are all brighter, or all darker, than the centre.
fn is_corner(picture: &Grey, x: i32, y: i32) -> bool {
    let centre = picture.inside(x, y);
    let (top, bottom) = (picture.inside(x, y - 3), picture.inside(x, y + 3));
    let (left, right) = (picture.inside(x - 3, y), picture.inside(x + 3, y));
    // Nine neighbours hold one of each two opposite places: where neither is brighter, nor darker, no more is read.
    let may_be_bright = top.max(bottom).min(left.max(right)) > centre + CONTRAST;
    let may_be_dark = top.min(bottom).max(left.min(right)) < centre - CONTRAST;
    if !may_be_bright && !may_be_dark {
        return false;
    }
    let (mut bright, mut dark) = (0u32, 0u32);
    for (bit, (dx, dy)) in (0u32..).zip(CIRCLE) {
        let value = picture.inside(x + dx, y + dy);
        bright |= u32::from(value > centre + CONTRAST) << bit;
        dark |= u32::from(value < centre - CONTRAST) << bit;
    }
    [bright, dark].iter().any(|ring| {
        let twice = ring | ring << 16;
        (1..9).fold(twice, |run, shift| run & twice >> shift) & 0xffff != 0
    })
}

/// Harris: 25 times the determinant of the gradients' products minus their trace's square.
fn sharpness(picture: &Grey, x: i32, y: i32) -> i64 {
    let (mut xx, mut yy, mut xy) = (0i64, 0i64, 0i64);
    for dy in -3..=3 {
        for dx in -3..=3 {
            let (x, y) = (x + dx, y + dy);
            let gx = i64::from(picture.inside(x + 1, y) - picture.inside(x - 1, y));
            let gy = i64::from(picture.inside(x, y + 1) - picture.inside(x, y - 1));
            xx += gx * gx;
            yy += gy * gy;
            xy += gx * gy;
        }
    }
    25 * (xx * yy - xy * xy) - (xx + yy) * (xx + yy)
}

/// Directions, and the pairs of places that are compared in each.
struct Tables {
    /// 1,024 times cosine and sine.
    directions: Vec<(i32, i32)>,
    /// For each direction 256 pairs: x and y of one place, then of the other.
    pairs: Vec<Vec<[i32; 4]>>,
}

/// 1,024 times cosine and sine of each direction.
pub(crate) fn directions() -> Vec<(i32, i32)> {
    let of = |k| (cosine(k), cosine(k + DIRECTIONS * 3 / 4));
    (0..DIRECTIONS).map(of).collect()
}

/// 1,024 times the cosine of 0 to 8 times 2 pi / 32, rounded.
const QUARTER: [i32; 9] = [1024, 1004, 946, 851, 724, 569, 392, 200, 0];

impl Tables {
    fn new() -> Tables {
        let directions = directions();
        let mut state = 1u32;
        let mut next = || {
            // Three draws of a linear congruential generator: near the centre more often than at the rim.
            let mut sum = 0;
            for _ in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                sum += i32::try_from((state >> 16) % 9).unwrap_or_default();
            }
            sum - 12
        };
        let plain: Vec<[i32; 4]> = (0..256).map(|_| [next(), next(), next(), next()]).collect();
        let turned = |(cos, sin): &(i32, i32)| {
            let turn = |x: i32, y: i32| {
                (
                    (x * cos - y * sin + 512).div_euclid(1024),
                    (x * sin + y * cos + 512).div_euclid(1024),
                )
            };
            let pair = |[ax, ay, bx, by]: &[i32; 4]| {
                let ((ax, ay), (bx, by)) = (turn(*ax, *ay), turn(*bx, *by));
                [ax, ay, bx, by]
            };
            plain.iter().map(pair).collect()
        };
        Tables {
            pairs: directions.iter().map(turned).collect(),
            directions,
        }
    }

    /// The direction nearest to that from the corner to its surroundings' centre of brightness.
    fn direction(&self, picture: &Grey, x: i32, y: i32) -> u8 {
        let (mut across, mut down) = (0i64, 0i64);
        for dy in -RADIUS..=RADIUS {
            for dx in -RADIUS..=RADIUS {
                if dx * dx + dy * dy <= RADIUS * RADIUS {
                    let value = picture.inside(x + dx, y + dy);
                    across += i64::from(dx * value);
                    down += i64::from(dy * value);
                }
            }
        }
        let along = |(cos, sin): &(i32, i32)| across * i64::from(*cos) + down * i64::from(*sin);
        let best = (0u8..)
            .zip(&self.directions)
            .max_by_key(|(k, direction)| (along(direction), std::cmp::Reverse(*k)));
        best.map_or(0, |(k, _)| k)
    }

    /// BRIEF: for each pair, whether the first place is darker.
    fn bits(&self, picture: &Grey, x: i32, y: i32, direction: u8) -> [u64; 4] {
        let mut bits = [0u64; 4];
        let pairs = self.pairs.get(usize::from(direction));
        for (word, pairs) in bits
            .iter_mut()
            .zip(pairs.into_iter().flat_map(|pairs| pairs.chunks(64)))
        {
            for [ax, ay, bx, by] in pairs {
                let darker = picture.inside(x + ax, y + ay) < picture.inside(x + bx, y + by);
                *word = *word << 1 | u64::from(darker);
            }
        }
        bits
    }
}

fn cosine(k: usize) -> i32 {
    let k = k % DIRECTIONS;
    let k = if k > 16 { 32 - k } else { k };
    match k {
        0..=8 => QUARTER.get(k).copied().unwrap_or_default(),
        _ => -QUARTER.get(16 - k).copied().unwrap_or_default(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
