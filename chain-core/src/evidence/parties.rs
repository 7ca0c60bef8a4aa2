//! The elements about who signed, when, and who the validators are to them.
//!
//! Consensus-critical: no

use touchstone_proto::evidence::Evidence;
use touchstone_proto::ledger::{Key, Parameters};

use super::element::{CheckResult, Established};
use super::facts::{RecordedAction, ValidatorFact};
use super::finding::Finding;
use super::proven::{Proven, Values};
use super::stamps::utc;
use crate::finding;
use crate::governance::{organisation, standing};
use crate::proof::header::TrustingRange;
use crate::state::keys;
use crate::transaction;

/// Each signing key belonged to the organisation named and was valid at its height.
pub(super) fn keys(
    proven: &Proven<'_>,
    values: &Values,
) -> Result<Established<Vec<RecordedAction>>, Finding> {
    let mut actions = Vec::with_capacity(proven.transactions.len());
    let mut result = CheckResult::Passed;
    let mut findings = vec![finding!(
        "every signing key belonged to the organisation named and was valid at its height; signatures: {count}",
        count = proven.transactions.len()
    )];
    for (&(height, index), transaction) in proven.transactions {
        let id = transaction.organisation();
        let record = values.organisation(id)?;
        let signer = transaction.signer();
        let name = hex::encode(signer);
        let key = record.keys.iter().find(|k| k.public_key == signer);
        let key = key.ok_or_else(|| {
            finding!(
                "key {key} doesn't belong to organisation {id}",
                key = name,
                id = id
            )
        })?;
        if !organisation::valid_at(key, height) {
            return Err(finding!(
                "key {key} was not valid at height {height}",
                key = name,
                height = height
            ));
        }
        let since_height = record.standing_height;
        if !standing::may_act(&record) && height > since_height {
            return Err(finding!(
                "organisation {id} was suspended or removed at height {since}, and signed transaction {height}/{index} \
                 after that",
                id = id,
                since = since_height,
                height = height,
                index = index
            ));
        }
        let time_ms = proven.time_ms(height)?;
        let mut say = |finding: Finding| {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        };
        if !standing::may_act(&record) {
            say(finding!(
                "organisation {id} was suspended or removed at height {since} by the consortium; it signed before that",
                id = id,
                since = since_height
            ));
        }
        let is_reported = key.compromised_since_ms != 0 && key.compromised_since_ms <= time_ms;
        if is_reported {
            result = CheckResult::Reservation;
        }
        match is_reported {
            true => say(doubt(id, key, (height, index))),
            false => told(id, key).into_iter().for_each(&mut say),
        }
        actions.push(RecordedAction {
            height,
            index,
            id: *transaction.id(),
            time_ms,
            organisation: id.to_owned(),
            name: record.name,
            signer: *signer,
            hashed: transaction::id_preimage(&proven.anchor.chain_id, transaction)
                .map_err(|e| finding!("{reason}", reason = e))?,
        });
    }
    Ok(Established {
        value: actions,
        result,
        findings,
    })
}

/// A key that signed at a place from when on others may have used it, as was reported.
fn doubt(id: &str, key: &Key, (height, index): (u64, u32)) -> Finding {
    let name = hex::encode(&key.public_key);
    let time = utc(key.compromised_since_ms);
    match organisation::is_contested(key) {
        true => finding!(
            "CONTESTED: key {key} of {id} was reported compromised from {time} on, by a key that may be a thief's; it \
             signed transaction {height}/{index} after that, and the consortium hasn't decided",
            key = name,
            id = id,
            time = time,
            height = height,
            index = index
        ),
        false => finding!(
            "DOUBTFUL: key {key} of {id} was reported compromised from {time} on, and signed transaction \
             {height}/{index} after that: somebody else may have",
            key = name,
            id = id,
            time = time,
            height = height,
            index = index
        ),
    }
}

/// What else is known of a key, which takes nothing from what it signed here.
fn told(id: &str, key: &Key) -> Option<Finding> {
    let name = hex::encode(&key.public_key);
    let until = key.valid_until_height;
    match key.compromised_since_ms {
        0 if organisation::is_settled(key) => Some(finding!(
            "the consortium settled what was said of key {key} of {id}: nothing speaks against what it signed here",
            key = name,
            id = id
        )),
        0 if until == 0 => None,
        0 if organisation::is_contested(key) => Some(finding!(
            "key {key} of {id} was retired at height {height}, where only keys remained that were added lately: that \
             is contested; it signed before that",
            key = name,
            id = id,
            height = until
        )),
        0 => Some(finding!(
            "key {key} of {id} was retired at height {height}; it signed before that",
            key = name,
            id = id,
            height = until
        )),
        since => Some(finding!(
            "key {key} of {id} was reported compromised from {time} on; what it signed here is from before",
            key = name,
            id = id,
            time = utc(since)
        )),
    }
}

/// The error of block times, milliseconds.
pub(super) fn time(
    actions: &[RecordedAction],
    values: &Values,
) -> Result<Established<u64>, Finding> {
    let parameters: Parameters = values
        .message(keys::PARAMETERS)?
        .ok_or_else(|| finding!("the chain's parameters are proven to be missing"))?;
    let error_ms = parameters
        .precision_ms
        .saturating_add(parameters.message_delay_ms);
    let mut findings = vec![finding!(
        "chain time: a block's time is that of its proposer's clock, which validators with more than 2/3 of the voting \
         power compared with theirs when they first saw it: precision {precision} ms, message delay {delay} ms",
        precision = parameters.precision_ms,
        delay = parameters.message_delay_ms
    )];
    if let (Some(first), Some(last)) = (actions.first(), actions.last()) {
        findings.push(finding!(
            "recorded from {first} to {last}, each ± {error} ms where the block was decided in its first round; each \
             later round of the votes allows for a message delay a tenth longer",
            first = utc(first.time_ms),
            last = utc(last.time_ms),
            error = error_ms
        ));
    }
    Ok(Established {
        value: error_ms,
        result: CheckResult::Passed,
        findings,
    })
}

/// Who the validators are, and whether they are independent of the parties.
pub(super) fn independence(
    evidence: &Evidence,
    range: &TrustingRange,
    actions: &[RecordedAction],
    values: &Values,
) -> Result<Established<Vec<ValidatorFact>>, Finding> {
    let signatures = evidence
        .anchor
        .iter()
        .filter_map(|a| a.certificate.as_ref())
        .flat_map(|c| &c.signatures);
    let signed: Vec<&[u8]> = signatures.map(|s| s.public_key.as_slice()).collect();
    let mut facts = Vec::with_capacity(range.set.count());
    for validator in range.set.iter() {
        facts.push(ValidatorFact {
            public_key: validator.public_key,
            power: validator.power,
            organisation: validator.organisation.clone(),
            name: values.organisation(&validator.organisation)?.name,
            signed: signed.contains(&validator.public_key.as_slice()),
        });
    }
    let is_party = |v: &ValidatorFact| actions.iter().any(|a| a.organisation == v.organisation);
    let own: u64 = facts.iter().filter(|v| is_party(v)).map(|v| v.power).sum();
    let total = range.set.total_power();
    let mut names: Vec<&str> = facts
        .iter()
        .filter(|v| is_party(v))
        .map(|v| v.organisation.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    let finding = match own {
        0 => finding!(
            "of all validators ({count}) none belongs to an organisation that signed here",
            count = facts.len()
        ),
        _ => finding!(
            "organisations that signed here run validators themselves ({names}), with {own} of {total} voting power",
            names = names.join(", "),
            own = own,
            total = total
        ),
    };
    // Safety of the consensus holds while those who would lie have less than 1/3.
    let result = match u128::from(own) * 3 < u128::from(total) {
        true => CheckResult::Passed,
        false => CheckResult::Reservation,
    };
    Ok(Established {
        value: facts,
        result,
        findings: vec![finding],
    })
}
