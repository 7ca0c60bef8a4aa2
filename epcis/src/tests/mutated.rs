//! Whatever is sent, every door of the crate answers: bytes of real documents, changed at random.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::super::*;
use crate::test_support::documents;

/// Real documents in JSON and XML, and the cases.
fn all() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let folders = [
            ("epcis/valid", "json"),
            ("epcis/xml", "xml"),
            ("epcis/query", "json"),
            ("epcis-hash", "jsonld"),
            ("epcis-hash", "xml"),
            ("epcis-cases", "json"),
            ("epcis-cases", "xml"),
        ];
        let files = folders
            .iter()
            .flat_map(|(folder, extension)| documents(folder, extension));
        files.map(|(_, bytes)| bytes).collect()
    })
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Replace(u8),
    Remove(usize),
    Repeat(usize),
    Insert(&'static str),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Replace),
        (1..40usize).prop_map(Edit::Remove),
        (1..400usize).prop_map(Edit::Repeat),
        prop::sample::select(vec![
            "{",
            "]",
            "\"",
            "\\u0000",
            "<a>",
            "</",
            "&#x10FFFF;",
            "1e999",
            "-",
            "null",
            "urn:epc:",
            "[[[[[[[[",
            "\u{feff}",
            "\u{1d}",
        ])
        .prop_map(Edit::Insert),
    ]
}

fn apply(bytes: &mut Vec<u8>, at: usize, edit: &Edit) {
    let end = |length: usize| (at + length).min(bytes.len());
    match edit {
        Edit::Replace(byte) => bytes[at] = *byte,
        Edit::Remove(length) => {
            let end = end(*length);
            bytes.drain(at..end);
        }
        Edit::Repeat(length) => {
            let part = bytes[at..end(*length)].to_vec();
            bytes.splice(at..at, part);
        }
        Edit::Insert(text) => {
            bytes.splice(at..at, text.bytes());
        }
    }
}

proptest! {
    #[test]
    fn mutated_documents_are_read_or_refused(
        file: prop::sample::Index,
        edits in prop::collection::vec((any::<prop::sample::Index>(), edit()), 1..8),
    ) {
        let mut bytes = file.get(all()).clone();
        for (at, edit) in &edits {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                apply(&mut bytes, at, edit);
            }
        }
        let events = if is_xml(&bytes) {
            convert_xml(&bytes).map(|events| events.into_iter().flatten().collect())
        } else {
            split_document(&bytes)
        };
        let _ = document_hashes(&bytes);
        for event in events.unwrap_or_default() {
            prop_assert!(Event::parse(&event).is_ok());
            prop_assert!(event_hash(&event).is_ok());
            prop_assert!(with_digital_links(&event).is_ok());
            warnings(&event, 0);
        }
    }
}
