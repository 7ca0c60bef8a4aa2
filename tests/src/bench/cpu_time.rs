//! CPU time, which tells the same whatever else the machine does.

use std::path::Path;

/// CPU time of this thread so far, microseconds (proc_pid_schedstat(5): its first field, nanoseconds).
pub fn of_thread_us() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
    let nanoseconds = text.split_whitespace().next().and_then(|n| n.parse().ok());
    let nanoseconds: f64 = nanoseconds.expect("a number");
    nanoseconds / 1e3
}

/// CPU time of this process so far, with that of threads that have ended; microseconds, in steps of ten thousand.
pub fn of_this_process_us() -> f64 {
    of_stat(Path::new("/proc/self/stat")).expect("Linux tells it")
}

/// The same of another process; none if it has ended.
pub fn of_process_us(process: u32) -> Option<f64> {
    of_stat(Path::new(&format!("/proc/{process}/stat")))
}

/// User and system time (proc_pid_stat(5): fields 14 and 15, in hundredths of a second).
fn of_stat(path: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(path).ok()?;
    // The second field is a name in parentheses, which may hold spaces.
    let (_, rest) = text.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(2);
    Some(ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() * 1e4)
}
