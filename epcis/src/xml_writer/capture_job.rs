//! A capture job (GS1's schema, `EPCISCaptureJob`) from its JSON.
//!
//! Consensus-critical: no

use serde_json::Value;

use super::obstacle::XmlFormError;
use super::text::{attribute_value, element_text};

/// The fields of a problem in the schema's order.
const PROBLEM: [&str; 5] = ["type", "title", "status", "detail", "instance"];

/// A capture job in XML: what the standard says of one. What a server says besides, such as each event's outcome, is in
/// its JSON alone.
///
/// ```
/// let job = serde_json::json!({ "captureID": "7", "running": false, "success": true,
///     "captureErrorBehaviour": "rollback", "createdAt": "2026-03-01T08:30:00Z", "errors": [] });
/// let xml = touchstone_epcis::capture_job_xml(&job)?;
/// assert!(xml.contains("running=\"false\" success=\"true\" captureID=\"7\""));
/// # Ok::<(), touchstone_epcis::XmlFormError>(())
/// ```
pub fn capture_job_xml(job: &Value) -> Result<String, XmlFormError> {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<epcis:EPCISCaptureJob xmlns:epcis=\"urn:epcglobal:epcis:xsd:2\"",
    );
    for name in ["running", "success", "captureID"] {
        let value = attribute_value(&text(job.get(name)), name)?;
        out.push_str(&format!(" {name}=\"{value}\""));
    }
    out.push('>');
    for name in ["captureErrorBehaviour", "createdAt", "finishedAt"] {
        element(&mut out, name, job)?;
    }
    let errors = job.get("errors").and_then(Value::as_array);
    let errors = errors.map(Vec::as_slice).unwrap_or_default();
    if !errors.is_empty() {
        out.push_str("<errors>");
        for error in errors {
            out.push_str("<error>");
            for name in PROBLEM {
                element(&mut out, name, error)?;
            }
            out.push_str("</error>");
        }
        out.push_str("</errors>");
    }
    out.push_str("</epcis:EPCISCaptureJob>\n");
    Ok(out)
}

fn element(out: &mut String, name: &str, of: &Value) -> Result<(), XmlFormError> {
    let value = text(of.get(name));
    if !value.is_empty() {
        let value = element_text(&value, name)?;
        out.push_str(&format!("<{name}>{value}</{name}>"));
    }
    Ok(())
}

/// A string, number or boolean as a text; empty where there is none.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
