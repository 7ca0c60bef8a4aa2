use super::*;
use crate::master_data::{EntryAttribute, EntryValue};

fn text(id: &str, text: &str) -> EntryAttribute {
    EntryAttribute {
        id: id.into(),
        value: EntryValue::Text(text.into()),
    }
}

fn document(header: &str) -> String {
    format!(
        r#"{{"@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
          {{"example": "http://ns.example.com/mda#"}}],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00Z",
        "epcisHeader": {header}, "epcisBody": {{"eventList": []}}}}"#
    )
}

/// After EPCIS 2.0 §9.8.1, with what its examples have: attributes of CBV and others, an address, children.
fn in_json() -> String {
    document(
        r#"{"epcisMasterData": {"vocabularyList": [
      {"type": "urn:epcglobal:epcis:vtype:BusinessLocation", "vocabularyElementList": [
        {"id": "urn:epc:id:sgln:9521234.00001.0", "attributes": [
          {"id": "cbvmda:name", "attribute": "Dock\n 7"},
          {"id": "example:latitude", "attribute": "+18.0000"},
          {"id": "example:address", "attribute": {
            "@context": {"@vocab": "http://ns.example.com/"},
            "type": "Address", "Street": "100 Nowhere Street", "Line": ["a", "b"]}}],
         "children": ["urn:epc:id:sgln:9521234.00001.1", {"id": "urn:epc:id:sgln:9521234.00001.2"}]},
        {"id": "urn:epc:id:sgln:9521234.00002.0", "isA": "ReadPoint", "attributes": []}]},
      {"vocabularyElementList": [
        {"isA": "urn:epcglobal:epcis:vtype:EPCClass", "id": "urn:epc:idpat:sgtin:9521234.050001.*",
         "attributes": [{"id": "urn:epcglobal:cbv:mda:descriptionShort", "attribute": "Lamp"},
           {"id": "urn:epcglobal:cbv:mda#netContent", "attribute": 1.50},
           {"id": "example:none", "attribute": null}]}]}]}}"#,
    )
}

const IN_XML: &str = r#"<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2"
  creationDate="2026-03-01T09:00:00Z" xmlns:x="http://ns.example.com/">
  <EPCISHeader><sbdh:StandardBusinessDocumentHeader xmlns:sbdh="urn:sbdh"><VocabularyList/>
    </sbdh:StandardBusinessDocumentHeader><extension><EPCISMasterData><VocabularyList>
    <Vocabulary type="urn:epcglobal:epcis:vtype:BusinessLocation"><VocabularyElementList>
      <VocabularyElement id="urn:epc:id:sgln:9521234.00001.0">
        <attribute id="urn:epcglobal:cbv:mda#name">Dock
          7</attribute>
        <attribute id="http://ns.example.com/mda#latitude">+18.0000</attribute>
        <attribute id="http://ns.example.com/mda#address"><x:Address>
          <x:Street>100 Nowhere Street</x:Street><x:Line>a</x:Line><x:Line>b</x:Line></x:Address></attribute>
        <children><id>urn:epc:id:sgln:9521234.00001.1</id><id>urn:epc:id:sgln:9521234.00001.2</id></children>
      </VocabularyElement>
      <VocabularyElement><attribute id="urn:x:a">x</attribute></VocabularyElement>
    </VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData></extension></EPCISHeader>
  <EPCISBody><EventList/></EPCISBody></epcis:EPCISDocument>"#;

fn fields(of: &MasterDataEntry) -> Vec<EntryAttribute> {
    let address = of.attributes.last().unwrap();
    assert_eq!(address.id, "http://ns.example.com/mda#address");
    match &address.value {
        EntryValue::Fields(fields) => fields.clone(),
        EntryValue::Text(text) => panic!("{text}"),
    }
}

#[test]
fn the_header_of_a_document_in_json_is_read() {
    let found = master_data(in_json().as_bytes()).unwrap();
    let found: Vec<MasterDataEntry> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found.len(), 3);
    let [dock, other, lamp] = &found[..] else {
        panic!("three")
    };
    assert_eq!(dock.id, "urn:epc:id:sgln:9521234.00001.0");
    let place = "$.epcisHeader.epcisMasterData.vocabularyList[0].vocabularyElementList[0]";
    assert_eq!(dock.place, place);
    assert_eq!(dock.types, ["urn:epcglobal:epcis:vtype:BusinessLocation"]);
    let first = [
        text("urn:epcglobal:cbv:mda#name", "Dock 7"),
        text("http://ns.example.com/mda#latitude", "+18.0000"),
    ];
    assert_eq!(dock.attributes[..2], first);
    let expected = [
        text("type", "Address"),
        text("http://ns.example.com/Street", "100 Nowhere Street"),
        text("http://ns.example.com/Line", "a"),
        text("http://ns.example.com/Line", "b"),
    ];
    assert_eq!(fields(dock), expected);
    let children = [
        "urn:epc:id:sgln:9521234.00001.1",
        "urn:epc:id:sgln:9521234.00001.2",
    ];
    assert_eq!(dock.children, children);
    let both = [
        "urn:epcglobal:epcis:vtype:ReadPoint",
        "urn:epcglobal:epcis:vtype:BusinessLocation",
    ];
    assert_eq!(other.types, both);
    let expected = [
        text("urn:epcglobal:cbv:mda#descriptionShort", "Lamp"),
        text("urn:epcglobal:cbv:mda#netContent", "1.50"),
    ];
    assert_eq!(lamp.attributes, expected);
    assert_eq!(lamp.types, ["urn:epcglobal:epcis:vtype:EPCClass"]);
}

/// The same says the same in both forms.
#[test]
fn the_header_of_a_document_in_xml_is_read() {
    let mut found = master_data(IN_XML.as_bytes()).unwrap();
    assert_eq!(found.len(), 2);
    let nameless = found.pop().unwrap().unwrap_err();
    assert_eq!(nameless.rule.code(), "missing-field");
    let dock = found.pop().unwrap().unwrap();
    let json = master_data(in_json().as_bytes())
        .unwrap()
        .remove(0)
        .unwrap();
    assert_eq!(
        (&dock.id, &dock.types, &dock.children),
        (&json.id, &json.types, &json.children)
    );
    assert_eq!(dock.attributes[..2], json.attributes[..2]);
    // The element inside is a field of its own.
    let [address] = &fields(&dock)[..] else {
        panic!("one element")
    };
    assert_eq!(address.id, "http://ns.example.com/Address");
    assert_eq!(
        address.value,
        EntryValue::Fields(fields(&json)[1..].to_vec())
    );
    assert!(dock.place.contains("VocabularyElement"), "{}", dock.place);
    // EPCIS 2.0 has no bracket around it.
    let second = IN_XML
        .replace("<extension>", "")
        .replace("</extension>", "")
        .replace("xsd:1", "xsd:2");
    assert_eq!(master_data(second.as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_document_without_master_data_has_none() {
    let event = br#"{"@context": [], "type": "ObjectEvent"}"#;
    assert_eq!(master_data(event), Ok(Vec::new()));
    for header in ["{}", r#"{"epcisMasterData": {}}"#] {
        assert_eq!(master_data(document(header).as_bytes()), Ok(Vec::new()));
    }
    let without = IN_XML.replace("EPCISMasterData", "other");
    assert_eq!(master_data(without.as_bytes()), Ok(Vec::new()));
}

#[test]
fn what_cannot_be_read_says_where_and_takes_nothing_else_with_it() {
    let list = |elements: &str| {
        document(&format!(
            r#"{{"epcisMasterData": {{"vocabularyList": [{{"vocabularyElementList": [{elements}]}}]}}}}"#
        ))
    };
    let rows = [
        ("7", "wrong-type", "[0]"),
        (r#"{"attributes": []}"#, "missing-field", "[0].id"),
        (r#"{"id": 7}"#, "wrong-type", "[0].id"),
        (
            r#"{"id": "urn:x:y", "attributes": {}}"#,
            "wrong-type",
            "[0].attributes",
        ),
        (
            r#"{"id": "urn:x:y", "attributes": [{"attribute": "x"}]}"#,
            "missing-field",
            "[0].attributes[0].id",
        ),
        (
            r#"{"id": "urn:x:y", "attributes": [{"id": "urn:x:a"}]}"#,
            "missing-field",
            "[0].attributes[0].attribute",
        ),
        (
            r#"{"id": "urn:x:y", "children": [7]}"#,
            "wrong-type",
            "[0].children[0]",
        ),
        (r#"{"id": "urn:x:y", "type": 7}"#, "wrong-type", "[0].type"),
    ];
    for (element, rule, path) in rows {
        let bytes = list(&format!(r#"{element}, {{"id": "urn:x:z"}}"#));
        let found = master_data(bytes.as_bytes()).unwrap();
        let wrong = found[0].as_ref().unwrap_err();
        assert_eq!(wrong.rule.code(), rule, "{element}");
        assert!(wrong.path.ends_with(path), "{element}: {}", wrong.path);
        assert!(found[1].is_ok(), "{element}");
    }
    let whole = document(r#"{"epcisMasterData": {"vocabularyList": {}}}"#);
    assert!(master_data(whole.as_bytes()).is_err());
    let mixed = IN_XML.replace("<x:Address>", "text<x:Address>");
    let found = master_data(mixed.as_bytes()).unwrap();
    let wrong = found[0].as_ref().unwrap_err();
    assert_eq!(wrong.rule.code(), "unexpected-content");
}
