//! Planning a run: what earlier runs left open, and packing the rest into transactions.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::encoding::decode_exact;
use touchstone_core::hash;
use touchstone_proto::ledger::{self, transaction::Action};

use super::duplicates::SeenEvents;
use super::progress::{Batch, SendProgress};
use super::{EventOutcome, SendLimits, Sender};
use crate::capture::error::CaptureError;
use crate::capture::event::{ENVELOPE_BYTES, SourceEvent};
use crate::capture::journal::{Fate, Journal, JournalHistory, Origin};
use crate::client::{Client, Signer};

impl<'a> Sender<'a> {
    /// Plans a run: what earlier ones left open first, then what they never sent, in input order.
    pub fn plan(
        client: &'a mut Client,
        signer: &'a Signer,
        events: &'a [SourceEvent],
        journal: Journal,
        history: JournalHistory,
        limits: SendLimits,
        now_ms: fn() -> u64,
    ) -> Result<Sender<'a>, CaptureError> {
        let mut sender = Sender {
            client,
            signer,
            events,
            journal,
            limits,
            progress: SendProgress::new(events.len()),
            rejected: BTreeMap::new(),
            sender_refused: None,
            asks_anew: false,
            last_created_ms: 0,
            now_ms,
            progressed: false,
            seen: SeenEvents::in_input(events.iter().map(|e| e.bytes.as_slice())),
        };
        let open = sender.recall(history)?;
        let mut batches = sender.fresh_batches(&open)?;
        if sender.is_rolled_back() {
            // An event is wrong in itself, or an earlier run heard that it is refused.
            batches.clear();
        }
        batches.extend(open);
        sender.progress.plan(batches);
        Ok(sender)
    }

    /// Takes over earlier runs' outcomes; gives the transactions whose fate is open.
    fn recall(&mut self, history: JournalHistory) -> Result<Vec<Batch>, CaptureError> {
        let other_input = |reason: &str| CaptureError::OtherInput {
            path: self.journal.path().to_owned(),
            reason: reason.to_owned(),
        };
        let gone = |origin: &Origin| {
            let (file, index) = origin;
            other_input(&format!(
                "it remembers event {index} of {file}, which isn't among the files given"
            ))
        };
        let places: BTreeMap<Origin, usize> = self
            .events
            .iter()
            .enumerate()
            .map(|(i, e)| ((e.file.clone(), e.index), i))
            .collect();
        let mut open = Vec::new();
        for past in history.sent {
            let body = envelope_events(&past.envelope)
                .filter(|bytes| bytes.len() == past.events.len())
                .ok_or_else(|| other_input("a transaction is unreadable"))?;
            let mut events = Vec::with_capacity(past.events.len());
            for (origin, bytes) in past.events.iter().zip(&body) {
                let place = *places.get(origin).ok_or_else(|| gone(origin))?;
                let is_changed = self.events.get(place).is_none_or(|e| e.bytes != *bytes);
                if is_changed && past.fate == Some(Fate::Rejected) {
                    // It was mended.
                    continue;
                }
                if is_changed {
                    let (file, index) = origin;
                    return Err(other_input(&format!("event {index} of {file} was changed")));
                }
                events.push(place);
            }
            match past.fate {
                Some(Fate::Rejected) => {
                    self.rejected.insert(past.id, events);
                }
                Some(Fate::Recorded {
                    height, time_ms, ..
                }) => {
                    for event in events {
                        let outcome = EventOutcome::Recorded {
                            transaction: past.id,
                            height,
                            time_ms,
                        };
                        self.progress.decide_unplanned(event, outcome);
                        self.seen.is_recorded(event);
                    }
                }
                None => open.push(Batch {
                    signed: Some((past.id, past.envelope)),
                    sent_before: true,
                    ..Batch::unsigned(events)
                }),
            }
        }
        for (origin, past) in history.refused {
            let place = places.get(&origin).ok_or_else(|| gone(&origin))?;
            // It is for these bytes only; whoever mends the event sends another.
            let same = |e: &SourceEvent| hex::encode(hash::sha256(&e.bytes)) == past.sha256;
            let is_same = self.events.get(*place).is_some_and(same);
            if !is_same || self.progress.outcomes().contains_key(place) {
                continue;
            }
            // It is one node's word, and another one is asked now.
            if past.node.is_some_and(|node| node != self.client.node()) {
                self.asks_anew = true;
                continue;
            }
            // The same node's refusal stands: to try again later would put the event out of its order.
            let refused = EventOutcome::Refused(past.refusal);
            self.progress.decide_unplanned(*place, refused);
        }
        Ok(open)
    }

    /// Packs the events that no earlier run sent, and refuses those that can't pass.
    fn fresh_batches(&mut self, open: &[Batch]) -> Result<Vec<Batch>, CaptureError> {
        let taken: BTreeSet<usize> = open.iter().flat_map(|b| b.events.clone()).collect();
        let mut batches: Vec<Batch> = Vec::new();
        let mut current: Vec<usize> = Vec::new();
        let mut bytes = ENVELOPE_BYTES;
        for (index, event) in self.events.iter().enumerate() {
            if taken.contains(&index) {
                // A batch doesn't reach over events that are under way: that keeps the order.
                close(&mut batches, &mut current, &mut bytes);
                continue;
            }
            if self.progress.outcomes().contains_key(&index) {
                continue;
            }
            if let Some(refusal) = &event.wrong {
                let origin = (event.file.clone(), event.index);
                self.journal.refused(origin, &event.bytes, refusal, None)?;
                let refused = EventOutcome::Refused(refusal.clone());
                self.progress.decide_unplanned(index, refused);
                continue;
            }
            let size = event.bytes.len() as u64 + 8;
            let is_full = current.len() >= self.limits.batch || bytes + size > self.limits.bytes;
            if is_full && !self.limits.whole {
                close(&mut batches, &mut current, &mut bytes);
            }
            bytes += size;
            current.push(index);
        }
        close(&mut batches, &mut current, &mut bytes);
        Ok(batches)
    }
}

fn close(batches: &mut Vec<Batch>, current: &mut Vec<usize>, bytes: &mut u64) {
    *bytes = ENVELOPE_BYTES;
    if !current.is_empty() {
        batches.push(Batch::unsigned(std::mem::take(current)));
    }
}

fn envelope_events(envelope: &[u8]) -> Option<Vec<Vec<u8>>> {
    let envelope: ledger::Envelope = decode_exact(envelope).ok()?;
    let body: ledger::Transaction = decode_exact(&envelope.body).ok()?;
    match body.action {
        Some(Action::CaptureEvents(capture)) => Some(capture.events),
        _ => None,
    }
}
