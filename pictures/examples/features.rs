//! Local features of the files that are named on standard input, one line each, in hexadecimal; `-` where there are
//! none. With `published`: those that are published of a picture. With `query`: those of a picture that is looked for:
//! as it is, mirrored, in the finer frame; then of each window, after its corners and `=`. `scripts/bench-similar`
//! hands them to `region_search`.

use std::io::BufRead;

use touchstone_pictures::{Features, MAX_FEATURES, RegionQuery, decode, features, windows};

#[expect(clippy::print_stdout, reason = "a program that speaks to its user")]
fn main() {
    let is_query = std::env::args().nth(1).is_some_and(|kind| kind == "query");
    for path in std::io::stdin().lock().lines().map_while(Result::ok) {
        match of_file(&path, is_query) {
            Ok(found) => println!("{}", found.join(" ")),
            Err(_) => println!("-"),
        }
    }
}

fn of_file(path: &str, is_query: bool) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let picture = decode(&std::fs::read(path)?)?;
    let pixels = picture.pixels()?;
    let hexadecimal = |features: &Features| hex::encode(features.to_bytes());
    if !is_query {
        return Ok(vec![hexadecimal(&features(&pixels, MAX_FEATURES))]);
    }
    let windows = windows(&pixels);
    let query = RegionQuery::with_windows(&pixels, &windows);
    let whole = [&query.plain, &query.mirrored, &query.fine].map(hexadecimal);
    let windows = windows.into_iter().zip(&query.windows);
    let windows = windows.map(|(part, features)| {
        let corners = [part.left, part.top, part.right, part.bottom].map(|n| n.to_string());
        format!("{}={}", corners.join(","), hexadecimal(features))
    });
    Ok(whole.into_iter().chain(windows).collect())
}
