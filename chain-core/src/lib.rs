//! The ledger: what a record is, which rules it must pass, and how an answer about it is proven.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness, no
//! threads. A node drives it, a client checks answers with it, and a simulator replays it.
//! It must not know how blocks are agreed on, stored or sent.
//!
//! Consensus-critical: no

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "tests read their data from files"
    )
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented
    )
)]

pub mod block;
pub mod commit_certificate;
pub mod custody;
pub mod designs;
pub mod encoding;
pub mod evidence;
pub mod execution;
pub mod fault;
pub mod genesis;
pub mod governance;
pub mod hash;
pub mod master_data;
pub mod proof;
pub mod rejection;
pub mod rules;
pub mod signing;
pub mod state;
pub mod timestamp;
pub mod trace;
pub mod transaction;

pub use fault::Fault;
pub use hash::Hash;
pub use rejection::Rejection;

#[cfg(any(test, feature = "test-support"))]
#[allow(
    clippy::disallowed_methods,
    reason = "the testkit reads its data from files"
)]
pub mod test_support;
