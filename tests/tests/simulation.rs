//! A thousand runs with faults, a few calm ones, and ways of breaking the rules that must be noticed.
//! `TOUCHSTONE_SEEDS` is the number of seeds in each of the eight tests of faults, if the usual one
//! won't do.

use std::collections::BTreeSet;

use touchstone_tests::faults::simulated::seeds_until_noticed;
use touchstone_tests::simulation::checks::Broken;
use touchstone_tests::simulation::plan::{Byzantine, NewGuard, Plan, Sabotage};
use touchstone_tests::simulation::{Report, run};

/// Runs of each test with four validators, and of each with seven.
const SEEDS_OF_FOUR: u64 = 175;
const SEEDS_OF_SEVEN: u64 = 75;

/// Seeds within which a check must notice what is broken.
const SEEDS_OF_SABOTAGE: u64 = 60;

fn must_hold(plan: &Plan) -> Report {
    run(plan).unwrap_or_else(|failure| panic!("{failure}"))
}

/// The runs of one part; every part has seeds of its own.
fn runs(validators: usize, part: u64, usual: u64) {
    let given = std::env::var("TOUCHSTONE_SEEDS").ok();
    let count = given.and_then(|n| n.parse().ok()).unwrap_or(usual);
    let mut committed = 0;
    for seed in 0..count {
        committed += must_hold(&Plan::new(validators, part << 32 | seed)).height;
    }
    assert!(committed >= count, "hardly anything was committed");
}

#[test]
fn four_validators_stand_faults_1() {
    runs(4, 0, SEEDS_OF_FOUR);
}

#[test]
fn four_validators_stand_faults_2() {
    runs(4, 1, SEEDS_OF_FOUR);
}

#[test]
fn four_validators_stand_faults_3() {
    runs(4, 2, SEEDS_OF_FOUR);
}

#[test]
fn four_validators_stand_faults_4() {
    runs(4, 3, SEEDS_OF_FOUR);
}

#[test]
fn seven_validators_stand_faults_1() {
    runs(7, 0, SEEDS_OF_SEVEN);
}

#[test]
fn seven_validators_stand_faults_2() {
    runs(7, 1, SEEDS_OF_SEVEN);
}

#[test]
fn seven_validators_stand_faults_3() {
    runs(7, 2, SEEDS_OF_SEVEN);
}

#[test]
fn seven_validators_stand_faults_4() {
    runs(7, 3, SEEDS_OF_SEVEN);
}

/// A validator precommits in round 1, takes a polka of round 0 again and votes by it in round 2; then all lose power.
#[test]
fn a_polka_that_was_taken_twice_is_replayed_twice() {
    must_hold(&Plan::new(4, 23_089_744_202_981));
}

/// Without trouble every block is decided in its first round: a timer that elapsed although it
/// was cancelled would show here.
#[test]
fn calm_networks_decide_in_the_first_round() {
    for validators in [1, 2, 3, 4, 7] {
        for seed in 0..10 {
            let report = must_hold(&Plan::calm(validators, seed));
            assert_eq!(report.counts.slow_rounds, 0);
            assert_eq!(report.counts.refused, 0);
        }
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in 0..20 {
        let plan = Plan::new(4, seed);
        assert_eq!(must_hold(&plan), must_hold(&plan));
    }
    let digests: BTreeSet<u64> = (0..20)
        .map(|s| must_hold(&Plan::new(4, s)).digest)
        .collect();
    assert_eq!(digests.len(), 20, "other seeds give other runs");
}

/// Faults do happen: a simulation in which nothing goes wrong would prove nothing.
#[test]
fn faults_do_happen() {
    let reports: Vec<Report> = (0..40).map(|s| must_hold(&Plan::new(4, s))).collect();
    let total = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    assert!(total(|r| r.counts.crashes) > 100);
    assert!(total(|r| r.counts.disk_failures) > 10);
    assert!(total(|r| r.counts.slow_rounds) > 50);
    assert!(total(|r| r.counts.refused) > 50);
    assert!(total(|r| r.accusations) > 10);
}

/// On a network without trouble, whoever signs two different things is found out. (That *each*
/// contradiction which reached a node is reported is checked in every run.)
#[test]
fn equivocators_are_accused() {
    for kind in [Byzantine::Twins, Byzantine::Equivocator] {
        let plans = (0..20).map(|seed| Plan {
            byzantine: Some(vec![kind]),
            ..Plan::calm(4, seed)
        });
        let accused = plans.filter(|plan| must_hold(plan).accusations > 0);
        assert!(accused.count() >= 10, "{kind:?} went unnoticed");
    }
}

/// Every bug that is put around the machines on purpose shows, and as what it is.
#[test]
fn each_seeded_bug_is_noticed() {
    let unnoticed: Vec<Sabotage> = Sabotage::ALL
        .into_iter()
        .filter(|bug| seeds_until_noticed(*bug).is_none())
        .collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
    assert!(Sabotage::ALL.len() >= 20);
}

/// Without a bug, the same runs hold: what is noticed is the bug.
#[test]
fn the_runs_of_the_bugs_hold_without_them() {
    for bug in Sabotage::ALL {
        let plan = Plan {
            sabotage: None,
            replaced_disk: None,
            ..bug.plan(1)
        };
        must_hold(&plan);
    }
}

/// Each kind of dishonest validator is borne, one of four and two of seven.
#[test]
fn each_kind_of_dishonest_validator_is_borne() {
    for kind in Byzantine::ALL {
        for (validators, count, seeds) in [(4, 1, 12), (7, 2, 4)] {
            for seed in 0..seeds {
                must_hold(&Plan {
                    byzantine: Some(vec![kind; count]),
                    ..Plan::new(validators, 11 << 32 | seed)
                });
            }
        }
    }
}

/// Runs sabotaged seeds; the rules whose breaking was noticed.
fn noticed(validators: usize, sabotage: Sabotage) -> BTreeSet<Broken> {
    (0..SEEDS_OF_SABOTAGE)
        .filter_map(|seed| run(&Plan::new(validators, seed).sabotaged(sabotage)).err())
        .map(|failure| failure.violation.broken)
        .collect()
}

#[test]
fn a_quorum_of_a_third_is_noticed() {
    let broken = noticed(4, Sabotage::QuorumOfAThird);
    assert!(broken.contains(&Broken::Agreement), "{broken:?}");
}

/// A node that has lost its log sits out the height, so that nothing worse happens than that a
/// consortium in which all have lost theirs stands still, or that a body is on too few disks.
#[test]
fn a_lost_log_is_noticed() {
    let broken = noticed(4, Sabotage::LostLog);
    assert!(broken.contains(&Broken::Liveness), "{broken:?}");
    assert!(!broken.contains(&Broken::DoubleSign), "{broken:?}");
    assert!(!broken.contains(&Broken::Agreement), "{broken:?}");
}

#[test]
fn an_ignored_guard_is_noticed() {
    let broken = noticed(4, Sabotage::IgnoredGuard);
    assert!(broken.contains(&Broken::DoubleSign), "{broken:?}");
}

#[test]
fn a_skipped_sync_is_noticed() {
    let broken = noticed(4, Sabotage::SkippedSync);
    assert!(broken.contains(&Broken::Durability), "{broken:?}");
}

#[test]
fn forgotten_evidence_is_noticed() {
    let broken = noticed(4, Sabotage::ForgottenEvidence);
    assert!(broken.contains(&Broken::MissedAccusation), "{broken:?}");
}

/// A validator whose disk is replaced while a height is open, all starting together, signs nothing
/// that contradicts what it has forgotten, and signs again at last.
#[test]
fn a_replaced_disk_never_signs_twice() {
    for (validators, seeds) in [(4, 150), (7, 50)] {
        for seed in 0..seeds {
            let plan = Plan::new(validators, 9 << 32 | seed);
            must_hold(&plan.with_replaced_disk(NewGuard::Unknown));
        }
    }
}

/// The same with a guard that permits everything, as a new validator's does.
#[test]
fn a_replaced_disk_with_a_blank_guard_is_noticed() {
    let broken: BTreeSet<Broken> = (0..SEEDS_OF_SABOTAGE)
        .filter_map(|seed| {
            let plan = Plan::new(4, 9 << 32 | seed);
            run(&plan.with_replaced_disk(NewGuard::Blank)).err()
        })
        .map(|failure| failure.violation.broken)
        .collect();
    assert!(broken.contains(&Broken::DoubleSign), "{broken:?}");
}
