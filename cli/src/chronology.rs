//! Lines about what happened, in the order of time.

/// Lines with their moments.
#[derive(Debug, Default)]
pub struct Chronology(Vec<(u64, String)>);

impl Chronology {
    /// Adds what happened at a moment: milliseconds since 1970, or `u64::MAX` for what isn't over.
    pub fn add(&mut self, time_ms: u64, lines: impl IntoIterator<Item = String>) {
        let lines = lines.into_iter();
        self.0.extend(lines.map(|line| (time_ms, line)));
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: Chronology) {
        self.0.extend(other.0);
    }

    /// All lines; those of one moment as they were added.
    pub fn lines(mut self) -> Vec<String> {
        self.0.sort_by_key(|(time_ms, _)| *time_ms);
        self.0.into_iter().map(|(_, line)| line).collect()
    }
}
