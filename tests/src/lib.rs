//! What the stories, the benches and the simulation share: consortia of real processes, and
//! transactions to feed them.

pub mod cluster;
pub mod load;
pub mod simulation;
