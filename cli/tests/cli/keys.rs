//! Key files and the genesis ceremony.

use std::path::Path;

use clap::Parser;
use touchstone_cli::Cli;

use crate::fake::{Served, founder, permit, touchstone, write_private};
use crate::items::{ITEM, seen};

#[tokio::test]
async fn a_new_key_is_made_once_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.pem").display().to_string();
    let made = touchstone(&["key", "new", "--out", &path, "--no-passphrase"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let shown = touchstone(&["key", "show", &path]).await;
    assert_eq!(shown.out, made.out);
    assert_eq!(shown.out.lines().next().unwrap().len(), 64);
    let half = folder.path().join("k.pub.pem").display().to_string();
    assert!(made.err.contains(&half), "{made:?}");
    assert_eq!(touchstone(&["key", "show", &half]).await.out, made.out);
    let again = touchstone(&["key", "new", "--out", &path, "--no-passphrase"]).await;
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("--force"), "{again:?}");
    let forced = touchstone(&["key", "new", "--out", &path, "--no-passphrase", "--force"]).await;
    assert_eq!(forced.code, 0);
    assert_ne!(forced.out, made.out);
}

#[tokio::test]
async fn an_encrypted_key_opens_with_its_passphrase_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.pem").display().to_string();
    let secret = folder.path().join("secret").display().to_string();
    let wrong = folder.path().join("wrong").display().to_string();
    write_private(Path::new(&secret), "open sesame\n");
    write_private(Path::new(&wrong), "open barley\n");
    let made = touchstone(&["key", "new", "--out", &path, "--passphrase-file", &secret]).await;
    assert_eq!(made.code, 0, "{made:?}");
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .contains("ENCRYPTED")
    );
    let shown = touchstone(&["key", "show", &path, "--passphrase-file", &secret]).await;
    assert_eq!(shown.out, made.out);
    let refused = touchstone(&["key", "show", &path, "--passphrase-file", &wrong]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("passphrase doesn't open"),
        "{refused:?}"
    );
    // A passphrase that others may read protects nothing.
    permit(&secret, 0o644);
    let refused = touchstone(&["key", "show", &path, "--passphrase-file", &secret]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("chmod 600"), "{refused:?}");
}

/// Where a new key takes an old one's place and its public half can't be written, the old one's isn't taken for it.
#[tokio::test]
async fn no_public_half_outlives_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let name = "k".repeat(224);
    let path = folder.path().join(format!("{name}.pem"));
    let half = folder.path().join(format!("{name}.pub.pem"));
    std::fs::write(&half, "the half of before").unwrap();
    let path = path.display().to_string();
    let made = touchstone(&["key", "new", "--out", &path, "--no-passphrase", "--force"]).await;
    // A name of 232 bytes leaves no room for that of the file which is being written.
    assert_eq!(made.code, 1, "{made:?}");
    assert!(Path::new(&path).is_file());
    assert!(!half.exists());
}

/// The public half of an encrypted key needs no passphrase, and no terminal.
#[tokio::test]
async fn an_encrypted_key_is_added_without_a_terminal() {
    let node = Served::start().await;
    let path = node.path("new.pem").display().to_string();
    let secret = node.write("secret", "open sesame\n");
    let made = touchstone(&["key", "new", "--out", &path, "--passphrase-file", &secret]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let added = node
        .run_as("carol", &["keys", "add", &path, "--json"])
        .await;
    assert_eq!(added.code, 0, "{added:?}");
    let public = made.out.lines().next().unwrap();
    let check = ["keys", "check", public, "--of", "carol", "--json"];
    let checked = node.run(&check).await;
    assert_eq!(checked.json()[0]["error"], "not-valid", "{checked:?}");
    node.world().make_block(&[]);
    assert_eq!(node.run(&check).await.code, 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_key_or_a_role_is_told_with_the_remedy() {
    let node = Served::start().await;
    let file = node.write("front.png", "a chair");
    let nowhere = node.path("nowhere.pem").display().to_string();
    let signing = ["--organisation", "carol", "--key", &nowhere];
    let ran = node
        .run(&[&["deposit", &file][..], &signing].concat())
        .await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("there is no key file"), "{ran:?}");
    assert!(ran.err.contains("touchstone key new --out"), "{ran:?}");
    // A table without what tells its columns, a receiver that isn't there, a file that isn't there.
    let table = node.write("deliveries.csv", "a;b\n1;2\n");
    let ran = node.run_as("acme", &["capture", &table]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("is a table: say with --mapping FILE"),
        "{ran:?}"
    );
    let event = node.write("one.json", &seen(&[ITEM], "shipping"));
    let offer = ["handover", "offer", &event, "--to", "nobody"];
    let ran = node.run_as("acme", &offer).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let told =
        "there is no organisation \"nobody\" to offer to (`touchstone organisations` lists all)";
    assert!(ran.err.contains(told), "{ran:?}");
    let ran = node
        .run_as(
            "acme",
            &["capture", &node.path("no.json").display().to_string()],
        )
        .await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(
        ran.err.contains("no.json: there is no such file or folder"),
        "{ran:?}"
    );
    assert!(!ran.err.contains("os error"), "{ran:?}");
    let contribute = ["touchstone", "genesis", "contribute", "--role", "wizard"];
    let wrong = Cli::try_parse_from(contribute).unwrap_err().to_string();
    assert!(
        wrong.contains("no such role; there are platform, "),
        "{wrong}"
    );
    assert!(wrong.contains(", laboratory, retail"), "{wrong}");
}

struct Ceremony(tempfile::TempDir);

impl Ceremony {
    async fn new() -> Ceremony {
        let ceremony = Ceremony(tempfile::tempdir().unwrap());
        for index in 0..4 {
            let o = founder(index);
            let node = &o.nodes[0];
            let file = ceremony.path(&format!("{}.json", o.id));
            let ran = touchstone(&[
                "genesis",
                "contribute",
                "--id",
                &o.id,
                "--name",
                &o.name,
                "--role",
                &o.roles[0],
                "--key",
                &o.keys[0],
                "--node-network-key",
                &node.network_key,
                "--node-address",
                &node.addresses[0],
                "--validator-key",
                node.validator_key.as_ref().unwrap(),
                "--out",
                &file,
            ])
            .await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        ceremony
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    async fn assemble(&self, order: &[&str], out: &str) -> crate::fake::Ran {
        let files: Vec<String> = order.iter().map(|f| self.path(f)).collect();
        let out = self.path(out);
        let mut arguments = vec![
            "genesis",
            "assemble",
            "--chain",
            "test",
            "--time",
            "2026-01-01T00:00:00Z",
            "--out",
            &out,
        ];
        arguments.extend(files.iter().map(String::as_str));
        touchstone(&arguments).await
    }
}

#[tokio::test]
async fn the_ceremony_gives_one_document_whatever_the_order() {
    let ceremony = Ceremony::new().await;
    let one = ceremony
        .assemble(
            &["acme.json", "bravo.json", "carol.json", "delta.json"],
            "one.json",
        )
        .await;
    let two = ceremony
        .assemble(
            &["delta.json", "bravo.json", "acme.json", "carol.json"],
            "two.json",
        )
        .await;
    assert_eq!((one.code, two.code), (0, 0), "{one:?} {two:?}");
    let bytes = std::fs::read(ceremony.path("one.json")).unwrap();
    assert_eq!(bytes, std::fs::read(ceremony.path("two.json")).unwrap());
    let chain_id = hex::encode(touchstone_core::hash::sha256(&bytes));
    assert!(
        one.out.contains(&format!("Chain id    {chain_id}\n")),
        "{}",
        one.out
    );
    assert!(
        one.out.contains("Threshold   3 of 4 voting power"),
        "{}",
        one.out
    );
    assert!(
        one.out
            .contains("Founder     Acme Logistics (acme): logistics\n"),
        "{}",
        one.out
    );
    let shown = touchstone(&["genesis", "show", &ceremony.path("one.json")]).await;
    assert_eq!(shown.out, one.out);
    let again = ceremony.assemble(&["acme.json"], "one.json").await;
    assert_eq!(
        again.code, 1,
        "an existing document was overwritten: {again:?}"
    );
}

#[tokio::test]
async fn duplicates_are_refused_with_reasons() {
    let ceremony = Ceremony::new().await;
    let twice = ceremony
        .assemble(&["acme.json", "acme.json"], "g.json")
        .await;
    assert_eq!(twice.code, 1);
    assert!(
        twice.err.contains("both of organisation \"acme\""),
        "{twice:?}"
    );

    let rewrite = |change: &dyn Fn(&mut touchstone_core::genesis::Organisation)| {
        let mut o = founder(1);
        change(&mut o);
        std::fs::write(
            ceremony.path("bent.json"),
            serde_json::to_string(&o).unwrap(),
        )
        .unwrap();
    };
    let acme = founder(0);
    type Change<'a> = &'a dyn Fn(&mut touchstone_core::genesis::Organisation);
    let table: [(Change<'_>, &str); 8] = [
        (
            &|o| o.keys = acme.keys.clone(),
            "is the signing key of \"acme\"",
        ),
        (
            &|o| o.nodes[0].network_key = acme.nodes[0].network_key.clone(),
            "is the network key of \"acme\"",
        ),
        (
            &|o| o.nodes[0].validator_key = Some(acme.keys[0].clone()),
            "and the validator key of \"bravo\"",
        ),
        (
            &|o| o.roles = vec!["king".into()],
            "role \"king\" is unknown",
        ),
        (&|o| o.id = "B!".into(), "organisation id"),
        (
            &|o| o.nodes[0].addresses = vec!["127.0.0.1:26656".into()],
            "127.0.0.1:26656",
        ),
        (
            &|o| o.nodes[0].addresses = vec!["/ip4/127.0.0.1/udp/1".into()],
            "is no address of a node",
        ),
        (
            &|o| o.nodes[0].addresses = vec!["/ip4/127.0.0.1/tcp/0".into()],
            "is no address of a node",
        ),
    ];
    for (change, reason) in table {
        rewrite(change);
        let ran = ceremony
            .assemble(&["acme.json", "bent.json"], "g.json")
            .await;
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.err.contains(reason), "{reason}: {ran:?}");
        assert!(!crate::fake::exists(std::path::Path::new(
            &ceremony.path("g.json")
        )));
    }
}

/// The process itself: exit codes of usage, and options that fit together in every verb.
#[test]
fn the_command_explains_itself() {
    use clap::CommandFactory;
    touchstone_cli::Cli::command().debug_assert();
    let run = |arguments: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_touchstone"))
            .args(arguments)
            .output()
            .unwrap()
    };
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("NOT VERIFIED"));
    for verb in [
        "capture",
        "item",
        "deposit",
        "disclose",
        "certificate",
        "enroll",
        "validators",
        "keys",
        "organisations",
        "transaction",
        "blocks",
        "status",
        "misbehaviour",
        "key",
        "genesis",
    ] {
        assert_eq!(run(&[verb, "--help"]).status.code(), Some(0), "{verb}");
    }
    assert_eq!(run(&["no-such-verb"]).status.code(), Some(1));
    assert_eq!(run(&["item"]).status.code(), Some(1));
}
