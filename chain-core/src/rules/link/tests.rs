use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, DesignFile, DiscloseDesign, Item, LinkEntry};
use touchstone_proto::node::LinkedEvent;

use super::*;
use crate::designs::design;
use crate::hash;
use crate::proof::link::EMPTY_HEAD;
use crate::proof::page::{self, LinkRead, Page};
use crate::test_support::{Chain, MAKER, item, object, public};

/// The heads that the state holds of one link are those after each 256th entry, and right.
fn assert_heads(chain: &Chain, owner: &[u8], link: &Link) {
    let entries = chain.entries_between(owner, 0, link.count).unwrap();
    let mut head = EMPTY_HEAD;
    for (n, entry) in (1..).zip(&entries) {
        head = extend(&head, entry);
        let kept = chain.state.values.get(&keys::link_head(owner, n));
        let expected = (n % 256 == 0).then(|| head.to_vec());
        assert_eq!(kept, expected.as_ref(), "after {n}");
    }
    assert_eq!(link.head, head);
}

#[test]
fn an_items_pages_are_proven_from_what_captures_write() {
    let mut chain = Chain::start();
    let events: Vec<Vec<u8>> = (0..520).map(|n| object(n, &[item(1)])).collect();
    for some in events.chunks(130) {
        chain.capture(some).unwrap();
    }
    let owner = keys::item(&item(1));
    let record: Item = chain.state.message(&owner).unwrap();
    let link = record.link.unwrap();
    assert_eq!(link.count, 520);
    assert_heads(&chain, &owner, &link);
    let root = chain.blocks.last().unwrap().header.state_root;
    for (from, to) in [(0, 520), (0, 256), (256, 512), (512, 520), (100, 300)] {
        let entries = chain.entries_between(&owner, from, to).unwrap();
        let page = entries.into_iter().zip(&events[from as usize..]);
        let page: Vec<LinkedEvent> = page
            .map(|(entry, event)| LinkedEvent {
                entry,
                event: event.clone(),
            })
            .collect();
        let proof = page::prove(&chain, &owner, from, to, link.count).unwrap();
        let entries: Vec<LinkEntry> =
            page::verify(&root, &owner, &link, from, &page, &proof).unwrap();
        assert_eq!(
            entries[0].content_hash,
            hash::sha256(&events[from as usize])
        );
    }
}

#[test]
fn a_files_pages_are_proven_from_what_disclosures_write() {
    let mut chain = Chain::start();
    let file = [7; 32];
    let (mut deposits, mut disclosures) = (Vec::new(), Vec::new());
    for n in 0..300u64 {
        let salt = hash::sha256(&n.to_be_bytes());
        let root = design::file_root(&[file]);
        let commitment = design::commitment(&chain.id, &public(3), &salt, &root);
        let deposit = Action::DepositDesign(DepositDesign {
            commitment: commitment.to_vec(),
        });
        deposits.push(chain.sign_at(MAKER, n, deposit));
        let disclose = Action::DiscloseDesign(DiscloseDesign {
            design_id: design::id(&public(3), &commitment).to_vec(),
            salt: salt.to_vec(),
            file_hashes: vec![file.to_vec()],
            title: String::new(),
            fingerprints: None,
            content: None,
        });
        disclosures.push(chain.sign_at(MAKER, n, disclose));
    }
    assert_eq!(chain.commit(&deposits).applied.len(), 300);
    assert_eq!(chain.commit(&disclosures).applied.len(), 300);
    let owner = keys::design_file(&file);
    let record: DesignFile = chain.state.message(&owner).unwrap();
    let link = record.link.unwrap();
    assert_heads(&chain, &owner, &link);
    let root = chain.blocks.last().unwrap().header.state_root;
    let entries = chain.entries_between(&owner, 250, 260).unwrap();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    let proof = page::prove(&chain, &owner, 250, 260, 300).unwrap();
    let page = Page {
        from: 250,
        entries: &entries,
        proof: &proof,
    };
    let proven = page::verify_entries(&root, &owner, &link, &page);
    assert_eq!(proven.map(|e| e.len()), Ok(10));
}
