//! The elements about the chain: genesis, its validators, the anchor that they signed, and what is
//! proven under it.
//!
//! Consensus-critical: no

use std::collections::BTreeMap;

use touchstone_proto::evidence::Evidence;

use super::element::{CheckResult, Established};
use super::finding::Finding;
use super::proven::Values;
use crate::block::Header;
use crate::finding;
use crate::genesis::Genesis;
use crate::hash::Hash;
use crate::proof::header::{self, TrustingRange};
use crate::proof::state;
use crate::state::keys;

/// The genesis document, held against the chain id that the examiner trusts.
pub(super) fn genesis(
    evidence: &Evidence,
    trusted: Option<Hash>,
) -> Result<Established<Genesis>, Finding> {
    let genesis = Genesis::read(&evidence.genesis)
        .map_err(|e| finding!("the genesis document: {reason}", reason = e))?;
    let id = hex::encode(genesis.chain_id);
    match trusted {
        Some(chain_id) if chain_id == genesis.chain_id => Ok(Established::passed(
            genesis,
            finding!("the chain is the trusted one: {id}", id = id),
        )),
        Some(chain_id) => Err(finding!(
            "the file is of chain {id}, the trusted genesis is of chain {trusted}",
            id = id,
            trusted = hex::encode(chain_id)
        )),
        None => Ok(Established {
            value: genesis,
            result: CheckResult::Reservation,
            findings: vec![finding!(
                "no trusted genesis was given: everything below holds for the chain {id}, which must be compared with \
                 the chain id that the consortium publishes",
                id = id
            )],
        }),
    }
}

pub(super) fn validators(
    evidence: &Evidence,
    genesis: &Genesis,
) -> Result<Established<Vec<TrustingRange>>, Finding> {
    let mut ranges = vec![TrustingRange::genesis(genesis.validators.clone())];
    header::follow(
        &genesis.chain_id,
        &mut ranges,
        &evidence.validator_set_changes,
    )
    .map_err(|e| {
        finding!(
            "a change of the validators doesn't hold: {reason}",
            reason = e
        )
    })?;
    let finding = match evidence.validator_set_changes.len() {
        0 => finding!("the validators are those of genesis"),
        count => finding!(
            "changes of the validators, each decided by the set before it: {count}",
            count = count
        ),
    };
    Ok(Established::passed(ranges, finding))
}

pub(super) fn anchor(
    evidence: &Evidence,
    genesis: &Genesis,
    ranges: &[TrustingRange],
) -> Result<Established<(Header, TrustingRange)>, Finding> {
    let certified = evidence
        .anchor
        .as_ref()
        .ok_or_else(|| finding!("the file carries no anchor"))?;
    let bad = |reason: String| {
        finding!(
            "the anchor's header doesn't hold: {reason}",
            reason = reason
        )
    };
    let claimed = Header::decode(&certified.header).map_err(|e| bad(e.to_string()))?;
    if let Some(range) = ranges.last()
        && range.first > claimed.height
    {
        return Err(finding!(
            "the file carries a change of the validators that isn't below its anchor"
        ));
    }
    let range = header::trusting_range(ranges, claimed.height)
        .ok_or_else(|| finding!("no validators are known for the anchor's height"))?
        .clone();
    let header =
        header::verify(&genesis.chain_id, &range.set, certified).map_err(|e| bad(e.to_string()))?;
    let signers = certified
        .certificate
        .as_ref()
        .map_or(0, |c| c.signatures.len());
    let finding = finding!(
        "block {id} at height {height}, signed by {signers} of {count} validators with more than 2/3 of the voting \
         power",
        id = hex::encode(header.id()),
        height = header.height,
        signers = signers,
        count = range.set.count()
    );
    Ok(Established::passed((header, range), finding))
}

pub(super) fn states(evidence: &Evidence, anchor: &Header) -> Result<Established<Values>, Finding> {
    let mut values = Values::default();
    for state in &evidence.states {
        let name = || state.key.escape_ascii().to_string();
        if values
            .last_key()
            .is_some_and(|last| last >= state.key.as_slice())
        {
            return Err(finding!("state key {key} is out of order", key = name()));
        }
        let proof = state
            .proof
            .as_ref()
            .ok_or_else(|| finding!("state key {key} has no proof", key = name()))?;
        state::verify(
            &anchor.state_root,
            &state.key,
            state.value.as_deref(),
            proof,
        )
        .map_err(|e| finding!("state key {key}: {reason}", key = name(), reason = e))?;
        values.add(state.key.clone(), state.value.clone());
    }
    let finding = finding!(
        "values proven under the anchor's state root: {count}",
        count = values.count()
    );
    Ok(Established::passed(values, finding))
}

pub(super) fn blocks(
    evidence: &Evidence,
    genesis: &Genesis,
    ranges: &[TrustingRange],
    anchor: &Header,
    values: &Values,
) -> Result<Established<BTreeMap<u64, Header>>, Finding> {
    let mut blocks: BTreeMap<u64, Header> = BTreeMap::new();
    for certified in &evidence.blocks {
        let claimed = Header::decode(&certified.header)
            .map_err(|e| finding!("a block's header doesn't hold: {reason}", reason = e))?;
        let height = claimed.height;
        if blocks
            .last_key_value()
            .is_some_and(|(last, _)| *last >= height)
        {
            return Err(finding!("block {height} is out of order", height = height));
        }
        let range = header::trusting_range(ranges, height).ok_or_else(|| {
            finding!(
                "no validators are known for height {height}",
                height = height
            )
        })?;
        let header = header::verify(&genesis.chain_id, &range.set, certified)
            .map_err(|e| finding!("block {height}: {reason}", height = height, reason = e))?;
        let is_the_chains = match height == anchor.height {
            true => header == *anchor,
            false => values.take(&keys::block(height))? == Some(header.id().as_slice()),
        };
        if !is_the_chains {
            return Err(finding!(
                "block {height} is not the one that the anchor proves for this height",
                height = height
            ));
        }
        blocks.insert(height, header);
    }
    let finding = finding!(
        "blocks of the chain, each with its certificate: {count}",
        count = blocks.len()
    );
    Ok(Established::passed(blocks, finding))
}
