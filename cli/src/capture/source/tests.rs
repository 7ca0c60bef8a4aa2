use touchstone_core::hash::sha256;

use super::*;

const LIMIT: u64 = 1 << 20;

fn event(step: &str) -> String {
    format!(
        "<ObjectEvent><eventTime>2026-03-01T08:30:00Z</eventTime>\
         <eventTimeZoneOffset>+00:00</eventTimeZoneOffset><epcList>\
         <epc>urn:epc:id:sscc:9521234.0000000015</epc></epcList><action>OBSERVE</action>\
         <bizStep>{step}</bizStep></ObjectEvent>"
    )
}

fn document(steps: &[&str]) -> String {
    let events: String = steps.iter().map(|step| event(step)).collect();
    format!(
        "<e:EPCISDocument xmlns:e=\"urn:epcglobal:epcis:xsd:2\" schemaVersion=\"2.0\" \
         creationDate=\"2026-03-01T09:00:00Z\"><EPCISBody><EventList>{events}</EventList>\
         </EPCISBody></e:EPCISDocument>"
    )
}

#[test]
fn xml_is_converted_and_names_the_file_it_is_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("despatch.xml");
    let xml = document(&[
        "shipping",
        "teleporting",
        "urn:epcglobal:cbv:bizstep:receiving",
    ]);
    std::fs::write(&file, &xml).unwrap();
    let digest = format!("ni:///sha-256;{}", hex::encode(sha256(xml.as_bytes())));
    // A folder gives the same as the file.
    for path in [file.clone(), folder.path().to_owned()] {
        let input = read(&[path], None, None, LIMIT).unwrap();
        assert!(input.bad.is_empty());
        let steps: Vec<Option<String>> = input
            .events
            .iter()
            .map(|event| {
                Event::parse(&event.bytes)
                    .ok()
                    .and_then(|event| event.biz_step)
            })
            .collect();
        assert_eq!(
            steps,
            [Some("shipping".into()), None, Some("receiving".into())]
        );
        for (index, event) in input.events.iter().enumerate() {
            assert_eq!(
                (event.index, event.file.as_str()),
                (index, file.to_str().unwrap())
            );
            let text = String::from_utf8_lossy(&event.bytes);
            assert_eq!(text.contains(&digest), index != 1, "{text}");
        }
        let refusal = input.events[1].wrong.as_ref().unwrap();
        assert_eq!(
            (refusal.code, refusal.rule.as_str()),
            (301, "unknown-biz-step")
        );
        assert!(
            refusal.message.contains("ObjectEvent[2]/bizStep"),
            "{}",
            refusal.message
        );
        assert_eq!(input.events[0].names.len(), 1);
    }
}

#[test]
fn xml_that_cannot_be_read_is_one_bad_document() {
    let mut input = CaptureInput::default();
    let xml = document(&["shipping"]);
    add(
        &mut input,
        "a.xml",
        format!("<!DOCTYPE a>{xml}").as_bytes(),
        LIMIT,
    );
    add(
        &mut input,
        "b.xml",
        xml.replace("</EPCISBody>", "").as_bytes(),
        LIMIT,
    );
    assert!(input.events.is_empty());
    let rules: Vec<&str> = input
        .bad
        .iter()
        .map(|bad| bad.refusal.rule.as_str())
        .collect();
    assert_eq!(rules, ["xml-doctype", "not-xml"]);
}
