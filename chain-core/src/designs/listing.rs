//! The disputes about one listing of a platform, under whatever right, and which measure is in force. Source:
//! E-commerce Law of the People's Republic of China, Art. 42 to 45.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, ListingNotices, PlatformMeasure,
};

use crate::Fault;
use crate::hash::{self, Hash, tag};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Where the notices about a listing stand.
pub fn place(platform: &str, listing: &str) -> Hash {
    let parts: [&[u8]; 3] = [platform.as_bytes(), &[0], listing.as_bytes()];
    hash::tagged(tag::LISTING, &parts)
}

/// Puts a notice after those that there were about its listing.
pub(super) fn note<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    dispute: &mut Dispute,
) -> Result<(), Fault> {
    let key = keys::listing_notices(&place(&dispute.platform, &dispute.listing));
    let mut notices: ListingNotices = state.read(&key)?.unwrap_or_default();
    dispute.previous = std::mem::replace(&mut notices.last, id.to_vec());
    notices.count = notices.count.saturating_add(1);
    state.write(key, &notices);
    Ok(())
}

/// The measure that the platform owes because of a dispute, as the dispute stands; `None` where it took none, or where
/// it is over. A measure outlives the dispute where somebody's word upheld the notice, or nobody declared against it.
pub fn measure_in_force(dispute: &Dispute) -> Option<PlatformMeasure> {
    let measure = match dispute.measure() {
        PlatformMeasure::Refused | PlatformMeasure::Unspecified => return None,
        measure => measure,
    };
    let stands = match dispute.phase() {
        DisputePhase::Ended => matches!(
            dispute.outcome(),
            DisputeOutcome::Upheld
                | DisputeOutcome::PanelUpheld
                | DisputeOutcome::FalseDeclaration
                | DisputeOutcome::MeasuresStand
        ),
        _ => true,
    };
    stands.then_some(measure)
}

#[cfg(test)]
mod tests;
