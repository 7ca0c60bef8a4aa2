//! What the stories, the benches, the simulation and the forgeries share: consortia of real
//! processes, people at the command line, transactions to feed a ledger with, and the one source of
//! chance.

pub mod authority;
pub mod bench;
pub mod cluster;
pub mod flood;
pub mod forgery;
pub mod load;
pub mod person;
pub mod random;
pub mod simulation;
pub mod testkit;
