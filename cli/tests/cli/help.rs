//! What the help promises.

use clap::{Command, CommandFactory};
use touchstone_cli::Cli;
use touchstone_cli::messages::{Language, sentences};
use touchstone_language::usage;

/// Every verb that does something, by its words.
fn leaves(command: &Command, words: &str, found: &mut Vec<(String, String)>) {
    let verbs: Vec<&Command> = command.get_subcommands().collect();
    for verb in &verbs {
        leaves(verb, &format!("{words} {}", verb.get_name()), found);
    }
    if verbs.is_empty() || !command.is_subcommand_required_set() {
        let help = command.get_after_help().map(ToString::to_string);
        found.push((words.to_owned(), help.unwrap_or_default()));
    }
}

#[test]
fn every_verbs_help_has_an_example_of_it() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "touchstone", &mut found);
    assert!(found.len() >= 20, "{found:?}");
    for (words, help) in found {
        let example = help
            .lines()
            .any(|line| line.trim_start().starts_with(&words));
        assert!(help.contains("Example") && example, "{words}: {help}");
    }
}

/// An example's words: quotes hold words together, and what follows three spaces explains.
fn shell_words(line: &str) -> Vec<String> {
    let command = line.split("   ").next().unwrap_or(line);
    let mut words = Vec::new();
    for (index, part) in command.split('\'').enumerate() {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(str::to_owned)),
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Every example is understood.
#[test]
fn every_example_is_a_command() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "touchstone", &mut found);
    let mut examples = 0;
    let helps: Vec<String> = found
        .into_iter()
        .map(|(_, h)| h.replace("\\\n    ", " "))
        .collect();
    for line in helps.iter().flat_map(|help| help.lines()) {
        let Some(command) = line.trim_start().strip_prefix("touchstone ") else {
            continue;
        };
        let words = shell_words(command);
        let parsed =
            Cli::command().try_get_matches_from([vec!["touchstone".to_owned()], words].concat());
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
        examples += 1;
    }
    assert!(examples >= 20, "{examples}");
}

/// The commands that a document names: in backticks, and at the beginning of a line of a block.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in text.lines() {
        let quoted = line.split('`').skip(1).step_by(2);
        let typed = line.trim_start().trim_start_matches("$ ");
        let is_typed = line.starts_with([' ', '$']) || !line.contains('`');
        for command in quoted.chain(is_typed.then_some(typed)) {
            let Some(rest) = command.strip_prefix("touchstone ") else {
                continue;
            };
            // What a script puts together.
            if rest.starts_with(['$', '"']) {
                continue;
            }
            let end = rest.find(['|', '#', ';', '&', '>']).unwrap_or(rest.len());
            let words = shell_words(&rest[..end]).into_iter();
            let clean = |word: String| word.trim_matches(['[', ']', '…', '"']).to_owned();
            found.push(words.map(clean).filter(|word| !word.is_empty()).collect());
        }
    }
    found
}

/// What the command line doesn't know of a command.
fn unknown(words: &[String]) -> Option<String> {
    let mut cli = Cli::command();
    cli.build();
    let mut command = &cli;
    let before = std::iter::once("").chain(words.iter().map(String::as_str));
    for (word, before) in words.iter().zip(before) {
        match word.strip_prefix("--") {
            Some(option) => {
                let option = option.split('=').next().unwrap_or_default();
                let known = command
                    .get_arguments()
                    .any(|a| a.get_long() == Some(option));
                if !known {
                    return Some(format!("--{option}"));
                }
            }
            None => match command.find_subcommand(word) {
                Some(verb) => command = verb,
                // An option's value.
                None if before.starts_with('-') => {}
                None if command.is_subcommand_required_set() => return Some(word.clone()),
                None => {}
            },
        }
    }
    None
}

/// The documents name no command and no option that isn't there.
#[test]
fn the_documents_commands_are_known() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut pages = vec![root.join("README.md"), root.join("genesis/README.md")];
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        pages.push(entry.unwrap().path());
    }
    let mut count = 0;
    for page in pages
        .iter()
        .filter(|page| page.extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(page).unwrap();
        for words in commands(&text) {
            count += 1;
            assert_eq!(unknown(&words), None, "{}: {words:?}", page.display());
        }
    }
    assert!(count > 100, "{count} commands only");
    for (wrong, what) in [("frobnicate x", "frobnicate"), ("item ID --what", "--what")] {
        let found = commands(&format!("see `touchstone {wrong}`"));
        assert_eq!(unknown(&found[0]).as_deref(), Some(what));
    }
}

/// Longer lines would be broken where the reader doesn't expect it: so wide is help printed.
#[test]
fn no_line_of_help_is_broken() {
    let mut found = Vec::new();
    leaves(&Cli::command(), "touchstone", &mut found);
    found.push((
        "touchstone".into(),
        Cli::command().get_after_help().unwrap().to_string(),
    ));
    for (words, help) in found {
        let long = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(long, None, "{words}");
    }
}

/// What belongs to the verb comes first, and what every verb knows stands apart.
#[test]
fn the_verbs_own_options_stand_apart() {
    let mut cli = Cli::command();
    cli.build();
    let help = cli
        .find_subcommand_mut("verify")
        .unwrap()
        .render_help()
        .to_string();
    let heading = help.find("Options of every command:").unwrap();
    for (option, own) in [("--pdf", true), ("--node", false), ("--json", false)] {
        assert_eq!(help.find(option).unwrap() < heading, own, "{option}");
    }
}

/// Manual pages and completions are made of the same definitions: none of the verbs is left out.
#[test]
fn manual_pages_and_completions_know_every_verb() {
    let folder = tempfile::TempDir::new().unwrap();
    let program = env!("CARGO_BIN_EXE_touchstone");
    let run = |arguments: &[&std::ffi::OsStr]| {
        let ran = std::process::Command::new(program).args(arguments).output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let told = run(&["man".as_ref(), folder.path().as_os_str()]);
    assert!(told.contains("touchstone.1"), "{told}");
    let mut found = Vec::new();
    leaves(&Cli::command(), "touchstone", &mut found);
    for (words, help) in &found {
        let page = folder.path().join(format!("{}.1", words.replace(' ', "-")));
        let page = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{words}: {e}"));
        let example = help.lines().any(|line| line.starts_with("Example"));
        assert!(!example || page.contains("Example"), "{words}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions".as_ref(), shell.as_ref()]);
        for (words, _) in &found {
            let verb = words.rsplit(' ').next().unwrap();
            assert!(script.contains(verb), "{shell}: {words}");
        }
    }
    let missing = std::process::Command::new(program)
        .args(["man", "/nowhere/man1"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
}

/// An empty id or place asks about nothing; whoever's script lost a value is told so.
#[test]
fn what_is_asked_about_is_not_empty() {
    let table: [&[&str]; 13] = [
        &["organisations", ""],
        &["keys", "check", "9f3c", "--of", ""],
        &["vouch", "show", ""],
        &["mark", "show", ""],
        &["handover", "list", "--of", ""],
        &["sanction", "party", ""],
        &["dispute", "party", ""],
        &["dispute", "party", "shop", "--platform", ""],
        &["dispute", "listing", "", "--platform", "market"],
        &["dispute", "listing", "a", "--platform", ""],
        &["authorised", "4be1", "--in", "CN", "--seller", ""],
        &["evidence", "4be1", "-o", "f", "--in", "CN", "--seller", ""],
        &["mark", "show", "1", "--office", ""],
    ];
    for words in table {
        let parsed = Cli::command().try_get_matches_from([&["touchstone"], words].concat());
        let kind = parsed.map(|_| ()).map_err(|wrong| wrong.kind());
        assert_eq!(kind, Err(clap::error::ErrorKind::InvalidValue), "{words:?}");
    }
}

/// A code that ISO 3166-1 doesn't have is refused before anything is signed or asked: a licence for it would hold
/// nowhere, and a question about it would prove a no.
#[test]
fn a_country_is_one_of_iso_3166() {
    let asked: [&[&str]; 3] = [
        &[
            "licence",
            "grant",
            "4be1",
            "--to",
            "shop",
            "--act",
            "sell",
            "--until",
            "2027-01-01",
        ],
        &["authorised", "4be1", "--seller", "shop"],
        &["evidence", "4be1", "-o", "f", "--seller", "shop"],
    ];
    for words in asked {
        for (code, is_known) in [("CN", true), ("ZZ", false), ("UK", false), ("cn", false)] {
            let line = [&["touchstone"], words, &["--in", code]].concat();
            let parsed = Cli::command().try_get_matches_from(line);
            assert_eq!(
                parsed.is_ok(),
                is_known,
                "{words:?} {code}: {:?}",
                parsed.as_ref().err()
            );
            let Err(wrong) = parsed else { continue };
            let told = wrong.to_string();
            assert!(
                told.contains("ISO 3166-1 alpha-2 has no such country"),
                "{told}"
            );
            let chinese = usage::explained(&wrong, Language::Chinese, sentences()).unwrap();
            let why = "ISO 3166-1 二位代码中没有此国家或地区；请写两个大写字母，例如 CN，英国为 GB";
            assert!(chinese.contains(why), "{chinese}");
        }
    }
    let world = ["--in", "001"];
    let line = [&["touchstone"], asked[0], &world].concat();
    assert!(Cli::command().try_get_matches_from(line).is_ok());
}
