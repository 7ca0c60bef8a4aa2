//! Goods: which organisation has them, what contains them, how their lives begin and end. Each
//! action is a file: capturing events, and declaring a product.
//!
//! Consensus-critical: yes

pub mod amount;
pub(crate) mod capture_events;
pub(crate) mod declare_product;
mod holders;
mod item_cache;
mod limits;
mod rejection;
mod status;
pub mod unit_state;

use crate::governance::company_prefix;

pub use holders::Holders;
pub use rejection::CustodyRejection;
pub use status::{CustodyStatus, status};

/// Whether somebody can have what a canonical identifier names. Places, parties and relations of
/// service (GLN, GSRN) are named in events too, and nobody hands them over.
pub fn is_holdable(identifier: &str) -> bool {
    let key = company_prefix::key_of(identifier);
    !matches!(key, Some(("414" | "417" | "8017" | "8018", _)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_parties_are_nobodys_goods() {
        let holdable = |ai: &str| is_holdable(&format!("https://id.gs1.org/{ai}/9521321000018"));
        for ai in ["414", "417", "8017", "8018"] {
            assert!(!holdable(ai), "{ai}");
        }
        for ai in [
            "00", "01", "253", "255", "401", "402", "8003", "8004", "8006", "8010",
        ] {
            assert!(holdable(ai), "{ai}");
        }
        assert!(is_holdable("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
    }
}
