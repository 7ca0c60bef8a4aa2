use image::{
    ColorType, ImageEncoder, codecs::gif::GifEncoder, codecs::jpeg::JpegEncoder,
    codecs::png::PngEncoder, codecs::webp::WebPEncoder,
};
use proptest::prelude::*;

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

/// A picture of this size in each of the formats.
fn in_all_formats(width: u32, height: u32, rgba: &[u8]) -> [Vec<u8>; 4] {
    let rgb: Vec<u8> = rgba.chunks(4).flat_map(|p| p[..3].to_vec()).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new(&mut jpeg)
        .write_image(&rgb, width, height, ColorType::Rgb8.into())
        .expect("a JPEG");
    let mut gif = Vec::new();
    GifEncoder::new(&mut gif)
        .encode(rgba, width, height, ColorType::Rgba8.into())
        .expect("a GIF");
    let mut webp = Vec::new();
    WebPEncoder::new_lossless(&mut webp)
        .write_image(rgba, width, height, ColorType::Rgba8.into())
        .expect("a WebP");
    [png(width, height, rgba), jpeg, gif, webp]
}

#[test]
fn all_four_formats_are_read() {
    let rgba: Vec<u8> = (0..16 * 8)
        .flat_map(|i: u32| [(i * 2) as u8, 40, 90, 255])
        .collect();
    for file in in_all_formats(16, 8, &rgba) {
        let picture = decode(&file).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (16, 8));
        assert!(picture.pixels().is_ok());
    }
}

/// Files as other programs write them: in several passes, with restarts and a whole JPEG as a comment, with loss, with
/// several frames.
const OF_OTHERS: [(&str, &[u8]); 4] = [
    ("JPEG", include_bytes!("../../tests/data/progressive.jpeg")),
    ("JPEG", include_bytes!("../../tests/data/restarts.jpeg")),
    ("WebP", include_bytes!("../../tests/data/lossy.webp")),
    ("GIF", include_bytes!("../../tests/data/animated.gif")),
];

/// Whether the first bytes of a file, as they came and with zeros in place of the others, are refused or give the same
/// picture.
fn is_told_as_cut(file: &[u8], length: usize) -> bool {
    let whole = decode(file).expect("a picture");
    let is_told = |cut: &[u8]| decode(cut).map_or(true, |picture| picture == whole);
    let mut filled = file[..length].to_vec();
    filled.resize(file.len(), 0);
    // A WebP counts its bytes at the beginning and has no checksum.
    is_told(&file[..length]) && (file.starts_with(b"RIFF") || is_told(&filled))
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let png = png(3, 2, &[90; 24]);
    for (format, file) in OF_OTHERS.into_iter().chain([("PNG", &png[..])]) {
        assert!(decode(file).is_ok(), "{format}");
        for length in 0..file.len() {
            assert!(is_told_as_cut(file, length), "{format} {length}");
        }
        // Enough to tell what it is.
        for length in 12..file.len() {
            let refused = decode(&file[..length]);
            let is_cut =
                matches!(refused, Err(DecodeError::CutOff { format: told, .. }) if told == format);
            assert!(is_cut, "{format} {length}");
        }
        let behind = [file, b"and so on"].concat();
        assert_eq!(decode(&behind).unwrap(), decode(file).unwrap());
    }
}

/// Some programs write zeros between a GIF's blocks, and two 0xFF before a JPEG's marker.
#[test]
fn what_stands_between_blocks_is_let_be() {
    let [.., (_, gif)] = OF_OTHERS;
    let mut filled = gif.to_vec();
    let end = filled.pop().unwrap();
    filled.extend([0, 0, end]);
    assert_eq!(decode(&filled).unwrap(), decode(gif).unwrap());
    // And nothing else is.
    *filled.iter_mut().nth_back(1).unwrap() = 0x55;
    assert!(matches!(decode(&filled), Err(DecodeError::CutOff { .. })));
    let [(_, jpeg), ..] = OF_OTHERS;
    let mut filled = jpeg.to_vec();
    filled.insert(jpeg.len() - 2, 0xff);
    assert_eq!(decode(&filled).unwrap(), decode(jpeg).unwrap());
}

proptest! {
    /// A picture of which a part is missing is never taken for another one.
    #[test]
    fn every_cut_is_refused_or_the_same_picture(
        (width, height) in (1..20u32, 1..20u32),
        colours in proptest::collection::vec(any::<[u8; 4]>(), 400),
        cut in any::<proptest::sample::Index>(),
    ) {
        let rgba: Vec<u8> = colours.into_iter().take((width * height) as usize).flatten().collect();
        for file in in_all_formats(width, height, &rgba) {
            prop_assert!(is_told_as_cut(&file, cut.index(file.len())));
        }
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
