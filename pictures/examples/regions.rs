//! How many places agree in pairs of pictures. Standard input: paths, an empty line, then pairs of their numbers
//! from 0; printed is a number for each pair. `scripts/bench-similar` reads them.

use std::io::BufRead;

use touchstone_pictures::{
    Features, common_region, decode, features, fine_features, mirrored_features,
};

/// Features of a picture, as many as the command line takes.
const MOST: usize = 500;

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let mut pictures: Vec<Option<[Features; 3]>> = Vec::new();
    for path in lines.by_ref().take_while(|line| !line.is_empty()) {
        pictures.push(of_file(&path).ok());
    }
    for line in lines {
        let numbers: Vec<usize> = line.split(' ').filter_map(|n| n.parse().ok()).collect();
        let [one, other] = numbers[..] else {
            continue;
        };
        let count = match (&pictures[one], &pictures[other]) {
            (Some([ours, mirrored, fine]), Some([theirs, ..])) => {
                let none = Features::default();
                common_region(ours, mirrored, theirs)
                    .or_else(|| common_region(fine, &none, theirs))
                    .map_or(0, |region| region.agreeing)
            }
            _ => 0,
        };
        println!("{count}");
    }
}

fn of_file(path: &str) -> Result<[Features; 3], Box<dyn std::error::Error>> {
    let picture = decode(&std::fs::read(path)?)?;
    let pixels = picture.pixels()?;
    Ok([
        features(&pixels, MOST),
        mirrored_features(&pixels, MOST),
        fine_features(&pixels, 2 * MOST),
    ])
}
