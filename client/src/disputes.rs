//! Disputes about listings, and how many there were about a right or of a party.

use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Dispute, DisputeTally, FalseStatements};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;

/// A dispute, or proof that there is none of this id.
pub async fn dispute(
    client: &mut Client,
    id: &Hash,
) -> Result<(AttestedHeader, Option<Dispute>), ClientError> {
    client.message(&keys::dispute(id)).await
}

/// How the disputes about a right went; all counts are 0 where it is proven that there was none.
pub async fn of_right(client: &mut Client, subject: &Hash) -> Result<DisputeTally, ClientError> {
    let (_, found) = client.message(&keys::subject_tally(subject)).await?;
    Ok(found.unwrap_or_default())
}

/// Which statements of an organisation rulings found false; all counts are 0 where it is proven that there was none.
pub async fn false_statements(
    client: &mut Client,
    organisation: &str,
) -> Result<FalseStatements, ClientError> {
    let (_, found) = client
        .message(&keys::false_statements(organisation))
        .await?;
    Ok(found.unwrap_or_default())
}

/// How the disputes of a party went.
pub async fn of_party(
    client: &mut Client,
    organisation: &str,
) -> Result<(AttestedHeader, DisputeTally), ClientError> {
    let (attested, found): (_, Option<DisputeTally>) =
        client.message(&keys::party_tally(organisation)).await?;
    Ok((attested, found.unwrap_or_default()))
}
