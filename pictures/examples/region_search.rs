//! Which pictures of an index share a region with others: the search that a node makes. Arguments: a file of what
//! `features published` printed, and one of what `features query` printed. For each query it prints how many
//! milliseconds of a core the search took, and the numbers of the pictures that it found, each with how many places
//! agree, both rectangles, and how the query was seen: a window by its corners. Without queries it prints the memory
//! that a node counts for the index.
//!
//! A third file has one number for each query: the picture that it is an edit of. Then `+` stands before the pictures
//! if the two have a region where they are held against each other without an index, `-` if not.

use std::fs::File;
use std::io::{BufRead, BufReader};

use touchstone_pictures::{
    FRAME, Features, QUERY_FEATURES, Rectangle, RegionIndex, RegionQuery, RegionView, common_region,
};

#[path = "shared/cpu_clock.rs"]
mod cpu_clock;

use self::cpu_clock::CpuClock;

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let (published, queries, edited) = match &names[..] {
        [published] => (published, None, String::new()),
        [published, queries] => (published, Some(queries), String::new()),
        [published, queries, edited] => {
            (published, Some(queries), std::fs::read_to_string(edited)?)
        }
        _ => return Err("usage: region_search PUBLISHED [QUERIES [EDITED]]".into()),
    };
    let mut edited = edited.lines();
    let mut pictures = Vec::new();
    let mut index = RegionIndex::default();
    for line in BufReader::new(File::open(published)?).lines() {
        let picture = read(&line?, 1).unwrap_or_default();
        index.push(&picture);
        pictures.push(picture);
    }
    let Some(queries) = queries else {
        println!(
            "{} pictures: {} MiB",
            index.count(),
            index.bytes().div_ceil(1 << 20)
        );
        return Ok(());
    };
    for line in BufReader::new(File::open(queries)?).lines() {
        let line = line?;
        let mut views = line.split(' ');
        let mut next = |times| read(views.next().unwrap_or_default(), times).unwrap_or_default();
        let mut query = RegionQuery {
            plain: next(1),
            mirrored: next(1),
            fine: next(2),
            windows: Vec::new(),
        };
        let mut places = Vec::new();
        for (place, features) in views.filter_map(|window| window.split_once('=')) {
            places.push(place);
            query.windows.push(read(features, 1).unwrap_or_default());
        }
        let clock = CpuClock::start();
        let hits = index.search(&query, || true);
        let took = format!("{:.1}", clock.ms());
        let told = hits.iter().map(|hit| {
            let (ours, theirs) = (corners(hit.region.ours), corners(hit.region.theirs));
            let seen = match hit.region.seen {
                RegionView::Window(number) => places.get(number).copied().unwrap_or_default(),
                RegionView::Plain => "Plain",
                RegionView::Mirrored => "Mirrored",
                RegionView::Fine => "Fine",
            };
            let agreeing = hit.region.agreeing;
            format!("{}:{agreeing}:{ours}:{theirs}:{seen}", hit.number)
        });
        let of = edited.next().map(str::parse::<usize>).transpose()?;
        let without_index = of.map(|at| {
            let original = pictures.get(at).ok_or("no such picture")?;
            let is_found = common_region(&query, original).is_some();
            Ok::<_, &str>(if is_found { "+" } else { "-" }.to_owned())
        });
        let told = without_index.transpose()?.into_iter().chain(told);
        let told = std::iter::once(took).chain(told);
        println!("{}", told.collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// Features of a frame, or of one so many times finer.
fn read(text: &str, times: usize) -> Option<Features> {
    let side = FRAME * u32::try_from(times).ok()?;
    Features::from_bytes(&hex::decode(text).ok()?, side, QUERY_FEATURES * times)
}

fn corners(r: Rectangle) -> String {
    format!("{},{},{},{}", r.left, r.top, r.right, r.bottom)
}
