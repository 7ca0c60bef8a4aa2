//! The verifiers that judge a forgery: the product's own examination, and the independent programs in Python and
//! JavaScript, which read files from a stream.

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

/// A file of `verifiers/`.
fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../verifiers")
        .join(name)
}

/// The independent verifier in Python.
pub fn independent_verifier() -> PathBuf {
    program("python/verify.py")
}

/// What an independent verifier says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verifier's language.
    pub verifier: &'static str,
    /// The element that refuses the file; `None` if it is verified.
    pub element: Option<String>,
}

/// The independent verifiers, each a process that reads files from a stream.
pub struct Independents(Vec<Independent>);

impl Independents {
    /// Starts them; they trust this genesis file. The one in JavaScript needs `npm ci --prefix verifiers/js` once.
    pub fn start(genesis: &Path) -> Result<Independents> {
        let node = std::env::var_os("TOUCHSTONE_NODE_JS").unwrap_or_else(|| "node".into());
        Ok(Independents(vec![
            Independent::start("python", python(), &independent_verifier(), genesis)?,
            Independent::start("javascript", node, &program("js/cli.js"), genesis)?,
        ]))
    }

    /// For each file what each verifier says of it.
    pub fn judge(&mut self, files: &[impl AsRef<[u8]>]) -> Result<Vec<Vec<Verdict>>> {
        let mut verdicts = vec![Vec::new(); files.len()];
        for (some, verdicts) in files.chunks(TOGETHER).zip(verdicts.chunks_mut(TOGETHER)) {
            // All have the files before the first answer is read: they judge beside each other.
            for verifier in &mut self.0 {
                verifier.send(some)?;
            }
            for verifier in &mut self.0 {
                for verdict in verdicts.iter_mut() {
                    verdict.push(verifier.verdict()?);
                }
            }
        }
        Ok(verdicts)
    }
}

/// One program, reading files from a stream.
struct Independent {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Independent {
    fn start(
        name: &'static str,
        interpreter: OsString,
        program: &Path,
        genesis: &Path,
    ) -> Result<Independent> {
        let mut child = Command::new(interpreter)
            .arg(program)
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
            name,
            child,
            input,
            output,
        })
    }

    fn send(&mut self, files: &[impl AsRef<[u8]>]) -> Result<()> {
        for file in files.iter().map(AsRef::as_ref) {
            self.input.write_all(&(file.len() as u32).to_be_bytes())?;
            self.input.write_all(file)?;
        }
        self.input.flush()
    }

    fn verdict(&mut self) -> Result<Verdict> {
        let element = self.answer()?;
        Ok(Verdict {
            verifier: self.name,
            element,
        })
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
