use crate::settings::GlobalOptions;

use super::*;

fn openings() -> Arc<Openings> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let options = GlobalOptions {
        config: Some(config),
        ..GlobalOptions::default()
    };
    let signer = Signer {
        organisation: "bravo".into(),
        key: ed25519_dalek::SigningKey::from_bytes(&[2; 32]),
    };
    let settings = Settings::load(&options).unwrap();
    Openings::new(settings, Arc::new(signer), || 0)
}

#[tokio::test]
async fn no_more_wait_than_there_are_places() {
    let openings = openings();
    let all = u32::try_from(WAITING).unwrap();
    let taken = openings.waiting.clone().acquire_many_owned(all).await;
    let refused = openings.open("urn:x:1".into(), "A".into()).await;
    assert!(matches!(refused, Err(NotOpened::Busy)), "{refused:?}");
    drop(taken);
    // Then it is tried, and there is no genesis document here.
    let refused = openings.open("urn:x:1".into(), "A".into()).await;
    assert!(matches!(refused, Err(NotOpened::Failed(_))), "{refused:?}");
}

#[test]
fn what_is_known_of_things_has_a_bound_and_is_kept_while_it_is_used() {
    let openings = openings();
    let used = openings.label("urn:x:used");
    for number in 0..3 * KNOWN {
        openings.label(&format!("urn:x:{number}"));
        assert!(openings.labels.lock().unwrap().len() <= KNOWN);
    }
    assert!(Arc::ptr_eq(&used, &openings.label("urn:x:used")));
}

#[test]
fn an_opening_is_the_first_where_the_ledger_shows_that_very_one() {
    let first = LabelOpening {
        organisation: "bravo".into(),
        time_ms: 7,
        height: 3,
        transaction: "aa".into(),
    };
    let of = |log: OpeningLog, sent: Result<&str, ClientError>| told(log, sent.map(str::to_owned));
    let shown = || OpeningLog::First(first.clone());
    let now = Some(Opened::Now(first.clone()));
    assert_eq!(of(shown(), Ok("aa")).unwrap(), now);
    // Recorded as well, and later than another one.
    let before = Some(Opened::Before(first.clone()));
    assert_eq!(of(shown(), Ok("bb")).unwrap(), before);
    let refused = || {
        Err(ClientError::Refused {
            code: 1,
            rule: "a-rule".into(),
            message: "no".into(),
            event: None,
        })
    };
    assert_eq!(of(shown(), refused()).unwrap(), before);
    assert_eq!(of(OpeningLog::Taken, refused()).unwrap(), None);
    assert!(of(OpeningLog::Empty, refused()).is_err());
    assert!(of(OpeningLog::Empty, Ok("aa")).is_err());
    assert!(of(OpeningLog::Taken, Ok("aa")).is_err());
}
