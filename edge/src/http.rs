//! EPCIS 2.0 over HTTP as the node and the gateway both speak it: errors, negotiation, and who may write.

pub mod access;
pub mod negotiate;
pub mod problem;

pub use problem::{Exception, Problem};
