//! What happened, in words for people and as one number for comparing runs.

use std::collections::VecDeque;

use super::random::mix;

/// Lines kept.
const LINES: usize = 240;

/// A run's record.
#[derive(Debug)]
pub struct Trace {
    /// Virtual time, milliseconds since the run began.
    pub now_ms: u64,
    /// The last lines; none are written where nobody will read them.
    lines: Option<VecDeque<String>>,
    digest: u64,
    events: u64,
}

impl Trace {
    /// An empty record, with lines or without.
    pub fn new(with_lines: bool) -> Trace {
        Trace {
            now_ms: 0,
            lines: with_lines.then(VecDeque::new),
            digest: 0,
            events: 0,
        }
    }

    /// Records an event of a process. `detail` goes into the digest, `words` into the lines, unless
    /// there are none.
    pub fn note(&mut self, process: usize, detail: u64, words: impl FnOnce() -> String) {
        self.events += 1;
        let word = self.now_ms ^ (process as u64).rotate_left(48) ^ detail.rotate_left(17);
        self.digest = mix(self.digest ^ mix(word));
        if let Some(lines) = &mut self.lines {
            let words = words();
            if words.is_empty() {
                return;
            }
            if lines.len() == LINES {
                lines.pop_front();
            }
            let (seconds, millis) = (self.now_ms / 1000, self.now_ms % 1000);
            lines.push_back(format!("{seconds:>5}.{millis:03}  {process}  {words}"));
        }
    }

    /// One number for all that was recorded.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Events recorded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The last lines.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default().into()
    }
}

/// A number for some bytes (FNV-1a), for the digest.
pub fn digest_of(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
