//! From pixels to 16 x 16 coefficients of a discrete cosine transform, in integers.
//!
//! Consensus-critical: no

use crate::pixels::Pixels;
use crate::trim::Rectangle;

/// Cells of a side that a picture is reduced to.
pub(crate) const CELLS: usize = 64;
/// Frequencies of each direction that are kept: 1 to 16, the constant one left out.
pub(crate) const FREQUENCIES: usize = 16;

/// Mean luma of each cell, row by row: thousandths, from 0 to 255,000.
pub(crate) type Cells = [[i64; CELLS]; CELLS];
/// Coefficients: the row is the vertical frequency, from 1.
pub(crate) type Coefficients = [[i64; FREQUENCIES]; FREQUENCIES];

/// `round(16384 * cos(pi * m / 128))` for m from 0 to 64, as the specification lists them.
#[rustfmt::skip]
pub(crate) const COSINES: [i64; 65] = [
    16384, 16379, 16364, 16340, 16305, 16261, 16207, 16143, 16069, 15986, 15893, 15791, 15679,
    15557, 15426, 15286, 15137, 14978, 14811, 14635, 14449, 14256, 14053, 13842, 13623, 13395,
    13160, 12916, 12665, 12406, 12140, 11866, 11585, 11297, 11003, 10702, 10394, 10080, 9760,
    9434, 9102, 8765, 8423, 8076, 7723, 7366, 7005, 6639, 6270, 5897, 5520, 5139,
    4756, 4370, 3981, 3590, 3196, 2801, 2404, 2006, 1606, 1205, 804, 402, 0,
];

/// `16384 * cos(pi * m / 128)` for any m, by the table.
fn cosine(m: usize) -> i64 {
    let m = m % 256;
    let m = if m > 128 { 256 - m } else { m };
    let (index, sign) = if m > 64 { (128 - m, -1) } else { (m, 1) };
    sign * COSINES.get(index).copied().unwrap_or_default()
}

/// The cells that pixel `position` of `length` overlaps, and by how much: units of 1/64 pixel.
fn overlaps(position: u64, length: u64) -> impl Iterator<Item = (usize, u64)> {
    let cells = CELLS as u64;
    let (start, end) = (position * cells, (position + 1) * cells);
    let (first, last) = (start / length, (end - 1) / length);
    (first..=last).map(move |cell| {
        let from = start.max(cell * length);
        let to = end.min((cell + 1) * length);
        (usize::try_from(cell).unwrap_or(usize::MAX), to - from)
    })
}

/// Reduces a part of a picture to 64 x 64 cells by a box filter: a cell's value is the mean of the pixels under
/// it, each weighed by the exact area that it shares with the cell; the quotient is rounded down.
pub(crate) fn reduce(pixels: &Pixels<'_>, part: Rectangle) -> Cells {
    let (width, height) = (u64::from(part.width()), u64::from(part.height()));
    let columns: Vec<Vec<(usize, u64)>> =
        (0..width).map(|x| overlaps(x, width).collect()).collect();
    let mut sums = [[0u64; CELLS]; CELLS];
    for (row, y) in (0u64..).zip(part.top..part.bottom) {
        let mut line = [0u64; CELLS];
        let bytes = pixels.row(y, part.left, part.right);
        for (pixel, cells) in bytes.chunks_exact(3).zip(&columns) {
            let luma = luma(pixel);
            for (cell, weight) in cells {
                if let Some(sum) = line.get_mut(*cell) {
                    *sum += luma * weight;
                }
            }
        }
        for (cell, weight) in overlaps(row, height) {
            for (sum, value) in sums.get_mut(cell).into_iter().flatten().zip(&line) {
                *sum += value * weight;
            }
        }
    }
    let area = width * height;
    sums.map(|row| row.map(|sum| i64::try_from(sum / area).unwrap_or(i64::MAX)))
}

/// Thousandths of the luma of ITU-R BT.601.
fn luma(pixel: &[u8]) -> u64 {
    let weights = [299u64, 587, 114];
    let parts = pixel.iter().zip(weights);
    parts
        .map(|(channel, weight)| u64::from(*channel) * weight)
        .sum()
}

/// `C[u][v] = sum over y, x of cos(u, y) * cos(v, x) * cells[y][x]`, u and v from 1 to 16.
pub(crate) fn transform(cells: &Cells) -> Coefficients {
    // First along rows: half[y][v]; below 2^14 * 64 * 2^18 = 2^38.
    let mut half = [[0i64; FREQUENCIES]; CELLS];
    for (row, out) in cells.iter().zip(&mut half) {
        *out = along(row.iter().copied());
    }
    // Then along columns; below 2^38 * 64 * 2^14 = 2^58.
    let mut coefficients = [[0i64; FREQUENCIES]; FREQUENCIES];
    for v in 0..FREQUENCIES {
        let column = half
            .iter()
            .map(|row| row.get(v).copied().unwrap_or_default());
        for (row, value) in coefficients.iter_mut().zip(along(column)) {
            if let Some(place) = row.get_mut(v) {
                *place = value;
            }
        }
    }
    coefficients
}

/// The frequencies 1 to 16 of 64 values.
fn along(values: impl Iterator<Item = i64>) -> [i64; FREQUENCIES] {
    let mut out = [0i64; FREQUENCIES];
    for (n, value) in values.enumerate() {
        for (k, sum) in (1..).zip(&mut out) {
            *sum += cosine(k * (2 * n + 1)) * value;
        }
    }
    out
}

/// How much there is to see, from 0 to 100: the sum of differences between neighbouring cells.
pub(crate) fn quality(cells: &Cells) -> u8 {
    let mut sum = 0u64;
    for row in cells {
        for (left, right) in row.iter().zip(row.iter().skip(1)) {
            sum += left.abs_diff(*right);
        }
    }
    for (upper, lower) in cells.iter().zip(cells.iter().skip(1)) {
        for (a, b) in upper.iter().zip(lower) {
            sum += a.abs_diff(*b);
        }
    }
    // Thousandths of luma, 8,064 pairs: a mean difference of 10 is full quality.
    u8::try_from((sum / 806_400).min(100)).unwrap_or(100)
}
