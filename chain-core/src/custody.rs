//! Goods: which organisation has them, what contains them, how their lives begin and end. Each
//! action is a file: capturing events, and declaring a product.
//!
//! Consensus-critical: yes

pub mod amount;
pub(crate) mod capture_events;
pub(crate) mod declare_product;
pub mod unit_state;

pub use capture_events::{Holders, Standing, standing};
