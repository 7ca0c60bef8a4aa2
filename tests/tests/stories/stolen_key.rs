//! A signing key is stolen. The thief takes the organisation over, and the consortium gives it back: the owner acts
//! again, its old records are sound, and what the thief signed is doubtful.

use super::custody_of_keys::{approve, rfc3339, started, unit};
use touchstone_tests::cli_user::judge;
use touchstone_tests::load;

/// A refusal, by its code.
fn is_refused(ran: &touchstone_tests::cli_user::Ran, rule: &str) {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.err.contains(rule), "{rule}: {ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consortium_gives_a_robbed_organisation_back_to_its_owner() {
    let (cluster, mut people) = started().await;
    let genesis = cluster.genesis_file();
    let robbed = 3;
    let id = people[robbed].organisation.clone();
    people[robbed].capture(&load::event(1)).expect(0);
    let sound = people[robbed].evidence(&unit(1), "sound.evidence", &[]);
    let first = judge(&sound, Some(&genesis), &[]);
    assert_eq!(first.code, 0);
    let recorded = &first.report["facts"]["transactions"][0]["time_ms"];
    let stolen_at = rfc3339(recorded.as_u64().unwrap() + 1);

    // The theft: a key of the thief's, the owner's reported compromised since ever and so retired.
    let stolen = people[robbed].key.clone();
    let owners = stolen.display().to_string();
    let thief = people[robbed].new_key("thief.pem");
    let thiefs = thief.display().to_string();
    people[robbed].run(&["keys", "add", &thiefs]).expect(0);
    people[robbed].key = thief.clone();
    let report = ["keys", "compromise", &owners, "--since"];
    let since_ever = [&report[..], &["1970-01-01T00:00:01Z"]].concat();
    people[robbed].run(&since_ever).expect(0);
    people[robbed].capture(&load::event(2)).expect(0);
    people[robbed].key = stolen.clone();
    is_refused(
        &people[robbed].capture(&load::event(3)),
        "key-validity (202)",
    );
    let contested = people[robbed].evidence(&unit(1), "contested.evidence", &[]);
    let judged = judge(&contested, Some(&genesis), &[]);
    assert_eq!((judged.code, judged.result("keys")), (6, "reservation"));
    let found = judged.findings("keys");
    assert!(found.contains("CONTESTED"), "{found}");
    assert!(!found.contains("DOUBTFUL"), "{found}");

    // Governance: the thief is stopped at once, then the keys are settled.
    approve(&people[..robbed], &["suspend", &id]);
    people[robbed].key = thief.clone();
    is_refused(
        &people[robbed].capture(&load::event(4)),
        "not-suspended (513)",
    );
    let fresh = people[robbed].new_key("fresh.pem").display().to_string();
    let settle = [
        "recover".to_owned(),
        id.clone(),
        "--add".to_owned(),
        fresh.clone(),
        format!("--compromised={owners}={stolen_at}"),
        format!("--compromised={thiefs}={stolen_at}"),
    ];
    let settle: Vec<&str> = settle.iter().map(String::as_str).collect();
    approve(&people[..robbed], &settle);
    approve(&people[..robbed], &["suspend", &id, "--lift"]);
    is_refused(
        &people[robbed].capture(&load::event(5)),
        "key-validity (202)",
    );

    // The owner is back, the old record is sound, and the thief's is doubtful.
    people[robbed].key = fresh.into();
    people[robbed].capture(&load::event(6)).expect(0);
    let again = people[robbed].evidence(&unit(1), "again.evidence", &[]);
    let judged = judge(&again, Some(&genesis), &[]);
    assert_eq!((judged.code, judged.result("keys")), (0, "passed"));
    let found = judged.findings("keys");
    assert!(
        found.contains("what it signed here is from before"),
        "{found}"
    );
    let forged = people[robbed].evidence(&unit(2), "thiefs.evidence", &[]);
    let judged = judge(&forged, Some(&genesis), &[]);
    assert_eq!((judged.code, judged.result("keys")), (6, "reservation"));
    assert!(judged.findings("keys").contains("DOUBTFUL"));
    let shown = people[robbed].run(&["organisations", &id]).expect(0);
    assert!(shown.out.contains("settled by the consortium"), "{shown:?}");
    assert!(!shown.out.contains("CONTESTED"), "{shown:?}");
}
