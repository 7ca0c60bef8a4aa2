//! A search for regions among many pictures' features: inexact, beside the ledger. Features vote for the pictures that
//! have one like them; the movement of one picture onto the other is looked for among the best of them alone. So a
//! region may be missed that [`common_region`] finds between the two pictures, and none is named that it doesn't find.
//!
//! Each feature stands in eight tables, by 32 of its bits. A search looks at each table's place of the same 32 bits and
//! at those where one of them differs, the earliest features of a place first. A vote counts more the nearer the
//! feature is, and the fewer pictures have one: what drawings have in common says little.
//!
//! Consensus-critical: no

mod growing_list;

use std::collections::BTreeSet;

use self::growing_list::GrowingList;
use crate::features::{DIRECTIONS, Feature, Features};
use crate::regions::{Region, RegionQuery, RegionView, distance, seen_in};
use crate::windows::MAX_WINDOWS;

/// Tables, and bits of a feature that say where in each it stands.
const TABLES: usize = 8;
const WORD_BITS: u32 = 32;
/// Places of a table: this power of two.
const PLACE_BITS: u32 = 20;
/// Features of one place that are looked at: the earliest.
const MAX_OF_A_PLACE: usize = 64;
/// Features that are looked at for one that is looked for, in all places: whoever publishes many like it slows nobody
/// down.
const MAX_OF_A_FEATURE: usize = 1_024;
/// Bits that may differ where a feature votes.
const MAX_VOTE_BITS: u32 = 56;
/// Features between two questions whether to go on.
const STEP: usize = 64;
/// Pictures that are held against the one that is looked for: of each view those with most votes, and the earliest of
/// the others.
const MAX_VOTED: usize = 16;
const MAX_EARLIEST: usize = 16;
/// Regions that a search names, at most: one of each picture that it holds against the one that is looked for, or
/// against a window of it.
pub const MAX_REGIONS: usize =
    3 * MAX_VOTED + MAX_EARLIEST + MAX_WINDOWS * (MAX_VOTED + MAX_EARLIEST);

/// The number of a feature, counted from 1; 0 is none, and takes no memory before it is written.
type FeatureNumber = u32;

/// Features of pictures, numbered from 0 in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct RegionIndex {
    pictures: Vec<IndexedPicture>,
    features: GrowingList<IndexedFeature>,
    corners: GrowingList<IndexedCorner>,
    /// The last feature of each place. The one after it is the first: what is published later stands behind.
    last: Vec<[FeatureNumber; TABLES]>,
}

#[derive(Clone, Debug)]
struct IndexedPicture {
    width: u32,
    height: u32,
    first: u32,
}

/// What a search reads of each feature that it meets, in one line of a processor's cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct IndexedFeature {
    bits: [u64; 4],
    /// The next feature of its place in each table.
    next: [FeatureNumber; TABLES],
}

/// The rest.
#[derive(Clone, Debug)]
struct IndexedCorner {
    picture: u32,
    x: i32,
    y: i32,
    level: u8,
    direction: u8,
}

/// Bytes of each feature.
const FEATURE_BYTES: usize = size_of::<IndexedFeature>() + size_of::<IndexedCorner>();

/// A region that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionHit {
    /// Number of the picture.
    pub number: u64,
    /// What it has in common with the one that was looked for.
    pub region: Region,
}

/// The feature of a picture that is most like the one that is looked for.
#[derive(Clone, Copy)]
struct NearestOf {
    bits: u32,
    /// By how many directions it is turned.
    turned: usize,
}

impl RegionIndex {
    /// Bytes of memory that another picture of so many features may take, with what a search counts of it.
    pub const fn bytes_of(features: usize) -> u64 {
        let picture = 2 * size_of::<IndexedPicture>();
        let counted = size_of::<[u32; DIRECTIONS]>() + size_of::<Option<NearestOf>>();
        let votes = 2 * size_of::<u32>() + 2 * size_of::<usize>();
        (picture + counted + votes + features * FEATURE_BYTES) as u64
    }

    /// Bytes of memory that the pictures may take; with none, those of the tables once there is one.
    pub fn bytes(&self) -> u64 {
        let tables = size_of::<[FeatureNumber; TABLES]>() << PLACE_BITS;
        let begun = GrowingList::<()>::ITEMS * FEATURE_BYTES;
        let pictures = RegionIndex::bytes_of(0) * self.count();
        (tables + begun + self.features.len() * FEATURE_BYTES) as u64 + pictures
    }

    /// How many pictures there are.
    pub fn count(&self) -> u64 {
        self.pictures.len() as u64
    }

    /// Adds a picture.
    pub fn push(&mut self, picture: &Features) {
        if self.last.is_empty() {
            self.last = vec![[0; TABLES]; 1 << PLACE_BITS];
        }
        let number_of = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let first = number_of(self.features.len());
        let number = number_of(self.pictures.len());
        self.pictures.push(IndexedPicture {
            width: picture.width,
            height: picture.height,
            first,
        });
        for (feature, own) in picture.list.iter().zip(first.saturating_add(1)..u32::MAX) {
            self.corners.push(IndexedCorner {
                picture: number,
                x: feature.x,
                y: feature.y,
                level: feature.level,
                direction: feature.direction,
            });
            self.features.push(IndexedFeature {
                bits: feature.bits,
                next: [own; TABLES],
            });
            for table in 0..TABLES {
                let row = place(word(&feature.bits, table));
                let Some(last) = self.last.get_mut(row).and_then(|row| row.get_mut(table)) else {
                    continue;
                };
                let before = std::mem::replace(last, own);
                // A place's first feature is its own next one.
                if let Some(first) = self
                    .next(before, table)
                    .map(|next| std::mem::replace(next, own))
                    && let Some(next) = self.next(own, table)
                {
                    *next = first;
                }
            }
        }
    }

    /// The regions that a picture has in common with those of the index: most places first, then the earlier picture.
    /// `go_on` is asked before each longer step; once it says no, what was found so far is the answer.
    pub fn search(&self, query: &RegionQuery, mut go_on: impl FnMut() -> bool) -> Vec<RegionHit> {
        let mut hits = self.search_in(&query.whole_views(), &mut go_on);
        for window in query.window_views() {
            hits.extend(self.search_in(&[window], &mut go_on));
        }
        hits.sort_by_key(|hit| (hit.number, std::cmp::Reverse(hit.region.agreeing)));
        hits.dedup_by_key(|hit| hit.number);
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.region.agreeing), hit.number));
        hits
    }

    /// What the pictures with most votes of these views have in common with them.
    fn search_in(
        &self,
        views: &[(RegionView, &Features)],
        go_on: &mut impl FnMut() -> bool,
    ) -> Vec<RegionHit> {
        let votes = views.iter().map(|(_, view)| self.votes(view, go_on));
        let votes: Vec<Vec<u32>> = votes.collect();
        let mut hits = Vec::new();
        for at in candidates(&votes) {
            if !go_on() {
                break;
            }
            if let Some(region) = seen_in(views.iter().copied(), &self.picture(at)) {
                let number = at as u64;
                hits.push(RegionHit { number, region });
            }
        }
        hits
    }

    /// The features of a picture.
    fn picture(&self, at: usize) -> Features {
        let Some(frame) = self.pictures.get(at) else {
            return Features::default();
        };
        let from = frame.first as usize;
        let next = self.pictures.get(at + 1);
        let to = next.map_or(self.features.len(), |next| next.first as usize);
        let list = (from..to).filter_map(|at| {
            let (corner, feature) = (self.corners.get(at)?, self.features.get(at)?);
            Some(Feature {
                x: corner.x,
                y: corner.y,
                level: corner.level,
                direction: corner.direction,
                bits: feature.bits,
            })
        });
        Features {
            width: frame.width,
            height: frame.height,
            list: list.collect(),
        }
    }

    /// The votes of a view's features for each picture: of those that are turned alike, where most are.
    fn votes(&self, view: &Features, go_on: &mut impl FnMut() -> bool) -> Vec<u32> {
        let mut turned = vec![[0u32; DIRECTIONS]; self.pictures.len()];
        let mut nearest: Vec<Option<NearestOf>> = vec![None; self.pictures.len()];
        let mut met = Vec::new();
        for (at, feature) in view.list.iter().enumerate() {
            if at.is_multiple_of(STEP) && !go_on() {
                break;
            }
            self.meet(feature, |corner, bits| {
                let Some(nearest) = nearest.get_mut(corner.picture as usize) else {
                    return;
                };
                if nearest.is_none() {
                    met.push(corner.picture as usize);
                }
                if nearest.is_none_or(|before| bits < before.bits) {
                    let turned = turn(feature.direction, corner.direction);
                    *nearest = Some(NearestOf { bits, turned });
                }
            });
            let many = u32::try_from(met.len()).unwrap_or(u32::MAX);
            for picture in met.drain(..) {
                let nearest = nearest.get_mut(picture).and_then(Option::take);
                let Some(NearestOf { bits, turned: by }) = nearest else {
                    continue;
                };
                let votes = turned
                    .get_mut(picture)
                    .and_then(|turned| turned.get_mut(by));
                if let Some(votes) = votes {
                    *votes = votes.saturating_add(weight(bits, many));
                }
            }
        }
        turned.iter().map(most_turned_alike).collect()
    }

    /// Calls with each feature that is met and like one, and with how many bits differ; the same one may be met in
    /// several tables. Returns how many were looked at.
    fn meet(&self, feature: &Feature, mut met: impl FnMut(&IndexedCorner, u32)) -> usize {
        let words: [u32; TABLES] = std::array::from_fn(|table| word(&feature.bits, table));
        let flips = std::iter::once(0).chain((0..WORD_BITS).map(|bit| 1 << bit));
        let places =
            flips.flat_map(|flip| words.map(|word| place(word ^ flip)).into_iter().zip(0..));
        let at_places =
            places.flat_map(|(row, table)| self.at_place(row, table).take(MAX_OF_A_PLACE));
        let mut looked_at = 0;
        for number in at_places.take(MAX_OF_A_FEATURE) {
            let at = number as usize - 1;
            let (Some(other), Some(corner)) = (self.features.get(at), self.corners.get(at)) else {
                break;
            };
            looked_at += 1;
            let bits = distance(&feature.bits, &other.bits);
            if bits <= MAX_VOTE_BITS {
                met(corner, bits);
            }
        }
        looked_at
    }

    /// The features that stand at a place of a table, the earliest first.
    fn at_place(&self, row: usize, table: usize) -> impl Iterator<Item = FeatureNumber> {
        let row = self.last.get(row);
        let last = row.and_then(|row| row.get(table)).copied();
        let mut before = last;
        std::iter::from_fn(move || {
            let number = *self.feature(before?)?.next.get(table)?;
            before = (Some(number) != last).then_some(number);
            Some(number)
        })
    }

    fn feature(&self, number: FeatureNumber) -> Option<&IndexedFeature> {
        self.features.get((number as usize).checked_sub(1)?)
    }

    fn next(&mut self, number: FeatureNumber, table: usize) -> Option<&mut FeatureNumber> {
        let feature = self.features.get_mut((number as usize).checked_sub(1)?);
        feature.and_then(|feature| feature.next.get_mut(table))
    }
}

/// What a feature's vote counts: the less the more bits differ, and the more pictures have one like it.
fn weight(bits: u32, pictures: u32) -> u32 {
    let near = (MAX_VOTE_BITS + 8).saturating_sub(bits);
    near * 64 / pictures.saturating_add(4)
}

/// By how many directions the second feature is turned.
fn turn(ours: u8, theirs: u8) -> usize {
    (usize::from(theirs) + DIRECTIONS - usize::from(ours) % DIRECTIONS) % DIRECTIONS
}

/// The most votes of seven neighbouring turns: a region's features are turned within three of the region.
fn most_turned_alike(votes: &[u32; DIRECTIONS]) -> u32 {
    let of = |middle: usize| {
        let around = (0..7).map(|by| (middle + DIRECTIONS + by - 3) % DIRECTIONS);
        around.filter_map(|turn| votes.get(turn)).sum()
    };
    (0..DIRECTIONS).map(of).max().unwrap_or_default()
}

/// The pictures that are held against the one that is looked for: for each view those with most votes, as its features
/// are many or few; then the earliest of those with a sixteenth of a view's most, so that many later pictures keep no
/// earlier one out.
fn candidates(views: &[Vec<u32>]) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut others: BTreeSet<usize> = BTreeSet::new();
    for votes in views {
        let of = |at: &usize| votes.get(*at).copied().unwrap_or_default();
        let mut with: Vec<usize> = (0..votes.len()).filter(|at| of(at) > 0).collect();
        with.sort_by_key(|at| (std::cmp::Reverse(of(at)), *at));
        let most = with.first().map(of).unwrap_or_default();
        others.extend(with.iter().filter(|at| of(at) >= most / 16));
        with.retain(|at| !chosen.contains(at));
        chosen.extend(with.into_iter().take(MAX_VOTED));
    }
    let earliest = others.into_iter().filter(|at| !chosen.contains(at));
    let earliest: Vec<usize> = earliest.take(MAX_EARLIEST).collect();
    chosen.extend(earliest);
    chosen
}

/// 32 bits of a feature, for each table others.
fn word(bits: &[u64; 4], table: usize) -> u32 {
    let [a, b, c, d] = *bits;
    let half = match table / 2 {
        0 => a,
        1 => b,
        2 => c,
        _ => d,
    };
    let shift = if table.is_multiple_of(2) { 0 } else { 32 };
    u32::try_from((half >> shift) & u64::from(u32::MAX)).unwrap_or_default()
}

/// Where a word stands in a table: scattered, as drawings have few words.
fn place(word: u32) -> usize {
    (word.wrapping_mul(0x9E37_79B1) >> (32 - PLACE_BITS)) as usize
}

#[cfg(test)]
mod tests;
