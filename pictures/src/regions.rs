//! Which region of one picture is which region of another: features that match, and that lie in both pictures alike.
//!
//! It explains itself: the regions can be drawn on both pictures. Nothing is drawn by lot. Each pair of matches says
//! how one picture would be moved, turned and scaled onto the other; the movement that most matches agree with counts.
//! Features are integers. The movement is computed in doubles, with nothing but the four operations that IEEE 754
//! rounds alike on every machine.
//!
//! Consensus-critical: no

mod movement;

use self::movement::{Movement, PlacedMatch};
use crate::features::{Feature, Features, directions, features, fine_features, mirrored_features};
use crate::pixels::Pixels;
use crate::trim::Rectangle;
use crate::windows::{features_within, windows};

/// Bits of 256 that may differ between two features of one thing.
const MAX_BITS: u32 = 72;
/// The next best match must be so much worse: its bits times 9 are more than the best one's times 10.
const RATIO: (u32, u32) = (10, 9);
/// Bits of the last rival: the worst match is clear of a feature that differs in more, so these are left out.
const MAX_RIVAL_BITS: u32 = MAX_BITS * RATIO.0 / RATIO.1;
/// Matches that are looked at, the best first.
const MAX_MATCHES: usize = 160;
/// Agreeing matches that make a region, at least; those that lie within a few pixels count once.
pub const MIN_AGREEING: u32 = 18;
/// The same for a region that is less than this part of both pictures, as a letter or a star is alike in many, and for
/// one that was seen in a window.
pub const MIN_AGREEING_SMALL: u32 = 24;
const LARGE_PART: u64 = 8;
/// Features of a picture that is looked for, in its frame; twice as many in the finer one.
pub const QUERY_FEATURES: usize = 500;

/// How a picture that is looked for was seen when a region of it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionView {
    /// As it is.
    Plain,
    /// Mirrored left to right; places count in the mirrored frame.
    Mirrored,
    /// In the finer frame.
    Fine,
    /// The part of it that this one of its [`windows`] shows, in the part's own frame.
    Window(usize),
}

/// A picture that is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegionQuery {
    /// Features of the picture as it is.
    pub plain: Features,
    /// Those of the mirrored picture.
    pub mirrored: Features,
    /// Those of the finer frame, for what is small in a large picture, as in a screenshot of a listing.
    pub fine: Features,
    /// Those of each of its [`windows`], in the window's frame.
    pub windows: Vec<Features>,
}

impl RegionQuery {
    /// Of a picture.
    pub fn of(pixels: &Pixels<'_>) -> RegionQuery {
        RegionQuery::with_windows(pixels, &windows(pixels))
    }

    /// The same where its [`windows`] are known.
    pub fn with_windows(pixels: &Pixels<'_>, windows: &[Rectangle]) -> RegionQuery {
        let windows = windows.iter();
        RegionQuery {
            plain: features(pixels, QUERY_FEATURES),
            mirrored: mirrored_features(pixels, QUERY_FEATURES),
            fine: fine_features(pixels, 2 * QUERY_FEATURES),
            windows: windows
                .map(|part| features_within(pixels, *part, QUERY_FEATURES))
                .collect(),
        }
    }

    /// The features for which it was seen so; none where it has no such window.
    pub fn view(&self, seen: RegionView) -> Option<&Features> {
        match seen {
            RegionView::Plain => Some(&self.plain),
            RegionView::Mirrored => Some(&self.mirrored),
            RegionView::Fine => Some(&self.fine),
            RegionView::Window(number) => self.windows.get(number),
        }
    }

    /// The features of the whole of it, and how it was seen for them.
    pub(crate) fn whole_views(&self) -> [(RegionView, &Features); 3] {
        [
            (RegionView::Plain, &self.plain),
            (RegionView::Mirrored, &self.mirrored),
            (RegionView::Fine, &self.fine),
        ]
    }

    /// Those of each window.
    pub(crate) fn window_views(&self) -> impl Iterator<Item = (RegionView, &Features)> {
        let windows = self.windows.iter().enumerate();
        windows.map(|(number, window)| (RegionView::Window(number), window))
    }
}

/// Two pictures' common region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Matches that agree.
    pub agreeing: u32,
    /// How the first picture was seen.
    pub seen: RegionView,
    /// Where it is in the first picture: pixels of the frame in which it was seen.
    pub ours: Rectangle,
    /// Where it is in the second one's frame.
    pub theirs: Rectangle,
}

struct Match<'a> {
    ours: &'a Feature,
    theirs: &'a Feature,
    bits: u32,
}

/// The common region that most features agree on; `None` where too few do.
pub fn common_region(query: &RegionQuery, theirs: &Features) -> Option<Region> {
    let views = query.whole_views().into_iter().chain(query.window_views());
    seen_in(views, theirs)
}

/// The same of some views of the first picture.
pub(crate) fn seen_in<'a>(
    views: impl IntoIterator<Item = (RegionView, &'a Features)>,
    theirs: &Features,
) -> Option<Region> {
    let mut best: Option<Region> = None;
    for (seen, ours) in views {
        let found = region(ours, theirs, seen);
        let Some(region) = found.filter(|region| do_enough_agree(region, ours, theirs)) else {
            continue;
        };
        if best.is_none_or(|best| region.agreeing > best.agreeing) {
            best = Some(region);
        }
    }
    best
}

fn do_enough_agree(region: &Region, ours: &Features, theirs: &Features) -> bool {
    // A window may be as little as a letter, and a bow of it is like a bow of many drawings.
    let is_of_window = matches!(region.seen, RegionView::Window(_));
    let is_large = is_large(&region.ours, ours) || is_large(&region.theirs, theirs);
    let least = match is_large && !is_of_window {
        true => MIN_AGREEING,
        false => MIN_AGREEING_SMALL,
    };
    region.agreeing >= least
}

/// Whether it is an eighth of the picture, or more.
fn is_large(part: &Rectangle, of: &Features) -> bool {
    let area = |width: u32, height: u32| u64::from(width) * u64::from(height);
    let (width, height) = (
        part.right.saturating_sub(part.left),
        part.bottom.saturating_sub(part.top),
    );
    area(width, height).saturating_mul(LARGE_PART) >= area(of.width, of.height)
}

/// What most matches agree on, however few.
fn region(ours: &Features, theirs: &Features, seen: RegionView) -> Option<Region> {
    let matches = matches(ours, theirs);
    let circle = directions();
    let fits: Vec<PlacedMatch> = matches
        .iter()
        .map(|m| PlacedMatch::of(m.ours, m.theirs))
        .collect();
    let mut best: Option<(usize, Movement)> = None;
    for (at, one) in fits.iter().enumerate() {
        for other in fits.iter().skip(at + 1) {
            let Some(movement) = Movement::of(one, other, &circle) else {
                continue;
            };
            let count = fits.iter().filter(|fit| movement.agrees(fit)).count();
            if best.as_ref().is_none_or(|(most, _)| count > *most) {
                best = Some((count, movement));
            }
        }
    }
    let (_, movement) = best?;
    let agreeing = matches.iter().zip(&fits);
    let agreeing = agreeing.filter(|(_, fit)| movement.agrees(fit));
    let (ours_of, theirs_of): (Vec<&Feature>, Vec<&Feature>) =
        agreeing.map(|(m, _)| (m.ours, m.theirs)).unzip();
    Some(Region {
        agreeing: distinct(&ours_of).min(distinct(&theirs_of)),
        seen,
        ours: around(&ours_of),
        theirs: around(&theirs_of),
    })
}

/// Features that are each other's best, by far.
fn matches<'a>(ours: &'a Features, theirs: &'a Features) -> Vec<Match<'a>> {
    let mut found: Vec<Match<'a>> = Vec::new();
    let mut bits_of: Vec<u32> = Vec::new();
    // Of each of theirs, the least distance from any of ours.
    let mut least = vec![u32::MAX; theirs.list.len()];
    let mut nearest_of = Vec::new();
    for feature in &ours.list {
        // All distances first, in a loop without branches: a processor compares several at once.
        bits_of.clear();
        let others = theirs.list.iter();
        bits_of.extend(others.map(|other| distance(&feature.bits, &other.bits)));
        if bits_of.iter().min().is_none_or(|least| *least > MAX_BITS) {
            continue;
        }
        let (mut best, mut second) = (u32::MAX, u32::MAX);
        let mut nearest: Option<(usize, &Feature)> = None;
        let others = theirs.list.iter().enumerate().zip(&mut least);
        for (((at, other), least), bits) in others.zip(bits_of.iter().copied()) {
            if bits > MAX_RIVAL_BITS {
                continue;
            }
            *least = bits.min(*least);
            if bits < best {
                // One corner at two sizes is one thing.
                let same = nearest.is_some_and(|(_, n)| is_near(n, other));
                second = if same { second } else { best };
                best = bits;
                nearest = Some((at, other));
            } else if bits < second && !nearest.is_some_and(|(_, n)| is_near(n, other)) {
                second = bits;
            }
        }
        let (times, than) = RATIO;
        let is_clear = best <= MAX_BITS && best.saturating_mul(times) < second.saturating_mul(than);
        nearest_of.extend(
            nearest
                .filter(|_| is_clear)
                .map(|(at, n)| (feature, at, n, best)),
        );
    }
    for (ours, at, theirs, bits) in nearest_of {
        if least.get(at).is_some_and(|least| bits <= *least) {
            found.push(Match { ours, theirs, bits });
        }
    }
    found.sort_by_key(|m| (m.bits, m.ours.y, m.ours.x));
    found.truncate(MAX_MATCHES);
    found
}

/// Bits that differ. It stands in others' inner loops.
#[inline]
pub(crate) fn distance(one: &[u64; 4], other: &[u64; 4]) -> u32 {
    let words = one.iter().zip(other);
    words.map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn is_near(one: &Feature, other: &Feature) -> bool {
    (one.x - other.x).abs() + (one.y - other.y).abs() < 16 * 8
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
