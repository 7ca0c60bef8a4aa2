//! Limits of custody: what keeps records, lists and walks short.
//!
//! Consensus-critical: yes

/// A container takes something in while at most this many containers stand around it.
pub const MAX_PACKING_DEPTH: usize = 16;
/// At most this many containers stand around an item.
pub const MAX_CONTAINERS: usize = MAX_PACKING_DEPTH + 1;
/// Offers of one organisation that are open at once.
pub const MAX_OPEN_OFFERS: usize = 1_000;
/// Things and lots of one offer: whoever asks about one of them reads its record.
pub const MAX_OFFERED: usize = 4_096;
/// How long after its block an offer's deadline may be, days.
pub const MAX_OFFER_DAYS: u64 = 366;
/// The same in milliseconds.
pub const MAX_OFFER_MS: u64 = MAX_OFFER_DAYS * 24 * 3_600_000;
/// Organisations that claim one item, beside its holder.
pub const MAX_CLAIMS: usize = 16;
/// Bytes of a discrepancy or a reason.
pub const MAX_STATEMENT_BYTES: usize = 512;
/// Organisations that have some of one lot.
pub const MAX_HOLDINGS: usize = 1_000;
