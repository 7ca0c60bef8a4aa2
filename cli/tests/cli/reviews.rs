//! A panel of jurors decides a dispute: by the verbs of platform, validators, parties and jurors.

use ed25519_dalek::pkcs8::EncodePublicKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use touchstone_core::test_support::beacons;
use touchstone_proto::node::StateReply;

use crate::disputes::{done, enroll_market, shows};
use crate::fake::{Ran, Served, key, text_of};

/// Seeds of the validators' keys.
const VALIDATORS: [u8; 4] = [101, 102, 103, 104];
const JURORS: u8 = 8;

fn public(seed: u8) -> String {
    hex::encode(key(seed).verifying_key().to_bytes())
}

async fn approved(node: &Served, words: &[&str]) {
    for member in ["acme", "bravo", "delta"] {
        let ran = node
            .run_as(member, &[&["review"][..], words].concat())
            .await;
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    }
}

/// Terms, hash chains and jurors; the files of the validators' secrets and the list.
async fn prepared(node: &Served) -> (Vec<String>, String) {
    let figures = ["--panel", "3", "--appeal-panel", "5", "--alternates", "0"];
    approved(node, &[&["set-terms"][..], &figures].concat()).await;
    let shown = node.run(&["review", "terms", "--json"]).await.json();
    assert_eq!(
        (
            &shown[0]["terms"]["panel"],
            &shown[0]["terms"]["commit_days"]
        ),
        (&3.into(), &3.into())
    );
    let mut secrets = Vec::new();
    for seed in VALIDATORS {
        let file = node
            .path(&format!("chain{seed}.json"))
            .display()
            .to_string();
        let made = node
            .run(&["review", "chain", "-o", &file, "--values", "8", "--json"])
            .await;
        let tip = made.json()[0]["tip"].as_str().unwrap().to_owned();
        let chain = [
            "register-chain",
            "--public-key",
            &public(seed),
            "--tip",
            &tip,
        ];
        approved(node, &chain).await;
        secrets.push(file);
    }
    let mut lines = "# jurors of the market\n".to_owned();
    for number in 0..JURORS {
        let organisation = if number == 0 { " bravo" } else { "" };
        lines.push_str(&format!("{}{organisation}\n", public(200 + number)));
        let pem = touchstone_cli::keyfile::to_pem(&key(200 + number), None).unwrap();
        let file = node.path(&format!("juror{number}.pem"));
        touchstone_cli::keyfile::write_secret(&file, pem.as_bytes(), true).unwrap();
    }
    let list = node.write("jurors.txt", &lines);
    done(node, "market", &["review", "jurors", &list]).await;
    (secrets, list)
}

/// Carol's dispute about acme's listing, up to the declaration.
async fn countered(node: &Served) -> String {
    let file = node.write("chair.txt", "a chair");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let deposited = node.run_as("carol", &deposit).await.json();
    let design = deposited[0]["design_id"].as_str().unwrap().to_owned();
    let parties = ["--platform", "market", "--respondent", "acme"];
    let listing = ["--listing", "https://market.example/7", "--evidence", &file];
    let notice = [&["dispute", "notice", &design][..], &parties, &listing].concat();
    let id = done(node, "carol", &notice).await;
    let answer = ["--measure", "removed", "--reason", "the pictures agree"];
    done(
        node,
        "market",
        &[&["dispute", "answer", &id][..], &answer].concat(),
    )
    .await;
    done(
        node,
        "acme",
        &["dispute", "counter", &id, "--declaration", &file],
    )
    .await;
    id
}

/// Acme asks for a panel.
async fn open(node: &Served, id: &str) {
    let rules = node.write("rules.txt", "look at the whole");
    let asked = ["--ground", "similarity", "--rule-book", &rules];
    done(
        node,
        "acme",
        &[&["review", "open", id][..], &asked].concat(),
    )
    .await;
}

/// Of the validator at a place, with its secret.
async fn reveal(node: &Served, secrets: &[String], place: usize, words: &[&str]) -> Ran {
    let public = public(VALIDATORS[place]);
    let own = ["--secret", &secrets[place], "--public-key", &public];
    node.run_as("bravo", &[&["review", "reveal"][..], &own, words].concat())
        .await
}

async fn shown(node: &Served, id: &str) -> serde_json::Value {
    let ran = node.run(&["review", "show", id, "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()[0].clone()
}

/// By a juror's card and key.
async fn juror(node: &Served, id: &str, verb: &str, number: u64, words: &[&str]) -> Ran {
    let card = node
        .path(&format!("card{number}.json"))
        .display()
        .to_string();
    let pem = node
        .path(&format!("juror{number}.pem"))
        .display()
        .to_string();
    let files = ["juror", verb, id, "--card", &card, "--juror-key", &pem];
    node.run_as("bravo", &[&files[..], words].concat()).await
}

/// What happens to a dispute whose loser accepts the verdict, in the order of time.
const STEPS: [&str; 5] = [
    "it doesn't infringe",
    "asks for a panel",
    "to uphold 2",
    "accepts its verdict",
    "ended: panel-upheld",
];
const CHINESE_STEPS: [&str; 5] = [
    "声明不侵权",
    "申请评审组",
    "支持 2 票",
    "接受其结论",
    "终结：评审组支持",
];

/// Each part stands behind the one before it.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part:?} stands too early, or not at all, in\n{text}"));
        rest = behind;
    }
}

/// Draw, verdict and authorisation from one file, for a person, a program and a judge.
async fn in_evidence(node: &Served, id: &str) {
    let file = node.path("case.evidence").display().to_string();
    let asked = ["--dispute", id, "--seller", "bravo", "--in", "CN"];
    let write = [&["evidence", "-o", &file][..], &asked].concat();
    let written = node.run(&write).await;
    assert_eq!(written.code, 0, "{written:?}");
    let genesis = node.path("genesis.json").display().to_string();
    let verify = ["verify", &file, "--genesis", &genesis];
    let parts = [
        "Verdict   VERIFIED",
        "notices 1, open 0;",
        "draws 3 of 8 jurors by the values of 3 validators",
        "upheld; votes to uphold 2, to dismiss 1",
        "NO: whether bravo may sell it in CN",
        "there is no licence for it",
        "panels drawn again, and their votes counted again: 1",
    ];
    let verified = node.run(&verify).await;
    shows(&verified, 0, &parts);
    in_order(&verified.out, &STEPS);
    let told = node.run(&[&verify[..], &["--json"]].concat()).await.json();
    let facts = &told[0]["facts"];
    let shown = &facts["disputes"]["shown"][0];
    assert_eq!(shown["id"], id);
    assert_eq!(shown["outcome"], "panel-upheld");
    let panel = &shown["review"]["panels"][0];
    assert_eq!(
        (&panel["verdict"], &panel["uphold"]),
        (&"upheld".into(), &2.into())
    );
    assert_eq!(panel["silent"].as_array().unwrap().len(), 1);
    let answer = &facts["authorisations"][0];
    assert_eq!(
        (&answer["answer"], &answer["act"]),
        (&"no".into(), &"sell".into())
    );
    let pdf = node.path("case.pdf").display().to_string();
    let report = node.run(&[&verify[..], &["--pdf", &pdf]].concat()).await;
    assert_eq!(report.code, 0, "{report:?}");
    let text = text_of(&pdf);
    for part in [
        "争议",
        "支持 2 票，驳回 1 票；已重新计票一致",
        "否：bravo 可否于",
        "重新抽选并重新计票的评审组 1 个",
        "upheld; votes to uphold 2, to dismiss 1",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    in_order(&text, &CHINESE_STEPS);
    in_order(&text, &STEPS);
    certificate_tells_of(node, id, &pdf).await;
    // What the file isn't about is refused: an item has no disputes, and the design no such dispute.
    let item = "https://id.gs1.org/01/09521321000018/21/1";
    let other = node.path("other.evidence").display().to_string();
    let of_item = ["evidence", item, "--dispute", id, "-o", &other];
    shows_error(&node.run(&of_item).await, 1, "about a design, not an item");
    let absent = "77".repeat(32);
    let unknown = ["evidence", "--dispute", &absent, "-o", &other];
    shows_error(&node.run(&unknown).await, 4, "there is no dispute");
}

/// The certificate counts the disputes, and tells how the one that is asked for went: in text, JSON and PDF.
async fn certificate_tells_of(node: &Served, dispute: &str, pdf: &str) {
    let found = node
        .run(&["dispute", "show", dispute, "--json"])
        .await
        .json();
    let design = found[0]["subject"].as_str().unwrap().to_owned();
    let verdict = "upheld; votes to uphold 2, to dismiss 1; the count is found again";
    let asked = ["certificate", &design, "--dispute", dispute];
    let plain = node.run(&asked[..2]).await;
    shows(&plain, 0, &["by a panel upheld 1"]);
    assert!(!plain.out.contains(verdict), "{plain:?}");
    shows(
        &node.run(&asked).await,
        0,
        &["by a panel upheld 1", dispute, verdict],
    );
    in_order(&node.run(&asked).await.out, &STEPS);
    let chinese = node.run(&[&asked[..], &["--lang", "zh"]].concat()).await;
    in_order(&chinese.out, &CHINESE_STEPS);
    let told = node.run(&[&asked[..], &["--json"]].concat()).await.json();
    assert_eq!(told[0]["disputes"]["panel_upheld"], 1);
    let shown = &told[0]["shown_disputes"][0];
    assert_eq!(shown["outcome"], "panel-upheld");
    assert_eq!(shown["review"]["panels"][0]["result"]["uphold"], 2);
    let written = ["-o", pdf, "--force"];
    shows(
        &node.run(&[&asked[..], &written].concat()).await,
        0,
        &[dispute],
    );
    let text = text_of(pdf);
    for part in [
        verdict,
        "支持 2 票，驳回 1 票；已重新计票一致",
        "touchstone evidence ID --dispute",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    in_order(&text, &CHINESE_STEPS);
    in_order(&text, &STEPS);
    let absent = ["certificate", &design, "--dispute", &"77".repeat(32)];
    shows_error(&node.run(&absent).await, 4, "there is no dispute");
    let file = node.write("table.txt", "a table");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let other = node.run_as("carol", &deposit).await.json();
    let other = other[0]["design_id"].as_str().unwrap().to_owned();
    let foreign = ["certificate", &other, "--dispute", dispute];
    shows_error(&node.run(&foreign).await, 1, "about another right");
}

fn shows_error(ran: &Ran, code: u8, part: &str) {
    assert!(ran.code == code && ran.err.contains(part), "{ran:?}");
}

#[tokio::test]
async fn a_review_from_its_opening_to_the_verdict() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let (secrets, list) = prepared(&node).await;
    let id = countered(&node).await;
    let nothing = reveal(&node, &secrets, 0, &[]).await;
    assert_eq!(nothing.code, 0, "{nothing:?}");
    assert!(nothing.err.contains("no draw waits"), "{nothing:?}");
    let told = reveal(&node, &secrets, 0, &["--json"]).await.json();
    assert!(told[0]["draw"].is_null(), "{told:?}");
    // A key that is mistyped is no quiet success.
    let mistyped = ["--secret", &secrets[0], "--public-key", &"77".repeat(32)];
    let mistyped = [&["review", "reveal"][..], &mistyped].concat();
    let mistyped = node.run_as("bravo", &mistyped).await;
    shows_error(&mistyped, 4, "there is no hash chain of the key 7777");
    // A key that can't sign is told before a draw waits for it.
    let own = public(VALIDATORS[0]);
    let own = ["--secret", &secrets[0], "--public-key", &own];
    let nobody = ["--organisation", "bravo", "--key", "nowhere.pem"];
    let unsigned = [&["review", "reveal"][..], &own, &nobody].concat();
    shows_error(&node.run(&unsigned).await, 1, "there is no key file");
    open(&node, &id).await;
    shows(
        &node.run(&["review", "show", &id]).await,
        0,
        &["no panel is drawn of the 8 jurors yet"],
    );
    let wrong = [
        "review",
        "reveal",
        "--secret",
        &secrets[1],
        "--public-key",
        &public(101),
    ];
    let wrong = node.run_as("acme", &wrong).await;
    assert!(
        wrong.code == 1 && wrong.err.contains("another chain's"),
        "{wrong:?}"
    );
    // The last validator is away; the blocks for values pass.
    for place in 0..3 {
        let revealed = reveal(&node, &secrets, place, &[]).await;
        assert_eq!(revealed.code, 0, "{revealed:?}");
    }
    for _ in 0..64 {
        node.world().make_block(&[]);
    }
    let drawn = shown(&node, &id).await;
    let seats = drawn["panels"][0]["seats"].as_array().unwrap().clone();
    let seats: Vec<u64> = seats.iter().map(|s| s["juror"].as_u64().unwrap()).collect();
    assert_eq!((seats.len(), &drawn["phase"]), (3, &"casting".into()));
    for number in 0..u64::from(JURORS) {
        let out = node
            .path(&format!("card{number}.json"))
            .display()
            .to_string();
        let public = public(200 + number as u8);
        let card = ["juror", "card", &list, "--public-key", &public, "-o", &out];
        assert_eq!(node.run(&card).await.code, 0);
    }
    let other = (0..u64::from(JURORS)).find(|n| !seats.contains(n)).unwrap();
    let stranger = juror(&node, &id, "vote", other, &["--choice", "uphold"]).await;
    assert!(
        stranger.code == 2 && stranger.err.contains("493"),
        "{stranger:?}"
    );
    for (place, number) in seats.iter().enumerate() {
        // The first thinks better of it.
        let first = juror(&node, &id, "vote", *number, &["--choice", "dismiss"]).await;
        assert_eq!(first.code, 0, "{first:?}");
        if place < 2 {
            let second = juror(&node, &id, "vote", *number, &["--choice", "uphold"]).await;
            assert_eq!(second.code, 0, "{second:?}");
        }
    }
    let reasons = node.write("reasons.txt", "legs and back agree");
    for number in &seats {
        let opened = juror(&node, &id, "open", *number, &["--reasons", &reasons]).await;
        assert_eq!(opened.code, 0, "{opened:?}");
    }
    let file = node.path("case.review").display().to_string();
    let told = node.run(&["review", "show", &id, "-o", &file]).await;
    let parts = [
        "draws 3 of 8 jurors by the values of 3 validators",
        "no value for the draw from: ",
        "upheld; votes to uphold 2, to dismiss 1",
    ];
    shows(&told, 0, &parts);
    let bytes = std::fs::read(&file).unwrap();
    let checked = node.run(&["review", "show", "--check", &file]).await;
    shows(&checked, 0, &parts);
    // Of when it is, too: it may have been kept.
    shows(&checked, 0, &["\nBlock     "]);
    let mut bent = bytes.clone();
    bent[100] ^= 1;
    std::fs::write(&file, &bent).unwrap();
    let refused = node.run(&["review", "show", "--check", &file]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    done(&node, "acme", &["review", "accept", &id]).await;
    shows(
        &node.run(&["dispute", "show", &id]).await,
        0,
        &[
            "upheld; votes to uphold 2, to dismiss 1; the quorum is reached",
            "who lost before the first panel accepts its verdict",
            "ended: panel-upheld",
        ],
    );
    let told = node.run(&["dispute", "show", &id]).await.out;
    in_order(&told, &STEPS);
    let chinese = node.run(&["dispute", "show", &id, "--lang", "zh"]).await;
    in_order(&chinese.out, &CHINESE_STEPS);
    let told = node.run(&["dispute", "show", &id, "--json"]).await.json();
    let verdict = &told[0]["verdicts"][0];
    assert_eq!(
        (&verdict["verdict"], &verdict["quorum_reached"]),
        (&"upheld".into(), &true.into())
    );
    assert_eq!(
        (&verdict["uphold"], &verdict["dismiss"]),
        (&2.into(), &1.into())
    );
    assert_eq!(told[0]["finality"], "accepted");
    let party = node.run(&["dispute", "party", "acme"]).await;
    shows(&party, 0, &["by a panel upheld 1, dismissed 0"]);
    in_evidence(&node, &id).await;
    // A node that tells other votes is found out.
    node.tamper(|reply: &mut StateReply| {
        if reply.key.starts_with(b"panel/") {
            let value = reply.value.as_mut().unwrap();
            let last = value.len() - 1;
            value[last] ^= 1;
        }
    });
    assert_eq!(node.run(&["review", "show", &id]).await.code, 3);
}

/// Wrong usage, which names the fix; in Chinese too.
async fn told_how(node: &Served, words: &[&str], fix: &str, chinese: &str) {
    let refused = node.run_as("bravo", words).await;
    shows_error(&refused, 1, fix);
    let refused = node
        .run_as("bravo", &[words, &["--lang", "zh"]].concat())
        .await;
    shows_error(&refused, 1, chinese);
}

/// A draw that waits for a beacon's pulse tells which; another is refused; the right one draws, and is told.
#[tokio::test]
async fn a_draw_by_a_beacon() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let (secrets, _) = prepared(&node).await;
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../chain-core/tests/data/beacon"
    );
    let key = format!("{data}/test-key.pem");
    let alone = node
        .run_as("acme", &["review", "set-terms", "--beacon-wait", "700"])
        .await;
    assert!(
        alone.code == 1 && alone.err.contains("name no beacon yet"),
        "{alone:?}"
    );
    // Another kind of key, a cut one, none: each says how to come by the right one, in both languages.
    let whole = std::fs::read_to_string(&key).unwrap();
    let ed25519 = crate::fake::key(7).verifying_key();
    let ed25519 = ed25519.to_public_key_pem(LineEnding::LF).unwrap();
    for content in [&ed25519, &whole[..whole.len() / 2], ""] {
        let file = node.write("other.pem", content);
        let words = ["--beacon-key", &file, "--beacon-chain", "7"];
        let words = [&["review", "set-terms"][..], &words].concat();
        told_how(
            &node,
            &words,
            "openssl x509 -pubkey",
            "不是 PEM 或 DER 的 RSA 公钥",
        )
        .await;
    }
    let named = ["set-terms", "--beacon-key", &key, "--beacon-chain", "7"];
    approved(&node, &named).await;
    shows(
        &node.run(&["review", "terms"]).await,
        0,
        &["beacon            chain_index 7", "wait_ms 21600000"],
    );
    let told = node.run(&["review", "terms", "--json"]).await.json();
    let beacon = &told[0]["terms"]["beacon"];
    assert_eq!(
        (&beacon["delay_ms"], &told[0]["terms"]["panel"]),
        (&120_000.into(), &3.into())
    );
    let id = countered(&node).await;
    let none = node.run(&["review", "draw"]).await;
    assert_eq!(none.code, 4, "{none:?}");
    open(&node, &id).await;
    shows(
        &node.run(&["review", "draw"]).await,
        0,
        &[
            "begun in block",
            "for 1 review;",
            "no value for the draw from: ",
        ],
    );
    for place in 0..VALIDATORS.len() {
        let revealed = reveal(&node, &secrets, place, &[]).await;
        assert_eq!(revealed.code, 0, "{revealed:?}");
    }
    shows(
        &node.run(&["review", "draw"]).await,
        0,
        &[
            "waits up to",
            "for the beacon's pulse of",
            "on chain 7, Unix time",
        ],
    );
    let draw = node.run(&["review", "draw", "--json"]).await.json();
    let beacon = &draw[0]["beacon"];
    assert_eq!(
        (&draw[0]["drawn_in"], &beacon["pulse_index"]),
        (&().into(), &().into())
    );
    let pulse_ms = beacon["pulse_ms"].as_u64().unwrap();
    let file = |name: &str, time_ms: u64| {
        let pulse = beacons::pulse(time_ms);
        node.write(name, &beacons::json(&pulse))
    };
    let early = file("early.json", pulse_ms - 60_000);
    let refused = node
        .run_as("bravo", &["review", "pulse", &early, "--json"])
        .await;
    assert_eq!((refused.code, &refused.json()[0]["code"]), (2, &861.into()));
    let good = file("pulse.json", pulse_ms);
    let bent = std::fs::read_to_string(&good)
        .unwrap()
        .replace("\"08", "\"09");
    let bent = node.write("bent.json", &bent);
    let refused = node.run_as("bravo", &["review", "pulse", &bent]).await;
    assert!(
        refused.code == 1 && refused.err.contains("outputValue"),
        "{refused:?}"
    );
    let whole = std::fs::read_to_string(&good).unwrap();
    for content in ["", &whole[..whole.len() / 2], "{\"pulse\": {}}"] {
        let file = node.write("cut.json", content);
        let words = ["review", "pulse", &file];
        told_how(
            &node,
            &words,
            "touchstone review draw",
            "或不完整；请重新获取脉冲",
        )
        .await;
    }
    done(&node, "bravo", &["review", "pulse", &good]).await;
    let again = node
        .run_as("acme", &["review", "pulse", &good, "--json"])
        .await;
    assert_eq!((again.code, &again.json()[0]["code"]), (2, &859.into()));
    shows(
        &node.run(&["review", "draw"]).await,
        0,
        &[
            "the draw takes the beacon's pulse",
            "of chain 7",
            "over: block",
        ],
    );
    let review = shown(&node, &id).await;
    let told = &review["panels"][0]["beacon"];
    assert_eq!(told["pulse_ms"], pulse_ms);
    assert_eq!(told["output_value"].as_str().map(str::len), Some(128));
    let file = node.path("case.review").display().to_string();
    let told = node.run(&["review", "show", &id, "-o", &file]).await;
    shows(&told, 0, &["its signature is checked again"]);
    let check = node.run(&["review", "show", "--check", &file]).await;
    shows(&check, 0, &["its signature is checked again"]);
    let again = ["set-terms", "--no-beacon", "--sequence", "2"];
    approved(&node, &again).await;
    shows(
        &node.run(&["review", "terms"]).await,
        0,
        &["beacon            none"],
    );
}
