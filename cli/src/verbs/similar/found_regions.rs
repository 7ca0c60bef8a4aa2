//! What a node's search for regions found, for people and for machines.

use serde_json::{Value, json};
use touchstone_client::Client;
use touchstone_client::regions::{FoundRegions, ProvenRegion};
use touchstone_pictures::{Rectangle, RegionView};

use crate::failure::Failure;
use crate::output::{Output, plain, utc};
use crate::pictures::{self, PictureQuery};
use crate::say;

/// A published picture's size isn't known here: its region is told in thousandths of its sides.
const THOUSANDTHS: (u32, u32) = (1000, 1000);

/// Prints what was found, and whose word that is.
pub(super) async fn print(
    client: &mut Client,
    regions: &FoundRegions,
    query: &PictureQuery<'_>,
    output: &mut Output,
) -> Result<(), Failure> {
    let language = output.language;
    output.line(say!(
        language,
        "Published pictures searched for regions: {searched} of {published}; this is the node's own search and not \
         the consensus, and it may miss what is there",
        searched = regions.searched,
        published = regions.published
    ));
    if regions.is_cut_short {
        output.line(say!(
            language,
            "The node ended the search before it was through; ask again"
        ));
    }
    if regions.found.is_empty() {
        output.line(say!(language, "It names no picture that shares a region"));
    }
    for found in &regions.found {
        let name = client.name(&found.design.organisation).await?;
        let [ours, theirs] = sides(found, query);
        let sentence = (corners(ours), corners(theirs), found.region.agreeing);
        let (ours, theirs, count) = sentence;
        output.line(match found.region.seen {
            RegionView::Mirrored => say!(
                language,
                "Look here: {ours}, mirrored, is {theirs} of its 1,000 by 1,000; {count} places agree",
                ours = ours,
                theirs = theirs,
                count = count
            ),
            RegionView::Plain | RegionView::Fine | RegionView::Window(_) => say!(
                language,
                "Look here: {ours} is {theirs} of its 1,000 by 1,000; {count} places agree",
                ours = ours,
                theirs = theirs,
                count = count
            ),
        });
        output.line(format!("  {}", hex::encode(found.design_id)));
        output.line(say!(
            language,
            "  deposited {time} by {owner}; SHA-256 of the picture {file}",
            time = utc(found.design.time_ms),
            owner = plain(&name),
            file = hex::encode(found.file)
        ));
    }
    Ok(())
}

/// The same for machines.
pub(super) fn json(regions: &FoundRegions, query: &PictureQuery<'_>) -> Value {
    let found = regions.found.iter().map(|found| {
        let [ours, theirs] = sides(found, query);
        let corners = |r: Rectangle| json!([r.left, r.top, r.right, r.bottom]);
        json!({
            "agreeing": found.region.agreeing,
            "mirrored": found.region.seen == RegionView::Mirrored,
            "ours": corners(ours),
            "theirs_thousandths": corners(theirs),
            "design_id": hex::encode(found.design_id),
            "file_sha256": hex::encode(found.file),
            "organisation": found.design.organisation,
            "deposited_ms": found.design.time_ms,
        })
    });
    json!({
        "by": "this node's search",
        "pictures_published": regions.published,
        "pictures_searched": regions.searched,
        "cut_short": regions.is_cut_short,
        "found": found.collect::<Vec<_>>(),
    })
}

/// The region in the picture at hand, in pixels, and in the published one, in thousandths.
fn sides(found: &ProvenRegion, query: &PictureQuery<'_>) -> [Rectangle; 2] {
    [
        query.in_own(&found.region),
        pictures::in_pixels(found.region.theirs, found.frame, THOUSANDTHS),
    ]
}

fn corners(r: Rectangle) -> String {
    format!("({}, {})–({}, {})", r.left, r.top, r.right, r.bottom)
}
