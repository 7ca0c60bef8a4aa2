//! 256 bits of a picture, what becomes of them when it is turned or mirrored, and distances.
//!
//! Consensus-critical: yes

use crate::transform::Coefficients;

/// Bits of a fingerprint.
pub const BITS: u32 = 256;

/// One bit for each coefficient, in four words by the parity of its frequencies, so that turning and mirroring
/// the picture complements words and transposes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bits {
    /// Both frequencies even; vertical even and horizontal odd; vertical odd and horizontal even; both odd.
    /// In each, the vertical frequency selects the byte, from the most significant one.
    pub words: [u64; 4],
}

/// How a picture may be turned or mirrored to look like another: transposed (or not), then mirrored, then
/// turned upside down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant(u8);

/// The variant that is nearest to another picture, the lowest of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nearest {
    /// Bits that differ, of 256.
    pub distance: u32,
    /// Which variant.
    pub variant: Variant,
}

impl Variant {
    /// All eight, by number.
    pub const ALL: [Variant; 8] = [
        Variant(0),
        Variant(1),
        Variant(2),
        Variant(3),
        Variant(4),
        Variant(5),
        Variant(6),
        Variant(7),
    ];

    /// By number; `None` above 7.
    pub fn from_number(number: u32) -> Option<Variant> {
        Variant::ALL.into_iter().find(|v| u32::from(v.0) == number)
    }

    /// Its number: 1 for mirrored, 2 for upside down, 4 for transposed, added up.
    pub fn number(self) -> u32 {
        u32::from(self.0)
    }

    /// What the other picture is, seen from this one.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "as it is",
            1 => "mirrored",
            2 => "upside down and mirrored",
            3 => "upside down",
            4 => "mirrored along its diagonal",
            5 => "turned right",
            6 => "turned left",
            _ => "mirrored along its other diagonal",
        }
    }

    fn is_mirrored(self) -> bool {
        self.0 & 1 != 0
    }

    fn is_flipped(self) -> bool {
        self.0 & 2 != 0
    }

    fn is_transposed(self) -> bool {
        self.0 & 4 != 0
    }
}

impl Bits {
    /// The bits of coefficients: where both frequencies are even, above their median (the 32nd of 64, ascending);
    /// elsewhere above 0.
    pub(crate) fn of(coefficients: &Coefficients) -> Bits {
        let mut classes: [Vec<i64>; 4] = Default::default();
        for (u, row) in (1usize..).zip(coefficients) {
            for (v, value) in (1usize..).zip(row) {
                if let Some(class) = classes.get_mut(2 * (u % 2) + v % 2) {
                    class.push(*value);
                }
            }
        }
        let [even, ..] = &classes;
        let mut sorted = even.clone();
        sorted.sort_unstable();
        let median = sorted.get(31).copied().unwrap_or_default();
        let thresholds = [median, 0, 0, 0];
        let mut words = [0u64; 4];
        for ((word, class), threshold) in words.iter_mut().zip(&classes).zip(thresholds) {
            for value in class {
                *word = *word << 1 | u64::from(*value > threshold);
            }
        }
        Bits { words }
    }

    /// Whether the bits tell pictures apart. Where most coefficients of a class are exactly 0, as in stripes or in
    /// what is its own mirror image, all such pictures have nearly the same bits.
    pub fn is_balanced(&self) -> bool {
        let [_, rest @ ..] = &self.words;
        rest.iter()
            .all(|word| (8..=56).contains(&word.count_ones()))
    }

    /// 32 bytes: the words, each big-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, byte) in bytes
            .iter_mut()
            .zip(self.words.iter().flat_map(|word| word.to_be_bytes()))
        {
            *place = byte;
        }
        bytes
    }

    /// The reverse of [`Bits::to_bytes`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Bits {
        let mut words = [0u64; 4];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            for byte in chunk {
                *word = *word << 8 | u64::from(*byte);
            }
        }
        Bits { words }
    }

    /// The bits of the picture, turned and mirrored so.
    pub fn variant(self, variant: Variant) -> Bits {
        let [mut even, mut across, mut down, mut odd] = self.words;
        if variant.is_transposed() {
            (even, odd) = (transpose(even), transpose(odd));
            (across, down) = (transpose(down), transpose(across));
        }
        if variant.is_mirrored() {
            (across, odd) = (!across, !odd);
        }
        if variant.is_flipped() {
            (down, odd) = (!down, !odd);
        }
        Bits {
            words: [even, across, down, odd],
        }
    }

    /// Bits that differ.
    pub fn distance(&self, other: &Bits) -> u32 {
        let pairs = self.words.iter().zip(&other.words);
        pairs.map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// Which variant of this picture is nearest to the other.
    pub fn nearest(&self, other: &Bits) -> Nearest {
        let mut best = Nearest {
            distance: self.distance(other),
            variant: Variant::default(),
        };
        for variant in Variant::ALL {
            let distance = self.variant(variant).distance(other);
            if distance < best.distance {
                best = Nearest { distance, variant };
            }
        }
        best
    }
}

/// Rows of a word become its columns: eight bytes of eight bits, from the most significant.
pub(crate) fn transpose(word: u64) -> u64 {
    // Swaps blocks off the diagonal: of 1, 2 and 4 bits.
    let step = |word: u64, shift: u32, mask: u64| {
        let swapped = (word ^ (word >> shift)) & mask;
        word ^ swapped ^ (swapped << shift)
    };
    let word = step(word, 7, 0x00aa_00aa_00aa_00aa);
    let word = step(word, 14, 0x0000_cccc_0000_cccc);
    step(word, 28, 0x0000_0000_f0f0_f0f0)
}

#[cfg(test)]
mod tests;
