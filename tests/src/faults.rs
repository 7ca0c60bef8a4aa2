//! Faults on purpose: each kind in a file of its own, counted by one campaign. Seed and number alone decide what a
//! trial is, but for the moments at which real processes are killed.
//!
//! `scripts/faults` runs all of them and prints one table.

pub mod campaign;
pub mod commit_kills;
pub mod corruption;
pub mod disks;
pub mod double_signs;
mod folder;
pub mod inputs;
mod inputs_parsers;
pub mod kills;
mod ledger_of_four;
mod live;
mod mutation;
pub mod perturbations;
mod seats;
pub mod simulated;
pub mod table;
mod tracer;

use self::campaign::Fault;

/// All kinds, in the order of the table.
pub fn all() -> Vec<Box<dyn Fault>> {
    vec![
        Box::new(kills::Kills::ALL),
        Box::new(kills::Kills::SOME),
        Box::new(commit_kills::CommitKills),
        Box::new(disks::Disks::PowerCuts),
        Box::new(disks::Disks::Trouble),
        Box::new(perturbations::Perturbations),
        Box::<corruption::Corruption>::default(),
        Box::<double_signs::DoubleSigns>::default(),
        Box::<inputs::Inputs>::default(),
        Box::new(simulated::Simulated),
        Box::new(simulated::SeededBugs),
    ]
}
