//! A line of what is proven: a name, and what is said under it.

/// A name, and what is said under it.
pub struct FactRow {
    /// The name.
    pub name: String,
    /// A line each.
    pub lines: Vec<String>,
}

/// The row of a name.
pub(super) fn row(name: String, lines: impl IntoIterator<Item = String>) -> FactRow {
    let lines = lines.into_iter().collect();
    FactRow { name, lines }
}
