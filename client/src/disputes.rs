//! Disputes about listings, and how many there were about a right or of a party.

use touchstone_core::designs::listing;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Dispute, DisputeTally, FalseStatements, ListingNotices};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

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

/// What stands for a shop that only its platform knows, where rulings' findings are counted.
pub fn shop_of(platform: &str, name: &str) -> String {
    format!("{platform}/{name}")
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

/// The notices about a listing, under whatever right.
#[derive(Clone, Debug)]
pub struct ListingDisputes {
    /// The block that proves the newest of them, or that there is none.
    pub attested: AttestedHeader,
    /// How many there were.
    pub count: u64,
    /// They, each with its id, the newest first; fewer than `count` where not all were asked for.
    pub disputes: Vec<(Hash, Dispute)>,
}

/// The newest `most` notices about a platform's listing. Each is proven, and names the one before it, so that a node
/// can't leave one out.
pub async fn of_listing(
    client: &mut Client,
    platform: &str,
    name: &str,
    most: usize,
) -> Result<ListingDisputes, ClientError> {
    let key = keys::listing_notices(&listing::place(platform, name));
    let (attested, found) = client.message(&key).await?;
    let missing = || NotVerified::Missing("notice that a listing's record tells of");
    let notices: ListingNotices = found.unwrap_or_default();
    let mut disputes: Vec<(Hash, Dispute)> = Vec::new();
    let mut next = notices.last;
    while !next.is_empty() && disputes.len() < most {
        let id: Hash = encoding::exact("notice", &next).map_err(|_| missing())?;
        let (_, found) = dispute(client, &id).await?;
        let found = found.ok_or_else(missing)?;
        next.clone_from(&found.previous);
        disputes.push((id, found));
    }
    Ok(ListingDisputes {
        attested,
        count: notices.count,
        disputes,
    })
}
