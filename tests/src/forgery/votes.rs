//! Certificates as an attacker makes them: with the keys of less than a third of the voting power,
//! those of strangers, and signatures that honest validators gave to something else.

use touchstone_core::block::Header;
use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::governance::validators::ValidatorSet;
use touchstone_core::signing::{self, Purpose};
use touchstone_core::test_support::{Chain, key, public, voter};
use touchstone_proto::ledger::{CommitCertificate, Signature, VoteKind};

use crate::random::Random;

/// Numbers of keys that belong to nobody.
const STRANGERS: std::ops::RangeInclusive<u8> = 200..=207;

/// The validators in the attacker's hands: as many as fit below a third, by chance.
fn dishonest(set: &ValidatorSet, random: &mut Random) -> Vec<u8> {
    let members = set.as_slice();
    let mut seeds = Vec::new();
    let mut power = 0;
    for at in random.order(members.len()) {
        let member = &members[at];
        if (power + member.power) * 3 < set.total_power() {
            power += member.power;
            seeds.extend(voter(&member.public_key));
        }
    }
    seeds
}

/// A certificate for a block that the validators never decided.
pub fn forged(chain: &Chain, header: &Header, random: &mut Random) -> Option<CommitCertificate> {
    let at = (header.height as usize).wrapping_sub(1);
    let set = chain.sets.get(at).unwrap_or(&chain.validators);
    let round = random.below(3) as u32;
    let id = header.id();
    let vote = |kind, block_id| {
        let bytes = vote_bytes(kind, header.height, round, block_id);
        move |seed: u8| Signature {
            public_key: public(seed).to_vec(),
            signature: signing::sign(&key(seed), Purpose::Vote, &chain.id, &bytes).to_vec(),
        }
    };
    let precommit = vote(VoteKind::Precommit, Some(&id));
    let bad = dishonest(set, random);
    let mut signatures: Vec<Signature> = bad.iter().map(|seed| precommit(*seed)).collect();
    let honest = set.iter().filter_map(|v| voter(&v.public_key));
    let honest = honest.filter(|seed| !bad.contains(seed));
    match random.below(8) {
        // Too few votes.
        0 => {}
        // The same votes several times.
        1 => signatures = [signatures.clone(), signatures.clone(), signatures].concat(),
        // Votes of strangers.
        2 => signatures.extend(STRANGERS.map(&precommit)),
        // The honest ones' votes for another block of this height, or for another height.
        3 => signatures.extend(genuine(chain, header.height).signatures),
        4 => signatures.extend(genuine(chain, random.between(1, chain.height)).signatures),
        // Prevotes, or votes for nil, as if they were precommits.
        5 => signatures.extend(honest.map(vote(VoteKind::Prevote, Some(&id)))),
        6 => signatures.extend(honest.map(vote(VoteKind::Precommit, None))),
        _ => return None,
    }
    if random.permille(900) {
        signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
    }
    if random.permille(700) {
        let mut seen = std::collections::BTreeSet::new();
        signatures.retain(|s| seen.insert(s.public_key.clone()));
    }
    Some(CommitCertificate {
        height: header.height,
        round,
        block_id: id.to_vec(),
        signatures,
    })
}

/// The certificate of the block at a height; that of the last one for heights above.
fn genuine(chain: &Chain, height: u64) -> CommitCertificate {
    chain.certificate(height.clamp(1, chain.height))
}
