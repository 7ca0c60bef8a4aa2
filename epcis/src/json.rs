//! A strict JSON reader that keeps the source of every value.
//!
//! Stricter than RFC 8259 where readers differ (RFC 7493, I-JSON): no duplicate names, no integers
//! beyond 2^53 - 1, no lone surrogates, bounded depth. A value keeps its exact source text, so a
//! `1.00` stays `1.00`.
//!
//! Consensus-critical: yes

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::error::{EpcisError, EpcisRule, Path, excerpt};

/// A JSON value and its source.
pub(super) struct Node<'a> {
    /// The exact source text, without surrounding white space.
    pub(super) source: &'a str,
    pub(super) value: JsonValue<'a>,
}

pub(super) enum JsonValue<'a> {
    Null,
    Bool,
    /// The token is the node's source.
    Number,
    /// Borrowed from the source where nothing in it is escaped.
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<JsonMember<'a>>),
}

pub(super) struct JsonMember<'a> {
    pub(super) name: Cow<'a, str>,
    /// The name as written, with quotes and escapes.
    pub(super) name_source: &'a str,
    pub(super) value: Node<'a>,
}

impl<'a> Node<'a> {
    /// The member of an object; none if this is no object.
    pub(super) fn get(&self, name: &str) -> Option<&Node<'a>> {
        let JsonValue::Object(members) = &self.value else {
            return None;
        };
        members
            .iter()
            .find(|member| member.name == name)
            .map(|member| &member.value)
    }

    pub(super) fn object(&self, path: &Path<'_>) -> Result<&[JsonMember<'a>], EpcisError> {
        match &self.value {
            JsonValue::Object(members) => Ok(members),
            _ => Err(self.wrong_type("an object", path)),
        }
    }

    pub(super) fn list(&self, path: &Path<'_>) -> Result<&[Node<'a>], EpcisError> {
        match &self.value {
            JsonValue::List(nodes) => Ok(nodes),
            _ => Err(self.wrong_type("a list", path)),
        }
    }

    pub(super) fn text(&self, path: &Path<'_>) -> Result<&str, EpcisError> {
        match &self.value {
            JsonValue::Text(text) => Ok(text),
            _ => Err(self.wrong_type("a string", path)),
        }
    }

    pub(super) fn wrong_type(&self, expected: &'static str, path: &Path<'_>) -> EpcisError {
        let found = match &self.value {
            JsonValue::Null => "null",
            JsonValue::Bool => "a boolean",
            JsonValue::Number => "a number",
            JsonValue::Text(_) => "a string",
            JsonValue::List(_) => "a list",
            JsonValue::Object(_) => "an object",
        };
        EpcisRule::WrongType { expected, found }.at(path)
    }
}

/// Reads one JSON value, nested at most `max_depth` levels (an object of numbers has one).
pub(super) fn read(bytes: &[u8], max_depth: usize) -> Result<Node<'_>, EpcisError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        EpcisRule::NotJson {
            offset: error.valid_up_to(),
            expected: "UTF-8",
        }
        .at(&Path::Root)
    })?;
    let mut reader = Reader {
        text,
        at: 0,
        max_depth,
    };
    reader.skip_space();
    let node = reader.value(0, &Path::Root)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.expected("the end", &Path::Root)),
    }
}

/// Appends a JSON text without the white space between its tokens. The tokens are copied as they
/// are. `source` must be valid JSON.
pub(super) fn write_minimal(source: &str, out: &mut String) {
    let mut in_string = false;
    let mut escaped = false;
    for character in source.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            in_string = character == '"';
        }
        out.push(character);
    }
}

/// Up to so many members an object's names are compared one by one.
const FEW_MEMBERS: usize = 16;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    max_depth: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize, path: &Path<'_>) -> Result<Node<'a>, EpcisError> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(self.deeper(depth, path)?, path)?,
            Some(b'[') => self.list(self.deeper(depth, path)?, path)?,
            Some(b'"') => JsonValue::Text(self.string(path)?.0),
            Some(b'-' | b'0'..=b'9') => self.number(path)?,
            Some(b't') => self.word("true", JsonValue::Bool, path)?,
            Some(b'f') => self.word("false", JsonValue::Bool, path)?,
            Some(b'n') => self.word("null", JsonValue::Null, path)?,
            _ => return Err(self.expected("a value", path)),
        };
        Ok(Node {
            source: self.since(start),
            value,
        })
    }

    fn deeper(&self, depth: usize, path: &Path<'_>) -> Result<usize, EpcisError> {
        if depth >= self.max_depth {
            return Err(EpcisRule::TooDeep {
                limit: self.max_depth,
            }
            .at(path));
        }
        Ok(depth + 1)
    }

    fn object(&mut self, depth: usize, path: &Path<'_>) -> Result<JsonValue<'a>, EpcisError> {
        self.at += 1;
        // An event has about so many; what is in it has one or two.
        let room = if depth == 1 { FEW_MEMBERS } else { 0 };
        let mut members: Vec<JsonMember<'a>> = Vec::with_capacity(room);
        let mut names = BTreeSet::new();
        self.skip_space();
        if self.eat(b'}') {
            return Ok(JsonValue::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.expected("a name in quotes", path));
            }
            let (name, name_source) = self.string(path)?;
            let here = path.field(&name);
            let is_known = match members.len() {
                ..FEW_MEMBERS => members.iter().any(|known| known.name == name),
                _ => {
                    if names.is_empty() {
                        names.extend(members.iter().map(|known| known.name.clone()));
                    }
                    !names.insert(name.clone())
                }
            };
            if is_known {
                return Err(EpcisRule::DuplicateKey(excerpt(&name)).at(&here));
            }
            self.skip_space();
            if !self.eat(b':') {
                return Err(self.expected("a colon", &here));
            }
            self.skip_space();
            let value = self.value(depth, &here)?;
            members.push(JsonMember {
                name,
                name_source,
                value,
            });
            self.skip_space();
            if self.eat(b'}') {
                return Ok(JsonValue::Object(members));
            }
            if !self.eat(b',') {
                return Err(self.expected("a comma or the object's end", path));
            }
            self.skip_space();
        }
    }

    fn list(&mut self, depth: usize, path: &Path<'_>) -> Result<JsonValue<'a>, EpcisError> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.skip_space();
        if self.eat(b']') {
            return Ok(JsonValue::List(nodes));
        }
        loop {
            nodes.push(self.value(depth, &path.index(nodes.len()))?);
            self.skip_space();
            if self.eat(b']') {
                return Ok(JsonValue::List(nodes));
            }
            if !self.eat(b',') {
                return Err(self.expected("a comma or the list's end", path));
            }
            self.skip_space();
        }
    }

    /// The string's content and its source.
    fn string(&mut self, path: &Path<'_>) -> Result<(Cow<'a, str>, &'a str), EpcisError> {
        let start = self.at;
        self.at += 1;
        let begin = self.at;
        let mut has_escapes = false;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            // Nearly all of a string stands for itself.
            let plain = rest
                .iter()
                .position(|&byte| matches!(byte, ..0x20 | b'"' | b'\\'));
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escapes = true;
                    self.at += 2;
                }
                _ => return Err(self.expected("the string's end", path)),
            }
        }
        let content = self.since(begin);
        self.at += 1;
        let source = self.since(start);
        if !has_escapes {
            return Ok((Cow::Borrowed(content), source));
        }
        // The end is known; what the escapes mean is left to a reader that everybody uses.
        match serde_json::from_str::<String>(source) {
            Ok(content) => Ok((Cow::Owned(content), source)),
            Err(_) => {
                self.at = start;
                Err(self.expected("a string with valid escapes", path))
            }
        }
    }

    fn number(&mut self, path: &Path<'_>) -> Result<JsonValue<'a>, EpcisError> {
        /// RFC 7493 §2.2.
        const MAX_EXACT_INTEGER: u64 = (1 << 53) - 1;
        let start = self.at;
        self.eat(b'-');
        let digits = self.at;
        if !self.eat(b'0') {
            self.digits(path)?;
        }
        let digits_end = self.at;
        if self.eat(b'.') {
            self.digits(path)?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits(path)?;
        }
        let source = self.since(start);
        let fits = if self.at == digits_end {
            self.since(digits)
                .parse::<u64>()
                .is_ok_and(|value| value <= MAX_EXACT_INTEGER)
        } else {
            source.parse::<f64>().is_ok_and(f64::is_finite)
        };
        if !fits {
            return Err(EpcisRule::NumberTooLarge(excerpt(source)).at(path));
        }
        Ok(JsonValue::Number)
    }

    fn digits(&mut self, path: &Path<'_>) -> Result<(), EpcisError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.expected("a digit", path));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn word(
        &mut self,
        word: &'static str,
        value: JsonValue<'a>,
        path: &Path<'_>,
    ) -> Result<JsonValue<'a>, EpcisError> {
        if !self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word))
        {
            return Err(self.expected(word, path));
        }
        self.at += word.len();
        Ok(value)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn expected(&self, expected: &'static str, path: &Path<'_>) -> EpcisError {
        EpcisRule::NotJson {
            offset: self.at,
            expected,
        }
        .at(path)
    }
}

#[cfg(test)]
mod tests;
