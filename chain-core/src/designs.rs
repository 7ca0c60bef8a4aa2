//! Original designs: commitments and their disclosure. Each action is a file.
//!
//! Consensus-critical: yes

pub(crate) mod deposit_design;
pub mod design;
pub(crate) mod disclose_design;
pub mod limits;
mod rejection;

pub use rejection::DesignRejection;
pub mod look_alikes;
pub(crate) mod publish_fingerprints;
pub(crate) mod vouch_for_designer;
pub mod vouching;
pub(crate) mod withdraw_vouching;
