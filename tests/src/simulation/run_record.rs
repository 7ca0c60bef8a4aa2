//! What happened, in words for people and as one number for comparing runs.

use std::collections::VecDeque;

use crate::random::mix;

/// How much of a run is kept in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// None: nobody will read them.
    None,
    /// The last few hundred lines.
    Last,
    /// All.
    All,
}

/// Lines of [`Words::Last`].
const LAST_LINES: usize = 240;

/// A run's record.
#[derive(Debug)]
pub struct Trace {
    /// Virtual time, milliseconds since the run began.
    pub now_ms: u64,
    words: Words,
    lines: VecDeque<String>,
    digest: u64,
    events: u64,
}

impl Trace {
    /// An empty record.
    pub fn new(words: Words) -> Trace {
        Trace {
            now_ms: 0,
            words,
            lines: VecDeque::new(),
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
        if self.words == Words::None {
            return;
        }
        let words = words();
        if words.is_empty() {
            return;
        }
        if self.words == Words::Last && self.lines.len() == LAST_LINES {
            self.lines.pop_front();
        }
        let (seconds, millis) = (self.now_ms / 1000, self.now_ms % 1000);
        let line = format!("{seconds:>5}.{millis:03}  {process}  {words}");
        self.lines.push_back(line);
    }

    /// One number for all that was recorded.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Events recorded.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

/// A number for some bytes (FNV-1a), for the digest.
pub fn digest_of(bytes: &[u8]) -> u64 {
    let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
