//! The genuine files that other verifiers are tested with (`tests/data/evidence`): made again from
//! the same story, they have the same bytes. `TOUCHSTONE_WRITE_VECTORS=1` writes them, which is an
//! approval of a changed format.

use std::path::PathBuf;

use touchstone_proto::evidence::{Opening, OriginalFile};

use super::*;
use crate::test_support::certified;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/evidence");
const LAMP: &[u8] = b"a drawing of a lamp";
const NEVER: &str = "https://id.gs1.org/01/09521001000017/21/NEVER";

/// A design that its owner deposits; what opens it.
fn deposited(chain: &mut Chain, who: (&str, u8), opening: &Opening) -> Hash {
    let owner = public(who.1);
    let files: Vec<Hash> = opening.files.iter().map(|f| exact(&f.sha256)).collect();
    let root = design::file_root(&files);
    let commitment = design::commitment(&chain.id, &owner, &exact(&opening.salt), &root);
    let action = DepositDesign {
        commitment: commitment.to_vec(),
    };
    chain.run(who, Action::DepositDesign(action)).unwrap();
    design::id(&owner, &commitment)
}

fn exact(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap()
}

fn original(name: &str, content: &[u8]) -> OriginalFile {
    OriginalFile {
        sha256: hash::sha256(content).to_vec(),
        name: name.into(),
    }
}

/// A lamp in its case, a drawing that stays secret, one whose owner's key gets into other hands,
/// and a validator that joins on the way.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut chain = Chain::start();
    let (unit, case) = (item(1), container(1));
    let only = std::slice::from_ref;
    let pack = |action| aggregation(action, &case, only(&unit));
    let moves = [object(2, &[item(9)]), object(3, only(&case))];
    for events in [&[object(1, only(&unit))][..], &[pack("ADD")], &moves] {
        chain.run(CARRIER, capture(events)).unwrap();
    }
    chain.approve(
        &[MARKET, CARRIER, MAKER],
        &put_validator(1, 30, 1, "office"),
    );
    chain.run(CARRIER, capture(&[pack("DELETE")])).unwrap();

    let stolen = Opening {
        salt: [8; 32].to_vec(),
        files: vec![original("", b"three")],
        title: String::new(),
        content: None,
        drafts: Vec::new(),
    };
    let doubtful = deposited(&mut chain, MARKET, &stolen);
    let since_ms = chain.time_ms;
    let disclose = DiscloseDesign {
        design_id: doubtful.to_vec(),
        salt: stolen.salt,
        file_hashes: stolen.files.into_iter().map(|f| f.sha256).collect(),
        title: "Chair".into(),
        fingerprints: None,
        content: None,
    };
    chain.run(MARKET, Action::DiscloseDesign(disclose)).unwrap();
    let report = ChangeKeys {
        add: vec![public(51).to_vec()],
        retire: vec![],
        compromised: vec![Compromise {
            public_key: public(MARKET.1).to_vec(),
            since_ms,
        }],
    };
    chain.run(MARKET, Action::ChangeKeys(report)).unwrap();

    let secret = Opening {
        salt: SALT.to_vec(),
        files: vec![original("lamp.txt", LAMP), original("lamp2.txt", b"two")],
        title: "Lamp".into(),
        content: None,
        drafts: Vec::new(),
    };
    let design = deposited(&mut chain, MAKER, &secret);

    let collected = |subject| collect(&chain, &subject).unwrap();
    // These were written before files told of disputes.
    let one = |evidence: &Evidence| {
        let mut before = evidence.clone();
        before.disputes = None;
        let is_told = |key: &[u8]| key.starts_with(b"dispute-subject/");
        before.states.retain(|state| !is_told(&state.key));
        as_version_one(&seal(&before))
    };
    // One block may have several certificates: the anchor's is by all, the same block's further down
    // by as few as suffice.
    let last = &chain.blocks.last().unwrap().header;
    let opened = Evidence {
        opening: Some(secret),
        anchor: Some(certified(&chain.id, last, &[11, 12, 13, 14, 30])),
        ..collected(Subject::Design(design))
    };
    vec![
        ("genesis.json", chain.genesis.clone()),
        ("lamp.txt", LAMP.to_vec()),
        ("item.evidence", one(&collected(Subject::Item(unit)))),
        (
            "absent.evidence",
            one(&collected(Subject::Item(NEVER.into()))),
        ),
        ("design.evidence", one(&opened)),
        (
            "compromised.evidence",
            one(&collected(Subject::Design(doubtful))),
        ),
    ]
}

/// Goods that change hands: a lamp that arrives with a discrepancy and is claimed by its maker, one in a
/// box that is emptied on the way, one that was left out of its answer, one on offer, and one that
/// two organisations say that they have.
fn disputed() -> Vec<(&'static str, Vec<u8>)> {
    let (chain, _) = super::custody::story();
    let of = |n| seal(&collect(&chain, &Subject::Item(item(n))).unwrap());
    vec![
        ("handover.evidence", of(1)),
        ("emptied.evidence", of(2)),
        ("left-out.evidence", of(3)),
        ("offered.evidence", of(4)),
        ("claimed.evidence", of(5)),
    ]
}

/// A copy, mirrored and a little bent, of a picture that was disclosed before.
fn copied() -> Vec<(&'static str, Vec<u8>)> {
    let (chain, original, copy) = look_alikes::similar();
    let of = |id| seal(&collect(&chain, &Subject::Design(id)).unwrap());
    vec![
        ("original.evidence", of(original)),
        ("look-alike.evidence", of(copy)),
    ]
}

/// A designer whom the market knows deposits twice; by the second time the market vouches anew, and it takes that
/// back later.
fn vouched() -> Vec<(&'static str, Vec<u8>)> {
    let (chain, first, second) = vouching::vouched();
    let of = |id| seal(&collect(&chain, &Subject::Design(id)).unwrap());
    vec![
        ("vouched.evidence", of(first)),
        ("withdrawn.evidence", of(second)),
    ]
}

/// A design that was passed on.
fn passed_on() -> Vec<(&'static str, Vec<u8>)> {
    let (chain, design) = rights::transferred();
    let file = seal(&collect(&chain, &Subject::Design(design)).unwrap());
    vec![("transferred.evidence", file)]
}

/// A chair whose deposit covers fields: with its class and authors shown, and with what its owner disclosed.
fn fielded() -> Vec<(&'static str, Vec<u8>)> {
    use crate::designs::field::FieldName::{Author, Class};
    let (chain, kept, disclosed) = fields::deposited();
    let of = |id| collect(&chain, &Subject::Design(id)).unwrap();
    let shown = fields::showing(of(kept), |name| matches!(name, Class | Author));
    vec![
        ("fields.evidence", seal(&shown)),
        ("disclosed-fields.evidence", seal(&of(disclosed))),
        ("drafts.evidence", seal(&drafts::with_drafts())),
    ]
}

/// Reviews with a verdict each, and questions with answers of either kind.
fn reviewed() -> Vec<(&'static str, Vec<u8>)> {
    let told = disputes::disputed();
    let subject = Subject::Design(told.design);
    let file = seal(&collect_with(&told.chain, &subject, &told.additions).unwrap());
    vec![("disputed.evidence", file)]
}

/// Infringers that were sanctioned, and what was looked at before.
fn sanctioned() -> Vec<(&'static str, Vec<u8>)> {
    let told = cases::sanctioned();
    let subject = Subject::Design(told.design);
    let file = seal(&collect_with(&told.chain, &subject, &told.additions).unwrap());
    vec![("sanctioned.evidence", file)]
}

/// Disputes that went three routes, and statements that rulings found false.
fn routed() -> Vec<(&'static str, Vec<u8>)> {
    let told = routes::routed();
    let subject = Subject::Design(told.design);
    let file = seal(&collect_with(&told.chain, &subject, &told.additions).unwrap());
    vec![("routed.evidence", file)]
}

/// Panels of draws for which the terms named a public beacon: with its pulse, and without.
fn pulsed() -> Vec<(&'static str, Vec<u8>)> {
    let told = pulses::pulsed();
    let subject = Subject::Design(told.design);
    let file = seal(&collect_with(&told.chain, &subject, &told.additions).unwrap());
    vec![("pulsed.evidence", file)]
}

#[test]
fn the_same_story_gives_the_same_bytes() {
    let files = [
        files(),
        disputed(),
        copied(),
        vouched(),
        passed_on(),
        fielded(),
        reviewed(),
        sanctioned(),
        routed(),
        pulsed(),
    ];
    let files = files.concat();
    if std::env::var_os("TOUCHSTONE_WRITE_VECTORS").is_some() {
        for (name, bytes) in &files {
            std::fs::write(PathBuf::from(FOLDER).join(name), bytes).unwrap();
        }
    }
    for (name, bytes) in files {
        let written = std::fs::read(PathBuf::from(FOLDER).join(name)).unwrap();
        assert!(written == bytes, "{name} isn't what its story gives");
    }
}

/// Files that were written before go on being verified, and say what they don't hold.
#[test]
fn files_of_the_first_version_are_verified() {
    for (name, expected) in [
        ("item.evidence", Verdict::Verified),
        ("absent.evidence", Verdict::Verified),
        ("design.evidence", Verdict::Verified),
        ("compromised.evidence", Verdict::Reservations),
        ("stamped.evidence", Verdict::Reservations),
    ] {
        let bytes = std::fs::read(PathBuf::from(FOLDER).join(name)).unwrap();
        assert!(bytes.starts_with(b"touchstone/evidence/v1\n"), "{name}");
        let trusted = Trusted {
            chain_id: Some(Chain::start().id),
            ..Trusted::default()
        };
        let report = examine(&bytes, &trusted);
        assert_eq!(report.failure(), None, "{name}");
        assert_eq!(report.verdict, expected, "{name}");
        assert_eq!(report.facts.version, Some(Version::One));
    }
}
