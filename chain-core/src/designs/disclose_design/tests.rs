use super::*;
use crate::designs::DesignRejection;
use crate::designs::field::FieldName;
use crate::proof;
use crate::rejection::Rejection;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, change_keys, public};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DepositDesign, DesignContent, DesignView, LinkEntry};

const SALT: [u8; 32] = [9; 32];

fn files() -> Vec<Vec<u8>> {
    vec![vec![1; 32], vec![2; 32], vec![1; 32]]
}

fn commitment(chain: &Chain, owner: u8, salt: [u8; 32], files: &[Vec<u8>]) -> Hash {
    let files: Vec<Hash> = files
        .iter()
        .map(|f| f.as_slice().try_into().unwrap())
        .collect();
    design::commitment(&chain.id, &public(owner), &salt, &design::file_root(&files))
}

fn deposit(commitment: Hash) -> Action {
    Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    })
}

fn opening(id: Hash) -> DiscloseDesign {
    DiscloseDesign {
        design_id: id.to_vec(),
        salt: SALT.to_vec(),
        file_hashes: files(),
        title: "A chair".into(),
        fingerprints: None,
        content: None,
    }
}

/// A chain with the maker's deposit, and its id.
fn deposited() -> (Chain, Hash) {
    let mut chain = Chain::start();
    let commitment = commitment(&chain, 3, SALT, &files());
    chain.run(MAKER, deposit(commitment)).unwrap();
    let id = design::id(&public(3), &commitment);
    (chain, id)
}

#[test]
fn a_disclosure_is_recorded_and_found_by_each_file() {
    let (mut chain, id) = deposited();
    chain
        .run(MAKER, Action::DiscloseDesign(opening(id)))
        .unwrap();
    let record: Design = chain.state.message(&keys::design(&id)).unwrap();
    assert_eq!(
        record.disclosure,
        Some(Disclosure {
            salt: SALT.to_vec(),
            file_hashes: files(),
            title: "A chair".into(),
            time_ms: chain.time_ms,
            height: 2,
            content: None,
        })
    );
    for file in [[1; 32], [2; 32]] {
        let key = keys::design_file(&file);
        let link = chain
            .state
            .message::<DesignFile>(&key)
            .unwrap()
            .link
            .unwrap();
        let entries: Vec<&[u8]> = chain
            .state
            .links
            .iter()
            .filter(|row| row.owner == key)
            .map(|row| row.entry.as_slice())
            .collect();
        let entries: Vec<LinkEntry> = proof::link::verify_entries(&link, &entries).unwrap();
        assert_eq!(entries.len(), 1, "a file that stands twice is listed once");
        assert_eq!(entries[0].content_hash, id);
        assert_eq!(entries[0].organisation, "maker");
    }
}

/// Two designs with a common file: the file's link holds both, in order.
#[test]
fn a_file_lists_all_its_designs() {
    let mut chain = Chain::start();
    let mut ids = Vec::new();
    for (who, salt) in [(MAKER, SALT), (MARKET, [8; 32])] {
        let commitment = commitment(&chain, who.1, salt, &files());
        chain.run(who, deposit(commitment)).unwrap();
        ids.push((who, salt, design::id(&public(who.1), &commitment)));
    }
    for (who, salt, id) in &ids {
        let action = DiscloseDesign {
            salt: salt.to_vec(),
            ..opening(*id)
        };
        chain.run(*who, Action::DiscloseDesign(action)).unwrap();
    }
    let key = keys::design_file(&[1; 32]);
    let link = chain
        .state
        .message::<DesignFile>(&key)
        .unwrap()
        .link
        .unwrap();
    let rows: Vec<_> = chain
        .state
        .links
        .iter()
        .filter(|r| r.owner == key)
        .collect();
    let entries: Vec<&[u8]> = rows.iter().map(|r| r.entry.as_slice()).collect();
    let found: Vec<Vec<u8>> = proof::link::verify_entries(&link, &entries)
        .unwrap()
        .into_iter()
        .map(|e| e.content_hash)
        .collect();
    assert_eq!(found, [ids[0].2.to_vec(), ids[1].2.to_vec()]);
    assert_eq!((rows[0].sequence, rows[1].sequence), (0, 1));
}

#[test]
fn each_rule() {
    let (mut chain, id) = deposited();
    type Edit = fn(&mut DiscloseDesign);
    let rows: [(&str, Edit, u32); 15] = [
        ("no file", |d| d.file_hashes.clear(), 405),
        (
            "too many files",
            |d| d.file_hashes = vec![vec![1; 32]; 1001],
            405,
        ),
        ("long title", |d| d.title = "x".repeat(257), 405),
        ("control character", |d| d.title = "a\nb".into(), 405),
        ("unknown design", |d| d.design_id = vec![4; 32], 401),
        ("another salt", |d| d.salt = vec![8; 32], 403),
        ("another file", |d| d.file_hashes[1] = vec![3; 32], 403),
        (
            "a file left out",
            |d| {
                d.file_hashes.pop();
            },
            403,
        ),
        ("a file added", |d| d.file_hashes.push(vec![1; 32]), 403),
        ("files in another order", |d| d.file_hashes.swap(0, 1), 403),
        (
            "short id",
            |d| {
                d.design_id.pop();
            },
            100,
        ),
        (
            "short salt",
            |d| {
                d.salt.pop();
            },
            100,
        ),
        (
            "short file hash",
            |d| {
                d.file_hashes[0].pop();
            },
            100,
        ),
        ("longest title", |d| d.title = "x".repeat(256), 0),
        ("no title", |d| d.title.clear(), 0),
    ];
    for (name, edit, code) in rows {
        let mut action = opening(id);
        edit(&mut action);
        let answer = chain.check(&chain.sign(MAKER, Action::DiscloseDesign(action)));
        let found = answer.as_ref().err().map_or(0, Rejection::code);
        assert_eq!(found, code, "{name}: {answer:?}");
    }
    let by_another = chain.check(&chain.sign(CARRIER, Action::DiscloseDesign(opening(id))));
    assert_eq!(
        by_another,
        Err(Rejection::Design(DesignRejection::NotTheOwner(
            "maker".into()
        )))
    );

    chain
        .run(MAKER, Action::DiscloseDesign(opening(id)))
        .unwrap();
    let again = chain.check(&chain.sign(MAKER, Action::DiscloseDesign(opening(id))));
    assert_eq!(
        again,
        Err(Rejection::Design(DesignRejection::AlreadyDisclosed(id)))
    );
}

/// A thousand files are allowed.
#[test]
fn as_many_files_as_allowed() {
    let mut chain = Chain::start();
    let files = vec![vec![1; 32]; 1000];
    let commitment = commitment(&chain, 3, SALT, &files);
    chain.run(MAKER, deposit(commitment)).unwrap();
    let action = DiscloseDesign {
        file_hashes: files,
        ..opening(design::id(&public(3), &commitment))
    };
    assert_eq!(chain.run(MAKER, Action::DiscloseDesign(action)), Ok(()));
}

/// A copied commitment can't be opened by its copier: the owner's key is inside.
#[test]
fn a_copier_cannot_open() {
    let mut chain = Chain::start();
    let commitment = commitment(&chain, 3, SALT, &files());
    chain.run(MARKET, deposit(commitment)).unwrap();
    let id = design::id(&public(1), &commitment);
    let refused = chain.check(&chain.sign(MARKET, Action::DiscloseDesign(opening(id))));
    assert_eq!(
        refused,
        Err(Rejection::Design(DesignRejection::WrongOpening(id)))
    );
}

/// The deposit's key may have been retired: any valid key of the organisation opens.
#[test]
fn a_later_key_of_the_owner_opens() {
    let (mut chain, id) = deposited();
    chain.run(MAKER, change_keys(&[50], &[3])).unwrap();
    let open = Action::DiscloseDesign(opening(id));
    assert_eq!(chain.run(("maker", 50), open), Ok(()));
}

/// What the maker deposits with fields, all of them shown.
fn with_fields() -> DesignContent {
    let fields = [
        (FieldName::Title, "A chair"),
        (FieldName::Class, "06-01"),
        (FieldName::Author, "Lin Yue"),
    ];
    let fields = fields.map(|(name, value)| (name, value.to_owned()));
    let random = std::array::from_fn(|place| [place as u8 + 1; 32]);
    let views = [DesignView::Unspecified, DesignView::Front, DesignView::Back];
    content::seal(&views, &fields, &random).unwrap()
}

/// A design whose deposit covers fields is disclosed with those that its owner shows.
#[test]
fn fields_are_disclosed_one_without_the_others() {
    let mut chain = Chain::start();
    let whole = with_fields();
    let hashes: Vec<Hash> = files()
        .iter()
        .map(|f| f.as_slice().try_into().unwrap())
        .collect();
    let root = content::open(&hashes, Some(&whole)).unwrap().root;
    let commitment = design::commitment(&chain.id, &public(3), &SALT, &root);
    chain.run(MAKER, deposit(commitment)).unwrap();
    let id = design::id(&public(3), &commitment);
    let shown = content::showing(&whole, |name| name == FieldName::Class);
    let closed = DiscloseDesign {
        title: String::new(),
        content: Some(shown.clone()),
        ..opening(id)
    };
    type Edit = fn(&mut DiscloseDesign);
    let rows: [(&str, Edit, u32); 12] = [
        ("files alone", |d| d.content = None, 403),
        (
            "a title that isn't shown",
            |d| d.title = "A chair".into(),
            468,
        ),
        ("another title", |d| d.title = "A table".into(), 468),
        (
            "a view left out",
            |d| d.content.as_mut().unwrap().views.truncate(2),
            459,
        ),
        (
            "another view",
            |d| d.content.as_mut().unwrap().views[1] = 4,
            403,
        ),
        (
            "another digest",
            |d| d.content.as_mut().unwrap().digests[7][0] ^= 1,
            403,
        ),
        (
            "no disclosure",
            |d| d.content.as_mut().unwrap().disclosures[0] = "x".into(),
            463,
        ),
        (
            "another field",
            |d| d.content.as_mut().unwrap().disclosures[0] = other("colour", "red"),
            464,
        ),
        (
            "an empty title",
            |d| d.content.as_mut().unwrap().disclosures[0] = other("title", ""),
            465,
        ),
        (
            "no class of Locarno",
            |d| d.content.as_mut().unwrap().disclosures[0] = other("class", "33-01"),
            466,
        ),
        (
            "another class",
            |d| d.content.as_mut().unwrap().disclosures[0] = other("class", "06-02"),
            467,
        ),
        (
            "no head of drafts",
            |d| d.content.as_mut().unwrap().disclosures[0] = other("drafts", "7"),
            469,
        ),
    ];
    for (name, edit, code) in rows {
        let mut action = closed.clone();
        edit(&mut action);
        let answer = chain.check(&chain.sign(MAKER, Action::DiscloseDesign(action)));
        let found = answer.as_ref().err().map_or(0, Rejection::code);
        assert_eq!(found, code, "{name}: {answer:?}");
    }
    let everything = DiscloseDesign {
        content: Some(whole),
        ..opening(id)
    };
    let whole = chain.check(&chain.sign(MAKER, Action::DiscloseDesign(everything)));
    assert_eq!(whole, Ok(()));
    chain.run(MAKER, Action::DiscloseDesign(closed)).unwrap();
    let record: Design = chain.state.message(&keys::design(&id)).unwrap();
    let disclosure = record.disclosure.unwrap();
    assert_eq!(
        (disclosure.title.as_str(), disclosure.content),
        ("", Some(shown))
    );
}

/// A disclosure that nobody deposited.
fn other(name: &str, value: &str) -> String {
    use base64::Engine;
    let text = format!("[\"BwcHBwcHBwcHBwcHBwcHBw\",\"{name}\",\"{value}\"]");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}
