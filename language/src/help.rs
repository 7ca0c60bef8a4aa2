//! A command line's help in Chinese: a walk over the command, with a table of paragraphs. Examples stay as they are;
//! what explains them is said in Chinese.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};

use super::{Language, SentenceTable};

/// Columns of a line.
const WIDTH: usize = 96;
/// Clap's own order, with the one word of its own in Chinese.
const TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";
/// These end a line rather than begin one.
const CLOSING: &str = "，。；：、）！？》”";

/// The command with its help in a language; `table` has Chinese paragraphs by the English ones.
pub fn in_language(command: Command, language: Language, table: &'static SentenceTable) -> Command {
    match language {
        Language::English => command,
        Language::Chinese => {
            let version = Arg::new("version").short('V').long("version");
            let version = version.action(ArgAction::Version);
            chinese(command, table)
                .disable_version_flag(true)
                .arg(version.help("显示版本").help_heading("选项"))
        }
    }
}

/// A command line that asks for help by a verb, `help item`, as one that asks by the option, which alone is said in
/// Chinese.
pub fn asked_by_option(arguments: &[OsString], language: Language) -> Vec<OsString> {
    let verb = arguments.iter().skip(1).position(|word| {
        let word = word.to_string_lossy();
        !word.starts_with('-') && word != "zh"
    });
    let verb = verb.map(|at| at.saturating_add(1));
    let asks = verb.is_some_and(|at| arguments.get(at).is_some_and(|word| word == "help"));
    let mut arguments = arguments.to_vec();
    if let Some(at) = verb.filter(|_| asks && language == Language::Chinese) {
        arguments.remove(at);
        arguments.push("--help".into());
    }
    arguments
}

/// Each English text of a command's help, as the table names it.
pub fn texts(command: &Command) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |text: Option<&StyledStr>| {
        if let Some(text) = text {
            let _ = translated(&text.to_string(), &mut |part| {
                found.push(part.to_owned());
                None
            });
        }
    };
    note(command.get_about());
    note(command.get_long_about());
    note(command.get_after_help());
    for argument in command.get_arguments() {
        note(argument.get_help());
        note(argument.get_long_help());
        let heading = argument.get_help_heading();
        note(heading.map(|text| text.to_owned().into()).as_ref());
    }
    found.extend(command.get_subcommands().flat_map(texts));
    found
}

fn chinese(mut command: Command, table: &'static SentenceTable) -> Command {
    if let Some(about) = said(command.get_about(), table) {
        command = command.about(about);
    }
    if let Some(about) = said(command.get_long_about(), table) {
        command = command.long_about(about);
    }
    if let Some(after) = said(command.get_after_help(), table) {
        command = command.after_help(after);
    }
    let arguments: Vec<String> = command
        .get_arguments()
        .map(|argument| argument.get_id().to_string())
        .collect();
    for id in arguments {
        command = command.mut_arg(id, |found| argument(found, table));
    }
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    for verb in verbs {
        command = command.mut_subcommand(verb, |found| chinese(found, table));
    }
    let help = Arg::new("help").short('h').long("help");
    let help = help.action(ArgAction::Help).help_heading("选项");
    command
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .arg(help.help("显示帮助"))
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .help_template(TEMPLATE)
}

/// An argument with its help, and what clap would add to it in English.
fn argument(argument: Arg, table: &'static SentenceTable) -> Arg {
    let heading = match argument.get_help_heading() {
        Some(heading) => table.get(heading).map_or("选项", String::as_str),
        None if argument.is_positional() => "参数",
        None => "选项",
    };
    let mut notes = String::new();
    if let Some(variable) = argument.get_env() {
        notes.push_str(&format!(" [环境变量：{}]", variable.display()));
    }
    let takes_values = argument.get_action().takes_values();
    let defaults = argument.get_default_values().iter();
    let defaults: Vec<String> = defaults.map(|value| value.display().to_string()).collect();
    if takes_values && !defaults.is_empty() {
        notes.push_str(&format!(" [默认：{}]", defaults.join(" ")));
    }
    let possible = argument.get_possible_values();
    let possible: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
    if takes_values && !possible.is_empty() {
        notes.push_str(&format!(" [可选值：{}]", possible.join(", ")));
    }
    let short = said(argument.get_help(), table).unwrap_or_default();
    let long = said(argument.get_long_help(), table);
    let argument = argument
        .help_heading(heading)
        .hide_env(true)
        .help(format!("{short}{notes}"));
    let argument = match takes_values {
        true => argument.hide_default_value(true).hide_possible_values(true),
        false => argument,
    };
    match long {
        Some(long) => argument.long_help(format!("{long}{notes}")),
        None => argument,
    }
}

fn said(text: Option<&StyledStr>, table: &'static SentenceTable) -> Option<String> {
    let text = text?.to_string();
    Some(translated(&text, &mut |part| table.get(part).cloned()))
}

/// A text, part by part: paragraphs of prose, of which the lines belong together, and lines of examples, which
/// three spaces or more divide from what explains them.
fn translated(text: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut prose: Vec<&str> = Vec::new();
    for line in text.lines().chain([""]) {
        let is_prose = !line.is_empty() && !line.starts_with(' ');
        if is_prose {
            prose.push(line);
            continue;
        }
        if !prose.is_empty() {
            let joined = prose.join(" ");
            match lookup(&joined) {
                Some(chinese) => lines.extend(wrapped(&chinese)),
                None => lines.extend(prose.iter().map(|line| (*line).to_owned())),
            }
            prose.clear();
        }
        lines.push(example(line, lookup));
    }
    // What was chained behind the last line.
    lines.pop();
    lines.join("\n")
}

fn example(line: &str, lookup: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let start = line.len() - line.trim_start().len();
    let explained = line.match_indices("   ").find(|(at, _)| *at >= start);
    let Some((command, rest)) = explained.and_then(|(at, _)| line.split_at_checked(at)) else {
        return line.to_owned();
    };
    let comment = rest.trim_start();
    match lookup(comment) {
        Some(chinese) => {
            let spaces = " ".repeat(rest.len() - comment.len());
            format!("{command}{spaces}{chinese}")
        }
        None => line.to_owned(),
    }
}

/// A paragraph in lines. They break behind Chinese characters and at spaces, not within a word, and none begins
/// with what closes a phrase.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut columns = 0;
    for word in words(text) {
        let wide: usize = word.chars().map(width).sum();
        let closes = word.starts_with(|c: char| CLOSING.contains(c));
        if columns + wide > WIDTH && !closes {
            lines.push(String::new());
            columns = 0;
        }
        let word = if columns == 0 {
            word.trim_start()
        } else {
            word.as_str()
        };
        columns += word.chars().map(width).sum::<usize>();
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// What isn't torn apart: a character as wide as two, or a run of narrow ones without a space within.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars() {
        let joins = open && width(c) == 1 && c != ' ';
        match words.last_mut().filter(|_| joins) {
            Some(word) => word.push(c),
            None => words.push(c.to_string()),
        }
        open = width(c) == 1;
    }
    words
}

/// A text in a column of a table, so many columns wide at least.
pub fn in_column(text: &str, columns: usize) -> String {
    let taken: usize = text.chars().map(width).sum();
    format!("{text}{}", " ".repeat(columns.saturating_sub(taken)))
}

/// Columns of a character on a terminal: Han characters and their punctuation take two.
fn width(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => 2,
        '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ff60}' => 2,
        '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_one_part_and_examples_keep_their_commands() {
        let text =
            "Examples:\n  touchstone blocks      the last ten\n  a b\n\nOne idea\nof two lines.\n";
        let mut seen = Vec::new();
        let chinese = translated(text, &mut |part| {
            seen.push(part.to_owned());
            Some("中".into())
        });
        assert_eq!(
            seen,
            ["Examples:", "the last ten", "One idea of two lines."]
        );
        assert_eq!(chinese, "中\n  touchstone blocks      中\n  a b\n\n中");
        assert_eq!(translated(text.trim_end(), &mut |_| None), text.trim_end());
    }

    #[test]
    fn a_column_is_as_wide_in_both_languages() {
        assert_eq!(in_column("Holder", 9), "Holder   ");
        assert_eq!(in_column("占有人", 9), "占有人   ");
        assert_eq!(in_column("authorisations", 9), "authorisations");
    }

    #[test]
    fn lines_are_as_wide_as_a_terminal() {
        let text = "编号".repeat(60) + "。--word 之后";
        let lines = wrapped(&text);
        assert!(lines.len() == 3, "{lines:?}");
        for line in &lines {
            assert!(
                line.chars().map(width).sum::<usize>() <= WIDTH + 2,
                "{line}"
            );
            assert!(!line.starts_with('。'), "{line}");
        }
        assert_eq!(lines.concat(), text);
    }
}
