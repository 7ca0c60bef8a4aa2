use super::*;
use touchstone_client::capture::EventRefusal;

const CHAIN: Hash = [1; 32];

fn holding(events: usize, behaviour: ErrorBehaviour) -> Contents {
    Contents {
        events,
        elements: 0,
        behaviour,
        warnings: Vec::new(),
    }
}

fn report(index: usize, outcome: JobOutcome) -> EventReport {
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
    let first = jobs
        .take(b"one", holding(1, ErrorBehaviour::Rollback), 5)
        .unwrap();
    let second = jobs
        .take(b"two", holding(2, ErrorBehaviour::Proceed), 5)
        .unwrap();
    assert!(first < second);
    assert_eq!(jobs.next().await.id, first);
    jobs.report(&first, report(0, JobOutcome::Recorded));
    jobs.finish(&first, None, 9).unwrap();
    drop(jobs);
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let next = jobs.next().await;
    assert_eq!(
        (&next.id, next.behaviour, next.events),
        (&second, ErrorBehaviour::Proceed, 2)
    );
    assert_eq!(jobs.document(&second).unwrap(), b"two");
    let done = jobs.get(&first).unwrap();
    assert_eq!((done.finished_ms, done.success()), (Some(9), true));
    let newest: Vec<String> = jobs
        .newest(10, |_| true)
        .into_iter()
        .map(|j| j.id)
        .collect();
    assert_eq!(newest, [second.clone(), first]);
    // A clock that was put back doesn't put a job before others.
    assert!(
        jobs.take(b"three", holding(1, ErrorBehaviour::Proceed), 1)
            .unwrap()
            > second
    );
}

/// A job of many events takes as much memory as many jobs, and a start reads all of them.
#[test]
fn finished_jobs_are_kept_by_what_is_told_of_them_too() {
    let folder = tempfile::tempdir().unwrap();
    let open = |most| Jobs::open_within(folder.path(), &CHAIN, "acme", most).unwrap();
    let jobs = open((100, 25));
    let ids: Vec<String> = (0..4)
        .map(|now_ms| {
            let what = holding(10, ErrorBehaviour::Proceed);
            let id = jobs.take(b"document", what, now_ms).unwrap();
            if now_ms < 3 {
                (0..10).for_each(|event| jobs.report(&id, report(event, JobOutcome::Recorded)));
                jobs.finish(&id, None, now_ms).unwrap();
            }
            id
        })
        .collect();
    let kept = |jobs: &Jobs| -> Vec<bool> { ids.iter().map(|id| jobs.get(id).is_some()).collect() };
    assert_eq!(kept(&jobs), [false, true, true, true]);
    assert!(!folder.path().join(format!("{}.job", ids[0])).exists());
    drop(jobs);
    // What waits is never forgotten.
    assert_eq!(kept(&open((100, 0))), [false, false, false, true]);
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
}

#[test]
fn a_job_fails_with_its_first_refused_event() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let id = jobs
        .take(b"", holding(3, ErrorBehaviour::Proceed), 1)
        .unwrap();
    let success = || jobs.get(&id).unwrap().success();
    for (index, outcome) in [(0, JobOutcome::Recorded), (1, JobOutcome::Skipped)] {
        jobs.report(&id, report(index, outcome));
        assert!(!success());
    }
    jobs.report(&id, report(2, JobOutcome::Refused));
    jobs.finish(&id, None, 2).unwrap();
    assert!(!success());
}

/// Success needs an outcome for each event: no end of a job makes up for one that is missing.
#[test]
fn a_job_without_an_outcome_for_each_event_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    for (events, decided) in [(0, 0), (1, 0), (3, 2), (3, 3)] {
        let id = jobs
            .take(b"", holding(events, ErrorBehaviour::Proceed), 1)
            .unwrap();
        for index in 0..decided {
            jobs.report(&id, report(index, JobOutcome::Recorded));
            assert!(!jobs.get(&id).unwrap().success(), "it is running");
        }
        jobs.finish(&id, None, 2).unwrap();
        let job = jobs.get(&id).unwrap();
        let is_whole = events > 0 && events == decided;
        assert_eq!((job.success(), job.failure.is_none()), (is_whole, is_whole));
        let away = Failure::Unreachable("away".into());
        jobs.finish(&id, Some(&away), 2).unwrap();
        assert!(!jobs.get(&id).unwrap().success());
    }
}

#[test]
fn so_many_jobs_may_wait() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    for _ in 0..WAITING {
        jobs.take(b"", holding(0, ErrorBehaviour::Proceed), 1)
            .unwrap();
    }
    let full = jobs.take(b"", holding(0, ErrorBehaviour::Proceed), 1);
    assert!(matches!(full, Err(NotTaken::Full)));
}

#[test]
fn a_reason_names_the_place_in_the_document() {
    let reason = |message: &str| {
        let refusal = EventRefusal {
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

/// What a power cut may leave of the files is put right, and no job that was told of is lost.
#[test]
fn damaged_files_are_recovered() {
    const DOCUMENT: &str = include_str!("../../../../tests/data/epcis/xml/ObjectEvent.xml");
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let events = crate::capture::source::of_document("", DOCUMENT.as_bytes(), u64::MAX)
        .events
        .len();
    let behaviour = ErrorBehaviour::Rollback;
    let id = jobs
        .take(DOCUMENT.as_bytes(), holding(events, behaviour), 5)
        .unwrap();
    let path = |name: &str| folder.path().join(name);
    let job = jobs.get(&id).unwrap();
    drop(jobs);
    for name in ["owner.json".to_owned(), format!("{id}.job")] {
        let whole = std::fs::read(path(&name)).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            for filler in [None, Some(0u8)] {
                let mut damaged = whole[..length].to_vec();
                damaged.resize(filler.map_or(length, |_| whole.len()), 0);
                std::fs::write(path(&name), damaged).unwrap();
                let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
                assert_eq!(jobs.get(&id), Some(job.clone()), "{name} cut at {length}");
                assert_eq!(std::fs::read(path(&name)).unwrap(), whole);
            }
        }
    }
    // Without its document too, it is told of as failed.
    std::fs::write(path(&format!("{id}.job")), b"").unwrap();
    std::fs::write(path(&format!("{id}.epcis")), b"").unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let lost = jobs.get(&id).unwrap();
    assert!(lost.finished_ms.is_some() && !lost.success());
    assert!(lost.failure.unwrap().contains("send the document again"));
}

/// A document whose job never came to the disk was never told of; a half-written file is no job.
#[test]
fn what_was_never_told_of_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "0005.epcis",
        "0006.job.touchstone-part",
        "owner.json.touchstone-part",
    ] {
        std::fs::write(folder.path().join(name), b"{").unwrap();
    }
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    assert_eq!(jobs.newest(10, |_| true), []);
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Whose captures a folder holds is known from its journals where `owner.json` is damaged.
#[test]
fn a_damaged_owner_gives_the_folder_to_nobody_else() {
    use touchstone_client::capture::Journal;
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let id = jobs
        .take(b"", holding(1, ErrorBehaviour::Proceed), 5)
        .unwrap();
    drop(Journal::open(&jobs.journal(&id), &CHAIN, "acme").unwrap());
    drop(jobs);
    std::fs::write(folder.path().join("owner.json"), b"").unwrap();
    let refused = Jobs::open(folder.path(), &CHAIN, "other").err().unwrap();
    assert!(
        refused
            .to_string()
            .contains("another chain or organisation")
    );
    assert!(Jobs::open(folder.path(), &CHAIN, "acme").is_ok());
}

/// An act is signed when it comes in, and its transaction is the same whatever becomes of its files.
#[test]
fn an_act_keeps_its_transaction_through_a_damaged_job() {
    let folder = tempfile::tempdir().unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    let signer = Signer {
        organisation: "acme".into(),
        key: ed25519_dalek::SigningKey::from_bytes(&[1; 32]),
    };
    let action = Action::DeclareProduct(ledger::DeclareProduct::default());
    let id = jobs
        .take_act(&signer, &CHAIN, action, "declare", Vec::new(), 7)
        .unwrap();
    let (job, envelope) = (jobs.get(&id).unwrap(), jobs.document(&id).unwrap());
    assert!(job.act.is_some());
    drop(jobs);
    std::fs::write(folder.path().join(format!("{id}.job")), b"").unwrap();
    let jobs = Jobs::open(folder.path(), &CHAIN, "acme").unwrap();
    assert_eq!(jobs.get(&id), Some(job));
    assert_eq!(jobs.document(&id).unwrap(), envelope);
}
