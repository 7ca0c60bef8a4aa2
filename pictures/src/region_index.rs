//! A search for regions among many pictures' features: inexact, beside the ledger. Pictures that share features' bits
//! are counted first; the movement of one picture onto the other is looked for among the best of them alone. So a
//! region may be missed that [`common_region`] finds between the two pictures.
//!
//! Each feature stands in eight tables, by 20 of its bits. A search looks at each table's place of the same 20 bits and
//! at those where one of them differs: two features of one thing, a sixth of whose bits differ, meet in three of four
//! cases.
//!
//! Consensus-critical: no

use crate::features::{Feature, Features};
use crate::regions::{MAX_BITS, Region, RegionQuery, common_region, distance};

/// Tables, and bits of a feature that say where in each it stands.
const TABLES: usize = 8;
const WORD_BITS: u32 = 20;
/// Features of one place that are looked at: whoever publishes one feature many times slows nobody down.
const MAX_WALK: usize = 512;
/// Pictures that are held against the one that is looked for.
const MAX_EXAMINED: usize = 64;
/// Features that a picture shares with the one that is looked for, before it is held against it.
const MIN_SHARED: u32 = 4;
/// Regions that a search names, at most.
pub const MAX_REGIONS: usize = 32;
/// The number of a feature, counted from 1; 0 is none, and takes no memory before it is written.
type FeatureNumber = u32;

/// Features of pictures, numbered from 0 in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct RegionIndex {
    pictures: Vec<IndexedPicture>,
    features: Vec<Feature>,
    /// For each word the first and the last feature in each table, and for each feature the next one. The earliest come
    /// first: what is published later hides nothing that was there.
    first: Vec<[FeatureNumber; TABLES]>,
    last: Vec<[FeatureNumber; TABLES]>,
    next: Vec<[FeatureNumber; TABLES]>,
}

#[derive(Clone, Debug)]
struct IndexedPicture {
    width: u32,
    height: u32,
    first: u32,
}

/// A region that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionHit {
    /// Number of the picture.
    pub number: u64,
    /// What it has in common with the one that was looked for.
    pub region: Region,
}

impl RegionIndex {
    /// How many pictures there are.
    pub fn count(&self) -> u64 {
        self.pictures.len() as u64
    }

    /// Adds a picture.
    pub fn push(&mut self, picture: &Features) {
        if self.last.is_empty() {
            self.first = vec![[0; TABLES]; 1 << WORD_BITS];
            self.last = self.first.clone();
        }
        let first = u32::try_from(self.features.len()).unwrap_or(u32::MAX);
        self.pictures.push(IndexedPicture {
            width: picture.width,
            height: picture.height,
            first,
        });
        for (number, feature) in (first.saturating_add(1)..u32::MAX).zip(&picture.list) {
            self.features.push(*feature);
            self.next.push([0; TABLES]);
            for table in 0..TABLES {
                let word = word(feature, table) as usize;
                let before = std::mem::replace(place(&mut self.last, word, table), number);
                match before {
                    0 => *place(&mut self.first, word, table) = number,
                    before => *place(&mut self.next, before as usize - 1, table) = number,
                }
            }
        }
    }

    /// The regions that a picture has in common with those of the index: most places first, then the earlier picture.
    /// `go_on` is asked before each longer step; once it says no, what was found so far is the answer.
    pub fn search(&self, query: &RegionQuery, mut go_on: impl FnMut() -> bool) -> Vec<RegionHit> {
        let mut shared: Vec<(u32, usize)> = Vec::new();
        for (_, view) in query.views() {
            if !go_on() {
                break;
            }
            let counts = self.shared(view);
            let enough = counts
                .into_iter()
                .zip(0..)
                .filter(|(n, _)| *n >= MIN_SHARED);
            shared.extend(enough);
        }
        shared.sort_unstable_by_key(|(count, at)| (std::cmp::Reverse(*count), *at));
        let mut examined = Vec::new();
        let mut hits = Vec::new();
        for (_, at) in shared {
            if examined.contains(&at) {
                continue;
            }
            if examined.len() == MAX_EXAMINED || !go_on() {
                break;
            }
            examined.push(at);
            if let Some(region) = common_region(query, &self.picture(at)) {
                let number = at as u64;
                hits.push(RegionHit { number, region });
            }
        }
        hits.sort_by_key(|hit| (std::cmp::Reverse(hit.region.agreeing), hit.number));
        hits.truncate(MAX_REGIONS);
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
        Features {
            width: frame.width,
            height: frame.height,
            list: self.features.get(from..to).unwrap_or_default().to_vec(),
        }
    }

    /// How many of the given features each picture has.
    fn shared(&self, view: &Features) -> Vec<u32> {
        let mut counts = vec![0u32; self.pictures.len()];
        // The last feature of the view that was counted for a picture: each counts once.
        let mut counted = vec![usize::MAX; self.pictures.len()];
        for (at, feature) in view.list.iter().enumerate() {
            for table in 0..TABLES {
                let word = word(feature, table);
                self.walk(word, table, feature, at, (&mut counts, &mut counted));
                for bit in 0..WORD_BITS {
                    let word = word ^ 1 << bit;
                    self.walk(word, table, feature, at, (&mut counts, &mut counted));
                }
            }
        }
        counts
    }

    /// Counts the pictures with a like feature at one place of a table.
    fn walk(
        &self,
        word: u32,
        table: usize,
        feature: &Feature,
        at: usize,
        (counts, counted): (&mut [u32], &mut [usize]),
    ) {
        let in_table = |row: Option<&[FeatureNumber; TABLES]>| {
            let number = row.and_then(|tables| tables.get(table));
            number.and_then(|number| number.checked_sub(1))
        };
        let mut next = in_table(self.first.get(word as usize));
        for _ in 0..MAX_WALK {
            let Some(at_index) = next else {
                break;
            };
            next = in_table(self.next.get(at_index as usize));
            let other = self.features.get(at_index as usize);
            if other.is_none_or(|other| distance(feature, other) > MAX_BITS) {
                continue;
            }
            let after = self
                .pictures
                .partition_point(|frame| frame.first <= at_index);
            let picture = after.saturating_sub(1);
            if let (Some(count), Some(counted)) =
                (counts.get_mut(picture), counted.get_mut(picture))
                && *counted != at
            {
                (*count, *counted) = (count.saturating_add(1), at);
            }
        }
    }
}

/// A place of a table.
#[expect(
    clippy::indexing_slicing,
    reason = "words are below the tables' length, and numbers were given out here"
)]
fn place(rows: &mut [[FeatureNumber; TABLES]], row: usize, table: usize) -> &mut FeatureNumber {
    &mut rows[row][table]
}

/// Where a feature stands in a table: 20 bits, for each table others.
fn word(feature: &Feature, table: usize) -> u32 {
    let [a, b, c, d] = feature.bits;
    let half = match table / 2 {
        0 => a,
        1 => b,
        2 => c,
        _ => d,
    };
    let shift = if table.is_multiple_of(2) { 0 } else { 32 };
    let low = (half >> shift) & ((1 << WORD_BITS) - 1);
    u32::try_from(low).unwrap_or_default()
}

#[cfg(test)]
mod tests;
