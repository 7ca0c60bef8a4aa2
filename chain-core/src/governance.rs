//! The consortium: organisations with their roles, keys and company prefixes, and the validators.
//! Each action is a file: a vote on a change, and an organisation's change of its own keys. Changes that are voted
//! on have files of their own.
//!
//! Consensus-critical: yes

pub(crate) mod approve_change;
pub mod beacon;
pub mod change;
pub mod change_keys;
pub mod company_prefix;
pub mod dispute_terms;
pub(crate) mod enrollment;
pub mod hash_chain;
mod key_changes;
pub(crate) mod key_registry;
pub mod organisation;
pub mod parameters;
pub mod proposer_turns;
pub mod protocol;
mod recover_keys;
mod rejection;
pub mod review_terms;
pub mod role;
mod signer;
pub mod standing;
pub mod validators;
pub mod voucher;

pub use rejection::GovernanceRejection;
pub use signer::may_sign;
