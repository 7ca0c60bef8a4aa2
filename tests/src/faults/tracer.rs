//! `strace` at a process or a thread: it lets system calls fail, or kills before them.

use std::process::{Child, Command, Stdio};

/// One that is attached; it lets go when it is dropped.
pub(super) struct Tracer(Child);

impl Tracer {
    /// Attaches to a process or thread with options of strace.
    pub fn attach(id: &str, options: &[&str]) -> std::io::Result<Tracer> {
        let child = Command::new("strace")
            .args(options)
            .args(["-qq", "-o", "/dev/null", "-p", id])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Tracer(child))
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It ends with the process that it traces.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
