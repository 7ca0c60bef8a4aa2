//! Exact search among many fingerprints, in all eight variants.
//!
//! Consensus-critical: yes

use crate::bits::{Bits, Variant};
use crate::fingerprint::Fingerprint;

/// Bits of 256 that may differ between pictures that are shown as look-alikes.
pub const MAX_DISTANCE: u32 = 47;
/// Look-alikes that a search names, at most.
pub const MAX_HITS: usize = 32;
/// How many of these are there because they were published first, however near others are.
pub const MAX_EARLIEST: usize = MAX_HITS / 2;

/// Fingerprints that stand together, so that a processor compares several at once.
const LANES: usize = 64;
/// A word of each fingerprint of a block.
type Lane = [u64; LANES];

/// Fingerprints in the order in which they were added, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Index {
    whole: Part,
    trimmed: Part,
    count: u64,
}

/// One of a search's look-alikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// Bits that differ: the lesser of whole pictures and trimmed ones.
    pub distance: u32,
    /// Number of the fingerprint.
    pub number: u64,
    /// How the searched picture is turned or mirrored to be so near.
    pub variant: Variant,
    /// Whether the pictures without their borders are nearer than the whole ones.
    pub is_trimmed: bool,
}

/// A search's outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many fingerprints were there.
    pub searched: u64,
    /// How many of them are within [`MAX_DISTANCE`].
    pub found: u64,
    /// The nearest, at most [`MAX_HITS`]; of equally near ones the earlier first.
    pub hits: Vec<Hit>,
    /// Those of the lowest numbers, at most [`MAX_EARLIEST`], ascending.
    pub earliest: Vec<Hit>,
}

impl Compared {
    /// Those to look at, at most [`MAX_HITS`], by distance and then by number: the earliest, and the nearest of the
    /// others. Whoever publishes many pictures that are nearer displaces no earlier one.
    pub fn named(&self) -> Vec<Hit> {
        let mut named = self.earliest.clone();
        let later = self.hits.iter().filter(|hit| !self.earliest.contains(hit));
        named.extend(later.take(MAX_HITS - named.len()));
        named.sort_unstable();
        named
    }

    /// Adds the outcome of a search among those that come after these; its numbers count from there.
    pub fn append(&mut self, later: Compared) {
        let first = self.searched;
        let renumbered = |mut hit: Hit| {
            hit.number += first;
            hit
        };
        self.hits.extend(later.hits.into_iter().map(renumbered));
        let earliest = later.earliest.into_iter().map(renumbered);
        self.earliest.extend(earliest);
        self.earliest.truncate(MAX_EARLIEST);
        self.searched += later.searched;
        self.found += later.found;
        self.hits.sort_unstable();
        self.hits.truncate(MAX_HITS);
    }

    /// Whether one that comes after all of these, and is so near, is among the nearest. The earliest are full before
    /// these are.
    fn takes(&self, distance: u32) -> bool {
        let last = self.hits.get(MAX_HITS - 1);
        last.is_none_or(|last| distance < last.distance)
    }

    /// Adds one that comes after all of these.
    fn take(&mut self, hit: Hit) {
        let place = self
            .hits
            .partition_point(|other| other.distance <= hit.distance);
        self.hits.insert(place, hit);
        self.hits.truncate(MAX_HITS);
        if self.earliest.len() < MAX_EARLIEST {
            self.earliest.push(hit);
        }
    }
}

/// One part (whole or trimmed) of all fingerprints.
#[derive(Clone, Debug, Default)]
struct Part {
    /// The first two words of each block, of which every search reads all.
    heads: Vec<[Lane; 2]>,
    /// The other two.
    tails: Vec<[Lane; 2]>,
    /// For each block, the lanes that hold bits to compare: one bit each.
    comparable: Vec<u64>,
}

impl Index {
    /// How many fingerprints there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Adds a fingerprint.
    pub fn push(&mut self, fingerprint: &Fingerprint) {
        let lane = usize::try_from(self.count % LANES as u64).unwrap_or_default();
        let [whole, trimmed] = fingerprint.comparable_parts();
        self.whole.push(lane, &fingerprint.whole, whole);
        self.trimmed.push(lane, &fingerprint.trimmed, trimmed);
        self.count += 1;
    }

    /// Compares a picture with the first `count` fingerprints, or with all where there are fewer. What it keeps, and
    /// how often it tries all variants of a pair, doesn't grow with how many are near.
    pub fn search(&self, fingerprint: &Fingerprint, count: u64) -> Compared {
        let mut compared = Compared {
            searched: count.min(self.count),
            ..Compared::default()
        };
        let [is_whole, is_trimmed] = fingerprint.comparable_parts();
        let whole = is_whole.then(|| Turned::new(fingerprint.whole));
        let trimmed = is_trimmed.then(|| Turned::new(fingerprint.trimmed));
        let blocks = self.whole.blocks().zip(self.trimmed.blocks());
        let firsts = (0..compared.searched).step_by(LANES);
        for (first, (of_whole, of_trimmed)) in firsts.zip(blocks) {
            let near_whole = whole.as_ref().and_then(|bits| of_whole.near(bits));
            let near_trimmed = trimmed.as_ref().and_then(|bits| of_trimmed.near(bits));
            if near_whole.is_none() && near_trimmed.is_none() {
                continue;
            }
            let wholes = near_whole.unwrap_or(NONE_NEAR);
            let trimmeds = near_trimmed.unwrap_or(NONE_NEAR);
            let lanes = (0u32..).zip(wholes.into_iter().zip(trimmeds));
            for (number, (lane, (by_whole, by_trimmed))) in (first..compared.searched).zip(lanes) {
                let distance = u32::from(by_whole.min(by_trimmed));
                if distance > MAX_DISTANCE {
                    continue;
                }
                compared.found += 1;
                if !compared.takes(distance) {
                    continue;
                }
                // Of the two parts the nearer counts; the whole one, if they are equally near.
                let is_trimmed = by_trimmed < by_whole;
                let (bits, other) = match is_trimmed {
                    true => (&fingerprint.trimmed, of_trimmed.bits(lane)),
                    false => (&fingerprint.whole, of_whole.bits(lane)),
                };
                compared.take(Hit {
                    distance,
                    number,
                    variant: bits.nearest(&other).variant,
                    is_trimmed,
                });
            }
        }
        compared
    }
}

impl Part {
    fn push(&mut self, lane: usize, bits: &Bits, is_comparable: bool) {
        if lane == 0 {
            self.heads.push([[0; LANES]; 2]);
            self.tails.push([[0; LANES]; 2]);
            self.comparable.push(0);
        }
        let blocks = [self.heads.last_mut(), self.tails.last_mut()];
        for (lanes, word) in blocks.into_iter().flatten().flatten().zip(bits.words) {
            if let Some(place) = lanes.get_mut(lane) {
                *place = word;
            }
        }
        if let Some(comparable) = self.comparable.last_mut() {
            *comparable |= u64::from(is_comparable) << lane;
        }
    }

    fn blocks(&self) -> impl Iterator<Item = Block<'_>> {
        let blocks = self.heads.iter().zip(&self.tails).zip(&self.comparable);
        blocks.map(|((head, tail), comparable)| Block {
            head,
            tail,
            comparable: *comparable,
        })
    }
}

/// A picture's bits as they are, and transposed: the other variants complement words of these.
struct Turned([Bits; 2]);

impl Turned {
    fn new(bits: Bits) -> Turned {
        Turned([bits, bits.variant(TRANSPOSED)])
    }
}

const TRANSPOSED: Variant = Variant::ALL[4];

/// Distances of a block, where no lane is near.
const NONE_NEAR: [u8; LANES] = [u8::MAX; LANES];

/// One part of fingerprints that stand together.
struct Block<'a> {
    head: &'a [Lane; 2],
    tail: &'a [Lane; 2],
    comparable: u64,
}

impl Block<'_> {
    /// Each lane's least distance in all variants; something above [`MAX_DISTANCE`] where it isn't near, or there is
    /// nothing to compare; `None` if that is so in every lane.
    fn near(&self, turned: &Turned) -> Option<[u8; LANES]> {
        let mut bounds = NONE_NEAR;
        for bits in &turned.0 {
            lower(&mut bounds, bits, self.head);
        }
        if bounds.iter().all(|bound| u32::from(*bound) > MAX_DISTANCE) {
            return None;
        }
        for (lane, bound) in (0u32..).zip(&mut bounds) {
            if u32::from(*bound) <= MAX_DISTANCE {
                *bound = self.least(turned, lane);
            }
        }
        bounds
            .iter()
            .any(|least| u32::from(*least) <= MAX_DISTANCE)
            .then_some(bounds)
    }

    fn least(&self, turned: &Turned, lane: u32) -> u8 {
        if self.comparable >> lane & 1 == 0 {
            return u8::MAX;
        }
        let other = self.bits(lane);
        let [plain, transposed] = &turned.0;
        let least = least_distance(plain, &other).min(least_distance(transposed, &other));
        u8::try_from(least).unwrap_or(u8::MAX)
    }

    fn bits(&self, lane: u32) -> Bits {
        let word = |lanes: &Lane| lanes.get(lane as usize).copied().unwrap_or_default();
        let ([a, b], [c, d]) = (self.head, self.tail);
        Bits {
            words: [word(a), word(b), word(c), word(d)],
        }
    }
}

/// Brings each lane's bound below the distance in each variant without transposition, from the first two words: a
/// variant complements the second one or not, and the distance to a word's complement is 64 minus that to the
/// word. So most of a large index is never read in full.
fn lower(bounds: &mut [u8; LANES], bits: &Bits, [evens, acrosses]: &[Lane; 2]) {
    let [even, across, ..] = &bits.words;
    for (bound, (even_of, across_of)) in bounds.iter_mut().zip(evens.iter().zip(acrosses)) {
        // Distances of words are at most 64, so nothing wraps.
        let even = (even ^ even_of).count_ones() as u8;
        let across = (across ^ across_of).count_ones() as u8;
        *bound = even
            .wrapping_add(across.min(64u8.wrapping_sub(across)))
            .min(*bound);
    }
}

/// The least of the distances in the four variants without transposition: each complements two of the last three
/// words or none.
fn least_distance(bits: &Bits, other: &Bits) -> u32 {
    let mut words = bits.words.iter().zip(&other.words);
    let mut next = || words.next().map_or(0, |(a, b)| (a ^ b).count_ones());
    let (even, across, down, odd) = (next(), next(), next(), next());
    let sum = across + down + odd;
    let two = |kept: u32| 2 * kept + 128 - sum;
    even + sum.min(two(across)).min(two(down)).min(two(odd))
}

#[cfg(test)]
mod tests;
