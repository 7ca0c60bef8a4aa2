//! Events are found by the master data of their places, as the state has it now.

use touchstone_core::governance::organisation;
use touchstone_core::state::{StateRead, decode_stored, keys};
use touchstone_proto::ledger::{
    ApproveChange, Change, MasterDataAttribute, Organisation, SetMasterData, VocabularyElement,
    change::Kind,
};

use super::*;

const DOCK: &str = "https://id.gs1.org/414/9521234000013";

impl Node {
    /// Registers a prefix with it.
    fn register(&mut self, prefix: &str) {
        let key = keys::organisation("platform");
        let value = self.http.service.parts.reader.snapshot().get(&key);
        let value = value.unwrap().unwrap();
        let mut record: Organisation = decode_stored(&key, &value).unwrap();
        assert!(organisation::check(&record).is_ok());
        record.gs1_prefixes = vec![prefix.to_owned()];
        let change = Some(Change {
            sequence: 0,
            kind: Some(Kind::PutOrganisation(record)),
        });
        self.act(Action::ApproveChange(ApproveChange { change }));
    }

    fn state(&mut self, version: u64, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(name, text)| MasterDataAttribute {
            id: format!("urn:epcglobal:cbv:mda#{name}"),
            text: (*text).to_owned(),
            fields: Vec::new(),
        });
        let element = VocabularyElement {
            id: DOCK.into(),
            version,
            types: vec!["urn:epcglobal:epcis:vtype:Location".into()],
            attributes: attributes.collect(),
            children: Vec::new(),
        };
        let elements = vec![element];
        self.act(Action::SetMasterData(SetMasterData { elements }));
    }
}

#[tokio::test]
async fn events_are_found_by_what_their_places_are() {
    let mut node = start();
    node.register("9521234");
    let at = |field: &str, gln: &str| {
        let place = format!(r#", "{field}": {{"id": "urn:epc:id:sgln:9521234.{gln}.0"}}"#);
        vec![event("urn:epc:id:sscc:9521234.0000000015", &place)]
    };
    let recorded = [
        at("readPoint", "00001"),
        at("readPoint", "00002"),
        at("bizLocation", "00001"),
        vec![event("urn:epc:id:sscc:9521234.0000000022", "")],
    ];
    assert_eq!(node.record(&recorded), 4);
    let asked = async |node: &Node, parameters: &str| {
        let found = node.all(&format!("/events?perPage=1&{parameters}")).await;
        found.len()
    };
    assert_eq!(asked(&node, "HASATTR_readPoint=cbvmda:city").await, 0);
    node.state(1, &[("city", "Shenzhen"), ("name", "Dock 1")]);
    for (parameters, count) in [
        ("HASATTR_readPoint=cbvmda:city", 1),
        ("HASATTR_readPoint=urn:epcglobal:cbv:mda:city|urn:x:y", 1),
        ("HASATTR_readPoint=city", 1),
        ("HASATTR_readPoint=urn:x:y", 0),
        ("HASATTR_bizLocation=city", 1),
        ("EQATTR_readPoint_cbvmda:city=Shenzhen", 1),
        ("EQATTR_readPoint_city=Hangzhou|Shenzhen", 1),
        ("EQATTR_readPoint_city=shenzhen", 0),
        ("EQATTR_readPoint_name=Shenzhen", 0),
        ("EQATTR_bizLocation_name=Dock%201&EQ_action=OBSERVE", 1),
        ("EQATTR_bizLocation_name=Dock%201&HASATTR_readPoint=city", 0),
        (
            "HASATTR_readPoint=city&EQ_readPoint=urn:epc:id:sgln:9521234.00002.0",
            0,
        ),
        (
            "HASATTR_readPoint=city&MATCH_epc=urn:epc:id:sscc:9521234.0000000015",
            1,
        ),
        ("HASATTR_readPoint=city&maxEventCount=1", 1),
    ] {
        assert_eq!(asked(&node, parameters).await, count, "{parameters}");
    }
    // The current version counts.
    node.state(2, &[("name", "Dock 1")]);
    assert_eq!(asked(&node, "HASATTR_readPoint=city").await, 0);
    assert_eq!(asked(&node, "HASATTR_readPoint=name").await, 1);
    for wrong in [
        "HASATTR_bizStep=city",
        "EQATTR_readPoint=city",
        "EQATTR_disposition_city=x",
        "HASATTR_readPoint=",
    ] {
        let refused = node.get(&format!("/events?{wrong}")).await;
        assert_eq!(refused.exception(), "QueryParameterException", "{wrong}");
    }
}
