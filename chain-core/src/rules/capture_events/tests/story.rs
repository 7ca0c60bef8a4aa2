//! The demo's import story keeps the rules, with its submitters and their company prefixes.

use super::authority::custody_of;
use super::*;
use crate::Hash;
use crate::genesis::Organisation;
use crate::test_support::{answer, key, offer};
use touchstone_proto::ledger::{Basis, Ending, Outcome};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/import-story");

/// The organisations as scripts/demo enrolls them, with the keys of the founders.
fn submitters() -> Chain {
    let mut document = genesis_document();
    let rows: [(&str, &[&str], &[&str]); 4] = [
        (
            "platform",
            &["platform", "manufacturer", "retail"],
            &["9521001", "9521002"],
        ),
        ("logistics-a", &["logistics"], &["9521003"]),
        ("logistics-b", &["logistics"], &["9521004"]),
        (
            "ip-office",
            &["ip-office", "customs", "laboratory"],
            &["9521005"],
        ),
    ];
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    for (organisation, (id, roles, prefixes)) in document.organisations.iter_mut().zip(rows) {
        *organisation = Organisation {
            id: id.to_owned(),
            roles: owned(roles),
            gs1_prefixes: owned(prefixes),
            ..organisation.clone()
        };
    }
    Chain::from(&document)
}

fn ending_of(chain: &Chain, id: &str) -> Option<Ending> {
    record(chain, id).ended.map(|end| end.how())
}

#[test]
fn the_import_story_keeps_the_rules_of_custody() {
    let mut chain = submitters();
    let mut last: Option<Hash> = None;
    let lines = std::fs::read_to_string(format!("{FOLDER}/submitters.txt")).unwrap();
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let bytes = std::fs::read(format!("{FOLDER}/{}", words[1])).unwrap();
        let events = crate::epcis::split_document(&bytes).unwrap();
        let seeds = [
            ("platform", 1),
            ("logistics-a", 2),
            ("logistics-b", 3),
            ("ip-office", 4),
        ];
        let who = *seeds.iter().find(|(id, _)| *id == words[0]).unwrap();
        assert_eq!(key(who.1).to_bytes(), [who.1; 32]);
        match words[2..] {
            [] => chain.run(who, capture(&events)).unwrap(),
            ["offer", to] => {
                let offered = offer(to, chain.time_ms + 604_800_000, &events);
                last = Some(chain.run_for_id(who, offered).unwrap());
            }
            ["accept"] => {
                let accepted = answer(&last.take().unwrap(), Outcome::Accepted, "", &events);
                chain.run(who, accepted).unwrap();
            }
            _ => panic!("{line}"),
        }
    }
    let lamp = |n: u64| format!("https://id.gs1.org/01/09521001000017/21/L-000{n}");
    let set = "https://id.gs1.org/01/09521002000016/21/SET-0001";
    // Each lamp's end, and who has it, as the story's README tells.
    let held = |id: &str| {
        let standing = crate::rules::standing(&chain.state, id, chain.time_ms).unwrap();
        let custody = standing.custody.unwrap();
        (custody.holder.clone(), custody.basis())
    };
    let logistics = ("logistics-b".to_owned(), Basis::Handover);
    let platform = ("platform".to_owned(), Basis::Handover);
    for n in [1, 2, 3] {
        assert_eq!(
            (held(&lamp(n)), ending_of(&chain, &lamp(n))),
            (logistics.clone(), None)
        );
    }
    assert_eq!(
        (held(&lamp(4)), ending_of(&chain, &lamp(4))),
        (platform.clone(), Some(Ending::Sold))
    );
    for n in [5, 6] {
        let found = (held(&lamp(n)), ending_of(&chain, &lamp(n)));
        assert_eq!(found, (platform.clone(), Some(Ending::Consumed)));
    }
    assert_eq!(
        custody_of(&chain, set),
        Some(("platform".into(), Basis::Prefix))
    );
}
