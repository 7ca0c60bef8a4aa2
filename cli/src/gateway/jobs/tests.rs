use super::*;

const CHAIN: Hash = [1; 32];

fn report(index: usize, outcome: Outcome) -> EventReport {
    EventReport {
        index,
        outcome,
        transaction: None,
        height: None,
        refusal: None,
    }
}

#[tokio::test]
async fn jobs_are_done_in_order_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let first = jobs.take(b"one", 1, Behaviour::Rollback, 5).unwrap();
    let second = jobs.take(b"two", 2, Behaviour::Proceed, 5).unwrap();
    assert!(first < second);
    assert_eq!(jobs.next().await.id, first);
    jobs.report(&first, report(0, Outcome::Recorded));
    jobs.finish(&first, None, 9).unwrap();
    drop(jobs);
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let next = jobs.next().await;
    assert_eq!(
        (&next.id, next.behaviour, next.events),
        (&second, Behaviour::Proceed, 2)
    );
    assert_eq!(jobs.document(&second).unwrap(), b"two");
    let done = jobs.get(&first).unwrap();
    assert_eq!((done.finished_ms, done.success()), (Some(9), true));
    let newest: Vec<String> = jobs.newest(10).into_iter().map(|j| j.id).collect();
    assert_eq!(newest, [second.clone(), first]);
    // A clock that was put back doesn't put a job before others.
    assert!(jobs.take(b"three", 1, Behaviour::Proceed, 1).unwrap() > second);
}

#[test]
fn a_folder_serves_one_gateway_of_one_organisation() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let refused = |chain: &Hash, organisation| {
        let refused = Jobs::open(folder.path(), chain, organisation)
            .err()
            .unwrap();
        refused.to_string()
    };
    assert!(refused(&CHAIN, "acme").contains("another gateway"));
    drop(jobs);
    assert!(refused(&CHAIN, "other").contains("another chain or organisation"));
    assert!(refused(&[2; 32], "acme").contains("another chain or organisation"));
    std::fs::write(folder.path().join("1.job"), b"{}").unwrap();
    assert!(refused(&CHAIN, "acme").contains("no job of a gateway"));
}

#[test]
fn a_job_fails_with_its_first_refused_event() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let id = jobs.take(b"", 3, Behaviour::Proceed, 1).unwrap();
    let success = || jobs.get(&id).unwrap().success();
    jobs.report(&id, report(0, Outcome::Recorded));
    jobs.report(&id, report(1, Outcome::Skipped));
    assert!(success());
    jobs.report(&id, report(2, Outcome::Refused));
    assert!(!success());
}

#[test]
fn so_many_jobs_may_wait() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    for _ in 0..WAITING {
        jobs.take(b"", 0, Behaviour::Proceed, 1).unwrap();
    }
    let full = jobs.take(b"", 0, Behaviour::Proceed, 1);
    assert!(matches!(full, Err(NotTaken::Full)));
}

#[test]
fn a_reason_names_the_place_in_the_document() {
    let reason = |message: &str| {
        let refusal = Refusal {
            code: 301,
            rule: "a-rule".into(),
            message: message.into(),
        };
        Reason::of(4, &refusal).path
    };
    for (message, path) in [
        (
            "$.epcisBody.eventList[4].action: is missing",
            "$.epcisBody.eventList[4].action",
        ),
        ("$.action: is missing", "$.epcisBody.eventList[4].action"),
        ("$: nothing is named", "$.epcisBody.eventList[4]"),
        ("it is packed already", "$.epcisBody.eventList[4]"),
    ] {
        assert_eq!(reason(message), path);
    }
}
