//! Earlier deposits of the same files, and credentials of an owner whose key is gone.

use touchstone_proto::node::DesignsByFileReply;

use crate::fake::Served;

/// An organisation deposits a file of its own folder; gives the file and the receipt.
async fn deposited(node: &Served, organisation: &str, content: &str) -> (String, String) {
    let folder = node.path(organisation);
    std::fs::create_dir_all(&folder).unwrap();
    let file = node.write(&format!("{organisation}/{content}.txt"), content);
    let folder = folder.display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let ran = node.run_as(organisation, &deposit).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let receipt = ran.json()[0]["receipt"].as_str().unwrap().to_owned();
    (file, receipt)
}

#[tokio::test]
async fn an_earlier_deposit_of_the_same_file_is_named_once_it_is_disclosed() {
    let node = Served::start().await;
    let (_, first) = deposited(&node, "carol", "a chair").await;
    let (copy, second) = deposited(&node, "bravo", "a chair").await;
    deposited(&node, "delta", "a table").await;
    let certificate = ["certificate", &copy];
    // While its files are a secret, nobody is asked for them.
    let ran = node.run(&certificate).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.out.contains("Earlier"), "{ran:?}");
    let disclosed = node.run_as("bravo", &["disclose", &second]).await;
    assert_eq!(disclosed.code, 0, "{disclosed:?}");
    assert!(!disclosed.out.contains("earlier"), "{disclosed:?}");
    let ran = node.run(&certificate).await;
    let none =
        "Earlier     none of these files among disclosed designs; a deposit that isn't disclosed";
    assert!(ran.out.contains(none), "{ran:?}");

    // The original is disclosed later, and was deposited earlier.
    let disclosed = node.run_as("carol", &["disclose", &first]).await;
    assert!(!disclosed.out.contains("earlier"), "{disclosed:?}");
    let ran = node.run(&certificate).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("Earlier     carol deposited file "),
        "{ran:?}"
    );
    assert!(
        ran.out.contains(", 2026-01-01 00:00:01.000 UTC, block 1\n"),
        "{ran:?}"
    );
    let json = node
        .run(&[&certificate[..], &["--json"]].concat())
        .await
        .json();
    let earlier = &json[0]["earlier"];
    assert_eq!(earlier["complete_among_disclosed"], true);
    assert_eq!(earlier["deposits"].as_array().unwrap().len(), 1);
    assert_eq!(earlier["deposits"][0]["organisation"], "carol");
    assert_eq!(earlier["deposits"][0]["deposited_height"], 1);
    let pdf = node.path("copy.pdf").display().to_string();
    let write = [&certificate[..], &["-o", &pdf]].concat();
    assert_eq!(node.run(&write).await.code, 0);
    let text = crate::fake::text_of(&pdf);
    assert!(
        text.contains("在先存证") && text.contains("earlier: carol"),
        "{text}"
    );
    // The original has none before it.
    let original = first.rsplit('/').next().unwrap().split('.').next().unwrap();
    let ran = node.run(&["certificate", original]).await;
    assert!(ran.out.contains(none), "{ran:?}");

    // Whoever discloses a third copy is told at once.
    let (_, third) = deposited(&node, "acme", "a chair").await;
    let disclosed = node.run_as("acme", &["disclose", &third, "--json"]).await;
    let deposits = disclosed.json()[0]["earlier"]["deposits"].clone();
    let names: Vec<&str> = deposits
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["organisation"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["carol", "bravo"], "{disclosed:?}");

    // A node that hides one of the disclosures.
    node.tamper(|reply: &mut DesignsByFileReply| drop(reply.entries.pop()));
    assert_eq!(node.run(&certificate).await.code, 3);
}

#[tokio::test]
async fn a_lost_key_ends_no_credentials() {
    let node = Served::start().await;
    let (file, receipt) = deposited(&node, "carol", "a chair").await;
    let out = |name: &str| node.path(name).display().to_string();
    let (old, new, stranger) = (out("carol.pem"), out("new.pem"), out("bravo.pem"));
    let made = ["key", "new", "--out", &new, "--no-passphrase"];
    assert_eq!(crate::fake::touchstone(&made).await.code, 0);
    let issue = async |key: &str, name: &str| {
        let credential = out(name);
        let issue = ["certificate", &file, "-o", &credential, "--key", key];
        (node.run(&issue).await, credential)
    };
    // Before it is the organisation's.
    let (ran, _) = issue(&new, "early.json").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("neither the deposit's nor another one"),
        "{ran:?}"
    );
    let rotate = ["keys", "add", &new, "--retire", &old];
    assert_eq!(node.run_as("carol", &rotate).await.code, 0);
    // The old key is destroyed. Another of the organisation states the same.
    let (ran, credential) = issue(&new, "late.json").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let check = ["certificate", "--check", &credential, "--receipt", &receipt];
    let ran = node.run(&check).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("Credential  VERIFIED\n"), "{ran:?}");
    assert!(ran.out.contains("\nOwner key   did:key:z"), "{ran:?}");
    let (ran, _) = issue(&stranger, "never.json").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    // Signed by a key of another organisation, it says nothing for this one.
    let text = std::fs::read_to_string(&credential).unwrap();
    let mut forged: serde_json::Value = serde_json::from_str(&text).unwrap();
    let key = crate::fake::key(2);
    let issuer = touchstone_cli::deposit_certificate::data_integrity::did_key(
        &key.verifying_key().to_bytes(),
    );
    forged.as_object_mut().unwrap().remove("proof");
    forged["issuer"] = issuer.into();
    let date = forged["validFrom"].as_str().unwrap().to_owned();
    let forged =
        touchstone_cli::deposit_certificate::data_integrity::secure(&forged, &key, &date).unwrap();
    let forged = node.write("forged.json", &forged.to_string());
    let ran = node
        .run(&["certificate", "--check", &forged, "--receipt", &receipt])
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("the ledger proves another issuer"),
        "{ran:?}"
    );
}

/// Anybody's verifier learns from its issuer's list that a certificate is to be relied on no more.
#[tokio::test]
async fn a_status_list_follows_the_ledger() {
    let node = Served::start().await;
    let (file, receipt) = deposited(&node, "carol", "a chair").await;
    let (other, _) = deposited(&node, "bravo", "a table").await;
    let id_of = |receipt: &str| {
        let name = receipt.rsplit('/').next().unwrap();
        name.split('.').next().unwrap().to_owned()
    };
    let design = id_of(&receipt);
    let out = |name: &str| node.path(name).display().to_string();
    let (carol, credential, list) = (out("carol.pem"), out("cert.json"), out("status.json"));
    let url = "https://carol.example/status.json";
    let listed = node.write("designs.txt", &design);
    let issue = ["certificate", &file, "-o", &credential, "--key", &carol];
    let status = ["--status", url, "--listed", &listed];
    let ran = node.run(&[&issue[..], &status].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let written = std::fs::read_to_string(&credential).unwrap();
    assert!(written.contains(&format!("{url}#0")), "{written}");
    let made = ["statuslist", url, "--listed", &listed, "-o", &list];
    let make = async |key: &str| {
        let more = ["--force", "--key", key];
        node.run(&[&made[..], &more].concat()).await
    };
    let ran = make(&carol).await;
    assert!(
        ran.code == 0 && ran.out.contains("1 certificate, 0 of them"),
        "{ran:?}"
    );
    let check = ["certificate", "--check", &credential, "--receipt", &receipt];
    let check = [&check[..], &["--status-list", &list]].concat();
    let ran = node.run(&check).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // Whoever hands it in may hand in an older one than the last.
    assert!(ran.out.contains("by its issuer's list of 2026-"), "{ran:?}");
    let bravo = make(&out("bravo.pem")).await;
    assert_eq!(bravo.code, 1, "nobody lists another's: {bravo:?}");
    let elsewhere = ["statuslist", "https://x.example/", "--listed", &listed];
    let elsewhere = [&elsewhere[..], &["-o", &list, "--force", "--key", &carol]].concat();
    assert_eq!(node.run(&elsewhere).await.code, 0);
    let ran = node.run(&check).await;
    assert_eq!(ran.code, 3, "another list says nothing of it: {ran:?}");
    let end = ["right", "end", &design, "--reason", "given up"];
    assert_eq!(node.run_as("carol", &end).await.code, 0);
    let ran = make(&carol).await;
    assert!(ran.out.contains("1 certificate, 1 of them"), "{ran:?}");
    let ran = node.run(&check).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.out.contains("to be relied on no more"), "{ran:?}");
    // A design that isn't in the file has no place.
    let issue = ["certificate", &other, "-o", &credential, "--force", "--key"];
    let key = out("bravo.pem");
    let issue = [&issue[..], &[&key], &status].concat();
    assert_eq!(node.run(&issue).await.code, 1);
}
