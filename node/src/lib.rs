//! A node: one process that keeps the ledger, agrees on blocks and answers queries.
//!
//! Its rooms meet in `lifecycle` and `dispatch` alone: `storage` knows no meaning of blocks, `consensus` no socket and
//! no clock, `network` no meaning of bytes, `service` no protocol; `rpc` and `http` are adapters over `service`. This
//! crate must not know how a client checks an answer or how a person sees it, and holds no rule of the ledger: those
//! are `chain-core`'s.

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

pub mod admin;
pub mod admission;
pub mod chain;
pub mod command_line;
pub mod config;
pub mod consensus;
pub mod consensus_thread;
pub mod dispatch;
pub mod fsck;
pub mod http;
mod in_order;
pub mod key_tables;
pub mod lifecycle;
mod log_pace;
pub mod mempool;
pub mod messages;
pub mod network;
mod organisations;
pub mod rpc;
pub mod scans;
pub mod service;
pub mod storage;
pub mod tasks;
pub mod timestamps;
