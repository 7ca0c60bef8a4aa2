//! Refused transactions: which event is to blame, what of the rest is sent again, and whether the node told the truth.

use touchstone_core::Rejection;
use touchstone_core::custody::CustodyRejection;
use touchstone_core::hash::Hash;
use touchstone_proto::node::Rejected;

use super::{EventOutcome, SendReport, Sender};
use crate::capture::error::CaptureError;
use crate::capture::event::EventRefusal;
use crate::client::{RecordedTransaction, TransactionOutcome};
use crate::error::ClientError;
use crate::verification::NotVerified;

impl Sender<'_> {
    /// Takes the offending event out and sends the rest again, in its place.
    pub(super) fn reject(
        &mut self,
        id: &Hash,
        rejected: &Rejected,
        report: SendReport<'_>,
    ) -> Result<(), CaptureError> {
        let Some(batch) = self.progress.under_way().get(id) else {
            return Ok(());
        };
        let events = batch.events.clone();
        let refusal = EventRefusal {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
        };
        let splits = !self.limits.whole && is_about_size(rejected.code);
        let culprit = match rejected.event {
            Some(place) => Some(*events.get(place as usize).ok_or_else(|| {
                NotVerified::Contradiction(
                    "the node blames an event that the transaction doesn't have".into(),
                )
            })?),
            None if splits && events.len() == 1 => events.first().copied(),
            None => None,
        };
        self.journal.rejected(id, &refusal)?;
        if let Some(source) = culprit.and_then(|event| self.events.get(event)) {
            let origin = (source.file.clone(), source.index);
            let node = Some(self.client.node());
            self.journal
                .refused(origin, &source.bytes, &refusal, node)?;
        }
        // What may fail is done.
        self.rejected.insert(*id, events);
        match culprit {
            Some(event) => {
                self.progressed = true;
                self.progress.refuse(id, event, refusal);
                self.tell(&[event], report);
                if self.limits.whole {
                    let rolled_back = self.progress.roll_back();
                    self.tell(&rolled_back, report);
                }
            }
            None if splits => {
                self.progressed = true;
                self.progress.halve(id);
            }
            None => {
                // The rule is about the sender or the envelope: every transaction would break it.
                // Once the cause is mended, the events are signed afresh.
                self.sender_refused
                    .get_or_insert(ClientError::refused(rejected).into());
                self.progress.take_back(id);
                if self.limits.whole {
                    let rolled_back = self.progress.roll_back();
                    self.tell(&rolled_back, report);
                }
            }
        }
        Ok(())
    }

    /// Whether nothing of the input is recorded, since an event of it is refused.
    pub(super) fn is_rolled_back(&self) -> bool {
        let refused = |o: &EventOutcome| matches!(o, EventOutcome::Refused(_));
        self.limits.whole && self.progress.outcomes().values().any(refused)
    }

    /// A refusal is one node's word: make sure that no refused transaction was recorded after all.
    pub(super) async fn settle(&mut self, report: SendReport<'_>) -> Result<(), CaptureError> {
        while let Some(id) = self.rejected.keys().next().copied() {
            if let TransactionOutcome::Recorded(recorded) = self.client.outcome(&id).await? {
                return Err(self.correct(&recorded, report)?);
            }
            self.rejected.remove(&id);
        }
        Ok(())
    }

    /// The proof is worth more than the word: what was refused or rolled back is recorded.
    fn correct(
        &mut self,
        recorded: &RecordedTransaction,
        report: SendReport<'_>,
    ) -> Result<CaptureError, CaptureError> {
        let (id, outcome) = self.remember_recorded(recorded)?;
        let mut corrected = self.rejected.remove(&id).unwrap_or_default();
        corrected.retain(|index| {
            let told = self.progress.outcomes().get(index);
            matches!(
                told,
                Some(EventOutcome::Refused(_) | EventOutcome::RolledBack)
            )
        });
        for index in &corrected {
            self.progress.correct(*index, outcome.clone());
        }
        self.tell(&corrected, report);
        let why = NotVerified::Contradiction(format!(
            "the node refused transaction {}, but it is recorded at height {}: its events may be \
             recorded twice",
            hex::encode(id),
            recorded.attested.header.height
        ));
        Ok(why.into())
    }
}

/// Whether a smaller transaction may pass.
fn is_about_size(code: u32) -> bool {
    let about = [
        Rejection::TransactionTooLarge { bytes: 0, limit: 0 },
        Rejection::Custody(CustodyRejection::EventCount { found: 0, limit: 0 }),
        Rejection::Custody(CustodyRejection::TooManyItems { limit: 0 }),
    ];
    about.iter().any(|rejection| rejection.code() == code)
}
