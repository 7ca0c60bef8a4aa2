//! What is wrong with a command line, in Chinese. In English clap says it itself.

use clap::error::{ContextKind, ErrorKind};

use super::Language;
use crate::say;

/// The words for a wrong command line; none where clap's own are printed, which for help are in the language
/// that is asked for.
pub fn explained(error: &clap::Error, language: Language) -> Option<String> {
    if language == Language::English || !error.use_stderr() {
        return None;
    }
    let of = |kind| error.get(kind).map(ToString::to_string);
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let (argument, value) = (argument.unwrap_or_default(), value.unwrap_or_default());
    let text = match error.kind() {
        ErrorKind::UnknownArgument => {
            say!(language, "there is no {argument} here", argument = argument)
        }
        ErrorKind::InvalidSubcommand => {
            let verb = of(ContextKind::InvalidSubcommand).unwrap_or_default();
            say!(language, "there is no command {verb}", verb = verb)
        }
        ErrorKind::MissingRequiredArgument => {
            say!(language, "{argument} is missing", argument = argument)
        }
        ErrorKind::MissingSubcommand => say!(language, "a command is missing"),
        ErrorKind::ArgumentConflict => {
            let prior = of(ContextKind::PriorArg).unwrap_or_default();
            say!(
                language,
                "{argument} and {prior} exclude one another",
                argument = argument,
                prior = prior
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            say!(language, "{argument} needs a value", argument = argument)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let said = say!(
                language,
                "{value} is no value of {argument}",
                value = value,
                argument = argument
            );
            let why =
                std::error::Error::source(error).map(|why| language.sentence(&why.to_string()));
            let valid = of(ContextKind::ValidValue);
            let valid = valid.map(|valid| say!(language, "there are {values}", values = valid));
            match why.or(valid) {
                Some(why) => format!("{said}：{why}"),
                None => said,
            }
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            say!(
                language,
                "{argument} has another number of values",
                argument = argument
            )
        }
        _ => return None,
    };
    let mut lines = vec![say!(language, "error: {text}", text = text)];
    let suggested = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    if let Some(other) = suggested.into_iter().find_map(of) {
        lines.push(say!(language, "is {other} meant?", other = other));
    }
    if let Some(usage) = of(ContextKind::Usage) {
        let usage = usage.trim().trim_start_matches("Usage:").trim().to_owned();
        lines.push(say!(language, "usage: {usage}", usage = usage));
    }
    lines.push(say!(language, "--help tells more"));
    Some(lines.join("\n"))
}
