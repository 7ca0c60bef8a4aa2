//! Who has the item at the anchor, on whose word, and who says otherwise.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::{Basis, Custody, CustodyClaim, End, Ending, Item, OpenOffer, Stock};

use super::element::{CheckResult, Established};
use super::facts::{History, RecordedAction};
use super::file::Version;
use super::finding::Finding;
use super::proven::{Proven, Values, named, unproven};
use super::stamps::utc;
use crate::finding;
use crate::state::keys;

/// An organisation's word that stands against the holder's.
#[derive(Clone, Debug, PartialEq)]
pub struct StandingClaim {
    /// The item that is claimed: the subject, or a container around it.
    pub item: String,
    /// Who claims it, since when and why. Without a reason: who held it by its own word before another
    /// claimed it.
    pub claim: CustodyClaim,
}

/// An item's custody at the anchor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustodyFact {
    /// The containers around it, from the inner to the outer.
    pub containers: Vec<String>,
    /// Who has it, and on whose word; none: nobody said so.
    pub custody: Option<Custody>,
    /// How its life ended.
    pub ended: Option<End>,
    /// The open offer of it.
    pub offer: Option<OpenOffer>,
    /// Words against the holder's, of it and of what it is in.
    pub claims: Vec<StandingClaim>,
    /// Who has how much of it, where it is a class with an account.
    pub stock: Option<Stock>,
}

/// Computes the custody from the records that the file proves, as docs/format.md, "Custody", says.
pub(super) fn custody(
    history: &History,
    proven: &Proven<'_>,
    actions: &[RecordedAction],
    values: &Values,
    version: Version,
) -> Result<Established<Option<CustodyFact>>, Finding> {
    if history.own_events == 0 {
        let finding = finding!("nothing is recorded for the item: nobody has it");
        return Ok(Established::not_given(None, finding));
    }
    let id = history.item.as_str();
    let status = match crate::custody::status(values, id, proven.anchor.time_ms) {
        Ok(status) => status,
        Err(fault) => {
            return match values.take_missing() {
                Some(_) if version == Version::One => Ok(Established::not_given(
                    None,
                    finding!(
                        "not in the file: it is of an earlier version, which holds no custody"
                    ),
                )),
                Some(key) => Err(unproven(&key)),
                None => Err(finding!("the records of custody: {reason}", reason = fault)),
            };
        }
    };
    let mut fact = CustodyFact {
        containers: status.containers,
        custody: status.custody,
        ended: status.ended,
        offer: status.offer,
        ..CustodyFact::default()
    };
    for id in std::iter::once(id).chain(fact.containers.iter().map(String::as_str)) {
        let record: Item = values.message(&keys::item(id))?.unwrap_or_default();
        fact.claims
            .extend(record.claims.into_iter().map(|claim| StandingClaim {
                item: id.to_owned(),
                claim,
            }));
        if id == history.item {
            fact.stock = record.stock;
        }
    }
    let result = match fact.claims.is_empty() {
        true => CheckResult::Passed,
        false => CheckResult::Reservation,
    };
    Ok(Established {
        findings: findings(&fact, actions),
        value: Some(fact),
        result,
    })
}

fn findings(fact: &CustodyFact, actions: &[RecordedAction]) -> Vec<Finding> {
    let mut findings = vec![holder(fact.custody.as_ref(), actions)];
    if let Some(custody) = fact.custody.as_ref().filter(|c| !c.discrepancy.is_empty()) {
        findings.push(finding!(
            "DISCREPANCY stated by the holder when it received it: {text}",
            text = custody.discrepancy
        ));
    }
    if let Some(offer) = &fact.offer {
        findings.push(finding!(
            "on offer to {to}, to be answered by {deadline}",
            to = named(actions, &offer.to),
            deadline = utc(offer.deadline_ms)
        ));
    }
    if let Some(end) = &fact.ended {
        let height = end.position.map_or(0, |position| position.height);
        findings.push(match end.how() {
            Ending::Sold => finding!("sold, in block {height}", height = height),
            Ending::Consumed => finding!("used up, in block {height}", height = height),
            Ending::Destroyed => finding!("destroyed, in block {height}", height = height),
            Ending::Decommissioned | Ending::Unspecified => {
                finding!("decommissioned, in block {height}", height = height)
            }
        });
    }
    for StandingClaim { item, claim } in &fact.claims {
        let by = named(actions, &claim.organisation);
        let height = claim.since.map_or(0, |since| since.height);
        findings.push(match claim.reason.as_str() {
            "" => finding!(
                "DISPUTED: {by} held {item} by its own word since block {height}, before another claimed it",
                by = by,
                item = item,
                height = height
            ),
            reason => finding!(
                "DISPUTED: {by} claims {item} since block {height}, one-sided: {text}",
                by = by,
                item = item,
                height = height,
                text = reason
            ),
        });
    }
    if !fact.claims.is_empty() {
        findings.push(finding!(
            "word stands against word: the record is what each side said, and doesn't say who is right"
        ));
    }
    findings
}

fn holder(custody: Option<&Custody>, actions: &[RecordedAction]) -> Finding {
    let Some(custody) = custody else {
        return finding!(
            "nobody said that it has the item, or it is of a kind that nobody can have"
        );
    };
    let holder = named(actions, &custody.holder);
    let height = custody.since.map_or(0, |since| since.height);
    match custody.basis() {
        Basis::Handover => finding!(
            "with {holder} since block {height}, by a handover that both sides signed",
            holder = holder,
            height = height
        ),
        Basis::Prefix => finding!(
            "with {holder} since block {height}, whose GS1 company prefix it has",
            holder = holder,
            height = height
        ),
        Basis::OwnWord | Basis::Unspecified => finding!(
            "with {holder} since block {height}, by its own word alone: one-sided, nobody confirmed it",
            holder = holder,
            height = height
        ),
    }
}
