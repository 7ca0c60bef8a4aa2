//! Who vouched for a designer: under which word a design was deposited, and what holds now.

use touchstone_core::proof;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Design, VouchedDesigner, Vouching};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// The vouching that a design's depositor had then, and the name of the voucher; `None` where its proven record says
/// that an enrolled organisation deposited it.
pub async fn of_design(
    client: &mut Client,
    design: &Design,
) -> Result<Option<(Vouching, String)>, ClientError> {
    let found = match design.vouching {
        Some(number) => numbered(client, &design.organisation, number).await?.1,
        None => None,
    };
    proof::vouching::check(design, found.as_ref())
        .map_err(|e| NotVerified::Contradiction(e.to_string()))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let name = client.name(&found.voucher).await?;
    Ok(Some((found, name)))
}

/// The last vouching for a designer, or proof that there never was one.
pub async fn last(
    client: &mut Client,
    designer: &str,
) -> Result<(AttestedHeader, Option<Vouching>), ClientError> {
    let key = keys::vouched_designer(designer);
    let (attested, record): (_, Option<VouchedDesigner>) = client.message(&key).await?;
    let Some(number) = record.and_then(|r| r.vouchings.checked_sub(1)) else {
        return Ok((attested, None));
    };
    let (attested, found) = numbered(client, designer, number).await?;
    let found = found.ok_or(NotVerified::Missing("vouching that the ledger counts"))?;
    Ok((attested, Some(found)))
}

async fn numbered(
    client: &mut Client,
    designer: &str,
    number: u64,
) -> Result<(AttestedHeader, Option<Vouching>), ClientError> {
    client.message(&keys::vouching(designer, number)).await
}
