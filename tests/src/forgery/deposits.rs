//! What a design's deposit covers beside its files, by chance: views, fields, and the drafts before it.

use prost::Message;
use touchstone_core::designs::field::{FieldName, written_head};
use touchstone_core::designs::{content, drafts};
use touchstone_core::hash::Hash;
use touchstone_proto::evidence::{Draft, DraftFile};
use touchstone_proto::ledger::{DesignContent, DesignView};

use crate::random::Random;

/// Views and fields of a design.
pub fn fielded(
    files: usize,
    title: &str,
    drafts: &[Vec<u8>],
    random: &mut Random,
) -> DesignContent {
    let fields = [
        (FieldName::Title, title),
        (FieldName::Class, "06-01"),
        (FieldName::Description, "A chair that folds"),
        (FieldName::Author, "Lin Yue"),
        (FieldName::Author, "王维"),
    ];
    let mut fields = fields
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec();
    if let Some(last) = drafts.last() {
        let head = written_head(drafts.len(), &drafts::head(last));
        fields.push((FieldName::Drafts, head));
    }
    let views = [DesignView::Front, DesignView::Unspecified];
    let bytes = std::array::from_fn(|_| random.bytes());
    content::seal(&views[..files], &fields, &bytes).expect("fields that fit")
}

/// The drafts of a studio before a deposit, the last of the files that are deposited.
pub fn drafted(files: &[Hash], random: &mut Random) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut previous = drafts::START;
    for number in 1..=random.between(1, 4) {
        let file = DraftFile {
            name: vec![7; 32],
            sha256: files[0].to_vec(),
            bytes: number,
        };
        let draft = Draft {
            number,
            previous: previous.to_vec(),
            time_ms: 1_000 * number,
            who: "Lin Yue".into(),
            device: "bench".into(),
            tool: "touchstone".into(),
            files: vec![file],
        };
        let entry = draft.encode_to_vec();
        previous = drafts::head(&entry);
        entries.push(entry);
    }
    entries
}

/// Title and content with fields by chance.
pub fn shown(
    whole: &DesignContent,
    files: &[Hash],
    random: &mut Random,
) -> (String, Option<DesignContent>) {
    let subset = random.below(32);
    let part = content::showing(whole, |name| subset >> (name as u32) & 1 == 1);
    let opened = content::open(files, Some(&part)).expect("a part of what is genuine");
    (opened.title().unwrap_or_default().to_owned(), Some(part))
}
