//! What remains of a picture without its border.
//!
//! Consensus-critical: no

use crate::pixels::Pixels;

/// A line's pixel deviates if a channel is further than this from the line's mean.
const TOLERANCE: u32 = 24;
/// One deviating pixel in so many is let pass.
const OUTLIERS: u64 = 64;
/// Rounds at most: a frame, a margin in it, and what these hid.
const ROUNDS: u32 = 8;
/// A side that keeps fewer pixels isn't trimmed at all.
const LEAST_SIDE: u32 = 16;

/// A part of a picture: columns from `left` up to `right`, rows from `top` up to `bottom`, both exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangle {
    /// The first column.
    pub left: u32,
    /// The first row.
    pub top: u32,
    /// Behind the last column.
    pub right: u32,
    /// Behind the last row.
    pub bottom: u32,
}

impl Rectangle {
    /// The whole picture.
    pub(crate) fn whole(pixels: &Pixels<'_>) -> Rectangle {
        Rectangle {
            left: 0,
            top: 0,
            right: pixels.width(),
            bottom: pixels.height(),
        }
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.right - self.left
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.bottom - self.top
    }
}

/// The picture without uniform lines at its sides; the whole picture, where too little would remain.
pub fn trimmed(pixels: &Pixels<'_>) -> Rectangle {
    let whole = Rectangle::whole(pixels);
    let mut inner = whole;
    for _ in 0..ROUNDS {
        let Some(next) = round(pixels, inner) else {
            return whole;
        };
        if next == inner {
            break;
        }
        inner = next;
    }
    match inner.width() >= LEAST_SIDE && inner.height() >= LEAST_SIDE {
        true => inner,
        false => whole,
    }
}

/// Rows and columns are looked at in the same rectangle, so that a turned picture is trimmed alike.
/// `None`: nothing but uniform lines.
fn round(pixels: &Pixels<'_>, inner: Rectangle) -> Option<Rectangle> {
    let mut rows = inner.top..inner.bottom;
    let mut columns = inner.left..inner.right;
    let content = |y: &u32| !is_uniform_row(pixels, inner, *y);
    let top = rows.find(content)?;
    let bottom = rows.rfind(content).unwrap_or(top) + 1;
    let content = |x: &u32| !is_uniform_column(pixels, inner, *x);
    let left = columns.find(content)?;
    let right = columns.rfind(content).unwrap_or(left) + 1;
    Some(Rectangle {
        left,
        top,
        right,
        bottom,
    })
}

fn is_uniform_row(pixels: &Pixels<'_>, inner: Rectangle, y: u32) -> bool {
    let row = pixels.row(y, inner.left, inner.right);
    is_uniform(row.chunks_exact(3), u64::from(inner.width()))
}

fn is_uniform_column(pixels: &Pixels<'_>, inner: Rectangle, x: u32) -> bool {
    let column = (inner.top..inner.bottom).map(|y| pixels.row(y, x, x + 1));
    is_uniform(column, u64::from(inner.height()))
}

/// Whether all but few of a line's pixels lie near their mean.
fn is_uniform<'a>(line: impl Iterator<Item = &'a [u8]> + Clone, count: u64) -> bool {
    let mut sums = [0u64; 3];
    for pixel in line.clone() {
        for (sum, channel) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*channel);
        }
    }
    let means = sums.map(|sum| u32::try_from(sum / count.max(1)).unwrap_or(u32::MAX));
    let mut deviating = 0u64;
    for pixel in line {
        let near = means
            .iter()
            .zip(pixel)
            .all(|(mean, channel)| mean.abs_diff(u32::from(*channel)) <= TOLERANCE);
        deviating += u64::from(!near);
        if deviating * OUTLIERS > count {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests;
