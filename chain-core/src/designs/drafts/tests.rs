use super::*;
use prost::Message;

/// Three drafts: a file comes, changes and goes.
pub(crate) fn chain() -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut previous = START;
    let contents = [vec![1; 32], vec![2; 32], Vec::new()];
    for (number, sha256) in (1..).zip(contents) {
        let bytes = if sha256.is_empty() { 0 } else { 7 };
        let name = vec![5; 32];
        let draft = Draft {
            number,
            previous: previous.to_vec(),
            time_ms: 1_000 * number,
            who: "Lin Yue".into(),
            device: "bench".into(),
            tool: "touchstone 0".into(),
            files: vec![DraftFile {
                name,
                sha256,
                bytes,
            }],
        };
        let entry = draft.encode_to_vec();
        previous = head(&entry);
        entries.push(entry);
    }
    entries
}

fn bent(entries: &[Vec<u8>], at: usize, bend: impl Fn(&mut Draft)) -> Vec<Vec<u8>> {
    let mut entries = entries.to_vec();
    let mut draft = Draft::decode(entries[at].as_slice()).unwrap();
    bend(&mut draft);
    entries[at] = draft.encode_to_vec();
    entries
}

/// The chain from a changed draft on, written anew: consistent in itself.
fn rewritten(entries: &[Vec<u8>], at: usize, bend: impl Fn(&mut Draft)) -> Vec<Vec<u8>> {
    let mut entries = bent(entries, at, bend);
    for next in at + 1..entries.len() {
        let before = head(&entries[next - 1]);
        entries = bent(&entries, next, |draft| draft.previous = before.to_vec());
    }
    entries
}

#[test]
fn a_whole_chain_leads_to_its_head() {
    let entries = chain();
    let last = head(&entries[2]);
    let read = verify(&entries, 3, &last).unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(read[1].draft.previous, read[0].head);
    assert_eq!(read[2].head, last);
}

#[test]
fn what_is_missing_moved_or_altered_is_named() {
    let entries = chain();
    let last = head(&entries[2]);
    let refused = |entries: &[Vec<u8>]| verify(entries, 3, &last).unwrap_err();
    let mut gap = entries.clone();
    gap.remove(1);
    let number = |expected, found| BadDrafts::Number { expected, found };
    assert_eq!(refused(&gap), number(2, 3));
    let mut swapped = entries.clone();
    swapped.swap(0, 1);
    assert_eq!(refused(&swapped), number(1, 2));
    let mut twice = entries.clone();
    twice.insert(1, entries[0].clone());
    assert_eq!(refused(&twice), number(2, 1));
    let count = |found| BadDrafts::Count { expected: 3, found };
    assert_eq!(refused(&entries[..2]), count(2));
    assert_eq!(refused(&[]), count(0));
    type Bend = fn(&mut Draft);
    let bends: [Bend; 7] = [
        |d| d.time_ms += 1,
        |d| d.who.push('x'),
        |d| d.device.push('x'),
        |d| d.tool.push('x'),
        |d| d.files[0].name[0] ^= 1,
        |d| d.files[0].sha256 = vec![9; 32],
        |d| d.files[0].bytes += 1,
    ];
    for (which, bend) in bends.into_iter().enumerate() {
        for at in 0..2 {
            let refusal = refused(&bent(&entries, at, bend));
            assert_eq!(refusal, BadDrafts::Previous(at + 2), "{which} of {at}");
            let refusal = refused(&rewritten(&entries, at, bend));
            assert_eq!(refusal, BadDrafts::Head(3), "{which} of {at}");
        }
    }
    let other = bent(&entries, 2, |d| d.time_ms += 1);
    assert_eq!(refused(&other), BadDrafts::Head(3));
    let unlinked = bent(&entries, 1, |d| d.previous[0] ^= 1);
    assert_eq!(refused(&unlinked), BadDrafts::Previous(2));
}

#[test]
fn each_field_has_a_form() {
    let entries = chain();
    let one = DraftFile {
        name: vec![6; 32],
        sha256: vec![1; 32],
        bytes: 0,
    };
    type Bend = Box<dyn Fn(&mut Draft)>;
    let many = |count: usize| -> Vec<DraftFile> {
        let name = |n: usize| [&[0; 24][..], &(n as u64).to_be_bytes()].concat();
        (0..count)
            .map(|n| DraftFile {
                name: name(n),
                ..one.clone()
            })
            .collect()
    };
    let (fits, too_many) = (many(MAX_DRAFT_FILES), many(MAX_DRAFT_FILES + 1));
    let whole = bent(&entries, 0, |d| d.files.clone_from(&fits));
    assert!(read(&whole[..1]).is_ok());
    let bends: Vec<Bend> = vec![
        Box::new(|d| d.who.clear()),
        Box::new(|d| d.device.clear()),
        Box::new(|d| d.tool.clear()),
        Box::new(|d| d.who = "x".repeat(MAX_STUDIO_BYTES + 1)),
        Box::new(|d| d.device = "a\nb".into()),
        Box::new(|d| d.previous.truncate(31)),
        Box::new(|d| d.time_ms = MAX_TIME_MS + 1),
        Box::new(|d| d.files.clear()),
        Box::new(move |d| d.files.clone_from(&too_many)),
        Box::new(|d| d.files[0].name.truncate(31)),
        Box::new(|d| d.files[0].sha256.truncate(31)),
        Box::new(|d| d.files[0].sha256.clear()),
        Box::new(move |d| d.files.insert(0, one.clone())),
        Box::new(|d| d.files.push(d.files[0].clone())),
    ];
    for (at, bend) in bends.iter().enumerate() {
        let refused = read(&bent(&entries, 0, bend));
        assert_eq!(refused, Err(BadDrafts::Form(1)), "{at}");
    }
    let mut long = entries.clone();
    long[0] = vec![0; MAX_DRAFT_BYTES + 1];
    assert_eq!(read(&long), Err(BadDrafts::Form(1)));
    let mut wrong = entries;
    wrong[0].push(0);
    assert!(matches!(read(&wrong), Err(BadDrafts::Malformed(1, _))));
}

/// No more drafts are read than a deposit may cover.
#[test]
fn a_chain_is_so_long_at_most() {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let first = Draft::decode(chain()[0].as_slice()).unwrap();
    let mut previous = START;
    for number in 1..=MAX_DRAFTS as u64 + 1 {
        let draft = Draft {
            number,
            previous: previous.to_vec(),
            ..first.clone()
        };
        let entry = draft.encode_to_vec();
        previous = head(&entry);
        entries.push(entry);
    }
    let count = |found| BadDrafts::Count {
        expected: found,
        found,
    };
    let refused = verify(&entries, MAX_DRAFTS + 1, &previous).unwrap_err();
    assert_eq!(refused, count(MAX_DRAFTS + 1));
    let last = head(&entries[MAX_DRAFTS - 1]);
    let read = verify(&entries[..MAX_DRAFTS], MAX_DRAFTS, &last).unwrap();
    assert_eq!(read.len(), MAX_DRAFTS);
}
