//! From laid out pages to a file in PDF/A.

use krilla::SerializeSettings;
use krilla::color::luma;
use krilla::configure::{Archival, Configuration, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, SpanTag};
use krilla::text::{Font as Face, GlyphId, KrillaGlyph};
use time::OffsetDateTime;

use super::font::{self, Font};
use super::layout::{MARGIN, Mark, PAGE, Part, PdfPage, Style, WIDTH};
use super::qr::Squares;
use super::structure::Structure;
use super::{PdfDocument, PdfError};

pub(super) const BLACK: u8 = 0;
const GREY: u8 = 0x60;

/// Paints the pages.
pub(super) fn file(
    document: &PdfDocument,
    pages: &[PdfPage],
    font: &Font,
) -> Result<Vec<u8>, PdfError> {
    let settings = SerializeSettings {
        configuration: archival()?,
        ..SerializeSettings::default()
    };
    let mut faces = Faces::default();
    let mut structure = Structure::default();
    let mut pdf = krilla::Document::new_with(settings);
    pdf.set_metadata(metadata(document));
    for page in pages {
        let size = PageSettings::from_wh(PAGE.0, PAGE.1)
            .ok_or_else(|| PdfError::NotArchival("the page has no size".into()))?;
        let mut target = pdf.start_page_with(size);
        let mut surface = target.surface();
        for (part, mark) in &page.marks {
            let id = surface.start_tagged(tag(*part));
            let painted = paint(mark, &mut surface, &mut faces, font);
            surface.end_tagged();
            painted?;
            if *part != Part::Artifact {
                structure.add(*part, id);
            }
        }
        surface.finish();
        target.finish();
    }
    pdf.set_tag_tree(structure.tree(document));
    pdf.finish()
        .map_err(|e| PdfError::NotArchival(format!("{e:?}")))
}

fn archival() -> Result<Configuration, PdfError> {
    ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .finish()
        .map_err(|e| PdfError::NotArchival(format!("{e:?}")))
}

fn tag(part: Part) -> ContentTag<'static> {
    match part {
        Part::Artifact => ContentTag::Artifact(Artifact::with_kind(ArtifactType::PaginationOther)),
        Part::Code => ContentTag::Other,
        _ => ContentTag::Span(SpanTag::empty()),
    }
}

/// The fonts of a document: only those that it shows something of.
#[derive(Default)]
pub(super) struct Faces([Option<Face>; font::FACES]);

impl Faces {
    fn get(&mut self, index: usize) -> Result<Face, PdfError> {
        let face = self.0.get_mut(index).ok_or(PdfError::Font)?;
        if face.is_none() {
            let file = font::file(index).ok_or(PdfError::Font)?;
            *face = Face::new(file.into(), 0);
        }
        face.clone().ok_or(PdfError::Font)
    }
}

fn metadata(document: &PdfDocument) -> Metadata {
    let [chinese, english] = &document.title;
    Metadata::new()
        .title(format!("{english} / {chinese}"))
        .language("zh-CN".to_owned())
        .creator("touchstone".to_owned())
        .document_id(
            document
                .code
                .clone()
                .unwrap_or_else(|| document.foot.clone()),
        )
        .creation_date(date(document.date_ms))
}

fn date(time_ms: u64) -> DateTime {
    let seconds = i64::try_from(time_ms / 1000).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    DateTime::new(u16::try_from(time.year()).unwrap_or_default())
        .month(time.month().into())
        .day(time.day())
        .hour(time.hour())
        .minute(time.minute())
        .second(time.second())
        .utc_offset_hour(0)
        .utc_offset_minute(0)
}

pub(super) fn fill(shade: u8) -> Option<Fill> {
    Some(Fill {
        paint: luma::Color::new(shade).into(),
        ..Fill::default()
    })
}

fn paint(
    mark: &Mark,
    surface: &mut Surface<'_>,
    faces: &mut Faces,
    font: &Font,
) -> Result<(), PdfError> {
    match mark {
        Mark::Text { x, y, style, text } => {
            let shade = match style {
                Style::Title | Style::Heading | Style::Text => BLACK,
                Style::Name | Style::Foot => GREY,
            };
            surface.set_fill(fill(shade));
            // The font has one weight; a thin outline makes it a bold one.
            surface.set_stroke(
                matches!(style, Style::Title | Style::Heading).then(|| Stroke {
                    paint: luma::Color::new(shade).into(),
                    width: style.size() * 0.028,
                    ..Stroke::default()
                }),
            );
            letters(surface, faces, font, (*x, *y), style.size(), text)?;
        }
        Mark::Rule { y } => rectangles(surface, GREY, [(MARGIN, *y, WIDTH, 0.5)]),
        Mark::Edge { x, top, bottom } => {
            rectangles(surface, BLACK, [(*x, *top, 2.0, bottom - top)]);
        }
        Mark::Code { x, y, side, code } => {
            rectangles(surface, BLACK, modules(*x, *y, *side, code));
        }
    }
    Ok(())
}

/// Draws a text from this point of its baseline on, in the fill and stroke that are set.
pub(super) fn letters(
    surface: &mut Surface<'_>,
    faces: &mut Faces,
    font: &Font,
    (mut x, y): (f32, f32),
    size: f32,
    text: &str,
) -> Result<(), PdfError> {
    for (face, glyphs, width) in runs(text, font) {
        let start = Point::from_xy(x, y);
        surface.draw_glyphs(start, &glyphs, faces.get(face)?, text, size, false);
        x += width * size;
    }
    Ok(())
}

/// Each face's turn in a text: its index, its glyphs and their width in ems. One glyph for each
/// character: no script of these fonts joins or reorders any.
fn runs(text: &str, font: &Font) -> Vec<(usize, Vec<KrillaGlyph>, f32)> {
    let mut runs: Vec<(usize, Vec<KrillaGlyph>, f32)> = Vec::new();
    for (at, c) in text.char_indices() {
        let Some(glyph) = font.glyph(c) else {
            continue;
        };
        let range = at..at + c.len_utf8();
        let id = GlyphId::new(glyph.id);
        let drawn = KrillaGlyph::new(id, glyph.width, 0.0, 0.0, 0.0, range, None);
        match runs.last_mut() {
            Some((face, glyphs, width)) if *face == glyph.face => {
                glyphs.push(drawn);
                *width += glyph.width;
            }
            _ => runs.push((glyph.face, vec![drawn], glyph.width)),
        }
    }
    runs
}

/// The code's dark runs: x, y, width, height.
pub(super) fn modules(
    x: f32,
    y: f32,
    side: f32,
    code: &Squares,
) -> impl Iterator<Item = (f32, f32, f32, f32)> {
    let module = side / code.width as f32;
    code.runs.iter().map(move |&(column, row, length)| {
        let (left, top) = (column as f32 * module, row as f32 * module);
        (x + left, y + top, length as f32 * module, module)
    })
}

pub(super) fn rectangles(
    surface: &mut Surface<'_>,
    shade: u8,
    rectangles: impl IntoIterator<Item = (f32, f32, f32, f32)>,
) {
    let mut path = PathBuilder::new();
    for (x, y, width, height) in rectangles {
        if let Some(rectangle) = Rect::from_xywh(x, y, width, height) {
            path.push_rect(rectangle);
        }
    }
    if let Some(path) = path.finish() {
        surface.set_fill(fill(shade));
        surface.set_stroke(None);
        surface.draw_path(&path);
    }
}
