//! What strict signature verification alone would allow on this machine.

use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use touchstone_core::signing::{self, Purpose};

use super::cpu_time;

/// How long verifications are counted.
const TIME: Duration = Duration::from_secs(2);

/// The machine's strict verifications.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Cores.
    pub cores: usize,
    /// CPU time of one verification, microseconds.
    pub verification_us: f64,
}

impl Limit {
    /// Verifies on all cores for a while. What counts is the threads' own CPU time, whatever else the machine does.
    pub fn measure() -> Limit {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..cores).map(|_| std::thread::spawn(verify)).collect();
        let (mut count, mut cpu_us) = (0.0, 0.0);
        for thread in threads {
            let (done, took_us) = thread.join().expect("verification doesn't panic");
            count += done;
            cpu_us += took_us;
        }
        Limit {
            cores,
            verification_us: cpu_us / count,
        }
    }

    /// Transactions a second for so many validators on this machine, each verifying each of them once.
    pub fn transactions_per_second(&self, validators: usize) -> f64 {
        self.cores as f64 * 1e6 / self.verification_us / validators as f64
    }
}

/// How many were verified, and the thread's CPU time for it, microseconds.
fn verify() -> (f64, f64) {
    let key = SigningKey::from_bytes(&[9; 32]);
    let public = key.verifying_key().to_bytes();
    let message = [7; 300];
    let signature = signing::sign(&key, Purpose::Transaction, &[1; 32], &message);
    let (start, before) = (Instant::now(), cpu_time::of_thread_us());
    let mut count = 0.0;
    while start.elapsed() < TIME {
        for _ in 0..100 {
            let purpose = Purpose::Transaction;
            let holds = signing::verify(&public, purpose, &[1; 32], &message, &signature);
            assert!(holds, "our own signature");
        }
        count += 100.0;
    }
    (count, cpu_time::of_thread_us() - before)
}
