//! Time stamps of checkpoints: kept beside the chain, by authority, and written by another thread
//! than the one that commits blocks.

use std::ops::RangeInclusive;
use std::sync::Arc;

use touchstone_core::Fault;
use touchstone_core::block::Header;
use touchstone_core::hash;

use super::commit_block;
use super::database::{Database, Rows};
use super::schema::{CheckpointKey, CheckpointRow, Checkpoints, Headers, HeightKey};
use super::snapshot::Snapshot;

/// A range of blocks and an authority's time stamp of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedRange {
    /// The first height.
    pub first: u64,
    /// The last height.
    pub last: u64,
    /// The authority's name.
    pub authority: String,
    /// DER of the time-stamp token.
    pub token: Vec<u8>,
    /// DER of certificates that lead from the token's signer to a root.
    pub certificates: Vec<Vec<u8>>,
}

/// Keeps time stamps.
#[derive(Clone)]
pub struct CheckpointWriter {
    pub(super) db: Arc<Database>,
}

impl CheckpointWriter {
    /// Keeps a time stamp, durably.
    pub fn keep(&self, stamped: &StampedRange) -> Result<(), Fault> {
        let key = CheckpointKey::new(&stamped.authority, stamped.last);
        let row = CheckpointRow {
            first: stamped.first,
            authority: stamped.authority.clone(),
            token: stamped.token.clone(),
            certificates: stamped.certificates.clone(),
        };
        commit_block::checkpoint(&self.db, &key, &row)
    }
}

impl Snapshot<'_> {
    /// The headers of these heights, in order; none beyond the tip.
    pub fn headers(&self, heights: RangeInclusive<u64>) -> Result<Vec<Header>, Fault> {
        let first = HeightKey(*heights.start());
        let rows = self.rows_from::<Headers>(&first);
        let mut headers = Vec::new();
        for (expected, row) in heights.zip(rows) {
            let (HeightKey(height), row) = row?;
            let damaged = |why: &str| Fault::Damaged(format!("header {expected}: {why}"));
            let header = Header::decode(&row.header).map_err(|e| damaged(&e.to_string()))?;
            if height != expected || header.height != expected {
                return Err(damaged("it is missing, or another one's"));
            }
            headers.push(header);
        }
        Ok(headers)
    }

    /// Height and time of the first block from a height on that holds a transaction.
    pub fn first_transaction_from(&self, height: u64) -> Result<Option<(u64, u64)>, Fault> {
        for row in self.rows_from::<Headers>(&HeightKey(height)) {
            let (HeightKey(height), row) = row?;
            if row.transactions > 0 {
                let header = Header::decode(&row.header)
                    .map_err(|e| Fault::Damaged(format!("header {height}: {e}")))?;
                return Ok(Some((height, header.time_ms)));
            }
        }
        Ok(None)
    }

    /// Names of all authorities of which there is a time stamp.
    pub fn authorities(&self) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        let mut from = CheckpointKey {
            authority: [0; 32],
            last: 0,
        };
        loop {
            let Some(row) = self.rows_from::<Checkpoints>(&from).next() else {
                return Ok(names);
            };
            let (key, row) = row?;
            from = CheckpointKey {
                last: u64::MAX,
                ..key
            };
            names.push(self.stamped(&key, row)?.authority);
        }
    }

    /// An authority's earliest time stamp that covers a height.
    pub fn checkpoint_of(
        &self,
        authority: &str,
        height: u64,
    ) -> Result<Option<StampedRange>, Fault> {
        let from = CheckpointKey::new(authority, height);
        let Some((key, row)) = self.rows_from::<Checkpoints>(&from).next().transpose()? else {
            return Ok(None);
        };
        if key.authority != from.authority {
            return Ok(None);
        }
        let stamped = self.stamped(&key, row)?;
        Ok(Some(stamped).filter(|stamped| stamped.first <= height))
    }

    /// An authority's last time stamp.
    pub fn last_checkpoint(&self, authority: &str) -> Result<Option<StampedRange>, Fault> {
        let to = CheckpointKey::new(authority, u64::MAX);
        match self.row_at_or_before::<Checkpoints>(&to)? {
            Some((key, row)) if key.authority == to.authority => self.stamped(&key, row).map(Some),
            _ => Ok(None),
        }
    }

    /// At most `limit` time stamps that end at `from_height` or later, an authority's after the
    /// other's, each in the order of heights; those after the one named by authority and last
    /// height.
    pub fn checkpoints(
        &self,
        from_height: u64,
        after: Option<(&str, u64)>,
        limit: usize,
    ) -> Result<Vec<StampedRange>, Fault> {
        let mut from = match after {
            Some((authority, last)) => CheckpointKey::new(authority, last.saturating_add(1)),
            None => CheckpointKey {
                authority: [0; 32],
                last: 0,
            },
        };
        let mut found = Vec::new();
        loop {
            let mut skipped = None;
            for row in self.rows_from::<Checkpoints>(&from) {
                let (key, row) = row?;
                if key.last < from_height {
                    skipped = Some(key);
                    break;
                }
                if found.len() == limit {
                    return Ok(found);
                }
                found.push(self.stamped(&key, row)?);
            }
            match skipped {
                None => return Ok(found),
                Some(key) => {
                    from = CheckpointKey {
                        last: from_height,
                        ..key
                    };
                }
            }
        }
    }

    /// The row, if it can be this key's.
    fn stamped(&self, key: &CheckpointKey, row: CheckpointRow) -> Result<StampedRange, Fault> {
        let fits = hash::sha256(row.authority.as_bytes()) == key.authority
            && (1..=key.last).contains(&row.first)
            && key.last <= self.tip().height;
        if !fits {
            return Err(Fault::Damaged(format!(
                "the time stamp that ends at block {} is not that of its key",
                key.last
            )));
        }
        Ok(StampedRange {
            first: row.first,
            last: key.last,
            authority: row.authority,
            token: row.token,
            certificates: row.certificates,
        })
    }
}

#[cfg(test)]
mod tests;
