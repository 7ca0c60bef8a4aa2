//! Sheets of labels: a QR code, text beside it, and where wanted a code to be covered. They are printed and cut, so
//! they aren't archival documents. Lengths are in millimetres, until they are painted.

use krilla::page::PageSettings;
use krilla::surface::Surface;

use super::PdfError;
use super::font::Font;
use super::layout::broken;
use super::paint::{BLACK, Faces, fill, letters, modules, rectangles};
use super::qr::{self, Squares};

/// Points in a millimetre.
const POINTS: f32 = 72.0 / 25.4;
/// The narrowest module that telephones read well (GS1 General Specifications, table of symbol
/// specifications 1: 0.396 mm).
const MIN_MODULE: f32 = 0.396;
/// Modules of the quiet zone around a code (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;
/// Free space at a label's edge, which cutting may miss.
const MARGIN: f32 = 1.5;
/// The largest and the smallest letters, in points.
const LETTERS: (f32, f32) = (9.0, 4.5);
const LEADING: f32 = 1.25;

/// What a label says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The QR code's text.
    pub link: String,
    /// The text beside it.
    pub lines: Vec<String>,
    /// A code that is to be covered, such as by a scratch-off film.
    pub activation: Option<String>,
}

/// Where labels stand on a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    /// The page's width and height.
    pub page: (f32, f32),
    /// A label's width and height.
    pub label: (f32, f32),
    /// The first label's left and upper edge.
    pub first: (f32, f32),
    /// From one label's left and upper edge to the next one's.
    pub pitch: (f32, f32),
    /// Labels beside and below each other.
    pub count: (usize, usize),
}

impl Sheet {
    /// One label on each page, as label printers want it.
    pub fn single(width: f32, height: f32) -> Sheet {
        Sheet {
            page: (width, height),
            label: (width, height),
            first: (0.0, 0.0),
            pitch: (width, height),
            count: (1, 1),
        }
    }

    /// A4 with 3 by 8 labels of 70 × 37 mm.
    pub fn a4_24() -> Sheet {
        Sheet {
            page: (210.0, 297.0),
            label: (70.0, 37.0),
            first: (0.0, 0.5),
            pitch: (70.0, 37.0),
            count: (3, 8),
        }
    }

    /// A4 with 5 by 13 labels of 38.1 × 21.2 mm.
    pub fn a4_65() -> Sheet {
        Sheet {
            page: (210.0, 297.0),
            label: (38.1, 21.2),
            first: (4.75, 10.7),
            pitch: (40.6, 21.2),
            count: (5, 13),
        }
    }

    /// Labels on a page.
    pub fn places(&self) -> usize {
        self.count.0 * self.count.1
    }

    /// The left and upper edge of the label at a place, counted by rows.
    fn corner(&self, place: usize) -> (f32, f32) {
        let (column, row) = (place % self.count.0, place / self.count.0);
        (
            self.first.0 + column as f32 * self.pitch.0,
            self.first.1 + row as f32 * self.pitch.1,
        )
    }
}

/// The labels on sheets of which the first `skipped` places are used up already.
pub fn render(labels: &[Label], sheet: &Sheet, skipped: usize) -> Result<Vec<u8>, PdfError> {
    let font = Font::load()?;
    let laid = labels
        .iter()
        .map(|label| lay_out(label, sheet.label, &font));
    let laid: Vec<Laid> = laid.collect::<Result<_, _>>()?;
    let mut pdf = krilla::Document::new();
    let mut faces = Faces::default();
    let mut rest = laid.as_slice();
    let mut place = skipped % sheet.places().max(1);
    while !rest.is_empty() {
        let count = rest.len().min(sheet.places().saturating_sub(place)).max(1);
        let (some, others) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        let size = PageSettings::from_wh(sheet.page.0 * POINTS, sheet.page.1 * POINTS);
        let size = size.ok_or_else(|| PdfError::Label("a page has no size".into()))?;
        let mut page = pdf.start_page_with(size);
        let mut surface = page.surface();
        for (at, laid) in some.iter().enumerate() {
            let (x, y) = sheet.corner(place + at);
            paint(
                laid,
                (x * POINTS, y * POINTS),
                &mut surface,
                &mut faces,
                &font,
            )?;
        }
        surface.finish();
        page.finish();
        rest = others;
        place = 0;
    }
    pdf.finish()
        .map_err(|error| PdfError::Label(format!("{error:?}")))
}

/// A label whose parts have their places, in points from its upper left corner.
struct Laid {
    code: Squares,
    /// Left and upper edge, and side.
    code_at: (f32, f32, f32),
    /// Size of the letters.
    size: f32,
    text_at: (f32, f32),
    lines: Vec<String>,
    /// Where the covered code's field begins among the lines.
    covered: Option<usize>,
}

fn lay_out(label: &Label, (width, height): (f32, f32), font: &Font) -> Result<Laid, PdfError> {
    let code = qr::squares(&label.link)?;
    let side = (height - 2.0 * MARGIN).min(0.5 * width);
    let module = side / (code.width + 2 * QUIET) as f32;
    if module < MIN_MODULE {
        return Err(PdfError::Label(format!(
            "modules of the code would have {module:.2} mm, and telephones need {MIN_MODULE}; take larger labels or a \
             shorter address"
        )));
    }
    let quiet = QUIET as f32 * module;
    let text_x = MARGIN + side;
    let room = (
        (width - text_x - MARGIN) * POINTS,
        (height - 2.0 * MARGIN) * POINTS,
    );
    let (size, lines, covered) = fit(label, room, font)
        .ok_or_else(|| PdfError::Label("its text has no room beside the code".into()))?;
    let top = (height - side) / 2.0;
    Ok(Laid {
        code,
        code_at: (
            (MARGIN + quiet) * POINTS,
            (top + quiet) * POINTS,
            (side - 2.0 * quiet) * POINTS,
        ),
        size,
        text_at: (text_x * POINTS, MARGIN * POINTS),
        lines,
        covered,
    })
}

/// The largest letters in which the text fits.
fn fit(label: &Label, room: (f32, f32), font: &Font) -> Option<(f32, Vec<String>, Option<usize>)> {
    let mut size = LETTERS.0;
    while size >= LETTERS.1 {
        let wrap = |text: &String| broken(font, text, room.0 / size);
        let mut lines: Vec<String> = label.lines.iter().flat_map(wrap).collect();
        let covered = label.activation.as_ref().map(|_| lines.len());
        lines.extend(label.activation.iter().flat_map(wrap));
        if lines.len() as f32 * size * LEADING <= room.1 {
            return Some((size, lines, covered));
        }
        size -= 0.5;
    }
    None
}

fn paint(
    laid: &Laid,
    (left, top): (f32, f32),
    surface: &mut Surface<'_>,
    faces: &mut Faces,
    font: &Font,
) -> Result<(), PdfError> {
    let (x, y, side) = laid.code_at;
    rectangles(surface, BLACK, modules(left + x, top + y, side, &laid.code));
    surface.set_fill(fill(BLACK));
    surface.set_stroke(None);
    let (x, y) = (left + laid.text_at.0, top + laid.text_at.1);
    for (row, line) in laid.lines.iter().enumerate() {
        let baseline = y + row as f32 * laid.size * LEADING + laid.size;
        letters(surface, faces, font, (x, baseline), laid.size, line)?;
    }
    if let Some(row) = laid.covered {
        // A line over what is to be covered.
        let above = y + row as f32 * laid.size * LEADING + 0.5;
        rectangles(surface, BLACK, [(x, above, 14.0 * laid.size * 0.6, 0.4)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
