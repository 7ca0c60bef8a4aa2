//! Evidence of equivocation, in the ledger's form: anyone with the chain id can check it.

use arc_malachitebft_core_consensus::MisbehaviorEvidence;
use touchstone_proto::node::Misbehaviour;

use super::context::{Address, Ctx};
use super::message::{SignedProposal, SignedVote};

/// All pairs of conflicting messages, in the order of the validators. Malachite also pairs a
/// proposal with itself when its block counts as valid after all and another proposal of the round
/// is known: such a pair proves nothing.
pub fn convert(evidence: &MisbehaviorEvidence<Ctx>, validators: &[[u8; 32]]) -> Vec<Misbehaviour> {
    let mut found = Vec::new();
    for key in validators {
        let address = Address(*key);
        for (first, second) in evidence.proposals.get(&address).into_iter().flatten() {
            if first.message != second.message {
                found.push(proposals(first, second));
            }
        }
        for (first, second) in evidence.votes.get(&address).into_iter().flatten() {
            found.push(votes(first, second));
        }
    }
    found
}

fn proposals(first: &SignedProposal, second: &SignedProposal) -> Misbehaviour {
    Misbehaviour {
        validator: first.message.address.0.to_vec(),
        height: first.message.height.0,
        first: first.message.signed().1,
        first_signature: first.signature.to_vec(),
        second: second.message.signed().1,
        second_signature: second.signature.to_vec(),
        kind: "proposal".into(),
    }
}

fn votes(first: &SignedVote, second: &SignedVote) -> Misbehaviour {
    Misbehaviour {
        validator: first.message.address.0.to_vec(),
        height: first.message.height.0,
        first: first.message.signed().1,
        first_signature: first.signature.to_vec(),
        second: second.message.signed().1,
        second_signature: second.signature.to_vec(),
        kind: "vote".into(),
    }
}

#[cfg(test)]
mod tests {
    use arc_malachitebft_core_types::{Round, SignedMessage};

    use super::*;
    use crate::consensus::context::{BlockId, Height, Proposal};

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
