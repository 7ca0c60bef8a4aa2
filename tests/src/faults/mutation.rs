//! What may become of bytes: a few changes at a time, of the kinds by which decoders were broken before.

use crate::random::Random;

/// Values at which lengths and counts turn over.
const EDGES: [u64; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Pieces of text that mean something to a parser.
const WORDS: [&str; 20] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "&",
    "&#x0;",
    "]]>",
    "\\u0000",
    "\\ud800",
    "null",
    "-0",
    "1e999",
    "\u{202e}",
    "\u{0}",
    "\r\n",
    "9999999999999999999",
    "%00",
];

/// Mutated inputs are no longer than this: what a port lets in is bounded before it is decoded.
const MAX_BYTES: usize = 1 << 16;

/// One of the inputs with one to six changes; now and then a piece of another of them is put in.
pub fn mutated(inputs: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = inputs[random.index(inputs.len())].clone();
    for _ in 0..random.between(1, 6) {
        change(&mut bytes, inputs, random);
    }
    bytes.truncate(MAX_BYTES);
    bytes
}

fn change(bytes: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    let place = random.index(bytes.len() + 1);
    match random.below(12) {
        0 | 1 => flip(bytes, random),
        2 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = EDGES[random.index(EDGES.len())] as u8;
            }
        }
        3 => bytes.truncate(place),
        4 => drop(bytes.drain(range(place, bytes.len(), random))),
        5 => {
            let piece = bytes[range(place, bytes.len(), random)].to_vec();
            insert(bytes, place, &piece);
        }
        6 => {
            let other = &inputs[random.index(inputs.len())];
            let start = random.index(other.len() + 1);
            let piece = &other[range(start, other.len(), random)];
            insert(bytes, place, piece);
        }
        7 => {
            // A length or number of protobuf, or of a fixed width.
            let value = EDGES[random.index(EDGES.len())];
            let piece = match random.below(3) {
                0 => varint(value),
                1 => value.to_le_bytes().to_vec(),
                _ => (value as u32).to_be_bytes().to_vec(),
            };
            let end = bytes.len().min(place + piece.len());
            bytes.splice(place..end, piece);
        }
        8 | 9 => {
            let word = WORDS[random.index(WORDS.len())];
            insert(bytes, place, word.as_bytes());
        }
        10 => {
            // Nested deeply.
            let (open, times) = (
                [b'[', b'{', b'<', 0x0a][random.index(4)],
                random.index(3000),
            );
            insert(bytes, place, &vec![open; times]);
        }
        _ => {
            let piece: Vec<u8> = (0..random.between(1, 16))
                .map(|_| random.word() as u8)
                .collect();
            insert(bytes, place, &piece);
        }
    }
}

/// Flips one bit.
pub fn flip(bytes: &mut [u8], random: &mut Random) {
    let place = random.index(bytes.len());
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1 << random.below(8);
    }
}

fn insert(bytes: &mut Vec<u8>, place: usize, piece: &[u8]) {
    let place = place.min(bytes.len());
    bytes.splice(place..place, piece.iter().copied());
}

/// A range from here on, mostly short.
fn range(start: usize, length: usize, random: &mut Random) -> std::ops::Range<usize> {
    let most = if random.permille(800) { 32 } else { length };
    let end = start + random.index(most + 1);
    start.min(length)..end.min(length)
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seeds_give_many_inputs_and_the_same_again() {
        let inputs = vec![
            b"{\"type\":\"ObjectEvent\"}".to_vec(),
            vec![10, 2, 8, 1],
            Vec::new(),
        ];
        let all = || -> Vec<Vec<u8>> {
            let mut random = Random::new(7);
            (0..2000).map(|_| mutated(&inputs, &mut random)).collect()
        };
        assert_eq!(all(), all());
        let distinct: BTreeSet<Vec<u8>> = all().into_iter().collect();
        assert!(distinct.len() > 1500, "{}", distinct.len());
    }
}
