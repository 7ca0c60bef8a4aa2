//! Where the events of a document begin and end, so that one bad event doesn't refuse its
//! neighbours. This finds places in text and judges nothing: what it cuts out is read strictly.

/// Byte ranges of the elements of `epcisBody.eventList`; `None` where there is no such list.
pub fn events(document: &[u8]) -> Option<Vec<(usize, usize)>> {
    let mut found = Vec::new();
    // The names of the objects around the cursor; a list has an empty name.
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut name: Vec<u8> = Vec::new();
    let mut start = None;
    let mut inside = false;
    let mut at = 0;
    while let Some(byte) = document.get(at) {
        let end = match byte {
            b'"' => string_end(document, at)?,
            _ => at + 1,
        };
        let depth = path.len();
        let in_list = inside && depth == 3;
        if in_list && start.is_none() && !byte.is_ascii_whitespace() && !b",]".contains(byte) {
            start = Some(at);
        }
        match byte {
            b'"' if depth < 3 => name = document.get(at + 1..end - 1)?.to_vec(),
            b'{' | b'[' => {
                path.push(std::mem::take(&mut name));
                let here: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
                inside |= here == [b"".as_slice(), b"epcisBody", b"eventList"] && *byte == b'[';
            }
            b'}' | b']' => {
                if in_list {
                    found.extend(start.take().map(|s| (s, trimmed(document, at))));
                    return Some(found);
                }
                path.pop()?;
            }
            b',' if in_list => found.extend(start.take().map(|s| (s, trimmed(document, at)))),
            _ => {}
        }
        at = end;
    }
    None
}

/// The document with only the event of this range.
pub fn alone(document: &[u8], events: &[(usize, usize)], event: (usize, usize)) -> Option<Vec<u8>> {
    let (first, _) = *events.first()?;
    let (_, last) = *events.last()?;
    let parts = [
        document.get(..first)?,
        document.get(event.0..event.1)?,
        document.get(last..)?,
    ];
    Some(parts.concat())
}

fn string_end(document: &[u8], quote: usize) -> Option<usize> {
    let mut at = quote + 1;
    loop {
        match document.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn trimmed(document: &[u8], mut end: usize) -> usize {
    while end > 0
        && document
            .get(end - 1)
            .is_some_and(|b| b.is_ascii_whitespace())
    {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(document: &str) -> Option<Vec<&str>> {
        let ranges = events(document.as_bytes())?;
        Some(ranges.iter().map(|(s, e)| &document[*s..*e]).collect())
    }

    #[test]
    fn events_are_found_where_they_stand() {
        let table: &[(&str, Option<Vec<&str>>)] = &[
            (r#"{"epcisBody":{"eventList":[]}}"#, Some(vec![])),
            (
                r#"{"a":["]",{"eventList":[1]}],"epcisBody":{"x":"}","eventList":[ {"a":[1,2]} , {"b":"],["}
                ,7 ]},"z":[3]}"#,
                Some(vec![r#"{"a":[1,2]}"#, r#"{"b":"],["}"#, "7"]),
            ),
            (
                r#"{"epcisBody":{"q\"\\":1,"eventList":["\"]"]}}"#,
                Some(vec![r#""\"]""#]),
            ),
            (r#"{"eventList":[1,2]}"#, None),
            (r#"{"epcisBody":{"eventList":{"a":1}}}"#, None),
            (r#"{"epcisBody":{"eventList":[1,2"#, None),
            (r#"{"epcisBody":{"eventList":["#, None),
            ("]]", None),
            ("", None),
        ];
        for (document, expected) in table {
            assert_eq!(texts(document), *expected, "{document}");
        }
    }

    #[test]
    fn an_event_alone_keeps_its_surroundings() {
        let document = br#"{"c":1,"epcisBody":{"eventList":[ 1, 22 ,3]},"d":2}"#;
        let ranges = events(document).unwrap();
        let one = alone(document, &ranges, ranges[1]).unwrap();
        assert_eq!(one, br#"{"c":1,"epcisBody":{"eventList":[ 22]},"d":2}"#);
    }
}
