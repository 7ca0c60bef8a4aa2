//! The one table: each row with its trials, what broke, and what the absence of it is worth.

use std::fmt::Write;

use serde_json::{Value, json};

use super::campaign::Row;

/// The bound below which the rate of something lies with 95 % confidence that didn't happen in `trials` independent
/// trials: the rule of three. None without trials.
pub fn bound(trials: u64) -> Option<f64> {
    (trials > 0).then(|| 3.0 / trials as f64)
}

/// The time that this part, from 0 to 1, of all took at most; milliseconds.
pub fn percentile(times_ms: &[u64], part: f64) -> Option<u64> {
    let mut sorted = times_ms.to_vec();
    sorted.sort_unstable();
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// The table in text.
pub fn text(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<16} {:>10} {:>10} {:>7} {:>12} {:>7}  what came of it\n",
        "fault", "trials", "wanted", "broken", "rate (95 %)", "s"
    );
    for row in rows {
        let figures = &row.figures;
        let rate = match (figures.broken, bound(figures.trials)) {
            (0, Some(bound)) => format!("< {bound:.1e}"),
            (_, None) => "unknown".into(),
            (broken, _) => format!("{:.1e}", broken as f64 / figures.trials as f64),
        };
        let mut outcomes: Vec<String> = figures
            .outcomes
            .iter()
            .map(|(name, times)| format!("{name}: {times}"))
            .collect();
        if let (Some(p50), Some(p99)) = (
            percentile(&figures.times_ms, 0.5),
            percentile(&figures.times_ms, 0.99),
        ) {
            outcomes.push(format!("time p50 {p50} ms, p99 {p99} ms"));
        }
        // Writing to a text doesn't fail.
        let _ = writeln!(
            text,
            "{:<16} {:>10} {:>10} {:>7} {rate:>12} {:>7}  {}",
            row.name,
            figures.trials,
            row.wanted,
            figures.broken,
            row.took.as_secs(),
            outcomes.join("; ")
        );
    }
    for row in rows {
        for example in &row.figures.examples {
            let _ = writeln!(text, "{}: BROKEN: {example}", row.name);
        }
    }
    text
}

/// The table as one JSON value.
pub fn to_json(seed: u64, rows: &[Row]) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut figures = row.figures.clone();
            let times = std::mem::take(&mut figures.times_ms);
            json!({
                "fault": row.name,
                "claim": row.claim,
                "wanted": row.wanted,
                "figures": figures.to_json(),
                "bound_95": (figures.broken == 0).then(|| bound(figures.trials)).flatten(),
                "p50_ms": percentile(&times, 0.5),
                "p99_ms": percentile(&times, 0.99),
                "seconds": row.took.as_secs(),
            })
        })
        .collect();
    json!({ "seed": seed, "rows": rows })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::campaign::Figures;

    #[test]
    fn nothing_in_three_hundred_trials_is_less_than_one_in_a_hundred() {
        assert_eq!(bound(0), None);
        let close = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(close(bound(300), 0.01));
        let times: Vec<u64> = (1..=200).rev().collect();
        assert_eq!(percentile(&times, 0.5), Some(100));
        assert_eq!(percentile(&times, 0.99), Some(198));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn what_broke_stands_in_the_table() {
        let mut figures = Figures {
            trials: 10,
            ..Figures::default()
        };
        figures.break_with("lost");
        let row = Row {
            name: "kills",
            claim: "kills: nothing is lost",
            wanted: 10,
            figures,
            took: Duration::from_secs(1),
        };
        let told = text(std::slice::from_ref(&row));
        assert!(told.contains("kills: BROKEN: lost"), "{told}");
        let json = to_json(1, &[row]);
        assert_eq!(json["rows"][0]["bound_95"], Value::Null);
        assert_eq!(json["rows"][0]["figures"]["broken"], 1);
    }
}
