//! Rights on designs: passed on in two steps, licensed and sublicensed; and who may sell, proven yes or proven no.

use touchstone_proto::node::{AuthorisationReply, StateReply};

use crate::fake::{Ran, Served};

const UNTIL: &str = "2026-12-31T00:00:00Z";
const AFTER: &str = "2027-01-01";

/// Carol's design.
async fn deposited(node: &Served) -> String {
    let file = node.write("chair.txt", "a chair");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let ran = node.run_as("carol", &deposit).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()[0]["design_id"].as_str().unwrap().to_owned()
}

/// The id of what an organisation did.
async fn done(node: &Served, who: &str, words: &[&str]) -> String {
    let ran = node.run_as(who, &[words, &["--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.json()[0]["transaction"].as_str().unwrap().to_owned()
}

async fn licence(node: &Served, who: &str, design: &str, more: &[&str]) -> String {
    let terms = ["--act", "sell", "--in", "CN", "--until", UNTIL];
    done(
        node,
        who,
        &[&["licence", "grant", design][..], &terms, more].concat(),
    )
    .await
}

async fn asked(node: &Served, design: &str, seller: &str, more: &[&str]) -> Ran {
    let question = ["authorised", design, "--seller", seller, "--in", "CN"];
    node.run(&[&question[..], more].concat()).await
}

fn shows(ran: &Ran, code: u8, parts: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

#[tokio::test]
async fn licence_sublicence_authorised_seller_then_expiry() {
    let node = Served::start().await;
    let design = deposited(&node).await;
    shows(
        &asked(&node, &design, "carol", &[]).await,
        0,
        &["YES", "it owns the right"],
    );
    let first = licence(&node, "carol", &design, &["--to", "acme", "--depth", "1"]).await;
    let second = licence(&node, "acme", &design, &["--to", "bravo", "--on", &first]).await;
    let yes = asked(&node, &design, "bravo", &[]).await;
    shows(
        &yes,
        0,
        &["YES", &second, "licences above it, none ended: 1"],
    );
    let json = asked(&node, &design, "bravo", &["--json"]).await.json();
    assert_eq!(
        (&json[0]["authorised"], &json[0]["ground"]["above"][0]),
        (&"yes".into(), &first.clone().into())
    );
    // The same as a file, examined without a node.
    let path = node.path("yes.authorisation").display().to_string();
    shows(
        &asked(&node, &design, "bravo", &["-o", &path]).await,
        0,
        &["YES"],
    );
    let genesis = node.path("genesis.json").display().to_string();
    let check = ["authorised", "--check", &path, "--genesis", &genesis];
    // Of when it is, too: it may have been kept.
    let parts = ["YES", &second, "\nBlock     "];
    shows(&crate::fake::touchstone(&check).await, 0, &parts);
    let mut bent = std::fs::read(&path).unwrap();
    bent[40] ^= 1;
    std::fs::write(&path, bent).unwrap();
    assert_eq!(crate::fake::touchstone(&check).await.code, 3);
    // After its term, elsewhere, for another act, and somebody else.
    let over = asked(&node, &design, "bravo", &["--on", AFTER]).await;
    shows(&over, 4, &["NO", "its term ended 2026-12-31"]);
    let made = asked(&node, &design, "bravo", &["--act", "make"]).await;
    shows(&made, 4, &["it is for other acts (sell)"]);
    let stranger = asked(&node, &design, "delta", &[]).await;
    shows(
        &stranger,
        4,
        &["it doesn't own the right, and there is no licence for it"],
    );
    let json = asked(&node, &design, "delta", &["--json"]).await;
    assert_eq!(
        (json.code, &json.json()[0]["authorised"]),
        (4, &"no".into())
    );
    // Ending the first ends the second.
    done(
        &node,
        "carol",
        &["licence", "end", &first, "--reason", "not paid"],
    )
    .await;
    let ended = asked(&node, &design, "bravo", &[]).await;
    shows(&ended, 4, &["one that it stands on was ended"]);
    shows(
        &node.run(&["licence", "show", &first]).await,
        0,
        &["ENDED", "not paid", "sell in CN"],
    );
    let odrl = node.path("licence.json");
    let file = odrl.display().to_string();
    let written = node
        .run(&["licence", "show", &first, "--odrl", &file])
        .await;
    shows(&written, 0, &["Written"]);
    let agreement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&odrl).unwrap()).unwrap();
    assert_eq!(agreement["@type"], "Agreement");
    assert!(agreement["uid"].as_str().unwrap().ends_with(&first));
    let again = node
        .run(&["licence", "show", &first, "--odrl", &file])
        .await;
    assert_eq!(again.code, 1, "a file that is there stays: {again:?}");
    let shown = node.run(&["licence", "show", &second]).await;
    shows(
        &shown,
        0,
        &["by acme to bravo", &format!("Stands on {first}")],
    );
    let refused = ["licence", "end", &first, "--reason", "again", "--json"];
    let refused = node.run_as("carol", &refused).await;
    assert_eq!((refused.code, &refused.json()[0]["code"]), (2, &455.into()));
}

#[tokio::test]
async fn a_mark_is_attested_licensed_and_asked_about() {
    let node = Served::start().await;
    let attest = [
        "mark", "attest", "1234", "--name", "Cloud", "--owner", "carol",
    ];
    let more = ["--class", "25,18", "--until", UNTIL, "--json"];
    let attested = node.run_as("delta", &[&attest[..], &more].concat()).await;
    assert_eq!(attested.code, 0, "{attested:?}");
    let mark = attested.json()[0]["mark_id"].as_str().unwrap().to_owned();
    let shown = node
        .run(&["mark", "show", "1234", "--office", "delta"])
        .await;
    shows(
        &shown,
        0,
        &[
            &mark,
            "Cloud, number 1234 of delta",
            "18, 25",
            "owned by carol",
        ],
    );
    let first = licence(&node, "carol", &mark, &["--to", "acme", "--depth", "1"]).await;
    licence(&node, "acme", &mark, &["--to", "bravo", "--on", &first]).await;
    shows(&asked(&node, &mark, "bravo", &[]).await, 0, &["YES"]);
    let lapsed = asked(&node, &mark, "carol", &["--on", AFTER]).await;
    shows(&lapsed, 4, &["the right ended"]);
    let offer = [
        "right", "offer", &mark, "--to", "bravo", "--until", UNTIL, "--json",
    ];
    let refused = node.run_as("carol", &offer).await;
    assert_eq!((refused.code, &refused.json()[0]["code"]), (2, &462.into()));
    done(
        &node,
        "delta",
        &["right", "end", &mark, "--reason", "struck out"],
    )
    .await;
    shows(
        &asked(&node, &mark, "bravo", &[]).await,
        4,
        &["the right ended"],
    );
}

#[tokio::test]
async fn a_right_is_passed_on_and_its_certificate_says_so() {
    let node = Served::start().await;
    let design = deposited(&node).await;
    let offer = ["right", "offer", &design, "--to", "bravo", "--until", UNTIL];
    let offer = done(&node, "carol", &offer).await;
    let shown = node.run(&["right", "show", &design]).await;
    shows(&shown, 0, &["owned by carol", "offered to bravo", &offer]);
    done(&node, "bravo", &["right", "accept", &design, &offer]).await;
    shows(
        &node.run(&["right", "show", &design]).await,
        0,
        &["owned by bravo"],
    );
    let certificate = node.run(&["certificate", &design]).await;
    shows(&certificate, 0, &["Carol Design (carol)", "owned by bravo"]);
    shows(&asked(&node, &design, "carol", &[]).await, 4, &["NO"]);
    shows(&asked(&node, &design, "bravo", &[]).await, 0, &["YES"]);
    // The evidence file holds it, and all examine it.
    let path = node.path("case.evidence").display().to_string();
    assert_eq!(node.run(&["evidence", &design, "-o", &path]).await.code, 0);
    let genesis = node.path("genesis.json").display().to_string();
    let verified = node
        .run(&["verify", &path, "--genesis", &genesis, "--json"])
        .await;
    assert_eq!(
        verified.json()[0]["facts"]["deposit"]["right"]["owner"],
        "bravo",
        "{verified:?}"
    );
    done(
        &node,
        "bravo",
        &["right", "end", &design, "--reason", "no longer made"],
    )
    .await;
    let given_up = asked(&node, &design, "bravo", &[]).await;
    shows(&given_up, 4, &["the right ended"]);
    // Who hides the right is found out.
    let key =
        touchstone_core::state::keys::right(&hex::decode(&design).unwrap().try_into().unwrap());
    node.tamper(move |reply: &mut StateReply| {
        if reply.key == key {
            reply.value = None;
        }
    });
    for question in [["certificate", &design], ["right", &design]] {
        let words = match question {
            ["right", design] => vec!["right", "show", design],
            other => other.to_vec(),
        };
        assert_eq!(node.run(&words).await.code, 3, "{words:?}");
    }
}

#[tokio::test]
async fn bent_answers_about_authorisation_are_refused() {
    let node = Served::start().await;
    let design = deposited(&node).await;
    let first = licence(&node, "carol", &design, &["--to", "acme", "--depth", "1"]).await;
    licence(&node, "acme", &design, &["--to", "bravo", "--on", &first]).await;
    let bends: [fn(&mut AuthorisationReply); 6] = [
        |reply| reply.header = None,
        |reply| reply.values.clear(),
        |reply| {
            reply.values.pop();
        },
        |reply| reply.values[1].value = None,
        |reply| reply.values[1] = Default::default(),
        |reply| reply.values[0].proof.as_mut().unwrap().siblings[0][0] ^= 1,
    ];
    for (n, bend) in bends.into_iter().enumerate() {
        node.tamper(bend);
        let ran = asked(&node, &design, "bravo", &[]).await;
        assert_eq!(ran.code, 3, "bend {n}: {ran:?}");
    }
}
