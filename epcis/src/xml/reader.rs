//! Reading XML strictly and within bounds: well-formed (XML 1.0), with namespaces, in UTF-8, no DTD,
//! no entities beside XML's five.
//!
//! Consensus-critical: no

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use quick_xml::events::{BytesStart, Event};

use super::element::{Name, XmlElement};
use super::xpath::step;
use crate::error::{EpcisError, EpcisRule, excerpt};
use crate::event::{MAX_EVENT_BYTES, MAX_EVENT_DEPTH};

/// A name as it is written: its prefix, which may be empty, and its local part.
type WrittenName = (String, String);

/// The most elements and attributes of one event.
const MAX_NODES: usize = 1 << 16;

/// The most bytes of one event in XML, which has every name twice.
const MAX_BYTES: usize = 4 * MAX_EVENT_BYTES;

/// The most prefixes that are bound at once.
const MAX_BINDINGS: usize = 128;

/// Around an event stand at most: the document, its body, the results, their body, the list, and
/// brackets of EPCIS 1.x.
const MAX_DEPTH: usize = MAX_EVENT_DEPTH + 8;

/// What comes next in a document.
pub(super) enum Piece {
    Open(XmlElement),
    Close,
    Text(String),
    End,
}

/// An element that is open.
struct Level {
    local: String,
    step: String,
    /// How many elements of each name it had so far.
    seen: BTreeMap<String, usize>,
    /// How many prefixes were bound outside.
    bound: usize,
}

pub(super) struct XmlReader<'a> {
    xml: quick_xml::Reader<&'a [u8]>,
    levels: Vec<Level>,
    bindings: Vec<(String, Rc<str>)>,
    had_root: bool,
}

impl<'a> XmlReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<XmlReader<'a>, EpcisError> {
        if let Err(error) = std::str::from_utf8(bytes) {
            let rule = EpcisRule::NotXml {
                offset: error.valid_up_to(),
                problem: "it isn't UTF-8",
            };
            return Err(rule.at_xml("/".to_owned()));
        }
        let mut xml = quick_xml::Reader::from_reader(bytes);
        let config = xml.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        config.check_end_names = true;
        Ok(XmlReader {
            xml,
            levels: Vec::new(),
            bindings: vec![(
                "xml".to_owned(),
                "http://www.w3.org/XML/1998/namespace".into(),
            )],
            had_root: false,
        })
    }

    /// The local names of the elements that are open, the root's first.
    pub(super) fn names(&self) -> Vec<&str> {
        self.levels
            .iter()
            .map(|level| level.local.as_str())
            .collect()
    }

    /// The path of the innermost element that is open.
    pub(super) fn path(&self) -> String {
        path(&self.levels)
    }

    /// The path of the element around the innermost one.
    pub(super) fn outside(&self) -> String {
        path(self.levels.split_last().map_or(&[], |(_, outer)| outer))
    }

    /// The prefixes that are bound here, with their namespaces; later ones hide earlier ones.
    pub(super) fn bindings(&self) -> Vec<(String, String)> {
        let text =
            |(prefix, namespace): &(String, Rc<str>)| (prefix.clone(), namespace.to_string());
        self.bindings.iter().map(text).collect()
    }

    /// An error at the innermost element.
    pub(super) fn error(&self, rule: EpcisRule) -> EpcisError {
        rule.at_xml(match self.path() {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        })
    }

    fn not_xml(&self, problem: &'static str) -> EpcisError {
        self.not_xml_at(self.xml.buffer_position(), problem)
    }

    fn not_xml_at(&self, offset: u64, problem: &'static str) -> EpcisError {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.error(EpcisRule::NotXml { offset, problem })
    }

    /// Passes over the rest of the innermost element.
    pub(super) fn skip(&mut self) -> Result<(), EpcisError> {
        let outside = self.levels.len().saturating_sub(1);
        while self.levels.len() > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The rest of an element that was just opened.
    pub(super) fn rest_of(&mut self, element: XmlElement) -> Result<XmlElement, EpcisError> {
        let start = self.xml.buffer_position();
        let mut nodes = 0;
        let mut open = vec![element];
        loop {
            let bytes = usize::try_from(self.xml.buffer_position() - start).unwrap_or(usize::MAX);
            if bytes > MAX_BYTES {
                return Err(self.error(EpcisRule::TooLarge {
                    bytes,
                    limit: MAX_BYTES,
                }));
            }
            match self.next()? {
                Piece::Open(element) => {
                    nodes += 1 + element.attributes.len() + element.bindings.len();
                    if nodes > MAX_NODES {
                        let what = "elements and attributes in one event";
                        return Err(self.error(EpcisRule::TooMany {
                            what,
                            limit: MAX_NODES,
                        }));
                    }
                    open.push(element);
                }
                Piece::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Piece::Close => {
                    let Some(element) = open.pop() else {
                        return Err(self.not_xml("an end tag has no start"));
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => return Ok(element),
                    }
                }
                Piece::End => return Err(self.not_xml("it ends within an element")),
            }
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece, EpcisError> {
        loop {
            let event = match self.xml.read_event() {
                Ok(event) => event,
                Err(error) => {
                    let offset = self.xml.error_position();
                    return Err(self.not_xml_at(offset, problem(&error)));
                }
            };
            match event {
                Event::Start(tag) | Event::Empty(tag) => return self.open(&tag).map(Piece::Open),
                Event::End(_) => {
                    if let Some(level) = self.levels.pop() {
                        self.bindings.truncate(level.bound);
                    }
                    return Ok(Piece::Close);
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|_| self.not_xml("it isn't UTF-8"))?;
                    return self.text(&text.replace("\r\n", "\n").replace('\r', "\n"));
                }
                Event::CData(text) => {
                    let text = text.decode().map_err(|_| self.not_xml("it isn't UTF-8"))?;
                    return self.text(&text.replace("\r\n", "\n").replace('\r', "\n"));
                }
                Event::GeneralRef(entity) => {
                    let name = entity
                        .decode()
                        .map_err(|_| self.not_xml("it isn't UTF-8"))?;
                    let character = self.entity(&name)?;
                    return self.text(&String::from(character));
                }
                Event::DocType(_) => return Err(self.error(EpcisRule::XmlDoctype)),
                Event::Decl(declaration) => {
                    let utf8 = match declaration.encoding() {
                        Some(Ok(encoding)) => {
                            encoding.eq_ignore_ascii_case(b"utf-8")
                                || encoding.eq_ignore_ascii_case(b"us-ascii")
                        }
                        Some(Err(_)) => return Err(self.not_xml("its declaration is broken")),
                        None => true,
                    };
                    if !utf8 {
                        return Err(self.not_xml("its encoding isn't UTF-8; convert it"));
                    }
                }
                Event::Comment(_) | Event::PI(_) => {}
                Event::Eof if self.levels.is_empty() && self.had_root => return Ok(Piece::End),
                Event::Eof => return Err(self.not_xml("it ends within an element")),
            }
        }
    }

    fn text(&self, text: &str) -> Result<Piece, EpcisError> {
        if !text.chars().all(is_character) {
            return Err(self.not_xml("a character isn't allowed in XML"));
        }
        if self.levels.is_empty() && !text.trim_ascii().is_empty() {
            return Err(self.not_xml("text stands outside the root element"));
        }
        Ok(Piece::Text(text.to_owned()))
    }

    /// XML 1.0 §4.6, and numbers of characters.
    fn entity(&self, name: &str) -> Result<char, EpcisError> {
        if let Some(number) = name.strip_prefix('#') {
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            return code
                .ok()
                .and_then(char::from_u32)
                .filter(|character| is_character(*character) && !number.contains('+'))
                .ok_or_else(|| self.not_xml("a character isn't allowed in XML"));
        }
        match name {
            "amp" => Ok('&'),
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            other => Err(self.error(EpcisRule::XmlEntity(excerpt(other)))),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<XmlElement, EpcisError> {
        if self.levels.is_empty() && std::mem::replace(&mut self.had_root, true) {
            return Err(self.not_xml("there is a second root element"));
        }
        let bound = self.bindings.len();
        let name = tag.name();
        let name = self.qualified(name.as_ref())?;
        let written = self.attributes(tag)?;
        let own = self.bindings.get(bound..).unwrap_or_default().to_vec();
        let in_list = self.levels.last().is_some_and(|level| {
            level.local.ends_with("List")
                || matches!(&*level.local, "childEPCs" | "correctiveEventIDs")
        });
        let number = self.levels.last_mut().map_or(1, |level| {
            let seen = level.seen.entry(name.1.clone()).or_default();
            *seen += 1;
            *seen
        });
        let as_written = match name.0.as_str() {
            "" => name.1.clone(),
            prefix => format!("{prefix}:{}", name.1),
        };
        self.levels.push(Level {
            local: name.1.clone(),
            step: step(&as_written, number, in_list),
            seen: BTreeMap::new(),
            bound,
        });
        if self.levels.len() > MAX_DEPTH {
            return Err(self.error(EpcisRule::TooDeep {
                limit: MAX_EVENT_DEPTH,
            }));
        }
        let name = self.resolve(name, true)?;
        let mut attributes = Vec::with_capacity(written.len());
        let mut seen = BTreeSet::new();
        for (name, value) in written {
            let name = self.resolve(name, false)?;
            if !seen.insert((Rc::clone(&name.namespace), name.local.clone())) {
                return Err(self.not_xml("an attribute stands twice in one element"));
            }
            attributes.push((name, value));
        }
        Ok(XmlElement {
            name,
            attributes,
            children: Vec::new(),
            text: String::new(),
            bindings: own,
            number,
            in_list,
        })
    }

    /// The attributes, of which those that declare prefixes are bound.
    fn attributes(
        &mut self,
        tag: &BytesStart<'_>,
    ) -> Result<Vec<(WrittenName, String)>, EpcisError> {
        let mut found = Vec::new();
        let mut declared = BTreeSet::new();
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| self.not_xml("an attribute is broken"))?;
            let raw = std::str::from_utf8(&attribute.value)
                .map_err(|_| self.not_xml("it isn't UTF-8"))?;
            let value = self.attribute_value(raw)?;
            let (prefix, local) = self.qualified(attribute.key.as_ref())?;
            let binds = match (prefix.as_str(), local.as_str()) {
                ("", "xmlns") => Some(String::new()),
                ("xmlns", prefix) => Some(prefix.to_owned()),
                _ => None,
            };
            let Some(bound) = binds else {
                found.push(((prefix, local), value));
                continue;
            };
            // Namespaces in XML 1.0 §3, §5: `xml` and `xmlns` are fixed, a prefix can't be unbound.
            let fixed = matches!(bound.as_str(), "xml" | "xmlns");
            if fixed || (value.is_empty() && !bound.is_empty()) || !declared.insert(bound.clone()) {
                return Err(
                    self.not_xml("a prefix is declared twice, for nothing, or is XML's own")
                );
            }
            self.bindings.push((bound, value.into()));
            if self.bindings.len() > MAX_BINDINGS {
                let what = "prefixes declared at once";
                return Err(self.error(EpcisRule::TooMany {
                    what,
                    limit: MAX_BINDINGS,
                }));
            }
        }
        Ok(found)
    }

    /// XML 1.0 §3.3.3: white space in an attribute is spaces.
    fn attribute_value(&self, raw: &str) -> Result<String, EpcisError> {
        let mut out = String::with_capacity(raw.len());
        let raw = raw.replace("\r\n", "\n");
        let mut parts = raw.split('&');
        let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        out.push_str(&plain(parts.next().unwrap_or_default()));
        for part in parts {
            let (name, rest) = part
                .split_once(';')
                .ok_or_else(|| self.not_xml("an & begins no entity; write &amp;"))?;
            out.push(self.entity(name)?);
            out.push_str(&plain(rest));
        }
        if raw.contains('<') || !out.chars().all(is_character) {
            return Err(self.not_xml("a character isn't allowed in XML"));
        }
        Ok(out)
    }

    /// Prefix and local name.
    fn qualified(&self, name: &[u8]) -> Result<WrittenName, EpcisError> {
        let name = std::str::from_utf8(name).map_err(|_| self.not_xml("it isn't UTF-8"))?;
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !is_name(local) || !(prefix.is_empty() && !name.starts_with(':') || is_name(prefix)) {
            return Err(self.not_xml("a name has a character that isn't allowed"));
        }
        Ok((prefix.to_owned(), local.to_owned()))
    }

    /// Namespaces in XML 1.0 §6: the default namespace is for elements alone.
    fn resolve(&self, (prefix, local): WrittenName, element: bool) -> Result<Name, EpcisError> {
        let bound = self
            .bindings
            .iter()
            .rev()
            .find(|(bound, _)| *bound == prefix)
            .map(|(_, namespace)| Rc::clone(namespace));
        let namespace = match bound {
            Some(namespace) if element || !prefix.is_empty() => namespace,
            None if !prefix.is_empty() => {
                return Err(self.error(EpcisRule::UnboundPrefix(excerpt(&prefix))));
            }
            _ => "".into(),
        };
        Ok(Name {
            namespace,
            prefix,
            local,
        })
    }
}

fn path(levels: &[Level]) -> String {
    levels.iter().map(|level| level.step.as_str()).collect()
}

/// XML 1.0 §2.2.
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Namespaces in XML 1.0 §4, narrowed to letters, digits, `_`, `-` and `.`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn problem(error: &quick_xml::Error) -> &'static str {
    use quick_xml::Error;
    use quick_xml::errors::{IllFormedError, SyntaxError};
    match error {
        Error::IllFormed(IllFormedError::MismatchedEndTag { .. }) => {
            "an end tag doesn't fit its start tag"
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(_)) => "an end tag has no start",
        Error::IllFormed(IllFormedError::DoubleHyphenInComment) => "a comment contains --",
        Error::IllFormed(IllFormedError::UnclosedReference) => "an & begins no entity; write &amp;",
        Error::Syntax(SyntaxError::UnclosedTag) => "a tag isn't closed",
        Error::Syntax(_) => "a tag, comment, section or instruction isn't closed",
        _ => "it isn't well-formed",
    }
}
