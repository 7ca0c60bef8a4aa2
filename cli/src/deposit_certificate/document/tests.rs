use super::*;
use crate::deposit_certificate::facts::{Title, sample};

/// All that a page says, a block a line.
fn said(facts: &CertificateFacts) -> String {
    let blocks = document(facts).blocks.into_iter().map(|block| match block {
        PageBlock::Heading(text) | PageBlock::Paragraph(text) | PageBlock::Notice(text) => text,
        PageBlock::Field(name, values) => format!("{name}: {}", values.join(" | ")),
    });
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_owners_own_validators_are_flagged() {
    let mut facts = sample();
    assert!(said(&facts).contains("存证人所属机构不在验证节点之列"));
    facts.validators[0].organisation = facts.organisation.clone();
    facts.validators.push(facts.validators[0].clone());
    let page = said(&facts);
    assert!(
        page.contains("存证人所属机构本身也是验证节点，表决权 2 / 2"),
        "{page}"
    );
    assert!(!page.contains("不在验证节点之列"), "{page}");
}

#[test]
fn a_compromised_key_is_told_of_and_judged_by_its_date() {
    let mut facts = sample();
    assert!(!said(&facts).contains("others may have used"));
    facts.compromised_since_ms = Some(facts.time_ms);
    let page = said(&facts);
    assert!(page.contains("somebody else may have signed it"), "{page}");
    facts.compromised_since_ms = Some(facts.time_ms + 1);
    let page = said(&facts);
    assert!(page.contains("this deposit is earlier"), "{page}");
    assert!(!page.contains("Warning"), "{page}");
}

#[test]
fn sanctions_are_told_in_both_languages_with_their_terms() {
    let mut facts = sample();
    assert!(!said(&facts).contains("处分"));
    facts.sanctions = vec![crate::deposit_certificate::facts::barred()];
    let page = said(&facts);
    for part in [
        "处分 Sanctions",
        "carol: ",
        "sanctions 1; confirmed 0, lifted 0",
        "no-sales from 2026-01-01 00:00:01.000 UTC to 2026-01-02 00:00:01.000 UTC",
        "禁止销售，自 2026-01-01 00:00:01.000 UTC 至 2026-01-02 00:00:01.000 UTC",
        "以工商登记号 91310000 获担保",
        "vouched for as 91310000 in a business register",
        "touchstone sanction party ID",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(crate::pdf::render(&document(&facts)).is_ok());
}

#[test]
fn a_title_says_whose_word_it_is() {
    let mut facts = sample();
    assert!(said(&facts).contains("黄昏的桥 | （公开时记入账本）"));
    facts.title = Some(Title {
        text: "Chair".into(),
        basis: TitleBasis::Holder,
    });
    assert!(said(&facts).contains("Chair | （持有人所述，账本未记录）"));
    facts.title = None;
    assert!(said(&facts).contains("neither disclosed nor in a receipt"));
}

#[test]
fn the_page_and_its_code_name_the_deposit() {
    let page = document(&sample());
    let uri = format!("touchstone:design/{}/{}", "01".repeat(32), "02".repeat(32));
    assert_eq!(page.code, Some(uri));
    assert_eq!(page.date_ms, sample().time_ms);
    // As many files as a design can have.
    let mut facts = sample();
    facts.files = vec![facts.files[0].clone(); touchstone_core::designs::design::MAX_FILES];
    assert!(crate::pdf::render(&document(&facts)).is_ok());
}

/// The bytes are pinned: whoever makes the certificate again, elsewhere and later, gets the same. An
/// upgrade that changes them is a decision.
#[test]
fn the_pages_bytes_are_pinned() {
    let bytes = crate::pdf::render(&document(&sample())).unwrap();
    let digest = hex::encode(touchstone_core::hash::sha256(&bytes));
    assert_eq!(
        digest,
        "69a05f33ecd2fc4a3434edfef18746a8bb4e8ceb06e06af2e688eb18944e3c1f"
    );
}
