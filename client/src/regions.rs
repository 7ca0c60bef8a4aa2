//! Pictures that share a region with one: a node's search, each picture that it names recomputed from the features
//! that the ledger holds. A node can hide a picture; it can't invent one.

use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_pictures::{Features, MAX_REGIONS, Region, RegionQuery, common_region};
use touchstone_proto::ledger::{Design, PublishedFeatures};

use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// A published picture that shares a region with the one asked about.
#[derive(Clone, Debug)]
pub struct ProvenRegion {
    /// The region, computed here from the proven features.
    pub region: Region,
    /// Width and height of the published picture's frame, in which the region is.
    pub frame: (u32, u32),
    /// Number of the published picture.
    pub number: u64,
    /// Id of its design.
    pub design_id: Hash,
    /// SHA-256 of the picture's file.
    pub file: Hash,
    /// The design's record.
    pub design: Design,
}

/// What a node's search found.
#[derive(Clone, Debug)]
pub struct FoundRegions {
    /// How many pictures were published: proven.
    pub published: u64,
    /// How many of them the node has looked through: its word.
    pub searched: u64,
    /// Whether it ended the search before it was through: its word.
    pub is_cut_short: bool,
    /// Those that share a region. That they do was computed here; that no other does, nobody has shown.
    pub found: Vec<ProvenRegion>,
}

/// Asks a node which published pictures share a region with one, and computes each that it names again.
pub async fn find(client: &mut Client, query: &RegionQuery) -> Result<FoundRegions, ClientError> {
    let (count, reply) = client.find_regions(query).await?;
    let published = count.pictures;
    if reply.pictures.len() > MAX_REGIONS || reply.searched > published {
        return Err(contradiction("the node has found more than there is"));
    }
    let mut found: Vec<ProvenRegion> = Vec::new();
    for number in reply.pictures {
        if found.iter().any(|before| before.number == number) {
            return Err(contradiction("the node names a picture twice"));
        }
        found.push(candidate(client, query, number).await?);
    }
    found.sort_by_key(|one| (std::cmp::Reverse(one.region.agreeing), one.number));
    Ok(FoundRegions {
        published,
        searched: reply.searched,
        is_cut_short: reply.is_cut_short,
        found,
    })
}

async fn candidate(
    client: &mut Client,
    query: &RegionQuery,
    number: u64,
) -> Result<ProvenRegion, ClientError> {
    let (_, record) = client.message(&keys::features(number)).await?;
    let record: PublishedFeatures = record.ok_or(NotVerified::Missing("published features"))?;
    let picture = record.picture.unwrap_or_default();
    let theirs = Features::published(&picture.features);
    let theirs = theirs.ok_or_else(|| contradiction("published features are no features"))?;
    let region = common_region(query, &theirs)
        .ok_or_else(|| contradiction("a picture that the node names shares no region"))?;
    let design_id = encoding::exact("design_id", &record.design_id).map_err(NotVerified::from)?;
    let (_, design) = client.design(&design_id).await?;
    Ok(ProvenRegion {
        region,
        frame: (theirs.width, theirs.height),
        number,
        design_id,
        file: encoding::exact("file_hash", &picture.file_hash).map_err(NotVerified::from)?,
        design: design.ok_or(NotVerified::Missing("design of published features"))?,
    })
}

fn contradiction(what: &str) -> ClientError {
    NotVerified::Contradiction(what.to_owned()).into()
}
