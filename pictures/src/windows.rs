//! Parts of a picture that stand apart from the rest, as a product's picture does on the page of a listing. A page's
//! corners are mostly those of its text; in a window of its own a picture has as many as one that was published.
//!
//! A part is cut in two where the widest gap runs through it, from side to side, and each half again. Every part
//! that this makes is a window, if it isn't small; those with most in them are looked at.
//!
//! Consensus-critical: no

use crate::features::{FRAME, Features, features};
use crate::grey::Grey;
use crate::pixels::Pixels;
use crate::trim::Rectangle;

/// Windows of a picture, at most.
pub const MAX_WINDOWS: usize = 3;
/// A line is empty whose brightest pixel is no more than this above its darkest.
const TOLERANCE: i32 = 24;
/// Empty lines side by side that make a gap, at least: pixels of the frame.
const MIN_GAP: u32 = 5;
/// Pixels of the frame that each side of a window has, at least.
const MIN_SIDE: u32 = 40;
/// A part that takes more of ten parts of the frame is the picture itself.
const MAX_TENTHS: u64 = 7;

/// The windows of a picture, in its own pixels; those with most in them first.
pub fn windows(pixels: &Pixels<'_>) -> Vec<Rectangle> {
    let frame = Grey::framed(pixels, FRAME);
    let whole = Rectangle {
        left: 0,
        top: 0,
        right: frame.width(),
        bottom: frame.height(),
    };
    let most = area(whole) * MAX_TENTHS / 10;
    let mut found: Vec<(u64, Rectangle)> = Vec::new();
    let mut waiting = vec![whole];
    while let Some(part) = waiting.pop() {
        let Some(content) = Content::of(&frame, part) else {
            continue;
        };
        waiting.extend(content.halves().into_iter().flatten());
        if area(content.part) <= most {
            found.push((content.weight(), content.part));
        }
    }
    found.sort_by_key(|(weight, part)| (std::cmp::Reverse(*weight), part.top, part.left));
    found.truncate(MAX_WINDOWS);
    let in_pixels = |part: Rectangle| {
        let scaled = |at: u32, from: u32, to: u32| u64::from(at) * u64::from(to) / u64::from(from);
        let first = |at, from, to| u32::try_from(scaled(at, from, to)).unwrap_or(to);
        let behind = |at, from, to: u32| first(at, from, to).saturating_add(1).min(to);
        Rectangle {
            left: first(part.left, frame.width(), pixels.width()),
            top: first(part.top, frame.height(), pixels.height()),
            right: behind(part.right, frame.width(), pixels.width()),
            bottom: behind(part.bottom, frame.height(), pixels.height()),
        }
    };
    found.into_iter().map(|(_, part)| in_pixels(part)).collect()
}

/// The `most` clearest corners of a part of a picture, with places in the part's own frame.
pub fn features_within(pixels: &Pixels<'_>, part: Rectangle, most: usize) -> Features {
    let rows = part.top..part.bottom.min(pixels.height());
    let right = part.right.min(pixels.width());
    let rows = rows.flat_map(|y| pixels.row(y, part.left.min(right), right));
    let rgb: Vec<u8> = rows.copied().collect();
    let part = Pixels::new(part.width(), part.height(), &rgb);
    part.map(|part| features(&part, most)).unwrap_or_default()
}

fn area(part: Rectangle) -> u64 {
    u64::from(part.width()) * u64::from(part.height())
}

/// A part without empty lines at its sides.
struct Content {
    part: Rectangle,
    /// Of each of its rows and columns, whether it is empty.
    rows: Vec<bool>,
    columns: Vec<bool>,
}

impl Content {
    /// `None` where less remains than a window has.
    fn of(frame: &Grey, mut part: Rectangle) -> Option<Content> {
        while part.width() >= MIN_SIDE && part.height() >= MIN_SIDE {
            let (rows, columns) = empty_lines(frame, part);
            let (top, bottom) = sides(&rows)?;
            let (left, right) = sides(&columns)?;
            let inner = Rectangle {
                left: part.left + left,
                top: part.top + top,
                right: part.left + right,
                bottom: part.top + bottom,
            };
            if inner == part {
                return Some(Content {
                    part,
                    rows,
                    columns,
                });
            }
            part = inner;
        }
        None
    }

    /// What is on both sides of its widest gap.
    fn halves(&self) -> Option<[Rectangle; 2]> {
        let part = self.part;
        let (across, down) = (widest_gap(&self.rows), widest_gap(&self.columns));
        let length = |gap: &Option<(u32, u32)>| gap.map_or(0, |(from, to)| to - from);
        if length(&across).max(length(&down)) < MIN_GAP {
            return None;
        }
        if length(&across) >= length(&down) {
            let (from, to) = across?;
            let (bottom, top) = (part.top + from, part.top + to);
            return Some([Rectangle { bottom, ..part }, Rectangle { top, ..part }]);
        }
        let (from, to) = down?;
        let (right, left) = (part.left + from, part.left + to);
        Some([Rectangle { right, ..part }, Rectangle { left, ..part }])
    }

    /// Its area, less where many rows are empty, as they are between lines of text.
    fn weight(&self) -> u64 {
        let filled = self.rows.iter().filter(|is_empty| !**is_empty).count() as u64;
        let height = u64::from(self.part.height()).max(1);
        u64::from(self.part.width()) * filled * filled / height
    }
}

/// Of each row and each column of a part, whether it is empty.
fn empty_lines(frame: &Grey, part: Rectangle) -> (Vec<bool>, Vec<bool>) {
    let begun = (i32::MAX, i32::MIN);
    let with =
        |(darkest, brightest): (i32, i32), value: i32| (darkest.min(value), brightest.max(value));
    let mut columns = vec![begun; part.width() as usize];
    let mut rows = Vec::with_capacity(part.height() as usize);
    for y in part.top..part.bottom {
        let mut row = begun;
        for (x, column) in (part.left..part.right).zip(&mut columns) {
            let value = frame.inside(x.cast_signed(), y.cast_signed());
            row = with(row, value);
            *column = with(*column, value);
        }
        rows.push(row);
    }
    let is_empty = |(darkest, brightest): (i32, i32)| brightest - darkest <= TOLERANCE;
    let all = |lines: Vec<(i32, i32)>| lines.into_iter().map(is_empty).collect();
    (all(rows), all(columns))
}

/// The first line that isn't empty, and the one behind the last.
fn sides(lines: &[bool]) -> Option<(u32, u32)> {
    let first = lines.iter().position(|is_empty| !is_empty)?;
    let last = lines.iter().rposition(|is_empty| !is_empty)?;
    Some((u32::try_from(first).ok()?, u32::try_from(last + 1).ok()?))
}

/// The longest run of empty lines: its first line, and the one behind it.
fn widest_gap(lines: &[bool]) -> Option<(u32, u32)> {
    let (mut widest, mut from) = (None, None);
    for (at, is_empty) in (0u32..).zip(lines) {
        from = is_empty.then(|| from.unwrap_or(at));
        let Some(from) = from else { continue };
        if widest.is_none_or(|(first, behind)| at + 1 - from > behind - first) {
            widest = Some((from, at + 1));
        }
    }
    widest
}

#[cfg(test)]
mod tests;
