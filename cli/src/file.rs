//! Writing the files that a person asked for.

use std::path::Path;

use crate::failure::Failure;

/// Refuses a name that is taken, unless overwriting is wished. Asked before the work is done.
pub fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if force || !path.exists() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} exists; --force overwrites it",
        path.display()
    )))
}

/// Writes beside and renames, so that a half file never has the name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes).map_err(|e| Failure::io("writing", &part, &e))?;
    std::fs::rename(&part, path).map_err(|e| Failure::io("writing", path, &e))
}
