//! The consortium: organisations with their roles, keys and company prefixes, and the validators.
//! Each action is a file: a vote on a change, and an organisation's change of its own keys.
//!
//! Consensus-critical: yes

pub(crate) mod approve_change;
pub mod change;
pub(crate) mod change_keys;
pub mod company_prefix;
pub(crate) mod enrollment;
pub(crate) mod key_registry;
pub mod organisation;
pub mod parameters;
mod rejection;
pub mod role;
mod signer;
pub mod validators;

pub use rejection::GovernanceRejection;
pub use signer::may_sign;
