use super::*;

fn entry(id: &str, kind: &str, name: &str, text: &str) -> Result<MasterDataEntry, EpcisError> {
    Ok(MasterDataEntry {
        place: format!("at {id}"),
        id: id.into(),
        types: (!kind.is_empty())
            .then(|| kind.to_owned())
            .into_iter()
            .collect(),
        attributes: vec![EntryAttribute {
            id: name.into(),
            value: EntryValue::Text(text.into()),
        }],
        children: Vec::new(),
    })
}

#[test]
fn what_several_vocabularies_say_of_a_place_is_joined() {
    let dock = "urn:epc:id:sgln:9521234.00001.0";
    let entries = [
        entry(dock, "urn:x:ReadPoint", "urn:x:site", "1"),
        entry(
            "https://id.gs1.org/414/9521234000013",
            "",
            "urn:x:name",
            "Dock",
        ),
        entry(
            "urn:epc:id:sgln:9521235.00001.0",
            "",
            "urn:x:name",
            "Theirs",
        ),
        entry("urn:x:nothing", "", "urn:x:name", "No key"),
    ];
    let (told, wanted) = plan(&entries, &["9521234".to_owned()]);
    assert_eq!(wanted.len(), 1);
    let element = ordered(wanted.into_values().next().unwrap());
    assert_eq!(element.types.len(), 2);
    assert_eq!(element.attributes.len(), 2);
    let keys: Vec<bool> = told.iter().map(|(_, key)| key.is_some()).collect();
    assert_eq!(keys, [true, true, false, false]);
    assert_eq!(told[2].0.outcome, ElementOutcome::Foreign);
    // Nobody's prefix is everybody's.
    let (_, none) = plan(&entries, &[]);
    assert!(none.is_empty());
}

#[test]
fn a_transaction_holds_what_it_may() {
    let element = |n: usize| VocabularyElement {
        id: format!("{n:03}"),
        ..VocabularyElement::default()
    };
    let all: Vec<VocabularyElement> = (0..130).map(element).collect();
    let sizes = |limit| -> Vec<usize> {
        let batches = batches(all.clone(), limit);
        assert_eq!(batches.concat(), all);
        batches.iter().map(Vec::len).collect()
    };
    assert_eq!(sizes(1 << 20), [64, 64, 2]);
    // Five bytes each, and eight around it.
    assert_eq!(sizes(26)[..2], [2, 2]);
    assert_eq!(sizes(1).len(), 130);
}
