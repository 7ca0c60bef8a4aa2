//! What the ledger proves of a label: the code that the thing's maker recorded, and who used it.

use serde_json::Value;
use touchstone_client::{Client, event_log};
use touchstone_core::custody::unit_state::{HistoryEntry, declared_wrong};
use touchstone_core::proof::item_history::Recorded;

use super::LabelOpening;
use crate::failure::Failure;
use crate::label::activation::RecordedCode;

/// Events that are read of a thing, and of a label: a page's most.
const EVENTS: u32 = 1024;

/// What a thing's maker recorded of a code, which is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MakersWord {
    /// This.
    Code(RecordedCode),
    /// Nothing is recorded of the thing.
    Unknown,
    /// No code.
    NoCode,
    /// The thing has more events than are read here.
    TooLong,
}

/// What is recorded under a label's identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpeningLog {
    /// Nothing.
    Empty,
    /// Something, and nothing of it has the code.
    Taken,
    /// The first event that has the code.
    First(LabelOpening),
}

/// The code in the last standing event that brings the thing into being, as the page and `clients/python` read it.
pub async fn makers_word(mut client: Client, item: String) -> Result<MakersWord, Failure> {
    let page = event_log::fetch_page(&mut client, &item, 0, EVENTS).await?;
    if page.count == 0 {
        return Ok(MakersWord::Unknown);
    }
    if (page.events.len() as u64) < page.count {
        return Ok(MakersWord::TooLong);
    }
    let read = page.events.iter().filter_map(|recorded| {
        let event = recorded.event.as_ref()?;
        let organisation = recorded.entry.organisation.as_str();
        Some((
            recorded,
            HistoryEntry {
                event,
                organisation,
                named: &item,
            },
        ))
    });
    let (recorded, history): (Vec<_>, Vec<HistoryEntry<'_>>) = read.unzip();
    let wrong = declared_wrong(&history);
    let beginning = history.iter().enumerate().rposition(|(at, entry)| {
        let begins = entry.event.begins().any(|id| id.as_str() == item);
        begins && !wrong.iter().any(|(index, _)| *index == at)
    });
    let beginning = beginning.and_then(|at| recorded.get(at));
    let code = beginning.and_then(|recorded| {
        let document = document(recorded)?;
        let data = document.get("ilmd")?.as_object()?;
        let mut named = data.iter().filter(|(name, _)| is_named(name, "activation"));
        named.find_map(|(_, value)| RecordedCode::read(value.as_str()?))
    });
    Ok(code.map_or(MakersWord::NoCode, MakersWord::Code))
}

/// Who used the code first.
pub async fn opening_log(
    client: &mut Client,
    recorded: &RecordedCode,
) -> Result<OpeningLog, Failure> {
    let page = event_log::fetch_page(client, &recorded.openings(), 0, EVENTS).await?;
    let first = page.events.iter().find(|event| has_code(event, recorded));
    Ok(match (first, page.count) {
        (Some(event), _) => OpeningLog::First(LabelOpening {
            organisation: event.entry.organisation.clone(),
            time_ms: event.entry.time_ms,
            height: event.place.0,
            transaction: hex::encode(&event.entry.transaction_id),
        }),
        (None, 0) => OpeningLog::Empty,
        (None, _) => OpeningLog::Taken,
    })
}

fn has_code(event: &Recorded, recorded: &RecordedCode) -> bool {
    let document = document(event).unwrap_or_default();
    let members = document.as_object().into_iter().flatten();
    let mut named = members.filter(|(name, _)| is_named(name, "openingCode"));
    named.any(|(_, value)| value.as_str().is_some_and(|code| recorded.fits(code)))
}

fn document(event: &Recorded) -> Option<Value> {
    serde_json::from_slice(&event.bytes).ok()
}

/// Whether a member of JSON-LD has this local name, whatever its prefix.
fn is_named(name: &str, local: &str) -> bool {
    name.rsplit([':', '/', '#']).next() == Some(local)
}
