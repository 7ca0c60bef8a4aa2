//! Checks of disputes, and sanctions against organisations.

use touchstone_core::designs::vouching::voucher_of;
use touchstone_core::encoding;
use touchstone_core::evidence::PartyFact;
use touchstone_core::governance::dispute_terms;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{
    CaseCheck, Dispute, DisputeTerms, PartySanctions, Sanction, VouchedDesigner,
};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// A check, or proof that there is none of this id.
pub async fn check(
    client: &mut Client,
    id: &Hash,
) -> Result<(AttestedHeader, Option<CaseCheck>), ClientError> {
    client.message(&keys::case_check(id)).await
}

/// A sanction, or proof that there is none of this id.
pub async fn sanction(
    client: &mut Client,
    id: &Hash,
) -> Result<(AttestedHeader, Option<Sanction>), ClientError> {
    client.message(&keys::sanction(id)).await
}

/// The checks and sanctions of a dispute whose proven record is given, each with its id.
#[derive(Debug, Default)]
pub struct DisputeRecords {
    /// In the order in which they were recorded.
    pub checks: Vec<(Hash, CaseCheck)>,
    /// In the order in which they were imposed.
    pub sanctions: Vec<(Hash, Sanction)>,
}

/// What a dispute's record tells of beside it.
pub async fn of_dispute(
    client: &mut Client,
    dispute: &Dispute,
) -> Result<DisputeRecords, ClientError> {
    let missing = || NotVerified::Missing("record that a dispute tells of");
    let id = |bytes: &[u8]| encoding::exact("id", bytes).map_err(|_| missing());
    let mut records = DisputeRecords::default();
    for bytes in &dispute.checks {
        let id = id(bytes)?;
        let found = check(client, &id).await?.1.ok_or_else(missing)?;
        records.checks.push((id, found));
    }
    for bytes in &dispute.sanctions {
        let id = id(bytes)?;
        let found = sanction(client, &id).await?.1.ok_or_else(missing)?;
        records.sanctions.push((id, found));
    }
    Ok(records)
}

/// The sanctions that hold for a party.
#[derive(Debug)]
pub struct SanctionsOfParty {
    /// As of which block.
    pub attested: AttestedHeader,
    /// Those against itself, and against all with its register's number.
    pub fact: PartyFact,
}

impl SanctionsOfParty {
    /// Whether there was any.
    pub fn is_any(&self) -> bool {
        let registered = self.fact.registered.as_ref();
        self.fact.own.imposed > 0 || registered.is_some_and(|(_, list)| list.imposed > 0)
    }
}

/// The sanctions against a party; none where it is proven that there are none.
pub async fn of_party(
    client: &mut Client,
    organisation: &str,
) -> Result<SanctionsOfParty, ClientError> {
    let (attested, own): (_, Option<PartySanctions>) =
        client.message(&keys::party_sanctions(organisation)).await?;
    let mut number = String::new();
    if voucher_of(organisation).is_some() {
        let key = keys::vouched_designer(organisation);
        let (_, vouched): (_, Option<VouchedDesigner>) = client.message(&key).await?;
        number = vouched.unwrap_or_default().registered_as;
    }
    let registered = match number.as_str() {
        "" => None,
        _ => {
            let key = keys::registered_sanctions(&number);
            let (_, found): (_, Option<PartySanctions>) = client.message(&key).await?;
            Some((number, found.unwrap_or_default()))
        }
    };
    Ok(SanctionsOfParty {
        attested,
        fact: PartyFact {
            organisation: organisation.to_owned(),
            own: own.unwrap_or_default(),
            registered,
        },
    })
}

/// The terms of checks, hand-overs and sanctions.
pub async fn terms(client: &mut Client) -> Result<(AttestedHeader, DisputeTerms), ClientError> {
    let (attested, terms) = client.message(keys::DISPUTE_TERMS).await?;
    Ok((attested, terms.unwrap_or(dispute_terms::DEFAULT)))
}
