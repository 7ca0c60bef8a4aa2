//! `touchstone similar`: which published designs look like a picture, before it is deposited.

mod found_regions;

use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::look_alikes::{self, ProvenLookAlike};
use touchstone_client::regions;
use touchstone_pictures::{BITS, Hit, Index, MAX_DISTANCE, Rectangle};

use crate::failure::Failure;
use crate::look_alikes::look_here;
use crate::messages::Language;
use crate::output::{Output, plain, utc};
use crate::pictures::{self, Common, Readable};
use crate::settings::Settings;
use crate::{file, say};

/// Ask which disclosed designs look like a picture, or compare two pictures here
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone similar chair.png                          asks the node
  touchstone similar chair.png --with listing.jpg       asks nobody
  touchstone similar chair.png --with listing.jpg --html both.html

Distances count differing bits of 256; pictures further apart than 47 aren't named. \"Look here\"
says no more than that: whether one is a copy of the other, people judge.

Ask a node that you trust: it learns fingerprint and features, and with them roughly the picture.
First it is asked for pictures that look alike as wholes (docs/fingerprint.md): copies that are
scaled, stretched, recoloured, framed, turned or mirrored. Then for pictures that share a region
(docs/regions.md): crops, captions, logos, screenshots. Each picture that the node names is checked
here against what the ledger holds; that there are no others is the node's word. At disclosure the
ledger itself compares wholes, for everybody. Regions are each node's own search; it may miss some.

Exit codes: 0 answered, whether something looks alike or not; 3 not verified.")]
pub struct Arguments {
    /// A PNG, JPEG, WebP or GIF
    pub file: PathBuf,
    /// Another picture to compare it with; no node is asked
    #[arg(long, value_name = "FILE")]
    pub with: Option<PathBuf>,
    /// Write a page with both pictures, the compared parts framed
    #[arg(long, value_name = "FILE", requires = "with")]
    pub html: Option<PathBuf>,
    /// Overwrite an existing page
    #[arg(long)]
    pub force: bool,
}

/// Compares and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let picture = pictures::read(&arguments.file)?;
    if !picture.fingerprint.is_comparable() && arguments.with.is_none() {
        let reason = say!(
            output.language,
            "there is too little to see in it; it is never matched"
        );
        let path = plain(&arguments.file.display().to_string());
        return Err(Failure::Usage(format!("{path}: {reason}")));
    }
    match &arguments.with {
        Some(other) => here(arguments, &picture, &pictures::read(other)?, output),
        None => ask(&picture, settings, output).await,
    }
}

/// Two pictures at hand.
fn here(
    arguments: &Arguments,
    ours: &Readable,
    theirs: &Readable,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut index = Index::default();
    index.push(&theirs.fingerprint);
    let hit = index.search(&ours.fingerprint, 1).hits.into_iter().next();
    let common = pictures::common(ours, theirs)?;
    let words = words(output.language, hit.as_ref(), common.as_ref());
    if let Some(path) = &arguments.html {
        file::refuse_existing(path, arguments.force)?;
        let is_trimmed = hit.is_some_and(|hit| hit.is_trimmed);
        let told = told(output.language, hit.as_ref(), common.as_ref());
        let page = pictures::side_by_side(&told, is_trimmed, common.as_ref(), [ours, theirs]);
        file::write(path, page.as_bytes())?;
    }
    match output.json {
        true => output.value(&json!({
            "looks_alike": hit.is_some(),
            "nearest": hit.as_ref().map(hit_json),
            "common_region": common.as_ref().map(common_json),
        })),
        false => words.into_iter().for_each(|line| output.line(line)),
    }
    Ok(())
}

/// What two pictures have in common, a sentence each.
fn words(language: Language, hit: Option<&Hit>, common: Option<&Common>) -> Vec<String> {
    let whole = match hit {
        Some(hit) => look_here(language, hit),
        None => say!(
            language,
            "As wholes they don't look alike: the distance is above {limit} of {bits}",
            limit = MAX_DISTANCE,
            bits = BITS
        ),
    };
    let region = common.map(|common| region(language, common));
    std::iter::once(whole).chain(region).collect()
}

/// The same in each language, the reader's first.
pub(super) fn told(
    reader: Language,
    hit: Option<&Hit>,
    common: Option<&Common>,
) -> [(Language, Vec<String>); 2] {
    let languages = match reader {
        Language::English => [Language::English, Language::Chinese],
        Language::Chinese => [Language::Chinese, Language::English],
    };
    languages.map(|language| (language, words(language, hit, common)))
}

/// Where both pictures show the same.
fn region(language: Language, common: &Common) -> String {
    let corners = |r: &Rectangle| format!("({}, {})–({}, {})", r.left, r.top, r.right, r.bottom);
    let (ours, theirs) = (corners(&common.ours), corners(&common.theirs));
    match common.is_mirrored {
        false => say!(
            language,
            "Look here: {ours} is {theirs} of the other; {count} places agree",
            ours = ours,
            theirs = theirs,
            count = common.agreeing
        ),
        true => say!(
            language,
            "Look here: {ours}, mirrored, is {theirs} of the other; {count} places agree",
            ours = ours,
            theirs = theirs,
            count = common.agreeing
        ),
    }
}

fn common_json(common: &Common) -> Value {
    let corners = |r: &Rectangle| json!([r.left, r.top, r.right, r.bottom]);
    json!({
        "agreeing": common.agreeing,
        "mirrored": common.is_mirrored,
        "ours": corners(&common.ours),
        "theirs": corners(&common.theirs),
    })
}

/// All published pictures, by a node.
async fn ask(picture: &Readable, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let similar = look_alikes::similar(&mut client, &picture.fingerprint).await?;
    let query = picture.region_query()?;
    let regions = Box::pin(regions::find(&mut client, &query.features)).await?;
    let published = &similar.published;
    if output.json {
        output.value(&json!({
            "sha256": hex::encode(picture.sha256),
            "pictures_published": published.pictures,
            "designs_published": published.designs,
            "found": similar.found,
            "candidates": similar.candidates.iter().map(candidate_json).collect::<Vec<_>>(),
            "regions": found_regions::json(&regions, &query),
        }));
        return Ok(());
    }
    let language = output.language;
    output.line(say!(
        language,
        "Published pictures compared: {pictures}, of designs: {designs}; both numbers are proven, the search is the \
         node's word",
        pictures = published.pictures,
        designs = published.designs
    ));
    if similar.candidates.is_empty() {
        output.line(say!(
            language,
            "None looks alike. Designs that aren't disclosed can't be compared"
        ));
    }
    for candidate in &similar.candidates {
        let name = client.name(&candidate.design.organisation).await?;
        output.line(look_here(language, &candidate.hit));
        output.line(format!("  {}", hex::encode(candidate.design_id)));
        output.line(say!(
            language,
            "  deposited {time} by {owner}; SHA-256 of the picture {file}",
            time = utc(candidate.design.time_ms),
            owner = plain(&name),
            file = hex::encode(candidate.file)
        ));
    }
    let unnamed = similar
        .found
        .saturating_sub(similar.candidates.len() as u64);
    if unnamed > 0 {
        output.line(say!(
            language,
            "Further look-alikes: {count}",
            count = unnamed
        ));
    }
    found_regions::print(&mut client, &regions, &query, output).await
}

fn hit_json(hit: &Hit) -> Value {
    json!({
        "distance": hit.distance,
        "variant": hit.variant.number(),
        "turned": hit.variant.name(),
        "part": if hit.is_trimmed { "trimmed" } else { "whole" },
    })
}

fn candidate_json(candidate: &ProvenLookAlike) -> Value {
    let mut value = hit_json(&candidate.hit);
    let of = [
        ("design_id", json!(hex::encode(candidate.design_id))),
        ("file_sha256", json!(hex::encode(candidate.file))),
        ("organisation", json!(candidate.design.organisation)),
        ("deposited_ms", json!(candidate.design.time_ms)),
    ];
    for (name, member) in of {
        crate::output::add_member(&mut value, name, member);
    }
    value
}
