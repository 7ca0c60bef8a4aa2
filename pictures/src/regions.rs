//! Which region of one picture is which region of another: features that match, and that lie in both pictures alike.
//!
//! It explains itself: the regions can be drawn on both pictures. Nothing is drawn by lot. Each pair of matches says
//! how one picture would be moved, turned and scaled onto the other; the movement that most matches agree with counts.
//!
//! Consensus-critical: no

use crate::features::{DIRECTIONS, Feature, Features};
use crate::trim::Rectangle;

/// Bits of 256 that may differ between two features of one thing.
const MAX_BITS: u32 = 72;
/// The next best match must be so much worse: its bits times 9 are more than the best one's times 10.
const RATIO: (u32, u32) = (10, 9);
/// Matches that are looked at, the best first.
const MAX_MATCHES: usize = 160;
/// How far from where it should be a feature may lie: pixels of the frame.
const TOLERANCE: f64 = 6.0;
/// Agreeing matches that make a region, at least; those that lie within a few pixels count once.
pub const MIN_AGREEING: u32 = 18;

/// Two pictures' common region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Matches that agree.
    pub agreeing: u32,
    /// Whether the first picture was mirrored for it.
    pub is_mirrored: bool,
    /// Where it is in the first picture (in its mirrored frame, if mirrored): pixels of its frame.
    pub ours: Rectangle,
    /// Where it is in the second one's frame.
    pub theirs: Rectangle,
}

struct Match<'a> {
    ours: &'a Feature,
    theirs: &'a Feature,
    bits: u32,
}

/// How one picture lies on the other: `z -> turn * z + shift`, in complex numbers.
#[derive(Clone, Copy)]
struct Movement {
    turn: (f64, f64),
    shift: (f64, f64),
}

/// The common region that most features agree on; `None` where too few do.
pub fn common_region(ours: &Features, mirrored: &Features, theirs: &Features) -> Option<Region> {
    let plain = region(ours, theirs, false);
    let turned = region(mirrored, theirs, true);
    let count = |region: &Option<Region>| region.map_or(0, |r| r.agreeing);
    let best = if count(&turned) > count(&plain) {
        turned
    } else {
        plain
    };
    best.filter(|region| region.agreeing >= MIN_AGREEING)
}

fn region(ours: &Features, theirs: &Features, is_mirrored: bool) -> Option<Region> {
    let matches = matches(ours, theirs);
    let mut best: Option<(u32, Movement)> = None;
    for (at, one) in matches.iter().enumerate() {
        for other in matches.iter().skip(at + 1) {
            let Some(movement) = movement(one, other) else {
                continue;
            };
            let count = matches.iter().filter(|m| agrees(m, &movement)).count();
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            if best.is_none_or(|(most, _)| count > most) {
                best = Some((count, movement));
            }
        }
    }
    let (_, movement) = best?;
    let inside: Vec<&Match<'_>> = matches.iter().filter(|m| agrees(m, &movement)).collect();
    let theirs_of: Vec<&Feature> = inside.iter().map(|m| m.theirs).collect();
    let ours_of: Vec<&Feature> = inside.iter().map(|m| m.ours).collect();
    let distinct = distinct(&ours_of).min(distinct(&theirs_of));
    Some(Region {
        agreeing: distinct,
        is_mirrored,
        ours: around(&ours_of),
        theirs: around(&theirs_of),
    })
}

/// Features that are each other's best, by far.
fn matches<'a>(ours: &'a Features, theirs: &'a Features) -> Vec<Match<'a>> {
    let mut found: Vec<Match<'a>> = Vec::new();
    for feature in &ours.list {
        let (mut best, mut second) = (u32::MAX, u32::MAX);
        let mut nearest = None;
        for other in &theirs.list {
            let bits = distance(feature, other);
            if bits < best {
                // One corner at two sizes is one thing.
                let same = nearest.is_some_and(|n: &Feature| is_near(n, other));
                second = if same { second } else { best };
                best = bits;
                nearest = Some(other);
            } else if bits < second && !nearest.is_some_and(|n| is_near(n, other)) {
                second = bits;
            }
        }
        let (times, than) = RATIO;
        let Some(nearest) = nearest.filter(|_| {
            best <= MAX_BITS && best.saturating_mul(times) < second.saturating_mul(than)
        }) else {
            continue;
        };
        found.push(Match {
            ours: feature,
            theirs: nearest,
            bits: best,
        });
    }
    found.sort_by_key(|m| (m.bits, m.ours.y, m.ours.x));
    found.truncate(MAX_MATCHES);
    found
}

fn distance(one: &Feature, other: &Feature) -> u32 {
    let words = one.bits.iter().zip(&other.bits);
    words.map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn is_near(one: &Feature, other: &Feature) -> bool {
    (one.x - other.x).abs() + (one.y - other.y).abs() < 16 * 8
}

fn place(feature: &Feature) -> (f64, f64) {
    (f64::from(feature.x) / 16.0, f64::from(feature.y) / 16.0)
}

/// The movement that brings two of our features onto theirs, if the features themselves are turned and scaled so.
fn movement(one: &Match<'_>, other: &Match<'_>) -> Option<Movement> {
    let turned = |m: &Match<'_>| {
        (i32::from(m.theirs.direction) - i32::from(m.ours.direction)).rem_euclid(DIRECTIONS as i32)
    };
    let apart = (turned(one) - turned(other)).rem_euclid(DIRECTIONS as i32);
    if (3..=DIRECTIONS as i32 - 3).contains(&apart) {
        return None;
    }
    let ((ax, ay), (bx, by)) = (place(one.ours), place(other.ours));
    let ((cx, cy), (dx, dy)) = (place(one.theirs), place(other.theirs));
    let (px, py, qx, qy) = (bx - ax, by - ay, dx - cx, dy - cy);
    let (length, theirs) = (px * px + py * py, qx * qx + qy * qy);
    // Too near to each other to say anything.
    if length < 400.0 || theirs < 100.0 {
        return None;
    }
    let turn = ((qx * px + qy * py) / length, (qy * px - qx * py) / length);
    let scale = theirs / length;
    // 1/8 to 8.
    if !(1.0 / 64.0..=64.0).contains(&scale) {
        return None;
    }
    let shift = (
        cx - (turn.0 * ax - turn.1 * ay),
        cy - (turn.1 * ax + turn.0 * ay),
    );
    Some(Movement { turn, shift })
}

/// Whether a movement brings a match's features near enough.
fn agrees(m: &Match<'_>, movement: &Movement) -> bool {
    let Movement { turn, shift } = movement;
    let scale = turn.0 * turn.0 + turn.1 * turn.1;
    // A small picture's features are as exact as the picture is large.
    let limit = TOLERANCE * TOLERANCE * scale.clamp(0.1, 1.0);
    let ((x, y), (tx, ty)) = (place(m.ours), place(m.theirs));
    let dx = turn.0 * x - turn.1 * y + shift.0 - tx;
    let dy = turn.1 * x + turn.0 * y + shift.1 - ty;
    dx * dx + dy * dy <= limit
}

/// How many cells of 6 x 6 pixels hold features.
fn distinct(features: &[&Feature]) -> u32 {
    let cells: std::collections::BTreeSet<(i32, i32)> = features
        .iter()
        .map(|feature| (feature.x / 96, feature.y / 96))
        .collect();
    u32::try_from(cells.len()).unwrap_or(u32::MAX)
}

fn around(features: &[&Feature]) -> Rectangle {
    let pixel = |value: i32| u32::try_from(value / 16).unwrap_or_default();
    let least = |of: fn(&Feature) -> i32| features.iter().map(|f| of(f)).min().unwrap_or_default();
    let most = |of: fn(&Feature) -> i32| features.iter().map(|f| of(f)).max().unwrap_or_default();
    Rectangle {
        left: pixel(least(|f| f.x)),
        top: pixel(least(|f| f.y)),
        right: pixel(most(|f| f.x)) + 1,
        bottom: pixel(most(|f| f.y)) + 1,
    }
}

#[cfg(test)]
mod tests;
