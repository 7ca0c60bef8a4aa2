//! Distinguished Encoding Rules (X.690), as much of them as tokens and certificates use. What is read
//! is a slice of the input, so that what is hashed or compared are the exact bytes.
//!
//! Strict: definite lengths in their shortest form, tags below 31, nothing behind the end. The one
//! liberty is that the elements of a SET may stand in any order, as authorities don't agree on it.
//!
//! Consensus-critical: no

use thiserror::Error;

/// Universal tags, and those of context that the formats use.
pub(super) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OBJECT_ID: u8 = 0x06;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const T61_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
    /// `[0]` and `[1]`, primitive.
    pub const IMPLICIT_0: u8 = 0x80;
    pub const IMPLICIT_1: u8 = 0x81;
    /// `[0]`, `[1]` and `[3]`, constructed.
    pub const CONTEXT_0: u8 = 0xa0;
    pub const CONTEXT_1: u8 = 0xa1;
    pub const CONTEXT_3: u8 = 0xa3;
}

/// The bit of a tag whose element consists of others.
const CONSTRUCTED: u8 = 0x20;

/// Why bytes aren't DER of the structure that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{part} isn't well-formed DER: {fault}")]
pub struct BadDer {
    /// The structure.
    pub part: &'static str,
    /// What is wrong with it.
    pub fault: DerFault,
}

/// What is wrong with an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DerFault {
    /// It ends before its element does.
    #[error("it ends too early")]
    Truncated,
    /// Another element stands there.
    #[error("tag {found:#04x} stands where {expected:#04x} belongs")]
    Tag {
        /// The tag wanted.
        expected: u8,
        /// The tag found.
        found: u8,
    },
    /// A length of indefinite or overlong form, or a tag of more than one byte.
    #[error("a length or tag isn't in its definite, shortest form")]
    Form,
    /// Something follows the last element.
    #[error("something follows its end")]
    Trailing,
    /// A value that its type doesn't allow.
    #[error("a value of {0} is none")]
    Value(&'static str),
}

/// An element: its tag, its content, and all of its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tlv<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

/// Reads one element after the other.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads the elements in `bytes`; `part` names them in errors.
    pub fn new(bytes: &'a [u8], part: &'static str) -> Reader<'a> {
        Reader { rest: bytes, part }
    }

    /// Of bytes that are one element with this tag: reads what it contains.
    pub fn whole(bytes: &'a [u8], tag: u8, part: &'static str) -> Result<Reader<'a>, BadDer> {
        let mut outer = Reader::new(bytes, part);
        let inner = outer.nested(tag)?;
        outer.finish()?;
        Ok(inner)
    }

    pub fn bad(&self, fault: DerFault) -> BadDer {
        let part = self.part;
        BadDer { part, fault }
    }

    /// What isn't read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag of the next element.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next element, whatever it is.
    pub fn next(&mut self) -> Result<Tlv<'a>, BadDer> {
        let truncated = self.bad(DerFault::Truncated);
        let form = self.bad(DerFault::Form);
        let (&tag, after) = self.rest.split_first().ok_or(truncated)?;
        if tag & 0x1f == 0x1f {
            return Err(form);
        }
        let (&first, after) = after.split_first().ok_or(truncated)?;
        let (length, after) = match first {
            0..=0x7f => (usize::from(first), after),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7f);
                let (bytes, after) = after.split_at_checked(count).ok_or(truncated)?;
                let length = bytes.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
                let is_shortest = length > 0x7f && bytes.first() != Some(&0);
                (is_shortest.then_some(length).ok_or(form)?, after)
            }
            _ => return Err(form),
        };
        let (content, rest) = after.split_at_checked(length).ok_or(truncated)?;
        let size = self.rest.len().saturating_sub(rest.len());
        let whole = self.rest.get(..size).ok_or(truncated)?;
        self.rest = rest;
        Ok(Tlv {
            tag,
            content,
            whole,
        })
    }

    /// The next element, which must have this tag.
    pub fn take(&mut self, tag: u8) -> Result<Tlv<'a>, BadDer> {
        if let Some(found) = self.peek()
            && found != tag
        {
            return Err(self.bad(DerFault::Tag {
                expected: tag,
                found,
            }));
        }
        self.next()
    }

    /// The next element, if it has this tag.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, BadDer> {
        match self.peek() == Some(tag) {
            true => self.next().map(Some),
            false => Ok(None),
        }
    }

    /// Reads the content of the next element, which must have this tag.
    pub fn nested(&mut self, tag: u8) -> Result<Reader<'a>, BadDer> {
        Ok(Reader::new(self.take(tag)?.content, self.part))
    }

    /// Nothing may follow.
    pub fn finish(&self) -> Result<(), BadDer> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(self.bad(DerFault::Trailing)),
        }
    }

    /// The content of an INTEGER in its shortest form, two's complement.
    pub fn integer(&mut self) -> Result<&'a [u8], BadDer> {
        let content = self.take(tag::INTEGER)?.content;
        self.is_integer(content)?;
        Ok(content)
    }

    fn is_integer(&self, content: &[u8]) -> Result<(), BadDer> {
        let is_shortest = match content {
            [] => false,
            [_] => true,
            [first, second, ..] => {
                !(*first == 0 && *second < 0x80 || *first == 0xff && *second >= 0x80)
            }
        };
        match is_shortest {
            true => Ok(()),
            false => Err(self.bad(DerFault::Value("INTEGER"))),
        }
    }

    /// An INTEGER from 0 up that fits.
    pub fn unsigned(&mut self) -> Result<u64, BadDer> {
        let content = self.integer()?;
        to_u64(content).ok_or_else(|| self.bad(DerFault::Value("a small INTEGER")))
    }

    /// `[n] IMPLICIT INTEGER OPTIONAL`, from 0 up.
    pub fn implicit_unsigned(&mut self, tag: u8) -> Result<Option<u64>, BadDer> {
        let Some(element) = self.optional(tag)? else {
            return Ok(None);
        };
        self.is_integer(element.content)?;
        let value = to_u64(element.content);
        let value = value.ok_or_else(|| self.bad(DerFault::Value("a small INTEGER")))?;
        Ok(Some(value))
    }

    /// A BOOLEAN that is left out when false; false may be written all the same.
    pub fn boolean(&mut self) -> Result<bool, BadDer> {
        match self.optional(tag::BOOLEAN)?.map(|element| element.content) {
            None | Some([0]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(self.bad(DerFault::Value("BOOLEAN"))),
        }
    }

    /// The content of an OBJECT IDENTIFIER.
    pub fn object_id(&mut self) -> Result<&'a [u8], BadDer> {
        let content = self.take(tag::OBJECT_ID)?.content;
        self.is_object_id(content)?;
        Ok(content)
    }

    fn is_object_id(&self, content: &[u8]) -> Result<(), BadDer> {
        let begins = std::iter::once(&0).chain(content).zip(content);
        let ends = content.last().is_some_and(|last| *last < 0x80);
        // No part of a number may begin with a superfluous 0x80.
        let is_shortest = begins
            .into_iter()
            .all(|(before, byte)| *before >= 0x80 || *byte != 0x80);
        match ends && is_shortest {
            true => Ok(()),
            false => Err(self.bad(DerFault::Value("OBJECT IDENTIFIER"))),
        }
    }

    /// Whether an element has the form of its universal type.
    fn is_well_formed(&self, element: &Tlv<'_>) -> Result<(), BadDer> {
        let number = element.tag & 0x1f;
        let is_constructed = element.tag & CONSTRUCTED != 0;
        let fits = match element.tag {
            // Of an application, a context or private: the outer structure says what it is.
            0x40.. => true,
            tag::INTEGER => return self.is_integer(element.content),
            tag::OBJECT_ID => return self.is_object_id(element.content),
            tag::BOOLEAN => matches!(element.content, [0] | [0xff]),
            tag::BIT_STRING => element.content.first() == Some(&0),
            tag::NULL => element.content.is_empty(),
            // Of the universal types, those two alone have elements inside (16 and 17).
            _ => number != 0 && is_constructed == matches!(number, 16 | 17),
        };
        match fits {
            true => Ok(()),
            false => Err(self.bad(DerFault::Value("an element"))),
        }
    }

    /// The bytes of a BIT STRING of whole bytes.
    pub fn bit_string(&mut self) -> Result<&'a [u8], BadDer> {
        match self.take(tag::BIT_STRING)?.content.split_first() {
            Some((0, bytes)) => Ok(bytes),
            _ => Err(self.bad(DerFault::Value("a BIT STRING of whole bytes"))),
        }
    }

    /// An `AlgorithmIdentifier`: its id, and its parameters; NULL counts as none.
    pub fn algorithm(&mut self) -> Result<Algorithm<'a>, BadDer> {
        let mut inner = self.nested(tag::SEQUENCE)?;
        let id = inner.object_id()?;
        let parameters = match inner.is_empty() {
            true => None,
            false => Some(inner.next()?),
        };
        inner.finish()?;
        let is_null = |element: &Tlv<'_>| element.tag == tag::NULL;
        if parameters.is_some_and(|p| is_null(&p) && !p.content.is_empty()) {
            return Err(self.bad(DerFault::Value("NULL")));
        }
        Ok(Algorithm {
            id,
            parameters: parameters.filter(|p| !is_null(p)).map(|p| p.whole),
        })
    }
}

/// Whether bytes are DER down to the last element: what no rule looks at has one form too.
pub(super) fn check(bytes: &[u8], part: &'static str) -> Result<(), BadDer> {
    let mut left = vec![Reader::new(bytes, part)];
    while let Some(mut reader) = left.pop() {
        while !reader.is_empty() {
            let element = reader.next()?;
            reader.is_well_formed(&element)?;
            if element.tag & CONSTRUCTED != 0 {
                left.push(Reader::new(element.content, part));
            }
        }
    }
    Ok(())
}

/// An algorithm's id (the content of its OBJECT IDENTIFIER), and its parameters' bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Algorithm<'a> {
    pub id: &'a [u8],
    pub parameters: Option<&'a [u8]>,
}

/// An INTEGER's content as a number; `None` where it is negative or too large.
pub(super) fn to_u64(content: &[u8]) -> Option<u64> {
    if content.first()? & 0x80 != 0 {
        return None;
    }
    let significant = match content {
        [0, rest @ ..] => rest,
        all => all,
    };
    (significant.len() <= 8).then(|| significant.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// An object identifier in its dotted form, of its checked content.
pub(super) fn dotted(content: &[u8]) -> String {
    let mut numbers: Vec<u128> = Vec::new();
    let mut number = 0u128;
    for byte in content {
        number = number.saturating_mul(128) | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let mut numbers = numbers.into_iter();
    // The first two numbers share one.
    let both = numbers.next().unwrap_or(0);
    let first = (both / 40).min(2);
    let mut text = format!("{first}.{}", both.saturating_sub(first.saturating_mul(40)));
    for number in numbers {
        text.push('.');
        text.push_str(&number.to_string());
    }
    text
}

/// Writes an element.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len();
    match length {
        0..=0x7f => bytes.push(length as u8),
        _ => {
            let be = (length as u64).to_be_bytes();
            let digits: Vec<u8> = be.into_iter().skip_while(|b| *b == 0).collect();
            bytes.push(0x80 | digits.len() as u8);
            bytes.extend(digits);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// Writes an INTEGER.
pub(super) fn integer(value: u64) -> Vec<u8> {
    let be = value.to_be_bytes();
    let mut content: Vec<u8> = be.into_iter().skip_while(|b| *b == 0).collect();
    if content.first().is_none_or(|b| b & 0x80 != 0) {
        content.insert(0, 0);
    }
    element(tag::INTEGER, &content)
}

/// Milliseconds since 1970 of a time and of its whole seconds, `YYYYMMDDhhmmss[.f]Z`. A fraction
/// doesn't end with 0 (RFC 3161 §2.4.2); one finer than milliseconds is rounded up, as what is stamped
/// existed no later.
pub(super) fn moment(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (seconds, fraction) = match text.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (text, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if seconds.len() != 14 || !all_digits(seconds) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| seconds.get(range)?.parse::<u16>().ok();
    let month = time::Month::try_from(number(4..6)? as u8).ok()?;
    let year = i32::from(number(0..4).filter(|year| *year > 0)?);
    let date = time::Date::from_calendar_date(year, month, number(6..8)? as u8).ok()?;
    let clock = time::Time::from_hms(
        number(8..10)? as u8,
        number(10..12)? as u8,
        number(12..14)? as u8,
    )
    .ok()?;
    let whole = date.with_time(clock).assume_utc().unix_timestamp();
    let extra = match fraction {
        None => 0,
        Some(digits) if all_digits(digits) && digits.len() <= 9 && !digits.ends_with('0') => {
            let nanos: u32 = format!("{digits:0<9}").parse().ok()?;
            i64::from(nanos.div_ceil(1_000_000))
        }
        Some(_) => return None,
    };
    whole.checked_mul(1000)?.checked_add(extra)
}
