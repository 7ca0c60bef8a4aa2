//! Every public document is accepted, or refused with its rule; and the demo's story holds.

use super::*;
use crate::test_support::documents;

pub(crate) mod draft;
mod mutated;
mod story;

#[test]
fn every_valid_document_is_accepted() {
    for (folder, extension, files, events) in [
        ("epcis/valid", "json", 38, 68),
        ("epcis/events", "json", 5, 5),
        ("epcis/query", "json", 9, 28),
        ("epcis-hash", "jsonld", 15, 34),
    ] {
        let documents = documents(folder, extension);
        let mut found = 0;
        for (name, bytes) in &documents {
            match split_document(bytes) {
                Ok(events) => found += events.len(),
                Err(error) => panic!("{folder}/{name}: {error}"),
            }
        }
        assert_eq!((documents.len(), found), (files, events), "{folder}");
    }
}

#[test]
fn every_invalid_document_is_refused_with_its_rule() {
    let expected = [
        (
            "Combination_of_events_with_missing_mandatory_fields.json",
            "[0].action",
            "missing-field",
        ),
        (
            "Combination_of_multiple_invalid_fields.json",
            "[0].bizStep",
            "unknown-biz-step",
        ),
        (
            "Combination_of_non_standard_bizStep_and_disposition.json",
            "[0].bizStep",
            "unknown-biz-step",
        ),
        (
            "EPCISDocument_without_context.json",
            "$.@context",
            "missing-context",
        ),
        (
            "ObjectEvent_with_ilmd_field_without_namespace.json",
            "[0].ilmd.materialType",
            "ilmd-without-namespace",
        ),
        (
            "ObjectEvent_with_invalid_action.json",
            "[0].action",
            "bad-action",
        ),
        // Certificates are named by URIs; this document has objects.
        (
            "ObjectEvent_with_invalid_certificationInfo.json",
            "[0].certificationInfo[0]",
            "wrong-type",
        ),
        (
            "ObjectEvent_with_invalid_eventTime_format.json",
            "[0].eventTime",
            "bad-time",
        ),
        (
            "ObjectEvent_with_non_standard_bizStep.json",
            "[0].bizStep",
            "unknown-biz-step",
        ),
        (
            "ObjectEvent_with_non_standard_bizStep_in_second_event.json",
            "[1].bizStep",
            "unknown-biz-step",
        ),
        (
            "ObjectEvent_with_non_standard_disposition.json",
            "[0].disposition",
            "unknown-disposition",
        ),
        (
            "ObjectEvent_with_quantity_as_text.json",
            "[0].quantityList[0].quantity",
            "wrong-type",
        ),
        (
            "ObjectEvent_with_unknown_field_in_quantityList.json",
            "[0].quantityList[0].weight",
            "unknown-field",
        ),
        (
            "ObjectEvent_without_action_and_eventTime.json",
            "[0].action",
            "missing-field",
        ),
        (
            "ObjectEvent_without_identifier_list.json",
            "[0]",
            "no-identifier",
        ),
    ];
    let found = documents("epcis/invalid", "json");
    assert_eq!(found.len(), expected.len());
    for ((name, bytes), (expected_name, path, code)) in found.iter().zip(expected) {
        let error = split_document(bytes).expect_err(name);
        let path = match path.starts_with('[') {
            true => format!("$.epcisBody.eventList{path}"),
            false => path.to_owned(),
        };
        let expected = (expected_name, path.as_str(), code);
        assert_eq!(
            (name.as_str(), error.path.as_str(), error.rule.code()),
            expected
        );
    }
}
