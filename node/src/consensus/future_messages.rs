//! Messages of the height after the next: verified, bounded for each validator, handled when their
//! height comes. Malachite would queue them unverified.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::PeerTag;
use super::context::number;
use super::message::Message;

/// Votes kept of one validator: two rounds' prevote and precommit.
const VOTES: u32 = 4;

/// Proposals are kept for rounds below this one, so that they hold at most so many bodies per
/// height, whatever the validators send.
const PROPOSAL_ROUNDS: u32 = 2;

/// The messages of one future height.
#[derive(Debug, Default)]
pub struct FutureMessages {
    height: u64,
    messages: VecDeque<(PeerTag, Message)>,
    votes: BTreeMap<[u8; 32], u32>,
    proposals: BTreeSet<u32>,
}

impl FutureMessages {
    /// Keeps a verified message of `height`, or drops it if its sender has had its share.
    pub fn keep(&mut self, height: u64, from: PeerTag, message: Message) {
        if self.height != height {
            *self = FutureMessages {
                height,
                ..FutureMessages::default()
            };
        }
        let is_kept = match &message {
            Message::Vote(vote) => {
                let count = self.votes.entry(vote.message.address.0).or_insert(0);
                *count += 1;
                *count <= VOTES
            }
            Message::Proposal(proposal, _) => {
                let round = number(proposal.message.round);
                round < PROPOSAL_ROUNDS && self.proposals.insert(round)
            }
            _ => false,
        };
        if is_kept {
            self.messages.push_back((from, message));
        }
    }

    /// The next message of `height`; older ones are dropped.
    pub fn take(&mut self, height: u64) -> Option<(PeerTag, Message)> {
        match self.height == height {
            true => self.messages.pop_front(),
            false => {
                if self.height < height {
                    self.messages.clear();
                }
                None
            }
        }
    }
}
