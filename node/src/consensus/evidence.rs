//! Evidence of equivocation, in the ledger's form: anyone with the chain id can check it.

use arc_malachitebft_core_consensus::MisbehaviorEvidence;
use touchstone_proto::node::Misbehaviour;

use super::context::{Address, Ctx};
use super::message::{SignedProposal, SignedVote};

/// All pairs of conflicting messages, in the order of the validators.
pub fn convert(evidence: &MisbehaviorEvidence<Ctx>, validators: &[[u8; 32]]) -> Vec<Misbehaviour> {
    let mut found = Vec::new();
    for key in validators {
        let address = Address(*key);
        for (first, second) in evidence.proposals.get(&address).into_iter().flatten() {
            found.push(proposals(first, second));
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
