//! The verifiers that judge a forgery: the product's own examination, and any independent program
//! that reads files from a stream.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use touchstone_core::evidence::{Trusted, examine};
use touchstone_core::hash::Hash;

/// Files that are sent before their answers are read; few enough that no pipe fills up.
const TOGETHER: usize = 32;

/// The element that refuses a file; `None` if it is verified, with or without reservations.
pub fn examined(bytes: &[u8], chain_id: Hash) -> Option<&'static str> {
    let trusted = Trusted {
        chain_id: Some(chain_id),
        ..Trusted::default()
    };
    let report = examine(bytes, &trusted);
    report.failure().map(|(element, _)| element.name())
}

/// The Python that the scripts found (`TOUCHSTONE_PYTHON`), else Debian's own.
pub fn python() -> OsString {
    std::env::var_os("TOUCHSTONE_PYTHON").unwrap_or_else(|| "/usr/bin/python3".into())
}

/// The program of the independent verifier.
pub fn independent_verifier() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifiers/python/verify.py")
}

/// `verifiers/python/verify.py`, reading files from a stream.
pub struct Independent {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Independent {
    /// Starts it; it trusts this genesis file.
    pub fn start(genesis: &Path) -> Result<Independent> {
        let mut child = Command::new(python())
            .arg(independent_verifier())
            .arg("--batch")
            .arg("--genesis")
            .arg(genesis)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || Error::from(ErrorKind::BrokenPipe);
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Independent {
            child,
            input,
            output,
        })
    }

    /// For each file the element that refuses it; `None` if it is verified.
    pub fn judge(&mut self, files: &[impl AsRef<[u8]>]) -> Result<Vec<Option<String>>> {
        let mut verdicts = Vec::with_capacity(files.len());
        for some in files.chunks(TOGETHER) {
            for file in some.iter().map(AsRef::as_ref) {
                self.input.write_all(&(file.len() as u32).to_be_bytes())?;
                self.input.write_all(file)?;
            }
            self.input.flush()?;
            for _ in some {
                verdicts.push(self.answer()?);
            }
        }
        Ok(verdicts)
    }

    fn answer(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        // A line is short; a verifier that never ends one is broken.
        (&mut self.output).take(1000).read_line(&mut line)?;
        match line.trim_end() {
            "verified" | "verified with reservations" => Ok(None),
            other => match other.strip_prefix("not verified ") {
                Some(element) => Ok(Some(element.to_owned())),
                None => Err(Error::other(format!("not a verdict: {line:?}"))),
            },
        }
    }
}

impl Drop for Independent {
    fn drop(&mut self) {
        // It may be waiting for more; an error means that it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
