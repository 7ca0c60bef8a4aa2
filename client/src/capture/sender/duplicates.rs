//! Events that the organisation recorded before, through another journal say, or that stand in the
//! input twice: they are left out here. Two events are the same if their bytes are, or if they have
//! one `eventID` and one event hash, as a document that is written anew has them.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::hash::{Hash, sha256};
use touchstone_epcis::{Event, event_hash};

use super::{EventOutcome, Original, SendReport, Sender};
use crate::capture::error::CaptureError;
use crate::items;

/// What tells an event from others: the hash of its bytes, and that of its `eventID` with its event
/// hash. A declaration that an event was wrong has both of the event, and is another one.
#[derive(Clone, Debug, Default)]
struct EventNames {
    content: Hash,
    by_id: Option<Hash>,
}

impl EventNames {
    fn of(bytes: &[u8]) -> EventNames {
        EventNames {
            content: sha256(bytes),
            by_id: EventNames::by_id(bytes),
        }
    }

    fn by_id(bytes: &[u8]) -> Option<Hash> {
        let event = Event::parse(bytes).ok()?;
        let event_id = event
            .event_id
            .filter(|_| event.error_declaration.is_none())?;
        let hash = event_hash(bytes).ok()?;
        Some(sha256(format!("{event_id} {hash}").as_bytes()))
    }

    fn each(&self) -> impl Iterator<Item = &Hash> {
        std::iter::once(&self.content).chain(&self.by_id)
    }
}

/// What this run knows of events by what tells them from others.
#[derive(Debug, Default)]
pub(super) struct SeenEvents {
    /// Items whose links were read.
    read: BTreeSet<String>,
    /// Of the input's events.
    names: Vec<EventNames>,
    /// This organisation's events in those links, and those of the input that are recorded.
    recorded: BTreeMap<Hash, Original>,
}

impl SeenEvents {
    /// Events of the input, in order.
    pub(super) fn in_input<'a>(events: impl Iterator<Item = &'a [u8]>) -> SeenEvents {
        SeenEvents {
            names: events.map(EventNames::of).collect(),
            ..SeenEvents::default()
        }
    }

    /// The event at an index of the input is recorded.
    pub(super) fn is_recorded(&mut self, index: usize) {
        for name in self.names.get(index).into_iter().flat_map(EventNames::each) {
            let here = Original::Input(index);
            self.recorded.entry(*name).or_insert(here);
        }
    }
}

impl Sender<'_> {
    /// Takes the events out of the first batch that are recorded already, and has those wait for
    /// its outcome whose bytes stand in it twice. An event stands in the link of each of its items,
    /// so one link of each is enough. Whether anything is left to be sent.
    pub(super) async fn leave_out_duplicates(
        &mut self,
        report: SendReport<'_>,
    ) -> Result<bool, CaptureError> {
        let Some(first) = self.progress.first() else {
            return Ok(false);
        };
        let all = first.all();
        self.read_links(&all).await?;
        let (mut rest, mut twins, mut duplicates) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut kept: BTreeMap<Hash, usize> = BTreeMap::new();
        for index in all {
            let names = self.seen.names.get(index).cloned().unwrap_or_default();
            let recorded = names.each().find_map(|name| self.seen.recorded.get(name));
            if let Some(original) = recorded {
                duplicates.push((index, EventOutcome::Duplicate(*original)));
            } else if let Some(twin) = names.each().find_map(|name| kept.get(name)) {
                twins.insert(index, *twin);
            } else {
                kept.extend(names.each().map(|name| (*name, index)));
                rest.push(index);
            }
        }
        let is_left = !rest.is_empty();
        let decided: Vec<usize> = duplicates.iter().map(|(index, _)| *index).collect();
        self.progress.sort_out_first(rest, twins, duplicates);
        self.tell(&decided, report);
        Ok(is_left)
    }

    /// Reads links until each of these events has one that is read.
    async fn read_links(&mut self, indices: &[usize]) -> Result<(), CaptureError> {
        let mut unread: BTreeSet<String> = BTreeSet::new();
        for event in indices.iter().filter_map(|i| self.events.get(*i)) {
            let mut names = event.names.iter();
            if !names.any(|n| self.seen.read.contains(n) || unread.contains(n)) {
                unread.extend(event.names.first().cloned());
            }
        }
        // Before the first block nothing is recorded, and nothing can prove that. A node isn't
        // believed that once a block was seen.
        if !self.client.has_blocks().await? {
            return Ok(());
        }
        let unread: Vec<String> = unread.into_iter().collect();
        let links = items::fetch_all(self.client, &unread).await?;
        for recorded in links.iter().flat_map(|link| &link.events) {
            let entry = &recorded.entry;
            let height = entry.position.unwrap_or_default().height;
            if entry.organisation == self.signer.organisation
                && let Ok(transaction) = Hash::try_from(entry.transaction_id.as_slice())
            {
                let original = Original::Recorded {
                    transaction,
                    height,
                };
                for name in EventNames::of(&recorded.bytes).each() {
                    self.seen.recorded.entry(*name).or_insert(original);
                }
            }
        }
        self.seen.read.extend(unread);
        Ok(())
    }
}
