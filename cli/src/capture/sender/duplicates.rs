//! Events that the organisation recorded before, through another journal say, or that stand in the
//! input twice: the ledger would take the same bytes in again, so they are left out here.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_client::event_log;
use touchstone_core::hash::{Hash, sha256};

use super::{EventOutcome, Original, Report, Sender};
use crate::failure::Failure;

/// What this run knows of events by the hash of their bytes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Items whose links were read.
    read: BTreeSet<String>,
    /// Hashes of the input's events.
    contents: Vec<Hash>,
    /// This organisation's events in those links, and those of the input that are recorded.
    recorded: BTreeMap<Hash, Original>,
}

impl Seen {
    /// Events of the input, in order.
    pub(super) fn in_input<'a>(events: impl Iterator<Item = &'a [u8]>) -> Seen {
        Seen {
            contents: events.map(sha256).collect(),
            ..Seen::default()
        }
    }

    /// The event at an index of the input is recorded.
    pub(super) fn is_recorded(&mut self, index: usize) {
        if let Some(content) = self.contents.get(index) {
            let here = Original::Input(index);
            self.recorded.entry(*content).or_insert(here);
        }
    }
}

impl Sender<'_> {
    /// Takes the events out of the first batch that are recorded already, and has those wait for
    /// its outcome whose bytes stand in it twice. An event stands in the link of each of its items,
    /// so one link of each is enough. Whether anything is left to be sent.
    pub(super) async fn leave_out_duplicates(
        &mut self,
        report: Report<'_>,
    ) -> Result<bool, Failure> {
        let Some(first) = self.progress.first() else {
            return Ok(false);
        };
        let all = first.all();
        self.read_links(&all).await?;
        let (mut rest, mut twins, mut duplicates) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut kept: BTreeMap<Hash, usize> = BTreeMap::new();
        for index in all {
            let content = self.seen.contents.get(index).copied().unwrap_or_default();
            if let Some(original) = self.seen.recorded.get(&content) {
                duplicates.push((index, EventOutcome::Duplicate(*original)));
            } else if let Some(twin) = kept.get(&content) {
                twins.insert(index, *twin);
            } else {
                kept.insert(content, index);
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
    async fn read_links(&mut self, indices: &[usize]) -> Result<(), Failure> {
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
        let links = event_log::entries(self.client, &unread).await?;
        for entry in links.into_iter().flatten() {
            let position = entry.position.unwrap_or_default();
            if entry.organisation == self.signer.organisation
                && let Ok(content) = Hash::try_from(entry.content_hash)
                && let Ok(transaction) = Hash::try_from(entry.transaction_id)
            {
                let height = position.height;
                let original = Original::Recorded {
                    transaction,
                    height,
                };
                self.seen.recorded.entry(content).or_insert(original);
            }
        }
        self.seen.read.extend(unread);
        Ok(())
    }
}
