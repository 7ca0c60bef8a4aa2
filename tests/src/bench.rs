//! What `scripts/bench` measures: the ledger under load, PostgreSQL under the same, and the limit that signatures set.

pub mod cpu_time;
pub mod growth;
pub mod latency;
pub mod ledger;
pub mod limit;
pub mod lone_chain;
pub mod numbers;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod reads;
pub mod report;
