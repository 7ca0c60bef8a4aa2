//! Messages of heights after the next: verified, bounded for each validator and height, handled when their height
//! comes. Malachite would queue them unverified.
//!
//! A validator that is slow for a moment is soon some heights behind, as the others decide without it. What it didn't
//! keep it would have to ask for, and when its turn comes the others wait for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::PeerTag;
use super::context::{Vote, number};
use super::message::Message;

/// Heights after the next of which messages are kept.
pub const HEIGHTS: u64 = 4;

/// Votes kept of one validator of each height: two rounds' prevote and precommit.
const VOTES: usize = 4;

/// Proposals are kept for rounds below this one, so that they hold at most so many bodies per
/// height, whatever the validators send.
const PROPOSAL_ROUNDS: u32 = 2;

/// The messages of future heights.
#[derive(Debug, Default)]
pub struct FutureMessages {
    heights: BTreeMap<u64, OfHeight>,
}

/// The messages of one of them.
#[derive(Debug, Default)]
struct OfHeight {
    messages: VecDeque<(PeerTag, Message)>,
    /// The votes of each validator, each once: where messages come late they come over several connections.
    votes: BTreeMap<[u8; 32], Vec<Vote>>,
    proposals: BTreeSet<u32>,
}

impl FutureMessages {
    /// Keeps a verified message of `height`, or drops it if its sender has had its share.
    pub fn keep(&mut self, height: u64, from: PeerTag, message: Message) {
        let kept = self.heights.entry(height).or_default();
        let is_kept = match &message {
            Message::Vote(vote) => {
                let votes = kept.votes.entry(vote.message.address.0).or_default();
                let is_new = votes.len() < VOTES && !votes.contains(&vote.message);
                if is_new {
                    votes.push(vote.message.clone());
                }
                is_new
            }
            Message::Proposal(proposal, _) => {
                let round = number(proposal.message.round);
                round < PROPOSAL_ROUNDS && kept.proposals.insert(round)
            }
            _ => false,
        };
        if is_kept {
            kept.messages.push_back((from, message));
        }
    }

    /// Whether a proposal for this round of `height` would be kept.
    pub fn lacks_proposal(&self, height: u64, round: u32) -> bool {
        let kept = self.heights.get(&height);
        round < PROPOSAL_ROUNDS && kept.is_none_or(|kept| !kept.proposals.contains(&round))
    }

    /// The next message of `height`; older ones are dropped.
    pub fn take(&mut self, height: u64) -> Option<(PeerTag, Message)> {
        while let Some(first) = self.heights.first_entry()
            && *first.key() < height
        {
            first.remove();
        }
        self.heights.get_mut(&height)?.messages.pop_front()
    }
}
