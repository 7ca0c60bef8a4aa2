//! From a file's bytes to pixels, within bounds that are asked for before anything is decoded.
//!
//! Decoders of JPEG differ in their last bits, so this is no part of the fingerprint's specification.
//!
//! Consensus-critical: no

mod ending;

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
use thiserror::Error;

use self::ending::missing_end;
use crate::pixels::{BadPixels, Pixels, check_size};

/// Bytes of a file, at most.
pub const MAX_FILE_BYTES: usize = 64 << 20;
/// Bytes that a picture takes while it is decoded, at most: 4 for each of [`MAX_PIXELS`](crate::MAX_PIXELS).
const MAX_DECODED_BYTES: u64 = 1 << 28;

/// A decoded picture: upright as its EXIF data says, its transparent parts over white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

/// Why a file gives no picture.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// Too many bytes.
    #[error("the file has {0} bytes; a picture has at most 67108864")]
    FileSize(usize),
    /// Not one of the formats that are read.
    #[error("the file is no PNG, JPEG, WebP or GIF")]
    Format,
    /// It ends before its format's end.
    #[error(
        "the {format} file is cut off: it lacks its end ({end}), and with it a part of the picture; fetch it again or \
         save it anew"
    )]
    CutOff {
        /// What kind of picture it is.
        format: &'static str,
        /// What is at the end of a whole one.
        end: &'static str,
    },
    /// Too wide, too high or too many pixels.
    #[error(transparent)]
    Size(#[from] BadPixels),
    /// Takes too much memory for its size.
    #[error("decoding the picture would take {0} bytes; 268435456 are allowed")]
    Memory(u64),
    /// Damaged.
    #[error("the picture can't be decoded: {0}")]
    Damaged(#[from] ImageError),
}

impl Picture {
    /// Its pixels.
    pub fn pixels(&self) -> Result<Pixels<'_>, BadPixels> {
        Pixels::new(self.width, self.height, &self.rgb)
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }
}

/// The format of a file, if it is one that is read.
fn format_of(file: &[u8]) -> Option<ImageFormat> {
    let is_read = [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    let format = image::guess_format(file).ok()?;
    is_read.contains(&format).then_some(format)
}

/// Refuses a file that begins as a picture and was cut off. Any other file is let be.
pub fn check_end(file: &[u8]) -> Result<(), DecodeError> {
    match format_of(file).and_then(|format| missing_end(file, format)) {
        Some((format, end)) => Err(DecodeError::CutOff { format, end }),
        None => Ok(()),
    }
}

/// Decodes a PNG, JPEG or WebP, or the first frame of a GIF. A file that was cut off is refused, also where a decoder
/// would make something of it.
pub fn decode(file: &[u8]) -> Result<Picture, DecodeError> {
    if file.len() > MAX_FILE_BYTES {
        return Err(DecodeError::FileSize(file.len()));
    }
    let format = format_of(file).ok_or(DecodeError::Format)?;
    check_end(file)?;
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let bytes = decoder.total_bytes();
    if bytes > MAX_DECODED_BYTES {
        return Err(DecodeError::Memory(bytes));
    }
    // Damaged EXIF data says nothing of how the picture stands.
    let orientation = decoder
        .orientation()
        .unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    let (width, height) = (image.width(), image.height());
    let rgb = match image.color().has_alpha() {
        true => over_white(&image.into_rgba8()),
        false => image.into_rgb8().into_raw(),
    };
    Ok(Picture { width, height, rgb })
}

/// Each channel over white: `(c * a + 255 * (255 - a) + 127) / 255`, rounded down.
fn over_white(rgba: &[u8]) -> Vec<u8> {
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.chunks_exact(4) {
        if let [channels @ .., alpha] = pixel {
            let alpha = u32::from(*alpha);
            for channel in channels {
                let value = (u32::from(*channel) * alpha + 255 * (255 - alpha) + 127) / 255;
                rgb.push(u8::try_from(value).unwrap_or(u8::MAX));
            }
        }
    }
    rgb
}

#[cfg(test)]
mod tests;
