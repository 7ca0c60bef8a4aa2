//! What a bench is told on its command line: some numbers, or `--help`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program speaks to its user"
)]

use std::process::ExitCode;

/// The numbers of the command line, at most so many. Where it has something else, the usage is told; then the code with
/// which the program ends.
pub fn read(usage: &str, most: usize) -> Result<Vec<u64>, ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(numbers) = all(&words).filter(|numbers| numbers.len() <= most) {
        return Ok(numbers);
    }
    if words.iter().any(|word| word == "--help" || word == "-h") {
        println!("usage: {usage}");
        return Err(ExitCode::SUCCESS);
    }
    eprintln!("usage: {usage}");
    Err(ExitCode::from(2))
}

fn all(words: &[String]) -> Option<Vec<u64>> {
    let numbers = words
        .iter()
        .map(|word| word.parse().ok().filter(|n| *n > 0));
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_nothing_else() {
        let words =
            |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(all(&words("")), Some(Vec::new()));
        assert_eq!(all(&words("10 2000")), Some(vec![10, 2000]));
        for bad in ["--help", "10 --help", "1e6", "-1", "0", "ten"] {
            assert_eq!(all(&words(bad)), None, "{bad}");
        }
    }
}
