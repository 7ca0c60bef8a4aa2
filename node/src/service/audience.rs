//! For whom a port is.

/// For whom a port is. Members see all; everybody gets what one exact identifier, hash or height names, so that
/// anybody who holds a thing can check it and nobody can read out the consortium's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Members of the consortium: their clients, and this machine's.
    Members,
    /// Whoever comes.
    Everybody,
}
