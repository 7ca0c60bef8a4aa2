//! Each kind of fault on purpose in its short form: nothing breaks. `scripts/faults` runs them at length.

use std::time::Duration;

use touchstone_tests::faults::campaign::{Fault, Settings, run};
use touchstone_tests::faults::commit_kills::CommitKills;
use touchstone_tests::faults::corruption::Corruption;
use touchstone_tests::faults::disks::Disks;
use touchstone_tests::faults::double_signs::{Attempt, DoubleSigns};
use touchstone_tests::faults::inputs::Inputs;
use touchstone_tests::faults::kills::Kills;
use touchstone_tests::faults::perturbations::Perturbations;
use touchstone_tests::faults::table;

/// Runs a fault's short form; what came of it.
fn must_hold(fault: Box<dyn Fault>) -> Vec<String> {
    let settings = Settings {
        seed: 1,
        time: Duration::from_secs(24 * 60 * 60),
        is_short: true,
        trials: None,
        kept_in: None,
    };
    let rows = run(&[fault], &settings, |_| {}).expect("nothing is kept in a file");
    let figures = &rows[0].figures;
    let told = table::text(&rows);
    // What a machine can't do it says; nothing else is left out.
    let mut outcomes = figures.outcomes.keys();
    let is_possible = !outcomes.any(|outcome| outcome.starts_with("not possible here"));
    let wanted = if is_possible { rows[0].wanted } else { 0 };
    assert_eq!((figures.trials, figures.broken), (wanted, 0), "{told}");
    figures.outcomes.keys().cloned().collect()
}

#[test]
fn killed_nodes_lose_nothing() {
    must_hold(Box::new(Kills::ALL));
    must_hold(Box::new(Kills::SOME));
}

/// At each point of a commit at which a kill can leave something else on the disk.
#[test]
fn a_node_killed_at_any_point_of_a_commit_loses_nothing() {
    must_hold(Box::new(CommitKills));
}

#[test]
fn a_power_cut_of_all_loses_nothing() {
    must_hold(Box::new(Disks::PowerCuts));
}

/// A full disk, and syncs that fail: whoever can't write stops, and nothing is lost.
#[test]
fn disks_in_trouble_lose_nothing() {
    must_hold(Box::new(Disks::Trouble));
}

#[test]
fn disturbed_nodes_go_on_and_agree() {
    must_hold(Box::new(Perturbations));
}

/// Every way out shows among a few.
#[test]
fn corrupted_files_are_refused_or_repaired() {
    let outcomes = must_hold(Box::<Corruption>::default());
    for way in ["answers rightly", "repairs itself", "refuses"] {
        let is_there = outcomes.iter().any(|outcome| outcome.starts_with(way));
        assert!(is_there, "{way} is not among {outcomes:?}");
    }
}

#[test]
fn no_attempt_makes_a_validator_sign_twice() {
    let outcomes = must_hold(Box::<DoubleSigns>::default());
    assert!(outcomes.len() > Attempt::ALL.len(), "{outcomes:?}");
}

#[test]
fn mutated_inputs_make_nothing_panic() {
    must_hold(Box::<Inputs>::default());
}
