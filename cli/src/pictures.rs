//! Pictures at hand: read within bounds, fingerprinted, and shown beside what looks alike.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use touchstone_core::hash::{Hash, sha256};
use touchstone_pictures::{
    BITS, Features, Fingerprint, MAX_FEATURES, MAX_FILE_BYTES, MIN_AGREEING, MIN_AGREEING_SMALL,
    Picture, Pixels, QUERY_FEATURES, Rectangle, Region, RegionQuery, RegionView, check_end,
    common_region, decode, features, features_within, fine_features, fingerprint, trimmed, windows,
};
use touchstone_proto::ledger::{Fingerprints, PictureFeatures, PictureFingerprint};

use crate::failure::Failure;
use crate::messages::Language;
use crate::output::plain;
use crate::say;

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

impl Readable {
    fn pixels(&self) -> Result<Pixels<'_>, Failure> {
        let pixels = self.picture.pixels();
        pixels.map_err(|e| unreadable(&self.path, &e.to_string()))
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.file
    }

    /// A name with the ending of its kind; of a JPEG's two endings the one that the file has.
    pub fn name(&self, stem: &str) -> String {
        let given = self.path.extension().and_then(|ending| ending.to_str());
        let is_short = given.is_some_and(|ending| ending.eq_ignore_ascii_case("jpg"));
        match self.kind() {
            "jpeg" if is_short => format!("{stem}.jpg"),
            kind => format!("{stem}.{kind}"),
        }
    }

    /// What kind of picture it is, as in `image/png`.
    fn kind(&self) -> &'static str {
        match self.file.get(..4) {
            Some([0x89, b'P', b'N', b'G']) => "png",
            Some([b'G', b'I', b'F', _]) => "gif",
            Some([b'R', b'I', b'F', b'F']) => "webp",
            _ => "jpeg",
        }
    }

    /// What is looked for when regions of it are.
    pub fn region_query(&self) -> Result<PictureQuery<'_>, Failure> {
        let pixels = self.pixels()?;
        let windows = windows(&pixels);
        Ok(PictureQuery {
            features: RegionQuery::with_windows(&pixels, &windows),
            windows,
            picture: self,
        })
    }

    /// All of it.
    fn whole(&self) -> Rectangle {
        Rectangle {
            left: 0,
            top: 0,
            right: self.size.0,
            bottom: self.size.1,
        }
    }
}

/// A picture that is looked for.
pub struct PictureQuery<'a> {
    /// What is asked for.
    pub features: RegionQuery,
    /// Where its windows are.
    windows: Vec<Rectangle>,
    picture: &'a Readable,
}

impl PictureQuery<'_> {
    /// The part of the picture that a view shows.
    fn part(&self, seen: RegionView) -> Rectangle {
        let part = match seen {
            RegionView::Window(number) => self.windows.get(number).copied(),
            RegionView::Plain | RegionView::Mirrored | RegionView::Fine => None,
        };
        part.unwrap_or(self.picture.whole())
    }

    /// Where a region is in the picture, in its own pixels.
    pub fn in_own(&self, region: &Region) -> Rectangle {
        let frame = self.features.view(region.seen);
        let frame = frame.map_or((1, 1), |frame| (frame.width, frame.height));
        let mut own = in_part(region.ours, frame, self.part(region.seen));
        if region.seen == RegionView::Mirrored {
            let width = self.picture.size.0;
            (own.left, own.right) = (width - own.right, width - own.left);
        }
        own
    }
}

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

/// Why a picture in a file isn't there to its end; `None` of a whole one, and of what is no picture that is read.
pub fn cut_off(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", path, &e);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > MAX_FILE_BYTES as u64 {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(check_end(&bytes).err().map(|reason| reason.to_string()))
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

/// What the ledger takes of pictures so that regions of them are found: ascending by the files' hashes, each once.
/// A picture with fewer features than make a region is left out.
pub fn features_message(pictures: &[Readable]) -> Result<Vec<PictureFeatures>, Failure> {
    let mut messages = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let found = features(&picture.pixels()?, MAX_FEATURES);
        if found.list.len() >= MIN_AGREEING as usize {
            messages.push(PictureFeatures {
                file_hash: picture.sha256.to_vec(),
                features: found.to_bytes(),
            });
        }
    }
    messages.sort_by(|a, b| a.file_hash.cmp(&b.file_hash));
    messages.dedup_by(|a, b| a.file_hash == b.file_hash);
    Ok(messages)
}

/// The region that most local features of two pictures agree on: it is found in crops, under captions and logos, and
/// in screenshots.
pub fn common(ours: &Readable, theirs: &Readable) -> Result<Option<Common>, Failure> {
    let query = ours.region_query()?;
    let pixels = theirs.pixels()?;
    let other = features(&pixels, QUERY_FEATURES);
    if let Some(region) = common_region(&query.features, &other) {
        return Ok(Some(in_both(&region, &query, (&other, theirs.whole()))));
    }
    // Ours may be small in theirs, as in a screenshot of a listing: in a window of it, or in its finer frame.
    let mut query = query;
    query.features.fine = Features::default();
    query.features.windows.clear();
    let in_windows = windows(&pixels).into_iter().map(|part| {
        let found = features_within(&pixels, part, QUERY_FEATURES);
        (part, found, MIN_AGREEING_SMALL)
    });
    let fine = fine_features(&pixels, 2 * QUERY_FEATURES);
    let in_frame = std::iter::once((theirs.whole(), fine, MIN_AGREEING));
    let found = in_windows.chain(in_frame).find_map(|(part, other, least)| {
        let region = common_region(&query.features, &other)?;
        (region.agreeing >= least).then(|| in_both(&region, &query, (&other, part)))
    });
    Ok(found)
}

/// A region of two frames in the pictures' own pixels; the second one's frame shows a part of its picture.
fn in_both(
    region: &Region,
    query: &PictureQuery<'_>,
    (other, part): (&Features, Rectangle),
) -> Common {
    Common {
        agreeing: region.agreeing,
        is_mirrored: region.seen == RegionView::Mirrored,
        ours: query.in_own(region),
        theirs: in_part(region.theirs, (other.width, other.height), part),
    }
}

/// A region of a frame that shows a part of a picture, in the picture's pixels.
fn in_part(region: Rectangle, frame: (u32, u32), part: Rectangle) -> Rectangle {
    let within = in_pixels(region, frame, (part.width(), part.height()));
    Rectangle {
        left: part.left + within.left,
        top: part.top + within.top,
        right: part.left + within.right,
        bottom: part.top + within.bottom,
    }
}

/// A region of a frame on another scale: a picture's own pixels, say.
pub fn in_pixels(region: Rectangle, frame: (u32, u32), (width, height): (u32, u32)) -> Rectangle {
    let scaled = |value: u32, from: u32, to: u32| {
        let value = u64::from(value) * u64::from(to) / u64::from(from.max(1));
        u32::try_from(value).unwrap_or(to).min(to)
    };
    Rectangle {
        left: scaled(region.left, frame.0, width),
        top: scaled(region.top, frame.1, height),
        right: scaled(region.right, frame.0, width),
        bottom: scaled(region.bottom, frame.1, height),
    }
}

/// One page with both pictures, the compared parts framed; it holds the files and needs no network. Whoever gets it may
/// read another language than who made it, so it tells what agrees in each of those given, in their order.
pub fn side_by_side(
    told: &[(Language, Vec<String>)],
    is_trimmed: bool,
    common: Option<&Common>,
    [ours, theirs]: [&Readable; 2],
) -> String {
    let first = told.first().map_or(Language::English, |(first, _)| *first);
    let figures = [
        figure(first, ours, is_trimmed, common.map(|c| c.ours)),
        figure(first, theirs, is_trimmed, common.map(|c| c.theirs)),
    ]
    .concat();
    let texts: String = told
        .iter()
        .map(|(language, words)| text_of_page(*language, words))
        .collect();
    let language = tag(first);
    format!(
        "<!doctype html>\n<html lang=\"{language}\"><meta charset=\"utf-8\"><title>{title}</title>\n<style>\n\
         body {{ font: 16px sans-serif; margin: 2em; }}\n\
         main {{ display: flex; gap: 2em; flex-wrap: wrap; }}\n\
         figure {{ margin: 0; flex: 1 1 20em; }}\n\
         svg {{ width: 100%; max-height: 70vh; background: #eee; }}\n\
         figcaption {{ overflow-wrap: anywhere; }}\n</style>\n\
         {texts}<main>{figures}</main></html>\n",
        title = escaped(&say!(first, "Two pictures side by side")),
    )
}

/// What agrees, and what that says, in one language.
fn text_of_page(language: Language, words: &[String]) -> String {
    let meaning = say!(
        language,
        "Of {bits} bits. The red frames show what was compared as a whole, the blue ones regions that agree. A small \
         distance or a common region says where to look; it doesn't say that one is a copy of the other.",
        bits = BITS
    );
    format!(
        "<section lang=\"{}\"><h1>{}</h1>\n<p>{}</p></section>\n",
        tag(language),
        escaped(&words.join(" · ")),
        escaped(&meaning)
    )
}

/// A language's tag (RFC 5646).
fn tag(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Chinese => "zh-Hans",
    }
}

fn figure(
    language: Language,
    picture: &Readable,
    is_trimmed: bool,
    region: Option<Rectangle>,
) -> String {
    let (width, height) = picture.size;
    let part = if is_trimmed {
        picture.trimmed
    } else {
        picture.whole()
    };
    let kind = picture.kind();
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
    // Where it lies on its owner's disk is nobody else's business.
    let name = picture.path.file_name().unwrap_or_default();
    let name = plain(&name.to_string_lossy());
    let label = say!(
        language,
        "The picture {name}; frames show what was compared",
        name = name
    );
    format!(
        "<figure><svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\
         <image width=\"{width}\" height=\"{height}\" \
         href=\"data:image/{kind};base64,{data}\"/>{frames}</svg>\
         <figcaption>{name}<br>SHA-256 {hash}</figcaption></figure>\n",
        data = STANDARD.encode(&picture.file),
        label = escaped(&label),
        name = escaped(&name),
        hash = hex::encode(picture.sha256),
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
