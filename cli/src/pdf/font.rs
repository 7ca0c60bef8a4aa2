//! The fonts: which characters they have, how wide they are, and how to show those that they lack.

use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

use super::BadDocument;

/// The fonts' files; their README says where they come from. A character is taken from the first
/// that has it.
pub(super) const FILES: [&[u8]; 2] = [
    include_bytes!("../../fonts/NotoSansCJKsc-subset.otf"),
    include_bytes!("../../fonts/NotoSans-subset.ttf"),
];

/// All fonts as one.
pub(super) struct Font {
    faces: [Face; FILES.len()],
}

struct Face {
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

/// How a character looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glyph {
    /// Index among [`FILES`].
    pub(super) face: usize,
    /// Number in its font.
    pub(super) id: u32,
    /// Width in ems.
    pub(super) width: f32,
}

impl Face {
    fn load(file: &'static [u8]) -> Result<Face, BadDocument> {
        let font = FontRef::new(file).map_err(|_| BadDocument::Font)?;
        let location = LocationRef::default();
        let units = font.metrics(Size::unscaled(), location).units_per_em;
        if units == 0 {
            return Err(BadDocument::Font);
        }
        Ok(Face {
            charmap: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), location),
            units_per_em: f32::from(units),
        })
    }
}

impl Font {
    pub(super) fn load() -> Result<Font, BadDocument> {
        let [chinese, european] = FILES.map(Face::load);
        Ok(Font {
            faces: [chinese?, european?],
        })
    }

    /// The character's glyph; `None` where no font has it.
    pub(super) fn glyph(&self, c: char) -> Option<Glyph> {
        self.faces.iter().enumerate().find_map(|(face, font)| {
            let id = font.charmap.map(c).filter(|id| id.to_u32() != 0)?;
            let width = font.metrics.advance_width(id)? / font.units_per_em;
            let id = id.to_u32();
            Some(Glyph { face, id, width })
        })
    }

    /// Width of a text in ems.
    pub(super) fn width(&self, text: &str) -> f32 {
        let glyphs = text.chars().filter_map(|c| self.glyph(c));
        glyphs.map(|g| g.width).sum()
    }

    /// The text with each character that can't be seen on paper named in its place.
    pub(super) fn printable(&self, text: &str) -> String {
        let mut printable = String::with_capacity(text.len());
        for c in text.chars() {
            // A soft hyphen shows only where a line breaks.
            if c.is_control() || c == '\u{ad}' || self.glyph(c).is_none() {
                printable.push_str(&format!("[U+{:04X}]", u32::from(c)));
            } else {
                printable.push(c);
            }
        }
        printable
    }
}
