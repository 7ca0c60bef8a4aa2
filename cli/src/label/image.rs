//! A QR code alone, for those who lay out their own labels. The PNG has one bit a pixel and no colours, which takes
//! fewer lines than a library's call needs settings; flate2 has its compression and its checksum.

use std::io::{self, Write as _};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::pdf::PdfError;
use crate::pdf::qr::{self, Squares};

/// Modules of the quiet zone (ISO/IEC 18004 §6.3.8).
const QUIET: usize = 4;
/// Pixels of a module.
const SCALE: usize = 8;

/// As SVG: one unit a module, to be scaled by who prints it.
pub fn svg(link: &str) -> Result<String, PdfError> {
    let code = qr::squares(link)?;
    let side = code.width + 2 * QUIET;
    let path: String = code
        .runs
        .iter()
        .map(|(column, row, length)| {
            let (x, y) = (column + QUIET, row + QUIET);
            format!("M{x} {y}h{length}v1h-{length}z")
        })
        .collect();
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>\n"
    ))
}

/// As PNG (ISO/IEC 15948), eight pixels a module.
pub fn png(link: &str) -> Result<Vec<u8>, PdfError> {
    let code = qr::squares(link)?;
    // Writing into memory doesn't fail.
    encode(&code).map_err(|_| PdfError::Code)
}

fn encode(code: &Squares) -> io::Result<Vec<u8>> {
    let side = (code.width + 2 * QUIET) * SCALE;
    let row_bytes = side.div_ceil(8);
    let mut pixels = ZlibEncoder::new(Vec::new(), Compression::best());
    for row in 0..code.width + 2 * QUIET {
        // White is 1.
        let mut line = vec![0xff; row_bytes];
        let dark = code.runs.iter().filter(|(_, at, _)| at + QUIET == row);
        for (column, _, length) in dark {
            for pixel in (column + QUIET) * SCALE..(column + QUIET + length) * SCALE {
                if let Some(byte) = line.get_mut(pixel / 8) {
                    *byte &= !(0x80 >> (pixel % 8));
                }
            }
        }
        for _ in 0..SCALE {
            // No filter.
            pixels.write_all(&[0])?;
            pixels.write_all(&line)?;
        }
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut head = Vec::new();
    for _ in 0..2 {
        head.extend((side as u32).to_be_bytes());
    }
    // One bit a pixel, grey, no interlacing.
    head.extend([1, 0, 0, 0, 0]);
    chunk(&mut file, *b"IHDR", &head);
    chunk(&mut file, *b"IDAT", &pixels.finish()?);
    chunk(&mut file, *b"IEND", &[]);
    Ok(file)
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    file.extend((content.len() as u32).to_be_bytes());
    file.extend(name);
    file.extend(content);
    let mut sum = Crc::new();
    sum.update(&name);
    sum.update(content);
    file.extend(sum.sum().to_be_bytes());
}
