//! Blocks that break one rule each, as like a valid one as can be.

use touchstone_core::block::Block;
use touchstone_core::proof::transaction_tree;

use crate::random::Random;

/// A day, milliseconds.
const DAY_MS: u64 = 86_400_000;

/// A block for this height like a known one of it, or of the height before, that breaks a rule.
pub fn invalid(known: &Block, height: u64, own: [u8; 32], random: &mut Random) -> Block {
    let mut block = known.clone();
    if known.header.height < height {
        block.header.height = height;
        block.header.parent = known.id();
        block.header.time_ms += 1;
    }
    block.header.proposer = own;
    let header = &mut block.header;
    let place = random.index(32);
    match random.below(15) {
        0 => header.chain_id[place] ^= 1,
        1 => header.parent[place] ^= 1,
        2 => header.state_root[place] ^= 1,
        3 => header.validators_hash[place] ^= 1,
        4 => header.next_validators_hash[place] ^= 1,
        5 => header.proposer[place] ^= 1,
        6 => header.height += 1,
        7 => header.time_ms = 0,
        8 => header.time_ms += DAY_MS,
        9 => header.time_ms = header.time_ms.saturating_sub(DAY_MS),
        // Envelopes that aren't those of the header.
        10 => header.transaction_root[place] ^= 1,
        11 => header.transaction_count += 1,
        // Envelopes that are, and mustn't be there.
        kind => {
            match (kind, block.transactions.last_mut()) {
                (12, Some(last)) => last.truncate(place),
                (13, Some(last)) => {
                    let again = last.clone();
                    block.transactions.push(again);
                }
                _ => block.transactions.push(vec![0; place]),
            }
            block.header.transaction_count = block.transactions.len() as u64;
            block.header.transaction_root = transaction_tree::root(&block.transactions);
        }
    }
    block
}
