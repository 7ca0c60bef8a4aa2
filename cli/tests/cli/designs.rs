//! Deposits, disclosures and certificates.

use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{DesignReply, DesignsByFileReply, TransactionStatus};

use crate::fake::{Ran, Served, text_of};

/// Two files, deposited by carol; gives the files and the receipt.
async fn deposited(node: &Served) -> (String, String, String) {
    let front = node.write("front.png", "a chair from the front");
    let side = node.write("side.png", "a chair from the side");
    let folder = node.folder.path().display().to_string();
    let ran = node
        .run_as(
            "carol",
            &[
                "deposit",
                &front,
                &side,
                "--title",
                "Chair 7",
                "--receipts",
                &folder,
                "--json",
            ],
        )
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let receipt = ran.json()[0]["receipt"].as_str().unwrap().to_owned();
    (front, side, receipt)
}

fn id_of(receipt: &str) -> String {
    let name = std::path::Path::new(receipt).file_name().unwrap();
    name.to_str().unwrap().split('.').next().unwrap().to_owned()
}

fn assert_certificate(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

#[tokio::test]
async fn a_deposit_is_shown_by_file_receipt_and_id() {
    let node = Served::start().await;
    let (front, side, receipt) = deposited(&node).await;
    let id = id_of(&receipt);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&receipt).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let full = [
        "Certificate of deposit: VERIFIED\n",
        &format!("Design      {id}\n"),
        "Title       Chair 7\n",
        "Owner       Carol Design (carol)\n",
        &format!(
            "File        {}  front.png\n",
            hex::encode(touchstone_core::hash::sha256(b"a chair from the front"))
        ),
        "Deposited   no later than 2026-01-01 00:00:01.000 UTC ± 4.5 s, at height 1\n",
        "Attested    by Acme Logistics (acme), Bravo Retail (bravo), Carol Design (carol): 3 of 4 validators\n",
        "Disclosed   no\n",
        "committed to exactly these files no later than this time",
    ];
    assert_certificate(&node.run(&["certificate", &front]).await, &full);
    assert_certificate(
        &node
            .run(&["certificate", &side, "--receipt", &receipt])
            .await,
        &full,
    );
    assert_certificate(
        &node.run(&["certificate", &id, "--receipt", &receipt]).await,
        &full,
    );
    let folder = node.folder.path().display().to_string();
    assert_certificate(
        &node.run(&["certificate", &id, "--receipts", &folder]).await,
        &full,
    );
    // By its id alone, a deposit names no file.
    let bare = node.run(&["certificate", &id]).await;
    assert_certificate(&bare, &["It names no file"]);
    assert!(!bare.out.contains("File  "), "{}", bare.out);
    let json = node.run(&["certificate", &front, "--json"]).await.json();
    assert_eq!(json[0]["time_error_ms"], 4500);
    assert_eq!(json[0]["design_id"], id);
}

#[tokio::test]
async fn a_disclosed_design_is_found_by_anyone() {
    let node = Served::start().await;
    let (front, _, receipt) = deposited(&node).await;
    let stranger = tempfile::tempdir().unwrap();
    let copy = stranger.path().join("copy.png");
    std::fs::copy(&front, &copy).unwrap();
    let copy = copy.to_str().unwrap();
    let before = node.run(&["certificate", copy]).await;
    assert_eq!(before.code, 4, "{before:?}");
    assert!(before.err.contains("proven at height 1"), "{before:?}");

    let ran = node.run_as("carol", &["disclose", &receipt]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let after = node.run(&["certificate", copy]).await;
    assert_certificate(
        &after,
        &[
            "Title       Chair 7\n",
            "Disclosed   2026-01-01 00:00:02.000 UTC at height 2\n",
        ],
    );
    let again = node
        .run_as("carol", &["disclose", &receipt, "--json"])
        .await;
    assert_eq!(again.code, 2, "{again:?}");
    assert_eq!(again.json()[0]["rule"], "disclose-once");

    // A node that hides the disclosure.
    node.tamper(|reply: &mut DesignsByFileReply| reply.entries.clear());
    assert_eq!(node.run(&["certificate", copy]).await.code, 3);
}

/// A second run deposits anew, and names the receipt that could be sent again instead.
#[tokio::test]
async fn a_second_deposit_of_the_same_files_is_told() {
    let node = Served::start().await;
    let (front, side, receipt) = deposited(&node).await;
    let folder = node.folder.path().display().to_string();
    for (files, is_told) in [([&side, &front], false), ([&front, &side], true)] {
        let [first, second] = files;
        let words = ["deposit", first, second, "--receipts", &folder];
        let ran = node.run_as("carol", &words).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.err.contains(&receipt), is_told, "{ran:?}");
    }
}

/// A disclosure is for ever: it is told, though what should follow it fails.
#[tokio::test]
async fn a_disclosure_is_told_though_what_follows_fails() {
    let node = Served::start().await;
    let (_, _, receipt) = deposited(&node).await;
    node.tamper(|reply: &mut DesignsByFileReply| reply.entries.clear());
    let ran = node.run_as("carol", &["disclose", &receipt]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("is recorded at height 2 (proven)"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn wrong_files_and_receipts_prove_nothing() {
    let node = Served::start().await;
    let (_, _, receipt) = deposited(&node).await;
    let forged = node.write("forged.png", "a chair from the front!");
    let ran = node
        .run(&["certificate", &forged, "--receipt", &receipt])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("is not part of design"), "{ran:?}");
    let id = id_of(&receipt);
    let text = std::fs::read_to_string(&receipt).unwrap();
    let forged_hash = hex::encode(touchstone_core::hash::sha256(b"a chair from the front!"));
    let front_hash = hex::encode(touchstone_core::hash::sha256(b"a chair from the front"));
    let bent = node.write(
        &format!("{}.touchstone.json", "0".repeat(64)),
        &text.replace(&front_hash, &forged_hash),
    );
    let ran = node
        .run(&["certificate", &forged, "--receipt", &bent])
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("receipt was changed"), "{ran:?}");
    // Another transaction id, another envelope: what `--resend` sends is checked too.
    let receipt_value: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (field, bend) in [
        ("transaction_id", "0".repeat(64)),
        ("envelope", "00".into()),
    ] {
        let mut bent = receipt_value.clone();
        bent[field] = bend.into();
        let bent = node.write("bent.touchstone.json", &bent.to_string());
        for verb in [
            &["certificate", &id, "--receipt", &bent][..],
            &["deposit", "--resend", &bent],
        ] {
            let ran = node.run(verb).await;
            assert_eq!(ran.code, 3, "{field}: {ran:?}");
        }
        std::fs::remove_file(bent).unwrap();
    }
    // The deposit of another design in this one's receipt.
    let other = node.write("other.png", "a table");
    let folder = node.path("others").display().to_string();
    std::fs::create_dir(&folder).unwrap();
    let deposit = ["deposit", &other, "--receipts", &folder, "--json"];
    let ran = node.run_as("carol", &deposit).await;
    let theirs = std::fs::read(ran.json()[0]["receipt"].as_str().unwrap()).unwrap();
    let theirs: serde_json::Value = serde_json::from_slice(&theirs).unwrap();
    let mut bent = receipt_value.clone();
    for field in ["envelope", "transaction_id"] {
        bent[field] = theirs[field].clone();
    }
    let bent = node.write("bent.touchstone.json", &bent.to_string());
    let ran = node.run(&["certificate", &id, "--receipt", &bent]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("isn't the deposit of its design"),
        "{ran:?}"
    );
    let never = node.run(&["certificate", &"7".repeat(64)]).await;
    assert_eq!(never.code, 4, "{never:?}");
    let other = node
        .run(&["certificate", &"7".repeat(64), "--receipt", &receipt])
        .await;
    assert_eq!(other.code, 4, "{other:?}");
    assert_eq!(node.run(&["certificate", &id]).await.code, 0);
}

#[tokio::test]
async fn bent_answers_about_designs_are_refused() {
    let node = Served::start().await;
    let (front, _, _) = deposited(&node).await;
    node.tamper(|reply: &mut DesignReply| {
        let value = reply.record.as_mut().unwrap().value.as_mut().unwrap();
        let last = value.len() - 1;
        value[last] ^= 1;
    });
    assert_eq!(node.run(&["certificate", &front]).await.code, 3);
    node.tamper(|reply: &mut DesignReply| reply.record.as_mut().unwrap().value = None);
    assert_eq!(node.run(&["certificate", &front]).await.code, 3);
    type Bend = fn(&mut touchstone_proto::node::TransactionProof);
    let table: [(&str, Bend); 4] = [
        ("its place", |p| p.index += 1),
        ("a sibling more", |p| p.siblings.push(vec![0; 32])),
        ("the envelope", |p| p.envelope[9] ^= 1),
        ("the header", |p| p.header = None),
    ];
    for (what, bend) in table {
        node.tamper(move |reply: &mut TransactionStatus| {
            if let Some(Status::Committed(committed)) = &mut reply.status {
                bend(committed.proof.as_mut().unwrap());
            }
        });
        let ran = node.run(&["certificate", &front]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
    }
    node.tamper(|reply: &mut TransactionStatus| {
        reply.status = Some(Status::Unknown(Default::default()));
    });
    assert_eq!(node.run(&["certificate", &front]).await.code, 3);
}

/// The receipt is there before the commitment leaves, and sends the same deposit again.
#[tokio::test]
async fn a_deposit_is_sent_again_from_its_receipt() {
    let node = Served::start().await;
    let (front, _, receipt) = deposited(&node).await;
    let ran = node
        .run_as("carol", &["deposit", "--resend", &receipt])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("at height 1 (proven)"), "{ran:?}");
    let seen = node.world().seen.clone();
    assert_eq!(seen[0], seen[1]);
    assert_eq!(node.run(&["certificate", &front]).await.code, 0);
}

/// The files in a folder whose names end so.
fn ending(folder: &std::path::Path, end: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect()
}

/// What is left of a refused deposit doesn't hide a good one that lies beside it.
#[tokio::test]
async fn a_left_over_receipt_does_not_hide_a_good_one() {
    let node = Served::start().await;
    let front = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let acme = node.path("acme.pem").display().to_string();
    let deposit = ["deposit", &front, "--receipts", &folder];
    let signing = ["--organisation", "carol", "--key", &acme];
    let refused = node.run(&[&deposit[..], &signing].concat()).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(ending(node.folder.path(), ".touchstone.json").len(), 0);
    let marked = ending(node.folder.path(), ".touchstone.json.refused").remove(0);
    assert!(
        refused.err.contains(marked.to_str().unwrap()),
        "{refused:?}"
    );
    // Its name says so; a program that was killed meanwhile leaves it unmarked.
    for left in [marked.clone(), marked.with_extension("")] {
        let _ = std::fs::rename(&marked, &left);
        let alone = node.run(&["certificate", &front]).await;
        assert_eq!(alone.code, 4, "{alone:?}");
        let why = format!("NOT DEPOSITED: receipt {} proves nothing", left.display());
        assert!(alone.err.contains(&why), "{alone:?}");
    }
    // One of another chain is none here either.
    let (_, _, receipt) = deposited(&node).await;
    let mut foreign: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    foreign["chain_id"] = "77".repeat(32).into();
    node.write("foreign.touchstone.json", &foreign.to_string());
    let both = node.run(&["certificate", &front]).await;
    assert_certificate(&both, &[&format!("Design      {}\n", id_of(&receipt))]);
    for why in ["is not deposited", "the receipt is of chain 7777"] {
        assert!(both.err.contains(why), "{both:?}");
    }
    let json = node.run(&["certificate", &front, "--json"]).await;
    assert_eq!((json.code, json.json().len()), (0, 1), "{json:?}");
    let refused = json.json()[0]["refused_receipts"].clone();
    assert_eq!(refused.as_array().unwrap().len(), 2, "{refused}");
}

/// A receipt that was cut off may be the one that is looked for, or that of an earlier deposit.
#[tokio::test]
async fn a_receipt_that_cannot_be_read_is_named() {
    let node = Served::start().await;
    let (front, _, receipt) = deposited(&node).await;
    let whole = std::fs::read_to_string(&receipt).unwrap();
    let cut = node.write("cut.touchstone.json", &whole[..whole.len() / 2]);
    let named = format!("not looked at: {cut}: not a receipt");
    let beside = node.run(&["certificate", &front, "--json"]).await;
    assert_eq!(beside.code, 0, "{beside:?}");
    assert!(beside.err.contains(&named), "{beside:?}");
    let unread = |ran: &Ran| ran.json()[0]["unread_receipts"].as_array().unwrap().len();
    assert_eq!(unread(&beside), 1, "{beside:?}");
    let (id, folder) = (id_of(&receipt), node.path(".").display().to_string());
    let by_id = ["certificate", &id, "--receipts", &folder, "--json"];
    let known = node.run(&by_id).await;
    assert_eq!((known.code, unread(&known)), (0, 0), "{known:?}");
    std::fs::remove_file(&receipt).unwrap();
    // Without a receipt a certificate has no title, and shows no files.
    let unknown = node.run(&by_id).await;
    assert_eq!((unknown.code, unread(&unknown)), (0, 1), "{unknown:?}");
    assert!(unknown.err.contains("cut.touchstone.json: not a receipt"));
    let alone = node.run(&["certificate", &front]).await;
    assert_eq!(alone.code, 4, "{alone:?}");
    assert!(alone.err.contains(&named), "{alone:?}");
}

/// A refusal isn't final: once its cause is mended, the same receipt's deposit is recorded.
#[tokio::test]
async fn a_refused_deposit_is_sent_again_from_its_marked_receipt() {
    let node = Served::start().await;
    let front = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let new = node.path("new.pem").display().to_string();
    let made = crate::fake::touchstone(&["key", "new", "--out", &new, "--no-passphrase"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let deposit = ["deposit", &front, "--receipts", &folder];
    let signing = ["--organisation", "carol", "--key", &new];
    assert_eq!(node.run(&[&deposit[..], &signing].concat()).await.code, 2);
    let marked = ending(node.folder.path(), ".refused").remove(0);
    // Refused once more, it keeps the one mark by which it is found.
    let still = node
        .run(&["deposit", "--resend", marked.to_str().unwrap()])
        .await;
    assert_eq!(still.code, 2, "{still:?}");
    assert_eq!(
        ending(node.folder.path(), ".refused"),
        std::slice::from_ref(&marked)
    );
    assert_eq!(node.run_as("carol", &["keys", "add", &new]).await.code, 0);
    let again = ["deposit", "--resend", marked.to_str().unwrap(), "--json"];
    let again = node.run(&again).await;
    assert_eq!(again.code, 0, "{again:?}");
    let receipt = again.json()[0]["receipt"].as_str().unwrap().to_owned();
    assert_eq!(marked.with_extension("").to_str(), Some(receipt.as_str()));
    assert!(!marked.exists());
    assert_certificate(&node.run(&["certificate", &front]).await, &["front.png"]);
}

/// The same record gives the same bytes, whoever of the validators signed and however long the
/// chain has become.
#[tokio::test]
async fn a_certificate_is_written_as_pdf_byte_for_byte_again() {
    let node = Served::start().await;
    let (front, _, receipt) = deposited(&node).await;
    let out = |name: &str| node.path(name).display().to_string();
    let first = out("first.pdf");
    let ran = node.run(&["certificate", &front, "-o", &first]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // Another node may hold another certificate of the same block, and a longer chain.
    let other = node.write("other.png", "a table");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &other, "--receipts", &folder];
    assert_eq!(node.run_as("acme", &deposit).await.code, 0);
    node.world().sign_again(&[102, 103, 104]);
    let again = node.run(&["certificate", &front, "--json"]).await;
    let signers = again.json()[0]["deposit_block"]["signers"].clone();
    assert!(signers.to_string().contains("delta"), "{signers}");
    let second = out("second.pdf");
    let ran = node.run(&["certificate", &front, "-o", &second]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let bytes = std::fs::read(&first).unwrap();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    assert_eq!(bytes, std::fs::read(&second).unwrap());

    // Nothing is overwritten unasked, and no other form is guessed.
    let again = node.run(&["certificate", &front, "-o", &first]).await;
    assert_eq!(again.code, 1, "{again:?}");
    let forced = ["certificate", &front, "-o", &first, "--force"];
    assert_eq!(node.run(&forced).await.code, 0);
    let text = out("cert.txt");
    let ran = node.run(&["certificate", &front, "-o", &text]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!std::path::Path::new(&text).exists());

    // One certificate is of one deposit.
    let folder = node.folder.path().display().to_string();
    let twice = ["deposit", &front, "--receipts", &folder, "--json"];
    let ran = node.run_as("bravo", &twice).await;
    let theirs = ran.json()[0]["design_id"].as_str().unwrap().to_owned();
    let ran = node.run(&forced).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("is in 2 deposits") && ran.err.contains(&theirs),
        "{ran:?}"
    );
    assert_eq!(bytes, std::fs::read(&first).unwrap());
    std::fs::remove_file(node.path(&format!("{theirs}.touchstone.json"))).unwrap();

    // What the record gains, the certificate gains.
    assert_eq!(node.run_as("carol", &["disclose", &receipt]).await.code, 0);
    assert_eq!(node.run(&forced).await.code, 0);
    assert_ne!(bytes, std::fs::read(&first).unwrap());
}

#[tokio::test]
async fn a_written_certificate_says_what_is_known_and_whose_word_it_is() {
    let node = Served::start().await;
    let file = node.write("桥.png", "a bridge at dusk");
    let folder = node.folder.path().display().to_string();
    let title = "黄昏的桥 Most za soumraku, Žižkov 😀";
    let deposit = [
        "deposit",
        &file,
        "--title",
        title,
        "--receipts",
        &folder,
        "--json",
    ];
    let ran = node.run_as("carol", &deposit).await;
    let receipt = ran.json()[0]["receipt"].as_str().unwrap().to_owned();
    let id = id_of(&receipt);
    let pdf = node.path("cert.pdf").display().to_string();
    let write = ["certificate", &file, "-o", &pdf, "--force", "--json"];
    let ran = node.run(&write).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = &ran.json()[0];
    let text = text_of(&pdf);
    let world = hex::encode(node.world().genesis.chain_id);
    let hash = hex::encode(touchstone_core::hash::sha256(b"a bridge at dusk"));
    let shown = [
        "设计存证证书",
        "Certificate of design deposit",
        &id,
        "黄昏的桥 Most za soumraku, Žižkov [U+1F600]",
        "持有人所述，账本未记录",
        "Carol Design (carol)",
        json["owner_key"].as_str().unwrap(),
        json["commitment"].as_str().unwrap(),
        json["transaction"].as_str().unwrap(),
        json["deposit_block"]["block_id"].as_str().unwrap(),
        &hash,
        "桥.png",
        "2026-01-01 00:00:01.000 UTC ± 4.5 s",
        "2026-01-01 08:00:01.000 (UTC+8)",
        "500 ms",
        "4000 ms",
        "高度 1 height 1",
        &world,
        // All validators of the height, signers or not.
        "Acme Logistics (acme)：表决权 1 / 4",
        "Bravo Retail (bravo)：表决权 1 / 4",
        "Carol Design (carol)：表决权 1 / 4",
        "Delta IP Office (delta)：表决权 1 / 4",
        "存证人所属机构本身也是验证节点",
        "未公开 not disclosed",
        "1/1",
    ];
    for part in shown {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("2/2"), "more than a page:\n{text}");

    // Disclosed, the title is the ledger's; without the receipt, the names of files are gone.
    assert_eq!(node.run_as("carol", &["disclose", &receipt]).await.code, 0);
    std::fs::remove_file(&receipt).unwrap();
    let ran = node.run(&write).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = text_of(&pdf);
    assert!(
        text.contains("recorded in the ledger at its disclosure"),
        "{text}"
    );
    assert!(
        text.contains("2026-01-01 00:00:02.000 UTC，区块 2"),
        "{text}"
    );
    assert!(text.contains(&hash) && !text.contains("桥.png"), "{text}");

    // Nothing is known of an undisclosed design without its receipt.
    let bare = node.write("bare.png", "something else");
    let away = node.path("away").display().to_string();
    std::fs::create_dir(&away).unwrap();
    let deposit = ["deposit", &bare, "--receipts", &away, "--json"];
    let ran = node.run_as("bravo", &deposit).await;
    let id = ran.json()[0]["design_id"].as_str().unwrap().to_owned();
    let ran = node.run(&["certificate", &id, "-o", &pdf, "--force"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = text_of(&pdf);
    assert!(text.contains("文件：未知 Files: unknown"), "{text}");
    assert!(text.contains("Shows that a commitment by"), "{text}");
}

/// The credential that the owner's key signs is checked by its signature alone, and by the ledger.
#[tokio::test]
async fn a_credential_is_issued_by_the_owner_and_checked() {
    let node = Served::start().await;
    let (front, _, receipt) = deposited(&node).await;
    let folder = node.folder.path().display().to_string();
    let out = |name: &str| node.path(name).display().to_string();
    let (cert, again) = (out("cert.json"), out("again.json"));
    let issue = ["certificate", &front, "-o", &cert];
    let ran = node.run(&issue).await;
    assert_eq!(ran.code, 1, "without a key: {ran:?}");
    let ran = node.run_as("acme", &issue).await;
    assert_eq!(ran.code, 1, "by another's key: {ran:?}");
    assert!(!std::path::Path::new(&cert).exists());
    for file in [&cert, &again] {
        let ran = node
            .run_as("carol", &["certificate", &front, "-o", file])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let bytes = std::fs::read(&cert).unwrap();
    assert_eq!(bytes, std::fs::read(&again).unwrap());

    // Whoever has only the file.
    let ran = crate::fake::touchstone(&["certificate", "--check", &cert]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.out.contains("Signature   holds"), "{ran:?}");
    assert!(ran.out.contains("Ledger      not asked"), "{ran:?}");
    // With the receipt, or a disclosure, the ledger proves the files too.
    let ask = ["certificate", "--check", &cert];
    let ran = node.run(&ask).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(
        ran.out.contains("the files are the owner's word"),
        "{ran:?}"
    );
    let ran = node
        .run(&[&ask[..], &["--offline", "--json"]].concat())
        .await;
    assert_eq!(ran.json()[0]["ledger"], serde_json::Value::Null);
    let ran = node
        .run(&[&ask[..], &["--receipts", &folder]].concat())
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("Credential  VERIFIED\n"), "{ran:?}");
    let ran = node
        .run(&[&ask[..], &["--receipt", &receipt, "--json"]].concat())
        .await;
    assert_eq!(ran.json()[0]["ledger"]["height"], 1);
    assert_eq!(node.run_as("carol", &["disclose", &receipt]).await.code, 0);
    assert_eq!(node.run(&ask).await.code, 0);

    // A changed word, and a lie that its owner signed.
    let text = String::from_utf8(bytes).unwrap();
    let bent = node.write("bent.json", &text.replace("Chair 7", "Chair 8"));
    let ran = node.run(&["certificate", "--check", &bent]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("signature doesn't hold"), "{ran:?}");
    let mut lie: serde_json::Value = serde_json::from_str(&text).unwrap();
    lie.as_object_mut().unwrap().remove("proof");
    lie["credentialSubject"]["height"] = 0.into();
    let date = "2026-01-01T00:00:01.000Z";
    let key = crate::fake::key(3);
    let lie =
        touchstone_cli::deposit_certificate::data_integrity::secure(&lie, &key, date).unwrap();
    let lie = node.write("lie.json", &lie.to_string());
    let ran = node.run(&["certificate", "--check", &lie]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("the ledger proves another height"),
        "{ran:?}"
    );
    let nonsense = node.write("nonsense.json", "{}");
    assert_eq!(
        node.run(&["certificate", "--check", &nonsense]).await.code,
        3
    );
    let missing = node.run(&["certificate", "--check", "missing.json"]).await;
    assert_eq!(missing.code, 1, "{missing:?}");
}
