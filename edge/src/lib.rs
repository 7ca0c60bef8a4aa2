//! What a port owes its owner, for every server of this workspace: the node's gRPC service, its HTTP
//! interface, its peers' port, and the command line's gateway.
//!
//! - [`arrivals`]: how many connections are accepted.
//! - `flooders`: who comes for nothing too often.
//! - `syn_filter`: the system drops a part of what they send.
//! - [`connection_slots`]: so many at once, in total and for each address; who waits longest for its client gives way.
//! - [`budget`]: bytes of answers that clients haven't taken yet, and of requests that haven't come whole.
//! - [`rate`]: how often an address may ask.
//! - [`beginning`]: how conversations begin, and the wait until a client has said so much.
//! - [`door`]: accepts, and holds connections until they speak, on a thread that gives way to all others.
//! - [`server`]: speaks HTTP/1 or HTTP/2 with or without TLS, and holds all deadlines.
//! - [`tls`]: certificates by rustls, read again when their files change.
//! - [`descriptors`]: how many files the process may open, and how many of them the store needs.
//! - [`background`]: threads that work when nothing else wants their core.
//! - [`core_files`]: none, where keys are held.
//! - [`memory`]: in small pages.
//! - [`release`]: which release of the program answers.
//! - [`http`]: what is the same for everybody who speaks EPCIS 2.0 over HTTP.
//!
//! This crate must not know the ledger, nor what is asked or answered.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod arrivals;
pub mod background;
pub mod beginning;
pub mod body;
pub mod budget;
mod caller;
mod connection;
pub mod connection_slots;
pub mod core_files;
pub mod descriptors;
pub mod door;
mod flooders;
pub mod http;
pub mod memory;
mod protocol;
pub mod rate;
pub mod release;
pub mod server;
mod syn_filter;
pub mod tls;

pub use caller::Caller;
pub use protocol::Protocol;
