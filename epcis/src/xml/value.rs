//! JSON that keeps the digits of a number.
//!
//! Consensus-critical: no

use std::collections::BTreeMap;

/// A JSON value.
pub(super) enum Json {
    Text(String),
    /// A number or boolean as it is written in JSON.
    Token(String),
    List(Vec<Json>),
    Object(Object),
}

/// The members of an object, in order, each name once.
#[derive(Default)]
pub(super) struct Object {
    members: Vec<(String, Json)>,
    index: BTreeMap<String, usize>,
}

impl Object {
    /// Adds a member; false if its name is there already.
    #[must_use]
    pub(super) fn insert(&mut self, name: &str, value: Json) -> bool {
        if self.index.contains_key(name) {
            return false;
        }
        self.index.insert(name.to_owned(), self.members.len());
        self.members.push((name.to_owned(), value));
        true
    }

    /// Adds a value: one that is repeated becomes a list.
    pub(super) fn add(&mut self, name: &str, value: Json) {
        let found = self
            .index
            .get(name)
            .and_then(|at| self.members.get_mut(*at));
        let Some((_, found)) = found else {
            let _ = self.insert(name, value);
            return;
        };
        match found {
            Json::List(values) => values.push(value),
            one => {
                let first = std::mem::replace(one, Json::List(Vec::new()));
                *one = Json::List(vec![first, value]);
            }
        }
    }

    /// Adds a value to the list of this name.
    pub(super) fn append(&mut self, name: &str, value: Json) {
        if self.index.contains_key(name) {
            self.add(name, value);
        } else {
            let _ = self.insert(name, Json::List(vec![value]));
        }
    }

    /// Whether a member has this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.index.contains_key(name)
    }

    /// The members, in order.
    pub(super) fn into_members(self) -> impl Iterator<Item = (String, Json)> {
        self.members.into_iter()
    }

    /// Adds the members of another object.
    pub(super) fn extend(&mut self, other: Object) {
        for (name, value) in other.members {
            self.add(&name, value);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl Json {
    pub(super) fn text(text: &str) -> Json {
        Json::Text(text.to_owned())
    }

    /// Appends it without white space.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Json::Text(text) => write_text(text, out),
            Json::Token(token) => out.push_str(token),
            Json::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write(out);
                }
                out.push(']');
            }
            Json::Object(object) => {
                out.push('{');
                for (index, (name, value)) in object.members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(name, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// RFC 8785 §3.2.2.2: a string with as few escapes as possible.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// The number of an `xsd:decimal`, `xsd:float` or `xsd:double` as JSON writes it; none for
/// anything else, such as `INF`.
pub(super) fn number(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => unsigned.split_at_checked(at)?,
        None => (unsigned, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    if let Some(power) = exponent.get(1..) {
        let power = power.strip_prefix(['+', '-']).unwrap_or(power);
        if power.is_empty() || !digits(power) {
            return None;
        }
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
}

/// An `xsd:boolean` as JSON writes it.
pub(super) fn boolean(text: &str) -> Option<String> {
    match text {
        "true" | "1" => Some("true".to_owned()),
        "false" | "0" => Some("false".to_owned()),
        _ => None,
    }
}
