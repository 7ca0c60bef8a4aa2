//! Why a file that somebody handed in isn't the JSON that it should be, in sentences that both languages have.

use serde_json::error::Category;

/// What is wrong, and in which line.
pub fn reason(error: &serde_json::Error) -> String {
    let line = error.line();
    let text = error.to_string();
    let about_a_member = ["missing field", "unknown field", "duplicate field"];
    let is_about_one = about_a_member.iter().any(|said| text.starts_with(said));
    let member = text.split('`').nth(1).filter(|_| is_about_one);
    match (error.classify(), member) {
        (Category::Eof, _) => "it ends too early: it is empty, or was cut off".to_owned(),
        (Category::Data, Some(member)) => {
            format!("line {line}: the member {member:?} is missing, unknown, or there twice")
        }
        (Category::Data, None) => format!("line {line}: a value has another form"),
        (Category::Syntax | Category::Io, _) => format!("line {line}: it is no JSON"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::messages::{Language, Speech};

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Card {
        #[serde(rename = "name")]
        _name: String,
    }

    #[test]
    fn what_is_wrong_with_json_is_told_in_both_languages() {
        let early = "it ends too early: it is empty, or was cut off";
        let member = |line, name| {
            format!("line {line}: the member {name:?} is missing, unknown, or there twice")
        };
        for (json, expected) in [
            ("", early.to_owned()),
            ("{\n\"name\": \"a", early.to_owned()),
            ("{\n}", member(2, "name")),
            ("{\"name\": \"a\",\n\"other\": 1}", member(2, "other")),
            (
                "{\"name\": 5}",
                "line 1: a value has another form".to_owned(),
            ),
            ("{\n[", "line 2: it is no JSON".to_owned()),
        ] {
            let said = reason(&serde_json::from_str::<Card>(json).unwrap_err());
            assert_eq!(said, expected, "{json}");
            let chinese = Language::Chinese.sentence(&said);
            assert!(chinese.chars().any(|c| c > '\u{2e7f}'), "{chinese}");
        }
    }
}
