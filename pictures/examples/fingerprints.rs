//! Fingerprints of the files that are named on standard input, one line each: bits of the whole, bits of the trimmed
//! part, both qualities, path; or `-` and why there is none. `scripts/bench-similar` reads them.

use std::io::BufRead;

use touchstone_pictures::{decode, fingerprint};

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() {
    for path in std::io::stdin().lock().lines().map_while(Result::ok) {
        match of_file(&path) {
            Ok(text) => println!("{text} {path}"),
            Err(reason) => println!("- {reason} {path}"),
        }
    }
}

fn of_file(path: &str) -> Result<String, Box<dyn std::error::Error>> {
    let picture = decode(&std::fs::read(path)?)?;
    let found = fingerprint(&picture.pixels()?);
    Ok(format!(
        "{} {} {} {}",
        hex::encode(found.whole.to_bytes()),
        hex::encode(found.trimmed.to_bytes()),
        found.whole_quality,
        found.trimmed_quality
    ))
}
