//! What is wrong with a command line, in Chinese. In English clap says it itself.

use std::sync::LazyLock;

use clap::error::{ContextKind, ErrorKind};
use touchstone_core::evidence::filled;

use super::{Language, SentenceTable, Sentences, table};

static CHINESE: LazyLock<SentenceTable> =
    LazyLock::new(|| table(include_str!("../messages/zh-usage.toml")));

/// A sentence in Chinese: the English template, then the values that it names in braces.
macro_rules! say {
    ($template:literal $(, $name:ident = $value:expr)* $(,)?) => {
        filled(
            CHINESE.get($template).map_or($template, String::as_str),
            &[$((stringify!($name), $value.to_string())),*],
        )
    };
}

/// The words for a wrong command line; none where clap's own are printed, which for help are in the language
/// that is asked for. `sentences` are the program's own, such as why a value is none.
pub fn explained(error: &clap::Error, language: Language, sentences: &Sentences) -> Option<String> {
    if language == Language::English || !error.use_stderr() {
        return None;
    }
    let of = |kind| error.get(kind).map(ToString::to_string);
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let (argument, value) = (argument.unwrap_or_default(), value.unwrap_or_default());
    let text = match error.kind() {
        ErrorKind::UnknownArgument => {
            say!("there is no {argument} here", argument = argument)
        }
        ErrorKind::InvalidSubcommand => {
            let verb = of(ContextKind::InvalidSubcommand).unwrap_or_default();
            say!("there is no command {verb}", verb = verb)
        }
        ErrorKind::MissingRequiredArgument => {
            say!("{argument} is missing", argument = argument)
        }
        ErrorKind::MissingSubcommand => say!("a command is missing"),
        ErrorKind::ArgumentConflict => {
            let prior = of(ContextKind::PriorArg).unwrap_or_default();
            say!(
                "{argument} and {prior} exclude one another",
                argument = argument,
                prior = prior
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            say!("{argument} needs a value", argument = argument)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let said = say!(
                "{value} is no value of {argument}",
                value = value,
                argument = argument
            );
            let why = std::error::Error::source(error)
                .map(|why| sentences.said(language, &why.to_string()));
            let valid = of(ContextKind::ValidValue);
            let valid = valid.map(|valid| say!("there are {values}", values = valid));
            match why.or(valid) {
                Some(why) => format!("{said}：{why}"),
                None => said,
            }
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            say!(
                "{argument} has another number of values",
                argument = argument
            )
        }
        _ => return None,
    };
    let mut lines = vec![say!("error: {text}", text = text)];
    let suggested = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    if let Some(other) = suggested.into_iter().find_map(of) {
        lines.push(say!("is {other} meant?", other = other));
    }
    if let Some(usage) = of(ContextKind::Usage) {
        let usage = usage.trim().trim_start_matches("Usage:").trim().to_owned();
        lines.push(say!("usage: {usage}", usage = usage));
    }
    lines.push(say!("--help tells more"));
    Some(lines.join("\n"))
}
