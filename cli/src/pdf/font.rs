//! The fonts: which characters they have, how wide they are, and how to show those that they lack.

use std::io::Read;
use std::sync::OnceLock;

use flate2::read::ZlibDecoder;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider};

use super::PdfError;

/// The fonts' files; their README says where they come from. A character is taken from the first
/// that has it.
const FILES: [&[u8]; 2] = [
    include_bytes!("../../fonts/NotoSansCJKsc-subset.otf"),
    include_bytes!("../../fonts/NotoSans-subset.ttf"),
];
/// The rest of the Chinese font, deflated: characters that few texts have.
const RARE: &[u8] = include_bytes!("../../fonts/NotoSansCJKsc-rare.otf.zlib");
/// Index of its face, behind those of [`FILES`].
const RARE_FACE: usize = FILES.len();

/// All fonts as one.
pub(super) struct Font {
    faces: [Face; FILES.len()],
    /// Made when a text first needs it.
    rare: OnceLock<Option<Face>>,
}

struct Face {
    charmap: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    units_per_em: f32,
}

/// How a character looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glyph {
    /// Index of its font, see [`file`].
    pub(super) face: usize,
    /// Number in its font.
    pub(super) id: u32,
    /// Width in ems.
    pub(super) width: f32,
}

/// How many fonts there are.
pub(super) const FACES: usize = FILES.len() + 1;

/// A font's file, by its index.
pub(super) fn file(face: usize) -> Option<&'static [u8]> {
    match face {
        RARE_FACE => rare(),
        other => FILES.get(other).copied(),
    }
}

/// The rest of the Chinese font, inflated once.
fn rare() -> Option<&'static [u8]> {
    static INFLATED: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    let inflated = INFLATED.get_or_init(|| {
        let mut file = Vec::new();
        ZlibDecoder::new(RARE).read_to_end(&mut file).ok()?;
        Some(file)
    });
    inflated.as_deref()
}

impl Face {
    fn load(file: &'static [u8]) -> Result<Face, PdfError> {
        let font = FontRef::new(file).map_err(|_| PdfError::Font)?;
        let location = LocationRef::default();
        let units = font.metrics(Size::unscaled(), location).units_per_em;
        if units == 0 {
            return Err(PdfError::Font);
        }
        Ok(Face {
            charmap: font.charmap(),
            metrics: font.glyph_metrics(Size::unscaled(), location),
            units_per_em: f32::from(units),
        })
    }

    fn glyph(&self, face: usize, c: char) -> Option<Glyph> {
        let id = self.charmap.map(c).filter(|id| id.to_u32() != 0)?;
        let width = self.metrics.advance_width(id)? / self.units_per_em;
        let id = id.to_u32();
        Some(Glyph { face, id, width })
    }
}

impl Font {
    pub(super) fn load() -> Result<Font, PdfError> {
        let [chinese, european] = FILES.map(Face::load);
        Ok(Font {
            faces: [chinese?, european?],
            rare: OnceLock::new(),
        })
    }

    /// The character's glyph; `None` where no font has it.
    pub(super) fn glyph(&self, c: char) -> Option<Glyph> {
        let mut faces = self.faces.iter().enumerate();
        faces
            .find_map(|(face, font)| font.glyph(face, c))
            .or_else(|| self.rare_glyph(c))
    }

    fn rare_glyph(&self, c: char) -> Option<Glyph> {
        // CJK Unified Ideographs with their extensions, compatibility forms and radicals.
        let is_han = matches!(c, '\u{2e80}'..='\u{2fdf}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}');
        if !is_han {
            return None;
        }
        let face = self
            .rare
            .get_or_init(|| rare().and_then(|file| Face::load(file).ok()));
        face.as_ref()?.glyph(RARE_FACE, c)
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
