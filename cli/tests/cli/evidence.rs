//! Evidence files: written from a ledger, examined offline.

use touchstone_core::evidence::Subject;
use touchstone_core::test_support::tsa::{TestAuthority, TestKey};
use touchstone_proto::node::EvidencePiece;

use crate::fake::{Ran, Served, text_of};

const UNIT: &str = "https://id.gs1.org/01/09521321000018/21/1";

fn event(note: u32) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],"type":"ObjectEvent",
        "eventTime":"2026-01-01T00:00:00.{note:03}Z","eventTimeZoneOffset":"+00:00",
        "epcList":["{UNIT}"],"action":"OBSERVE","bizStep":"shipping"}}"#
    )
}

/// A case about the unit, written by the verb itself.
async fn written(node: &Served) -> String {
    node.world().record("acme", &[event(1), event(2)]);
    node.world().claim("bravo", &event(3));
    let file = node.path("case.evidence").display().to_string();
    let ran = node.run(&["evidence", UNIT, "-o", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("3 events as of height 2"), "{}", ran.out);
    file
}

fn element<'a>(report: &'a serde_json::Value, name: &str) -> &'a str {
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|c| c["element"] == name).unwrap();
    check["result"].as_str().unwrap()
}

/// `verify` as somebody runs it who has nothing but the file.
async fn alone(arguments: &[&str]) -> Ran {
    crate::fake::touchstone(arguments).await
}

#[tokio::test]
async fn a_case_with_its_page_is_a_folder() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1)]);
    let folder = node.path("case").display().to_string();
    let ran = node
        .run(&["evidence", UNIT, "--with-page", "-o", &folder])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let page = std::fs::read(node.path("case/touchstone-verify.html")).unwrap();
    let sha256 = hex::encode(touchstone_core::hash::sha256(&page));
    assert!(ran.out.contains(&sha256), "{}", ran.out);
    assert!(page.starts_with(b"<!doctype html>"));
    let file = node.path("case/record.evidence").display().to_string();
    let genesis = node.path("genesis.json").display().to_string();
    let verified = alone(&["verify", &file, "--genesis", &genesis]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    // A file that is there stays.
    let again = node
        .run(&["evidence", UNIT, "--with-page", "-o", &folder])
        .await;
    assert_eq!(again.code, 1, "{again:?}");
    // So does a page of another version, and this one serves again.
    let path = node.path("case/touchstone-verify.html");
    for (content, code) in [(&b"another page"[..], 1), (&page[..], 0)] {
        std::fs::write(&path, content).unwrap();
        let _ = std::fs::remove_file(&file);
        let ran = node
            .run(&["evidence", UNIT, "--with-page", "-o", &folder])
            .await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[tokio::test]
async fn a_case_is_written_and_verified_offline() {
    let node = Served::start().await;
    let file = written(&node).await;
    let genesis = node.path("genesis.json").display().to_string();
    let ran = alone(&["verify", &file, "--genesis", &genesis]).await;
    for part in [
        "Verdict   VERIFIED",
        "Art. 16",
        "Art. 17",
        "Art. 18",
        UNIT,
        "by Bravo",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    let ran = alone(&["verify", &file, "--json"]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let report = &ran.json()[0];
    assert_eq!(report["verdict"], "verified-with-reservations");
    assert_eq!(element(report, "genesis"), "reservation");
    assert_eq!(element(report, "completeness"), "passed");
    assert_eq!(report["facts"]["history"]["own_events"], 3);
    // Nothing is overwritten unasked.
    let again = node.run(&["evidence", UNIT, "-o", &file]).await;
    assert_eq!(again.code, 1, "{again:?}");
    let forced = node.run(&["evidence", UNIT, "-o", &file, "--force"]).await;
    assert_eq!(forced.code, 0, "{forced:?}");
}

/// Who packs a folder packs the settings in it too: they don't say which chain is trusted.
#[tokio::test]
async fn a_folder_does_not_say_which_chain_is_trusted() {
    let node = Served::start().await;
    let file = written(&node).await;
    std::fs::write(node.path("touchstone.toml"), "genesis = \"genesis.json\"\n").unwrap();
    let verify = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_touchstone"));
        command
            .env_remove("TOUCHSTONE_GENESIS")
            .args(["verify", &file]);
        command
            .args(words)
            .arg("--json")
            .current_dir(node.path("."));
        command.output().unwrap()
    };
    let ran = verify(&[]);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(6), "{said}");
    assert!(
        said.contains("may have come with the file to examine"),
        "{said}"
    );
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(element(&report, "genesis"), "reservation");
    let named = verify(&["--genesis", "genesis.json"]);
    let report: serde_json::Value = serde_json::from_slice(&named.stdout).unwrap();
    assert_eq!(element(&report, "genesis"), "passed");
}

#[tokio::test]
async fn a_changed_file_is_refused_with_the_reason() {
    let node = Served::start().await;
    let file = written(&node).await;
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let ran = alone(&["verify", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("NOT VERIFIED"), "{}", ran.out);
    assert!(ran.out.contains("checksum"), "{}", ran.out);
    let unchecked = "anchor        not checked, as an element before it failed";
    assert!(ran.out.contains(unchecked), "{}", ran.out);
    let absent = alone(&["verify", "no-such-file"]).await;
    assert_eq!(absent.code, 1, "{absent:?}");
}

#[tokio::test]
async fn a_node_that_sends_bad_evidence_is_found_out() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1)]);
    let other = node.world().evidence_of(&Subject::Design([7; 32]));
    let file = node.path("case.evidence").display().to_string();
    for bent in [other, vec![], b"touchstone/evidence/v1\n".to_vec()] {
        node.tamper(move |piece: &mut EvidencePiece| piece.bytes.clone_from(&bent));
        let ran = node.run(&["evidence", UNIT, "-o", &file]).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(!std::path::Path::new(&file).exists());
    }
}

#[tokio::test]
async fn pieces_with_nothing_in_them_do_not_come_for_ever() {
    let node = Served::start_on_a_bad_line().await;
    node.world().record("acme", &[event(1)]);
    node.world().is_endless = true;
    let file = node.path("case.evidence").display().to_string();
    let ran = node.run(&["evidence", UNIT, "-o", &file]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("no answer within"), "{ran:?}");
    assert!(!std::path::Path::new(&file).exists());
}

#[tokio::test]
async fn what_was_never_recorded_is_evidence_too() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1)]);
    let file = node.path("nothing.evidence").display().to_string();
    let id = "https://id.gs1.org/01/09521321000018/21/77";
    assert_eq!(node.run(&["evidence", id, "-o", &file]).await.code, 0);
    let pdf = node.path("nothing.pdf").display().to_string();
    let ran = alone(&["verify", &file, "--pdf", &pdf]).await;
    assert!(ran.out.contains("nothing was ever recorded"), "{}", ran.out);
    let text = text_of(&pdf);
    assert!(text.contains("账本中没有此物品的任何记录"), "{text}");
    assert!(!text.contains("Annex"), "{text}");
}

#[tokio::test]
async fn a_deposit_is_opened_by_its_receipt_and_compared_with_the_original() {
    let node = Served::start().await;
    let front = node.write("front.png", "a chair from the front");
    let other = node.write("other.png", "a table");
    let folder = node.folder.path().display().to_string();
    let deposit = [
        "deposit",
        &front,
        "--title",
        "Chair 7",
        "--receipts",
        &folder,
        "--json",
    ];
    let ran = node.run_as("carol", &deposit).await;
    let receipt = ran.json()[0]["receipt"].as_str().unwrap().to_owned();
    let id = ran.json()[0]["design_id"].as_str().unwrap().to_owned();
    let file = node.path("design.evidence").display().to_string();
    let a_file = node.run(&["evidence", &receipt, "-o", &file]).await;
    assert_eq!(a_file.code, 1, "{a_file:?}");
    assert!(a_file.err.contains("by its id"), "{a_file:?}");
    let as_item = node.run(&["item", &id]).await;
    assert_eq!(as_item.code, 1, "{as_item:?}");
    assert!(as_item.err.contains("a design's id"), "{as_item:?}");
    let write = ["evidence", &id, "--receipt", &receipt, "-o", &file];
    let ran = node.run(&write).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = alone(&["verify", &file, &front, "--json"]).await;
    assert_eq!(ran.json()[0]["exhibits"]["verdict"], "recorded");
    assert_eq!(ran.json()[0]["facts"]["deposit"]["title"], "Chair 7");
    let pdf = node.path("report.pdf").display().to_string();
    alone(&["verify", &file, &front, "--pdf", &pdf]).await;
    let text = text_of(&pdf);
    let hash = hex::encode(touchstone_core::hash::sha256(b"a chair from the front"));
    for part in [
        &id,
        "Chair 7",
        "持有人所述",
        "不晚于 2026-01-01 00:00:01.000 UTC ± 4.5 s",
        "北京时间 2026-01-01 08:00:01.000 (UTC+8)",
        "Carol Design (carol)",
        "提交的文件 Exhibit",
        "与记录中的文件或事件逐字节一致",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // Handed in, opened and compared.
    assert!(text.matches(&hash).count() >= 2, "{text}");
    // A wrong file is no part of the record, and says nothing about it.
    let genesis = node.path("genesis.json").display().to_string();
    let trusted = ["verify", &file, &front, &other, "--genesis", &genesis];
    let ran = alone(&trusted).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    for part in [
        "Verdict   VERIFIED",
        "NOT PART OF THE RECORD",
        "byte for byte",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    assert!(ran.err.contains("other.png"), "{}", ran.err);
    let ran = alone(&[&trusted[..], &["--json"]].concat()).await;
    let [answer] = &ran.json()[..] else {
        panic!("{}", ran.out)
    };
    assert_eq!(answer["verdict"], "verified");
    assert_eq!(answer["exit_code"], 7);
    assert_eq!(answer["exhibits"]["verdict"], "not-recorded");
    assert_eq!(answer["exhibits"]["files"][0]["matches"][0]["file"], 1);
}

/// A judge reads each element with its result and reason, whatever the verdict.
#[tokio::test]
async fn the_report_is_written_for_a_judge() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1), event(2)]);
    node.world().record("acme", &[event(3)]);
    let file = node.path("case.evidence").display().to_string();
    assert_eq!(node.run(&["evidence", UNIT, "-o", &file]).await.code, 0);
    let original = node.write("photo.jpg", "not of this record");
    let genesis = node.path("genesis.json").display().to_string();
    let pdf = node.path("report.pdf").display().to_string();
    let at = "2026-02-01T00:00:00Z";
    let trusted = [
        "verify",
        &file,
        "--genesis",
        &genesis,
        "--pdf",
        &pdf,
        "--at",
        at,
    ];
    let ran = alone(&trusted).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = text_of(&pdf);
    let digest = touchstone_core::hash::sha256(&std::fs::read(&file).unwrap());
    for part in [
        "存证核验报告",
        "结论：核验通过，记录各项均成立。",
        "VERIFIED: every element of the record holds.",
        "《人民法院在线诉讼规则》第十六条",
        "上链前（第十八条）",
        "【通过 passed】 记录是否无遗漏、无增删",
        "自身事件 3 项",
        "events of its own: 3",
        "【通过 passed】 物品由谁占有",
        "仅依其单方陈述，无人确认",
        "one-sided, nobody confirmed it",
        "【未提供 not given】 何时提出交付、接受、拒绝与主张",
        "Acme Logistics (acme)：表决权 1 / 4，已签署",
        "Delta IP Office (delta)：表决权 1 / 4，未签署",
        "事件 3 项，见附录；此外别无记录",
        "上链 2026-01-01 00:00:02.000 UTC，2/0/0；Acme Logistics (acme)",
        "所述时间 2026-01-01T00:00:00.003Z (local offset +00:00)",
        "发运：被观察到",
        "event-2-0-0.json",
        concat!("touchstone ", env!("CARGO_PKG_VERSION")),
        "签名、盖章 Signature, seal",
        "核验时间 Examined",
        "2026-02-01 00:00:00.000 UTC",
        UNIT,
        &hex::encode(digest),
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // Every element has its row.
    let rows = text.matches('【').count();
    assert_eq!(rows, touchstone_core::evidence::Element::ALL.len());
    let bytes = std::fs::read(&pdf).unwrap();
    assert_eq!(alone(&trusted).await.code, 1, "overwritten unasked");
    let again = alone(&[&trusted[..], &["--force"]].concat()).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(bytes, std::fs::read(&pdf).unwrap());

    let ran = alone(&["verify", &file, "--pdf", &pdf, "--force"]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let text = text_of(&pdf);
    assert!(text.contains("WITH RESERVATIONS"), "{text}");
    assert!(text.contains("须斟酌的保留事项：创世文件。"), "{text}");

    // A file of no relation to the record: the record holds, the file isn't part of it.
    let ran = alone(&["verify", &file, &original, "--pdf", &pdf, "--force"]).await;
    assert_eq!(ran.code, 7, "{ran:?}");
    let text = text_of(&pdf);
    for part in [
        "photo.jpg",
        "不属于该记录",
        "NOT PART OF THE RECORD",
        "What is proven",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }

    let mut damaged = std::fs::read(&file).unwrap();
    damaged[40] ^= 1;
    let damaged = {
        std::fs::write(node.path("damaged.evidence"), damaged).unwrap();
        node.path("damaged.evidence").display().to_string()
    };
    let ran = alone(&["verify", &damaged, &original, "--pdf", &pdf, "--force"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let text = text_of(&pdf);
    assert!(text.contains("核验不通过：文件。"), "{text}");
    assert!(text.contains("【不通过 FAILED】"), "{text}");
    // What a file that fails claims is no fact.
    assert!(!text.contains("What is proven"), "{text}");
    assert!(!text.contains("shipping"), "{text}");
    assert!(text.contains("photo.jpg"), "{text}");
}

/// The exact bytes of each event and transaction are written, and are what the hashes are of.
#[tokio::test]
async fn the_bytes_that_hashes_cover_are_written() {
    let node = Served::start().await;
    let file = written(&node).await;
    let folder = node.path("bytes").display().to_string();
    let arguments = ["verify", &file, "--events", &folder];
    let ran = alone(&[&arguments[..], &["--json"]].concat()).await;
    let report = &ran.json()[0];
    let events = report["facts"]["history"]["events"].as_array().unwrap();
    assert_eq!(events.len(), 3);
    let sum = |name: &str| {
        let bytes = std::fs::read(node.path("bytes").join(name)).unwrap();
        hex::encode(touchstone_core::hash::sha256(&bytes))
    };
    for event in events {
        let place = [&event["height"], &event["transaction"], &event["event"]];
        let [height, transaction, index] = place;
        let name = format!("event-{height}-{transaction}-{index}.json");
        assert_eq!(sum(&name), event["content_hash"].as_str().unwrap());
    }
    for one in report["facts"]["transactions"].as_array().unwrap() {
        let name = format!("transaction-{}-{}.bin", one["height"], one["index"]);
        assert_eq!(sum(&name), one["id"].as_str().unwrap());
    }
    assert_eq!(
        sum("genesis.json"),
        report["facts"]["chain_id"].as_str().unwrap()
    );
    assert_eq!(report["exact_bytes"].as_array().unwrap().len(), 6);
    let sums = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(node.path("bytes"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let again = alone(&arguments).await;
    assert_eq!(again.code, 1, "overwritten unasked: {again:?}");
}

/// A claim is shown on the terminal and on paper, in the language that is asked for.
#[tokio::test]
async fn a_claim_is_shown_in_both_languages() {
    let node = Served::start().await;
    let file = written(&node).await;
    let genesis = node.path("genesis.json").display().to_string();
    let pdf = node.path("report.pdf").display().to_string();
    let ran = alone(&["verify", &file, "--genesis", &genesis, "--pdf", &pdf]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    for part in ["custody       RESERVATION", "DISPUTED", "CLAIM"] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    let text = text_of(&pdf);
    for part in ["有争议 DISPUTED", "单方主张 CLAIM", "双方陈述相互矛盾"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let ran = alone(&["verify", &file, "--genesis", &genesis, "--lang", "zh"]).await;
    for part in [
        "结论",
        "核验通过，有保留事项",
        "有争议",
        "占有人",
        "第十七条",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    for part in ["DISPUTED", "Holder", "passed"] {
        assert!(!ran.out.contains(part), "{part:?} is in\n{}", ran.out);
    }
}

/// OpenSSL, not told of anything but the files.
fn openssl(command: &serde_json::Value) -> Result<(), String> {
    let words: Vec<&str> = command
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    let output = std::process::Command::new(words[0])
        .args(&words[1..])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.success(),
        text.contains("Verification: OK"),
        "{text}"
    );
    output.status.success().then_some(()).ok_or(text)
}

/// The tokens in a file are what their authorities gave, for any program that knows RFC 3161.
#[tokio::test]
async fn openssl_accepts_the_tokens_that_verify_writes() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1)]);
    node.world().record("acme", &[event(2)]);
    let rsa = TestAuthority::rsa();
    let ec = TestAuthority::simple(TestKey::P256, TestKey::P384);
    node.world().stamp(&rsa, "http://one.example/tsa");
    node.world().stamp(&ec, "http://two.example/tsa");
    let file = node.path("case.evidence").display().to_string();
    let ran = node.run(&["evidence", UNIT, "-o", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let pem = |der: &Vec<u8>| {
        use ed25519_dalek::pkcs8::spki::der::pem::{LineEnding, encode_string};
        encode_string("CERTIFICATE", LineEnding::LF, der).unwrap()
    };
    let roots: String = [&rsa, &ec].map(|a| pem(a.chain.last().unwrap())).concat();
    let roots = node.write("roots.pem", &roots);
    let genesis = node.path("genesis.json").display().to_string();
    let spaced = node.path("the tokens").display().to_string();
    let refused = alone(&["verify", &file, "--tokens", &spaced]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("a space or a comma"), "{refused:?}");
    let tokens = node.path("tokens").display().to_string();
    let pdf = node.path("report.pdf").display().to_string();
    let arguments = [
        "verify",
        &file,
        "--genesis",
        &genesis,
        "--tsa-roots",
        &roots,
        "--tokens",
        &tokens,
        "--pdf",
        &pdf,
    ];
    let ran = alone(&arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "time-stamps   passed: CN=Stamps R stamped blocks 1 to 2",
        "Stamped   no later than 2026-03-01 12:00:01.250 UTC by CN=Stamps S (trusted): 2 of",
        "openssl ts -verify -token_in -in /",
        "-attime 1772366400",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    let text = text_of(&pdf);
    for part in ["时间戳 Stamped", "受信", "http://two.example/tsa"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_eq!(alone(&arguments).await.code, 1, "overwritten unasked");
    let ran = alone(&[&arguments[..], &["--force", "--json"]].concat()).await;
    let report = &ran.json()[0];
    assert_eq!(element(report, "time-stamps"), "passed");
    assert_eq!(
        report["facts"]["stamps"][0]["heights"],
        serde_json::json!([1, 2])
    );
    let written = report["tokens"].as_array().unwrap();
    assert_eq!(written.len(), 2);
    for token in written {
        assert_eq!(openssl(&token["command"]), Ok(()));
        let document = token["document"].as_str().unwrap();
        let mut bytes = std::fs::read(document).unwrap();
        bytes[40] ^= 1;
        std::fs::write(document, bytes).unwrap();
        assert!(openssl(&token["command"]).is_err(), "{token}");
    }
}

#[tokio::test]
async fn authorities_that_nobody_trusts_are_weighed() {
    let node = Served::start().await;
    node.world().record("acme", &[event(1)]);
    let authority = TestAuthority::rsa();
    node.world().stamp(&authority, "http://one.example/tsa");
    let file = node.path("case.evidence").display().to_string();
    assert_eq!(node.run(&["evidence", UNIT, "-o", &file]).await.code, 0);
    let genesis = node.path("genesis.json").display().to_string();
    let ran = alone(&["verify", &file, "--genesis", &genesis]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let root = hex::encode(authority.root());
    for part in ["time-stamps   RESERVATION", &root, "root not trusted here"] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    let junk = node.write("junk.pem", "no certificate");
    let ran = alone(&["verify", &file, "--tsa-roots", &junk]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
}
