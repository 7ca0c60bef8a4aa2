//! Sentences for people, in English and in Chinese. A sentence is named by its English template; the
//! other language stands beside it in `messages/zh.toml`, and a test holds both against the sources.
//! Sentences that come as finished English text are recognised by their templates: reasons and refusals of the
//! ledger's libraries stand in `messages/zh-reasons.toml`, lines and failures of the verbs in `messages/zh-lines.toml`,
//! the help in `messages/zh-help.toml`. Words that events use (EPCIS's vocabulary) stand in `messages/zh-terms.toml`.

pub mod help;
mod recognition;
pub mod usage;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::LazyLock;

use touchstone_core::evidence::{Finding, filled};

use recognition::Sentences;

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
static CHINESE: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| table(include_str!("../messages/zh.toml")));
/// Sentences that come as finished English text.
static SENTENCES: LazyLock<Sentences> = LazyLock::new(|| {
    Sentences::of(&[
        table(include_str!("../messages/zh-reasons.toml")),
        table(include_str!("../messages/zh-lines.toml")),
    ])
});
/// Chinese words by the vocabulary's.
static TERMS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| table(include_str!("../messages/zh-terms.toml")));

/// A file that doesn't parse is an empty table here; the tests find it.
fn table(text: &str) -> BTreeMap<String, String> {
    toml::from_str(text).unwrap_or_default()
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

    /// A sentence by its English template, with its values. See [`say!`](crate::say).
    pub fn fill(self, template: &str, values: &[(&str, String)]) -> String {
        match self {
            Language::English => filled(template, values),
            Language::Chinese => {
                let template = CHINESE.get(template).map_or(template, String::as_str);
                // Why a check fails is a sentence of its own. Other values are somebody's words, and stay.
                let values: Vec<_> = values
                    .iter()
                    .map(|(name, value)| match *name {
                        "reason" | "what" => (*name, self.sentence(value)),
                        _ => (*name, value.clone()),
                    })
                    .collect();
                filled(template, &values)
            }
        }
    }

    /// A sentence that comes as finished English text, in this language where the tables have it.
    pub fn sentence(self, text: &str) -> String {
        let chinese = match self {
            Language::English => None,
            Language::Chinese => SENTENCES.composed(text),
        };
        chinese.unwrap_or_else(|| text.to_owned())
    }

    /// The same of a line that is one sentence as a whole.
    pub fn line(self, text: &str) -> String {
        let chinese = match self {
            Language::English => None,
            Language::Chinese => SENTENCES.whole(text),
        };
        chinese.unwrap_or_else(|| text.to_owned())
    }

    /// What an element of an examination says.
    pub fn finding(self, finding: &Finding) -> String {
        self.fill(finding.template(), finding.values())
    }

    /// A word of EPCIS's vocabulary, such as a business step.
    pub fn term(self, word: &str) -> String {
        match self {
            Language::English => word.to_owned(),
            Language::Chinese => TERMS.get(word).cloned().unwrap_or_else(|| word.to_owned()),
        }
    }
}

/// A sentence in a language: the English template, then the values that it names in braces.
#[macro_export]
macro_rules! say {
    ($language:expr, $template:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $language.fill($template, &[$((stringify!($name), $value.to_string())),*])
    };
}

/// A sentence in Chinese and English, one behind the other, for documents.
#[macro_export]
macro_rules! both {
    ($template:literal $(, $name:ident = $value:expr)* $(,)?) => {
        format!(
            "{} {}",
            $crate::say!($crate::messages::Language::Chinese, $template $(, $name = $value)*),
            $crate::say!($crate::messages::Language::English, $template $(, $name = $value)*),
        )
    };
}

/// A sentence in Chinese, then in English, as lines of their own.
#[macro_export]
macro_rules! both_lines {
    ($template:literal $(, $name:ident = $value:expr)* $(,)?) => {
        vec![
            $crate::say!($crate::messages::Language::Chinese, $template $(, $name = $value)*),
            $crate::say!($crate::messages::Language::English, $template $(, $name = $value)*),
        ]
    };
}

#[cfg(test)]
mod tests;
