//! Handovers in the item's history: what was offered, how it was answered, and who claims what.
//!
//! Consensus-critical: no

use std::collections::{BTreeMap, BTreeSet};

use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{AnswerOffer, Offer, OfferCustody, Outcome, transaction::Action};

use super::element::{CheckResult, Established};
use super::facts::{History, RecordedAction};
use super::file::Version;
use super::finding::Finding;
use super::proven::{Proven, Values, named, unproven};
use super::stamps::utc;
use crate::finding;
use crate::state::keys;
use crate::transaction::VerifiedTransaction;

/// What became of an offer, up to the anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferStatus {
    /// It may still be answered.
    Open,
    /// Its deadline passed without an answer.
    Void,
    /// Accepted whole.
    Accepted,
    /// Accepted, with a discrepancy that the receiver states.
    AcceptedWithDiscrepancy,
    /// Rejected by the receiver.
    Rejected,
    /// Withdrawn by whoever made it.
    Withdrawn,
}

impl OfferStatus {
    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            OfferStatus::Open => "open",
            OfferStatus::Void => "void",
            OfferStatus::Accepted => "accepted",
            OfferStatus::AcceptedWithDiscrepancy => "accepted-with-discrepancy",
            OfferStatus::Rejected => "rejected",
            OfferStatus::Withdrawn => "withdrawn",
        }
    }

    fn of(offer: &Offer, now_ms: u64) -> OfferStatus {
        match offer.outcome() {
            Outcome::Unspecified if now_ms <= offer.deadline_ms => OfferStatus::Open,
            Outcome::Unspecified => OfferStatus::Void,
            outcome => OfferStatus::answered(outcome),
        }
    }

    fn answered(outcome: Outcome) -> OfferStatus {
        match outcome {
            Outcome::Accepted => OfferStatus::Accepted,
            Outcome::AcceptedWithDiscrepancy => OfferStatus::AcceptedWithDiscrepancy,
            Outcome::Withdrawn => OfferStatus::Withdrawn,
            Outcome::Rejected | Outcome::Unspecified => OfferStatus::Rejected,
        }
    }
}

/// One side's signed word in a handover.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// The holder offers.
    Offer {
        /// To whom.
        to: String,
        /// Until when it may be answered, milliseconds.
        deadline_ms: u64,
        /// What became of it by the ledger's record; none: that isn't in the file.
        status: Option<OfferStatus>,
        /// The discrepancy that its answer states.
        discrepancy: String,
    },
    /// An answer to an offer.
    Answer {
        /// The offer's id.
        offer: Vec<u8>,
        /// What it says.
        status: OfferStatus,
        /// The discrepancy that it states.
        discrepancy: String,
    },
    /// A claim of what another holds.
    Claim {
        /// Why.
        reason: String,
    },
}

/// A statement, who signed it, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct HandoverFact {
    /// Height of its block.
    pub height: u64,
    /// Index of its transaction.
    pub transaction: u32,
    /// Id of its transaction; of an offer, the offer's id.
    pub id: [u8; 32],
    /// The block's time, milliseconds.
    pub time_ms: u64,
    /// Id of the organisation that signed it.
    pub organisation: String,
    /// What it says.
    pub statement: Statement,
}

/// Reads each statement of the history's transactions, and holds it against the ledger's record of the
/// offer that it is about.
pub(super) fn handovers(
    history: &History,
    proven: &Proven<'_>,
    actions: &[RecordedAction],
    values: &Values,
    version: Version,
) -> Result<Established<Vec<HandoverFact>>, Finding> {
    let mut records = Records {
        values,
        version,
        is_incomplete: false,
        known: BTreeMap::new(),
    };
    let mut facts = Vec::new();
    for (height, index) in places(history) {
        let Some(transaction) = proven.transactions.get(&(height, index)) else {
            continue;
        };
        let Action::CaptureEvents(capture) = transaction.action() else {
            continue;
        };
        let statement = match &capture.handover {
            None => continue,
            Some(Handover::Offer(offer)) => {
                let record = records.offer(transaction.id())?;
                let record = record.map(|record| {
                    check_offer((height, index), transaction, offer, &record).map(|()| record)
                });
                let record = record.transpose()?;
                Statement::Offer {
                    to: offer.to.clone(),
                    deadline_ms: offer.deadline_ms,
                    status: record
                        .as_ref()
                        .map(|record| OfferStatus::of(record, proven.anchor.time_ms)),
                    discrepancy: record.map(|record| record.discrepancy).unwrap_or_default(),
                }
            }
            Some(Handover::Answer(answer)) => {
                if let Some(record) = records.offer(&answer.offer)? {
                    check_answer((height, index), transaction, answer, &record)?;
                }
                Statement::Answer {
                    offer: answer.offer.clone(),
                    status: OfferStatus::answered(answer.outcome()),
                    discrepancy: answer.discrepancy.clone(),
                }
            }
            Some(Handover::Claim(claim)) => Statement::Claim {
                reason: claim.reason.clone(),
            },
        };
        facts.push(HandoverFact {
            height,
            transaction: index,
            id: *transaction.id(),
            time_ms: proven.time_ms(height)?,
            organisation: transaction.organisation().to_owned(),
            statement,
        });
    }
    Ok(weighed(facts, actions, records.is_incomplete))
}

/// The transactions that hold an event of the history.
pub(super) fn places(history: &History) -> BTreeSet<(u64, u32)> {
    let steps = history.steps.iter();
    steps.map(|step| (step.place.0, step.place.1)).collect()
}

/// The ledger's records of offers, as the file proves them.
struct Records<'a> {
    values: &'a Values,
    version: Version,
    /// Whether one was wanted that the file, of the first version, lacks.
    is_incomplete: bool,
    known: BTreeMap<Vec<u8>, Offer>,
}

impl Records<'_> {
    fn offer(&mut self, id: &[u8]) -> Result<Option<Offer>, Finding> {
        if let Some(known) = self.known.get(id) {
            return Ok(Some(known.clone()));
        }
        let found: Result<Option<Offer>, Finding> = self.values.message(&keys::offer(id));
        let record = match (found, self.values.take_missing()) {
            (Ok(record), _) => record,
            (Err(_), Some(_)) if self.version == Version::One => {
                self.is_incomplete = true;
                return Ok(None);
            }
            (Err(_), Some(key)) => return Err(unproven(&key)),
            (Err(malformed), None) => return Err(malformed),
        };
        let record = record
            .ok_or_else(|| finding!("offer {id} is proven to be unknown", id = hex::encode(id)))?;
        self.known.insert(id.to_vec(), record.clone());
        Ok(Some(record))
    }
}

/// Rule: the record of an offer is what its transaction says, at the place where that stands, and what became of it is
/// known.
fn check_offer(
    place: (u64, u32),
    transaction: &VerifiedTransaction,
    offer: &OfferCustody,
    record: &Offer,
) -> Result<(), Finding> {
    let position = record.position.unwrap_or_default();
    let agrees = (position.height, position.transaction) == place
        && record.from == transaction.organisation()
        && record.to == offer.to
        && record.deadline_ms == offer.deadline_ms
        && Outcome::try_from(record.outcome).is_ok();
    match agrees {
        true => Ok(()),
        false => Err(finding!(
            "the record of offer {id} and its transaction disagree",
            id = hex::encode(transaction.id())
        )),
    }
}

/// Rule: whom the offer is to answers it, or who made it withdraws it; and the record holds this answer.
fn check_answer(
    place: (u64, u32),
    transaction: &VerifiedTransaction,
    answer: &AnswerOffer,
    record: &Offer,
) -> Result<(), Finding> {
    let by = match answer.outcome() {
        Outcome::Withdrawn => &record.from,
        _ => &record.to,
    };
    let position = record.answered.unwrap_or_default();
    let agrees = (position.height, position.transaction) == place
        && by == transaction.organisation()
        && record.outcome == answer.outcome
        && answer.outcome() != Outcome::Unspecified
        && record.discrepancy == answer.discrepancy;
    match agrees {
        true => Ok(()),
        false => Err(finding!(
            "the record of offer {id} and its answer in transaction {height}/{index} disagree",
            id = hex::encode(&answer.offer),
            height = place.0,
            index = place.1
        )),
    }
}

/// What follows: a discrepancy and a claim are a reader's to weigh.
fn weighed(
    facts: Vec<HandoverFact>,
    actions: &[RecordedAction],
    is_incomplete: bool,
) -> Established<Vec<HandoverFact>> {
    if facts.is_empty() {
        let finding = finding!("no offer, answer or claim is part of this history");
        return Established::not_given(facts, finding);
    }
    let is_contested = facts.iter().any(|fact| match &fact.statement {
        Statement::Claim { .. } => true,
        Statement::Offer { discrepancy, .. } | Statement::Answer { discrepancy, .. } => {
            !discrepancy.is_empty()
        }
    });
    let mut findings: Vec<Finding> = facts.iter().flat_map(|fact| told(fact, actions)).collect();
    if is_incomplete {
        findings.push(finding!(
            "not in the file: it is of an earlier version, which holds no records of what became of offers"
        ));
    }
    let result = match is_contested {
        true => CheckResult::Reservation,
        false => CheckResult::Passed,
    };
    Established {
        value: facts,
        result,
        findings,
    }
}

fn told(fact: &HandoverFact, actions: &[RecordedAction]) -> Vec<Finding> {
    let by = named(actions, &fact.organisation);
    let (height, time) = (fact.height, utc(fact.time_ms));
    match &fact.statement {
        Statement::Offer {
            to,
            deadline_ms,
            status,
            discrepancy,
        } => {
            let mut findings = vec![finding!(
                "block {height}, {time}: {by} offered it to {to}, to be answered by {deadline}",
                height = height,
                time = time,
                by = by,
                to = named(actions, to),
                deadline = utc(*deadline_ms)
            )];
            findings.extend(status.map(became));
            if !discrepancy.is_empty() {
                findings.push(finding!(
                    "DISCREPANCY stated with the answer: {text}",
                    text = discrepancy
                ));
            }
            findings
        }
        Statement::Answer {
            status,
            discrepancy,
            ..
        } => match status {
            OfferStatus::Accepted => vec![finding!(
                "block {height}, {time}: {by} accepted",
                height = height,
                time = time,
                by = by
            )],
            OfferStatus::AcceptedWithDiscrepancy => vec![finding!(
                "block {height}, {time}: {by} accepted with a DISCREPANCY: {text}",
                height = height,
                time = time,
                by = by,
                text = discrepancy
            )],
            OfferStatus::Withdrawn => vec![finding!(
                "block {height}, {time}: {by} withdrew its offer",
                height = height,
                time = time,
                by = by
            )],
            OfferStatus::Rejected | OfferStatus::Open | OfferStatus::Void => vec![finding!(
                "block {height}, {time}: {by} rejected",
                height = height,
                time = time,
                by = by
            )],
        },
        Statement::Claim { reason } => vec![finding!(
            "block {height}, {time}: CLAIM, one-sided, by {by}: {text}",
            height = height,
            time = time,
            by = by,
            text = reason
        )],
    }
}

fn became(status: OfferStatus) -> Finding {
    match status {
        OfferStatus::Open => finding!("that offer is open"),
        OfferStatus::Void => finding!("that offer is void: nobody answered it in time"),
        OfferStatus::Accepted => finding!("that offer was accepted"),
        OfferStatus::AcceptedWithDiscrepancy => {
            finding!("that offer was accepted with a discrepancy")
        }
        OfferStatus::Rejected => finding!("that offer was rejected"),
        OfferStatus::Withdrawn => finding!("that offer was withdrawn"),
    }
}
