//! Whether a change of the validators would leave too few that vote: those whose signatures the last blocks hold are
//! alive, and a block needs more than 2/3 of the new set.

use std::collections::BTreeSet;

use touchstone_client::client::Client;
use touchstone_core::commit_certificate::exceeds_two_thirds;
use touchstone_core::encoding;
use touchstone_core::governance::validators::{Validator, ValidatorSet};
use touchstone_proto::ledger::change::Kind;

use crate::failure::Failure;
use crate::output::{Output, plain};

/// Blocks whose certificates are looked at. One certificate may lack a validator that voted late.
const BLOCKS: u64 = 20;

/// Warns where the chain would stand still after a change, with the validators that aren't heard.
pub async fn warn_of_halt(
    client: &mut Client,
    kind: &Kind,
    output: &mut Output,
) -> Result<(), Failure> {
    if !client.has_blocks().await? {
        return Ok(());
    }
    let newest = client.validators().await?;
    let after = changed(client.trust().current(), kind);
    let mut heard: BTreeSet<[u8; 32]> = newest.signers.iter().map(|v| v.public_key).collect();
    let last = newest.header.height;
    for height in last.saturating_sub(BLOCKS - 1).max(1)..last {
        let (block, _) = client.block(height, false).await?;
        heard.extend(block.signers.iter().map(|v| v.public_key));
    }
    let power = |found: &mut dyn Iterator<Item = &Validator>| -> u64 {
        found.fold(0, |sum, v| sum.saturating_add(v.power))
    };
    let total = power(&mut after.iter());
    let live = power(&mut after.iter().filter(|v| heard.contains(&v.public_key)));
    if exceeds_two_thirds(live, total) {
        return Ok(());
    }
    let silent = after.iter().filter(|v| !heard.contains(&v.public_key));
    let silent: Vec<String> = silent
        .map(|v| {
            format!(
                "{} of {}",
                hex::encode(v.public_key),
                plain(&v.organisation)
            )
        })
        .collect();
    output.remark(format!(
        "warning: after this change, validators that signed one of the last {BLOCKS} blocks hold {live} of {total} \
         voting power, and a block needs more than 2/3: the chain stands still until others vote. Not heard: {}. \
         Start them before (the node of a new key with `validator_candidate = true`), or remove first those that are \
         dead",
        silent.join("; ")
    ));
    Ok(())
}

/// The validators after a change of one of them.
fn changed(now: &ValidatorSet, kind: &Kind) -> Vec<Validator> {
    let mut after = now.as_slice().to_vec();
    match kind {
        Kind::PutValidator(put) => {
            let Ok(public_key) = encoding::exact("public_key", &put.public_key) else {
                return after;
            };
            after.retain(|v| v.public_key != public_key);
            after.push(Validator {
                public_key,
                power: put.power,
                organisation: put.organisation.clone(),
            });
        }
        Kind::RemoveValidator(key) => after.retain(|v| v.public_key != key.as_slice()),
        _ => {}
    }
    after
}
