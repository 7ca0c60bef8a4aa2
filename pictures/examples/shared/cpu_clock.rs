//! How long this thread has had a core: what others do on a busy machine doesn't count. Where the system doesn't tell,
//! how much time has gone by.

use std::time::Instant;

pub struct CpuClock {
    start: Instant,
    cpu_ns: Option<u64>,
}

impl CpuClock {
    pub fn start() -> CpuClock {
        CpuClock {
            start: Instant::now(),
            cpu_ns: cpu_ns(),
        }
    }

    /// Since its start.
    pub fn ms(&self) -> f64 {
        match (self.cpu_ns, cpu_ns()) {
            (Some(before), Some(after)) => (after - before) as f64 / 1e6,
            _ => self.start.elapsed().as_secs_f64() * 1e3,
        }
    }
}

fn cpu_ns() -> Option<u64> {
    // Linux brings its count up to date where a thread gives way, else a few hundred times a second.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
