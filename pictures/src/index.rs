//! Exact search among many fingerprints, in all eight variants.
//!
//! Consensus-critical: yes

use crate::bits::{Bits, Variant};
use crate::fingerprint::Fingerprint;

/// Bits of 256 that may differ between pictures that are shown as look-alikes.
pub const MAX_DISTANCE: u32 = 47;
/// Look-alikes that a search names, at most.
pub const MAX_HITS: usize = 32;

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
}

impl Compared {
    /// Adds the outcome of a search among those that come after these; its numbers count from there.
    pub fn append(&mut self, later: Compared) {
        for mut hit in later.hits {
            hit.number += self.searched;
            self.hits.push(hit);
        }
        self.searched += later.searched;
        self.found += later.found;
        self.hits.sort_unstable();
        self.hits.truncate(MAX_HITS);
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

    /// Compares a picture with the first `count` fingerprints, or with all where there are fewer.
    pub fn search(&self, fingerprint: &Fingerprint, count: u64) -> Compared {
        let searched = count.min(self.count);
        let mut hits: Vec<Hit> = Vec::new();
        let [whole, trimmed] = fingerprint.comparable_parts();
        let parts = [
            (&self.whole, &fingerprint.whole, whole, false),
            (&self.trimmed, &fingerprint.trimmed, trimmed, true),
        ];
        for (part, bits, is_comparable, is_trimmed) in parts {
            if is_comparable {
                part.search(bits, is_trimmed, searched, &mut hits);
            }
        }
        // Of the two parts of one fingerprint the nearer counts; the whole one, if they are equally near.
        hits.sort_unstable_by_key(|hit| (hit.number, hit.distance, hit.is_trimmed));
        hits.dedup_by_key(|hit| hit.number);
        hits.sort_unstable();
        let found = hits.len() as u64;
        hits.truncate(MAX_HITS);
        Compared {
            searched,
            found,
            hits,
        }
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

    /// Adds all that are near enough among the first `count`.
    fn search(&self, bits: &Bits, is_trimmed: bool, count: u64, hits: &mut Vec<Hit>) {
        let turned = [*bits, bits.variant(TRANSPOSED)];
        let blocks = self.heads.iter().zip(&self.tails).zip(&self.comparable);
        let mut bounds = [0u8; LANES];
        for (first, ((head, tail), comparable)) in (0u64..).step_by(LANES).zip(blocks) {
            if first >= count {
                break;
            }
            bounds.fill(u8::MAX);
            for bits in &turned {
                lower(&mut bounds, bits, head);
            }
            if bounds.iter().all(|bound| u32::from(*bound) > MAX_DISTANCE) {
                continue;
            }
            for (lane, bound) in (0u32..).zip(&bounds) {
                let number = first + u64::from(lane);
                let is_compared = comparable >> lane & 1 == 1 && number < count;
                if u32::from(*bound) > MAX_DISTANCE || !is_compared {
                    continue;
                }
                let other = fingerprint_at(head, tail, lane);
                let least = turned.map(|bits| least_distance(&bits, &other));
                if least.iter().all(|least| *least > MAX_DISTANCE) {
                    continue;
                }
                let nearest = bits.nearest(&other);
                hits.push(Hit {
                    distance: nearest.distance,
                    number,
                    variant: nearest.variant,
                    is_trimmed,
                });
            }
        }
    }
}

const TRANSPOSED: Variant = Variant::ALL[4];

fn fingerprint_at([a, b]: &[Lane; 2], [c, d]: &[Lane; 2], lane: u32) -> Bits {
    let word = |lanes: &Lane| lanes.get(lane as usize).copied().unwrap_or_default();
    Bits {
        words: [word(a), word(b), word(c), word(d)],
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
