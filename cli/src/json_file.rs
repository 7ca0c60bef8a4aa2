//! A JSON file that somebody hands in: read within a bound, and refused by its name and what is wrong with it.

use std::path::Path;

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::{file, json_error};

/// The bytes of a file of at most `most` bytes, and what they hold. `refused` makes the failure from what is wrong. The
/// bytes are wiped, as some of these files hold secrets.
pub fn read<T: DeserializeOwned>(
    path: &Path,
    most: u64,
    refused: impl Fn(String) -> Failure,
) -> Result<(Zeroizing<Vec<u8>>, T), Failure> {
    let too_many = |bytes| refused(format!("{bytes} bytes are too many"));
    let bytes = Zeroizing::new(file::read_within(path, most, too_many)?);
    let held = serde_json::from_slice(&bytes).map_err(|e| refused(json_error::reason(&e)))?;
    Ok((bytes, held))
}

/// A file that isn't what it should be. The sentence comes first: tests look for its Chinese behind `bad(`.
pub fn bad(why: impl std::fmt::Display, path: &Path) -> Failure {
    Failure::Usage(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::messages::{Language, Speech};

    /// What somebody hands in is read within a bound; what is wrong with it is told in both languages, with its name.
    #[test]
    fn a_file_is_read_within_its_bound_or_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card");
        let name = path.display();
        let card = |why| bad(format!("no juror's card: {why}"), &path);
        for (text, english, chinese) in [
            ("[1, 2]", "", ""),
            ("[1, 2]   ", "9 bytes are too many", "9 字节过多"),
            (
                "[1,\n 2",
                "it ends too early: it is empty, or was cut off",
                "过早结束：为空，或被截断",
            ),
            ("[1,\n2 x", "line 2: it is no JSON", "第 2 行：不是 JSON"),
        ] {
            std::fs::write(&path, text).unwrap();
            let said = match read::<Value>(&path, 8, card) {
                Ok((bytes, _)) => {
                    assert_eq!((&bytes[..], english), (text.as_bytes(), ""));
                    continue;
                }
                Err(refused) => refused.to_string(),
            };
            assert_eq!(said, format!("{name}: no juror's card: {english}"));
            let expected = format!("{name}：不是陪审员凭条：{chinese}");
            assert_eq!(Language::Chinese.sentence(&said), expected);
        }
        std::fs::remove_file(&path).unwrap();
        let gone = read::<Value>(&path, 8, card).unwrap_err();
        assert!(matches!(gone, Failure::File(_)), "{gone}");
    }
}
