use proptest::prelude::*;

use super::*;
use crate::fingerprint::MIN_QUALITY;

fn fingerprints(most: usize) -> impl Strategy<Value = Vec<Fingerprint>> {
    // Few bits differ, so that many are near each other; some are unbalanced.
    let word = (0u64..256, 0u64..8)
        .prop_map(|(low, kind)| low ^ if kind == 0 { 0 } else { 0x0f0f_0f0f_0f0f_0f00 });
    let bits = prop::array::uniform4(word).prop_map(|words| Bits { words });
    let one =
        (bits.clone(), bits, 0u8..30, 0u8..30).prop_map(|(whole, trimmed, a, b)| Fingerprint {
            whole,
            trimmed,
            whole_quality: a,
            trimmed_quality: b,
        });
    prop::collection::vec(one, 0..most)
}

/// The search as its specification says it, one by one.
fn plainly(all: &[Fingerprint], wanted: &Fingerprint, count: u64) -> Compared {
    let all = &all[..all.len().min(count as usize)];
    let mut hits: Vec<Hit> = Vec::new();
    for (number, other) in all.iter().enumerate() {
        let parts = [
            (
                wanted.whole,
                wanted.whole_quality,
                other.whole,
                other.whole_quality,
                false,
            ),
            (
                wanted.trimmed,
                wanted.trimmed_quality,
                other.trimmed,
                other.trimmed_quality,
                true,
            ),
        ];
        let is_comparable = |quality: u8, bits: &Bits| quality >= MIN_QUALITY && bits.is_balanced();
        let near = parts
            .iter()
            .filter(|part| is_comparable(part.1, &part.0) && is_comparable(part.3, &part.2));
        let near = near.flat_map(|part| {
            Variant::ALL.map(|variant| (part.0.variant(variant).distance(&part.2), part.4, variant))
        });
        if let Some((distance, is_trimmed, variant)) = near.min()
            && distance <= MAX_DISTANCE
        {
            hits.push(Hit {
                distance,
                number: number as u64,
                variant,
                is_trimmed,
            });
        }
    }
    let earliest = hits.iter().take(MAX_EARLIEST).copied().collect();
    hits.sort_by_key(|hit| (hit.distance, hit.number));
    let found = hits.len() as u64;
    hits.truncate(MAX_HITS);
    Compared {
        searched: all.len() as u64,
        found,
        hits,
        earliest,
    }
}

proptest! {
    #[test]
    fn the_search_is_exact(all in fingerprints(200), count in 0u64..220) {
        let mut index = Index::default();
        for fingerprint in &all {
            index.push(fingerprint);
        }
        prop_assert_eq!(index.count(), all.len() as u64);
        for wanted in all.iter().take(8) {
            let told = index.search(wanted, count);
            prop_assert_eq!(&told, &plainly(&all, wanted, count));
            prop_assert_eq!(told.named().len() as u64, told.found.min(MAX_HITS as u64));
        }
    }

    /// A search in two steps is a search in one.
    #[test]
    fn later_ones_are_added(all in fingerprints(120), cut in 0usize..120) {
        let (mut first, mut second) = (Index::default(), Index::default());
        for (number, fingerprint) in all.iter().enumerate() {
            if number < cut { first.push(fingerprint) } else { second.push(fingerprint) }
        }
        for wanted in all.iter().take(4) {
            let mut found = first.search(wanted, u64::MAX);
            found.append(second.search(wanted, u64::MAX));
            prop_assert_eq!(found, plainly(&all, wanted, u64::MAX));
        }
    }

    /// Bits all over, near ones among them.
    #[test]
    fn far_bits_are_told_apart(
        words in any::<[u64; 4]>(),
        flips in prop::collection::vec(0u32..256, 0..60),
        number in 0usize..8
    ) {
        let bits = Bits { words };
        let mut bent = bits.variant(Variant::ALL[number]);
        for flip in flips {
            bent.words[(flip / 64) as usize] ^= 1 << (flip % 64);
        }
        let of = |bits| Fingerprint { whole: bits, trimmed: bits, whole_quality: 50, trimmed_quality: 50 };
        let mut index = Index::default();
        index.push(&of(bent));
        prop_assert_eq!(index.search(&of(bits), 9), plainly(&[of(bent)], &of(bits), 9));
    }
}

/// Wherever it stands among far ones: the nearest that counts, all of whose bits are in the word that is read first.
#[test]
fn a_near_one_is_found_in_every_lane() {
    let mut state = 7u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut any = || Bits {
        words: [next(), next(), next(), next()],
    };
    let of = |bits| Fingerprint {
        whole: bits,
        trimmed: bits,
        whole_quality: 50,
        trimmed_quality: 50,
    };
    let wanted = any();
    let far: Vec<Fingerprint> = (0..2 * LANES + 5).map(|_| of(any())).collect();
    for (bits, is_found) in [(MAX_DISTANCE, true), (MAX_DISTANCE + 1, false)] {
        let mut near = wanted;
        near.words[0] ^= (1 << bits) - 1;
        for place in 0..far.len() {
            let mut all = far.clone();
            all[place] = of(near);
            let mut index = Index::default();
            all.iter().for_each(|fingerprint| index.push(fingerprint));
            let told = index.search(&of(wanted), u64::MAX);
            assert_eq!(told, plainly(&all, &of(wanted), u64::MAX));
            let numbers: Vec<u64> = told.hits.iter().map(|hit| hit.number).collect();
            assert_eq!(numbers, if is_found { vec![place as u64] } else { vec![] });
        }
    }
}

/// A member may publish one picture as often as he likes: what a search keeps doesn't grow with that.
#[test]
fn a_search_keeps_only_the_nearest_of_many() {
    let mut bent = rich();
    bent.whole.words[0] ^= 1;
    bent.trimmed.words[0] ^= 3;
    let all: Vec<Fingerprint> = (0..1_000)
        .map(|number| if number % 50 == 49 { rich() } else { bent })
        .collect();
    let mut index = Index::default();
    all.iter().for_each(|fingerprint| index.push(fingerprint));
    let told = index.search(&rich(), u64::MAX);
    assert_eq!(told, plainly(&all, &rich(), u64::MAX));
    assert_eq!(told.found, 1_000);
    assert_eq!(told.hits[20].number, 0, "of those at distance 1 the first");
    assert!(told.hits.capacity() <= 2 * MAX_HITS);
}

/// Whoever publishes many copies that are nearer, later, hides no earlier picture.
#[test]
fn later_copies_hide_no_earlier_picture() {
    let mut original = rich();
    original.whole.words[0] ^= 7;
    original.trimmed.words[0] ^= 7;
    let mut index = Index::default();
    index.push(&original);
    (0..2 * MAX_HITS).for_each(|_| index.push(&rich()));
    let told = index.search(&rich(), u64::MAX);
    assert!(
        told.hits.iter().all(|hit| hit.number > 0),
        "not the nearest"
    );
    let named: Vec<u64> = told.named().iter().map(|hit| hit.number).collect();
    assert_eq!(named, (1..32).chain([0]).collect::<Vec<u64>>());
}

#[test]
fn an_empty_index_has_nothing() {
    let wanted = Fingerprint {
        whole_quality: 99,
        trimmed_quality: 99,
        ..rich()
    };
    assert_eq!(Index::default().search(&wanted, 5), Compared::default());
}

#[test]
fn plain_pictures_are_never_matched() {
    let plain = Fingerprint {
        whole_quality: 9,
        trimmed_quality: 9,
        ..rich()
    };
    let rich = Fingerprint {
        whole_quality: 10,
        trimmed_quality: 9,
        ..rich()
    };
    let mut index = Index::default();
    index.push(&plain);
    index.push(&rich);
    assert_eq!(index.search(&plain, 2).found, 0);
    let hits = index.search(&rich, 2).hits;
    assert_eq!(
        hits.iter()
            .map(|hit| (hit.number, hit.is_trimmed))
            .collect::<Vec<_>>(),
        [(1, false)]
    );
}

/// Bits that can be compared.
fn rich() -> Fingerprint {
    let bits = Bits {
        words: [0x0123_4567_89ab_cdef; 4],
    };
    Fingerprint {
        whole: bits,
        trimmed: bits,
        whole_quality: 99,
        trimmed_quality: 99,
    }
}

#[test]
fn stripes_are_never_matched() {
    let stripes = Bits {
        words: [7, 0xffff_0000_ffff_0000, 0, 0],
    };
    let striped = Fingerprint {
        whole: stripes,
        trimmed: stripes,
        ..rich()
    };
    assert!(rich().is_comparable() && !striped.is_comparable());
    let mut index = Index::default();
    index.push(&striped);
    assert_eq!(index.search(&striped, 1).found, 0);
}
