//! Sentences for people, in English and in Chinese. A sentence is named by its English template; the
//! other language stands beside it in `messages/zh.toml`, and a test holds both against the sources.
//! Sentences that come as finished English text are recognised by their templates: reasons and refusals of the
//! libraries stand in `language/messages/zh-reasons.toml`, lines and failures of the verbs in `messages/zh-lines.toml`,
//! the help in `messages/zh-help.toml`. Words that events use (EPCIS's vocabulary) stand in `messages/zh-terms.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use touchstone_core::evidence::{Finding, filled};
pub use touchstone_language::Language;
pub use touchstone_language::help::in_column;
use touchstone_language::{SentenceTable, Sentences, reasons, table};

/// Chinese sentences by their English templates.
static CHINESE: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| table(include_str!("../messages/zh.toml")));
/// Sentences that come as finished English text.
static SENTENCES: LazyLock<Sentences> = LazyLock::new(|| {
    let lines = table(include_str!("../messages/zh-lines.toml"));
    Sentences::of(&[reasons(), lines])
});
/// Chinese words by the vocabulary's.
static TERMS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| table(include_str!("../messages/zh-terms.toml")));
static HELP: LazyLock<SentenceTable> =
    LazyLock::new(|| table(include_str!("../messages/zh-help.toml")));

/// Chinese paragraphs of the help by the English ones.
pub fn help() -> &'static SentenceTable {
    &HELP
}

/// Sentences that come as finished English text.
pub fn sentences() -> &'static Sentences {
    &SENTENCES
}

/// A sentence by its English template, with its values. See [`say!`](crate::say).
pub fn fill(language: Language, template: &str, values: &[(&str, String)]) -> String {
    match language {
        Language::English => filled(template, values),
        Language::Chinese => {
            let template = CHINESE.get(template).map_or(template, String::as_str);
            // Why a check fails is a sentence of its own. Other values are somebody's words, and stay.
            let values: Vec<_> = values
                .iter()
                .map(|(name, value)| match *name {
                    "reason" | "what" => (*name, language.sentence(value)),
                    _ => (*name, value.clone()),
                })
                .collect();
            filled(template, &values)
        }
    }
}

/// What the command line says in a language.
pub trait Speech: Copy {
    /// A sentence that comes as finished English text, in this language where the tables have it.
    fn sentence(self, text: &str) -> String;
    /// The same of a line that is one sentence as a whole.
    fn line(self, text: &str) -> String;
    /// What an element of an examination says.
    fn finding(self, finding: &Finding) -> String;
    /// A word of EPCIS's vocabulary, such as a business step.
    fn term(self, word: &str) -> String;
}

impl Speech for Language {
    fn sentence(self, text: &str) -> String {
        SENTENCES.said(self, text)
    }

    fn line(self, text: &str) -> String {
        let chinese = match self {
            Language::English => None,
            Language::Chinese => SENTENCES.whole(text),
        };
        chinese.unwrap_or_else(|| text.to_owned())
    }

    fn finding(self, finding: &Finding) -> String {
        fill(self, finding.template(), finding.values())
    }

    fn term(self, word: &str) -> String {
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
        $crate::messages::fill(
            $language,
            $template,
            &[$((stringify!($name), $value.to_string())),*],
        )
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
