//! A dispute about a listing, from the notice to the ruling, and what certificates tell of it.

use touchstone_proto::node::StateReply;

use crate::fake::{Ran, Served, key};
use crate::look_alikes;

pub fn shows(ran: &Ran, code: u8, parts: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

pub async fn done(node: &Served, who: &str, words: &[&str]) -> String {
    let ran = node.run_as(who, &[words, &["--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.json()[0]["transaction"].as_str().unwrap().to_owned()
}

/// The market, a platform that runs no node.
pub async fn enroll_market(node: &Served) {
    enroll(node, "market", "The Market", "platform", 7).await;
}

/// An organisation of one role that runs no node, with a key of this seed.
async fn enroll(node: &Served, id: &str, name: &str, role: &str, seed: u8) {
    let pem = touchstone_cli::keyfile::to_pem(&key(seed), None).unwrap();
    let own = node.path(&format!("{id}.pem"));
    touchstone_cli::keyfile::write_secret(&own, pem.as_bytes(), true).unwrap();
    let public = hex::encode(key(seed).verifying_key().to_bytes());
    let network = hex::encode(key(seed + 50).verifying_key().to_bytes());
    let file = node.path(&format!("{id}.json")).display().to_string();
    let contribute = [
        "genesis",
        "contribute",
        "--id",
        id,
        "--name",
        name,
        "--role",
        role,
    ];
    let keys = ["--key", &public, "--node-network-key", &network];
    let address = format!("/ip4/127.0.0.1/tcp/{}", 26600 + u32::from(seed));
    let more = ["--node-address", &address, "--out", &file];
    let ran = crate::fake::touchstone(&[&contribute[..], &keys, &more].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for member in ["acme", "bravo", "delta"] {
        assert_eq!(node.run_as(member, &["enroll", &file]).await.code, 0);
    }
}

/// A file that carol has deposited, and the design's id.
async fn chair(node: &Served) -> (String, String) {
    let file = node.write("chair.txt", "a chair");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let deposited = node.run_as("carol", &deposit).await.json();
    let design = deposited[0]["design_id"].as_str().unwrap().to_owned();
    (file, design)
}

#[tokio::test]
async fn a_dispute_from_notice_to_ruling() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let (file, design) = chair(&node).await;
    let notice = [
        "dispute",
        "notice",
        &design,
        "--platform",
        "market",
        "--respondent",
        "acme",
    ];
    let listing = ["--listing", "https://market.example/7", "--evidence", &file];
    let id = done(&node, "carol", &[&notice[..], &listing].concat()).await;
    shows(
        &node.run(&["dispute", "show", &id]).await,
        0,
        &["open (noticed)", "https://market.example/7"],
    );
    let early = node
        .run_as(
            "acme",
            &["dispute", "counter", &id, "--declaration", &file, "--json"],
        )
        .await;
    assert_eq!((early.code, &early.json()[0]["code"]), (2, &471.into()));
    let answer = [
        "dispute",
        "answer",
        &id,
        "--measure",
        "removed",
        "--reason",
        "the pictures agree",
    ];
    done(&node, "market", &answer).await;
    done(
        &node,
        "acme",
        &["dispute", "counter", &id, "--declaration", &file],
    )
    .await;
    let filing = [
        "dispute",
        "file",
        &id,
        "--authority",
        "delta",
        "--reference",
        "(2026) 7",
    ];
    done(&node, "carol", &filing).await;
    let looked = [
        "--at",
        "2026-01-01T00:00:00Z",
        "--place",
        "stall 7",
        "--report",
        &file,
        "--rule-book",
        &file,
    ];
    let spot = ["case", "spot-check", &id, "--verdict", "not-authentic"];
    let spot = done(&node, "delta", &[&spot[..], &looked].concat()).await;
    let to_mend = ["case", "notice", &id, "--to", "market"];
    let to_mend = done(&node, "delta", &[&to_mend[..], &looked].concat()).await;
    shows(
        &node.run(&["case", "show", &to_mend]).await,
        0,
        &["supervisor-notice by delta at stall 7", "waits for market"],
    );
    let mended = ["case", "mended", &to_mend];
    let report = ["--report", &file, "--rule-book", &file];
    done(&node, "market", &[&mended[..], &report].concat()).await;
    let shown = node.run(&["case", "show", &to_mend, "--json"]).await.json();
    assert_eq!(
        (&shown[0]["state"], &shown[0]["to"]),
        (&"closed".into(), &"market".into())
    );
    let own = ["case", "hand-over", &id, "--to", "delta"];
    let reasons = ["--reasons", &file, "--rule-book", &file, "--json"];
    let own = node.run_as("delta", &[&own[..], &reasons].concat()).await;
    assert_eq!((own.code, &own.json()[0]["code"]), (2, &477.into()));
    let rule = [
        "dispute",
        "rule",
        &id,
        "--ruling",
        "upheld",
        "--reasons",
        &file,
        "--rule-book",
        &file,
    ];
    done(&node, "delta", &rule).await;
    shows(
        &node.run(&["dispute", "show", &id]).await,
        0,
        &["removed (the pictures agree)", "(2026) 7", "ended: upheld"],
    );
    let json = node.run(&["dispute", "show", &id, "--json"]).await.json();
    assert_eq!(
        (&json[0]["outcome"], &json[0]["by_default"]),
        (&"upheld".into(), &false.into())
    );
    let certificate = node.run(&["certificate", &design]).await;
    shows(
        &certificate,
        0,
        &["Disputes", "notices 1, open 0; upheld 1"],
    );
    let party = node
        .run(&["dispute", "party", "acme", "--json"])
        .await
        .json();
    assert_eq!(party[0]["upheld"], 1);
    sanction_and_appeal(&node, &id, &file, &spot).await;
}

/// Complex: the platform asks an assistance centre. Contested: the office rules, and a false notice is shown on the
/// next one. Refused: the complainant asks the centre itself, whose opinion binds the platform.
#[tokio::test]
async fn three_routes_and_a_false_notice() {
    let node = Served::start().await;
    enroll_market(&node).await;
    enroll(&node, "aid", "The Assistance Centre", "assistance", 8).await;
    let (file, design) = chair(&node).await;
    let notice = ["dispute", "notice", &design, "--platform", "market"];
    let about = ["--respondent", "acme", "--evidence", &file, "--listing"];
    let why = ["--reasons", &file, "--rule-book", &file];
    let first = [&notice[..], &about, &["https://market.example/1"]].concat();
    let first = done(&node, "carol", &first).await;
    let refer = ["dispute", "refer", &first, "--centre", "aid"];
    done(&node, "market", &[&refer[..], &why].concat()).await;
    let shown = node.run(&["dispute", "show", &first]).await;
    shows(
        &shown,
        0,
        &["market asks the assistance centre aid", "open (referred)"],
    );
    let opinion = ["dispute", "opinion", &first, "--opinion", "contested"];
    done(&node, "aid", &[&opinion[..], &why].concat()).await;
    let shown = node.run(&["dispute", "show", &first]).await;
    shows(
        &shown,
        0,
        &["the opinion of aid: contested", "open (without-measures)"],
    );
    let filing = ["dispute", "file", &first, "--authority", "delta"];
    done(
        &node,
        "carol",
        &[&filing[..], &["--reference", "(2026) 7"]].concat(),
    )
    .await;
    let rule = ["dispute", "rule", &first, "--ruling", "false-notice"];
    done(&node, "delta", &[&rule[..], &why].concat()).await;
    let json = node
        .run(&["dispute", "show", &first, "--json"])
        .await
        .json();
    assert_eq!(json[0]["route"], "authority");
    assert_eq!(json[0]["referral"]["opinion"], "contested");
    assert_eq!(json[0]["complainant_before"], serde_json::Value::Null);

    let second = [&notice[..], &about, &["https://market.example/2"]].concat();
    let second = done(&node, "carol", &second).await;
    let shown = node.run(&["dispute", "show", &second]).await;
    let before =
        "before, by ruling, the complainant had given: false notices 1, false declarations 0";
    shows(&shown, 0, &[before]);
    let party = node.run(&["dispute", "party", "carol"]).await;
    shows(
        &party,
        0,
        &["Own       found false by ruling: notices 1, declarations 0"],
    );
    let other = node
        .run(&["dispute", "party", "acme", "--json"])
        .await
        .json();
    assert_eq!(
        (&other[0]["false_notices"], &other[0]["own"]["notices"]),
        (&1.into(), &0.into())
    );
    let refuse = [
        "dispute",
        "answer",
        &second,
        "--measure",
        "refused",
        "--reason",
        "not alike",
    ];
    done(&node, "market", &refuse).await;
    let contest = [
        "dispute",
        "contest",
        &second,
        "--centre",
        "aid",
        "--reasons",
        &file,
    ];
    done(&node, "carol", &contest).await;
    let opinion = ["dispute", "opinion", &second, "--opinion", "infringes"];
    done(&node, "aid", &[&opinion[..], &why].concat()).await;
    let again = node
        .run_as("market", &[&refuse[..], &["--json"]].concat())
        .await;
    assert_eq!((again.code, &again.json()[0]["code"]), (2, &857.into()));
    let json = node
        .run(&["dispute", "show", &second, "--json"])
        .await
        .json();
    assert_eq!(
        (&json[0]["route"], &json[0]["phase"]),
        (&"centre".into(), &"noticed".into())
    );
}

/// The market bars the seller for the dispute that was upheld; the office lifts that.
async fn sanction_and_appeal(node: &Served, dispute: &str, file: &str, spot: &str) {
    let reasons = ["--reasons", file, "--rule-book", file];
    let impose = [
        "sanction",
        "impose",
        "acme",
        "--kind",
        "no-sales",
        "--for",
        dispute,
        "--until",
        "2027-01-01T00:00:00Z",
    ];
    let id = done(node, "market", &[&impose[..], &reasons].concat()).await;
    let shown = node.run(&["sanction", "show", &id]).await;
    shows(
        &shown,
        0,
        &["no-sales, by market against acme", "may be appealed up to"],
    );
    let party = node.run(&["sanction", "party", "acme"]).await;
    shows(&party, 0, &["sanctions 1; confirmed 0, lifted 0", &id]);
    let appeal = ["sanction", "appeal", &id, "--authority"];
    let why = ["--reasons", file, "--json"];
    let own = [&appeal[..], &["market"], &why].concat();
    let own = node.run_as("acme", &own).await;
    assert_eq!((own.code, &own.json()[0]["code"]), (2, &845.into()));
    done(node, "acme", &[&appeal[..], &["delta"], &why[..2]].concat()).await;
    let lift = ["sanction", "decide", &id, "--decision", "lifted"];
    done(node, "delta", &[&lift[..], &reasons].concat()).await;
    let json = node.run(&["sanction", "show", &id, "--json"]).await.json();
    assert_eq!(
        (&json[0]["outcome"], &json[0]["by_default"]),
        (&"lifted".into(), &false.into())
    );
    let told = node
        .run(&["dispute", "show", dispute, "--json"])
        .await
        .json();
    assert_eq!(told[0]["sanctions"][0]["id"], id.as_str());
    assert_eq!(told[0]["checks"][0]["id"], spot);
    let terms = node.run(&["case", "terms"]).await;
    shows(
        &terms,
        0,
        &["mend_days         15", "sanction_days     1096"],
    );
}

/// What a notice and a declaration rest on is a folder that nobody exchanges.
#[tokio::test]
async fn a_notice_in_one_command_and_the_sellers_defence() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let original = look_alikes::picture(&node, "lamp.png");
    let (design, receipt) = look_alikes::deposit(&node, "carol", &original).await;
    let captured = look_alikes::picture(&node, "shop.png");
    let folder = node.path("notice");
    let out = folder.display().to_string();
    let listing = [
        "protect",
        "https://market.example/9",
        "--design",
        &design,
        "--original",
        &original,
        "--platform",
        "market",
        "--respondent",
        "acme",
    ];
    let protect = |captured: &str, more: &[&str]| {
        let own = ["--captured", captured, "-o", &out];
        let words = [&listing[..], &own, more].concat();
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let run = |words: Vec<String>| {
        let node = &node;
        async move {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            node.run_as("carol", &words).await
        }
    };
    // An undisclosed picture isn't known to be part of the design without the receipt.
    let closed = run(protect(&captured, &[])).await;
    assert_eq!(closed.code, 4, "{closed:?}");
    let other = look_alikes::write_png(&node, "plain.png", &[255; 120 * 90 * 3], (120, 90));
    let nothing = run(protect(&other, &["--receipt", &receipt])).await;
    assert_eq!(nothing.code, 1, "{nothing:?}");
    assert!(!folder.exists(), "nothing is written where nothing agrees");
    // Nor where the notice couldn't be signed.
    let words = protect(&captured, &["--receipt", &receipt]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let nobody = ["--organisation", "carol", "--key", "nowhere.pem"];
    let unsigned = node.run(&[&words[..], &nobody].concat()).await;
    assert_eq!(unsigned.code, 1, "{unsigned:?}");
    assert!(!folder.exists(), "{unsigned:?}");
    let only = run(protect(&captured, &["--receipt", &receipt, "--only-pack"])).await;
    shows(&only, 0, &["distance 0 of 256", "5 files"]);
    // A JPEG keeps the ending that it came with.
    for (name, packed) in [("shop.jpg", "captured.jpg"), ("shop.JPEG", "captured.jpeg")] {
        let listed = look_alikes::jpeg(&node, name);
        let more = ["--receipt", &receipt, "--only-pack", "--force"];
        shows(&run(protect(&listed, &more)).await, 0, &["5 files"]);
        assert!(folder.join(packed).exists());
    }
    // With their list.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 6);
    let noticed = run(protect(
        &captured,
        &["--receipt", &receipt, "--force", "--json"],
    ))
    .await;
    assert_eq!(noticed.code, 0, "{noticed:?}");
    let id = noticed.json()[0]["transaction"]
        .as_str()
        .unwrap()
        .to_owned();
    let evidence = node.path("notice/design.evidence").display().to_string();
    let genesis = node.path("genesis.json").display().to_string();
    let verified = crate::fake::touchstone(&["verify", &evidence, "--genesis", &genesis]).await;
    assert!(matches!(verified.code, 0 | 6), "{verified:?}");
    assert!(node.path("notice/certificate.pdf").exists());
    let show = ["dispute", "show", &id, "--pack", &out];
    shows(&node.run(&show).await, 0, &["it is the one of the notice"]);
    // What was laid into the folder is no part of it.
    let laid = node.path("notice/more.pdf");
    std::fs::write(&laid, b"laid there").unwrap();
    let ran = node.run(&show).await;
    assert!(ran.code == 7 && ran.err.contains("more.pdf"), "{ran:?}");
    std::fs::remove_file(laid).unwrap();
    let other = node.path("notice/pack.json");
    let list = std::fs::read(&other).unwrap();
    std::fs::write(&other, [&list[..], b" "].concat()).unwrap();
    let ran = node.run(&show).await;
    // The folder is at fault, and not the node's answer.
    let named = ran.err.contains("NOT VERIFIED: pack: ") && ran.err.contains("names this folder");
    assert!(ran.code == 3 && named, "{ran:?}");
    std::fs::write(&other, list).unwrap();

    let answer = [
        "dispute",
        "answer",
        &id,
        "--measure",
        "removed",
        "--reason",
        "alike",
    ];
    done(&node, "market", &answer).await;
    let unit = "https://id.gs1.org/01/09521321000018/21/1";
    let event = format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],"type":"ObjectEvent",
        "eventTime":"2026-01-01T00:00:00.001Z","eventTimeZoneOffset":"+00:00",
        "epcList":["{unit}"],"action":"OBSERVE","bizStep":"shipping"}}"#
    );
    node.world().record("acme", &[event]);
    let source = node.path("source").display().to_string();
    let written = node
        .run(&["dispute", "source", &id, unit, "-o", &source])
        .await;
    shows(
        &written,
        0,
        &[
            unit,
            "1 event, the first recorded by acme",
            "1 file; SHA-256 of their list",
        ],
    );
    let chain = node.path("source/item-1.evidence").display().to_string();
    let verified = crate::fake::touchstone(&["verify", &chain, "--genesis", &genesis]).await;
    assert!(matches!(verified.code, 0 | 6), "{verified:?}");
    let list = node.path("source/pack.json").display().to_string();
    done(
        &node,
        "acme",
        &["dispute", "counter", &id, "--declaration", &list],
    )
    .await;
    let show = ["dispute", "show", &id, "--pack", &source];
    shows(
        &node.run(&show).await,
        0,
        &["it is the one of the declaration"],
    );
    std::fs::write(node.path("source/item-1.evidence"), b"another").unwrap();
    let ran = node.run(&show).await;
    let named = ran.err.contains("NOT VERIFIED: pack: ") && ran.err.contains("item-1.evidence");
    assert!(ran.code == 3 && named, "{ran:?}");
}

/// All notices about one listing, the newest first, and which measure is in force as each dispute goes on.
#[tokio::test]
async fn a_listing_tells_its_notices_and_the_measure_in_force() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let (file, design) = chair(&node).await;
    let listing = "https://market.example/7";
    let asked = ["dispute", "listing", listing, "--platform", "market"];
    let none = node.run(&asked).await;
    assert_eq!(none.code, 4, "{none:?}");
    // Whoever mistook the platform's id reads whose notices there were none of.
    assert!(none.err.contains("market had no notice about"), "{none:?}");
    let notice = ["dispute", "notice", &design, "--platform", "market"];
    let about = ["--respondent", "acme", "--evidence", &file, "--listing"];
    let notice = [&notice[..], &about, &[listing]].concat();
    let first = done(&node, "carol", &notice).await;
    shows(&node.run(&asked).await, 0, &["no measure is in force"]);
    let why = ["--reason", "the pictures agree"];
    let answer = |id: String, measure: &'static str| {
        let words = ["dispute", "answer", &id, "--measure", measure];
        [&words[..], &why]
            .concat()
            .iter()
            .map(|w| (*w).to_owned())
            .collect::<Vec<_>>()
    };
    let removed = answer(first.clone(), "removed");
    let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
    done(&node, "market", &removed).await;
    shows(&node.run(&asked).await, 0, &["in force: removed", &first]);
    let withdraw = ["dispute", "withdraw", &first, "--reason", "a mistake"];
    done(&node, "carol", &withdraw).await;
    shows(&node.run(&asked).await, 0, &["no measure is in force"]);
    let second = done(&node, "carol", &notice).await;
    let blocked = answer(second.clone(), "blocked");
    let blocked: Vec<&str> = blocked.iter().map(String::as_str).collect();
    done(&node, "market", &blocked).await;
    let json = node.run(&[&asked[..], &["--json"]].concat()).await.json();
    assert_eq!(json[0]["notices"], 2);
    let disputes = json[0]["disputes"].as_array().unwrap();
    let found: Vec<_> = disputes
        .iter()
        .map(|d| (&d["dispute"], &d["in_force"]))
        .collect();
    let expected = [
        (&second.as_str().into(), &"blocked".into()),
        (&first.as_str().into(), &serde_json::Value::Null),
    ];
    assert_eq!(found, expected);
    assert_eq!(json[0]["in_force"], serde_json::json!(["blocked"]));
    // The same URL at another platform is another listing.
    let other = ["dispute", "listing", listing, "--platform", "acme"];
    assert_eq!(node.run(&other).await.code, 4);
    node.tamper(|reply: &mut StateReply| reply.value = None);
    assert_eq!(node.run(&asked).await.code, 3);
}

/// Whoever mistypes an id isn't told of a party, seller or platform without a blemish: none is there, proven.
#[tokio::test]
async fn who_is_not_on_the_ledger_is_told_so() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let (file, design) = chair(&node).await;
    let listing = ["dispute", "listing", "https://market.example/7"];
    for (words, known) in [
        (&["dispute", "party"][..], 0),
        (&["sanction", "party"], 0),
        (&["handover", "list", "--of"], 0),
        (&["mark", "show", "1234", "--office"], 4),
        (&[&listing[..], &["--platform"]].concat(), 4),
    ] {
        let ran = node.run(&[words, &["nobody", "--json"]].concat()).await;
        let told = &ran.json()[0];
        let message = told["message"].as_str().unwrap();
        let unknown = "organisation \"nobody\" is not enrolled, proven absent at height";
        assert!(message.starts_with(unknown), "{words:?}: {ran:?}");
        assert_eq!((ran.code, &told["id"]), (4, &"nobody".into()), "{words:?}");
        let ran = node.run(&[words, &["acme"]].concat()).await;
        assert_eq!(ran.code, known, "{words:?}: {ran:?}");
        assert!(!ran.err.contains("not enrolled"), "{words:?}: {ran:?}");
    }
    // Whether it is known is one question, and its answer the proof; what was found false is one more.
    let mut asked = Vec::new();
    for party in ["nobody", "acme"] {
        let before = node.world().answers;
        node.run(&["dispute", "party", party]).await;
        asked.push(node.world().answers - before);
    }
    assert_eq!(asked[0] + 1, asked[1], "{asked:?}");
    // Who may sell is a no all the same, which says it too; so does a file of evidence as it is written.
    let asked = ["authorised", &design, "--in", "CN", "--seller"];
    let unknown = "the ledger knows no organisation nobody: is it the seller's id?";
    let no = node.run(&[&asked[..], &["nobody"]].concat()).await;
    shows(&no, 4, &["NO: whether nobody may sell it", unknown]);
    for (seller, known) in [("nobody", false), ("acme", true)] {
        let words = [&asked[..], &[seller, "--json"]].concat();
        let told = node.run(&words).await.json();
        assert_eq!(told[0]["seller_known"], known, "{seller}");
        let out = node.path(&format!("{seller}.evidence"));
        let out = out.display().to_string();
        let words = ["--seller", seller, "--in", "CN", "-o", &out];
        let ran = node
            .run(&[&["evidence", &design][..], &words].concat())
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.err.contains("knows no organisation"), !known, "{ran:?}");
    }
    a_shop_that_its_platform_knows(&node, &design, &file).await;
}

/// Its disputes are counted under its name, what rulings found false of it under its platform.
async fn a_shop_that_its_platform_knows(node: &Served, design: &str, file: &str) {
    let parties = ["--platform", "market", "--respondent", "shop-7"];
    let listing = ["--listing", "https://market.example/8", "--evidence", file];
    let notice = [&["dispute", "notice", design][..], &parties, &listing].concat();
    let id = done(node, "carol", &notice).await;
    let answer = ["--measure", "removed", "--reason", "the pictures agree"];
    let answer = [&["dispute", "answer", &id][..], &answer].concat();
    done(node, "market", &answer).await;
    let counter = ["dispute", "counter", &id, "--declaration", file];
    done(node, "market", &counter).await;
    let filing = ["--authority", "delta", "--reference", "7"];
    done(
        node,
        "carol",
        &[&["dispute", "file", &id][..], &filing].concat(),
    )
    .await;
    let why = ["--reasons", file, "--rule-book", file];
    let rule = ["dispute", "rule", &id, "--ruling", "false-declaration"];
    done(node, "delta", &[&rule[..], &why].concat()).await;
    let shop = ["dispute", "party", "shop-7"];
    let parts = [
        "no organisation of the ledger",
        "false declarations 1",
        "Own       not asked: what rulings found false of a shop is counted under its platform",
    ];
    shows(&node.run(&shop).await, 0, &parts);
    let told = node.run(&[&shop[..], &["--json"]].concat()).await.json();
    assert_eq!(
        (&told[0]["known"], &told[0]["own"]),
        (&false.into(), &().into())
    );
    let of = |platform| [&shop[..], &["--platform", platform]].concat();
    let own = "Own       found false by ruling: notices 0, declarations";
    shows(&node.run(&of("market")).await, 0, &[&format!("{own} 1")]);
    shows(&node.run(&of("acme")).await, 0, &[&format!("{own} 0")]);
    assert_eq!(node.run(&of("nobody")).await.code, 4);
}
