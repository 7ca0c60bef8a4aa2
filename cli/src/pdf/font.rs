//! The one font: which characters it has, how wide they are, and how to show those that it lacks.

use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, GlyphId, MetadataProvider, charmap::Charmap};

use super::BadDocument;

/// The font's file; its README says where it comes from.
pub(super) const FILE: &[u8] = include_bytes!("../../fonts/NotoSansCJKsc-subset.otf");

/// The font, read.
pub(super) struct Font {
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

impl Font {
    pub(super) fn load() -> Result<Font, BadDocument> {
        let font = FontRef::new(FILE).map_err(|_| BadDocument::Font)?;
        let location = LocationRef::default();
        let units = font.metrics(Size::unscaled(), location).units_per_em;
        if units == 0 {
            return Err(BadDocument::Font);
        }
        Ok(Font {
            charmap: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), location),
            units_per_em: f32::from(units),
        })
    }

    /// The character's glyph and its width in ems; `None` where the font lacks it.
    pub(super) fn glyph(&self, c: char) -> Option<(GlyphId, f32)> {
        let id = self.charmap.map(c).filter(|id| id.to_u32() != 0)?;
        let width = self.metrics.advance_width(id)?;
        Some((id, width / self.units_per_em))
    }

    /// Width of a text in ems.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars()
            .filter_map(|c| self.glyph(c))
            .map(|(_, w)| w)
            .sum()
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
