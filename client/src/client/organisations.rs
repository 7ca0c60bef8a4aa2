//! Questions about organisations.

use std::collections::BTreeMap;

use tonic::transport::Channel;
use touchstone_core::encoding;
use touchstone_core::governance::organisation;
use touchstone_core::state::keys;
use touchstone_proto::ledger;
use touchstone_proto::node;
use touchstone_proto::node::ledger_client::LedgerClient;

use super::Client;
use crate::attested_header::AttestedHeader;
use crate::error::ClientError;
use crate::verification::{NotVerified, Trust};

impl Client {
    /// An organisation's record, or proof that there is none.
    pub async fn organisation(
        &mut self,
        id: &str,
    ) -> Result<(AttestedHeader, Option<ledger::Organisation>), ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::GetOrganisationRequest { id: id.to_owned() };
            async move { ledger.get_organisation(request).await }
        };
        let key = keys::organisation(id);
        let (attested, record, _) = self.record(&key, ask, |reply| Some(reply)).await?;
        Ok((attested, record))
    }

    /// The records of all organisations, in the order of their ids; that there are no others is proven.
    pub async fn organisations(&mut self) -> Result<Vec<ledger::Organisation>, ClientError> {
        let ask = |mut ledger: LedgerClient<Channel>| {
            let request = node::ListOrganisationsRequest {};
            async move { ledger.list_organisations(request).await }
        };
        let headers = |reply: &node::ListOrganisationsReply| {
            let states = reply.organisations.iter();
            states.filter_map(|state| state.header.clone()).collect()
        };
        let (records, _) = self.current(ask, headers, all_organisations).await?;
        Ok(records)
    }

    /// Whether an organisation is enrolled; before the first block, by the genesis document.
    pub async fn is_enrolled(&mut self, id: &str) -> Result<bool, ClientError> {
        if self.has_blocks().await? {
            return Ok(self.organisation(id).await?.1.is_some());
        }
        let founders = &self.trust.genesis().document.organisations;
        Ok(founders.iter().any(|o| o.id == id))
    }

    /// The ids of all organisations, ascending.
    pub async fn organisation_ids(&mut self) -> Result<Vec<String>, ClientError> {
        let (_, listed) = self.state_value(keys::ORGANISATIONS).await?;
        Ok(organisation_ids(&listed.unwrap_or_default())?)
    }

    /// An organisation's name: from genesis, else from its record, else its id.
    pub async fn name(&mut self, id: &str) -> Result<String, ClientError> {
        if let Some(name) = self.names.get(id) {
            return Ok(name.clone());
        }
        let name = match self.organisation(id).await? {
            (_, Some(record)) => record.name,
            (_, None) => id.to_owned(),
        };
        self.names.insert(id.to_owned(), name.clone());
        Ok(name)
    }
}

/// The records of the organisations, which are those of the proven list and no others.
fn all_organisations(
    trust: &Trust,
    reply: &node::ListOrganisationsReply,
) -> Result<Vec<ledger::Organisation>, NotVerified> {
    let mut listed: Option<Vec<String>> = None;
    let mut records: BTreeMap<String, ledger::Organisation> = BTreeMap::new();
    for state in &reply.organisations {
        if state.key == keys::ORGANISATIONS {
            let (_, value) = trust.state(keys::ORGANISATIONS, Some(state))?;
            let bytes = value.ok_or(NotVerified::Missing("list of all organisations"))?;
            listed = Some(organisation_ids(bytes)?);
            continue;
        }
        let bytes = state.value.as_deref();
        let bytes = bytes.ok_or(NotVerified::Missing("record"))?;
        // The id that the record claims names the key that its proof is of.
        let claimed: ledger::Organisation = encoding::decode_exact(bytes)?;
        let key = keys::organisation(&claimed.id);
        let (_, record) = trust.record::<ledger::Organisation>(&key, Some(state))?;
        let record = record.ok_or(NotVerified::Missing("record"))?;
        if records.insert(record.id.clone(), record).is_some() {
            return Err(NotVerified::Contradiction("an organisation twice".into()));
        }
    }
    let listed = listed.ok_or(NotVerified::Missing("list of all organisations"))?;
    if !listed.iter().eq(records.keys()) {
        return Err(NotVerified::Contradiction(
            "the organisations are not those of the proven list".into(),
        ));
    }
    Ok(records.into_values().collect())
}

fn organisation_ids(list: &[u8]) -> Result<Vec<String>, NotVerified> {
    let unreadable = |e| NotVerified::Contradiction(format!("the list of organisations: {e}"));
    organisation::ids(list).map_err(unreadable)
}
