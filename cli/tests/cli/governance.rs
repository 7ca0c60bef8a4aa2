//! What the consortium votes on beside who belongs to it: organisations' standing, parameters, versions of the rules.

use crate::consortium::{contribution, public};
use crate::fake::Served;
use crate::items::{ITEM, seen};

#[tokio::test]
async fn an_organisation_is_suspended_and_let_act_again() {
    let node = Served::start().await;
    let first = node.run_as("acme", &["suspend", "bravo"]).await;
    assert_eq!(first.code, 0, "{first:?}");
    let waiting = node.run(&["proposals"]).await;
    assert!(
        waiting.out.contains("          suspend bravo\n"),
        "{waiting:?}"
    );
    for organisation in ["delta", "carol"] {
        let ran = node.run_as(organisation, &["suspend", "bravo"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let shown = node.run(&["organisations", "bravo"]).await;
    assert!(
        shown
            .out
            .contains("suspended by the consortium since height 3"),
        "{shown:?}"
    );
    let file = node.write("one.json", &seen(&[ITEM], "storing"));
    let refused = node.run_as("bravo", &["capture", &file]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.err.contains("not-suspended (513)"), "{refused:?}");
    for organisation in ["acme", "delta", "carol"] {
        let lift = ["suspend", "bravo", "--lift"];
        assert_eq!(node.run_as(organisation, &lift).await.code, 0);
    }
    let again = node.run_as("bravo", &["capture", &file]).await;
    assert_eq!(again.code, 0, "{again:?}");
    // It runs a validator: for ever is refused by the last approval.
    let remove = ["suspend", "bravo", "--remove"];
    assert_eq!(node.run_as("acme", &remove).await.code, 0);
    assert_eq!(node.run_as("delta", &remove).await.code, 0);
    let refused = node.run_as("carol", &remove).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("no-validator-left (516)"),
        "{refused:?}"
    );
}

/// Other keys in the file of an enrolled organisation are refused with a reason, and those in use are taken.
#[tokio::test]
async fn the_file_of_an_enrolled_organisation_changes_no_keys() {
    let node = Served::start().await;
    let file = contribution(&node).await;
    for organisation in ["acme", "bravo", "carol"] {
        assert_eq!(node.run_as(organisation, &["enroll", &file]).await.code, 0);
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let renamed = node.write(
        "renamed.json",
        &text.replace("Echo Customs", "Echo Inspection"),
    );
    assert_eq!(node.run_as("acme", &["enroll", &renamed]).await.code, 0);
    let other = node.write("other.json", &text.replace(&public(5), &public(6)));
    let refused = node.run_as("acme", &["enroll", &other]).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("details-keep-keys (515)"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn parameters_are_shown_and_changed_by_vote() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let shown = node.run(&["parameters"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for line in [
        "transaction_lifetime_ms     86400000\n",
        "Rules     version 1\n",
    ] {
        assert!(shown.out.contains(line), "{shown:?}");
    }
    let set = ["parameters", "set", "--max-events-per-transaction", "1"];
    for organisation in ["acme", "bravo", "carol"] {
        let ran = node.run_as(organisation, &set).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let json = &node.run(&["parameters", "--json"]).await.json()[0];
    assert_eq!(json["parameters"]["max_events_per_transaction"], 1);
    assert_eq!(json["parameters"]["max_block_transactions"], 10_000);
    // A capture finds out by itself, and splits what it sends.
    let two = [seen(&[ITEM], "picking"), seen(&[ITEM], "shipping")];
    let file = node.write("two.json", &crate::captures::document(&two));
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let again = node.run_as("delta", &set).await;
    assert!(again.err.contains("change-once (507)"), "{again:?}");
    let version = ["parameters", "version", "2", "--from-height", "500"];
    assert_eq!(node.run_as("acme", &version).await.code, 0);
    let waiting = node.run(&["proposals"]).await;
    let told = "version 2 of the rules from height 500 on";
    assert!(waiting.out.contains(told), "{waiting:?}");
    assert_eq!(node.run_as("bravo", &version).await.code, 0);
    let last = node.run_as("carol", &version).await;
    assert!(
        last.out.contains("In force  from height 500 on"),
        "{last:?}"
    );
    let shown = node.run(&["parameters"]).await;
    let told = "version 2 from height 500 on; this program lacks it";
    assert!(shown.out.contains(told), "{shown:?}");
}

/// Three of four sign. A fifth validator that isn't heard would leave three of five: no block any more.
#[tokio::test]
async fn a_change_that_would_halt_the_chain_is_warned_of() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let put = [
        "validators",
        "add",
        "--of",
        "delta",
        "--public-key",
        &public(44),
    ];
    let ran = node.run_as("acme", &put).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("hold 3 of 5 voting power"), "{ran:?}");
    for silent in [44, 104] {
        assert!(ran.err.contains(&public(silent)), "{silent}: {ran:?}");
    }
    // Without the dead one, three of three are left.
    let remove = ["validators", "remove", "--public-key", &public(104)];
    let ran = node.run_as("acme", &remove).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.err.contains("warning"), "{ran:?}");
    // Without one that signs, two of three.
    let remove = ["validators", "remove", "--public-key", &public(101)];
    let ran = node.run_as("acme", &remove).await;
    assert!(ran.err.contains("hold 2 of 3 voting power"), "{ran:?}");
}
