//! From blocks to pages: what stands where. Lengths are in points (1/72 inch), measured from the
//! page's upper left corner.

use super::font::Font;
use super::qr::{self, Squares};
use super::{PageBlock, PdfDocument, PdfError};

/// A4 (ISO 216).
pub(super) const PAGE: (f32, f32) = (595.28, 841.89);
pub(super) const MARGIN: f32 = 50.0;
pub(super) const WIDTH: f32 = PAGE.0 - 2.0 * MARGIN;
/// Where a page's text begins, and where it ends.
const TOP: f32 = 40.0;
const BOTTOM: f32 = PAGE.1 - 44.0;
/// Width of the column of the fields' names.
const NAMES: f32 = 128.0;
/// Side of the QR code, with its quiet zone outside.
const CODE: f32 = 84.0;

/// How text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Title,
    Heading,
    Name,
    Text,
    Foot,
}

impl Style {
    /// Size of the letters.
    pub(super) fn size(self) -> f32 {
        match self {
            Style::Title => 17.0,
            Style::Heading => 10.5,
            Style::Name | Style::Text => 8.2,
            Style::Foot => 7.0,
        }
    }

    /// From one line to the next.
    fn leading(self) -> f32 {
        self.size() * 1.34
    }
}

/// Something on a page.
pub(super) enum Mark {
    /// A line of text; `y` is that of its baseline.
    Text {
        x: f32,
        y: f32,
        style: Style,
        text: String,
    },
    /// A thin line across.
    Rule { y: f32 },
    /// A frame's left edge.
    Edge { x: f32, top: f32, bottom: f32 },
    /// A QR code.
    Code {
        x: f32,
        y: f32,
        side: f32,
        code: Squares,
    },
}

/// What a mark is a part of, in the order of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A line of the title.
    Title(usize),
    /// The QR code.
    Code,
    /// The heading that is this block.
    Heading(usize),
    /// The name of the field that is this block.
    Name(usize),
    /// The values of the field that is this block.
    Values(usize),
    /// The paragraph or notice that is this block.
    Paragraph(usize),
    /// Nothing that is read: lines, numbers of pages.
    Artifact,
}

/// What stands on one page.
#[derive(Default)]
pub(super) struct PdfPage {
    pub(super) marks: Vec<(Part, Mark)>,
}

/// Lays a document out.
pub(super) fn pages(document: &PdfDocument, font: &Font) -> Result<Vec<PdfPage>, PdfError> {
    let mut layout = Layout {
        font,
        pages: vec![PdfPage::default()],
        y: TOP,
        part: Part::Artifact,
    };
    layout.head(document)?;
    for (number, block) in document.blocks.iter().enumerate() {
        layout.block(number, block);
    }
    layout.feet(&document.foot);
    Ok(layout.pages)
}

struct Layout<'a> {
    font: &'a Font,
    pages: Vec<PdfPage>,
    y: f32,
    /// What is being laid out.
    part: Part,
}

impl Layout<'_> {
    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.marks.push((self.part, mark));
        }
    }

    /// Begins a page where this one hasn't that much room.
    fn need(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.pages.push(PdfPage::default());
            self.y = TOP;
        }
    }

    fn head(&mut self, document: &PdfDocument) -> Result<(), PdfError> {
        let mut width = WIDTH;
        if let Some(text) = &document.code {
            let code = qr::squares(text)?;
            self.part = Part::Code;
            self.mark(Mark::Code {
                x: MARGIN + WIDTH - CODE,
                y: TOP,
                side: CODE,
                code,
            });
            width -= CODE + 24.0;
        }
        self.y += 8.0;
        for (number, title) in document.title.iter().enumerate() {
            self.part = Part::Title(number);
            self.lines(title, MARGIN, width, Style::Title);
        }
        if document.code.is_some() {
            self.y = self.y.max(TOP + CODE);
        }
        self.y += 2.0;
        Ok(())
    }

    /// Text below what there is.
    fn lines(&mut self, text: &str, x: f32, width: f32, style: Style) {
        for line in broken(self.font, text, width / style.size()) {
            self.need(style.leading());
            self.line(line, x, style);
            self.y += style.leading();
        }
    }

    /// A line at the present height.
    fn line(&mut self, text: String, x: f32, style: Style) {
        let y = self.y + style.size();
        self.mark(Mark::Text { x, y, style, text });
    }

    fn block(&mut self, number: usize, block: &PageBlock) {
        self.part = match block {
            PageBlock::Heading(_) => Part::Heading(number),
            PageBlock::Field(..) => Part::Name(number),
            PageBlock::Paragraph(_) | PageBlock::Notice(_) => Part::Paragraph(number),
        };
        match block {
            PageBlock::Heading(text) => {
                // A heading doesn't stand alone at a page's end.
                self.need(Style::Heading.leading() + 4.0 * Style::Text.leading());
                self.y += 5.0;
                self.lines(text, MARGIN, WIDTH, Style::Heading);
                let y = self.y;
                self.part = Part::Artifact;
                self.mark(Mark::Rule { y });
                self.y += 4.0;
            }
            PageBlock::Field(name, values) => self.field(number, name, values),
            PageBlock::Paragraph(text) => {
                self.lines(text, MARGIN, WIDTH, Style::Text);
                self.y += 3.0;
            }
            PageBlock::Notice(text) => self.notice(text),
        }
    }

    fn field(&mut self, number: usize, name: &str, values: &[String]) {
        let size = Style::Text.size();
        let names = broken(self.font, name, (NAMES - 10.0) / size);
        let values: Vec<String> = values
            .iter()
            .flat_map(|value| broken(self.font, value, (WIDTH - NAMES) / size))
            .collect();
        let rows = names.len().max(values.len());
        // A name isn't parted from its value.
        self.need(names.len() as f32 * Style::Text.leading());
        let (mut names, mut values) = (names.into_iter(), values.into_iter());
        for _ in 0..rows {
            self.need(Style::Text.leading());
            if let Some(name) = names.next() {
                self.part = Part::Name(number);
                self.line(name, MARGIN, Style::Name);
            }
            if let Some(value) = values.next() {
                self.part = Part::Values(number);
                self.line(value, MARGIN + NAMES, Style::Text);
            }
            self.y += Style::Text.leading();
        }
        self.y += 1.6;
    }

    fn notice(&mut self, text: &str) {
        let (style, part) = (Style::Text, self.part);
        self.y += 2.0;
        for line in broken(self.font, text, (WIDTH - 12.0) / style.size()) {
            self.need(style.leading());
            let (top, bottom) = (self.y, self.y + style.leading());
            self.part = Part::Artifact;
            self.mark(Mark::Edge {
                x: MARGIN + 2.0,
                top,
                bottom,
            });
            self.part = part;
            self.line(line, MARGIN + 12.0, style);
            self.y = bottom;
        }
        self.y += 5.0;
    }

    fn feet(&mut self, foot: &str) {
        let count = self.pages.len();
        let style = Style::Foot;
        let foot = self.font.printable(foot);
        for (index, page) in self.pages.iter_mut().enumerate() {
            let number = format!("{} / {count}", index + 1);
            let end = MARGIN + WIDTH - self.font.width(&number) * style.size();
            for (x, text) in [(MARGIN, foot.clone()), (end, number)] {
                let y = PAGE.1 - 28.0;
                page.marks
                    .push((Part::Artifact, Mark::Text { x, y, style, text }));
            }
        }
    }
}

/// Punctuation that doesn't begin a line (GB/T 15834).
const NOT_FIRST: &str = "，。、；：？！）」』】》〉”’…,.;:?!)]}%";
/// Punctuation that doesn't end one.
const NOT_LAST: &str = "（「『【《〈“‘([{";

/// The printable text in lines of at most so many ems: broken at spaces and between Chinese
/// characters, and inside words that are wider than a line.
pub(super) fn broken(font: &Font, text: &str, width: f32) -> Vec<String> {
    let printable = font.printable(text);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0.0);
    for piece in pieces(&printable) {
        let wide = font.width(piece.trim_end());
        if used + wide > width && !line.is_empty() {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0.0;
        }
        if wide <= width {
            line.push_str(piece);
            used += font.width(piece);
            continue;
        }
        for c in piece.chars() {
            let wide = font.glyph(c).map_or(0.0, |g| g.width);
            if used + wide > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(c);
            used += wide;
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// The parts between which a line may break, each with the spaces behind it.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let breaks = before.is_some_and(|b| {
            let between_words = b == ' ' && c != ' ';
            let between_characters = (is_wide(b) || is_wide(c)) && c != ' ';
            (between_words || between_characters) && !NOT_FIRST.contains(c) && !NOT_LAST.contains(b)
        });
        if breaks {
            pieces.extend(text.get(start..at));
            start = at;
        }
        before = Some(c);
    }
    pieces.extend(text.get(start..).filter(|rest| !rest.is_empty()));
    pieces
}

/// Characters that are written without spaces between words: Chinese, kana and their punctuation.
fn is_wide(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}')
}
