//! What the stories, the benches, the simulation and the forgeries share: consortia of real
//! processes, people at the command line, transactions to feed a ledger with, and the one source of
//! chance. It may know everything, and nothing that ships may know it.

pub mod attackers;
pub mod authority;
pub mod bench;
pub mod cli_user;
pub mod cluster;
pub mod faults;
pub mod flood;
pub mod forgery;
pub mod load;
pub mod machine;
pub mod random;
pub mod siege;
pub mod simulation;
pub mod sink;
pub mod testkit;
