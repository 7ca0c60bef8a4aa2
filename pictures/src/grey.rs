//! Pictures in grey, resized and smoothed in integers.
//!
//! Consensus-critical: no

use crate::pixels::Pixels;

/// A picture in grey, row by row: 0 is black, 255 white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grey {
    width: u32,
    height: u32,
    values: Vec<u8>,
}

impl Grey {
    /// A picture whose longer side is brought to `side` pixels. A small one is enlarged four times at most.
    pub(crate) fn framed(pixels: &Pixels<'_>, side: u32) -> Grey {
        let (width, height) = (pixels.width(), pixels.height());
        let longer = width.max(height);
        let side = side.min(longer * 4);
        let scaled = |own: u32| {
            let own = u64::from(own) * u64::from(side) / u64::from(longer);
            u32::try_from(own).unwrap_or(side).max(1)
        };
        let values = (0..height)
            .flat_map(|y| pixels.row(y, 0, width).chunks_exact(3))
            .map(luma)
            .collect();
        let whole = Grey {
            width,
            height,
            values,
        };
        whole.resized(scaled(width), scaled(height))
    }

    pub(crate) fn width(&self) -> u32 {
        self.width
    }

    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    /// Width and height.
    pub(crate) fn sides(&self) -> (i32, i32) {
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        (side(self.width), side(self.height))
    }

    /// The value at a place that is inside; 0 elsewhere.
    pub(crate) fn inside(&self, x: i32, y: i32) -> i32 {
        let index = (y as usize)
            .wrapping_mul(self.width as usize)
            .wrapping_add(x as usize);
        self.values.get(index).copied().map_or(0, i32::from)
    }

    pub(crate) fn mirrored(&self) -> Grey {
        let rows = self.values.chunks(self.width.max(1) as usize);
        Grey {
            values: rows.flat_map(|row| row.iter().rev().copied()).collect(),
            ..*self
        }
    }

    /// Another size: means of what lies under each pixel, or values between the nearest where it is enlarged.
    pub(crate) fn resized(&self, width: u32, height: u32) -> Grey {
        let across = weights(self.width, width);
        let down = weights(self.height, height);
        let mut half: Vec<u32> = Vec::new();
        for row in self.values.chunks(self.width.max(1) as usize) {
            for (first, shares) in &across {
                let under = row.get(*first..).unwrap_or_default();
                let sum: u64 = under
                    .iter()
                    .zip(shares)
                    .map(|(value, share)| u64::from(*value) * share)
                    .sum();
                let total: u64 = shares.iter().sum::<u64>().max(1);
                // With eight bits behind the point.
                half.push(u32::try_from(sum * 256 / total).unwrap_or_default());
            }
        }
        let columns = width as usize;
        let mut values = Vec::with_capacity(columns * height as usize);
        for (first, shares) in &down {
            let total: u64 = shares.iter().sum::<u64>().max(1);
            let mut sums = vec![0u64; columns];
            for (row, share) in half.chunks(columns.max(1)).skip(*first).zip(shares) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += u64::from(*value) * share;
                }
            }
            values.extend(
                sums.iter()
                    .map(|sum| u8::try_from((sum / total + 128) / 256).unwrap_or(255)),
            );
        }
        Grey {
            width,
            height,
            values,
        }
    }

    /// Means over 5 x 5 pixels; outside, the nearest pixel's value counts.
    pub(crate) fn smoothed(&self) -> Grey {
        let mut sums: Vec<Vec<u16>> = Vec::new();
        let mut padded: Vec<u16> = Vec::new();
        for row in self.values.chunks(self.width.max(1) as usize) {
            let end = |value: Option<&u8>| [value.copied().map_or(0, u16::from); 2];
            padded.clear();
            padded.extend(end(row.first()));
            padded.extend(row.iter().copied().map(u16::from));
            padded.extend(end(row.last()));
            sums.push(padded.windows(5).map(|five| sum(five.iter())).collect());
        }
        let row = |y: usize| sums.get(y.min(sums.len().saturating_sub(1)));
        let mut values = Vec::with_capacity(self.values.len());
        let mut columns: Vec<u16> = Vec::new();
        for y in 0..sums.len() {
            columns.clear();
            columns.resize(self.width as usize, 0);
            for other in [y.saturating_sub(2), y.saturating_sub(1), y, y + 1, y + 2] {
                for (column, value) in columns.iter_mut().zip(row(other).into_iter().flatten()) {
                    *column = column.wrapping_add(*value);
                }
            }
            let mean = |sum: &u16| u8::try_from(sum / 25).unwrap_or(255);
            values.extend(columns.iter().map(mean));
        }
        Grey { values, ..*self }
    }
}

/// Of at most 25 values up to 255: it fits.
fn sum<'a>(values: impl Iterator<Item = &'a u16>) -> u16 {
    values.fold(0, |sum, value| sum.wrapping_add(*value))
}

/// For each new pixel the first old one under it, and how much of each lies under it.
fn weights(from: u32, to: u32) -> Vec<(usize, Vec<u64>)> {
    let (from, to) = (u64::from(from), u64::from(to));
    let index = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    if to <= from {
        return (0..to)
            .map(|new| {
                let (start, end) = (new * from, (new + 1) * from);
                let (first, last) = (start / to, (end - 1) / to);
                let share = |old: u64| end.min((old + 1) * to) - start.max(old * to);
                (index(first), (first..=last).map(share).collect())
            })
            .collect();
    }
    (0..to)
        .map(|new| {
            // The centre of the new pixel, in units of 1 / (2 to) of an old one, from the first centre.
            let centre = ((2 * new + 1) * from)
                .saturating_sub(to)
                .min((from - 1) * 2 * to);
            let (first, rest) = (centre / (2 * to), centre % (2 * to));
            (index(first), vec![2 * to - rest, rest])
        })
        .collect()
}

fn luma(pixel: &[u8]) -> u8 {
    let parts = pixel.iter().zip([299u32, 587, 114]);
    let sum: u32 = parts
        .map(|(channel, weight)| u32::from(*channel) * weight)
        .sum();
    u8::try_from((sum + 500) / 1000).unwrap_or(255)
}

#[cfg(test)]
mod tests;
