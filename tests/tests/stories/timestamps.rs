//! Time stamps over real processes: a record is stamped by an authority, its evidence shows so to
//! others' programs too, and the chain goes on when the authority is gone.

use std::path::Path;
use std::process::{Command, Output};

use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{ListCheckpointsRequest, SubmitRequest};
use touchstone_tests::authority::Authority;
use touchstone_tests::cluster::{Cluster, Plan, binary, organisation_id};
use touchstone_tests::load;

/// Records the unit with this number; the height of its block.
async fn record(cluster: &Cluster, number: u64) -> u64 {
    let envelope = load::capture(
        &cluster.keys[0],
        &cluster.genesis.chain_id,
        &organisation_id(0),
        load::recent(number),
        vec![load::event(number)],
    );
    let request = SubmitRequest {
        envelope,
        wait: true,
    };
    let mut client = cluster.client(0).await;
    match client.submit(request).await.unwrap().into_inner().status {
        Some(Status::Committed(committed)) => committed.height,
        other => panic!("{other:?}"),
    }
}

/// Waits until a node keeps a time stamp of this height.
async fn wait_for_stamp(cluster: &Cluster, node: usize, height: u64) {
    let mut client = cluster.client(node).await;
    cluster
        .wait(
            node,
            &format!("a time stamp of block {height}"),
            async || {
                let request = ListCheckpointsRequest {
                    from_height: height,
                    ..ListCheckpointsRequest::default()
                };
                let reply = client.list_checkpoints(request).await.unwrap();
                !reply.into_inner().checkpoints.is_empty()
            },
        )
        .await;
}

fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Output {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).env("TZ", "UTC");
    command.output().expect("the program is there")
}

fn words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// openssl accepts every token that was written, over the document beside it.
fn assert_tokens_hold(folder: &Path, root: &str) {
    let mut tokens = 0;
    for entry in std::fs::read_dir(folder).expect("the tokens are written") {
        let token = entry.expect("a folder's entry is readable").path();
        if token.extension().is_none_or(|ending| ending != "tst") {
            continue;
        }
        let document = token.with_extension("bin");
        let certificates = token.with_extension("pem");
        let [token, document, certificates] =
            [&token, &document, &certificates].map(|path| path.to_str().expect("plain names"));
        let verify = [
            "ts",
            "-verify",
            "-token_in",
            "-in",
            token,
            "-data",
            document,
            "-CAfile",
            root,
            "-untrusted",
            certificates,
        ];
        let output = run("openssl", &verify);
        assert!(output.status.success(), "{}", words(&output));
        // Over another document it fails: what was accepted says something.
        let verify = [
            "ts",
            "-verify",
            "-token_in",
            "-in",
            token,
            "-data",
            root,
            "-CAfile",
            root,
        ];
        assert!(!run("openssl", &verify).status.success());
        tokens += 1;
    }
    assert!(tokens > 0, "a token is written");
}

/// The item that [`load::event`] observes.
fn item(number: u64) -> String {
    format!("https://id.gs1.org/01/09521321000018/21/{number}")
}

/// What `touchstone evidence` wrote about the unit, through the node.
fn evidence(cluster: &Cluster, node: usize, number: u64) -> String {
    let file = cluster.folder().join(format!("{node}-{number}.evidence"));
    let file = file.display().to_string();
    let genesis = cluster.folder().join("genesis.json");
    let output = run(
        binary("touchstone"),
        &[
            "evidence",
            &item(number),
            "-o",
            &file,
            "--node",
            &cluster.url(node),
            "--genesis",
            &genesis.display().to_string(),
            "--cache",
            &cluster.folder().join("cache").display().to_string(),
        ],
    );
    assert!(output.status.success(), "{}", words(&output));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_stamped_until_the_authority_is_gone_and_the_chain_goes_on_without() {
    let mut authority = Authority::start();
    let cluster = Cluster::start(&Plan {
        validators: 1,
        observers: 1,
        sections: authority.eager_configuration(),
        ..Plan::default()
    });
    let height = record(&cluster, 1).await;
    let genesis = cluster.folder().join("genesis.json").display().to_string();
    let root = authority.root().display().to_string();
    // A validator and an observer may both have the blocks stamped.
    for node in 0..2 {
        wait_for_stamp(&cluster, node, height).await;
        let file = evidence(&cluster, node, 1);
        let tokens = format!("{file}.tokens");
        let verify = [
            "verify",
            &file,
            "--genesis",
            &genesis,
            "--tsa-roots",
            &root,
            "--tokens",
            &tokens,
        ];
        let output = run(binary("touchstone"), &verify);
        let report = words(&output);
        assert!(report.contains("stamped blocks"), "{report}");
        assert!(!report.contains("chain time only"), "{report}");
        assert_tokens_hold(Path::new(&tokens), &root);
    }
    let listed = run(
        binary("touchstone"),
        &[
            "checkpoints",
            "--node",
            &cluster.url(1),
            "--genesis",
            &genesis,
            "--cache",
            &cluster.folder().join("cache").display().to_string(),
        ],
    );
    assert!(listed.status.success(), "{}", words(&listed));
    assert!(words(&listed).contains("VERIFIED"), "{}", words(&listed));

    authority.stop();
    let before = record(&cluster, 2).await;
    let file = evidence(&cluster, 0, 2);
    let verify = ["verify", &file, "--genesis", &genesis, "--tsa-roots", &root];
    let report = words(&run(binary("touchstone"), &verify));
    assert!(report.contains("chain time only"), "{report}");
    for number in 3..6 {
        let height = record(&cluster, number).await;
        assert!(height > before, "blocks go on");
    }
}
