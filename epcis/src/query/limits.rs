//! How much a query may ask.
//!
//! Consensus-critical: no

/// Parameters of one query, at most.
pub const MAX_PARAMETERS: usize = 64;
/// Values of one query's parameters together, at most.
pub const MAX_VALUES: usize = 1000;
/// Bytes of a value, at most.
pub const MAX_VALUE_BYTES: usize = 2048;
