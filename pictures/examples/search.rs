//! How long an exact search takes in all eight variants: `cargo run --release -p touchstone-pictures --example search`.
//!
//! Prints the number searched, and the median and 99th percentile over 200 searches, on one core.

use touchstone_pictures::{Bits, Fingerprint, Index};

#[path = "shared/cpu_clock.rs"]
mod cpu_clock;

use self::cpu_clock::CpuClock;

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() {
    let count: u64 = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000_000);
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut index = Index::default();
    for _ in 0..count {
        index.push(&any(&mut state));
    }
    let mut times: Vec<f64> = Vec::new();
    let mut found = 0;
    for _ in 0..200 {
        let wanted = any(&mut state);
        let clock = CpuClock::start();
        found += index.search(&wanted, count).found;
        times.push(clock.ms());
    }
    times.sort_by(f64::total_cmp);
    println!("searched {count} fingerprints in 8 variants, {found} found");
    println!("median {:.2} ms, p99 {:.2} ms", times[100], times[197]);
}

/// Bits by a seeded xorshift.
fn any(state: &mut u64) -> Fingerprint {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let mut bits = || Bits {
        words: [next(), next(), next(), next()],
    };
    Fingerprint {
        whole: bits(),
        trimmed: bits(),
        whole_quality: 60,
        trimmed_quality: 60,
    }
}
