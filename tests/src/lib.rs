//! What the stories, the benches, the simulation and the forgeries share: consortia of real
//! processes, transactions to feed them, and the one source of chance.

pub mod authority;
pub mod cluster;
pub mod forgery;
pub mod load;
pub mod random;
pub mod simulation;
