//! Answers to queries in JSON-LD (EPCIS 2.0 §10.3). Each event stays token by token as it was signed; a member
//! of the server's own says where it is recorded.
//!
//! Consensus-critical: no

use serde_json::Value;

/// A query document with these events. `head` is an object: the members that stand before the body.
///
/// ```
/// let head = serde_json::json!({ "type": "EPCISQueryDocument", "schemaVersion": "2.0" });
/// let document = touchstone_epcis::query_document(&head, "SimpleEventQuery", &[]);
/// assert!(document.ends_with(r#""resultsBody":{"eventList":[]}}}}"#));
/// ```
pub fn query_document(head: &Value, name: &str, events: &[String]) -> String {
    let mut text = head.to_string();
    // The head's closing brace comes at the end.
    text.pop();
    text.push_str(",\"epcisBody\":{\"queryResults\":{\"queryName\":");
    text.push_str(&Value::from(name).to_string());
    text.push_str(",\"resultsBody\":{\"eventList\":[");
    text.push_str(&events.join(","));
    text.push_str("]}}}}");
    text
}

/// An event, which is valid JSON, with one more member. What it says under that name itself is left out, and
/// a `recordTime` of its own stays.
///
/// ```
/// let record = serde_json::json!({ "x:height": 7 });
/// let told = touchstone_epcis::with_record(r#"{"a":1.00}"#, "x:record", &record, "2026-03-01T08:30:00Z");
/// assert_eq!(told, r#"{"a":1.00,"recordTime":"2026-03-01T08:30:00Z","x:record":{"x:height":7}}"#);
/// ```
pub fn with_record(event: &str, name: &str, record: &Value, record_time: &str) -> String {
    let members: Vec<(String, &str)> = members(event)
        .into_iter()
        .filter(|(found, _)| found != name)
        .collect();
    let has_time = members.iter().any(|(found, _)| found == "recordTime");
    let mut text = String::with_capacity(event.len() + 300);
    text.push('{');
    for (_, member) in &members {
        text.push_str(member);
        text.push(',');
    }
    if !has_time {
        let time = Value::from(record_time);
        text.push_str(&format!("\"recordTime\":{time},"));
    }
    text.push_str(&format!("{}:{record}}}", Value::from(name)));
    text
}

/// The members of a JSON object: their names, and their exact sources. `object` is valid JSON.
fn members(object: &str) -> Vec<(String, &str)> {
    let object = object.trim_matches([' ', '\t', '\r', '\n']);
    let inside = object.strip_prefix('{').and_then(|o| o.strip_suffix('}'));
    let inside = inside.unwrap_or_default();
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    let mut ends: Vec<usize> = Vec::new();
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => ends.push(at),
            _ => {}
        }
    }
    ends.push(inside.len());
    let mut from = 0;
    let mut members = Vec::with_capacity(ends.len());
    for end in ends {
        let source = inside.get(from..end).unwrap_or_default().trim();
        if let Some(name) = name(source) {
            members.push((name, source));
        }
        from = end + 1;
    }
    members
}

/// The name with which a member begins.
fn name(member: &str) -> Option<String> {
    let mut values = serde_json::Deserializer::from_str(member).into_iter::<String>();
    values.next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_members_keep_their_sources() {
        let object =
            "\n{ \"a\" : 1.00, \"b,\\\"}\":[{\"c\":\"],\"},2] , \"\\u0064\":{\"e\":{}} }\t";
        let found = members(object);
        let expected = [
            ("a", "\"a\" : 1.00"),
            ("b,\"}", "\"b,\\\"}\":[{\"c\":\"],\"},2]"),
            ("d", "\"\\u0064\":{\"e\":{}}"),
        ];
        let expected: Vec<(String, &str)> = expected
            .iter()
            .map(|(n, s)| ((*n).to_owned(), *s))
            .collect();
        assert_eq!(found, expected);
        assert!(members("{}").is_empty());
    }

    #[test]
    fn a_record_that_an_event_claims_for_itself_is_left_out() {
        let record = serde_json::json!(1);
        let event = "{\"recordTime\":\"then\",\"x:\\u0072\":{\"y\":2},\"z\":[1, 2]}";
        assert_eq!(
            with_record(event, "x:r", &record, "now"),
            "{\"recordTime\":\"then\",\"z\":[1, 2],\"x:r\":1}"
        );
        assert_eq!(
            with_record("{}", "x:r", &record, "now"),
            "{\"recordTime\":\"now\",\"x:r\":1}"
        );
    }
}
