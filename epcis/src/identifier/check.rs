//! Check digits and check characters, which find mistyped keys.
//!
//! Consensus-critical: yes

/// The check digit of a string of digits (GS1 General Specifications §7.9.1): from the right, the
/// digits weigh 3, 1, 3, 1, …, and the check digit fills their sum up to a multiple of ten.
pub(super) fn check_digit(body: &str) -> char {
    let sum: u32 = body
        .bytes()
        .rev()
        .zip([3, 1].into_iter().cycle())
        .map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight)
        .sum();
    char::from_digit((10 - sum % 10) % 10, 10).unwrap_or('0')
}

/// The pair of check characters of a model's number (GS1 General Specifications §7.9.5): from the
/// right, the characters' places in character set 82 weigh 2, 3, 5, 7, … and the rest of their sum
/// by 1021 is written with two of 32 characters. None if the text has other characters or too many.
pub(super) fn check_pair(body: &str) -> Option<String> {
    const SET_82: &str =
        "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    const SET_32: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    const PRIMES: [usize; 23] = [
        2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
    ];
    if body.len() > PRIMES.len() {
        return None;
    }
    let mut sum = 0;
    for (character, prime) in body.chars().rev().zip(PRIMES) {
        sum += SET_82.find(character)? * prime;
    }
    let rest = sum % 1021;
    let pair = [SET_32.get(rest / 32)?, SET_32.get(rest % 32)?];
    Some(pair.into_iter().map(|b| char::from(*b)).collect())
}
