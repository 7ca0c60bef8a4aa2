//! Printing. Results go to standard output, remarks to standard error. Text that comes from
//! events, files or nodes passes through [`plain`], so that nobody steers the reader's terminal.
//!
//! Whatever a verb prints, an answer of the ledger is printed with the block that it is as of: before its first
//! line, and as the member `as_of` of each JSON object.

use std::io::{ErrorKind, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use touchstone_client::AttestedHeader;
use touchstone_client::as_of::{AsOf, BlockRange};
use touchstone_core::governance::validators::Validator;
use touchstone_proto::ledger::{Key, KeyDispute};

use crate::messages::{Language, Speech};
use crate::say;

/// Where a verb prints.
pub struct Output {
    /// Results as JSON instead of text.
    pub json: bool,
    /// A person watches: progress bars are welcome.
    pub terminal: bool,
    /// An answer that is older is warned of; milliseconds.
    pub max_age_ms: u64,
    /// As of which blocks the answers are.
    pub as_of: AsOf,
    has_told_age: bool,
    has_warned: bool,
    /// The language of what a person reads.
    pub language: Language,
    colour: bool,
    is_complete: bool,
    is_unread: bool,
    /// Why a part of the result isn't where it was to go.
    lost: Option<std::io::Error>,
    results: Box<dyn Write + Send>,
    remarks: Box<dyn Write + Send>,
    now_ms: fn() -> u64,
}

impl Output {
    /// The process's own streams.
    pub fn standard(json: bool) -> Output {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
        let (results, remarks) = (Box::new(std::io::stdout()), Box::new(std::io::stderr()));
        Output {
            terminal,
            colour,
            ..Output::to(json, results, remarks, system_ms)
        }
    }

    /// Other streams, without colours; `now_ms` is the clock that ages are told by.
    pub fn to(
        json: bool,
        results: Box<dyn Write + Send>,
        remarks: Box<dyn Write + Send>,
        now_ms: fn() -> u64,
    ) -> Output {
        Output {
            json,
            terminal: false,
            max_age_ms: u64::MAX,
            as_of: AsOf::default(),
            has_told_age: false,
            has_warned: false,
            language: Language::English,
            colour: false,
            is_complete: false,
            is_unread: false,
            lost: None,
            results,
            remarks,
            now_ms,
        }
    }

    /// One line of the result.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.tell_age();
        let text = self.language.line(text.as_ref());
        self.write(&text);
    }

    /// A reader that went away (`| head`) is no error; what else keeps the result from being written is.
    fn write(&mut self, line: &str) {
        let written = writeln!(self.results, "{line}").and_then(|()| self.results.flush());
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.is_unread = true,
            Err(error) => _ = self.lost.get_or_insert(error),
        }
    }

    /// Whether nobody reads the result any more.
    pub fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// Why a part of the result was lost, if one was.
    pub fn take_lost(&mut self) -> Option<std::io::Error> {
        self.lost.take()
    }

    /// One JSON value of the result, on a line of its own.
    pub fn value(&mut self, value: &Value) {
        self.warn_if_old();
        let mut value = value.clone();
        if let Some(blocks) = self.as_of.blocks() {
            add_member(&mut value, "as_of", self.as_of_json(&blocks));
        }
        self.write(&value.to_string());
    }

    /// Says before the first line as of which block the answer is, and warns where that is old.
    fn tell_age(&mut self) {
        self.warn_if_old();
        if self.has_told_age {
            return;
        }
        for line in self.as_of_lines() {
            self.has_told_age = true;
            self.write(&line);
        }
    }

    /// Whether a line said as of which block the answer is.
    pub fn has_told_age(&self) -> bool {
        self.has_told_age
    }

    /// As of which block the answers are, how old it is, and who signed it.
    pub fn as_of_lines(&self) -> Vec<String> {
        let Some(BlockRange { oldest, newest }) = self.as_of.blocks() else {
            return Vec::new();
        };
        let header = &oldest.header;
        let (height, newest) = (header.height, newest.header.height);
        let time = utc(header.time_ms);
        let age = self.age(header.time_ms);
        let language = self.language;
        let as_of = match newest > height {
            true => say!(
                language,
                "As of     blocks {height} to {newest}: some of it may have changed meanwhile; the \
                 oldest is of {time} ({age})",
                height = height,
                newest = newest,
                time = time,
                age = age
            ),
            false => say!(
                language,
                "As of     block {height}, {time} ({age})",
                height = height,
                time = time,
                age = age
            ),
        };
        vec![as_of, signed_line(&oldest, language)]
    }

    fn as_of_json(&self, blocks: &BlockRange) -> Value {
        let mut value = attested_json(&blocks.oldest);
        let age = self.now_ms().saturating_sub(blocks.oldest.header.time_ms);
        add_member(&mut value, "age_ms", json!(age));
        add_member(&mut value, "is_old", json!(age > self.max_age_ms));
        let newest = blocks.newest.header.height;
        add_member(&mut value, "newest_height", json!(newest));
        value
    }

    /// The one JSON value of a verb that says all in it, its failure too.
    pub fn whole_value(&mut self, value: &Value) {
        self.is_complete = true;
        self.value(value);
    }

    /// Whether the one JSON value was printed.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// A remark that isn't part of the result.
    pub fn remark(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.remarks, "{}", self.language.sentence(text.as_ref()));
    }

    /// Good news in green, where there are colours.
    pub fn good(&self, text: &str) -> String {
        self.painted("32", text)
    }

    /// Bad news in red, where there are colours.
    pub fn bad(&self, text: &str) -> String {
        self.painted("31", text)
    }

    /// This machine's clock, milliseconds since 1970-01-01T00:00:00Z.
    pub fn now_ms(&self) -> u64 {
        (self.now_ms)()
    }

    /// The clock itself.
    pub fn clock(&self) -> fn() -> u64 {
        self.now_ms
    }

    /// How long ago a block's time is by this machine's clock, in words.
    pub fn age(&self, time_ms: u64) -> String {
        let now = self.now_ms();
        match now.checked_sub(time_ms) {
            Some(age) => say!(self.language, "{age} ago", age = span(age)),
            None => say!(
                self.language,
                "{age} ahead of this machine's clock",
                age = span(time_ms - now)
            ),
        }
    }

    /// Warns, once, where the answer is older than the person allows.
    pub fn warn_if_old(&mut self) {
        let Some(blocks) = self.as_of.blocks().filter(|_| !self.has_warned) else {
            return;
        };
        let header = &blocks.oldest.header;
        let age = self.now_ms().saturating_sub(header.time_ms);
        if age > self.max_age_ms {
            self.has_warned = true;
            let text = say!(
                self.language,
                "warning: this is as of block {height}, {age} ago (--max-age allows {allowed}); the node \
                 may be behind, or the chain stands still: ask another node",
                height = header.height,
                age = span(age),
                allowed = span(self.max_age_ms)
            );
            let text = self.bad(&text);
            self.remark(text);
        }
    }

    fn painted(&self, code: &str, text: &str) -> String {
        let text = &self.language.sentence(text);
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// The system's clock, milliseconds since 1970-01-01T00:00:00Z.
pub fn system_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

/// Milliseconds since 1970-01-01T00:00:00Z as a UTC date and time.
pub fn utc(time_ms: u64) -> String {
    let format = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3] UTC"
    );
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ms) * 1_000_000)
        .ok()
        .and_then(|t| t.format(format).ok())
        .unwrap_or_else(|| format!("{time_ms} ms"))
}

/// The same moment as RFC 3339 has it, for programs.
pub fn rfc3339(time_ms: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ms) * 1_000_000);
    // Formatting fails for years beyond 9999 alone.
    moment
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// The same moment as China's clocks show it.
pub fn beijing(time_ms: u64) -> String {
    const EIGHT_HOURS_MS: u64 = 8 * 3_600_000;
    let shown = utc(time_ms.saturating_add(EIGHT_HOURS_MS));
    format!("{} (UTC+8)", shown.trim_end_matches(" UTC"))
}

/// A duration in its largest fitting unit.
pub fn span(ms: u64) -> String {
    match ms / 1000 {
        0 => format!("{ms} ms"),
        s @ 1..=119 => format!("{s} s"),
        s @ 120..=7199 => format!("{} min", s / 60),
        s @ 7200..=172_799 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86_400),
    }
}

/// The heights at which a key is valid; until 0: no end.
pub fn validity(from: u64, until: u64) -> String {
    match until {
        0 => format!("from height {from} on"),
        until => format!("from height {from} to {until}"),
    }
}

/// What was reported of a key, behind its validity, and what that rests on.
pub fn reported(key: &Key) -> String {
    let since = utc(key.compromised_since_ms);
    match (key.compromised_since_ms, key.dispute()) {
        (0, KeyDispute::Unspecified) => String::new(),
        (0, KeyDispute::Contested) => {
            "; CONTESTED: it was retired where only keys remained that were added lately".to_owned()
        }
        (0, KeyDispute::Settled) => "; settled by the consortium".to_owned(),
        (_, KeyDispute::Unspecified) => format!("; reported compromised since {since}"),
        (_, KeyDispute::Contested) => format!(
            "; reported compromised since {since}; CONTESTED: by a key that may be a thief's, and the consortium \
             hasn't decided"
        ),
        (_, KeyDispute::Settled) => {
            format!("; reported compromised since {since}; settled by the consortium")
        }
    }
}

/// Outside text made safe to print: a line break is a space, other control characters and those that
/// reorder or hide text are escaped, as the page shows them (verifiers/js/src/printable.js).
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        let is_hidden = matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        );
        if c == '\n' {
            safe.push(' ');
        } else if c.is_control() || is_hidden {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A number with its noun.
pub fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

/// A block, and who attests it.
pub fn block_lines(attested: &AttestedHeader, language: Language) -> [String; 2] {
    let header = &attested.header;
    [
        say!(
            language,
            "Block     {height}, {time}",
            height = header.height,
            time = utc(header.time_ms)
        ),
        signed_line(attested, language),
    ]
}

fn signed_line(attested: &AttestedHeader, language: Language) -> String {
    let power: u64 = attested.signers.iter().map(|v| v.power).sum();
    say!(
        language,
        "Signed    by {organisations}: {signers} of {validators} validators, {power} of {total} voting power",
        organisations = attested.organisations().join(", "),
        signers = attested.signers.len(),
        validators = attested.validators.count(),
        power = power,
        total = attested.validators.total_power()
    )
}

/// The same for programs.
pub fn attested_json(attested: &AttestedHeader) -> Value {
    json!({
        "height": attested.header.height,
        "time_ms": attested.header.time_ms,
        "block_id": hex::encode(attested.header.id()),
        "signers": attested.signers.iter().map(validator_json).collect::<Vec<_>>(),
        "validators": attested.validators.count(),
        "total_power": attested.validators.total_power(),
    })
}

/// Shows terms of the consortium that are proven to be in force.
pub fn show_terms(attested: &AttestedHeader, terms: &[(&str, Value)], output: &mut Output) {
    if output.json {
        let members = terms.iter();
        let members = members.map(|(name, value)| ((*name).to_owned(), value.clone()));
        output.value(&json!({
            "verified": true,
            "header": attested_json(attested),
            "terms": Value::Object(members.collect()),
        }));
        return;
    }
    for (name, value) in terms {
        output.line(format!("{name:<17} {}", term_text(value)));
    }
}

fn term_text(value: &Value) -> String {
    let text = |value: &Value| {
        let own = value.as_str().map(str::to_owned);
        own.unwrap_or_else(|| value.to_string())
    };
    match value {
        Value::Null => "none".to_owned(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, value)| format!("{name} {}", text(value)));
            members.collect::<Vec<_>>().join(", ")
        }
        other => text(other),
    }
}

/// A validator for programs.
pub fn validator_json(validator: &Validator) -> Value {
    json!({
        "public_key": hex::encode(validator.public_key),
        "organisation": validator.organisation,
        "power": validator.power,
    })
}

/// Adds a member to a JSON object; anything else stays as it is.
pub fn add_member(object: &mut Value, name: &str, member: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_cannot_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(plain("x\u{202e}y\nz\rw"), "x\\u{202e}y z\\u{d}w");
        assert_eq!(plain("Zürich 東京"), "Zürich 東京");
        // Marks that reorder text, end lines, or are seen by nobody.
        for hidden in [
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{2028}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0061}',
        ] {
            assert_eq!(
                plain(&hidden.to_string()),
                hidden.escape_unicode().to_string()
            );
        }
    }

    #[test]
    fn times_and_spans() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(utc(1_700_000_000_123), "2023-11-14 22:13:20.123 UTC");
        assert_eq!(utc(u64::MAX), format!("{} ms", u64::MAX));
        assert_eq!(
            beijing(1_700_000_000_123),
            "2023-11-15 06:13:20.123 (UTC+8)"
        );
        let table = [
            (999, "999 ms"),
            (1000, "1 s"),
            (120_000, "2 min"),
            (7_200_000, "2 h"),
            (172_800_000, "2 days"),
        ];
        for (ms, words) in table {
            assert_eq!(span(ms), words);
        }
    }
}
