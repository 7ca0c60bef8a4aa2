//! Limits of vouching and of rights on designs: what keeps records and walks short.
//!
//! Consensus-critical: yes

/// The longest term of a vouching, days: two years.
pub const MAX_VOUCHING_DAYS: u64 = 731;
/// The same in milliseconds.
pub const MAX_VOUCHING_MS: u64 = MAX_VOUCHING_DAYS * 24 * 3_600_000;
/// Designers that one voucher may vouch for in all its life.
pub const MAX_DESIGNERS: u64 = 1_000_000;
/// Bytes of the words about a check, and of a reason.
pub const MAX_WORDS_BYTES: usize = 512;
