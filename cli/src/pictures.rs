//! Pictures at hand: read within bounds, fingerprinted, and shown beside what looks alike.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use touchstone_core::hash::{Hash, sha256};
use touchstone_pictures::{
    BITS, Features, Fingerprint, MAX_FILE_BYTES, Picture, Pixels, Rectangle, Region, common_region,
    decode, features, fine_features, fingerprint, mirrored_features, trimmed,
};
use touchstone_proto::ledger::{Fingerprints, PictureFingerprint};

use crate::failure::Failure;
use crate::output::plain;

/// A picture that was read from a file.
pub struct Readable {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// What its border surrounds.
    pub trimmed: Rectangle,
    /// Its size in pixels.
    pub size: (u32, u32),
    picture: Picture,
    file: Vec<u8>,
}

/// A region that two pictures have in common.
pub struct Common {
    /// Places that agree.
    pub agreeing: u32,
    /// Whether the first picture had to be mirrored.
    pub is_mirrored: bool,
    /// Where it is in the first picture, in pixels.
    pub ours: Rectangle,
    /// Where it is in the second one.
    pub theirs: Rectangle,
}

/// Local features that are looked for in a picture.
const FEATURES: usize = 500;

/// Reads a picture and computes its fingerprint.
pub fn read(path: &Path) -> Result<Readable, Failure> {
    let size = std::fs::metadata(path).map_err(|e| Failure::io("reading", path, &e))?;
    if size.len() > MAX_FILE_BYTES as u64 {
        return Err(unreadable(
            path,
            &format!("{} bytes are too many", size.len()),
        ));
    }
    let file = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    let picture: Picture = decode(&file).map_err(|e| unreadable(path, &e.to_string()))?;
    let pixels = picture
        .pixels()
        .map_err(|e| unreadable(path, &e.to_string()))?;
    Ok(Readable {
        path: path.to_owned(),
        sha256: sha256(&file),
        fingerprint: fingerprint(&pixels),
        trimmed: trimmed(&pixels),
        size: (picture.width(), picture.height()),
        picture,
        file,
    })
}

fn unreadable(path: &Path, why: &str) -> Failure {
    Failure::Usage(format!(
        "{}: {}",
        plain(&path.display().to_string()),
        plain(why)
    ))
}

/// What the ledger takes of pictures: ascending by the files' hashes, each once.
pub fn message(pictures: &[Readable]) -> Fingerprints {
    let mut messages: Vec<PictureFingerprint> = pictures
        .iter()
        .map(|picture| PictureFingerprint {
            file_hash: picture.sha256.to_vec(),
            whole: picture.fingerprint.whole.to_bytes().to_vec(),
            trimmed: picture.fingerprint.trimmed.to_bytes().to_vec(),
            whole_quality: u32::from(picture.fingerprint.whole_quality),
            trimmed_quality: u32::from(picture.fingerprint.trimmed_quality),
        })
        .collect();
    messages.sort_by(|a, b| a.file_hash.cmp(&b.file_hash));
    messages.dedup_by(|a, b| a.file_hash == b.file_hash);
    Fingerprints {
        specification: touchstone_pictures::SPECIFICATION.to_vec(),
        pictures: messages,
    }
}

/// The region that most local features of two pictures agree on: it is found in crops, under captions and logos, and
/// in screenshots.
pub fn common(ours: &Readable, theirs: &Readable) -> Result<Option<Common>, Failure> {
    type Find = fn(&Pixels<'_>, usize) -> Features;
    let of = |readable: &Readable, find: Find, most: usize| {
        let pixels = readable.picture.pixels();
        let pixels = pixels.map_err(|e| unreadable(&readable.path, &e.to_string()))?;
        Ok::<_, Failure>(find(&pixels, most))
    };
    let plain = of(ours, features, FEATURES)?;
    let mirrored = of(ours, mirrored_features, FEATURES)?;
    let other = of(theirs, features, FEATURES)?;
    if let Some(region) = common_region(&plain, &mirrored, &other) {
        return Ok(Some(in_both(&region, (&plain, ours), (&other, theirs))));
    }
    // One of them may be small in the other, as in a screenshot of a listing.
    let fine = of(ours, fine_features, 2 * FEATURES)?;
    if let Some(region) = common_region(&fine, &Features::default(), &other) {
        return Ok(Some(in_both(&region, (&fine, ours), (&other, theirs))));
    }
    let fine = of(theirs, fine_features, 2 * FEATURES)?;
    let region = common_region(&plain, &mirrored, &fine);
    Ok(region.map(|region| in_both(&region, (&plain, ours), (&fine, theirs))))
}

/// A region of two frames in the pictures' own pixels.
fn in_both(
    region: &Region,
    (frame, ours): (&Features, &Readable),
    (other, theirs): (&Features, &Readable),
) -> Common {
    let mut own = in_pixels(region.ours, frame, ours.size);
    if region.is_mirrored {
        let width = ours.size.0;
        (own.left, own.right) = (width - own.right, width - own.left);
    }
    Common {
        agreeing: region.agreeing,
        is_mirrored: region.is_mirrored,
        ours: own,
        theirs: in_pixels(region.theirs, other, theirs.size),
    }
}

/// A region of a frame in the picture's own pixels.
fn in_pixels(region: Rectangle, frame: &Features, (width, height): (u32, u32)) -> Rectangle {
    let scaled = |value: u32, from: u32, to: u32| {
        let value = u64::from(value) * u64::from(to) / u64::from(from.max(1));
        u32::try_from(value).unwrap_or(to).min(to)
    };
    Rectangle {
        left: scaled(region.left, frame.width, width),
        top: scaled(region.top, frame.height, height),
        right: scaled(region.right, frame.width, width),
        bottom: scaled(region.bottom, frame.height, height),
    }
}

/// One page with both pictures, the compared parts framed; it holds the files and needs no network.
pub fn side_by_side(
    words: &[String],
    is_trimmed: bool,
    common: Option<&Common>,
    [ours, theirs]: [&Readable; 2],
) -> String {
    let figures = [
        figure(ours, is_trimmed, common.map(|c| c.ours)),
        figure(theirs, is_trimmed, common.map(|c| c.theirs)),
    ]
    .concat();
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{words}</title>\n<style>\n\
         body {{ font: 16px sans-serif; margin: 2em; }}\n\
         main {{ display: flex; gap: 2em; flex-wrap: wrap; }}\n\
         figure {{ margin: 0; flex: 1 1 20em; }}\n\
         svg {{ width: 100%; max-height: 70vh; background: #eee; }}\n\
         figcaption {{ overflow-wrap: anywhere; }}\n</style>\n\
         <h1>{words}</h1>\n<p>Of {BITS} bits. The red frames show what was compared as a whole, the blue ones \
         regions that agree. A small distance or a common region says where to look; it doesn't say that one is a copy \
         of the other.</p>\n<main>{figures}</main></html>\n",
        words = escaped(&words.join(" · ")),
    )
}

fn figure(picture: &Readable, is_trimmed: bool, region: Option<Rectangle>) -> String {
    let (width, height) = picture.size;
    let whole = Rectangle {
        left: 0,
        top: 0,
        right: width,
        bottom: height,
    };
    let part = if is_trimmed { picture.trimmed } else { whole };
    let kind = match picture.file.get(..4) {
        Some([0x89, b'P', b'N', b'G']) => "png",
        Some([b'G', b'I', b'F', _]) => "gif",
        Some([b'R', b'I', b'F', b'F']) => "webp",
        _ => "jpeg",
    };
    let frame = |part: Rectangle, colour: &str| {
        format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"3\" vector-effect=\"non-scaling-stroke\"/>",
            part.left,
            part.top,
            part.width(),
            part.height()
        )
    };
    let frames =
        frame(part, "#d00") + &region.map_or(String::new(), |region| frame(region, "#04c"));
    format!(
        "<figure><svg viewBox=\"0 0 {width} {height}\" role=\"img\"><image width=\"{width}\" height=\"{height}\" \
         href=\"data:image/{kind};base64,{data}\"/>{frames}</svg>\
         <figcaption>{name}<br>SHA-256 {hash}</figcaption></figure>\n",
        data = STANDARD.encode(&picture.file),
        name = escaped(&plain(&picture.path.display().to_string())),
        hash = hex::encode(picture.sha256),
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
