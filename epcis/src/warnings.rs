//! What an event says that is allowed and yet is probably a mistake: the sender is told before it is
//! signed, since nothing is rewritten afterwards.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::date_time;
use super::error::Path;
use super::event::MAX_EVENT_DEPTH;
use super::json::{self, JsonValue, Node};

/// Clocks differ; a time so little after now is no mistake.
const CLOCK_SLACK_MS: i64 = 5 * 60 * 1000;

/// Something to look at again, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {doubt}")]
pub struct Warning {
    /// Path from the event's root, such as `$.eventTime`.
    pub path: String,
    /// What is doubtful.
    pub doubt: Doubt,
}

/// What is doubtful.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Doubt {
    /// A time that hasn't come.
    #[error("{0} is in the future; is the date right?")]
    Future(String),
    /// Less than nothing.
    #[error("the quantity {0} is negative; nothing can be seen so often")]
    NegativeQuantity(String),
    /// EPCIS 2.0 §7.3.7.2: `minValue` and `maxValue`.
    #[error("the least value {least} is greater than the greatest, {greatest}")]
    LeastAboveGreatest {
        /// `minValue`
        least: String,
        /// `maxValue`
        greatest: String,
    },
    /// EPCIS 2.0 §7.3.7.1: `startTime` and `endTime`.
    #[error("it ends at {end}, before it starts at {start}")]
    EndBeforeStart {
        /// `startTime`
        start: String,
        /// `endTime`
        end: String,
    },
}

impl Doubt {
    /// The stable name of the doubt, which clients may match.
    pub fn code(&self) -> &'static str {
        match self {
            Doubt::Future(_) => "future-time",
            Doubt::NegativeQuantity(_) => "negative-quantity",
            Doubt::LeastAboveGreatest { .. } => "least-above-greatest",
            Doubt::EndBeforeStart { .. } => "end-before-start",
        }
    }
}

/// What is doubtful in an event; nothing for what isn't an event. `now_ms` is the time now in
/// milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// let event = br#"{ "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
///   "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2199-05-26T11:00:00Z",
///   "eventTimeZoneOffset": "+00:00", "epcList": ["urn:epc:id:sscc:9521234.0000000015"] }"#;
/// let found = touchstone_epcis::warnings(event, 1_772_325_000_000);
/// assert_eq!(found[0].path, "$.eventTime");
/// ```
pub fn warnings(event: &[u8], now_ms: i64) -> Vec<Warning> {
    let Ok(node) = json::read(event, MAX_EVENT_DEPTH) else {
        return Vec::new();
    };
    let mut found = Collected {
        now_ms,
        warnings: Vec::new(),
    };
    let root = Path::Root;
    found.future(&node, &["eventTime"], &root);
    if let Some(declaration) = node.get("errorDeclaration") {
        let path = root.field("errorDeclaration");
        found.future(declaration, &["declarationTime"], &path);
    }
    for list in [
        "quantityList",
        "childQuantityList",
        "inputQuantityList",
        "outputQuantityList",
    ] {
        let path = root.field(list);
        for (index, quantity) in list_of(&node, list).iter().enumerate() {
            found.negative(quantity, &path.index(index));
        }
    }
    let path = root.field("sensorElementList");
    for (index, element) in list_of(&node, "sensorElementList").iter().enumerate() {
        found.sensor(element, &path.index(index));
    }
    found.warnings
}

struct Collected {
    now_ms: i64,
    warnings: Vec<Warning>,
}

impl Collected {
    fn add(&mut self, path: &Path<'_>, doubt: Doubt) {
        let path = path.to_string();
        self.warnings.push(Warning { path, doubt });
    }

    fn future(&mut self, node: &Node<'_>, fields: &[&str], path: &Path<'_>) {
        for field in fields {
            let text = text_of(node, field);
            let ms = text.and_then(date_time::time_ms);
            if ms.is_some_and(|ms| ms > self.now_ms.saturating_add(CLOCK_SLACK_MS)) {
                let doubt = Doubt::Future(text.unwrap_or_default().to_owned());
                self.add(&path.field(field), doubt);
            }
        }
    }

    fn negative(&mut self, quantity: &Node<'_>, path: &Path<'_>) {
        if number_of(quantity, "quantity").is_some_and(|number| number < 0.0) {
            let doubt = Doubt::NegativeQuantity(source_of(quantity, "quantity"));
            self.add(&path.field("quantity"), doubt);
        }
    }

    fn sensor(&mut self, element: &Node<'_>, path: &Path<'_>) {
        if let Some(metadata) = element.get("sensorMetadata") {
            let path = path.field("sensorMetadata");
            self.future(metadata, &["time", "startTime", "endTime"], &path);
            let (start, end) = (text_of(metadata, "startTime"), text_of(metadata, "endTime"));
            let ms = |text: Option<&str>| text.and_then(date_time::time_ms);
            if let (Some(from), Some(to)) = (ms(start), ms(end))
                && to < from
            {
                let doubt = Doubt::EndBeforeStart {
                    start: start.unwrap_or_default().to_owned(),
                    end: end.unwrap_or_default().to_owned(),
                };
                self.add(&path.field("endTime"), doubt);
            }
        }
        let path = path.field("sensorReport");
        for (index, report) in list_of(element, "sensorReport").iter().enumerate() {
            let path = path.index(index);
            self.future(report, &["time"], &path);
            let values = (number_of(report, "minValue"), number_of(report, "maxValue"));
            if let (Some(least), Some(greatest)) = values
                && least > greatest
            {
                let doubt = Doubt::LeastAboveGreatest {
                    least: source_of(report, "minValue"),
                    greatest: source_of(report, "maxValue"),
                };
                self.add(&path.field("minValue"), doubt);
            }
        }
    }
}

fn list_of<'a, 'b>(node: &'a Node<'b>, field: &str) -> &'a [Node<'b>] {
    match node.get(field).map(|node| &node.value) {
        Some(JsonValue::List(nodes)) => nodes,
        _ => &[],
    }
}

fn text_of<'a>(node: &'a Node<'_>, field: &str) -> Option<&'a str> {
    match &node.get(field)?.value {
        JsonValue::Text(text) => Some(text),
        _ => None,
    }
}

fn source_of(node: &Node<'_>, field: &str) -> String {
    node.get(field).map_or("", |node| node.source).to_owned()
}

fn number_of(node: &Node<'_>, field: &str) -> Option<f64> {
    let number = node.get(field)?;
    match number.value {
        JsonValue::Number => number.source.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split_document;
    use crate::test_support::documents;

    const NOW_MS: i64 = 1_790_000_000_000;

    fn codes(event: &[u8]) -> Vec<(String, &'static str)> {
        let found = warnings(event, NOW_MS).into_iter();
        found.map(|w| (w.path, w.doubt.code())).collect()
    }

    #[test]
    fn probable_mistakes_are_told() {
        let cases = documents("epcis-cases", "json");
        let case = |name: &str| {
            let (_, bytes) = cases.iter().find(|(file, _)| file == name).expect(name);
            codes(&split_document(bytes).unwrap().remove(0))
        };
        assert_eq!(
            case("04_future.json"),
            [("$.eventTime".to_owned(), "future-time")]
        );
        assert_eq!(
            case("06c_neg_obs.json"),
            [("$.quantityList[0].quantity".to_owned(), "negative-quantity")]
        );
        let sensors = br#"{"sensorElementList": [{
            "sensorMetadata": {"startTime": "2026-03-02T00:00:00Z", "endTime": "2026-03-01T00:00:00Z"},
            "sensorReport": [{"minValue": 5, "maxValue": 4.5}, {"time": "2100-01-01T00:00:00Z"}]}]}"#;
        let at = |path: &str| format!("$.sensorElementList[0].{path}");
        assert_eq!(
            codes(sensors),
            [
                (at("sensorMetadata.endTime"), "end-before-start"),
                (at("sensorReport[0].minValue"), "least-above-greatest"),
                (at("sensorReport[1].time"), "future-time"),
            ]
        );
    }

    #[test]
    fn what_is_usual_passes_without_a_word() {
        for (name, bytes) in documents("epcis/valid", "json") {
            for event in split_document(&bytes).unwrap() {
                assert!(codes(&event).is_empty(), "{name}");
            }
        }
        let soon = br#"{"eventTime": "2026-09-21T14:14:00Z", "quantityList": [{"quantity": 0}]}"#;
        assert!(codes(soon).is_empty());
    }
}
