//! A node: one process that keeps the ledger, agrees on blocks and answers queries.

pub mod chain;
pub mod consensus;
pub mod mempool;
pub mod network;
pub mod storage;
