//! Proofs: one `verify` each, over plain values, without I/O.
//!
//! Consensus-critical: no

pub mod authorisation;
pub mod checkpoint;
pub mod deposit;
pub mod header;
pub mod item_history;
pub mod items;
pub mod juror_tree;
pub mod link;
pub mod look_alikes;
pub mod master_data;
pub mod multiproof;
pub mod page;
pub mod review;
pub mod sealed_file;
pub mod state;
pub mod transaction_tree;
mod tree;
pub mod vouching;
