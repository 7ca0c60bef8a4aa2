//! The demo's import story keeps the rules, with its submitters and their company prefixes.

use super::authority::custody_of;
use super::*;
use crate::Hash;
use crate::custody::CustodyRejection;
use crate::evidence::Archive;
use crate::genesis::Organisation;
use crate::proof::item_history::{self, CompleteLink, Recorded};
use crate::test_support::{answer, key, offer};
use crate::trace::{Direction, Limits, Next, Walk};
use std::collections::BTreeMap;
use touchstone_proto::ledger::{Basis, DeclareProduct, Ending, LinkEntry, Outcome};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");

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

/// Records a story's documents as its `submitters.txt` says.
fn tell(chain: &mut Chain, story: &str) {
    let mut last: Option<Hash> = None;
    let folder = format!("{FOLDER}/{story}");
    let lines = std::fs::read_to_string(format!("{folder}/submitters.txt")).unwrap();
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let bytes = std::fs::read(format!("{folder}/{}", words[1])).unwrap();
        let events = touchstone_epcis::split_document(&bytes).unwrap();
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
            ["refused"] => {
                let refused = chain.run(who, capture(&events)).unwrap_err();
                assert!(
                    matches!(
                        refused,
                        Rejection::Custody(CustodyRejection::MassBalance { .. })
                    ),
                    "{refused}"
                );
            }
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
}

/// The complete link of a thing, as the chain keeps it.
fn link(chain: &Chain, id: &str) -> CompleteLink {
    let entries = chain.entries(&keys::item(id)).unwrap();
    let events = entries.iter().map(|bytes| {
        let entry: LinkEntry = crate::encoding::decode_exact(bytes).unwrap();
        let (height, index, event) = item_history::place(&entry);
        let envelope = chain.envelope(height, index).unwrap().unwrap();
        let events = crate::transaction::captured_events(&envelope).unwrap();
        Recorded::new(entry, events.unwrap().swap_remove(event as usize))
    });
    CompleteLink::new(id.to_owned(), u64::MAX, events.collect())
}

#[test]
fn the_recall_story_names_the_units_their_holders_and_where_they_are() {
    let mut chain = submitters();
    let declaration = Action::DeclareProduct(DeclareProduct {
        product: "https://id.gs1.org/01/09521001000031".into(),
        output: 9,
        input: 10,
        unit: "KGM".into(),
    });
    chain.run(("platform", 1), declaration).unwrap();
    tell(&mut chain, "recall-story");
    let raw = "https://id.gs1.org/01/09521001000024/10/AL-77";
    let limits = Limits {
        depth: 10,
        items: 100,
    };
    let mut walk = Walk::new(raw, Direction::Forward, limits);
    let mut links = BTreeMap::new();
    let mut found = Vec::new();
    loop {
        match walk.next(|id| links.get(id)).unwrap() {
            Next::Missing(id) => {
                links.insert(id.clone(), link(&chain, &id));
            }
            Next::Item(traced) => {
                let status = crate::custody::status(&chain.state, &traced.id, chain.time_ms);
                let holder = status.unwrap().holder().unwrap_or("nobody").to_owned();
                let key = traced.id.rsplit('/').next().unwrap().to_owned();
                let place = traced.seen.unwrap().place;
                let inside = traced.inside.len();
                found.push((key, holder, place, inside));
            }
            Next::End(end) => {
                assert!(end.is_complete());
                break;
            }
        }
    }
    let row = |key: &str, holder: &str, place: &str, inside| {
        let place = format!("https://id.gs1.org/414/{place}");
        (key.to_owned(), holder.to_owned(), place, inside)
    };
    let foundry = "9521001000208";
    let factory = "9521001000109";
    let port = "9521003000206";
    assert_eq!(
        found,
        [
            row("AL-77", "nobody", foundry, 0),
            row("C-1", "nobody", factory, 0),
            row("L-1001", "logistics-a", port, 1),
            row("L-1002", "logistics-a", port, 1),
            row("L-1003", "platform", factory, 0),
        ]
    );
    // 3 of the 9 kg of castings are left.
    let castings = record(&chain, "https://id.gs1.org/01/09521001000031/10/C-1");
    let [left] = castings.stock.unwrap().holdings.try_into().unwrap();
    assert_eq!(
        (left.organisation.as_str(), left.millionths),
        ("platform", 3_000_000)
    );
}

#[test]
fn the_import_story_keeps_the_rules_of_custody() {
    let mut chain = submitters();
    tell(&mut chain, "import-story");
    let lamp = |n: u64| format!("https://id.gs1.org/01/09521001000017/21/L-000{n}");
    let set = "https://id.gs1.org/01/09521002000016/21/SET-0001";
    // Each lamp's end, and who has it, as the story's README tells.
    let held = |id: &str| {
        let status = crate::custody::status(&chain.state, id, chain.time_ms).unwrap();
        let custody = status.custody.unwrap();
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
