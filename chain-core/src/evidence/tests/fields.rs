//! Fields and views in evidence: any part of them is shown, and nothing else passes.

use super::*;
use crate::designs::content;
use crate::designs::field::{DesignField, FieldName};
use touchstone_proto::ledger::{DesignContent, DesignView};

/// All that the maker deposits.
fn whole() -> DesignContent {
    let fields = [
        (FieldName::Title, "折叠椅 \"7\""),
        (FieldName::Class, "06-01"),
        (FieldName::Description, "A chair that folds."),
        (FieldName::Author, "Lin Yue"),
        (FieldName::Author, "王维"),
    ];
    let fields = fields.map(|(name, value)| (name, value.to_owned()));
    let random = std::array::from_fn(|place| [place as u8 + 1; 32]);
    content::seal(&[DesignView::Front, DesignView::Back], &fields, &random).unwrap()
}

/// Two chairs with fields: one whose owner keeps them, and one that is disclosed with title and class.
pub(super) fn deposited() -> (Chain, Hash, Hash) {
    let mut chain = Chain::start();
    let deposit = |chain: &mut Chain, who: (&str, u8)| {
        let root = content::open(&files(), Some(&whole())).unwrap().root;
        let owner = public(who.1);
        let commitment = design::commitment(&chain.id, &owner, &SALT, &root);
        let action = DepositDesign {
            commitment: commitment.to_vec(),
        };
        chain.run(who, Action::DepositDesign(action)).unwrap();
        design::id(&owner, &commitment)
    };
    let kept = deposit(&mut chain, MAKER);
    let disclosed = deposit(&mut chain, MARKET);
    let shown = |name| matches!(name, FieldName::Title | FieldName::Class);
    let disclose = DiscloseDesign {
        design_id: disclosed.to_vec(),
        salt: SALT.to_vec(),
        file_hashes: files().iter().map(|f| f.to_vec()).collect(),
        title: "折叠椅 \"7\"".into(),
        fingerprints: None,
        content: Some(content::showing(&whole(), shown)),
    };
    chain.run(MARKET, Action::DiscloseDesign(disclose)).unwrap();
    (chain, kept, disclosed)
}

/// The file's opening with the fields of these names.
pub(super) fn showing(evidence: Evidence, is_shown: impl Fn(FieldName) -> bool) -> Evidence {
    let mut evidence = opened(evidence);
    let content = content::showing(&whole(), is_shown);
    let title = content::open(&files(), Some(&content)).unwrap();
    let opening = evidence.opening.as_mut().unwrap();
    opening.title = title.title().unwrap_or_default().to_owned();
    opening.content = Some(content);
    evidence
}

fn shown(report: &Report) -> Vec<(FieldName, &str)> {
    let deposit = report.facts.deposit.as_ref().unwrap();
    let fields = deposit.fields.iter();
    fields.map(|f| (f.name, f.value.as_str())).collect()
}

#[test]
fn any_part_of_the_fields_is_shown_and_verified() {
    let (chain, kept, disclosed) = deposited();
    let evidence = collected(&chain, &Subject::Design(kept));
    for subset in 0..32u32 {
        let is_shown = |name: FieldName| subset >> (name as u32) & 1 == 1;
        let sealed = seal(&showing(evidence.clone(), is_shown));
        let report = examine(&sealed, &trusting(&chain));
        assert_verified(&report);
        for name in FieldName::ALL {
            let is_told = shown(&report).iter().any(|(n, _)| *n == name);
            assert_eq!(is_told, is_shown(name) && name != FieldName::Drafts);
        }
        // What isn't shown isn't in the file, nor is its salt.
        for disclosure in &whole().disclosures {
            let field = DesignField::read(disclosure).unwrap();
            let is_there = sealed
                .windows(disclosure.len())
                .any(|w| w == disclosure.as_bytes());
            assert_eq!(is_there, is_shown(field.name), "{field:?}");
        }
        let deposit = report.facts.deposit.unwrap();
        assert_eq!(deposit.views, [DesignView::Front, DesignView::Back]);
        let title = is_shown(FieldName::Title).then_some("折叠椅 \"7\"");
        assert_eq!(
            (deposit.title.as_deref(), deposit.title_is_recorded),
            (title, false)
        );
    }
    // What is public is told without an opening, and beside one.
    let evidence = collected(&chain, &Subject::Design(disclosed));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let public = [
        (FieldName::Title, "折叠椅 \"7\""),
        (FieldName::Class, "06-01"),
    ];
    assert_eq!(shown(&report), public);
    let both = showing(evidence, |name| {
        matches!(name, FieldName::Author | FieldName::Class)
    });
    let report = examine(&seal(&both), &trusting(&chain));
    assert_verified(&report);
    let authors = [(FieldName::Author, "Lin Yue"), (FieldName::Author, "王维")];
    assert_eq!(shown(&report), [&public[..], &authors[..]].concat());
    assert!(report.facts.deposit.unwrap().title_is_recorded);
}

#[test]
fn each_bent_part_of_an_opening_with_fields_is_refused() {
    let (chain, kept, _) = deposited();
    let evidence = collected(&chain, &Subject::Design(kept));
    let genuine = showing(evidence, |name| name != FieldName::Description);
    assert_verified(&examine(&seal(&genuine), &trusting(&chain)));
    type Bend = fn(&mut wire::Opening, &mut DesignContent);
    let lies: [(Bend, &str); 15] = [
        (
            |o, _| o.title = "A table".into(),
            "the one that its deposit covers",
        ),
        (|o, _| o.title.clear(), "the one that its deposit covers"),
        (|o, _| o.files.swap(0, 1), "don't open"),
        (|o, _| o.files.clear(), "1 to 1000 files"),
        (|o, _| o.salt[0] ^= 1, "don't open"),
        (|_, c| c.views.swap(0, 1), "don't open"),
        (|_, c| c.views[0] = 0, "don't open"),
        (|_, c| c.views[0] = 99, "a view for each file"),
        (|_, c| c.views.truncate(1), "a view for each file"),
        (|_, c| c.digests[2][0] ^= 1, "don't open"),
        (|_, c| c.digests[0][0] ^= 1, "isn't at a place"),
        (|_, c| c.digests.swap(4, 5), "order of their places"),
        (|_, c| c.digests.truncate(11), "different digests"),
        (|_, c| c.disclosures.swap(0, 1), "order of their places"),
        (|_, c| c.disclosures[1].push('A'), "RFC 9901"),
    ];
    for (at, (bend, why)) in lies.into_iter().enumerate() {
        let mut file = genuine.clone();
        let opening = file.opening.as_mut().unwrap();
        let mut content = opening.content.take().unwrap();
        bend(opening, &mut content);
        opening.content = Some(content);
        let report = examine(&seal(&file), &trusting(&chain));
        let (element, reason) = report.failure().unwrap();
        assert_eq!(element, Element::Opening, "{at}");
        assert!(reason.contains(why), "{at}: {reason}");
    }
    // Neither form passes for the other.
    let mut bare = genuine.clone();
    bare.opening.as_mut().unwrap().content = None;
    let failure = examine(&seal(&bare), &trusting(&chain)).failure();
    assert_eq!(failure.unwrap().0, Element::Opening);
    let (chain, id) = story();
    let old = collected(&chain, &Subject::Design(id));
    let with_content = showing(old, |_| false);
    let failure = examine(&seal(&with_content), &trusting(&chain)).failure();
    assert_eq!(failure.unwrap().0, Element::Opening);
}
