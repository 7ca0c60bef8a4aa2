//! Goods change hands: offered, answered, claimed, and told so.

use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, OfferCustody};

use crate::captures::document;
use crate::fake::{GENESIS_MS, Served};
use crate::items::{ITEM, ITEM_LINK, OTHER, seen};

/// The offer that a run with --json made.
fn offer_of(ran: &crate::fake::Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()[0]["offer"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_offer_is_listed_accepted_and_told() {
    let node = Served::start().await;
    let file = node.write(
        "shipping.json",
        &document(&[seen(&[ITEM, OTHER], "shipping")]),
    );
    let offered = ["handover", "offer", &file, "--to", "bravo", "--json"];
    let offer = offer_of(&node.run_as("acme", &offered).await);

    let listed = node.run(&["handover", "list"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    for part in [offer.as_str(), "from acme to bravo", ITEM_LINK] {
        assert!(listed.out.contains(part), "{part}: {}", listed.out);
    }
    let others = node.run(&["handover", "list", "--of", "carol"]).await;
    assert!(others.out.ends_with("\nNo offer is open.\n"), "{others:?}");
    let told = node.run(&["item", ITEM]).await;
    assert!(
        told.out.contains("Offered   to Bravo Retail (bravo)"),
        "{}",
        told.out
    );
    assert!(
        told.out
            .contains("Holder    Acme Logistics (acme), by its own word"),
        "{}",
        told.out
    );

    // Only the receiver accepts; then it holds.
    let by_shipper = node.run_as("acme", &["handover", "accept", &offer]).await;
    assert_eq!(by_shipper.code, 2, "{by_shipper:?}");
    assert!(
        by_shipper.err.contains("answer-party (325)"),
        "{by_shipper:?}"
    );
    let text = "the box is torn";
    let accept = ["handover", "accept", &offer, "--discrepancy", text];
    let accepted = node.run_as("bravo", &accept).await;
    assert_eq!(accepted.code, 0, "{accepted:?}");
    let told = node.run(&["item", ITEM]).await;
    let holder =
        "Holder    Bravo Retail (bravo), by a handover that both sides signed since block 3";
    for part in [
        holder,
        &format!("received with a discrepancy: {text}"),
        "State     received",
    ] {
        assert!(told.out.contains(part), "{part}: {}", told.out);
    }
    assert!(!told.out.contains("Offered"), "{}", told.out);
    let json = node.run(&["item", ITEM, "--json"]).await.json();
    assert_eq!(json[0]["state"], "received");
    assert_eq!(json[0]["custody"]["holder"], "bravo");
    assert_eq!(json[0]["custody"]["one_sided"], false);
    let none = node.run(&["handover", "list"]).await;
    assert!(none.out.ends_with("\nNo offer is open.\n"), "{none:?}");
    let again = node.run_as("bravo", &accept).await;
    assert!(again.err.contains("offer-open (324)"), "{again:?}");
}

#[tokio::test]
async fn an_offer_is_rejected_or_withdrawn() {
    for (who, verb) in [("bravo", "reject"), ("acme", "withdraw")] {
        let node = Served::start().await;
        let file = node.write("shipping.json", &document(&[seen(&[ITEM], "shipping")]));
        let offered = ["handover", "offer", &file, "--to", "bravo", "--json"];
        let offer = offer_of(&node.run_as("acme", &offered).await);
        let ran = node.run_as(who, &["handover", verb, &offer]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let told = node.run(&["item", ITEM]).await;
        assert!(
            told.out.contains("Holder    Acme Logistics (acme)"),
            "{}",
            told.out
        );
        assert!(!told.out.contains("Offered"), "{}", told.out);
    }
}

#[tokio::test]
async fn what_is_no_offer_is_told() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let short = node.run_as("bravo", &["handover", "accept", "12ab"]).await;
    assert_eq!(short.code, 1, "{short:?}");
    let unknown = node
        .run_as("bravo", &["handover", "accept", &"ab".repeat(32)])
        .await;
    assert_eq!(unknown.code, 4, "{unknown:?}");
    let file = node.write("shipping.json", &seen(&[ITEM], "shipping"));
    let stranger = node
        .run_as("acme", &["handover", "offer", &file, "--to", "nobody"])
        .await;
    assert_eq!(stranger.code, 4, "{stranger:?}");
    let told =
        "there is no organisation \"nobody\" to offer to (`touchstone organisations` lists all)";
    assert!(stranger.err.contains(told), "{stranger:?}");
    let broken = node.write("broken.json", "{");
    let ran = node
        .run_as("acme", &["handover", "offer", &broken, "--to", "bravo"])
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
}

/// The last block of an idle chain may be older than a deadline that has passed since.
#[tokio::test]
async fn an_offer_whose_deadline_passed_on_an_idle_chain_is_not_open() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let offer = OfferCustody {
        to: "bravo".into(),
        // The tests' clock is 49 minutes after genesis.
        deadline_ms: GENESIS_MS + 60_000,
    };
    let capture = CaptureEvents {
        events: vec![seen(&[ITEM], "shipping").into_bytes()],
        handover: Some(Handover::Offer(offer)),
    };
    node.world().act("acme", Action::CaptureEvents(capture));
    let listed = node.run(&["handover", "list"]).await;
    assert!(listed.out.ends_with("\nNo offer is open.\n"), "{listed:?}");
    // It may be this machine's clock that is wrong.
    assert!(
        listed.err.contains("not shown: 1 offer whose"),
        "{listed:?}"
    );
    let told = node.run(&["item", ITEM, "--json"]).await;
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.json()[0]["custody"]["offer"].is_null(), "{told:?}");
}

#[tokio::test]
async fn a_claim_is_shown_as_one_sided() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let file = node.write("found.json", &document(&[seen(&[ITEM], "receiving")]));
    let claim = [
        "handover",
        "claim",
        &file,
        "--reason",
        "delivered without papers",
    ];
    let ran = node.run_as("bravo", &claim).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = node.run(&["item", ITEM, "--json"]).await.json();
    let custody = &json[0]["custody"];
    assert_eq!(
        (&custody["holder"], &custody["one_sided"]),
        (&"bravo".into(), &true.into())
    );
    assert_eq!(custody["claims"][0]["organisation"], "acme");
}

/// A correction and what it corrects point to each other.
#[tokio::test]
async fn a_correction_stands_beside_what_it_corrects() {
    let node = Served::start().await;
    let mut sold: serde_json::Value =
        serde_json::from_str(&seen(&[ITEM], "retail_selling")).unwrap();
    sold["eventID"] = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into();
    let mut wrong = sold.clone();
    wrong["errorDeclaration"] = serde_json::json!({
        "declarationTime": "2026-01-02T08:00:00Z",
        "reason": "did_not_occur",
        "correctiveEventIDs": ["urn:uuid:00000000-7dec-11d0-a765-00a0c91e6bf6"],
    });
    node.world()
        .record("acme", &[seen(&[ITEM], "storing"), sold.to_string()]);
    let told = node.run(&["item", ITEM]).await;
    assert!(told.out.contains("State     sold"), "{}", told.out);
    node.world().record("acme", &[wrong.to_string()]);
    let told = node.run(&["item", ITEM]).await;
    for part in [
        "State     recorded\n",
        "     WRONG     as event 3 declares: did not occur; instead: urn:uuid:00000000",
        "     corrects  event 2: did not occur",
    ] {
        assert!(told.out.contains(part), "{part}: {}", told.out);
    }
    let json = node.run(&["item", ITEM, "--json"]).await.json();
    assert_eq!(json[0]["steps"][1]["declared_wrong_by"], 3);
    assert_eq!(json[0]["steps"][2]["corrects"], 2);
}
