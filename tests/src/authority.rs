//! A time-stamp authority as a process on loopback: `scripts/lib/tsa.py`, which wraps `openssl ts`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running authority. Dropping it stops it.
pub struct Authority {
    url: String,
    folder: TempDir,
    process: Child,
}

impl Authority {
    /// Makes certificates and starts. Answers when this returns.
    pub fn start() -> Authority {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lib/tsa.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed (scripts/test sees to it)");
        let mut url = String::new();
        let output = process.stdout.take().expect("its output is a pipe");
        BufReader::new(output)
            .read_line(&mut url)
            .expect("its output is readable");
        let url = url.trim().to_owned();
        assert!(url.starts_with("http://"), "the authority didn't start");
        Authority {
            url,
            folder,
            process,
        }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// PEM of the root that its tokens lead to.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The sections of a node's configuration that have every block stamped here at once.
    pub fn eager_configuration(&self) -> String {
        format!(
            "[timestamps]\nevery_blocks = 1\nevery_ms = 1\npause_ms = 1\n\
             [[timestamps.authority]]\nurl = \"{}\"\nroots = \"{}\"\n",
            self.url,
            self.root().display()
        )
    }

    /// Stops it: nothing answers at its URL any more.
    pub fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.stop();
    }
}
