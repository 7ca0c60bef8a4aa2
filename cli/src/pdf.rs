//! Documents for people, in PDF/A: blocks of text go in, the file's bytes come out. The same blocks
//! give the same bytes: no clock, no randomness and no font of the system is asked.

mod font;
pub mod labels;
mod layout;
mod paint;
pub mod qr;
mod structure;

use thiserror::Error;

/// A document, laid out from top to bottom on A4 pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PdfDocument {
    /// The title, first in Chinese, then in English.
    pub title: [String; 2],
    /// What the QR code in the first page's corner says.
    pub code: Option<String>,
    /// What the pages say below each other.
    pub blocks: Vec<PageBlock>,
    /// A line at the foot of each page.
    pub foot: String,
    /// The date that the file's metadata name, milliseconds since 1970-01-01T00:00:00Z.
    pub date_ms: u64,
}

/// A part of a document. Text from outside may stand in any of them: what the font lacks, controls
/// and marks that reorder text are printed as `[U+XXXX]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageBlock {
    /// The heading of what follows.
    Heading(String),
    /// A named value; each text begins on a line of its own.
    Field(String, Vec<String>),
    /// A paragraph.
    Paragraph(String),
    /// A paragraph that must not be overlooked, in a frame.
    Notice(String),
}

impl PageBlock {
    /// A named value of one text.
    pub fn field(name: &str, value: impl Into<String>) -> PageBlock {
        PageBlock::Field(name.to_owned(), vec![value.into()])
    }
}

/// Why there is no file.
#[derive(Debug, Error)]
pub enum PdfError {
    /// The font that is compiled in can't be read.
    #[error("the program's own font can't be read")]
    Font,
    /// The QR code would hold more than one can.
    #[error("the QR code's text is too long")]
    Code,
    /// A label is too small for what it is to say.
    #[error("the label is too small: {0}")]
    Label(String),
    /// The PDF would not be PDF/A-2a (ISO 19005-2), and why.
    #[error("the document would not be PDF/A: {0}")]
    NotArchival(String),
}

/// The document as a file in PDF/A-2a (ISO 19005-2, conformance level A: tagged, and every text can be
/// extracted).
pub fn render(document: &PdfDocument) -> Result<Vec<u8>, PdfError> {
    let font = font::Font::load()?;
    let pages = layout::pages(document, &font)?;
    paint::file(document, &pages, &font)
}

#[cfg(test)]
mod tests;
