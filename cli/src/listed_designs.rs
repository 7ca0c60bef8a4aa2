//! The designs of a status list: a file with an id in each line, in an order that only grows.

use std::collections::BTreeSet;
use std::path::Path;

use touchstone_core::hash::Hash;

use crate::deposit_certificate::status_list::MAX_ENTRIES;
use crate::failure::Failure;
use crate::output::plain;
use crate::receipt;

/// The designs of a file, each once.
pub fn read(path: &Path) -> Result<Vec<Hash>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, &e))?;
    let name = plain(&path.display().to_string());
    let mut known = BTreeSet::new();
    let mut designs = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let id: Result<Hash, _> = receipt::bytes("id", line.trim());
        match id {
            Ok(id) if known.insert(id) => designs.push(id),
            _ => {
                return Err(Failure::Usage(format!(
                    "{name}, line {number}: each line has a design's id of 64 hex digits, and each design stands there \
                     once"
                )));
            }
        }
    }
    match (1..=MAX_ENTRIES).contains(&designs.len()) {
        true => Ok(designs),
        false => Err(Failure::Usage(format!(
            "{name}: a list has 1 to {MAX_ENTRIES} designs"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_design_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("designs.txt");
        let (one, two) = ("01".repeat(32), "02".repeat(32));
        for (text, count) in [
            (format!("{one}\n{two}\n"), Some(2)),
            (format!("{one}\n{two}"), Some(2)),
            (String::new(), None),
            (format!("{one}\n{one}\n"), None),
            (format!("{one}\n\n{two}\n"), None),
            ("chair\n".into(), None),
        ] {
            std::fs::write(&path, &text).unwrap();
            assert_eq!(read(&path).ok().map(|found| found.len()), count, "{text:?}");
        }
    }
}
