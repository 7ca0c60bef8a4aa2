//! Rights on designs: who owns one, and what a licence says.

use touchstone_core::designs::right;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Design, Licence, LicenceEnd, Right};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// The right to a design whose proven record is given.
pub async fn of_design(
    client: &mut Client,
    id: &Hash,
    design: &Design,
) -> Result<Right, ClientError> {
    if design.disposed == 0 {
        return Ok(right::of_depositor(design));
    }
    let (_, found): (_, Option<Right>) = client.message(&keys::right(id)).await?;
    Ok(found.ok_or(NotVerified::Missing(
        "right that the design's record tells of",
    ))?)
}

/// A licence and how it ended before its term, or proof that there is none.
pub async fn licence(
    client: &mut Client,
    id: &Hash,
) -> Result<(AttestedHeader, Option<(Licence, Option<LicenceEnd>)>), ClientError> {
    let (attested, found): (_, Option<Licence>) = client.message(&keys::licence(id)).await?;
    let Some(found) = found else {
        return Ok((attested, None));
    };
    let (attested, end) = client.message(&keys::licence_end(id)).await?;
    Ok((attested, Some((found, end))))
}
