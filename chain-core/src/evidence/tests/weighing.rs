//! What a reader is told to weigh, and the facts that the elements prove.

use super::*;
use crate::genesis::Document;
use crate::governance::change_keys::ESTABLISHED_AFTER_MS;
use crate::test_support::{change, genesis_document};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{Organisation, PutStanding, Standing};

/// One event by the market, in a consortium whose validators have these powers; 0 for none.
fn weighed(powers: [u64; 4]) -> Report {
    let mut document: Document = genesis_document();
    for (organisation, power) in document.organisations.iter_mut().zip(powers) {
        let node = &mut organisation.nodes[0];
        match power {
            0 => node.validator_key = None,
            _ => node.power = Some(power),
        }
    }
    let mut chain = Chain::from(&document);
    chain.capture(&[object(1, &[item(1)])]).unwrap();
    let evidence = collected(&chain, &Subject::Item(item(1)));
    examine(&seal(&evidence), &trusting(&chain))
}

/// Consensus is safe while those who would lie together have less than a third of the power.
#[test]
fn a_party_with_a_third_of_the_voting_power_is_a_reservation() {
    for (powers, expected) in [
        ([1, 1, 1, 1], Verdict::Verified),
        ([1, 1, 1, 0], Verdict::Reservations),
        ([0, 1, 1, 1], Verdict::Verified),
        // One of four validators, and more than a third of the power.
        ([2, 1, 1, 1], Verdict::Reservations),
        ([2, 2, 2, 1], Verdict::Verified),
        // One of four validators, and a tenth of the power.
        ([1, 3, 3, 3], Verdict::Verified),
    ] {
        let report = weighed(powers);
        assert_eq!(report.verdict, expected, "{powers:?}");
        let result = report.check(Element::Independence).unwrap().result;
        let weighs = result == CheckResult::Reservation;
        assert_eq!(weighs, expected == Verdict::Reservations, "{powers:?}");
    }
}

#[test]
fn the_facts_are_those_of_the_chain() {
    let (chain, id) = story();
    let evidence = collected(&chain, &Subject::Item(item(1)));
    let facts = examine(&seal(&evidence), &trusting(&chain)).facts;
    let parameters = genesis_document().parameters;
    let error_ms = parameters.precision_ms + parameters.message_delay_ms;
    assert_eq!(facts.time_error_ms, Some(error_ms));
    assert_eq!(facts.time_ms, Some(chain.time_ms));
    assert_eq!(facts.block_id, Some(chain.parent));
    assert_eq!(facts.chain_name.as_deref(), Some("test"));
    // As many signed as it takes, and nobody else.
    let signed = facts.validators.iter().filter(|v| v.signed).count();
    assert_eq!((signed, facts.validators.len()), (3, 4));
    let signers = &chain.certificate(chain.height).signatures;
    for validator in &facts.validators {
        let has = signers.iter().any(|s| s.public_key == validator.public_key);
        assert_eq!(validator.signed, has);
        let record: Organisation = chain
            .state
            .message(&crate::state::keys::organisation(&validator.organisation))
            .unwrap();
        assert_eq!(validator.name, record.name);
    }
    for action in &facts.transactions {
        let block = &chain.blocks[action.height as usize - 1];
        assert_eq!(action.time_ms, block.header.time_ms);
        let envelope = &block.transactions[action.index as usize];
        let id = transaction::id_of_envelope(&chain.id, envelope).unwrap();
        assert_eq!(action.id, id);
        assert_eq!(action.name, format!("The {}", action.organisation));
    }
    let design = collected(&chain, &Subject::Design(id));
    let deposit = examine(&seal(&design), &trusting(&chain)).facts.deposit;
    let deposit = deposit.unwrap();
    assert_eq!((deposit.id, deposit.recorded), (id, true));
    assert_eq!(deposit.owner_key, public(MAKER.1));
    assert_eq!(deposit.organisation, "maker");
    assert_eq!(deposit.time_ms, chain.blocks[1].header.time_ms);
}

/// What is said of a key that was retired or reported, in words that a reader sees.
#[test]
fn a_retired_key_is_told_of() {
    let mut chain = Chain::start();
    chain.capture(&[object(1, &[item(1)])]).unwrap();
    let of_unit = Subject::Item(item(1));
    let said = |chain: &Chain| {
        let report = examine(&seal(&collected(chain, &of_unit)), &trusting(chain));
        assert_verified(&report);
        let findings = &report.check(Element::Keys).unwrap().findings;
        let findings: Vec<_> = findings.iter().map(Finding::to_string).collect();
        findings.join("; ")
    };
    assert!(!said(&chain).contains("retired"));
    chain.run(MARKET, change_keys(&[60], &[1])).unwrap();
    let retired = format!(
        "was retired at height {}, where only keys remained",
        chain.height
    );
    assert!(said(&chain).contains(&retired), "{}", said(&chain));
    assert!(said(&chain).contains("that is contested; it signed before"));
    let mut rotated = Chain::start();
    rotated.capture(&[object(1, &[item(1)])]).unwrap();
    rotated.run(MARKET, change_keys(&[60], &[])).unwrap();
    rotated.time_ms += ESTABLISHED_AFTER_MS;
    rotated.run(MARKET, change_keys(&[], &[1])).unwrap();
    let retired = format!("was retired at height {}; it signed before", rotated.height);
    assert!(said(&rotated).contains(&retired), "{}", said(&rotated));
    let report = ChangeKeys {
        compromised: vec![Compromise {
            public_key: public(1).to_vec(),
            since_ms: chain.time_ms,
        }],
        ..ChangeKeys::default()
    };
    chain
        .run(("market", 60), Action::ChangeKeys(report))
        .unwrap();
    assert!(said(&chain).contains("reported compromised"));
    assert!(said(&chain).contains("is from before"));
}

/// What an organisation signed before it was suspended keeps its worth, and a reader hears of it.
#[test]
fn a_suspended_organisation_is_told_of() {
    let mut chain = Chain::start();
    chain.capture(&[object(1, &[item(1)])]).unwrap();
    let suspended = Kind::PutStanding(PutStanding {
        organisation: "market".into(),
        standing: Standing::Suspended as i32,
    });
    chain.approve(&[CARRIER, MAKER, OFFICE], &change(1, suspended));
    let subject = Subject::Item(item(1));
    let report = examine(&seal(&collected(&chain, &subject)), &trusting(&chain));
    assert_verified(&report);
    let findings = &report.check(Element::Keys).unwrap().findings;
    let told = format!("was suspended or removed at height {} by", chain.height);
    assert!(findings.iter().any(|f| f.to_string().contains(&told)));
}

/// What the owner disclosed on the ledger outweighs what the holder of a file writes into it.
#[test]
fn a_recorded_title_is_not_the_holders_to_change() {
    let (mut chain, id) = story();
    let title = "The chair";
    let action = DiscloseDesign {
        design_id: id.to_vec(),
        salt: SALT.to_vec(),
        file_hashes: files().iter().map(|f| f.to_vec()).collect(),
        title: title.into(),
        fingerprints: None,
        content: None,
    };
    chain.run(MAKER, Action::DiscloseDesign(action)).unwrap();
    let evidence = opened(collected(&chain, &Subject::Design(id)));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let deposit = report.facts.deposit.unwrap();
    assert_eq!(deposit.title.as_deref(), Some(title));
    assert!(deposit.title_is_recorded);
    assert_eq!(deposit.disclosed_ms, Some(chain.time_ms));
}

#[test]
fn nothing_can_be_opened_where_nothing_was_deposited() {
    let (chain, _) = story();
    let absent = collected(&chain, &Subject::Design([7; 32]));
    let report = examine(&seal(&opened(absent)), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::Opening));
}
