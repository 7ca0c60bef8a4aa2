//! Two contradicting votes that reached one node while it ran their height: it must report them.

use std::collections::BTreeMap;

use prost::Message;
use touchstone_core::hash::Hash;
use touchstone_core::signing::Purpose;
use touchstone_proto::ledger;
use touchstone_proto::node::Misbehaviour;
use touchstone_proto::peer;
use touchstone_proto::peer::consensus_message::Message as Wire;

use super::verification;

/// Who signed, at which height, in which round, and which kind of vote.
type Step = (Vec<u8>, u64, u32, i32);

/// What each process has heard in its present life at its present height.
#[derive(Debug)]
pub struct Contradictions {
    chain_id: Hash,
    heard: BTreeMap<(usize, u64), Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    height: u64,
    /// A vote of each step, and whether another one that contradicts it came.
    votes: BTreeMap<Step, (peer::SignedVote, bool)>,
}

impl Contradictions {
    /// Nothing heard yet.
    pub fn new(chain_id: Hash) -> Contradictions {
        Contradictions {
            chain_id,
            heard: BTreeMap::new(),
        }
    }

    /// A message reaches a process whose machine agrees on a height and perhaps runs a round of it.
    pub fn hear(
        &mut self,
        process: usize,
        life: u64,
        (height, round): (u64, Option<u32>),
        bytes: &[u8],
    ) {
        // A height that isn't running yet may still have to wake up; what comes then is judged as
        // well, but this record only claims what is beyond doubt.
        let Some(round) = round else { return };
        let Ok(peer::ConsensusMessage {
            message: Some(Wire::Vote(signed)),
        }) = peer::ConsensusMessage::decode(bytes)
        else {
            return;
        };
        let Ok(vote) = ledger::Vote::decode(signed.vote.as_slice()) else {
            return;
        };
        // Malachite forgets the votes of rounds that it has passed, and ignores far ones.
        if vote.height != height || !(round..=round + 1).contains(&vote.round) {
            return;
        }
        let heard = self.heard.entry((process, life)).or_default();
        if heard.height != height {
            *heard = Heard {
                height,
                votes: BTreeMap::new(),
            };
        }
        let step = (signed.public_key.clone(), height, vote.round, vote.kind);
        let known = heard.votes.entry(step);
        let known = known.or_insert_with(|| (signed.clone(), false));
        if known.0.vote == signed.vote || known.1 || !holds(&self.chain_id, &signed) {
            return;
        }
        // The first was taken on trust.
        match holds(&self.chain_id, &known.0) {
            true => known.1 = true,
            false => known.0 = signed,
        }
    }

    /// A process has left a height. The first validator that contradicted itself there, as heard
    /// by this process, and that isn't accused in what it keeps.
    pub fn unreported(
        &mut self,
        process: usize,
        life: u64,
        height: u64,
        kept: &[Misbehaviour],
    ) -> Option<Vec<u8>> {
        let heard = self.heard.remove(&(process, life))?;
        if heard.height != height {
            return None;
        }
        let guilty = heard.votes.into_iter().filter(|(_, (_, twice))| *twice);
        let mut guilty = guilty.map(|((key, ..), _)| key);
        guilty.find(|key| {
            !kept
                .iter()
                .any(|e| e.validator == *key && e.height == height)
        })
    }
}

fn holds(chain_id: &Hash, signed: &peer::SignedVote) -> bool {
    let key = signed.public_key.as_slice().try_into();
    let signature = signed.signature.as_slice().try_into();
    match (key, signature) {
        (Ok(key), Ok(signature)) => {
            verification::verify(key, Purpose::Vote, chain_id, &signed.vote, signature)
        }
        _ => false,
    }
}
