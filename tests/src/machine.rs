//! What processes take of this machine, and what the machine itself keeps waiting.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::bench::latency::Latencies;
use crate::cluster::Cluster;

/// Seconds of processor time that a process has taken so far; none once it has gone.
pub fn cpu_s(process: u32) -> f64 {
    // proc(5): after the name in parentheses, the 12th and 13th field count ticks of a hundredth of a second.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields = after.split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Sockets that a process has open.
pub fn sockets(process: u32) -> usize {
    let Ok(descriptors) = std::fs::read_dir(format!("/proc/{process}/fd")) else {
        return 0;
    };
    let targets = descriptors.filter_map(|one| std::fs::read_link(one.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Seconds of processor time that the nodes have taken so far.
pub fn nodes_cpu_s(cluster: &Cluster) -> f64 {
    processes(cluster).map(cpu_s).sum()
}

/// Sockets that the nodes have open.
pub fn nodes_sockets(cluster: &Cluster) -> usize {
    processes(cluster).map(sockets).sum()
}

fn processes(cluster: &Cluster) -> impl Iterator<Item = u32> {
    (0..cluster.size()).filter_map(|node| cluster.process_id(node))
}

/// The most memory that a node's process has held so far, MiB.
pub fn peak_memory(cluster: &Cluster, node: usize) -> Option<u64> {
    let process = cluster.process_id(node)?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024)
}

/// Nodes that don't run.
pub fn stopped(cluster: &mut Cluster) -> usize {
    (0..cluster.size())
        .filter(|node| !cluster.is_running(*node))
        .count()
}

/// How often the disk is asked for a sync: seldom beside what the nodes ask.
const PAUSE: Duration = Duration::from_millis(50);

/// Syncs of a page by a thread of its own, so that a stall of the disk is told from one of the nodes.
pub struct DiskProbe {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<std::io::Result<Vec<f64>>>,
}

impl DiskProbe {
    /// Begins.
    pub fn start() -> DiskProbe {
        let ends = Arc::new(AtomicBool::new(false));
        let end = ends.clone();
        let thread = std::thread::spawn(move || {
            let mut file = tempfile::tempfile()?;
            let mut times = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let begin = Instant::now();
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&[0; 4096])?;
                file.sync_data()?;
                times.push(begin.elapsed().as_secs_f64() * 1e3);
                std::thread::sleep(PAUSE);
            }
            Ok(times)
        });
        DiskProbe { ends, thread }
    }

    /// How long each sync took, milliseconds; none if the disk refused one.
    pub fn end(self) -> Latencies {
        self.ends.store(true, Ordering::Relaxed);
        let times = self.thread.join().expect("the probe doesn't panic");
        Latencies::new(times.unwrap_or_default())
    }
}
