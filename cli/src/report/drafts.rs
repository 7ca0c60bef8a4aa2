//! The drafts before a deposit, in a report.

use serde_json::{Value, json};
use touchstone_core::designs::drafts::ReadDraft;

use crate::messages::{Language, Speech};
use crate::output::{counted, plain, utc};
use crate::say;

/// Drafts that a report tells one by one; of more, the first and the last ones.
const TOLD: usize = 12;

/// A draft for programs.
pub fn json(read: &ReadDraft) -> Value {
    let files = read.draft.files.iter().map(|file| {
        json!({
            "name_digest": hex::encode(&file.name),
            "sha256": Some(hex::encode(&file.sha256)).filter(|digits| !digits.is_empty()),
            "bytes": file.bytes,
        })
    });
    json!({
        "number": read.draft.number,
        "head": hex::encode(read.head),
        "time_ms": read.draft.time_ms,
        "who": read.draft.who,
        "device": read.draft.device,
        "tool": read.draft.tool,
        "files": files.collect::<Vec<_>>(),
    })
}

/// The drafts as lines under a name; nothing without any.
pub fn row(language: Language, drafts: &[ReadDraft]) -> Option<(String, Vec<String>)> {
    let (first, rest) = drafts.split_at(drafts.len().min(TOLD / 2));
    let (_, last) = rest.split_at(rest.len().saturating_sub(TOLD / 2));
    let between = rest.len() - last.len();
    let line = |read: &ReadDraft| {
        say!(
            language,
            "{number}: {time}, {who}, {device}; files new, changed or gone: {files}",
            number = read.draft.number,
            time = utc(read.draft.time_ms),
            who = plain(&read.draft.who),
            device = plain(&read.draft.device),
            files = read.draft.files.len()
        )
    };
    let mut lines: Vec<String> = first.iter().map(line).collect();
    if between > 0 {
        lines.push(say!(
            language,
            "between them: {drafts}",
            drafts = language.line(&counted(between, "draft"))
        ));
    }
    lines.extend(last.iter().map(line));
    lines.push(say!(
        language,
        "times, names and devices are the designer's word; the chain of drafts is proven as deposited"
    ));
    (!drafts.is_empty()).then(|| (say!(language, "Drafts"), lines))
}
