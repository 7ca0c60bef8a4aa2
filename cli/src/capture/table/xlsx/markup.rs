//! The XML of a workbook's parts, piece by piece: local names, attributes and text. Documents with a DTD are refused.

use std::io::BufReader;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::zip::ZipPart;

/// An element's beginning.
pub(super) struct MarkupElement {
    /// Its name without a prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl MarkupElement {
    /// An attribute by its name without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter();
        found.find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }
}

/// What comes next.
pub(super) enum MarkupPiece {
    /// An element begins.
    Open(MarkupElement),
    /// The element of this name ends.
    Close(String),
    /// Text.
    Text(String),
}

/// A part's XML.
pub(super) struct Markup<'a> {
    reader: Reader<BufReader<ZipPart<'a>>>,
    buffer: Vec<u8>,
}

impl<'a> Markup<'a> {
    pub(super) fn new(part: ZipPart<'a>) -> Markup<'a> {
        let mut reader = Reader::from_reader(BufReader::new(part));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        Markup {
            reader,
            buffer: Vec::new(),
        }
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<MarkupPiece>, String> {
        let wrong = |what: &dyn std::fmt::Display| format!("its XML can't be read: {what}");
        loop {
            self.buffer.clear();
            let event = self.reader.read_event_into(&mut self.buffer);
            let piece = match event.map_err(|e| wrong(&e))? {
                Event::Start(tag) | Event::Empty(tag) => {
                    let mut attributes = Vec::new();
                    for attribute in tag.attributes() {
                        let attribute = attribute.map_err(|e| wrong(&e))?;
                        let name = local(attribute.key.as_ref())?;
                        let raw = std::str::from_utf8(&attribute.value).map_err(|e| wrong(&e))?;
                        attributes.push((name, unescaped(raw)?));
                    }
                    MarkupPiece::Open(MarkupElement {
                        name: local(tag.name().as_ref())?,
                        attributes,
                    })
                }
                Event::End(tag) => MarkupPiece::Close(local(tag.name().as_ref())?),
                Event::Text(text) => {
                    MarkupPiece::Text(text.decode().map_err(|e| wrong(&e))?.into_owned())
                }
                Event::CData(text) => {
                    MarkupPiece::Text(text.decode().map_err(|e| wrong(&e))?.into_owned())
                }
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|e| wrong(&e))?;
                    MarkupPiece::Text(entity(&name)?.to_string())
                }
                Event::DocType(_) => return Err("its XML has a DTD, which isn't read".to_owned()),
                Event::Eof => return Ok(None),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => continue,
            };
            return Ok(Some(piece));
        }
    }

    /// All text up to the end of an element that was just opened.
    pub(super) fn text_of(&mut self, name: &str) -> Result<String, String> {
        let mut text = String::new();
        while let Some(piece) = self.next()? {
            match piece {
                MarkupPiece::Text(more) => text.push_str(&more),
                MarkupPiece::Close(closed) if closed == name => break,
                _ => {}
            }
        }
        Ok(text)
    }

    /// The text of a string item that was just opened: its runs, and not how they are pronounced
    /// (ECMA-376 part 1, §18.4.8).
    pub(super) fn plain_text(&mut self, name: &str) -> Result<String, String> {
        let mut text = String::new();
        while let Some(piece) = self.next()? {
            match piece {
                MarkupPiece::Open(element) if element.name == "t" => {
                    text.push_str(&self.text_of("t")?)
                }
                MarkupPiece::Open(element) if element.name == "rPh" => {
                    self.text_of("rPh")?;
                }
                MarkupPiece::Close(closed) if closed == name => break,
                _ => {}
            }
        }
        Ok(characters(&text))
    }
}

fn local(name: &[u8]) -> Result<String, String> {
    let name = std::str::from_utf8(name).map_err(|_| "its XML isn't UTF-8".to_owned())?;
    Ok(name.rsplit(':').next().unwrap_or_default().to_owned())
}

/// XML's five entities, and numbers of characters.
fn entity(name: &str) -> Result<char, String> {
    let number = name.strip_prefix('#');
    let number = number.map(|number| match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    });
    let found = match (name, number) {
        ("amp", _) => Some('&'),
        ("lt", _) => Some('<'),
        ("gt", _) => Some('>'),
        ("quot", _) => Some('"'),
        ("apos", _) => Some('\''),
        (_, Some(Ok(code))) => char::from_u32(code),
        _ => None,
    };
    found.ok_or_else(|| "its XML has an entity that isn't XML's".to_owned())
}

fn unescaped(raw: &str) -> Result<String, String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').unwrap_or(("", after));
        text.push_str(before);
        text.push(entity(name)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// `_x000D_` is the character with this number (ECMA-376 part 1, §22.9.2.19).
fn characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        out.push_str(before);
        let code = after.get(..4).filter(|_| after.get(4..5) == Some("_"));
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = after.get(5..).unwrap_or_default();
            }
            None => {
                out.push_str("_x");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
