//! Sentences that come as finished English text: a library's failure, a node's refusal, a line of a verb. Each is
//! recognised by its English template, and its values are put into the Chinese one.
//!
//! A name in braces stands for a value. A name that ends with `*` stands for a value that is a sentence of the
//! program itself, one that ends with `!` for a word of its own, which stands in a table of words and is looked up
//! nowhere else; one that ends with `#` stands for a number, and any other value is somebody's word. Both stay as they
//! are.

use std::collections::BTreeMap;

use touchstone_core::evidence::filled;

use super::{Language, SentenceTable, words};

/// No longer text is looked at, in bytes: a node may send any.
const MAX_TEXT_BYTES: usize = 2 << 10;
/// Sentences within sentences, at most.
const MAX_DEPTH: u32 = 8;
/// The same where a frame around others is looked for.
const MAX_FRAMES: u32 = 3;

/// A table of sentences.
pub struct Sentences {
    exact: BTreeMap<String, String>,
    /// Those with more words of their own come first.
    patterns: Vec<Pattern>,
    words: SentenceTable,
}

struct Pattern {
    /// The template's own text, around and between its values.
    pieces: Vec<String>,
    names: Vec<String>,
    chinese: String,
}

impl Pattern {
    fn of(english: &str, chinese: &str) -> Pattern {
        let (mut pieces, mut names) = (Vec::new(), Vec::new());
        let mut rest = english;
        while let Some((before, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else {
                break;
            };
            pieces.push(before.to_owned());
            names.push(name.to_owned());
            rest = behind;
        }
        pieces.push(rest.to_owned());
        Pattern {
            pieces,
            names,
            chinese: chinese.to_owned(),
        }
    }

    fn weight(&self) -> usize {
        self.pieces.iter().map(String::len).sum()
    }

    /// Whether the sentence begins with somebody's word, or has no other sentence in it: one of its values may hold a
    /// frame around what is meant.
    fn may_swallow(&self) -> bool {
        let begins_with_a_word = self.pieces.first().is_some_and(String::is_empty)
            && self.names.first().is_some_and(|name| !name.ends_with('*'));
        begins_with_a_word || !self.names.iter().any(|name| name.ends_with('*'))
    }

    /// The values in a text, if it is this sentence. Each is as short as it can be.
    fn values<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, between) = self.pieces.split_first()?;
        let mut rest = text.strip_prefix(first.as_str())?;
        let Some((last, between)) = between.split_last() else {
            return rest.is_empty().then(Vec::new);
        };
        let mut values = Vec::with_capacity(self.names.len());
        for piece in between {
            let (value, behind) = rest.split_once(piece.as_str())?;
            values.push(value);
            rest = behind;
        }
        values.push(rest.strip_suffix(last.as_str())?);
        let mut named = self.names.iter().zip(&values);
        let fits = named.all(|(name, value)| !name.ends_with('#') || is_number(value));
        fits.then_some(values)
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

impl Sentences {
    /// The sentences of tables, from English templates to Chinese ones.
    pub fn of(tables: &[SentenceTable]) -> Sentences {
        let (with_values, exact): (BTreeMap<_, _>, BTreeMap<_, _>) = tables
            .iter()
            .flatten()
            .map(|(english, chinese)| (english.clone(), chinese.clone()))
            .partition(|(english, _)| english.contains('{'));
        let mut patterns: Vec<Pattern> = with_values
            .iter()
            .map(|(english, chinese)| Pattern::of(english, chinese))
            .collect();
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.weight()));
        let words = words();
        Sentences {
            exact,
            patterns,
            words,
        }
    }

    /// A finished English text in a language: as it is where the tables don't have it.
    pub fn said(&self, language: Language, text: &str) -> String {
        let chinese = match language {
            Language::English => None,
            Language::Chinese => self.composed(text),
        };
        chinese.unwrap_or_else(|| text.to_owned())
    }

    /// A whole sentence in Chinese, if it is one of the table's.
    pub fn whole(&self, text: &str) -> Option<String> {
        self.recognised(text, MAX_DEPTH)
    }

    /// The same where others' words may stand before the sentence, as the name of a file does, or two sentences
    /// stand one behind the other.
    pub fn composed(&self, text: &str) -> Option<String> {
        self.parts(text, MAX_DEPTH)
    }

    fn recognised(&self, text: &str, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        if let Some(chinese) = self.exact.get(text) {
            return Some(chinese.clone());
        }
        let mut fitting = self
            .patterns
            .iter()
            .filter_map(|pattern| Some((pattern, pattern.values(text)?)));
        let (pattern, values) = fitting.next()?;
        if pattern.may_swallow() {
            let mut frames = fitting.filter(|(frame, _)| !frame.may_swallow());
            let framed = frames.find_map(|(frame, values)| self.framed(frame, &values, depth));
            if framed.is_some() {
                return framed;
            }
        }
        let names = pattern.names.iter().map(String::as_str);
        let values: Vec<(&str, String)> = names
            .zip(values)
            .map(|(name, value)| {
                let said = name.ends_with('*').then(|| self.parts(value, depth));
                (
                    name,
                    said.flatten().unwrap_or_else(|| self.word(name, value)),
                )
            })
            .collect();
        Some(filled(&pattern.chinese, &values))
    }

    /// A value that is no sentence: in Chinese if it is the program's own word, else as it is.
    fn word(&self, name: &str, value: &str) -> String {
        let known = name.ends_with('!').then(|| self.words.get(value));
        known.flatten().map_or(value, String::as_str).to_owned()
    }

    /// A sentence around others, if all of these are the table's.
    fn framed(&self, frame: &Pattern, values: &[&str], depth: u32) -> Option<String> {
        let named = frame.names.iter().map(String::as_str).zip(values);
        let said = named.map(|(name, value)| match name.ends_with('*') {
            true => Some((name, self.recognised(value, depth.min(MAX_FRAMES))?)),
            false => Some((name, self.word(name, value))),
        });
        let said: Option<Vec<_>> = said.collect();
        Some(filled(&frame.chinese, &said?))
    }

    fn parts(&self, text: &str, depth: u32) -> Option<String> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        if let Some(whole) = self.recognised(text, depth) {
            return Some(whole);
        }
        // Two sentences stand one behind the other, the last of them without others behind it; or others' words stand
        // before as much as is one sentence.
        let last = |english: &str, chinese: &str| {
            let mut places = text.rmatch_indices(english);
            places.find_map(|(at, _)| self.two(text, at, english, chinese, depth))
        };
        let first = |english: &str, chinese: &str| {
            let mut places = text.match_indices(english);
            places.find_map(|(at, _)| self.two(text, at, english, chinese, depth))
        };
        last(". ", "。")
            .or_else(|| first(": ", "："))
            .or_else(|| last("; ", "；"))
    }

    /// A text of which what stands behind a separator is a whole sentence.
    fn two(
        &self,
        text: &str,
        at: usize,
        english: &str,
        chinese: &str,
        depth: u32,
    ) -> Option<String> {
        let (before, behind) = text.split_at_checked(at)?;
        let said = self.recognised(behind.strip_prefix(english)?, depth)?;
        let before = match self.parts(before, depth.saturating_sub(1)) {
            Some(before) => before,
            None => before.to_owned(),
        };
        Some(format!("{before}{chinese}{said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences() -> Sentences {
        let table = [
            ("{a} of {b} recorded", "{b} 中 {a} 已记录"),
            ("refused: {why*}", "被拒绝：{why*}"),
            ("the key {key} is lost", "密钥 {key} 已遗失"),
            ("the key {key} is lost for ever", "密钥 {key} 永久遗失"),
            ("broken", "损坏"),
            ("the dispute is {phase!}: not now", "争议{phase!}：现在不行"),
        ];
        let table = table.map(|(e, c)| (e.to_owned(), c.to_owned()));
        Sentences::of(&[BTreeMap::from(table)])
    }

    /// The program's own word is translated where the table says that it stands there; somebody's word never is.
    #[test]
    fn a_word_of_the_program_is_translated_where_it_stands() {
        let said = |text: &str| sentences().composed(text);
        let ended = said("the dispute is ended: not now");
        assert_eq!(ended.as_deref(), Some("争议已终结：现在不行"));
        let framed = said("refused: the dispute is ended: not now");
        assert_eq!(framed.as_deref(), Some("被拒绝：争议已终结：现在不行"));
        let other = said("the dispute is over: not now");
        assert_eq!(other.as_deref(), Some("争议over：现在不行"));
        let key = said("the key ended is lost");
        assert_eq!(key.as_deref(), Some("密钥 ended 已遗失"));
        assert_eq!(said("acme: ended"), None, "somebody's word");
    }

    #[test]
    fn a_sentence_is_recognised_with_its_values() {
        let said = |text: &str| sentences().whole(text);
        assert_eq!(said("3 of 4 recorded").as_deref(), Some("4 中 3 已记录"));
        assert_eq!(said("3 of 4 recorded."), None);
        assert_eq!(said("x 3 of 4"), None);
        // More words of its own.
        let text = "the key a is lost for ever";
        assert_eq!(said(text).as_deref(), Some("密钥 a 永久遗失"));
        // A value that is a sentence, where the table says so, and nowhere else.
        let nested = said("refused: the key k is lost");
        assert_eq!(nested.as_deref(), Some("被拒绝：密钥 k 已遗失"));
        let word = said("the key broken is lost");
        assert_eq!(word.as_deref(), Some("密钥 broken 已遗失"));
        assert_eq!(
            said("refused: never heard").as_deref(),
            Some("被拒绝：never heard")
        );
    }

    /// What one sentence would take for somebody's word may be a frame around it.
    #[test]
    fn a_frame_is_seen_around_the_sentence_in_it() {
        let table = [
            ("refused   {file}: {why*}", "被拒绝    {file}：{why*}"),
            (
                "{a} isn't a date and time with zone",
                "{a} 不是带时区的日期时间",
            ),
            (
                "nothing is recorded for {item} as of {age}",
                "截至 {age}，没有 {item} 的记录",
            ),
            (
                "{message*}, absent at {height#}",
                "{message*}（在高度 {height#} 已证明不存在）",
            ),
            ("Verdict   {a*}", "结论      {a*}"),
            (
                "{word}: {how*} as of block {b}",
                "{word}：{how*}，截至区块 {b}",
            ),
            ("complete", "完整"),
        ];
        let table = table.map(|(e, c)| (e.to_owned(), c.to_owned()));
        let sentences = Sentences::of(&[BTreeMap::from(table)]);
        for (english, chinese) in [
            (
                "refused   a.json: $.time: \"2026\" isn't a date and time with zone",
                "被拒绝    a.json：$.time: \"2026\" 不是带时区的日期时间",
            ),
            (
                "nothing is recorded for x as of 1 s ago, absent at 7",
                "截至 1 s ago，没有 x 的记录（在高度 7 已证明不存在）",
            ),
            (
                "Verdict   holds: complete as of block 3",
                "结论      holds：完整，截至区块 3",
            ),
            // No frame of the table's: as it was.
            (
                "heard: x isn't a date and time with zone",
                "heard: x 不是带时区的日期时间",
            ),
        ] {
            assert_eq!(sentences.whole(english).as_deref(), Some(chinese));
        }
    }

    #[test]
    fn a_number_is_no_text_and_sentences_stand_in_a_row() {
        let table = [
            ("no block for {s#} s", "{s#} 秒无区块"),
            ("not heard: {missing}", "未收到：{missing}"),
            ("set the clock", "请校准时钟"),
        ];
        let table = table.map(|(e, c)| (e.to_owned(), c.to_owned()));
        let sentences = Sentences::of(&[BTreeMap::from(table)]);
        let said = |text: &str| sentences.composed(text);
        let all = "no block for -90 s; not heard: court, office. set the clock";
        assert_eq!(
            said(all).as_deref(),
            Some("-90 秒无区块；未收到：court, office。请校准时钟")
        );
        assert_eq!(said("no block for ever s"), None);
        assert_eq!(said("no block for - s"), None);
        assert_eq!(sentences.said(Language::English, all), all);
        assert_eq!(
            sentences.said(Language::Chinese, "never heard"),
            "never heard"
        );
    }

    #[test]
    fn what_others_say_stands_before_a_sentence() {
        let said = |text: &str| sentences().composed(text);
        assert_eq!(said("a.json: broken").as_deref(), Some("a.json：损坏"));
        let two = said("the key k is lost; broken");
        assert_eq!(two.as_deref(), Some("密钥 k 已遗失；损坏"));
        assert_eq!(said("a.json: whole"), None);
        // However a node composes its words, an answer ends.
        let long = "refused: ".repeat(200);
        assert!(said(&long).is_some());
        assert_eq!(said(&"x: ".repeat(4000)), None);
    }
}
