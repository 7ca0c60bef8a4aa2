//! The repository's own text files, as the rules read them.

use std::path::{Path, PathBuf};

/// A text file: its path from the repository's root, with `/`, and what it says.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// Whether the path is the room itself (`room.rs`) or lies in it.
    pub fn is_in(&self, room: &str) -> bool {
        self.path
            .strip_prefix(room)
            .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
    }

    /// Whether all of the file is test code, by where it lies.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || self.path.contains("/benches/")
    }
}

/// The repository's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate lies in the repository's root")
}

/// Every text file whose name ends with one of the endings, sorted by path. Build output, installed
/// packages, public data sets and hidden folders other than `.ci` are no part of the house; fonts and
/// pictures are no text.
pub fn files(endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository is readable") {
            let path = entry.expect("a folder's entry is readable").path();
            let relative = relative(&path);
            let name = relative.rsplit('/').next().unwrap_or_default();
            if path.is_symlink() || (name.starts_with('.') && name != ".ci") {
                continue;
            }
            if path.is_dir() {
                let foreign = ["target", "__pycache__", "node_modules", "data"].contains(&name);
                if !foreign || (name == "data" && relative.contains("src/")) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending))
                && ![".otf", ".ttf", ".zlib", ".png"]
                    .iter()
                    .any(|binary| name.ends_with(binary))
            {
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{relative} is no readable text: {error}"));
                found.push(File {
                    path: relative,
                    text,
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file with ending {endings:?} found");
    found
}

/// All scripts: what lies in `scripts/` and `.ci/`.
pub fn scripts() -> Vec<File> {
    let mut scripts = files(&[""]);
    scripts.retain(|file| file.path.starts_with("scripts/") || file.path.starts_with(".ci/"));
    scripts
}

/// Fails with all violations, one on each line.
pub fn assert_none(violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn relative(path: &Path) -> String {
    let relative: PathBuf = path
        .strip_prefix(root())
        .expect("the walk starts at the root")
        .into();
    relative.to_string_lossy().replace('\\', "/")
}
