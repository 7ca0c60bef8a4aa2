//! How one picture lies on another: moved, turned by any angle, scaled.
//!
//! Consensus-critical: no

use crate::features::{DIRECTIONS, Feature, LEVELS};

/// How far from where it should be a feature may lie: pixels of the frame.
const TOLERANCE: f64 = 6.0;
/// Directions by which a feature may be turned otherwise than the picture: of 32.
const TURN_TOLERANCE: i32 = 3;
/// Sizes by which a feature may be scaled otherwise than the picture.
const SIZE_TOLERANCE: i32 = 2;

/// A match, as a movement is held against it.
pub(super) struct PlacedMatch {
    ours: (f64, f64),
    theirs: (f64, f64),
    /// By how much the feature is turned: 0 to 31.
    turned: i32,
    /// How many sizes larger theirs is.
    grown: i32,
}

/// `z -> turn * z + shift`, in complex numbers, and what it does to features.
pub(super) struct Movement {
    turn: (f64, f64),
    shift: (f64, f64),
    /// The square of the tolerance.
    limit: f64,
    turned: i32,
    grown: i32,
}

impl PlacedMatch {
    pub(super) fn of(ours: &Feature, theirs: &Feature) -> PlacedMatch {
        let place = |f: &Feature| (f64::from(f.x) / 16.0, f64::from(f.y) / 16.0);
        PlacedMatch {
            ours: place(ours),
            theirs: place(theirs),
            turned: around(i32::from(theirs.direction) - i32::from(ours.direction)),
            grown: i32::from(theirs.level) - i32::from(ours.level),
        }
    }
}

impl Movement {
    /// The movement that brings two of our features onto theirs, if the features themselves are turned and scaled so;
    /// `circle` holds [`directions`](crate::features::directions).
    pub(super) fn of(
        one: &PlacedMatch,
        other: &PlacedMatch,
        circle: &[(i32, i32)],
    ) -> Option<Movement> {
        if apart(one.turned, other.turned) >= TURN_TOLERANCE {
            return None;
        }
        let ((ax, ay), (bx, by)) = (one.ours, other.ours);
        let ((cx, cy), (dx, dy)) = (one.theirs, other.theirs);
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
        let movement = Movement {
            turn,
            shift: (
                cx - (turn.0 * ax - turn.1 * ay),
                cy - (turn.1 * ax + turn.0 * ay),
            ),
            // A small picture's features are as exact as the picture is large.
            limit: TOLERANCE * TOLERANCE * scale.clamp(0.1, 1.0),
            turned: direction(turn, circle),
            grown: sizes(scale),
        };
        (movement.agrees(one) && movement.agrees(other)).then_some(movement)
    }

    /// Whether it brings a match's features near enough, turned and scaled as they are.
    pub(super) fn agrees(&self, fit: &PlacedMatch) -> bool {
        let Movement { turn, shift, .. } = self;
        let ((x, y), (tx, ty)) = (fit.ours, fit.theirs);
        let dx = turn.0 * x - turn.1 * y + shift.0 - tx;
        let dy = turn.1 * x + turn.0 * y + shift.1 - ty;
        dx * dx + dy * dy <= self.limit
            && apart(self.turned, fit.turned) <= TURN_TOLERANCE
            && (self.grown - fit.grown).abs() <= SIZE_TOLERANCE
    }
}

fn around(direction: i32) -> i32 {
    direction.rem_euclid(DIRECTIONS as i32)
}

/// The lesser way around the circle.
fn apart(one: i32, other: i32) -> i32 {
    let apart = around(one - other);
    apart.min(DIRECTIONS as i32 - apart)
}

/// The direction nearest to a turn.
fn direction(turn: (f64, f64), circle: &[(i32, i32)]) -> i32 {
    let along = |(cos, sin): &(i32, i32)| turn.0 * f64::from(*cos) + turn.1 * f64::from(*sin);
    let mut best = (0, f64::MIN);
    for (k, direction) in (0..).zip(circle) {
        let along = along(direction);
        if along > best.1 {
            best = (k, along);
        }
    }
    best.0
}

/// How often 6/5 makes a scale, given as its square; to the nearest.
fn sizes(square: f64) -> i32 {
    let step = 36.0 / 25.0;
    let (mut sizes, mut rest) = (0, square);
    while rest > 1.2 && sizes < 2 * LEVELS as i32 {
        rest /= step;
        sizes += 1;
    }
    while rest < 1.0 / 1.2 && sizes > -2 * LEVELS as i32 {
        rest *= step;
        sizes -= 1;
    }
    sizes
}
