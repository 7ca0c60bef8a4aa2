use image::{
    ColorType, ImageEncoder, codecs::gif::GifEncoder, codecs::jpeg::JpegEncoder,
    codecs::png::PngEncoder, codecs::webp::WebPEncoder,
};

use super::*;

fn png(width: u32, height: u32, rgba: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let color = ColorType::Rgba8.into();
    PngEncoder::new(&mut file)
        .write_image(rgba, width, height, color)
        .expect("a PNG");
    file
}

#[test]
fn transparent_parts_lie_over_white() {
    let file = png(3, 1, &[10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128]);
    let picture = decode(&file).expect("a picture");
    assert_eq!(picture.rgb, [10, 20, 30, 255, 255, 255, 127, 127, 127]);
}

#[test]
fn all_four_formats_are_read() {
    let rgba: Vec<u8> = (0..16 * 8)
        .flat_map(|i: u32| [(i * 2) as u8, 40, 90, 255])
        .collect();
    let rgb: Vec<u8> = rgba.chunks(4).flat_map(|p| p[..3].to_vec()).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new(&mut jpeg)
        .write_image(&rgb, 16, 8, ColorType::Rgb8.into())
        .expect("a JPEG");
    let mut gif = Vec::new();
    GifEncoder::new(&mut gif)
        .encode(&rgba, 16, 8, ColorType::Rgba8.into())
        .expect("a GIF");
    let mut webp = Vec::new();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(&rgba, 16, 8, ColorType::Rgba8.into())
        .expect("a WebP");
    for file in [png(16, 8, &rgba), jpeg, gif, webp] {
        let picture = decode(&file).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (16, 8));
        assert!(picture.pixels().is_ok());
    }
}

/// The header says 13,000 x 13,000; the body holds nothing.
#[test]
fn a_giant_is_refused_by_its_header() {
    let mut file = png(1, 1, &[0; 4]);
    file[16..20].copy_from_slice(&13_000u32.to_be_bytes());
    file[20..24].copy_from_slice(&13_000u32.to_be_bytes());
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(matches!(
        decode(&file),
        Err(DecodeError::Size(BadPixels::Size { width: 13_000, .. }))
    ));
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            if c & 1 == 1 {
                c >> 1 ^ 0xedb8_8320
            } else {
                c >> 1
            }
        })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn exif_turns_the_picture() {
    let rgb: Vec<u8> = (0..16 * 8)
        .flat_map(|i: u32| if i % 16 < 8 { [0; 3] } else { [255; 3] })
        .collect();
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 100)
        .write_image(&rgb, 16, 8, ColorType::Rgb8.into())
        .expect("a JPEG");
    // Orientation 6: to be turned right, so what is left comes to the top.
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut turned = file[..2].to_vec();
    turned.extend([0xff, 0xe1]);
    turned.extend((exif.len() as u16 + 2).to_be_bytes());
    turned.extend(exif);
    turned.extend(&file[2..]);
    let picture = decode(&turned).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (8, 16));
    assert!(picture.rgb[0] < 20 && picture.rgb[picture.rgb.len() - 1] > 235);
}

#[test]
fn what_is_no_picture_is_refused() {
    assert!(matches!(decode(b""), Err(DecodeError::Format)));
    assert!(matches!(
        decode(b"%PDF-1.7 and so on"),
        Err(DecodeError::Format)
    ));
    let file = png(4, 4, &[7; 64]);
    for length in 8..file.len() - 12 {
        assert!(decode(&file[..length]).is_err(), "{length}");
    }
    assert!(matches!(
        decode(&vec![0; MAX_FILE_BYTES + 1]),
        Err(DecodeError::FileSize(_))
    ));
}
