//! Figures by name, of several runs: the median counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What all runs gave.
#[derive(Clone, Debug, Default)]
pub struct Report {
    figures: BTreeMap<String, Vec<f64>>,
}

impl Report {
    /// Adds a run's figure.
    pub fn add(&mut self, name: impl Into<String>, value: f64) {
        self.figures.entry(name.into()).or_default().push(value);
    }

    /// The median of a figure's runs; none where it wasn't measured.
    pub fn median(&self, name: &str) -> Option<f64> {
        let mut values = self.figures.get(name)?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The median of the ratios of two figures, run by run.
    pub fn ratio(&self, of: &str, to: &str) -> Option<f64> {
        let pairs = self.figures.get(of)?.iter().zip(self.figures.get(to)?);
        let mut ratios: Vec<f64> = pairs.map(|(of, to)| of / to).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    }

    /// Every figure of every run, by name.
    pub fn json(&self) -> Value {
        let figures = self.figures.iter();
        Value::Object(Map::from_iter(
            figures.map(|(name, values)| (name.clone(), json!(values))),
        ))
    }
}

/// A figure in a table: so many digits after the point, or a dash.
pub fn cell(value: Option<f64>, digits: usize) -> String {
    match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_are_of_runs() {
        let mut report = Report::default();
        for (ours, theirs) in [(1.0, 2.0), (9.0, 3.0), (4.0, 4.0)] {
            report.add("ours", ours);
            report.add("theirs", theirs);
        }
        assert_eq!(report.median("ours"), Some(4.0));
        assert_eq!(report.ratio("ours", "theirs"), Some(1.0));
        assert_eq!(report.ratio("ours", "none"), None);
        assert_eq!(cell(report.median("ours"), 1), "4.0");
        assert_eq!(cell(None, 1), "-");
        assert_eq!(report.json()["theirs"], json!([2.0, 3.0, 4.0]));
    }
}
