//! Public reviews: a dispute with its panels and the draws that they come from, and what validators reveal next.

use touchstone_core::block::Header;
use touchstone_core::designs::review::recount;
use touchstone_core::governance::review_terms;
use touchstone_core::hash::Hash;
use touchstone_core::proof::review::{self as proof, ReviewRecords};
use touchstone_core::state::keys;
use touchstone_proto::evidence::ReviewFile;
use touchstone_proto::ledger::{Dispute, Draw, Draws, Panel, ReviewTerms};
use touchstone_proto::node::ProvenValue;

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// How often records are read anew where a block comes in between.
const ATTEMPTS: usize = 20;

/// A dispute's review, proven, and its draws and verdicts found again.
#[derive(Clone, Debug)]
pub struct ProvenReview {
    /// The block that it is as of.
    pub attested: AttestedHeader,
    /// The dispute, which has a review.
    pub dispute: Dispute,
    /// Its panels in order, each with its draw; one that isn't drawn has no seats, and an empty draw.
    pub panels: Vec<(Panel, Draw)>,
    /// The same as a file, which anybody examines with the genesis document alone.
    pub file: Vec<u8>,
}

/// A dispute's review; or the header that proves that there is none of this id, or a dispute without one.
pub async fn review(
    client: &mut Client,
    id: &Hash,
) -> Result<Result<ProvenReview, AttestedHeader>, ClientError> {
    for _ in 0..ATTEMPTS {
        if let Some(found) = review_of_one_block(client, id).await? {
            return Ok(found);
        }
    }
    let why = "blocks came faster than the review's records were read; ask again";
    Err(NotVerified::Contradiction(why.to_owned()).into())
}

/// The same; `None` where a block came in between.
async fn review_of_one_block(
    client: &mut Client,
    id: &Hash,
) -> Result<Option<Result<ProvenReview, AttestedHeader>>, ClientError> {
    let mut records = ReviewRecords::default();
    let (mut values, mut first) = (Vec::new(), None);
    while let Some(key) = records.next_key(id) {
        let (attested, reply) = client.state_reply(&key).await?;
        let (known, _) = first.get_or_insert_with(|| (attested.clone(), reply.header.clone()));
        if known.header.height != attested.header.height {
            return Ok(None);
        }
        let Some(value) = reply.value else {
            return match records.is_empty() {
                true => Ok(Some(Err(attested))),
                false => Err(NotVerified::Missing("record that the review tells of").into()),
            };
        };
        records.read(&value).map_err(NotVerified::Value)?;
        values.push(ProvenValue {
            value: Some(value),
            proof: reply.proof,
        });
    }
    let missing = NotVerified::Missing("record of the dispute");
    let (attested, header) = first.ok_or(missing)?;
    let Some((dispute, panels)) = records.review() else {
        return Ok(Some(Err(attested)));
    };
    recount::check(&dispute, &panels).map_err(|bad| NotVerified::Contradiction(bad.to_string()))?;
    let changes = client.trust().changes().iter();
    let below = changes.take_while(|change| {
        let header = change.header.as_ref().map(|h| Header::decode(&h.header));
        header.is_some_and(|h| h.is_ok_and(|h| h.height < attested.header.height))
    });
    let file = proof::seal(&ReviewFile {
        validator_set_changes: below.cloned().collect(),
        dispute: id.to_vec(),
        header,
        values,
    });
    Ok(Some(Ok(ProvenReview {
        attested,
        dispute,
        panels,
        file,
    })))
}

/// A panel that a review tells of.
pub async fn panel(client: &mut Client, id: &Hash, instance: u32) -> Result<Panel, ClientError> {
    let (_, panel) = client.message(&keys::panel(id, instance)).await?;
    Ok(panel.ok_or(NotVerified::Missing("panel that the dispute tells of"))?)
}

/// The last draw and its number; `None` where it is proven that there was none.
pub async fn last_draw(client: &mut Client) -> Result<Option<(u64, Draw)>, ClientError> {
    let found = proven_draw(client).await?;
    Ok(found.ok().map(|(_, number, draw)| (number, draw)))
}

/// The last draw and its number, with the header of the block that it is as of; or the header that proves that there
/// was none.
pub async fn proven_draw(
    client: &mut Client,
) -> Result<Result<(AttestedHeader, u64, Draw), AttestedHeader>, ClientError> {
    let (attested, draws): (_, Option<Draws>) = client.message(keys::DRAWS).await?;
    let Some(number) = draws.unwrap_or_default().count.checked_sub(1) else {
        return Ok(Err(attested));
    };
    let (attested, draw) = client.message(&keys::draw(number)).await?;
    let draw = draw.ok_or(NotVerified::Missing("draw that the ledger counts"))?;
    Ok(Ok((attested, number, draw)))
}

/// The terms of reviews that are opened now.
pub async fn terms(client: &mut Client) -> Result<(AttestedHeader, ReviewTerms), ClientError> {
    let (attested, terms) = client.message(keys::REVIEW_TERMS).await?;
    Ok((attested, terms.unwrap_or(review_terms::DEFAULT)))
}
