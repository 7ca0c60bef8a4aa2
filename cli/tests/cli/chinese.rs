//! The command line speaks Chinese: what every verb prints, what it refuses, and its help.

use std::process::{Command, Output};

use crate::fake::{Ran, Served, touchstone};
use crate::freshness::asked;
use crate::items::{ITEM, seen};

/// English sentences of a text: two words or more of small letters, one behind the other, outside of quotes.
fn english(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        // What follows is a command, for everybody.
        let line = line.split("touchstone ").next().unwrap_or_default();
        let quoted = line.split(['`', '"']).step_by(2);
        for part in quoted {
            let words: Vec<&str> = part.split([' ', ',', ';']).collect();
            let is_word = |word: &&str| {
                word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase() || c == '\'')
            };
            if words.windows(2).any(|pair| pair.iter().all(is_word)) {
                found.push(line.to_owned());
                break;
            }
        }
    }
    found
}

fn assert_chinese(what: &str, ran: &Ran) {
    // Names of organisations are their own; identifiers and commands are everybody's.
    let text = format!("{}{}", ran.out, ran.err);
    assert_eq!(english(&text), Vec::<String>::new(), "{what}");
    assert!(text.chars().any(|c| c > '\u{2e7f}'), "{what}: {ran:?}");
}

#[tokio::test]
async fn every_answer_is_read_in_chinese() {
    let asked = asked().await;
    for (_, question) in &asked.questions {
        let ran = asked
            .ask(question, &["--lang", "zh", "--max-age", "60"])
            .await;
        assert_chinese(&question.join(" "), &ran);
    }
}

#[tokio::test]
async fn what_is_done_or_refused_is_told_in_chinese() {
    let node = Served::start().await;
    let event = node.write("one.json", &seen(&[ITEM], "storing"));
    let second = node.write("two.json", &seen(&[ITEM], "shipping"));
    let bad = node.write("bad.json", "{");
    let timeless = seen(&[ITEM], "storing").replace("\"eventTime\":\"", "\"eventTime\":\"on ");
    let timeless = node.write("timeless.json", &timeless);
    let absent = "https://id.gs1.org/01/09521234500018/21/none";
    let key = node.path("new.pem").display().to_string();
    let journal = node.path("other.journal").display().to_string();
    let nowhere = node.path("nowhere.json").display().to_string();
    let table: &[(u8, &str, &[&str])] = &[
        (0, "acme", &["capture", &event]),
        (2, "acme", &["capture", &event, "--journal", &journal]),
        (1, "acme", &["capture", &nowhere]),
        (2, "acme", &["capture", &bad]),
        (2, "acme", &["capture", &timeless]),
        (4, "", &["item", absent]),
        (
            4,
            "bravo",
            &["handover", "offer", &second, "--to", "nobody"],
        ),
        (2, "bravo", &["handover", "offer", &second, "--to", "acme"]),
        (0, "acme", &["handover", "offer", &second, "--to", "bravo"]),
        (1, "", &["item", "urn:epc:id:sgtin:9521234.050001"]),
        (1, "", &["item", "(01)09521234500017(21)A1"]),
        (4, "", &["block", "99"]),
        (4, "", &["organisations", "nobody"]),
        (1, "", &["certificate", &nowhere]),
        (1, "acme", &["keys", "add", "no-key"]),
        (2, "acme", &["validators", "remove", "--public-key", "00"]),
    ];
    for (code, organisation, words) in table {
        let words_in_chinese = [words, &["--lang", "zh"][..]].concat();
        let ran = match *organisation {
            "" => node.run(&words_in_chinese).await,
            acting => node.run_as(acting, &words_in_chinese).await,
        };
        if words[0] != "validators" {
            assert_eq!(ran.code, *code, "{words:?}: {ran:?}");
        }
        assert_chinese(&words.join(" "), &ran);
    }
    let state = node.run(&["item", ITEM, "--lang", "zh"]).await;
    assert!(state.out.contains("状态      已发运"), "{state:?}");
    let file = node.path("item.evidence").display().to_string();
    assert_eq!(node.run(&["evidence", ITEM, "-o", &file]).await.code, 0);
    let genesis = node.path("genesis.json").display().to_string();
    let verify = ["verify", &file, "--genesis", &genesis, "--lang", "zh"];
    let verified = node.run(&verify).await;
    let rows = ["\n结论      核验通过", "\n  完整性        通过: "];
    let verified = format!("\n{}", verified.out);
    assert!(rows.iter().all(|row| verified.contains(row)), "{verified}");
    let made = touchstone(&[
        "key",
        "new",
        "--out",
        &key,
        "--no-passphrase",
        "--lang",
        "zh",
    ])
    .await;
    assert!(made.err.contains("未加密"), "{made:?}");
    // For programs, the words stay.
    let ran = node.run(&["block", "99", "--json", "--lang", "zh"]).await;
    let message = ran.json()[0]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("no block at height 99"), "{message}");
}

fn process(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
    for name in ["LC_ALL", "LC_MESSAGES", "LANG", "TOUCHSTONE_LANG"] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_is_in_the_language_of_the_locale() {
    for (variable, locale) in [
        ("LANG", "zh_CN.UTF-8"),
        ("LC_MESSAGES", "zh_CN"),
        ("LC_ALL", "zh_TW.UTF-8"),
        ("TOUCHSTONE_LANG", "zh"),
    ] {
        let ran = process(&["item", "--help"], &[(variable, locale)]);
        let help = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(0), "{help}");
        for part in [
            "显示一件物品的全部记录",
            "用法：touchstone item",
            "选项:",
            "退出码：",
        ] {
            assert!(help.contains(part), "{variable}: {part}: {help}");
        }
        assert_eq!(english(&help), Vec::<String>::new());
    }
    let other = process(
        &["item", "--help"],
        &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")],
    );
    assert!(text(&other.stdout).contains("Usage: touchstone item"));
    for words in [
        &["--help"][..],
        &["help"],
        &["help", "keys", "add"],
        &["keys", "add", "-h"],
    ] {
        let ran = process(&[&["--lang", "zh"][..], words].concat(), &[]);
        let help = text(&ran.stdout);
        assert_eq!(
            ran.status.code(),
            Some(0),
            "{words:?}: {}",
            text(&ran.stderr)
        );
        assert!(help.contains("用法：touchstone"), "{words:?}: {help}");
        let long: Vec<&str> = help.lines().filter(|l| l.chars().count() > 120).collect();
        assert_eq!(long, Vec::<&str>::new());
    }
}

#[test]
fn a_wrong_command_line_is_explained_in_chinese() {
    let table: &[(&[&str], &str)] = &[
        (&["item"], "错误：缺少 <ID>"),
        (&["item", "x", "--what"], "错误：此处没有 --what"),
        (&["itme", "x"], "错误：没有命令 itme\n是否指 item？"),
        (
            &["item", "x", "--from", "0"],
            "错误：0 不能作 --from <NUMBER> 的值",
        ),
        (
            &["masterdata", "show", "x", "--history", "--from", "0"],
            "错误：0 不能作 --from <NUMBER> 的值",
        ),
        (&["item", "x", "--from"], "错误：--from <NUMBER> 须有值"),
        (&["dispute", "listing", ""], "错误：<URL> 须有值"),
        (
            &["genesis", "contribute", "--role", "wizard"],
            "没有此角色；可用的有 platform",
        ),
    ];
    for (arguments, expected) in table {
        let ran = process(&[arguments, &["--lang", "zh"][..]].concat(), &[]);
        let told = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
        assert!(told.ends_with("详见 --help\n"), "{told}");
    }
}
