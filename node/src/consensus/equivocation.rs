//! Evidence of equivocation, in the ledger's form: anyone with the chain id can check it.

use arc_malachitebft_core_consensus::MisbehaviorEvidence;
use touchstone_proto::node::Misbehaviour;

use super::context::{Address, Ctx, Height};

/// All pairs of conflicting messages, in the order of the validators. Malachite also pairs a
/// proposal with itself when its block counts as valid after all and another proposal of the round
/// is known: such a pair proves nothing.
pub fn convert(evidence: &MisbehaviorEvidence<Ctx>, validators: &[[u8; 32]]) -> Vec<Misbehaviour> {
    let mut found = Vec::new();
    for key in validators {
        let address = Address(*key);
        let proposals = evidence.proposals.get(&address).into_iter().flatten();
        for (first, second) in proposals.filter(|(first, second)| first.message != second.message) {
            let signed = [first, second].map(|p| (p.message.signed().1, p.signature));
            found.push(pair("proposal", key, first.message.height, signed));
        }
        for (first, second) in evidence.votes.get(&address).into_iter().flatten() {
            let signed = [first, second].map(|v| (v.message.signed().1, v.signature));
            found.push(pair("vote", key, first.message.height, signed));
        }
    }
    found
}

fn pair(
    kind: &str,
    validator: &[u8; 32],
    Height(height): Height,
    [(first, first_signature), (second, second_signature)]: [(Vec<u8>, [u8; 64]); 2],
) -> Misbehaviour {
    Misbehaviour {
        validator: validator.to_vec(),
        height,
        first,
        first_signature: first_signature.to_vec(),
        second,
        second_signature: second_signature.to_vec(),
        kind: kind.into(),
    }
}

#[cfg(test)]
mod tests {
    use arc_malachitebft_core_types::{Round, SignedMessage};

    use super::*;
    use crate::consensus::context::{BlockId, Proposal};

    /// A proposal next to itself is no contradiction; next to another one it is.
    #[test]
    fn a_pair_of_equal_proposals_accuses_nobody() {
        let key = [7; 32];
        let proposal = |id: u8| {
            let proposal = Proposal {
                height: Height(3),
                round: Round::new(0),
                value: BlockId([id; 32]),
                valid_round: Round::Nil,
                address: Address(key),
            };
            SignedMessage::new(proposal, [0; 64])
        };
        let mut evidence = MisbehaviorEvidence {
            proposals: Default::default(),
            votes: Default::default(),
        };
        evidence.proposals.add(proposal(1), proposal(1));
        assert_eq!(convert(&evidence, &[key]), []);
        evidence.proposals.add(proposal(1), proposal(2));
        assert_eq!(convert(&evidence, &[key]).len(), 1);
    }
}
