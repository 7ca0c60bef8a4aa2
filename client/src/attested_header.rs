//! A header that is proven, and by whom.

use touchstone_core::block::Header;
use touchstone_core::governance::validators::{Validator, ValidatorSet};

/// A header that validators proven from genesis decided, and who of them signed.
#[derive(Clone, Debug)]
pub struct AttestedHeader {
    /// The header.
    pub header: Header,
    /// Those whose valid signatures the certificate holds.
    pub signers: Vec<Validator>,
    /// All validators of that height.
    pub validators: ValidatorSet,
}

impl AttestedHeader {
    /// Organisations that signed, each once, ascending.
    pub fn organisations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .signers
            .iter()
            .map(|v| v.organisation.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
