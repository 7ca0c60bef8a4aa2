//! How long an exact search takes in all eight variants: `cargo run --release -p touchstone-pictures --example search`.
//!
//! Arguments: how many fingerprints are searched, and a file of what `fingerprints` printed. Those of pictures are
//! repeated, drawn by lot, until there are enough; without a file all bits are drawn by lot. Pictures resemble each
//! other more than bits drawn by lot do, so that less of them can be passed over early. Prints the number searched, and
//! the median and 99th percentile over 200 searches, on one core.

use touchstone_pictures::{Bits, Fingerprint, Index};

#[path = "shared/cpu_clock.rs"]
mod cpu_clock;

use self::cpu_clock::CpuClock;

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let file = arguments.next();
    let known = file.as_deref().map(of_pictures).transpose()?;
    let mut lot = Lot(0x9e37_79b9_7f4a_7c15);
    let mut draw = || match &known {
        Some(known) => lot.one_of(known),
        None => lot.fingerprint(),
    };
    let mut index = Index::default();
    for _ in 0..count {
        index.push(&draw());
    }
    let mut times: Vec<f64> = Vec::new();
    let mut found = 0;
    for _ in 0..200 {
        let wanted = draw();
        let clock = CpuClock::start();
        found += index.search(&wanted, count).found;
        times.push(clock.ms());
    }
    times.sort_by(f64::total_cmp);
    let what = match &known {
        Some(known) => format!("those of {} pictures, repeated", known.len()),
        None => "bits drawn by lot".to_owned(),
    };
    println!("searched {count} fingerprints in 8 variants ({what}), {found} found");
    println!("median {:.2} ms, p99 {:.2} ms", times[100], times[197]);
    Ok(())
}

/// Those that can be compared.
fn of_pictures(file: &str) -> Result<Vec<Fingerprint>, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(file)?;
    let mut known = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('-')) {
        let fields: Vec<&str> = line.split(' ').collect();
        let [whole, trimmed, whole_quality, trimmed_quality, ..] = fields[..] else {
            return Err(format!("not a line of fingerprints: {line}").into());
        };
        let bits = |field| Ok::<_, Box<dyn std::error::Error>>(Bits::from_bytes(&bytes(field)?));
        let one = Fingerprint {
            whole: bits(whole)?,
            trimmed: bits(trimmed)?,
            whole_quality: whole_quality.parse()?,
            trimmed_quality: trimmed_quality.parse()?,
        };
        known.extend(one.is_comparable().then_some(one));
    }
    if known.is_empty() {
        return Err(format!("{file} has no fingerprint to compare").into());
    }
    Ok(known)
}

fn bytes(field: &str) -> Result<[u8; 32], Box<dyn std::error::Error>> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(field, &mut bytes)?;
    Ok(bytes)
}

/// A seeded xorshift.
struct Lot(u64);

impl Lot {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn one_of(&mut self, known: &[Fingerprint]) -> Fingerprint {
        known[(self.next() >> 32) as usize % known.len()]
    }

    fn fingerprint(&mut self) -> Fingerprint {
        let mut bits = || Bits {
            words: [self.next(), self.next(), self.next(), self.next()],
        };
        Fingerprint {
            whole: bits(),
            trimmed: bits(),
            whole_quality: 60,
            trimmed_quality: 60,
        }
    }
}
