//! What the programs say to a person, in English and in Chinese. A sentence is named by its English template; the
//! other language stands beside it in a table, and tests hold tables against sources.
//!
//! - [`Language`]: which one is asked for, by the command line or the environment.
//! - [`Sentences`]: sentences that come as finished English text, recognised by their templates.
//! - [`help`]: the help of a command line. [`usage`]: what is wrong with one.
//!
//! This crate must not know what a program does.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]

pub mod help;
mod recognition;
#[cfg(any(test, feature = "test-support"))]
pub mod templates;
pub mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;

pub use recognition::Sentences;

/// The language of what a person reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    #[value(name = "en")]
    English,
    /// Chinese, in simplified characters.
    #[value(name = "zh")]
    Chinese,
}

/// Chinese sentences by their English templates.
pub type SentenceTable = BTreeMap<String, String>;

/// A table as its file has it. A file that doesn't parse is an empty table here; the tests find it.
pub fn table(text: &str) -> SentenceTable {
    toml::from_str(text).unwrap_or_default()
}

/// What the libraries say: reasons and refusals.
pub fn reasons() -> SentenceTable {
    table(include_str!("../messages/zh-reasons.toml"))
}

/// Words of the program itself that its sentences insert.
pub fn words() -> SentenceTable {
    table(include_str!("../messages/zh-words.toml"))
}

impl Language {
    /// The language that the environment asks for, as programs on this system read it: the first of
    /// `LC_ALL`, `LC_MESSAGES` and `LANG` that isn't empty.
    pub fn of_environment() -> Language {
        let names = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
        Language::of_locale(&values.find(|value| !value.is_empty()).unwrap_or_default())
    }

    /// The language of a locale such as `zh_CN.UTF-8`.
    pub fn of_locale(locale: &str) -> Language {
        let language = locale
            .split(['_', '-', '.', '@'])
            .next()
            .unwrap_or_default();
        match language.eq_ignore_ascii_case("zh") {
            true => Language::Chinese,
            false => Language::English,
        }
    }

    /// The language that a command line asks for, else the environment's: what is wrong with the line itself
    /// is said in it, too.
    pub fn of_arguments(arguments: &[OsString]) -> Language {
        let texts = arguments.iter().map(|argument| argument.to_string_lossy());
        let texts: Vec<_> = texts.take_while(|text| text != "--").collect();
        let behind = texts.windows(2).filter_map(|pair| match pair {
            [option, value] if option == "--lang" => Some(&**value),
            _ => None,
        });
        let within = texts.iter().filter_map(|text| text.strip_prefix("--lang="));
        let variable = std::env::var("TOUCHSTONE_LANG").ok();
        let named = behind.chain(within).next().or(variable.as_deref());
        match named {
            Some("zh") => Language::Chinese,
            Some("en") => Language::English,
            _ => Language::of_environment(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_environments() {
        for (locale, language) in [
            ("zh_CN.UTF-8", Language::Chinese),
            ("zh", Language::Chinese),
            ("zh-Hans-CN", Language::Chinese),
            ("en_GB.UTF-8", Language::English),
            ("C", Language::English),
            ("zha", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_locale(locale), language, "{locale}");
        }
    }
}
