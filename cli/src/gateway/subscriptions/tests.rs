//! What is kept of subscriptions, and what becomes of those that are told in vain.

use std::path::Path;

use serde_json::json;

use super::*;

fn subscription(id: &str, dest: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        query_name: "seen".to_owned(),
        query: json!({ "EQ_bizStep": ["storing"] }),
        dest: dest.to_owned(),
        token: "a token of twenty-four characters".to_owned(),
        timing: DeliveryTiming::Stream,
        report_if_empty: false,
        digital_links: false,
        created_ms: 0,
        initial_ms: None,
        next: ChainPlace {
            height: 1,
            event: 0,
        },
        read_ms: None,
        due_ms: None,
        run: None,
        notified_ms: None,
        failing_ms: None,
        error: None,
        suspended: false,
    }
}

fn open(folder: &Path) -> Subscriptions {
    Subscriptions::open(folder).unwrap()
}

#[test]
fn what_is_taken_outlives_a_stop_and_what_ended_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    for id in ["a", "b"] {
        first
            .begin(subscription(id, "http://erp.example/"))
            .unwrap();
    }
    let place = ChainPlace {
        height: 7,
        event: 3,
    };
    first.change("a", |s| s.was_told(place, 70, 80)).unwrap();
    // Passed over, which is written down now and then.
    let far = |height| ChainPlace { height, event: 0 };
    first.passed_over("b", far(WRITTEN_EVERY), 90).unwrap();
    first.passed_over("b", far(WRITTEN_EVERY + 1), 91).unwrap();
    assert_eq!(first.get("seen", "b").unwrap().next, far(WRITTEN_EVERY + 1));
    let second = open(folder.path());
    let kept = second.get("seen", "a").unwrap();
    assert_eq!((kept.next, kept.notified_ms), (place, Some(80)));
    assert_eq!(second.get("seen", "b").unwrap().next, far(WRITTEN_EVERY));
    assert!(second.get("other", "a").is_none());
    assert!(!second.end("other", "a").unwrap());
    assert!(second.end("seen", "a").unwrap());
    assert!(!second.end("seen", "a").unwrap());
    // What ended while it was told stays ended.
    second.change("a", |s| s.was_told(place, 70, 80)).unwrap();
    let ids: Vec<String> = open(folder.path())
        .all()
        .into_iter()
        .map(|s| s.id)
        .collect();
    assert_eq!(ids, ["b"]);
}

#[cfg(unix)]
#[test]
fn what_signs_is_for_its_owners_eyes_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    open(folder.path())
        .begin(subscription("a", "http://erp.example/"))
        .unwrap();
    let path = folder.path().join("subscriptions/a.subscription");
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn there_are_so_many_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let all = open(folder.path());
    let mut begun = 0;
    for number in 0..200 {
        // Another path is the same server.
        let dest = format!("http://erp{}.example/{number}", number / 30);
        match all.begin(subscription(&format!("{number:03}"), &dest)) {
            Ok(()) => begun += 1,
            Err(NotSubscribed::TooMany(what)) => assert!(what.contains("subscriptions"), "{what}"),
            Err(NotSubscribed::Failed(failure)) => panic!("{failure}"),
        }
        let server = format!("erp{}.example", number / 30);
        let of_one = all
            .all()
            .iter()
            .filter(|s| server_of(&s.dest) == server)
            .count();
        assert!(of_one <= OF_ONE_DESTINATION, "{of_one}");
    }
    assert_eq!((begun, all.all().len()), (SUBSCRIPTIONS, SUBSCRIPTIONS));
    assert!(all.end("seen", "000").unwrap());
    all.begin(subscription("new", "http://other.example/"))
        .unwrap();
}

#[test]
fn a_damaged_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path())
        .begin(subscription("a", "http://erp.example/"))
        .unwrap();
    let path = folder.path().join("subscriptions/a.subscription");
    let whole = std::fs::read_to_string(&path).unwrap();
    for damaged in [
        String::new(),
        whole.replace("\"a\"", "\"b\""),
        whole.replace("EQ_bizStep", "EQ_bizStop"),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let failure = Subscriptions::open(folder.path()).err().unwrap();
        assert!(failure.to_string().contains("a.subscription"), "{failure}");
    }
}

#[test]
fn an_address_that_takes_nothing_is_told_for_three_days() {
    let mut told = subscription("a", "http://erp.example/");
    told.was_not_told("no".into(), false, 1000);
    told.was_not_told("no again".into(), false, 1000 + LIFE_MS);
    assert!(!told.suspended);
    // An answer in between begins the time anew.
    told.was_told(told.next, 5, 2000 + LIFE_MS);
    assert_eq!((told.failing_ms, &told.error), (None, &None));
    told.was_not_told("no".into(), false, 3000 + LIFE_MS);
    told.was_not_told("no".into(), false, 3001 + 2 * LIFE_MS);
    assert!(told.suspended);
    let mut gone = subscription("b", "http://erp.example/");
    gone.was_not_told("410".into(), true, 1000);
    assert!(gone.suspended);
}

#[test]
fn queries_for_one_list_are_not_subscribed_to() {
    for query in [
        json!({ "orderBy": "eventTime" }),
        json!({ "eventCountLimit": 3 }),
        json!({ "maxEventCount": 3 }),
        json!({ "EQ_nothing": "x" }),
        json!([]),
    ] {
        assert!(read_query(&query).is_err(), "{query}");
    }
    assert!(read_query(&json!({})).is_ok());
}
