//! Deposits with views and fields: one field is shown without the others.

use serde_json::{Value, json};

use crate::fake::{Ran, Served, text_of, touchstone};

const AUTHOR: &str = "Lin Yue of the Lakes";
const TITLE: &str = "Chair 7";
const DESCRIPTION: &str = "A chair that folds into its own back.";

struct Deposited {
    id: String,
    receipt: String,
    model: String,
}

/// A chair with two views and every field, by carol.
async fn deposited(node: &Served) -> Deposited {
    let model = node.write("chair.step", "a chair");
    let front = format!(
        "front={}",
        node.write("front.png", "a chair from the front")
    );
    let back = format!("back={}", node.write("back.png", "a chair from the back"));
    let folder = node.folder.path().display().to_string();
    // The author's name is given in parts of characters (NFD); it is deposited whole (NFC).
    let second = "Mo\u{308}bius";
    let arguments = [
        "deposit",
        &model,
        "--view",
        &front,
        "--view",
        &back,
        "--title",
        TITLE,
        "--class",
        "06-01",
        "--author",
        AUTHOR,
        "--author",
        second,
        "--description",
        DESCRIPTION,
        "--receipts",
        &folder,
        "--json",
    ];
    let ran = node.run_as("carol", &arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = &ran.json()[0];
    Deposited {
        id: json["design_id"].as_str().unwrap().to_owned(),
        receipt: json["receipt"].as_str().unwrap().to_owned(),
        model,
    }
}

fn receipt(deposited: &Deposited) -> Value {
    serde_json::from_slice(&std::fs::read(&deposited.receipt).unwrap()).unwrap()
}

/// What must not stand where the authors are hidden: their names, and what would open them.
fn secrets_of_authors(deposited: &Deposited) -> Vec<String> {
    let receipt = receipt(deposited);
    let disclosures = receipt["fields"]["disclosures"].as_array().unwrap();
    let mut secrets = vec![AUTHOR.to_owned(), "Möbius".to_owned()];
    for disclosure in disclosures {
        use base64::Engine;
        let disclosure = disclosure.as_str().unwrap();
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(disclosure);
        let (salt, name, _): (String, String, String) =
            serde_json::from_slice(&text.unwrap()).unwrap();
        if name == "author" {
            secrets.extend([disclosure.to_owned(), salt]);
        }
    }
    assert_eq!(secrets.len(), 6);
    secrets
}

fn fields(value: &Value) -> Vec<(&str, &str)> {
    let fields = value["fields"].as_array().unwrap().iter();
    let text = |value: &'_ Value| -> &'static str { String::leak(value.as_str().unwrap().into()) };
    fields
        .map(|f| (text(&f["name"]), text(&f["value"])))
        .collect()
}

fn assert_lacks(what: &str, secrets: &[String]) {
    for secret in secrets {
        assert!(!what.contains(secret), "{secret} is in\n{what}");
    }
}

#[tokio::test]
async fn a_certificate_shows_the_class_and_hides_the_author() {
    let node = Served::start().await;
    let chair = deposited(&node).await;
    let secrets = secrets_of_authors(&chair);
    let of = |more: &[&str]| {
        let arguments = [&["certificate", &chair.model][..], more].concat();
        arguments
            .iter()
            .map(|a| (*a).to_owned())
            .collect::<Vec<_>>()
    };
    let shown = async |more: &[&str]| -> Ran {
        let arguments = of(more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        node.run(&arguments).await
    };
    // By default title and class.
    let ran = shown(&[]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "Title       Chair 7\n",
        "Locarno class 06-01\n",
        "front view  front.png",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    assert_lacks(&ran.out, &secrets);
    assert!(!ran.out.contains(DESCRIPTION));
    let json = shown(&["--show", "class,description", "--hide", "title", "--json"]).await;
    let json = &json.json()[0];
    assert_eq!(
        fields(&json["content"]),
        [("class", "06-01"), ("description", DESCRIPTION)]
    );
    assert_eq!(json["content"]["views"], json!([null, "front", "back"]));
    assert_eq!(json["title"], "");
    assert_lacks(&json.to_string(), &secrets);
    // The page and the credential.
    let pdf = node.path("cert.pdf").display().to_string();
    let credential = node.path("cert.json").display().to_string();
    let key = node.path("carol.pem").display().to_string();
    let ran = shown(&[
        "--hide",
        "author",
        "-o",
        &pdf,
        "-o",
        &credential,
        "--key",
        &key,
    ])
    .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let text = text_of(&pdf);
    for part in ["06-01", "主视图 front view", TITLE, "存证时所载"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert_lacks(&text, &secrets);
    let written = std::fs::read_to_string(&credential).unwrap();
    assert_lacks(&written, &secrets);
    let folder = node.folder.path().display().to_string();
    let checked = node
        .run(&[
            "certificate",
            "--check",
            &credential,
            "--receipts",
            &folder,
            "--json",
        ])
        .await;
    assert_eq!(checked.code, 0, "{checked:?}");
    let all = shown(&["--show", "all", "--json"]).await;
    let all = &all.json()[0];
    assert_eq!(
        fields(&all["content"]),
        [
            ("title", TITLE),
            ("class", "06-01"),
            ("description", DESCRIPTION),
            ("author", AUTHOR),
            ("author", "Möbius"),
        ]
    );
    let missing = shown(&["--show", "drafts"]).await;
    assert_eq!(missing.code, 4, "{missing:?}");
    assert!(missing.err.contains("no field drafts"), "{missing:?}");
}

/// A credential's fields are proven by the commitment, where it is opened; one that says another class is refused.
#[tokio::test]
async fn a_credential_with_another_field_is_refused() {
    let node = Served::start().await;
    let chair = deposited(&node).await;
    let credential = node.path("cert.json").display().to_string();
    let key = node.path("carol.pem").display().to_string();
    let issue = [
        "certificate",
        &chair.model,
        "-o",
        &credential,
        "--key",
        &key,
    ];
    assert_eq!(node.run(&issue).await.code, 0);
    let text = std::fs::read_to_string(&credential).unwrap();
    let bent = node.write("bent.json", &text.replace("06-01", "06-02"));
    let ran = node.run(&["certificate", "--check", &bent]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    // Without the receipt nothing opens the commitment: the owner's word.
    let elsewhere = tempfile::tempdir().unwrap();
    let nowhere = elsewhere.path().display().to_string();
    let check = [
        "certificate",
        "--check",
        &credential,
        "--receipts",
        &nowhere,
    ];
    let ran = node.run(&check).await;
    assert_eq!(ran.code, 6, "{ran:?}");
}

#[tokio::test]
async fn an_evidence_file_carries_the_fields_that_are_shown() {
    let node = Served::start().await;
    let chair = deposited(&node).await;
    let secrets = secrets_of_authors(&chair);
    let file = node.path("chair.evidence").display().to_string();
    let genesis = node.path("genesis.json").display().to_string();
    let write = async |more: &[&str]| {
        let (id, receipt) = (chair.id.as_str(), chair.receipt.as_str());
        let arguments = ["evidence", id, "--receipt", receipt, "-o", &file, "--force"];
        let ran = node.run(&[&arguments[..], more].concat()).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let ran = touchstone(&["verify", &file, "--genesis", &genesis, "--json"]).await;
        ran.json()[0].clone()
    };
    let found = write(&["--show", "class", "--hide", "title"]).await;
    assert_eq!(found["verdict"], "verified", "{found}");
    let deposit = &found["facts"]["deposit"];
    assert_eq!(fields(&deposit["content"]), [("class", "06-01")]);
    assert_eq!(deposit["title"], Value::Null);
    let bytes = std::fs::read(&file).unwrap();
    for secret in &secrets {
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    }
    let found = write(&["--show", "author"]).await;
    let shown = fields(&found["facts"]["deposit"]["content"]);
    assert_eq!(
        shown,
        [
            ("title", TITLE),
            ("class", "06-01"),
            ("author", AUTHOR),
            ("author", "Möbius"),
        ]
    );
}

#[tokio::test]
async fn a_disclosure_publishes_the_fields_that_are_shown() {
    let node = Served::start().await;
    let chair = deposited(&node).await;
    let other = ["disclose", &chair.receipt, "--title", "A table"];
    let ran = node.run_as("carol", &other).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("covers its title"), "{ran:?}");
    let ran = node
        .run_as(
            "carol",
            &["disclose", &chair.receipt, "--show", "description"],
        )
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // Anyone sees what is public, and nothing else.
    let stranger = tempfile::tempdir().unwrap();
    let nowhere = stranger.path().display().to_string();
    let ran = node
        .run(&["certificate", &chair.id, "--receipts", &nowhere, "--json"])
        .await;
    let json = &ran.json()[0];
    assert_eq!(
        fields(&json["content"]),
        [
            ("title", TITLE),
            ("class", "06-01"),
            ("description", DESCRIPTION)
        ]
    );
    assert_lacks(&json.to_string(), &secrets_of_authors(&chair));
    let absent = node
        .run(&[
            "certificate",
            &chair.id,
            "--receipts",
            &nowhere,
            "--show",
            "author",
        ])
        .await;
    assert_eq!(absent.code, 4, "{absent:?}");
}

#[tokio::test]
async fn what_no_field_may_say_is_refused_before_anything_is_sent() {
    let node = Served::start().await;
    let file = node.write("chair.step", "a chair");
    let view = format!("inside={file}");
    let nine: Vec<&str> = std::iter::repeat_n(["--author", "x"], 9)
        .flatten()
        .collect();
    let long = "x".repeat(257);
    for (more, why) in [
        (&["--class", "33-01"][..], "NN-NN"),
        (&["--class", "6-1"], "NN-NN"),
        (&["--title", "a\nb"], "control characters"),
        (&["--title", &long], "256 bytes"),
        (&["--author", ""], "1 to 256 bytes"),
        (&nine, "8 authors at most"),
        (&["--view", &view], "not a view"),
        (&["--view", "front"], "named with its file"),
    ] {
        let folder = node.folder.path().display().to_string();
        let arguments = [&["deposit", &file, "--receipts", &folder][..], more].concat();
        let ran = node.run_as("carol", &arguments).await;
        assert_eq!(ran.code, 1, "{more:?}: {ran:?}");
        assert!(ran.err.contains(why), "{more:?}: {ran:?}");
    }
    let receipts = std::fs::read_dir(node.folder.path()).unwrap();
    let receipts = receipts.filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_string_lossy().ends_with(".touchstone.json")
    });
    assert_eq!(receipts.count(), 0);
}

/// A receipt that was changed says so, whatever part of its fields it is.
#[tokio::test]
async fn a_changed_receipt_with_fields_is_refused() {
    let node = Served::start().await;
    let chair = deposited(&node).await;
    let genuine = receipt(&chair);
    type Bend = fn(&mut Value);
    let lies: [Bend; 7] = [
        |r| r["title"] = json!("A table"),
        |r| r["files"][1]["view"] = json!("back"),
        |r| drop(r["files"][1].as_object_mut().unwrap().remove("view")),
        |r| r["fields"]["digests"][9] = json!("07".repeat(32)),
        |r| drop(r["fields"]["digests"].as_array_mut().unwrap().pop()),
        |r| r["fields"]["disclosures"][0] = json!("x"),
        |r| {
            r["fields"]["disclosures"]
                .as_array_mut()
                .unwrap()
                .swap(0, 1)
        },
    ];
    for (at, bend) in lies.into_iter().enumerate() {
        let mut bent = genuine.clone();
        bend(&mut bent);
        let bent = node.write("bent.touchstone.json", &bent.to_string());
        let ran = node
            .run(&["certificate", &chair.id, "--receipt", &bent])
            .await;
        assert_eq!(ran.code, 3, "{at}: {ran:?}");
        assert!(ran.err.contains("receipt was changed"), "{at}: {ran:?}");
    }
}
