//! QR codes (ISO/IEC 18004) as rectangles.

use qrcode::{Color, EcLevel, QrCode};

use super::PdfError;

/// A code: its width in modules, and its dark runs (column, row, length).
pub struct Squares {
    /// Modules of a side, without the quiet zone.
    pub width: usize,
    /// Column, row and length of each dark run.
    pub runs: Vec<(usize, usize, usize)>,
}

/// The code of a text. Level M: 15 % of it may be damaged.
pub fn squares(text: &str) -> Result<Squares, PdfError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| PdfError::Code)?;
    let width = code.width();
    let mut runs = Vec::new();
    for (row, colors) in code.to_colors().chunks(width).enumerate() {
        let mut column = 0;
        for run in colors.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                runs.push((column, row, run.len()));
            }
            column += run.len();
        }
    }
    Ok(Squares { width, runs })
}
