//! Look-alikes: what the ledger compared of a design, proven; and what looks like a picture that isn't deposited.

use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::proof;
use touchstone_core::state;
use touchstone_core::state::keys;
use touchstone_pictures::{Fingerprint, Hit, Index};
use touchstone_proto::ledger::{Design, FingerprintCount, LookAlikes, PublishedFingerprint};

use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// A published picture that looks like the one asked about; each part of it is proven.
#[derive(Clone, Debug)]
pub struct ProvenLookAlike {
    /// How near it is, computed here from the proven fingerprint; the number is the published one's.
    pub hit: Hit,
    /// Id of its design.
    pub design_id: Hash,
    /// SHA-256 of the picture's file.
    pub file: Hash,
    /// The design's record.
    pub design: Design,
}

/// What looks like a picture.
#[derive(Clone, Debug)]
pub struct Similar {
    /// The block that proves how many were published.
    pub attested: AttestedHeader,
    /// How many pictures, of how many designs, were published: proven.
    pub published: FingerprintCount,
    /// How many look alike: the node's word.
    pub found: u64,
    /// The earliest, and the nearest of the others. That these look alike is proven; that no other does is the node's
    /// word.
    pub candidates: Vec<ProvenLookAlike>,
}

/// Asks a node which published pictures look like one, and proves each that it names.
pub async fn similar(
    client: &mut Client,
    fingerprint: &Fingerprint,
) -> Result<Similar, ClientError> {
    let (attested, published, reply) = client.compare_picture(fingerprint).await?;
    let mut candidates: Vec<ProvenLookAlike> = Vec::new();
    for number in reply.nearest {
        let (_, record) = client.message(&keys::fingerprint(number)).await?;
        let record: PublishedFingerprint =
            record.ok_or(NotVerified::Missing("published fingerprint"))?;
        let candidate = candidate(client, fingerprint, number, record).await?;
        let order = |c: &ProvenLookAlike| (c.hit.distance, c.hit.number);
        let follows = candidates
            .last()
            .is_none_or(|last| order(last) < order(&candidate));
        if !follows {
            return Err(contradiction("the look-alikes are out of order"));
        }
        candidates.push(candidate);
    }
    if reply.found < candidates.len() as u64 || reply.found > 0 && candidates.is_empty() {
        return Err(contradiction(
            "the node names other look-alikes than it counts",
        ));
    }
    Ok(Similar {
        attested,
        published,
        found: reply.found,
        candidates,
    })
}

async fn candidate(
    client: &mut Client,
    fingerprint: &Fingerprint,
    number: u64,
    record: PublishedFingerprint,
) -> Result<ProvenLookAlike, ClientError> {
    let picture = record.picture.unwrap_or_default();
    let theirs = state::stored_fingerprint(&picture).map_err(NotVerified::from)?;
    let mut index = Index::default();
    index.push(&theirs);
    let hit = index.search(fingerprint, 1).hits.into_iter().next();
    let hit =
        hit.ok_or_else(|| contradiction("a picture that the node names doesn't look alike"))?;
    let design_id = encoding::exact("design_id", &record.design_id).map_err(NotVerified::from)?;
    let (_, design) = client.design(&design_id).await?;
    Ok(ProvenLookAlike {
        hit: Hit { number, ..hit },
        design_id,
        file: encoding::exact("file_hash", &picture.file_hash).map_err(NotVerified::from)?,
        design: design.ok_or(NotVerified::Missing("design of a fingerprint"))?,
    })
}

/// What the ledger compared of a design; `None` where its proven record says that there is nothing.
pub async fn of_design(
    client: &mut Client,
    id: &Hash,
    design: &Design,
) -> Result<Option<LookAlikes>, ClientError> {
    if design.compared == 0 {
        return Ok(None);
    }
    let (_, found): (_, Option<LookAlikes>) = client.message(&keys::look_alikes(id)).await?;
    proof::look_alikes::check(id, design, found.as_ref())
        .map_err(|e| NotVerified::Contradiction(e.to_string()))?;
    Ok(found)
}

fn contradiction(what: &str) -> ClientError {
    NotVerified::Contradiction(what.to_owned()).into()
}
