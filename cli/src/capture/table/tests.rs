use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use touchstone_epcis::Event;

use super::*;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/data/csv")
        .join(name)
}

/// The events of a table with a mapping, or what is said of them.
fn read(table: &str, mapping: &str) -> Result<Vec<TableEvent>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (table_path, path) = (folder.path().join("t.csv"), folder.path().join("m.toml"));
    fs::write(&table_path, table).unwrap();
    fs::write(&path, mapping).unwrap();
    let mapping = Mapping::read(&path).map_err(|f| f.to_string())?;
    let read = events(&table_path, &mapping, None).map_err(|f| f.to_string())?;
    match read.events.iter().find_map(|event| event.wrong.clone()) {
        Some(wrong) => Err(wrong),
        None => Ok(read.events),
    }
}

const SIMPLE: &str = r#"
[event]
type = { value = "ObjectEvent" }
action = { value = "OBSERVE" }
eventTime = { column = "Time" }
epcList = { column = "Thing" }
bizStep = { column = "Step" }
"#;

#[test]
fn the_example_becomes_events() {
    let mapping = Mapping::read(&example("deliveries.toml")).unwrap();
    let events = events(&example("deliveries.csv"), &mapping, None)
        .unwrap()
        .events;
    let parsed: Vec<Event> = events
        .iter()
        .map(|e| Event::parse(&e.bytes).unwrap())
        .collect();
    let steps: Vec<_> = parsed
        .iter()
        .map(|e| e.biz_step.as_deref().unwrap())
        .collect();
    assert_eq!(steps, ["shipping", "receiving", "shipping"]);
    let things: Vec<Vec<&str>> = parsed
        .iter()
        .map(|e| {
            e.objects
                .iter()
                .map(|o| o.as_str().rsplit('/').next().unwrap())
                .collect()
        })
        .collect();
    assert_eq!(things, [vec!["A1", "A2", "A3"], vec!["B1%2F2"], vec!["C1"]]);
    let zones: Vec<_> = parsed.iter().map(|e| e.time_zone_offset.as_str()).collect();
    assert_eq!(zones, ["+01:00", "+01:00", "+08:00"]);
    let first: Value = serde_json::from_slice(&events[0].bytes).unwrap();
    let orders = first["bizTransactionList"].as_array().unwrap();
    assert_eq!(orders.len(), 2);
    assert_eq!(
        orders[1]["bizTransaction"],
        "https://acme.example/orders/PO-78"
    );
    assert_eq!(first["eventTime"], "2026-03-02T09:30:00+01:00");
    assert_eq!(first["acme:delivery"], "D-1");
    assert_eq!(first["destinationList"].as_array().unwrap().len(), 1);
    let last: Value = serde_json::from_slice(&events[2].bytes).unwrap();
    assert_eq!(
        (&last["destinationList"], &last["bizTransactionList"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn quantities_have_a_class_a_number_and_a_unit() {
    let mapping = r#"
        [event]
        type = { value = "ObjectEvent" }
        action = { value = "ADD" }
        eventTime = { value = "2026-03-01T08:30:00Z" }
        [quantities.quantityList]
        class = { column = "Lot", form = "https://id.gs1.org/01/09521234500018/10/{}" }
        quantity = { column = "Kg" }
        unit = { value = "KGM" }
    "#;
    let events = read("Lot,Kg\nL1,12.50\n", mapping).unwrap();
    let event = Event::parse(&events[0].bytes).unwrap();
    assert_eq!(event.classes[0].unit.as_deref(), Some("KGM"));
    assert_eq!(event.time_zone_offset, "+00:00");
    let refused = read("Lot,Kg\nL1,many\n", mapping).unwrap_err();
    assert!(
        refused.contains(r#"row 2, column "Kg": "many" is no number"#),
        "{refused}"
    );
}

#[test]
fn one_cell_may_hold_several_values() {
    let mapping = SIMPLE.replace("\"Thing\"", "\"Thing\", split = \" \"");
    let table = "Time,Thing,Step\n2026-03-01T08:30:00Z,urn:x:1  urn:x:2,shipping\n";
    let events = read(table, &mapping).unwrap();
    assert_eq!(Event::parse(&events[0].bytes).unwrap().objects.len(), 2);
}

/// What a scanner types into a spreadsheet is an identifier; an event holds its Digital Link.
#[test]
fn cells_take_what_scanners_give() {
    let mapping = r#"
        [event]
        type = { value = "ObjectEvent" }
        action = { value = "OBSERVE" }
        eventTime = { value = "2026-03-01T08:30:00Z" }
        epcList = { column = "Thing" }
        readPoint = { column = "Dock" }
        [quantities.quantityList]
        class = { column = "Class" }
    "#;
    for (thing, dock, class) in [
        (
            "(01)09521234500018(21)A1",
            "9521234000013",
            "09521234500018",
        ),
        (
            "]d2010952123450001821A1",
            "(414)9521234000013",
            "9521234500018",
        ),
        (
            "010952123450001821A1",
            "4149521234000013",
            "(01)09521234500018",
        ),
        (
            "https://id.gs1.org/01/09521234500018/21/A1",
            "urn:epc:id:sgln:9521234.00001.0",
            "urn:epc:idpat:sgtin:9521234.050001.*",
        ),
    ] {
        let table = format!("Thing,Dock,Class\n{thing},{dock},{class}\n");
        let events = read(&table, mapping).unwrap();
        let event = Event::parse(&events[0].bytes).unwrap();
        let lamp = "https://id.gs1.org/01/09521234500018";
        assert_eq!(
            event.objects[0].as_str(),
            format!("{lamp}/21/A1"),
            "{thing}"
        );
        assert_eq!(event.classes[0].class.as_str(), lamp, "{class}");
        let place = event.read_point.unwrap();
        assert_eq!(
            place.as_str(),
            "https://id.gs1.org/414/9521234000013",
            "{dock}"
        );
    }
    // A wrong check digit is no identifier: the refusal names it.
    let events = read("Thing,Dock,Class\n(01)09521234500017(21)A1,,\n", mapping).unwrap();
    let refused = Event::parse(&events[0].bytes).unwrap_err().to_string();
    assert!(refused.contains("(01)09521234500017(21)A1"), "{refused}");
}

#[test]
fn what_is_wrong_names_its_row_and_column() {
    let grouped = format!("group_by = [\"Step\"]\n{SIMPLE}");
    let words = SIMPLE.replace("\"Step\"", "\"Step\", words = { out = \"shipping\" }");
    let ok = "2026-03-01T08:30:00Z,urn:x:1,shipping";
    let table = |rows: &str| format!("\u{feff}Time,Thing,Step\n{rows}\n");
    let longer = format!("{ok}\n{ok},more");
    let later = format!("{ok}\n2026-03-01T08:31:00Z,urn:x:1,shipping");
    for (rows, mapping, says) in [
        (
            "yesterday,urn:x:1,shipping",
            SIMPLE,
            r#"row 2, column "Time": "yesterday" is no time"#,
        ),
        (
            "2026-03-01 08:30,urn:x:1,shipping",
            SIMPLE,
            r#"row 2, column "Time""#,
        ),
        (longer.as_str(), SIMPLE, "line: 3"),
        (
            later.as_str(),
            grouped.as_str(),
            r#"row 3, column "Time": eventTime is "2026-03-01T08:31:00Z""#,
        ),
        (
            "2026-03-01T08:30:00Z,urn:x:1,",
            grouped.as_str(),
            r#"row 2, column "Step": is empty"#,
        ),
        (
            ok,
            words.as_str(),
            r#"row 2, column "Step": "shipping" isn't among the words"#,
        ),
    ] {
        let refused = read(&table(rows), mapping).unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    let missing = read("Time,Step\n", SIMPLE).unwrap_err();
    assert!(
        missing.contains(r#"row 1 has no column "Thing""#),
        "{missing}"
    );
    let twice = read("Time,Time,Thing,Step\n", SIMPLE).unwrap_err();
    assert!(twice.contains(r#"two columns "Time""#), "{twice}");
    // What is EPCIS's to refuse is told with the column that fills the field.
    for (rows, place) in [
        (
            "2026-03-01T08:30:00Z,urn:x:1,flying",
            "row 2, column \"Step\"",
        ),
        (
            "2026-03-01T08:30:00Z,no URI,shipping",
            "row 2, column \"Thing\"",
        ),
        ("2026-03-01T08:30:00Z,,shipping", "row 2"),
    ] {
        let events = read(&table(rows), SIMPLE).unwrap();
        assert!(Event::parse(&events[0].bytes).is_err());
        assert_eq!(events[0].place, place);
    }
}

#[test]
fn what_is_no_mapping_is_refused() {
    for (mapping, says) in [
        (
            "[event]\ncolour = { value = \"red\" }",
            "has no field \"colour\"",
        ),
        (
            "[event]\n\"a:b\" = { value = \"red\" }",
            "has no field \"a:b\"",
        ),
        ("[event]\ntype = {}", "needs a column or a value"),
        (
            "[event]\ntype = { column = \"a\", value = \"b\" }",
            "and not both",
        ),
        (
            "[event]\ntype = { value = \"b\", form = \"x\" }",
            "has no {}",
        ),
        (
            "[event]\neventTime = { column = \"b\", zone = \"CET\" }",
            "no offset such as",
        ),
        (
            "[event]\n[quantities.things]\nclass = { value = \"x\" }",
            "has no list \"things\"",
        ),
        ("separator = \"§\"\n[event]", "one ASCII character"),
        ("colour = 1\n[event]", "unknown field"),
    ] {
        let refused = read("a\n", mapping).unwrap_err();
        assert!(refused.contains(says), "{mapping}: {refused}");
    }
}

/// Each row that can't be read is told of, and spoils no other event.
#[test]
fn all_that_is_wrong_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (table, path) = (folder.path().join("t.csv"), folder.path().join("m.toml"));
    let rows = "Time,Thing,Step\n\
                yesterday,urn:x:1,shipping\n\
                2026-03-01T08:30:00Z,urn:x:2,shipping\n\
                2026-03-01T08:30:00Z,urn:x:3,shipping,more\n\
                tomorrow,urn:x:4,shipping\n";
    fs::write(&table, rows).unwrap();
    fs::write(&path, SIMPLE).unwrap();
    let mapping = Mapping::read(&path).unwrap();
    let read = events(&table, &mapping, None).unwrap();
    let wrong: Vec<bool> = read.events.iter().map(|e| e.wrong.is_some()).collect();
    assert_eq!(wrong, [true, false, true, true]);
    let words: Vec<String> = read.events.into_iter().filter_map(|e| e.wrong).collect();
    for (word, says) in words
        .iter()
        .zip(["row 2, column \"Time\"", "line: 4", "row 5"])
    {
        assert!(word.contains(says), "{word}");
    }
}

#[test]
fn a_table_is_read_in_the_encoding_of_its_spreadsheet() {
    let folder = tempfile::tempdir().unwrap();
    let (table, path) = (folder.path().join("t.csv"), folder.path().join("m.toml"));
    let text = "时间,货物,步骤\n2026-03-01T08:30:00Z,urn:x:1,发货\n";
    fs::write(&table, encoding_rs::GB18030.encode(text).0).unwrap();
    let words = SIMPLE
        .replace("\"Time\"", "\"时间\"")
        .replace("\"Thing\"", "\"货物\"")
        .replace("\"Step\"", "\"步骤\", words = { \"发货\" = \"shipping\" }");
    fs::write(&path, words).unwrap();
    let mapping = Mapping::read(&path).unwrap();
    for named in [None, Some("gb18030")] {
        let read = events(&table, &mapping, named).unwrap();
        assert_eq!(read.encoding, "gb18030");
        let event = Event::parse(&read.events[0].bytes).unwrap();
        assert_eq!(event.biz_step.as_deref(), Some("shipping"));
    }
    let refused = events(&table, &mapping, Some("utf-16le")).unwrap_err();
    assert!(
        refused.to_string().contains("nothing was sent"),
        "{refused}"
    );
}
