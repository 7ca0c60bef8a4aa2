//! Events that the organisation recorded before, through another journal say, or that stand in the
//! input twice: the ledger would take the same bytes in again, so they are left out here.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::hash::{Hash, sha256};

use super::{Batch, EventOutcome, Original, Report, Sender};
use crate::failure::Failure;
use crate::link;

/// What this run knows of events by the hash of their bytes.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Items whose links were read.
    read: BTreeSet<String>,
    /// This organisation's events in those links.
    recorded: BTreeMap<Hash, Original>,
    /// First place in the input.
    first: BTreeMap<Hash, usize>,
}

impl Seen {
    /// Events of the input, in order.
    pub(super) fn in_input<'a>(events: impl Iterator<Item = &'a [u8]>) -> Seen {
        let mut seen = Seen::default();
        for (index, bytes) in events.enumerate() {
            seen.first.entry(sha256(bytes)).or_insert(index);
        }
        seen
    }
}

impl Sender<'_> {
    /// Takes the events out of a batch that are recorded already or come earlier in the input. An
    /// event stands in the link of each of its items, so one link of each is enough.
    pub(super) async fn leave_out_duplicates(
        &mut self,
        batch: &mut Batch,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        let mut unread: BTreeSet<String> = BTreeSet::new();
        for event in batch.events.iter().filter_map(|i| self.events.get(*i)) {
            let mut names = event.names.iter();
            if !names.any(|n| self.seen.read.contains(n) || unread.contains(n)) {
                unread.extend(event.names.first().cloned());
            }
        }
        // Before the first block nothing is recorded, and nothing can prove that.
        if self.client.claimed_height().await? == 0 {
            unread.clear();
        }
        let unread: Vec<String> = unread.into_iter().collect();
        let links = link::entries(self.client, &unread).await?;
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
        let mut rest = Vec::with_capacity(batch.events.len());
        for index in std::mem::take(&mut batch.events) {
            match self.original(index) {
                None => rest.push(index),
                Some(original) => {
                    let outcome = EventOutcome::Duplicate(original);
                    report(index, &outcome);
                    self.outcomes.insert(index, outcome);
                }
            }
        }
        batch.events = rest;
        Ok(())
    }

    fn original(&self, index: usize) -> Option<Original> {
        let content = sha256(&self.events.get(index)?.bytes);
        if let Some(recorded) = self.seen.recorded.get(&content) {
            return Some(*recorded);
        }
        let first = *self.seen.first.get(&content)?;
        let refused = matches!(self.outcomes.get(&first), Some(EventOutcome::Refused(_)));
        (first < index && !refused).then_some(Original::Input(first))
    }
}
