use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

mod refusals;

use refusals::check;

const SSCC: &str = "https://id.gs1.org/00/095212340000000150";
const UNIT: &str = "urn:epc:id:sgtin:9521141.001234.A";
const BATCH: &str = "urn:epc:class:lgtin:9521141.001234.L";
const CANONICAL_UNIT: &str = "https://id.gs1.org/01/09521141012345/21/A";
const CANONICAL_BATCH: &str = "https://id.gs1.org/01/09521141012345/10/L";

fn base(kind: &str) -> Json {
    json!({
        "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "type": kind,
        "eventTime": "2026-03-01T08:30:00.250+08:00",
        "eventTimeZoneOffset": "+08:00",
    })
}

fn with(mut event: Json, fields: Json) -> Json {
    for (name, value) in fields.as_object().unwrap() {
        match value {
            // A null in a test removes the field.
            Json::Null => drop(event.as_object_mut().unwrap().remove(name)),
            value => event[name] = value.clone(),
        }
    }
    event
}

fn object() -> Json {
    with(
        base("ObjectEvent"),
        json!({"action": "OBSERVE", "epcList": [UNIT]}),
    )
}

fn aggregation() -> Json {
    let fields = json!({"action": "ADD", "parentID": SSCC, "childEPCs": [UNIT]});
    with(base("AggregationEvent"), fields)
}

fn transaction() -> Json {
    let orders = json!([{"type": "po", "bizTransaction": "urn:x:po"}]);
    let fields = json!({"action": "ADD", "epcList": [UNIT], "bizTransactionList": orders});
    with(base("TransactionEvent"), fields)
}

fn transformation() -> Json {
    let fields = json!({"inputEPCList": [SSCC], "outputEPCList": [UNIT]});
    with(base("TransformationEvent"), fields)
}

fn parse(event: &Json) -> Result<Event, EpcisError> {
    Event::parse(event.to_string().as_bytes())
}

fn good(event: Json) -> Event {
    parse(&event).unwrap_or_else(|error| panic!("{error}: {event}"))
}

fn items(event: Json) -> Vec<String> {
    good(event)
        .items()
        .iter()
        .map(|item| item.to_string())
        .collect()
}

#[test]
fn an_event_is_read_into_its_noun() {
    let fields = json!({
        "action": "ADD",
        "eventID": "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
        "bizStep": "urn:epcglobal:cbv:bizstep:receiving",
        "disposition": "https://ref.gs1.org/cbv/Disp-in_progress",
        "readPoint": {"id": "urn:epc:id:sgln:9521141.01234.7"},
        "bizLocation": {"id": "https://example.com/gate"},
        "epcList": [UNIT, SSCC, "https://shop.example/01/09521141012345/21/A"],
        "quantityList": [{"epcClass": BATCH, "uom": "KGM"}],
        "errorDeclaration": {
            "declarationTime": "2026-03-02T00:00:00Z", "reason": "cbv:ER-incorrect_data",
            "correctiveEventIDs": ["urn:x:1", "urn:x:2"],
        },
        "sourceList": [{"type": "cbv:SDT-owning_party", "source": "urn:epc:id:pgln:9521141.01234"}],
        "destinationList": [
            {"type": "possessing_party", "destination": "https://example.com/buyer"},
            {"type": "urn:x:berth", "destination": "urn:epc:id:sgln:9521141.01234.7"},
        ],
        "ilmd": {"x:lot": "L"},
    });
    let text = with(object(), fields).to_string();
    let text = text.replace(r#""uom":"KGM""#, r#""uom":"KGM","quantity":200.50"#);
    let event = Event::parse(text.as_bytes()).unwrap();
    let id = |text| Identifier::parse(text).unwrap();
    let expected = Event {
        event_type: EventType::Object,
        time_ms: 1_772_325_000_250,
        time_zone_offset: "+08:00".into(),
        action: Some(Action::Add),
        biz_step: Some("receiving".into()),
        disposition: Some("in_progress".into()),
        read_point: Some(id("https://id.gs1.org/414/9521141012345/254/7")),
        biz_location: Some(id("https://example.com/gate")),
        parent: None,
        children: vec![],
        objects: vec![id(CANONICAL_UNIT), id(SSCC)],
        inputs: vec![],
        outputs: vec![],
        classes: vec![Quantity {
            role: QuantityRole::Object,
            class: id(CANONICAL_BATCH),
            quantity: Some("200.50".into()),
            unit: Some("KGM".into()),
        }],
        sources: vec![SourceOrDestination {
            kind: "owning_party".into(),
            id: id("https://id.gs1.org/417/9521141012345"),
        }],
        destinations: vec![
            SourceOrDestination {
                kind: "possessing_party".into(),
                id: id("https://example.com/buyer"),
            },
            SourceOrDestination {
                kind: "urn:x:berth".into(),
                id: id("https://id.gs1.org/414/9521141012345/254/7"),
            },
        ],
        error_declaration: Some(ErrorDeclaration {
            declaration_time_ms: 1_772_409_600_000,
            reason: Some("incorrect_data".into()),
            corrective_event_ids: vec!["urn:x:1".into(), "urn:x:2".into()],
        }),
        event_id: Some("urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8".into()),
    };
    assert_eq!(event, expected);
}

#[test]
fn an_event_belongs_to_all_that_it_names() {
    let quantity = json!([{"epcClass": BATCH, "quantity": 3}]);
    assert_eq!(items(object()), [CANONICAL_UNIT]);
    assert_eq!(items(aggregation()), [SSCC, CANONICAL_UNIT]);
    let by_quantity = json!({"childEPCs": null, "childQuantityList": quantity});
    assert_eq!(
        items(with(aggregation(), by_quantity)),
        [SSCC, CANONICAL_BATCH]
    );
    let with_parent = json!({"parentID": SSCC});
    assert_eq!(
        items(with(transaction(), with_parent)),
        [SSCC, CANONICAL_UNIT]
    );
    let quantities = json!({"inputQuantityList": quantity, "outputQuantityList": quantity});
    let all = [SSCC, CANONICAL_BATCH, CANONICAL_UNIT];
    assert_eq!(items(with(transformation(), quantities)), all);
    let association = json!({"type": "AssociationEvent"});
    assert_eq!(
        items(with(aggregation(), association)),
        [SSCC, CANONICAL_UNIT]
    );
}

/// EPCIS 2.0 §7.4.2: a sensor may report on a place. The place's history holds the report; when
/// things are named, the place's doesn't.
/// Lists are short or long; a thing that is named in both its forms is one.
#[test]
fn a_list_holds_each_thing_once_in_the_order_of_the_event() {
    for count in [1, 4, 5, 30] {
        let form = |number: usize, form: &str| format!("{form}{}", count - number);
        let links = (0..count).map(|n| form(n, "https://id.gs1.org/01/09521141012345/21/"));
        let links: Vec<String> = links.collect();
        let urns = (0..count).map(|n| form(n, "urn:epc:id:sgtin:9521141.001234."));
        let named: Vec<String> = links.iter().cloned().chain(urns).collect();
        let event = good(with(object(), json!({ "epcList": named })));
        let objects: Vec<&str> = event.objects.iter().map(Identifier::as_str).collect();
        assert_eq!(objects, links, "{count}");
    }
}

#[test]
fn a_report_about_a_place_belongs_to_the_place() {
    let report = json!([{"sensorReport": [{"type": "Temperature", "value": 4.5}]}]);
    let place = json!({"id": "urn:epc:id:sgln:9521141.01234.0"});
    let fields = json!({"epcList": [], "sensorElementList": report, "readPoint": place});
    assert_eq!(
        items(with(object(), fields)),
        ["https://id.gs1.org/414/9521141012345"]
    );
    assert_eq!(
        items(with(object(), json!({"readPoint": place}))),
        [CANONICAL_UNIT]
    );
    for missing in ["sensorElementList", "readPoint"] {
        let mut event = with(object(), fields_without(&report, &place, missing));
        event["epcList"] = json!([]);
        check(event, "$", "no-identifier");
    }
}

fn fields_without(report: &Json, place: &Json, missing: &str) -> Json {
    with(
        json!({"sensorElementList": report, "readPoint": place}),
        json!({missing: null}),
    )
}

#[test]
fn what_the_standard_allows_is_accepted() {
    let no_children = json!({"action": "DELETE", "childEPCs": null});
    let unseen_parent = json!({"action": "OBSERVE", "parentID": null});
    let in_parts = json!({"inputEPCList": null, "transformationID": "urn:x:t"});
    for event in [
        with(aggregation(), no_children.clone()),
        with(
            aggregation(),
            with(no_children, json!({"type": "AssociationEvent"})),
        ),
        with(aggregation(), unseen_parent),
        with(transformation(), in_parts),
        with(transformation(), json!({"ilmd": {"x:lot": "L"}})),
        with(
            object(),
            json!({"certificationInfo": ["urn:x:1", "urn:x:2"]}),
        ),
        with(object(), json!({"bizStep": "https://example.com/step"})),
        with(object(), json!({"bizStep": "example:step"})),
        with(
            object(),
            json!({"x:any": {"@type": null, "deep": [1, {"a": []}]}}),
        ),
        with(
            object(),
            json!({"persistentDisposition": {"set": ["cbv:Disp-recalled"]}}),
        ),
    ] {
        good(event);
    }
}

#[test]
fn a_message_stays_small_whatever_was_sent() {
    let long = "é".repeat(100_000);
    let mut deep = json!(1e300);
    for _ in 0..MAX_EVENT_DEPTH {
        deep = json!({"\u{202e}".repeat(1000): deep});
    }
    for event in [
        with(object(), json!({"bizStep": long})),
        with(object(), json!({"epcList": [long]})),
        with(object(), json!({"type": long})),
        with(object(), json!({long.as_str(): 1})),
        with(object(), json!({"x:a": deep})),
        with(object(), json!({"a\nb": 1})),
    ] {
        let message = parse(&event).expect_err("refused").to_string();
        assert!(message.len() < 4000 && !message.contains('\n'), "{message}");
    }
}

#[test]
fn an_event_has_a_greatest_size() {
    let mut bytes = object().to_string().into_bytes();
    bytes.resize(MAX_EVENT_BYTES, b' ');
    assert!(Event::parse(&bytes).is_ok());
    bytes.push(b' ');
    let error = Event::parse(&bytes).unwrap_err();
    assert_eq!((error.path.as_str(), error.rule.code()), ("$", "too-large"));
}

proptest! {
    /// Bytes may be broken anywhere: the answer is an event or a rule.
    #[test]
    fn broken_bytes_are_read_or_refused(
        kind in 0usize..4, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let event = [object(), aggregation(), transaction(), transformation()][kind].clone();
        let mut bytes = event.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        match Event::parse(&bytes) {
            Ok(event) => prop_assert!(!event.items().is_empty()),
            Err(error) => prop_assert!(error.path.starts_with('$')),
        }
    }
}
