//! The client in Python against live nodes: the example of its README as it stands there, and the import story.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use touchstone_tests::cli_user::{CliUser, Ran};
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};
use touchstone_tests::load;

const UNIT: &str = "https://id.gs1.org/01/09521001000017/21/L-0002";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The first block of Python in a page.
fn example(page: &str) -> String {
    let text = std::fs::read_to_string(repository(page)).unwrap();
    let (_, rest) = text.split_once("```python\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    example.to_owned()
}

/// Python beside the built package.
fn python(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new("bash");
    command.arg(repository("clients/python/check"));
    Ran::of(command.current_dir(folder).args(arguments))
}

async fn started() -> Cluster {
    let cluster = Cluster::start(&Plan::default());
    for index in 0..4 {
        cluster.wait_for_height(index, 1).await;
    }
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_its_readme_runs_as_written() {
    let cluster = started().await;
    let person = CliUser::of(&cluster, 0);
    let example = example("clients/python/README.md");
    assert_eq!(example.lines().count(), 10, "{example}");
    let mut adapted = example.clone();
    for (named, real) in [
        ("http://127.0.0.1:26651", cluster.url(0)),
        ("logistics-a", organisation_id(0)),
    ] {
        assert!(adapted.contains(named), "{example}");
        adapted = adapted.replace(named, &real);
    }
    person.write("example.py", adapted);
    person.write("events.json", load::event(1));
    for (name, file) in [
        ("genesis.json", cluster.genesis_file()),
        ("signing.pem", cluster.signing_key_file(0)),
    ] {
        person.write(name, std::fs::read(file).unwrap());
    }
    let folder = person.path("");
    let told = python(&folder, &["example.py"]).expect(0).out;
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("in block "), "{told}");
    assert_eq!(lines[1..], [format!("{} storing", organisation_id(0))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_import_story_is_told_and_proven_in_python() {
    let cluster = started().await;
    let people = (0..4).map(|index| {
        let key = cluster.signing_key_file(index);
        let (organisation, node) = (organisation_id(index), cluster.url(index));
        format!("{organisation}={node}={}", key.display())
    });
    let people: Vec<String> = people.collect();
    let [script, genesis, story] = [
        repository("clients/python/tests/live.py"),
        cluster.genesis_file(),
        repository("tests/data/import-story"),
    ]
    .map(|path| path.display().to_string());
    let mut arguments = vec![script.as_str(), &genesis, &story, UNIT];
    arguments.extend(people.iter().map(String::as_str));
    let told = python(cluster.folder(), &arguments).expect(0).json();

    // What the command line proves of it is the same.
    let person = CliUser::of(&cluster, 0);
    let item = person.run(&["item", UNIT, "--json"]).expect(0).json();
    let steps = item["steps"].as_array().unwrap();
    let texts: Vec<&Value> = steps.iter().map(|step| &step["text"]).collect();
    assert!(texts.len() > 10, "{item}");
    assert_eq!(told["texts"], json!(texts));
    for (ours, theirs) in [
        (&told["holder"], &item["custody"]["holder"]),
        (&told["basis"], &item["custody"]["basis"]),
        (&told["inside"], &item["inside"]),
    ] {
        assert_eq!(ours, theirs, "{told}\n{item}");
    }
    assert_eq!(told["basis"], "handover");
    assert_eq!(told["reservations"], json!(["independence"]));
    for (name, expected) in [
        ("absent", json!(true)),
        ("no_design", json!(false)),
        ("record", json!(true)),
        // The wrong code; the first opening; two later ones, which are told who was first.
        (
            "opened",
            json!(["wrong", [true, true], [true, false], [true, false]]),
        ),
        ("chain_id", json!(hex::encode(cluster.genesis.chain_id))),
    ] {
        assert_eq!(told[name], expected, "{told}");
    }
    let [code, event] = ["code", "event"].map(|name| &told["refused"][name]);
    assert_eq!((code, event), (&json!(301), &json!(0)), "{told}");
}
