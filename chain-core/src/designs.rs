//! Original designs: commitments and their disclosure. Each action is a file.
//!
//! Consensus-critical: yes

pub(crate) mod accept_case;
pub(crate) mod answer_check;
pub(crate) mod answer_notice;
pub(crate) mod answer_transfer;
pub(crate) mod appeal_sanction;
pub(crate) mod attest_mark;
pub mod authorised;
pub mod case_check;
pub mod case_records;
mod case_rejection;
pub mod content;
pub(crate) mod counter_notice;
mod deadline;
pub(crate) mod decide_appeal;
pub(crate) mod deposit_design;
pub mod design;
pub(crate) mod disclose_design;
pub mod dispute;
pub(crate) mod dispute_deadlines;
pub mod drafts;
pub(crate) mod end_licence;
pub(crate) mod end_right;
pub mod field;
pub(crate) mod give_notice;
pub(crate) mod grant_licence;
pub(crate) mod hand_over_case;
pub mod impose_sanction;
pub mod licence;
pub mod limits;
pub mod mark;
pub(crate) mod offer_transfer;
pub(crate) mod record_check;
mod rejection;
pub mod review;
pub mod right;
pub(crate) mod rule_dispute;
pub mod sanction;
pub(crate) mod show_filing;

pub use case_rejection::CaseRejection;
pub use publish_features::FeatureRejection;
pub use rejection::DesignRejection;
pub use review::ReviewRejection;
pub mod look_alikes;
pub(crate) mod publish_features;
pub(crate) mod publish_fingerprints;
pub(crate) mod vouch_for_designer;
pub mod vouching;
pub(crate) mod withdraw_notice;
pub(crate) mod withdraw_vouching;
