//! Whether a file is there to its end. Decoders are lenient: of a JPEG that was cut off they make a picture whose lower
//! part is grey, and nobody would learn that a half-downloaded picture was compared. Each format says where it ends.
//!
//! What follows the end is let be: cameras put further pictures there. Bytes that were lost in between aren't looked
//! for; a PNG tells them by its checksums, others may not.
//!
//! Consensus-critical: no

use image::ImageFormat;

/// The name of a file's format, and what a whole one has at its end, where this one lacks it.
pub(super) fn missing_end(
    file: &[u8],
    format: ImageFormat,
) -> Option<(&'static str, &'static str)> {
    let (name, end, found) = match format {
        ImageFormat::Jpeg => ("JPEG", "FF D9", end_of_jpeg(file)),
        ImageFormat::Png => ("PNG", "IEND", end_of_png(file)),
        ImageFormat::Gif => ("GIF", "3B", end_of_gif(file)),
        ImageFormat::WebP => ("WebP", "RIFF", end_of_webp(file)),
        _ => return None,
    };
    found.is_none().then_some((name, end))
}

/// A JPEG is markers, each after 0xFF, most of them with a length; the picture's data are what stands between (ITU-T
/// T.81, B.1). In these a 0 follows each 0xFF that is no marker.
fn end_of_jpeg(file: &[u8]) -> Option<()> {
    let mut rest = file;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        rest = rest.get(at + 1..)?;
        match rest.first()? {
            // The end of image.
            0xd9 => return Some(()),
            // A second 0xFF before a marker: it is found in the next turn.
            0xff => {}
            // Data; and the markers that stand alone, as restarts do.
            0x00..=0xbf | 0xd0..=0xd8 => rest = rest.get(1..)?,
            _ => {
                let length = rest.get(1..3)?.try_into().ok()?;
                rest = rest.get(1 + usize::from(u16::from_be_bytes(length))..)?;
            }
        }
    }
}

/// A PNG is chunks: length, name, data, checksum (W3C PNG, 5.3).
fn end_of_png(file: &[u8]) -> Option<()> {
    let mut rest = file.get(8..)?;
    loop {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let name = rest.get(4..8)?;
        let behind = rest.get(length.checked_add(12)?..)?;
        if name == b"IEND" {
            return Some(());
        }
        rest = behind;
    }
}

/// A GIF is blocks, which are made of smaller ones with a length of one byte (GIF89a, 15 and following).
fn end_of_gif(file: &[u8]) -> Option<()> {
    let mut rest = file.get(13 + colours(*file.get(10)?)..)?;
    loop {
        let (kind, behind) = rest.split_first()?;
        rest = match kind {
            // The trailer.
            0x3b => return Some(()),
            // An extension: a label, then smaller blocks.
            0x21 => after_blocks(behind.get(1..)?)?,
            // A picture: place and size, its colours, the size of its codes, then smaller blocks.
            0x2c => after_blocks(behind.get(10 + colours(*behind.get(8)?)..)?)?,
            // Some programs fill up.
            0 => behind,
            _ => return None,
        };
    }
}

/// Bytes of the table of colours that these flags announce.
fn colours(flags: u8) -> usize {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

/// What follows smaller blocks, the last of which is empty.
fn after_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, behind) = rest.split_first()?;
        rest = behind.get(usize::from(*length)..)?;
        if *length == 0 {
            return Some(rest);
        }
    }
}

/// A WebP says at its beginning how long it is (RFC 9649, 2.4).
fn end_of_webp(file: &[u8]) -> Option<()> {
    let length = usize::try_from(u32::from_le_bytes(file.get(4..8)?.try_into().ok()?)).ok()?;
    file.get(..length.checked_add(8)?).map(|_| ())
}
