//! The version of the rules, by which old and new programs agree on every block. The consortium's vote names the height
//! from which on a version holds; a program that lacks it stops before.
//!
//! Consensus-critical: yes

use std::ops::RangeInclusive;

use touchstone_proto::ledger::{Protocol, PutProtocol};

use crate::Fault;
use crate::block::{self, BlockContext};
use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

pub use crate::block::SUPPORTED;

/// How many blocks ahead of its height a version is voted, at least: who must install it hears of it.
pub const MIN_NOTICE: u64 = 10;

/// The version in force and the one that is to come, as of the state. Where no vote was held, the first.
pub fn protocol(state: &impl StateRead) -> Result<Protocol, Fault> {
    match state.get(keys::PROTOCOL)? {
        Some(bytes) => decode_stored(keys::PROTOCOL, &bytes),
        None => Ok(Protocol {
            version: block::VERSION,
            next_version: 0,
            next_height: 0,
        }),
    }
}

/// The version of the rules of the block at a height, as the state before it has it.
pub fn version_at(protocol: &Protocol, height: u64) -> u32 {
    match protocol.next_version != 0 && height >= protocol.next_height {
        true => protocol.next_version,
        false => protocol.version,
    }
}

/// Rule: a block is executed by the rules of its version, or not at all.
pub fn check_supported(state: &impl StateRead, height: u64) -> Result<(), Fault> {
    supported_version(state, height)?;
    Ok(())
}

/// The version of the block at a height, which this program has.
pub fn supported_version(state: &impl StateRead, height: u64) -> Result<u32, Fault> {
    version_within(&SUPPORTED, state, height)
}

/// The same for a program that has these versions.
fn version_within(
    known: &RangeInclusive<u32>,
    state: &impl StateRead,
    height: u64,
) -> Result<u32, Fault> {
    let version = version_at(&protocol(state)?, height);
    match known.contains(&version) {
        true => Ok(version),
        false => Err(Fault::UnknownProtocol { height, version }),
    }
}

/// What the vote leaves: the next version, at a height that is far enough. To vote the version in force takes back what
/// was to come.
pub(super) fn put<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
    change: &PutProtocol,
) -> Result<(), RuleError> {
    let now = as_of(protocol(state)?, block.height);
    let next = check(&now, block.height, change)?;
    state.write(keys::PROTOCOL.to_vec(), &next);
    Ok(())
}

/// What is voted on at a height: a version that has come into force is no longer to come.
fn as_of(stored: Protocol, height: u64) -> Protocol {
    let version = version_at(&stored, height);
    if version == stored.version {
        return stored;
    }
    Protocol {
        version,
        next_version: 0,
        next_height: 0,
    }
}

/// Rule: versions follow one another, each from a height on that leaves time to install it.
fn check(
    now: &Protocol,
    height: u64,
    change: &PutProtocol,
) -> Result<Protocol, GovernanceRejection> {
    let takes_back = change.version == now.version && now.next_version != 0;
    if takes_back && change.from_height == 0 {
        return Ok(Protocol {
            version: now.version,
            next_version: 0,
            next_height: 0,
        });
    }
    let least = height.saturating_add(MIN_NOTICE);
    if change.version != now.version.saturating_add(1) || change.from_height < least {
        return Err(GovernanceRejection::BadProtocol {
            version: change.version,
            now: now.version,
            from_height: change.from_height,
            least,
        });
    }
    Ok(Protocol {
        version: now.version,
        next_version: change.version,
        next_height: change.from_height,
    })
}

#[cfg(test)]
mod tests;
