//! Keys come and go; what they signed in their time stays proven, by the same genesis document.

use std::path::{Path, PathBuf};

use touchstone_core::evidence::open;
use touchstone_tests::cli_user::{CliUser, Judgement, judge};
use touchstone_tests::cluster::{Cluster, Plan};
use touchstone_tests::load;

pub(super) fn unit(number: u64) -> String {
    format!("https://id.gs1.org/01/09521321000018/21/{number}")
}

pub(super) async fn started() -> (Cluster, Vec<CliUser>) {
    let cluster = Cluster::start(&Plan::default());
    for index in 0..4 {
        cluster.wait_for_height(index, 1).await;
    }
    let people = (0..4).map(|index| CliUser::of(&cluster, index)).collect();
    (cluster, people)
}

/// Organisations approve a change, one after the other, until it is in force; at which height.
pub(super) fn approve(people: &[CliUser], arguments: &[&str]) -> u64 {
    for person in people {
        let answer = person.run(&[arguments, &["--json"]].concat()).expect(0);
        if answer.json()["in_force"] == true {
            return answer.json()["effective_height"].as_u64().unwrap();
        }
    }
    panic!("all have approved {arguments:?}, and it is not in force");
}

/// Every validator gets another key, in one change. Its node is started again with it: afterwards, as its status
/// says, or before, and then votes with it by itself.
async fn rotate(cluster: &mut Cluster, people: &[CliUser], keys: &mut [PathBuf], round: u8) {
    for (index, key) in keys.iter_mut().enumerate() {
        let fresh = people[index].new_key(&format!("validator-{round}.pem"));
        let (new, old) = (fresh.display().to_string(), key.display().to_string());
        let change = ["validators", "rotate", "--public-key", &old, "--to", &new];
        let is_prepared = round > 1;
        if is_prepared {
            assert!(cluster.stop(index), "{}", cluster.log(index));
            cluster.vote_next_by(index, &fresh);
            cluster.launch(index);
            cluster.wait_for_height(index, 1).await;
        }
        let replaced = approve(people, &change);
        if !is_prepared {
            let says = "name that one's file as validator_key";
            let status = || people[index].run(&["status"]).expect(0).out;
            let is_told = async || status().contains(says);
            cluster.wait(index, "word of its key", is_told).await;
            assert!(cluster.log(index).contains(says), "{}", cluster.log(index));
            assert!(cluster.stop(index), "{}", cluster.log(index));
            cluster.vote_by(index, &fresh);
            cluster.launch(index);
        }
        for node in 0..4 {
            cluster.wait_for_height(node, replaced).await;
        }
        *key = fresh;
    }
}

fn validators(judged: &Judgement) -> Vec<String> {
    let list = judged.report["facts"]["validators"].as_array().unwrap();
    let key = |v: &serde_json::Value| v["public_key"].as_str().unwrap().to_owned();
    list.iter().map(key).collect()
}

fn set_changes(file: &Path) -> usize {
    open(&std::fs::read(file).unwrap())
        .unwrap()
        .validator_set_changes
        .len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_outlives_two_rotations_of_all_validator_keys() {
    let (mut cluster, people) = started().await;
    let genesis = cluster.genesis_file();
    let judged = |file: &Path| judge(file, Some(&genesis), &[]);
    let witness = &people[1];
    witness.capture(&load::event(1)).expect(0);
    let before = witness.evidence(&unit(1), "before.evidence", &[]);
    let first = judged(&before);
    assert_eq!((first.code, set_changes(&before)), (0, 0));

    let mut keys: Vec<PathBuf> = (0..4)
        .map(|index| cluster.node_folder(index).join("validator.pem"))
        .collect();
    rotate(&mut cluster, &people, &mut keys, 1).await;
    rotate(&mut cluster, &people, &mut keys, 2).await;
    witness.capture(&load::event(2)).expect(0);

    // The old file says what it said, though none of those who signed it vote any more.
    let said = |judgement: &Judgement| {
        let mut report = judgement.report.clone();
        report["examined_ms"].take();
        report
    };
    assert_eq!(said(&judged(&before)), said(&first));
    for (number, recorded) in [(1, "before the rotations"), (2, "after them")] {
        let name = format!("{number}.evidence");
        let file = witness.evidence(&unit(number), &name, &[]);
        let judged = judged(&file);
        assert_eq!(judged.code, 0, "recorded {recorded}: {}", judged.report);
        // Each of four keys was replaced, twice.
        assert_eq!(set_changes(&file), 8);
        let found = judged.findings("validators");
        assert!(
            found.contains("decided by the set before it: 8\""),
            "{found}"
        );
        let now = validators(&judged);
        assert_eq!(now.len(), 4);
        assert!(validators(&first).iter().all(|key| !now.contains(key)));
    }
    // Somebody who has never asked before follows the same way from genesis.
    let cache = witness.path("nothing-yet").display().to_string();
    let asked = witness
        .run(&["item", &unit(2), "--cache", &cache])
        .expect(0);
    assert!(asked.out.contains("VERIFIED complete"), "{}", asked.out);
    for (index, key) in keys.iter().enumerate() {
        let status = people[index].run(&["status", "--json"]).expect(0).json();
        assert_eq!(status["claimed"]["validator"], true, "{}", key.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_retired_key_signed_before_stays_good() {
    let (cluster, mut people) = started().await;
    let genesis = cluster.genesis_file();
    let person = &mut people[1];
    person.capture(&load::event(1)).expect(0);
    let early = person.evidence(&unit(1), "early.evidence", &[]);
    let fresh = person.new_key("fresh.pem").display().to_string();
    let old = person.key.display().to_string();
    let change = ["keys", "add", &fresh, "--retire", &old, "--json"];
    let retired = person.run(&change).expect(0).json()["height"].clone();

    let late = person.evidence(&unit(1), "late.evidence", &[]);
    let judged = judge(&late, Some(&genesis), &[]);
    assert_eq!((judged.code, judged.result("keys")), (0, "passed"));
    let found = judged.findings("keys");
    for expected in [
        // Only the new key remained: a thief begins so.
        &format!("was retired at height {retired}, where only keys remained"),
        "that is contested; it signed before that",
    ] {
        assert!(found.contains(expected), "{found}");
    }
    // A file from before can't know of it, and stays good.
    let judged = judge(&early, Some(&genesis), &[]);
    assert_eq!(judged.code, 0);
    assert!(!judged.findings("keys").contains("retired"));

    let refused = person.capture(&load::event(2)).expect(2);
    assert!(refused.err.contains("key-validity"), "{refused:?}");
    person.key = fresh.into();
    person.capture(&load::event(2)).expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stolen_key_signed_is_doubtful_from_the_reported_date_on() {
    let (cluster, mut people) = started().await;
    let genesis = cluster.genesis_file();
    let judged = |file: &Path| judge(file, Some(&genesis), &[]);
    let person = &mut people[2];
    person.capture(&load::event(1)).expect(0);
    person.capture(&load::event(2)).expect(0);
    let unreported = person.evidence(&unit(2), "unreported.evidence", &[]);
    let first = judged(&unreported);
    assert_eq!(first.code, 0);
    let recorded_ms = &first.report["facts"]["transactions"][0]["time_ms"];
    let since = rfc3339(recorded_ms.as_u64().unwrap());

    let stolen = person.key.clone();
    let fresh = person.new_key("fresh.pem");
    person
        .run(&["keys", "add", &fresh.display().to_string()])
        .expect(0);
    person.key = fresh.clone();
    let report = ["keys", "compromise", &stolen.display().to_string()];
    person
        .run(&[&report[..], &["--since", &since]].concat())
        .expect(0);

    let before = judged(&person.evidence(&unit(1), "before.evidence", &[]));
    assert_eq!((before.code, before.result("keys")), (0, "passed"));
    let found = before.findings("keys");
    assert!(
        found.contains("what it signed here is from before"),
        "{found}"
    );
    let after = judged(&person.evidence(&unit(2), "after.evidence", &[]));
    assert_eq!((after.code, after.result("keys")), (6, "reservation"));
    assert_eq!(after.with_result("reservation"), ["keys"]);
    // The reporting key is newer than the reported time, as a thief's would be.
    assert!(after.findings("keys").contains("CONTESTED"));
    // A file from before the report says what was known then.
    assert_eq!(judged(&unreported).code, 0);

    person.key = stolen;
    let refused = person.capture(&load::event(3)).expect(2);
    assert!(refused.err.contains("key-validity"), "{refused:?}");
    person.key = fresh;
    person.capture(&load::event(3)).expect(0);
}

/// A time in milliseconds as `keys compromise` reads it.
pub(super) fn rfc3339(time_ms: u64) -> String {
    let mut date = std::process::Command::new("date");
    date.args(["-u", "+%Y-%m-%dT%H:%M:%S", "-d"]);
    date.arg(format!("@{}", time_ms / 1000));
    let text = touchstone_tests::cli_user::Ran::of(&mut date).expect(0).out;
    format!("{}.{:03}Z", text.trim(), time_ms % 1000)
}
