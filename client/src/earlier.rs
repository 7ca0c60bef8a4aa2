//! Earlier deposits of the same content. A commitment hides its files, so only deposits that were disclosed can be
//! compared: that there is no earlier one among those is proven, of others nothing can be said.

use std::collections::BTreeSet;

use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::Design;

use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;

/// Deposits of one file that are asked for, at most: whoever deposits a file a million times stops nobody's question.
const MAX_DEPOSITS: usize = 1_000;

/// A disclosed deposit that holds a file of a design and stands before its deposit.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierDeposit {
    /// The file that both hold.
    pub file: Hash,
    /// The earlier design.
    pub id: Hash,
    /// Its record.
    pub record: Design,
}

/// What is known of earlier deposits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    /// By the place of the deposit, the first one first.
    pub deposits: Vec<EarlierDeposit>,
    /// Files with more deposits than are asked for: of these, others may be earlier.
    pub cut_short: usize,
}

/// The disclosed deposits of a design's files that stand before its own, each proven, and all of them.
///
/// The files must be disclosed already: whoever is asked learns their hashes.
pub async fn of_design(
    client: &mut Client,
    id: &Hash,
    record: &Design,
    files: &[Hash],
) -> Result<Earlier, ClientError> {
    let own = place(record)?;
    let mut found = Earlier::default();
    for file in files.iter().collect::<BTreeSet<_>>() {
        let (_, entries) = client.designs_by_file(file).await?;
        let mut others = BTreeSet::new();
        for entry in &entries {
            let other: Hash =
                encoding::exact("design_id", &entry.content_hash).map_err(NotVerified::from)?;
            others.insert(other);
        }
        others.remove(id);
        found.cut_short += usize::from(others.len() > MAX_DEPOSITS);
        for other in others.into_iter().take(MAX_DEPOSITS) {
            let (_, record) = client.design(&other).await?;
            let record = record.ok_or(NotVerified::Missing("record of a disclosed design"))?;
            if place(&record)? < own {
                found.deposits.push(EarlierDeposit {
                    file: *file,
                    id: other,
                    record,
                });
            }
        }
    }
    let by_place = |deposit: &EarlierDeposit| place(&deposit.record).unwrap_or_default();
    found.deposits.sort_by_key(|d| (by_place(d), d.id, d.file));
    Ok(found)
}

/// Where a design was deposited: height, and index in the block.
fn place(record: &Design) -> Result<(u64, u32), NotVerified> {
    let missing = NotVerified::Missing("place of a design's deposit");
    let position = record.position.as_ref().ok_or(missing)?;
    Ok((position.height, position.transaction))
}
