//! Which published pictures share a region with one: this node's search, beside the ledger. The features are read from
//! the state, in the order of their publication, and kept in memory. Nothing of it is stored: after a start it is read
//! anew when it is first asked for.
//!
//! A search is bounded: in the bytes of what is looked for, in the memory of what is kept, in its time, and by the
//! turns that callers have in the queue of long reads. What a bound cuts off the answer says.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use touchstone_core::Fault;
use touchstone_core::state::{self, StateRead, keys};
use touchstone_pictures::{
    FRAME, Features, MAX_FEATURES, MAX_WINDOWS, QUERY_FEATURES, REGIONS_SPECIFICATION, RegionIndex,
    RegionQuery,
};
use touchstone_proto::ledger::FeatureCount;
use touchstone_proto::node as wire;

use super::error::ServiceError;
use super::proven_state::ProvenState;
use super::state_query::prove;

/// Bytes of memory that the pictures may take which are kept, the first ones, where the operator says nothing.
pub const MEMORY: u64 = 128 << 20;
/// How long one search may read and compare.
const PATIENCE: Duration = Duration::from_secs(3);
/// Pictures that are read at once, before others have their turn.
const STEP: u64 = 64;

/// The pictures that are kept.
pub struct RegionSearch {
    kept: RwLock<RegionIndex>,
    /// Bytes that they may take.
    memory: u64,
}

impl Default for RegionSearch {
    fn default() -> Self {
        RegionSearch::within(MEMORY)
    }
}

impl RegionSearch {
    /// Keeps no more than fits into so many bytes of memory.
    pub fn within(memory: u64) -> RegionSearch {
        RegionSearch {
            kept: RwLock::default(),
            memory,
        }
    }

    /// The published pictures that share a region with one.
    pub fn find(
        &self,
        view: &ProvenState<'_>,
        request: &wire::FindRegionsRequest,
    ) -> Result<wire::FindRegionsReply, ServiceError> {
        let query = query(request)?;
        let published = prove(view, keys::FEATURES)?;
        let began = Instant::now();
        let go_on = || began.elapsed() < PATIENCE && !view.cancelled.is_set();
        let count = count(&view.snapshot)?;
        let mut is_cut_short = !self.read_up_to(&view.snapshot, count, go_on)?;
        view.cancelled.check()?;
        let index = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let hits = index.search(&query, || {
            let goes_on = go_on();
            is_cut_short |= !goes_on;
            goes_on
        });
        view.cancelled.check()?;
        Ok(wire::FindRegionsReply {
            published: Some(published),
            searched: index.count().min(count),
            is_cut_short,
            // The index may know later pictures than the snapshot that proves the count.
            pictures: hits
                .iter()
                .map(|hit| hit.number)
                .filter(|n| *n < count)
                .collect(),
        })
    }

    /// Whether one more picture has room.
    fn has_room(&self, kept: &RegionIndex) -> bool {
        kept.bytes() + RegionIndex::bytes_of(MAX_FEATURES) <= self.memory
    }

    /// Reads those of the first `count` pictures that aren't kept yet, as long as there is room; whether its time
    /// sufficed.
    fn read_up_to(
        &self,
        state: &impl StateRead,
        count: u64,
        go_on: impl Fn() -> bool,
    ) -> Result<bool, Fault> {
        loop {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if kept.count() >= count || !self.has_room(&kept) {
                return Ok(true);
            }
            drop(kept);
            if !go_on() {
                return Ok(false);
            }
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            let from = kept.count();
            for number in from..count.min(from.saturating_add(STEP)) {
                if !self.has_room(&kept) {
                    break;
                }
                let features = state::published_features(state, number)?.1;
                kept.push(&features);
            }
        }
    }
}

/// How many pictures' features the state holds.
fn count(state: &impl StateRead) -> Result<u64, Fault> {
    let stored = state.get(keys::FEATURES)?;
    let count: Option<FeatureCount> = stored
        .map(|bytes| state::decode_stored(keys::FEATURES, &bytes))
        .transpose()?;
    Ok(count.unwrap_or_default().pictures)
}

/// What is looked for, if it follows the specification and its bounds.
fn query(request: &wire::FindRegionsRequest) -> Result<RegionQuery, ServiceError> {
    if request.specification != REGIONS_SPECIFICATION {
        return Err(ServiceError::Malformed(format!(
            "features are of the specification {}",
            hex::encode(REGIONS_SPECIFICATION)
        )));
    }
    let read = |bytes: &[u8], times: usize| {
        let side = FRAME.saturating_mul(u32::try_from(times).unwrap_or(1));
        let most = QUERY_FEATURES.saturating_mul(times);
        Features::from_bytes(bytes, side, most).ok_or_else(|| {
            ServiceError::Malformed(format!(
                "these are no features, or more than {most}: docs/regions.md, \"Bytes\""
            ))
        })
    };
    if request.windows.len() > MAX_WINDOWS {
        return Err(ServiceError::Malformed(format!(
            "a picture is searched for in at most {MAX_WINDOWS} windows"
        )));
    }
    let windows = request.windows.iter().map(|window| read(window, 1));
    Ok(RegionQuery {
        plain: read(&request.plain, 1)?,
        mirrored: read(&request.mirrored, 1)?,
        fine: read(&request.fine, 2)?,
        windows: windows.collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests;
