//! What the node says to a person, in English and Chinese. A sentence is recognised by its English template
//! (docs/adr/0029-sentences-are-recognised-by-their-templates.md); what the libraries say stands in
//! `language/messages`, the node's own in `node/messages/zh.toml`, its help in `zh-help.toml`.
//!
//! The log stays in English: programs search it, and operators of different languages compare it. What is printed as
//! JSON stays as well.

use std::sync::LazyLock;

use touchstone_language::{Language, SentenceTable, Sentences, reasons, table};

/// What the node and the libraries say, by the English templates.
static SENTENCES: LazyLock<Sentences> = LazyLock::new(|| {
    let own = table(include_str!("../messages/zh.toml"));
    Sentences::of(&[reasons(), own])
});
static HELP: LazyLock<SentenceTable> =
    LazyLock::new(|| table(include_str!("../messages/zh-help.toml")));

/// All of it.
pub fn sentences() -> &'static Sentences {
    &SENTENCES
}

/// Chinese paragraphs of the help by the English ones.
pub fn help() -> &'static SentenceTable {
    &HELP
}

/// A finished English text in a language, where the tables have it.
pub fn said(language: Language, text: &str) -> String {
    SENTENCES.said(language, text)
}

/// The same in the language of this process's command line, for a question that comes before anything else.
pub fn asked(text: &str) -> String {
    let arguments: Vec<_> = std::env::args_os().collect();
    said(Language::of_arguments(&arguments), text)
}

#[cfg(test)]
mod tests;
