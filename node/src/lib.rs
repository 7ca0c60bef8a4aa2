//! A node: one process that keeps the ledger, agrees on blocks and answers queries.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::todo,
        clippy::unimplemented
    )
)]

pub mod admission;
pub mod assembly;
pub mod chain;
pub mod config;
pub mod consensus;
pub mod engine;
pub mod http;
pub mod mempool;
pub mod network;
mod organisations;
pub mod router;
pub mod rpc;
pub mod storage;
pub mod tasks;
pub mod timestamps;
