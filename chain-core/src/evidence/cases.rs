//! What a file shows beside a dispute: its checks and the sanctions that rest on it, and the sanctions against the
//! parties. A dispute's record names its checks and sanctions, so a file that shows it leaves none out.
//!
//! Consensus-critical: no

use touchstone_proto::ledger::{CaseCheck, Dispute, PartySanctions, Sanction, VouchedDesigner};

use super::finding::Finding;
use super::proven::Values;
use crate::designs::case_records;
use crate::designs::referral;
use crate::designs::vouching::voucher_of;
use crate::encoding;
use crate::finding;
use crate::hash::Hash;
use crate::state::keys;

/// Parties whose sanctions one file shows, at most.
pub const MAX_PARTIES: usize = 32;

/// What a dispute's record names beside its review.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShownCase {
    /// Its checks in order, each with its id.
    pub checks: Vec<(Hash, CaseCheck)>,
    /// The sanctions that rest on it in order, each with its id.
    pub sanctions: Vec<(Hash, Sanction)>,
}

/// The sanctions against a party.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyFact {
    /// Its id.
    pub organisation: String,
    /// Those against itself.
    pub own: PartySanctions,
    /// The register's number that it is vouched for with, and those against all with that number.
    pub registered: Option<(String, PartySanctions)>,
}

/// The keys of what a dispute's record names beside its review.
pub(super) fn keys_of(dispute: &Dispute) -> Result<Vec<Vec<u8>>, encoding::Malformed> {
    let checks = dispute.checks.iter();
    let checks = checks.map(|id| Ok(keys::case_check(&encoding::exact("check", id)?)));
    let sanctions = dispute.sanctions.iter();
    let sanctions = sanctions.map(|id| Ok(keys::sanction(&encoding::exact("sanction", id)?)));
    checks.chain(sanctions).collect()
}

/// Reads what a dispute's record names, and examines it.
pub(super) fn of_dispute(
    id: &Hash,
    dispute: &Dispute,
    values: &Values,
) -> Result<ShownCase, Finding> {
    let bad = |reason: String| {
        finding!(
            "dispute {id}: {reason}",
            id = hex::encode(id),
            reason = reason
        )
    };
    let absent = || bad("a record that it tells of is absent".into());
    let mut shown = ShownCase::default();
    case_records::check_end(dispute).map_err(|e| bad(e.to_string()))?;
    case_records::check_handovers(dispute).map_err(|e| bad(e.to_string()))?;
    referral::check(dispute).map_err(|e| bad(e.to_string()))?;
    for check in &dispute.checks {
        let check_id: Hash = encoding::exact("check", check).map_err(|e| bad(e.to_string()))?;
        let check: Option<CaseCheck> = values.message(&keys::case_check(&check_id))?;
        let check = check.ok_or_else(absent)?;
        case_records::check_check(id, &check).map_err(|e| bad(e.to_string()))?;
        shown.checks.push((check_id, check));
    }
    for sanction in &dispute.sanctions {
        let sanction_id: Hash =
            encoding::exact("sanction", sanction).map_err(|e| bad(e.to_string()))?;
        let sanction: Option<Sanction> = values.message(&keys::sanction(&sanction_id))?;
        let sanction = sanction.ok_or_else(absent)?;
        case_records::check_sanction(id, dispute, &sanction).map_err(|e| bad(e.to_string()))?;
        shown.sanctions.push((sanction_id, sanction));
    }
    Ok(shown)
}

/// Reads the sanctions of the parties that a file shows, and holds them against those that its disputes show.
pub(super) fn parties(
    organisations: &[String],
    shown: &[(&[u8], &Sanction)],
    values: &Values,
) -> Result<Vec<PartyFact>, Finding> {
    let is_few = organisations.len() <= MAX_PARTIES;
    if !is_few || !organisations.is_sorted_by(|a, b| a < b) {
        return Err(finding!(
            "the parties whose sanctions the file shows don't ascend, or are more than {most}",
            most = MAX_PARTIES
        ));
    }
    organisations
        .iter()
        .map(|party| party_fact(party, shown, values))
        .collect()
}

fn party_fact(
    party: &str,
    shown: &[(&[u8], &Sanction)],
    values: &Values,
) -> Result<PartyFact, Finding> {
    let bad = |reason: String| {
        finding!(
            "sanctions of {party}: {reason}",
            party = party,
            reason = reason
        )
    };
    let own: Option<PartySanctions> = values.message(&keys::party_sanctions(party))?;
    let own = own.unwrap_or_default();
    case_records::check_party(party, &own, shown).map_err(|e| bad(e.to_string()))?;
    let number = match voucher_of(party) {
        None => String::new(),
        Some(_) => {
            let vouched: Option<VouchedDesigner> =
                values.message(&keys::vouched_designer(party))?;
            vouched.unwrap_or_default().registered_as
        }
    };
    let registered = match number.is_empty() {
        true => None,
        false => {
            let list: Option<PartySanctions> =
                values.message(&keys::registered_sanctions(&number))?;
            let list = list.unwrap_or_default();
            case_records::check_party("", &list, shown).map_err(|e| bad(e.to_string()))?;
            Some((number, list))
        }
    };
    Ok(PartyFact {
        organisation: party.to_owned(),
        own,
        registered,
    })
}
