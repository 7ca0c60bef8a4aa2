//! A light client of Touchstone's ledger: it asks one node and believes none.
//!
//! All that it trusts is the genesis document. From it, validators are followed to today; every header must carry
//! their certificate, and every value its path to that header's root ([`verification`]). So an answer is proven
//! complete or proven absent, as of a block that [`AsOf`] keeps account of. What a client proved at a height, also
//! in an earlier run ([`Cache`]), is never answered from below it.
//!
//! It knows no terminal and prints nothing; whoever shows its answers says as of which block they are.
//!
//! ```no_run
//! use touchstone_client::{Client, Options, item_history};
//! use touchstone_core::genesis::Genesis;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let genesis = Genesis::read(&std::fs::read("genesis.json")?)?;
//! let mut client = Client::connect("https://node.example.org:26650", genesis, Options::default()).await?;
//! let history = item_history::read(&mut client, "https://id.gs1.org/00/095212340000000150").await?;
//! let as_of = client.as_of().blocks().ok_or("no answer")?;
//! println!("{} events as of block {}", history.steps.len(), as_of.oldest.header.height);
//! # Ok(())
//! # }
//! ```
//!
//! What the proofs are worth doesn't depend on a connection: [`Trust`] checks answers wherever they come from.
//!
//! ```
//! use touchstone_client::{NotVerified, Trust};
//! use touchstone_core::genesis::Genesis;
//! use touchstone_core::test_support::genesis_document;
//! use touchstone_proto::node::StateReply;
//!
//! let genesis = Genesis::read(&genesis_document().to_bytes()).unwrap();
//! let trust = Trust::new(genesis);
//! let unsigned = StateReply { key: b"item/x".to_vec(), value: Some(b"mine".to_vec()), ..StateReply::default() };
//! let refused = trust.state(b"item/x", Some(&unsigned)).unwrap_err();
//! assert!(matches!(refused, NotVerified::Header(_)));
//! ```

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

pub mod as_of;
pub mod attested_header;
pub mod cache;
pub mod capture;
pub mod cases;
pub mod client;
pub mod connection;
pub mod custody;
pub mod deposit;
pub mod disputes;
pub mod durable_file;
pub mod earlier;
pub mod error;
pub mod event_log;
pub mod item_history;
pub mod items;
pub mod look_alikes;
pub mod master_data;
pub mod regions;
pub mod reviews;
pub mod rights;
pub mod trace;
pub mod verification;
pub mod vouching;

pub use as_of::AsOf;
pub use attested_header::AttestedHeader;
pub use cache::Cache;
pub use client::{Client, Options, RecordedTransaction, Signer, TransactionOutcome};
pub use connection::{ClientIdentity, ClientTls};
pub use error::ClientError;
pub use verification::{NotVerified, Trust};
