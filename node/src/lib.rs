//! A node: one process that keeps the ledger, agrees on blocks and answers queries.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented
    )
)]

// The testkit's files, which are compiled into the tests here, call this crate by its name.
#[cfg(test)]
extern crate self as touchstone_node;

pub mod admission;
pub mod chain;
pub mod config;
pub mod consensus;
pub mod consensus_thread;
pub mod dispatch;
pub mod http;
pub mod lifecycle;
pub mod mempool;
pub mod network;
mod organisations;
pub mod rpc;
pub mod service;
pub mod storage;
pub mod tasks;
pub mod timestamps;
